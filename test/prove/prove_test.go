package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every test that a row names exists.
func TestTables(t *testing.T) {
	t.Parallel()
	tables, err := readTables("testdata", "faults", "hostile")
	if err != nil || len(tables) != 2 || len(tables[0].Rows) < 24 || len(tables[1].Rows) < 20 {
		t.Fatalf("got %d tables: %v", len(tables), err)
	}
	text, err := os.ReadFile("../testdata/tests.txt")
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		exists[name] = true
	}
	for _, table := range tables {
		for _, row := range table.Rows {
			for _, test := range row.Tests {
				if !exists[withoutPart(test.Name)] {
					t.Errorf("%s %s: %s does not exist", table.Name, row.ID, test.Name)
				}
			}
		}
	}
}

// withoutPart returns the test that a part belongs to.
func withoutPart(name string) string {
	folder, test, _ := splitTest(name)
	test, _, _ = strings.Cut(test, "/")
	return folder + "." + test
}

func TestParseRows_refusals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "id\tcase", columns + "\n1\ta\tb", columns + "\n1\ta\t\tpkg/x.TestA", columns + "\n1\ta\tb\tTestA", columns + "\n1\ta\tb\tpkg/x.Example",
	} {
		if rows, err := parseRows(text); err == nil {
			t.Errorf("%q: got %v", text, rows)
		}
	}
}

// A row passes if all of its tests passed.
func TestRow_setResult(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tests []Result
		want  Result
	}{
		{nil, NoTest},
		{[]Result{Passed, Passed}, Passed},
		{[]Result{Passed, Failed, Passed}, Failed},
		{[]Result{Skipped, Failed}, Failed},
		{[]Result{Skipped, Passed}, Skipped},
		{[]Result{Passed, NotRun}, NotRun},
	} {
		var r Row
		for _, result := range tt.tests {
			r.Tests = append(r.Tests, &Test{Result: result})
		}
		if r.setResult(); r.Result != tt.want {
			t.Errorf("%v: got %s, want %s", tt.tests, r.Result, tt.want)
		}
	}
}

// The tests of a package with a passed, a failed and a skipped test, and of one that does not
// compile, are reported as they are.
func TestRunFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module " + strings.TrimSuffix(module, "/") + "\n",
		"a/a_test.go": `package a
import "testing"
func TestGood(t *testing.T) { t.Run("part", func(*testing.T) {}) }
func TestBad(t *testing.T)  { t.Error("wrong") }
func TestSkip(t *testing.T) { t.Skip("why") }
`,
		"b/b_test.go": "package b\nfunc TestGood(",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	var rows []Row
	want := []Result{Passed, Passed, Failed, Skipped, NotRun, NotRun}
	for _, name := range []string{"a.TestGood", "a.TestGood/part", "a.TestBad", "a.TestSkip", "a.TestGone", "b.TestGood"} {
		rows = append(rows, Row{Tests: []*Test{{Name: name, Result: NotRun}}})
	}
	if err := runTables(t.Context(), root, []*Table{{Rows: rows}}); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if rows[i].Result != want[i] {
			t.Errorf("%s: got %s, want %s", rows[i].Tests[0].Name, rows[i].Result, want[i])
		}
	}
}

// The page says at once whether all is well, and marks what is not.
func TestProof_page(t *testing.T) {
	t.Parallel()
	proof := func(result Result) *Proof {
		row := Row{ID: "1", Case: "a <b>", Required: "c", Result: result, Tests: []*Test{{Name: "pkg/x.TestY", Result: result}}}
		p := &Proof{Started: time.Now(), Tables: []*Table{{Name: "faults", Title: "Faults", Rows: []Row{row}}}, Records: &Records{Records: 1234567}}
		p.finish()
		return p
	}
	for result, want := range map[Result][]string{
		Passed:  {"Every case came out as required", "1 of 1", "a &lt;b&gt;", "1,234,567", "pkg/x.TestY"},
		Failed:  {"Not every case", "0 of 1", `class="no">FAILED`},
		Skipped: {"Not every case", "0 of 1", `class="no">skipped`},
	} {
		var out bytes.Buffer
		if err := page.Execute(&out, proof(result)); err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s: the page lacks %q:\n%s", result, text, &out)
			}
		}
	}
}

func TestProof_write(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "new")
	if err := (&Proof{Records: &Records{Wrong: true}}).write(folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prove.html", "prove.json"} {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err != nil || len(text) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
}
