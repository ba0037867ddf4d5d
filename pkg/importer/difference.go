package importer

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// difference yields in order what turns the entries of before into those of after:
// writes of what is new or other, deletions of what is gone. Either may be nil. A
// change is valid until the next one.
func difference(before, after *snapshotReader, emit func(Change) error) error {
	old, err := before.Next()
	if err != nil {
		return err
	}
	new, err := after.Next()
	for err == nil && (old != nil || new != nil) {
		order := compareEntries(old, new)
		switch {
		case order < 0:
			err = emit(Change{Entry: *old, Delete: true})
		case order > 0 || !old.same(new):
			err = emit(Change{Entry: *new})
		}
		if err == nil && order <= 0 {
			old, err = before.Next()
		}
		if err == nil && order >= 0 {
			new, err = after.Next()
		}
	}
	return err
}

// compareEntries orders two entries of which one may be missing: that comes last.
func compareEntries(a, b *Entry) int {
	switch {
	case a == nil:
		return 1
	case b == nil:
		return -1
	default:
		return a.Compare(&b.Indicator)
	}
}

// cursorOf returns the text that stands for the place of an entry in the order.
func cursorOf(e *indicator.Indicator) string {
	return strings.Join([]string{e.Value(), e.Scope.String(), e.Action.String()}, "\t")
}

// parseCursor returns an entry at the place that a cursor stands for, or nil for "".
func parseCursor(cursor string) (*indicator.Indicator, error) {
	if cursor == "" {
		return nil, nil
	}
	var place indicator.Indicator
	value, rest, _ := strings.Cut(cursor, "\t")
	scope, action, _ := strings.Cut(rest, "\t")
	var errs [3]error
	place.Scope, errs[0] = parseScope(scope)
	place.Action, errs[1] = indicator.ParseAction(action)
	errs[2] = place.SetValue(value)
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, fmt.Errorf("reading the cursor %q of the table: %w", cursor, err)
	}
	return &place, nil
}
