//go:build !race

package resolverwatch_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/refusals.txt")

const refusalsFile = "testdata/refusals.txt"

// refusals is the golden of every refusal: its wording is written nowhere else. Each text has
// a section, named after its test.
type refusals struct {
	loaded bool
	texts  map[string]string // by section, as in the file
	seen   map[string]bool   // sections of this run
	calls  map[string]int    // of running tests
}

var golden = refusals{texts: map[string]string{}, seen: map[string]bool{}, calls: map[string]int{}}

// wantRefused checks that define panics with one line for each construct and prop, in order,
// such as "Test/Importer Timeout". The lines must be those of the golden.
func wantRefused(t *testing.T, define func(stack awscdk.Stack), props ...string) {
	t.Helper()
	stack := newStack(t)
	got := refusedBy(t, func() { define(stack) })
	if diff := cmp.Diff(props, propsOf(got)); diff != "" {
		t.Errorf("refused props (-want +got):\n%s\n%s", diff, got)
	}
	golden.compare(t, got)
}

// propsOf returns the construct and the prop that each line of a refusal names.
func propsOf(refusal string) []string {
	var props []string
	for line := range strings.Lines(refusal) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		prop, _, _ := strings.Cut(rest, ":")
		props = append(props, path+" "+prop)
	}
	return props
}

func (r *refusals) load(t *testing.T) {
	t.Helper()
	if r.loaded {
		return
	}
	text, err := os.ReadFile(refusalsFile)
	if err != nil {
		t.Fatal(err)
	}
	r.loaded = true
	for section := range strings.SplitSeq(string(text), "== ") {
		if name, body, found := strings.Cut(section, "\n"); found {
			r.texts[name] = strings.TrimSpace(body)
		}
	}
}

// compare compares a refusal with the next one of its test.
func (r *refusals) compare(t *testing.T, got string) {
	t.Helper()
	r.load(t)
	name := t.Name()
	if r.calls[name]++; r.calls[name] == 1 {
		t.Cleanup(func() { delete(r.calls, name) })
	}
	section := fmt.Sprintf("%s %d", name, r.calls[name])
	r.seen[section] = true
	got = strings.TrimSpace(got)
	if *update {
		r.texts[section] = got
		return
	}
	if diff := cmp.Diff(r.texts[section], got); diff != "" {
		t.Errorf("%s, section %s; -update rewrites it (-want +got):\n%s", refusalsFile, section, diff)
	}
}

// finish rewrites the golden with -update. If all tests have run, it removes sections that no
// test has, or returns an error that names them.
func (r *refusals) finish() error {
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
	for _, section := range slices.Sorted(maps.Keys(r.texts)) {
		if !all || r.seen[section] {
			continue
		}
		if !*update {
			return fmt.Errorf("%s: no test has the section %s; -update removes it", refusalsFile, section)
		}
		delete(r.texts, section)
	}
	if !*update {
		return nil
	}
	var text strings.Builder
	for _, section := range slices.Sorted(maps.Keys(r.texts)) {
		fmt.Fprintf(&text, "== %s\n%s\n\n", section, r.texts[section])
	}
	return os.WriteFile(refusalsFile, []byte(strings.TrimSpace(text.String())+"\n"), 0o644)
}
