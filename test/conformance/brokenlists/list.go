// Package brokenlists holds lists that are broken, poisoned, or no lists at all, each with
// what an import must decide about it. The short ones are files, which `resolverwatch
// feed lint` reads as well; the long and the compressed ones are made from recipes.
//
// All names are reserved ones, but where a list is broken because it holds others: public
// suffixes, AWS's names, the sites that everybody asks for.
package brokenlists

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// List is a broken list.
type List struct {
	Name  string // of its file, or of what is made
	Wrong string // what is wrong with it
	// Want is the decision, as [Decide] words it.
	Want     string
	Settings list.Options
	Previous int // entries of the list that it would replace

	made func() io.Reader // nil if it is a file
	path string
}

// All returns the lists, in groups of a kind. folder is that of their files.
func All(folder string) []List {
	all := slices.Concat(noLists(), archives(), characters(), tooWide(), lineFormats(), tables(), otherJSON(), misp(), stix(), comparisons())
	for i := range all {
		all[i].path = filepath.Join(folder, all[i].Name)
	}
	return all
}

// Open returns the bytes of the list.
func (l *List) Open() (io.Reader, error) {
	if l.made != nil {
		return l.made(), nil
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		return nil, fmt.Errorf("opening a broken list: %w", err)
	}
	return bytes.NewReader(text), nil
}

// Decide says in a line what an import of the list, whose bytes are in r, decides:
// refused with its codes, or how many entries it takes; then what was lost on the way, by
// kind. Of a list that could not be read to its end only the codes are said.
func (l *List) Decide(r io.Reader, guards list.Guards) (string, list.Refusals, error) {
	entries, report, err := list.Read(r, l.Settings, guards, list.Hooks{})
	var refusals list.Refusals
	if err != nil && !errors.As(err, &refusals) {
		return "", nil, fmt.Errorf("reading %s: %w", l.Name, err)
	}
	if refusals.Overridable() { // or there are none
		refusals = append(refusals, guards.Compare(l.Previous, entries.Len())...)
	}
	return word(refusals, &report), refusals, nil
}

// word writes a decision in a line.
func word(refusals list.Refusals, report *list.Summary) string {
	text := fmt.Sprintf("takes %d", report.Names)
	if len(refusals) > 0 {
		text = "refused"
	}
	wasRead := true
	for _, refusal := range refusals {
		text += " " + string(refusal.Code)
		switch refusal.Code {
		case list.RefusedUnreadable, list.RefusedTooLarge, list.RefusedSettings:
			wasRead = false
		default: // the guards refused what was read
		}
	}
	if !wasRead {
		return text
	}
	for _, lost := range []struct {
		count int
		what  string
	}{{report.Rejected, "rejected"}, {report.Skipped, "skipped"}, {report.Repeats, "repeated"}} {
		if lost.count > 0 {
			text += fmt.Sprintf(", %d %s", lost.count, lost.what)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(report.Dropped)) {
		text += fmt.Sprintf(", %d %s", report.Dropped[reason], reason)
	}
	return text
}
