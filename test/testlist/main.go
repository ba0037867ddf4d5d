// Command testlist compares the tests of all modules with test/testdata/tests.txt, so that no
// test is lost silently: not by a move, not by a build constraint, not in a merge. It fails if
// a listed test does not exist, or if a test is not listed. With -add it first adds the tests
// that are not listed, and sorts. Nothing but an editor removes a line, in the commit that
// removes the test.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", ".", "the folder of the root module")
	list := flag.String("list", "test/testdata/tests.txt", "the list, relative to the root")
	add := flag.Bool("add", false, "add the tests that are not listed")
	flag.Parse()
	if err := run(*root, filepath.Join(*root, *list), *add); err != nil {
		fmt.Fprintln(os.Stderr, "testlist:", err)
		os.Exit(1)
	}
}

func run(root, path string, add bool) error {
	tests, err := find(root)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var listed []string
	for line := range strings.Lines(string(text)) {
		listed = append(listed, strings.TrimSpace(line))
	}

	missing := without(listed, tests)
	unlisted := without(tests, listed)
	if add && (len(unlisted) > 0 || !slices.IsSorted(listed)) {
		listed = append(listed, unlisted...)
		slices.Sort(listed)
		if err := os.WriteFile(path, []byte(strings.Join(listed, "\n")+"\n"), 0o644); err != nil {
			return err
		}
		fmt.Printf("sorted %s and added %d tests\n", path, len(unlisted))
		unlisted = nil
	}
	return problems(path, missing, unlisted)
}

// problems returns an error that names the tests that do not exist and those that are not
// listed, or nil if there are none.
func problems(path string, missing, unlisted []string) error {
	var text bytes.Buffer
	if len(missing) > 0 {
		fmt.Fprintf(&text, "%d tests in %s do not exist; restore them, or remove their lines if they are gone on purpose:\n  %s\n",
			len(missing), path, strings.Join(missing, "\n  "))
	}
	if len(unlisted) > 0 {
		fmt.Fprintf(&text, "%d tests are not in %s; `make testlist` adds them:\n  %s\n",
			len(unlisted), path, strings.Join(unlisted, "\n  "))
	}
	if text.Len() == 0 {
		return nil
	}
	return fmt.Errorf("%s", bytes.TrimSpace(text.Bytes()))
}

// without returns the elements of a that are not in b. An element that a has more often than
// b is returned as well.
func without(a, b []string) []string {
	count := make(map[string]int, len(b))
	for _, name := range b {
		count[name]++
	}
	var others []string
	for _, name := range a {
		if count[name]--; count[name] < 0 {
			others = append(others, name)
		}
	}
	return others
}
