package index

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// ChangeKind is how an entry differs from one index to another.
type ChangeKind byte

// Added: the new index alone has the entry. Removed: the old one alone. Rated: both have
// it, with another category, severity or confidence. The values are how they are shown.
const (
	Added   ChangeKind = '+'
	Removed ChangeKind = '-'
	Rated   ChangeKind = '~'
)

// Diff walks two indexes side by side and reports every entry that differs, in the order
// of [Index.All]. Of one that is rated otherwise, the new entry is reported. An error of
// report ends the walk and is returned.
func Diff(before, after *Index, report func(ChangeKind, *Stored) error) error {
	nextOld, stopOld := iter.Pull2(before.All())
	defer stopOld()
	nextNew, stopNew := iter.Pull2(after.All())
	defer stopNew()
	was, err, moreOld := nextOld()
	is, errNew, moreNew := nextNew()
	for err = errors.Join(err, errNew); err == nil && (moreOld || moreNew); err = errors.Join(err, errNew) {
		order := compareStored(&was, &is)
		takeOld := moreOld && (!moreNew || order <= 0)
		takeNew := moreNew && (!moreOld || order >= 0)
		switch {
		case takeOld && takeNew && ratingOf(&was) != ratingOf(&is):
			err = report(Rated, &is)
		case takeOld && !takeNew:
			err = report(Removed, &was)
		case takeNew && !takeOld:
			err = report(Added, &is)
		}
		if err != nil {
			return err
		}
		if takeOld {
			was, err, moreOld = nextOld()
		}
		if takeNew {
			is, errNew, moreNew = nextNew()
		}
	}
	return err
}

// compareStored is the order of [Index.All].
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

// kindOf orders names before IPv4 before IPv6.
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

// storedRating is what may change in an entry that stays.
type storedRating struct {
	category   indicator.Category
	severity   indicator.Severity
	confidence indicator.Confidence
}

func ratingOf(s *Stored) storedRating { return storedRating{s.Category, s.Severity, s.Confidence} }
