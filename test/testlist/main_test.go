package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const source = `//go:build never

package p

import "testing"

func TestMain(*testing.M)         {}
func Test(*testing.T)             {}
func TestName(*testing.T)         {}
func Test_name(*testing.T)        {}
func Testify(*testing.T)          {}
func (suite) TestMethod(*testing.T) {}
func FuzzName(*testing.F)         {}
func BenchmarkName(*testing.B)    {}
func ExampleName_suffix()         {}
func helper()                     {}
`

// tree writes files, by their paths, and returns their folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFind(t *testing.T) {
	root := tree(t, map[string]string{
		"pkg/a/a_test.go":           source,
		"pkg/a/a.go":                "package a\nfunc TestCode() {}\n",
		"nested/go.mod":             "module nested\n",
		"nested/b/b_test.go":        "package b\nfunc TestNested() {}\n",
		"pkg/a/testdata/in_test.go": "package in\nfunc TestData() {}\n",
		".bin/tool/tool_test.go":    "package tool\nfunc TestTool() {}\n",
	})
	got, err := find(root)
	want := []string{"nested/b.TestNested", "pkg/a.BenchmarkName (never)", "pkg/a.ExampleName_suffix (never)",
		"pkg/a.FuzzName (never)", "pkg/a.Test (never)", "pkg/a.TestName (never)", "pkg/a.Test_name (never)"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
}

func TestFind_errors(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no tests":     {"a.go": "package a\n"},
		"not Go":       {"a_test.go": "func"},
		"empty folder": nil,
	} {
		if got, err := find(tree(t, files)); err == nil {
			t.Errorf("%s: got %v without an error", name, got)
		}
	}
}

func TestRun(t *testing.T) {
	const code = "package a\nfunc TestA() {}\nfunc TestB() {}\n"
	for _, test := range []struct {
		name, list string
		add        bool
		wantErr    string // the tests that the error names
		wantList   string
	}{
		{"equal", "a.TestA\na.TestB\n", false, "", "a.TestA\na.TestB\n"},
		{"a test is gone", "a.TestA\na.TestB\nb.TestGone\n", false, "b.TestGone", "a.TestA\na.TestB\nb.TestGone\n"},
		{"a test is new", "a.TestB\n", false, "a.TestA", "a.TestB\n"},
		{"one of two with the same name is gone", "a.TestA\na.TestA\na.TestB\n", false, "a.TestA", "a.TestA\na.TestA\na.TestB\n"},
		{"add", "a.TestB\n", true, "", "a.TestA\na.TestB\n"},
		{"sort after a merge", "a.TestB\na.TestA\n", true, "", "a.TestA\na.TestB\n"},
		{"add never removes", "a.TestB\nb.TestGone\n", true, "b.TestGone", "a.TestA\na.TestB\nb.TestGone\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := tree(t, map[string]string{"a/a_test.go": code, "tests.txt": test.list})
			path := filepath.Join(root, "tests.txt")
			err := run(root, path, test.add)
			if got := named(err); got != test.wantErr {
				t.Errorf("%v: names %q, want %q", err, got, test.wantErr)
			}
			list, err := os.ReadFile(path)
			if err != nil || string(list) != test.wantList {
				t.Errorf("the list is %q, %v, want %q", list, err, test.wantList)
			}
		})
	}
}

// named returns the tests that an error names.
func named(err error) string {
	if err == nil {
		return ""
	}
	var tests []string
	for line := range strings.Lines(err.Error()) {
		if test, ok := strings.CutPrefix(line, "  "); ok {
			tests = append(tests, strings.TrimSpace(test))
		}
	}
	return strings.Join(tests, " ")
}
