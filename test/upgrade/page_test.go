//go:build !race

package upgrade_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "../../docs/upgrading.md"

// section is a generated part of the page: the text between its markers.
type section struct{ name, text string }

func (s section) begin() string {
	return "<!-- " + s.name + ": written by `go test ./test/upgrade -update` -->\n"
}

func (s section) end() string { return "<!-- end of " + s.name + " -->\n" }

// hold compares the sections with the page, or writes them to it with -update.
func hold(t *testing.T, sections ...section) {
	t.Helper()
	read, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(read)
	for _, section := range sections {
		before, rest, found := strings.Cut(text, section.begin())
		written, after, ended := strings.Cut(rest, section.end())
		if !found || !ended {
			t.Fatalf("%s lacks the marks of %q:\n%s%s", page, section.name, section.begin(), section.end())
		}
		if diff := cmp.Diff(written, section.text); diff != "" && !*update {
			t.Errorf("%s differs in %q; `go test ./test/upgrade -update` rewrites it (-page +templates):\n%s", page, section.name, diff)
		}
		text = before + section.begin() + section.text + section.end() + after
	}
	if *update && text != string(read) {
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// table formats the pairs of a group with their effects.
func (g group) table(effects [][]effect) string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n### %s\n\n| change | what happens | what to do |\n| --- | --- | --- |\n", g.title)
	for i, pair := range g.pairs {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", pair.change, describe(effects[i]), pair.todo)
	}
	return text.String()
}

// describe formats effects, which are sorted, as a table cell. If the update fails, nothing
// else happens.
func describe(effects []effect) string {
	if len(effects) == 0 {
		return "nothing"
	}
	if worst := effects[0].outcome; worst >= fails {
		effects = slices.DeleteFunc(slices.Clone(effects), func(e effect) bool { return e.outcome < worst })
	}
	var text strings.Builder
	for i, e := range effects {
		switch {
		case i == 0:
			text.WriteString(e.label + ": ")
		case e.label != effects[i-1].label:
			text.WriteString(".<br>" + e.label + ": ")
		default:
			text.WriteString(", ")
		}
		text.WriteString(e.resource)
		if last := i+1 == len(effects) || effects[i+1].label != e.label || effects[i+1].cause != e.cause; last && e.cause != "" {
			text.WriteString(" (" + e.cause + ")")
		}
	}
	text.WriteString(".")
	return strings.ReplaceAll(text.String(), "|", `\|`)
}
