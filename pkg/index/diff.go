package index

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// ChangeKind is how an entry differs between two indexes.
type ChangeKind byte

// Added: only the new index has the entry. Removed: only the old index has it. Rated: both
// have it, with a different category, severity or confidence. The values are the characters
// that reports show.
const (
	Added   ChangeKind = '+'
	Removed ChangeKind = '-'
	Rated   ChangeKind = '~'
)

// Diff compares two indexes and calls report for every entry that differs, in the order of
// [Index.All]. For [Rated], it reports the new entry. If report returns an error, Diff
// stops and returns it.
func Diff(older, newer *Index, report func(ChangeKind, *Stored) error) error {
	nextOld, stopOld := iter.Pull2(older.All())
	defer stopOld()
	nextNew, stopNew := iter.Pull2(newer.All())
	defer stopNew()

	oldEntry, err, moreOld := nextOld()
	latest, errNew, moreNew := nextNew()
	for err = errors.Join(err, errNew); err == nil && (moreOld || moreNew); err = errors.Join(err, errNew) {
		order := compareStored(&oldEntry, &latest)
		takeOld := moreOld && (!moreNew || order <= 0)
		takeNew := moreNew && (!moreOld || order >= 0)
		switch {
		case takeOld && takeNew && ratingOf(&oldEntry) != ratingOf(&latest):
			err = report(Rated, &latest)
		case takeOld && !takeNew:
			err = report(Removed, &oldEntry)
		case takeNew && !takeOld:
			err = report(Added, &latest)
		}
		if err != nil {
			return err
		}

		if takeOld {
			oldEntry, err, moreOld = nextOld()
		}
		if takeNew {
			latest, errNew, moreNew = nextNew()
		}
	}
	return err
}

// compareStored compares two entries in the order of [Index.All].
func compareStored(a, b *Stored) int {
	return cmp.Or(
		cmp.Compare(kindOf(a), kindOf(b)),
		slices.Compare(reversedLabels(a), reversedLabels(b)),
		cmp.Compare(a.Block.Bits(), b.Block.Bits()),
		a.Block.Addr().Compare(b.Block.Addr()),
		cmp.Compare(a.Feed, b.Feed),
		cmp.Compare(a.Action, b.Action),
		cmp.Compare(a.Scope, b.Scope),
	)
}

// kindOf returns a number that sorts names before IPv4 blocks before IPv6 blocks.
func kindOf(s *Stored) int {
	switch {
	case !s.Block.IsValid():
		return 0
	case s.Block.Addr().Is4():
		return 1
	default:
		return 2
	}
}

func reversedLabels(s *Stored) []string {
	if s.Name.IsZero() {
		return nil
	}
	labels := strings.Split(s.Name.String(), ".")
	slices.Reverse(labels)
	return labels
}

// storedRating holds the fields in which two versions of an entry can differ.
type storedRating struct {
	category   indicator.Category
	severity   indicator.Severity
	confidence indicator.Confidence
}

func ratingOf(s *Stored) storedRating { return storedRating{s.Category, s.Severity, s.Confidence} }
