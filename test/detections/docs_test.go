package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/test/detections/made"
)

var update = flag.Bool("update", false, "rewrite docs/detections.md")

const docsPath = "../../docs/detections.md"

// generated finds a generated block and its name.
var generated = regexp.MustCompile(`(?s)<!-- generated: ([a-z ]+) -->\n(.*?)<!-- end -->\n`)

// The tables of docs/detections.md are those that are measured, and scan finds what a slow
// count finds.
func TestDocs(t *testing.T) {
	fleet := made.Fleet(docsSeed)
	if err := compare(fleet.Records); err != nil {
		t.Error(err)
	}
	want := map[string]string{"logs": fmt.Sprintf("Seed %d: %d records of %d hosts.\n", docsSeed, len(fleet.Records), len(fleet.Hosts))}
	for _, block := range tables(fleet, made.History(docsSeed)) {
		want[block.name] = block.text
	}

	doc, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	rewritten := generated.ReplaceAllStringFunc(string(doc), func(block string) string {
		name := generated.FindStringSubmatch(block)[1]
		text, ok := want[name]
		if !ok {
			t.Errorf("docs/detections.md has a block %q, which is not measured", name)
		}
		delete(want, name)
		return "<!-- generated: " + name + " -->\n" + text + "<!-- end -->\n"
	})
	for name := range want {
		t.Errorf("docs/detections.md has no block %q", name)
	}
	if *update {
		if err := os.WriteFile(docsPath, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(doc), rewritten); diff != "" {
		t.Errorf("docs/detections.md: go test ./test/detections -update rewrites it (-document +measured):\n%s", diff)
	}
}

// The made logs are the same for a seed, and differ between seeds.
func TestFleet_seed(t *testing.T) {
	first := made.Fleet(1)
	if diff := cmp.Diff(first.Records[:1000], made.Fleet(1).Records[:1000]); diff != "" {
		t.Errorf("two runs of one seed differ:\n%s", diff)
	}
	if cmp.Equal(first.Records[:1000], made.Fleet(2).Records[:1000]) {
		t.Error("two seeds give the same records")
	}
	if len(made.Families()) != 34 {
		t.Errorf("%d families, want 34", len(made.Families()))
	}
}
