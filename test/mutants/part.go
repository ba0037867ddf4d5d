package main

import (
	"fmt"
	"path"
	"slices"
)

// part is a part of the product whose tests are tested.
type part struct {
	name   string
	folder string
	files  []string
	// slow are tests that are left out, because they take seconds and other tests check the same
	// lines.
	slow string
}

// parts are the parts in which a mistake marks records wrongly, or publishes what it must not.
var parts = []part{
	{
		name: "marker", folder: "pkg/verdict",
		files: []string{"line.go", "marker.go", "rdata.go", "remark.go", "verdict.go", "within.go"},
	},
	{
		name: "matcher", folder: "pkg/index",
		files: []string{"address.go", "entry.go", "filter.go", "match.go", "names.go", "pointer.go", "reach.go"},
	},
	{
		name: "guards", folder: "pkg/list",
		files: []string{"change.go", "entryguard.go", "guards.go", "read.go", "refusal.go", "wellknown.go"},
		slow:  "TestCorpus|TestRead_reach$",
	},
	{
		name: "publishing", folder: "pkg/importer",
		files: []string{
			"attempt.go", "build.go", "indexplan.go", "leftout.go", "pointer.go", "publish.go", "reachcheck.go", "selfcheck.go",
			"servingindex.go", "sizecheck.go", "sweep.go",
		},
		slow: "TestImporter_refusesSlow|TestImport_brokenLists|TestImporter_comparesEntries|TestImporter_Handle_fetchedBomb",
	},
}

// choose returns the parts with these names, or with only these files. Without any, it returns all.
func choose(only []string) ([]part, error) {
	if len(only) == 0 {
		return parts, nil
	}
	var chosen []part
	unknown := slices.Clone(only)
	for _, p := range parts {
		var files []string
		for _, file := range p.files {
			if slices.Contains(only, p.name) || slices.Contains(only, path.Join(p.folder, file)) {
				files = append(files, file)
			}
			unknown = slices.DeleteFunc(unknown, func(word string) bool { return word == p.name || word == path.Join(p.folder, file) })
		}
		if p.files = files; len(files) > 0 {
			chosen = append(chosen, p)
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no part or file %q: see test/mutants/part.go", unknown)
	}
	return chosen, nil
}
