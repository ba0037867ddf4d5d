package index

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// reaches says how much of the public address space the block entries of an index cover.
// Allow entries do not reduce it.
type reaches struct {
	total reach.Reach
	feeds []reach.Reach // by the number of the feed
}

func (r *reaches) same(other *reaches) bool {
	return r.total == other.total && slices.Equal(r.feeds, other.feeds)
}

// reachBytes is the size of a reach in its section.
const reachBytes = 16

func (r *reaches) encode() (section []byte) {
	for _, part := range append([]reach.Reach{r.total}, r.feeds...) {
		section = binary.LittleEndian.AppendUint64(section, part.IPv4)
		section = binary.LittleEndian.AppendUint64(section, part.IPv6)
	}
	return section
}

// decodeReaches reads the section. It returns nil if the section is empty.
func decodeReaches(section []byte, feeds int) (r *reaches, ok bool) {
	if len(section) == 0 {
		return nil, true
	}
	if len(section) != reachBytes*(1+feeds) {
		return nil, false
	}

	parts := make([]reach.Reach, 0, 1+feeds)
	for part := range slices.Chunk(section, reachBytes) {
		parts = append(parts, reach.Reach{
			IPv4: binary.LittleEndian.Uint64(part),
			IPv6: binary.LittleEndian.Uint64(part[reachBytes/2:]),
		})
	}
	return &reaches{parts[0], parts[1:]}, true
}

// reachSets collects the block entries of an index on addresses, all together and by feed.
type reachSets struct {
	all   reach.Set
	feeds []reach.Set
}

func (s *reachSets) add(block netip.Prefix, e entry) {
	if e.action() == indicator.ActionBlock {
		s.feeds[e.feed()].Add(block)
	}
}

func (s *reachSets) measure() *reaches {
	r := &reaches{feeds: make([]reach.Reach, len(s.feeds))}
	for i := range s.feeds {
		s.all.AddAll(&s.feeds[i])
		r.feeds[i] = s.feeds[i].Reach()
	}
	r.total = s.all.Reach()
	return r
}

// measureReach measures the entries that were added.
func (b *Builder) measureReach() *reaches {
	sets := reachSets{feeds: make([]reach.Set, len(b.feeds))}
	for _, entry := range b.blocks {
		sets.add(entry.block, entry.entry)
	}
	return sets.measure()
}

// measureReach measures the entries of x.
func (x *Index) measureReach() *reaches {
	sets := reachSets{feeds: make([]reach.Set, len(x.feeds))}
	collect := func(block netip.Prefix, group uint32) bool {
		list := x.groups.list(group)
		for i := range list.len() {
			sets.add(block, list.at(i))
		}
		return true
	}
	_ = x.ipv4.all(collect) && x.ipv6.all(collect)
	return sets.measure()
}

// ReachError reports that the block entries of a feed, or of all feeds together, cover more
// of the public address space than they may.
type ReachError struct {
	Feed         indicator.FeedID // empty for all feeds together
	Reach, Bound reach.Reach
}

func (e *ReachError) Error() string {
	whose := "all feeds"
	if e.Feed != "" {
		whose = fmt.Sprintf("feed %q", e.Feed)
	}
	return fmt.Sprintf("blocks of %s cover %v: at most %v are allowed", whose, e.Reach, e.Bound)
}

// Overreach is a feed whose block entries on addresses were dropped. Reach and Bound are those
// of all feeds if only all feeds together reached too far.
type Overreach struct {
	ReachError
	Entries int // number of entries that were dropped
}

// checkReach compares what blocks cover with bounds. Earlier writers knew no bound for a
// feed, so their files must only keep the bound for all feeds.
func (x *Index) checkReach(r *reaches, bounds reach.Bounds) error {
	if r.total.Exceeds(bounds.Total) {
		return &ReachError{Reach: r.total, Bound: bounds.Total}
	}
	if x.reach == nil {
		return nil
	}
	for i, part := range r.feeds {
		if part.Exceeds(bounds.Feed) {
			return &ReachError{x.feeds[i].ID, part, bounds.Feed}
		}
	}
	return nil
}

// checkReachQuickly is checkReach for a reader, which must start fast. It measures what
// blocks cover only if the sum of their sizes does not show that they keep every bound.
func (x *Index) checkReachQuickly(bounds reach.Bounds) error {
	if sum := x.sumOfBlocks(); !sum.Exceeds(bounds.Feed) && !sum.Exceeds(bounds.Total) {
		return nil
	}
	return x.checkReach(x.measureReach(), bounds)
}

// sumOfBlocks returns the sum of the sizes of all blocks, which is an upper bound of their
// reach. It looks only at the number of blocks of each prefix length.
func (x *Index) sumOfBlocks() (sum reach.Reach) {
	for length := range 33 {
		sum = sum.Plus(reach.Reach{IPv4: x.ipv4.count(length) << (32 - length)})
	}
	for length := range 129 {
		sum = sum.Plus(reach.Reach{IPv6: shiftLeft(x.ipv6.count(length), max(0, 64-length))})
	}
	return sum
}

// shiftLeft returns n << by, or the largest number if that is larger.
func shiftLeft(n uint64, by int) uint64 {
	if n > math.MaxUint64>>by {
		return math.MaxUint64
	}
	return n << by
}

// DropOverreach drops the block entries on addresses of each feed that reaches further than
// a feed may. Then, as long as all feeds together reach too far, it drops those of the feed that
// reaches furthest. Names and allow entries stay. It returns these feeds, so that one feed does
// not keep the others from being published.
func (b *Builder) DropOverreach(bounds reach.Bounds) (dropped []Overreach) {
	drop := func(number int, e ReachError) {
		before := len(b.blocks)
		e.Feed = b.feeds[number].ID
		b.blocks = slices.DeleteFunc(b.blocks, func(block blockEntry) bool {
			return block.entry.feed() == number && block.entry.action() == indicator.ActionBlock
		})
		dropped = append(dropped, Overreach{e, before - len(b.blocks)})
	}

	for number, part := range b.measureReach().feeds {
		if part.Exceeds(bounds.Feed) {
			drop(number, ReachError{Reach: part, Bound: bounds.Feed})
		}
	}

	for measured := b.measureReach(); measured.total.Exceeds(bounds.Total); measured = b.measureReach() {
		drop(furthest(measured, bounds.Total), ReachError{Reach: measured.total, Bound: bounds.Total})
	}
	return dropped
}

// furthest returns the number of the feed with the largest reach in the family that exceeds the
// bound.
func furthest(r *reaches, bound reach.Reach) (number int) {
	size := func(part reach.Reach) uint64 { return part.IPv4 }
	if r.total.IPv4 <= bound.IPv4 {
		size = func(part reach.Reach) uint64 { return part.IPv6 }
	}
	for i, part := range r.feeds {
		if size(part) > size(r.feeds[number]) {
			number = i
		}
	}
	return number
}
