package snapshot

import (
	"context"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// Change is an entry to write or to delete.
type Change struct {
	Entry  Entry
	Delete bool
}

// Difference calls emit, in the order of entries, for the changes that turn the entries of
// before into those of after: a deletion for each entry that is gone, and a write for each
// that is new or different. Either reader may be nil. A change is valid during the call.
func Difference(before, after *Reader, emit func(Change) error) error {
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
		case order > 0 || !old.sameContent(new):
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

// compareEntries orders two entries. A nil entry comes last; at most one may be nil.
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

// Compare compares a list with the snapshot of an accepted list, which it reads entry by entry. If
// the snapshot is lost, [IsLost] reports that.
func (s *Store) Compare(ctx context.Context, key string, c *list.Comparison) (list.Change, error) {
	reader, err := s.Open(ctx, key)
	if err != nil {
		return list.Change{}, err
	}
	defer reader.Close()
	for {
		entry, err := reader.Next()
		if err != nil {
			return list.Change{}, fmt.Errorf("reading snapshot %q: %w", key, err)
		}
		if entry == nil {
			return c.Change(), nil
		}
		c.Add(&entry.Indicator)
	}
}
