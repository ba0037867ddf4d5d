package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update-docs", false, "rewrite what docs/lists.md says that feed lint prints")

// Every list in docs/lists.md is read as the page says. A block `list NAME` is a list; the blocks
// `lint ARGUMENTS` after it are what `feed lint ARGUMENTS NAME` prints.
func TestListsPage(t *testing.T) {
	const path = "../../docs/lists.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	name, examples := "", 0
	block := regexp.MustCompile("(?ms)^```(list|lint) ?([^\n]*)\n(.*?)^```$")
	got := block.ReplaceAllStringFunc(string(page), func(text string) string {
		parts := block.FindStringSubmatch(text)
		if parts[1] == "list" {
			name = parts[2]
			if err := os.WriteFile(filepath.Join(folder, name), []byte(parts[3]), 0o600); err != nil {
				t.Fatal(err)
			}
			return text
		}
		examples++
		head, _, _ := strings.Cut(text, "\n")
		return head + "\n" + lintOf(t, folder, append(strings.Fields(parts[2]), name)) + "```"
	})
	if examples < 8 {
		t.Fatalf("only %d examples found", examples)
	}
	if got == string(page) {
		return
	}
	if !*updateDocs {
		t.Fatalf("the page differs from what feed lint prints; run with -update-docs; it prints:\n%s", got)
	}
	if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lintOf returns what feed lint prints about a list in a folder.
func lintOf(t *testing.T, folder string, args []string) string {
	t.Helper()
	var out bytes.Buffer
	name := args[len(args)-1]
	args[len(args)-1] = filepath.Join(folder, name)
	root := newRoot(streams{strings.NewReader(""), &out, &out})
	root.SetArgs(append([]string{"feed", "lint"}, args...))
	_ = root.Execute() // a refused list is an error as well
	return strings.ReplaceAll(out.String(), filepath.Join(folder, name), name)
}
