// Package brokenlists holds files that are broken, poisoned, or not lists at all, each with
// the decision that an import must make. The short ones are files, which `resolverwatch
// feed lint` can read too. The long and the compressed ones are made by recipes.
//
// All names are reserved, unless a list is broken because of its names: public suffixes,
// names of AWS, popular sites.
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
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// List is a broken list.
type List struct {
	Name  string // file name
	Wrong string // what is wrong with the list
	// Want is the decision in the format of [List.Decide].
	Want     string
	Settings list.Options
	Previous int // number of entries of the list that it would replace; see [List.Before]

	made func() io.Reader // nil if it is a file
	path string
}

// All returns the lists, grouped by kind. folder is the folder of the list files.
func All(folder string) []List {
	all := slices.Concat(noLists(), archives(), characters(), tooWide(), lineFormats(), tables(), otherJSON(), misp(), stix(), comparisons())
	for i := range all {
		all[i].path = filepath.Join(folder, all[i].Name)
	}
	return all
}

// Open returns a reader of the list.
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

// Before returns the list that it would replace, which is empty if Previous is 0.
func (l *List) Before() string { return names(l.Previous) }

// Decide returns the decision of an import about the list, which is read from r, as one line:
// refused with the codes, or the number of accepted entries, followed by the numbers of lost
// entries by kind. If the list cannot be read completely, the line has only the codes.
func (l *List) Decide(r io.Reader, guards list.Guards) (string, list.Refusals, error) {
	entries, report, err := list.Read(r, l.Settings, guards, list.Hooks{})
	var refusals list.Refusals
	if err != nil && !errors.As(err, &refusals) {
		return "", nil, fmt.Errorf("reading %s: %w", l.Name, err)
	}
	if l.Previous > 0 && refusals.Overridable() { // or there are none
		before, _, err := list.Read(strings.NewReader(l.Before()), list.Options{}, guards, list.Hooks{})
		if err != nil {
			return "", nil, fmt.Errorf("reading the list before %s: %w", l.Name, err)
		}
		change := list.Compare(&before, &entries, indicator.ActionBlock, time.Now())
		refusals = append(refusals, guards.Compare(change)...)
	}
	return formatDecision(refusals, &report), refusals, nil
}

// formatDecision formats a decision as one line.
func formatDecision(refusals list.Refusals, report *list.Summary) string {
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
		default: // the list was read, but the guards refused it
		}
	}

	if !wasRead {
		return text
	}

	for _, lost := range []struct {
		count int
		kind  string
	}{{report.Rejected, "rejected"}, {report.Skipped, "skipped"}, {report.Repeats, "repeated"}} {
		if lost.count > 0 {
			text += fmt.Sprintf(", %d %s", lost.count, lost.kind)
		}
	}

	for _, reason := range slices.Sorted(maps.Keys(report.Dropped)) {
		text += fmt.Sprintf(", %d %s", report.Dropped[reason], reason)
	}
	return text
}
