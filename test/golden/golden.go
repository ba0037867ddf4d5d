// Package golden pins texts that users see in a file with a section for each test, so that
// their wording is written once. Tests themselves compare typed facts.
package golden

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// File is a file of sections. A section begins with a line such as "== TestName 1": the test,
// and the number of the text within it.
type File struct {
	path   string
	update *bool

	mu       sync.Mutex
	loadErr  error
	isLoaded bool
	texts    map[string]string // by section, as in the file
	seen     map[string]bool   // the sections of this run
	calls    map[string]int    // of the running tests
}

// New returns the file at a path. If *update is true when a test runs, the file takes the
// texts of the test.
func New(path string, update *bool) *File {
	return &File{path: path, update: update, texts: map[string]string{}, seen: map[string]bool{}, calls: map[string]int{}}
}

// Main runs the tests of a package and then calls Finish. It returns the exit code.
func (f *File) Main(m *testing.M) (code int) {
	code = m.Run()
	if err := f.Finish(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Compare compares a text with the next section of its test. It ignores the space around the
// text.
func (f *File) Compare(t *testing.T, got string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	name := t.Name()
	if f.calls[name]++; f.calls[name] == 1 {
		t.Cleanup(func() { f.forget(name) })
	}
	section := fmt.Sprintf("%s %d", name, f.calls[name])
	f.seen[section] = true
	got = strings.TrimSpace(got)
	if *f.update {
		f.texts[section] = got
		return
	}
	if diff := cmp.Diff(f.texts[section], got); diff != "" {
		t.Errorf("%s, section %s; go test -update rewrites it (-want +got):\n%s", f.path, section, diff)
	}
}

// forget starts the numbers of a test again, for go test -count.
func (f *File) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.calls, name)
}

// load reads the file, once. A file that does not exist is empty.
func (f *File) load() error {
	if f.isLoaded {
		return f.loadErr
	}
	f.isLoaded = true
	text, err := os.ReadFile(f.path)
	if err != nil && !os.IsNotExist(err) {
		f.loadErr = err
		return err
	}
	for section := range strings.SplitSeq("\n"+string(text), "\n== ") {
		if name, body, found := strings.Cut(section, "\n"); found && name != "" {
			f.texts[name] = strings.TrimSpace(body)
		}
	}
	return nil
}

// Finish rewrites the file if it is to be updated. If no test was left out, it removes the
// sections of tests that do not exist, or returns an error that names the first of them.
func (f *File) Finish() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(); err != nil {
		return err
	}
	if ranAll() {
		for _, section := range slices.Sorted(maps.Keys(f.texts)) {
			if f.seen[section] {
				continue
			}
			if !*f.update {
				return fmt.Errorf("%s: no test has the section %s; go test -update removes it", f.path, section)
			}
			delete(f.texts, section)
		}
	}
	if !*f.update {
		return nil
	}
	var text strings.Builder
	for _, section := range slices.Sorted(maps.Keys(f.texts)) {
		fmt.Fprintf(&text, "== %s\n%s\n\n", section, f.texts[section])
	}
	return os.WriteFile(f.path, []byte(strings.TrimSpace(text.String())+"\n"), 0o644)
}

// ranAll reports whether the flags of go test select all tests.
func ranAll() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
