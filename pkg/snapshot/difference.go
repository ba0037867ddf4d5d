package snapshot

// Change is an entry to write, or to delete.
type Change struct {
	Entry  Entry
	Delete bool
}

// Difference yields in order what turns the entries of before into those of after:
// writes of what is new or other, deletions of what is gone. Either may be nil. A
// change is valid until the next one.
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
