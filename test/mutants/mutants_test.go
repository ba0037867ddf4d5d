package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// The files of all parts exist, and so do the tests that are left out.
func TestParts(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile(filepath.Join(root, "test", "testdata", "tests.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		for _, file := range p.files {
			if _, err := os.Stat(filepath.Join(root, p.folder, file)); err != nil {
				t.Errorf("part %s: %v", p.name, err)
			}
		}
		for name := range strings.SplitSeq(strings.TrimSuffix(p.slow, "$"), "|") {
			if name != "" && !strings.Contains(string(list), p.folder+"."+strings.TrimSuffix(name, "$")) {
				t.Errorf("part %s leaves out %s, and there is no such test in %s", p.name, name, p.folder)
			}
		}
	}
}

// Every explanation is about a line that exists, and says why.
func TestExplained(t *testing.T) {
	t.Parallel()
	all, err := readExplained(root)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(all, byFile) {
		t.Error("explained.tsv is not sorted by file, line and kind")
	}
	for i, e := range all {
		in, err := readSource(filepath.Join(root, e.file))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		found := slices.ContainsFunc(in.lines, func(line string) bool { return strings.TrimSpace(line) == e.line })
		known := slices.ContainsFunc(parts, func(p part) bool {
			return p.folder == filepath.ToSlash(filepath.Dir(e.file)) && slices.Contains(p.files, filepath.Base(e.file))
		})
		if !found || !known || len(e.why) < len("it is the same") || find(all[:i], e.file, e.mutator, e.line) != nil {
			t.Errorf("%s: not a line of a part, without a reason, or twice", &e)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	chosen, err := choose([]string{"marker", "pkg/index/match.go"})
	if err != nil || len(chosen) != 2 || len(chosen[0].files) < 2 || !slices.Equal(chosen[1].files, []string{"match.go"}) {
		t.Errorf("got %+v, %v", chosen, err)
	}
	if all, err := choose(nil); err != nil || len(all) != len(parts) {
		t.Errorf("without names: %d parts, %v", len(all), err)
	}
	if _, err := choose([]string{"marker", "nothing"}); err == nil || strings.Contains(err.Error(), "marker") {
		t.Errorf("an unknown name: %v", err)
	}
}

// A score counts what tests notice, without what cannot be tested and what is explained.
func TestScore(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("pkg/p/a.go", "package p\n\nconst c = 1 + 2\n\nfunc f(a, b int, s string) string {\n\tif a < b && b > 2 {\n\t\ts = \"x\" + s\n\t}\n\treturn s\n}\n")
	p := &part{name: "p", folder: "pkg/p", files: []string{"a.go", "b.go"}}
	source, err := hashOf(filepath.Join(folder, "pkg/p"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(results{Source: source, Mutants: []mutant{
		{"CONDITIONALS_BOUNDARY", killed, 6, 7},
		{"CONDITIONALS_NEGATION", timedOut, 6, 7},
		{"CONDITIONALS_NEGATION", lived, 6, 16},
		{"CONDITIONALS_BOUNDARY", lived, 6, 16},
		{"ARITHMETIC_BASE", notCovered, 3, 13},
		{"ARITHMETIC_BASE", killed, 7, 11},
		{"ARITHMETIC_BASE", notViable, 9, 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write("out/p-a.json", string(kept))

	o := &options{root: folder, out: filepath.Join(folder, "out")}
	explained := []explanation{
		{"pkg/p/a.go", "CONDITIONALS_BOUNDARY", "if a < b && b > 2 {", "there is no such b"},
		{"pkg/p/a.go", "CONDITIONALS_BOUNDARY", "return s", "it is gone"},
	}
	s, err := scoreOf(o, p, explained)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s.print(&out)
	want := `p (pkg/p): tests notice 2 of 3 changes, 66.7 %; 1 make no difference, 3 do not count
  LIVED       CONDITIONALS_NEGATION pkg/p/a.go:6:16  if a < b && b > 2 {
  explained, but noticed or gone: CONDITIONALS_BOUNDARY pkg/p/a.go: return s
  not tested: pkg/p/b.go
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}

	write("pkg/p/a_test.go", "package p\n")
	if changed, err := scoreOf(o, p, explained); err != nil || len(changed.untested) != 2 {
		t.Errorf("after a change of the package: %+v, %v", changed, err)
	}
}

func TestMutant_apply(t *testing.T) {
	t.Parallel()
	text := "package p\n\nfunc f() {\n\tif a <= -b-c {\n\t\ti++\n\t}\n}\n"
	for _, tt := range []struct {
		m    mutant
		want string // the changed line; empty for an error
	}{
		{mutant{Type: "CONDITIONALS_BOUNDARY", Line: 4, Column: 7}, "if a < -b-c {"},
		{mutant{Type: "CONDITIONALS_NEGATION", Line: 4, Column: 7}, "if a > -b-c {"},
		{mutant{Type: "INVERT_NEGATIVES", Line: 4, Column: 10}, "if a <= +b-c {"},
		{mutant{Type: "ARITHMETIC_BASE", Line: 4, Column: 12}, "if a <= -b+c {"},
		{mutant{Type: "INCREMENT_DECREMENT", Line: 5, Column: 4}, "i--"},
		{mutant{Type: "ARITHMETIC_BASE", Line: 4, Column: 2}, ""},
		{mutant{Type: "ARITHMETIC_BASE", Line: 40, Column: 2}, ""},
	} {
		got, err := tt.m.apply([]byte(text))
		if (err != nil) != (tt.want == "") {
			t.Errorf("%+v: %v", tt.m, err)
			continue
		}
		if line := strings.TrimSpace(strings.Split(string(got)+strings.Repeat("\n", 50), "\n")[tt.m.Line-1]); tt.want != "" && line != tt.want {
			t.Errorf("%+v: %q, want %q", tt.m, line, tt.want)
		}
	}
}
