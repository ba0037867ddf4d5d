// Package exports_test checks that every exported name has a user in another production
// package. It is in this module because it needs golang.org/x/tools.
package exports_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// faces are the packages whose exported names are all for apps.
var faces = []string{
	"infra/config.",        // settings of a deployment
	"infra/gofunction.",    // a construct
	"infra/resolverwatch.", // the constructs
	"pkg/settings.",        // settings
}

// Every exported name has a user in another production package, or is in testdata/exceptions.txt
// with the reason why it is exported.
func TestExportedNames(t *testing.T) {
	found, err := loadUses("../../..", "github.com/resolverwatch/resolverwatch",
		"./cmd/...", "./infra/...", "./internal/...", "./lambdas/...", "./pkg/...")
	if err != nil {
		t.Fatal(err)
	}
	without := slices.DeleteFunc(found.without(), func(name string) bool {
		return slices.ContainsFunc(faces, func(face string) bool { return strings.HasPrefix(name, face) })
	})

	listed := exceptions(t)
	for _, name := range without {
		if !slices.Contains(listed, name) {
			t.Errorf("%s is exported, but no other production package uses it: unexport it, or list it in testdata/exceptions.txt", name)
		}
	}
	used := 0
	for _, name := range listed {
		if !slices.Contains(without, name) {
			used++
			t.Errorf("%s is gone or has a user: remove it from testdata/exceptions.txt", name)
		}
	}
	t.Logf("exported names without a user: %d, of them listed with a reason: %d", len(without), len(listed)-used)
}

// exceptions returns the names in testdata/exceptions.txt. A line without indent is the reason for
// the names below it.
func exceptions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	hasReason := false
	for line := range strings.Lines(string(text)) {
		name, isName := strings.CutPrefix(strings.TrimRight(line, "\n"), "\t")
		switch {
		case name == "":
			hasReason = false
		case isName && !hasReason:
			t.Errorf("testdata/exceptions.txt: %s has no reason", name)
		case isName && slices.Contains(names, name):
			t.Errorf("testdata/exceptions.txt: %s is there twice", name)
		case isName:
			names = append(names, name)
		default:
			hasReason = true
		}
	}
	return names
}

// The test above can fail: it finds the unused names of a module that has a case of each rule.
func TestExportedNames_rules(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/rules.txtar")
	if err != nil {
		t.Fatal(err)
	}
	folder, want := t.TempDir(), ""
	for _, file := range archive.Files {
		if file.Name == "want" {
			want = string(file.Data)
			continue
		}
		path := filepath.Join(folder, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	found, err := loadUses(folder, "example.test/module", "./...")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Fields(want), found.without()); diff != "" {
		t.Errorf("exported names without a user (-want +got):\n%s", diff)
	}
}
