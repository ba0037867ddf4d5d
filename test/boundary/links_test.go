package boundary_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notInSlug = regexp.MustCompile(`[^\w\- ]`)
	ownID     = regexp.MustCompile(`<a id="([^"]+)"></a>`)
)

// Links between documents lead to existing files and headings.
func TestLinks(t *testing.T) {
	for _, document := range documents(t) {
		text := codeBlock.ReplaceAllString(read(t, document), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			path, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := document
			if path != "" {
				target = filepath.Join(filepath.Dir(document), path)
			}
			if _, err := os.Stat(filepath.Join(root(t), target)); err != nil {
				t.Errorf("%s: the link %s leads to no file", document, match[1])
			} else if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s: the link %s leads to no heading", document, match[1])
			}
		}
	}
}

// documents returns the paths of all documents, from the root.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root(t), pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, path := range paths {
			relative, err := filepath.Rel(root(t), path)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, relative)
		}
	}
	return found
}

// anchors returns the targets that links to a document can name: its headings, as GitHub
// spells them, and ids that it sets itself.
func anchors(text string) []string {
	var found []string
	for _, match := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		found = append(found, strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	for _, match := range ownID.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// The tree in CONTRIBUTING.md lists every package folder, and no folder that does not
// exist.
func TestTree(t *testing.T) {
	_, tree, _ := strings.Cut(read(t, "CONTRIBUTING.md"), "\n## The tree\n")
	tree, _, _ = strings.Cut(tree, "\n## ")
	var listed []string
	for _, match := range regexp.MustCompile(`(?m)^    (\S+)`).FindAllStringSubmatch(tree, -1) {
		if slices.Contains(listed, match[1]) {
			t.Errorf("%s is listed twice", match[1])
		}
		listed = append(listed, match[1])
		if _, err := os.Stat(filepath.Join(root(t), match[1])); err != nil {
			t.Errorf("%s does not exist", match[1])
		}
	}
	for _, folder := range slices.Concat(folders(t, "pkg"), folders(t, "internal"), folders(t, "infra"), folders(t, "test")) {
		if !slices.Contains(listed, folder) {
			t.Errorf("%s is not in the tree", folder)
		}
	}
}

func folders(t *testing.T, parent string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root(t), parent))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() {
			found = append(found, parent+"/"+entry.Name())
		}
	}
	return found
}

// `make help` lists every target that people can call.
func TestMakeHelp(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("no make on the PATH")
	}
	help := exec.Command("make", "--no-print-directory", "help")
	help.Dir = root(t)
	out, err := help.Output()
	if err != nil {
		t.Fatal(err)
	}
	phony := regexp.MustCompile(`(?m)^\.PHONY: help (.+)$`).FindStringSubmatch(read(t, "Makefile"))
	if phony == nil {
		t.Fatal("no targets")
	}
	for _, target := range strings.Fields(phony[1]) {
		if !regexp.MustCompile(`(?m)^  ` + target + ` +\S`).Match(out) {
			t.Errorf("%s is not listed", target)
		}
	}
}
