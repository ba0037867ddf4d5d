package index

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// Limits set by the fields of an entry.
const (
	maxFeeds      = 1 << 16
	maxCategories = 1 << 28
)

// entry is the stored form of one feed's entry on one name or block: from the highest bit
// feed (16), action (4), scope (4), severity (4), confidence (8), category (28). Feed and
// category are numbers in the tables of the file. Entries sort by feed, action, scope.
type entry uint64

func newEntry(feed, category int, i *indicator.Indicator) entry {
	return entry(feed)<<48 | entry(i.Action)<<44 | entry(i.Scope)<<40 | //nolint:gosec // below the limits above
		entry(i.Severity)<<36 | entry(i.Confidence)<<28 | entry(category) //nolint:gosec // below the limits above
}

func (e entry) feed() int                        { return int(e >> 48) }
func (e entry) action() indicator.Action         { return indicator.Action(e >> 44 & 0xF) }
func (e entry) scope() indicator.Scope           { return indicator.Scope(e >> 40 & 0xF) }
func (e entry) severity() indicator.Severity     { return indicator.Severity(e >> 36 & 0xF) }
func (e entry) confidence() indicator.Confidence { return indicator.Confidence(e >> 28 & 0xFF) }
func (e entry) category() int                    { return int(e & (maxCategories - 1)) }

// rating orders entries by severity, then by confidence.
func (e entry) rating() uint64 { return uint64(e>>28) & 0xFFF }

// key returns the fields that identify an entry on a name. Two entries with the same key
// are repeats of each other.
func (e entry) key() uint64 { return uint64(e >> 40) }

// renumbered returns e with its feed and category mapped to new numbers.
func (e entry) renumbered(feeds, categories []int) entry {
	const fixed = (1<<48 - 1) &^ (maxCategories - 1)
	return e&fixed | entry(feeds[e.feed()])<<48 | entry(categories[e.category()]) //nolint:gosec // as above
}

// merge combines two entries with the same key by the rule of
// [indicator.Indicator.Merge]: the higher rating, then the smaller category.
func merge(a, b entry) entry {
	if a.rating() == b.rating() {
		return min(a, b)
	}
	return max(a, b)
}

// covers reports whether e covers a name that is this number of labels below its own. A
// CIDR entry covers every address in its block.
func (e entry) covers(below int) bool {
	return e.scope() == indicator.ScopeCIDR || e.scope().Covers(below)
}

// valid reports whether all fields of e are known values, so that readers need not check.
func (e entry) valid(feeds, categories int) bool {
	return e.feed() < feeds && e.category() < categories &&
		(e.action() == indicator.ActionBlock || e.action() == indicator.ActionAllow) &&
		e.scope() >= indicator.ScopeName && e.scope() <= indicator.ScopeCIDR &&
		e.severity() >= indicator.SeverityLow && e.severity() <= indicator.SeverityCritical &&
		e.confidence() <= maxConfidence
}

const maxConfidence indicator.Confidence = 100

// groupSet numbers the distinct lists of entries while an index is built. Names and
// blocks store that number instead of their entries, because real lists have a million
// names and a few dozen groups.
type groupSet struct {
	numbers map[string]uint32 // keyed by the bytes of the list
	lists   [][]entry
	uses    []int
	scratch []byte

	// The last group that has one entry, as most groups have. The zero entry is not valid.
	lone       entry
	loneNumber uint32
}

// add returns the number of list, which must be sorted. It does not keep list.
func (g *groupSet) add(list []entry) uint32 {
	if len(list) != 1 {
		return g.find(list)
	}
	if list[0] != g.lone || g.lone == 0 {
		g.lone, g.loneNumber = list[0], g.find(list)
		return g.loneNumber
	}
	g.uses[g.loneNumber]++
	return g.loneNumber
}

// find is add without the short cut for the last group.
func (g *groupSet) find(list []entry) uint32 {
	g.scratch = g.scratch[:0]
	for _, e := range list {
		g.scratch = binary.LittleEndian.AppendUint64(g.scratch, uint64(e))
	}

	number, known := g.numbers[string(g.scratch)]
	if !known {
		if g.numbers == nil {
			g.numbers = make(map[string]uint32)
		}
		number = bounded(len(g.lists))
		g.numbers[string(g.scratch)] = number
		g.lists = append(g.lists, slices.Clone(list))
		g.uses = append(g.uses, 0)
	}

	g.uses[number]++
	return number
}

// sort puts the groups into their final order, most used first, because small numbers
// take fewer bytes. It returns the new number of each group by its old number.
func (g *groupSet) sort() []uint32 {
	order := make([]int, len(g.lists))
	for i := range order {
		order[i] = i
	}

	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(g.uses[b], g.uses[a]), slices.Compare(g.lists[a], g.lists[b]))
	})
	numbers := make([]uint32, len(order))
	lists := make([][]entry, len(order))
	for number, old := range order {
		numbers[old], lists[number] = bounded(number), g.lists[old]
	}

	*g = groupSet{lists: lists}
	return numbers
}

// encode returns the sections of the group offsets and the group entries.
func (g *groupSet) encode() (offsets, entries []byte) {
	count := 0
	for _, list := range g.lists {
		offsets = binary.LittleEndian.AppendUint32(offsets, bounded(count))
		for _, e := range list {
			entries = binary.LittleEndian.AppendUint64(entries, uint64(e))
		}
		count += len(list)
	}
	return binary.LittleEndian.AppendUint32(offsets, bounded(count)), entries
}

// groupTable reads the stored form of a [groupSet].
type groupTable struct {
	offsets []byte
	entries entryList
}

// newGroupTable checks that the groups are in order and have valid entries.
func newGroupTable(offsets, entries []byte, feeds, categories int) (groupTable, bool) {
	if len(offsets)%4 != 0 || len(entries)%8 != 0 || !rising(offsets, len(entries)/8) {
		return groupTable{}, false
	}
	t := groupTable{offsets, entries}
	for i := range t.entries.len() {
		if !t.entries.at(i).valid(feeds, categories) {
			return groupTable{}, false
		}
	}
	return t, true
}

func (t *groupTable) len() int { return len(t.offsets)/4 - 1 }

// list returns the entries of a group. It is empty if the group does not exist.
func (t *groupTable) list(group uint32) entryList {
	if int(group) >= t.len() {
		return nil
	}
	bounds := t.offsets[4*int(group):]
	start, end := binary.LittleEndian.Uint32(bounds), binary.LittleEndian.Uint32(bounds[4:])
	return t.entries[8*int(start) : 8*int(end)]
}

// entryList is a list of entries in the encoding of the file.
type entryList []byte

func (l entryList) len() int       { return len(l) / 8 }
func (l entryList) at(i int) entry { return entry(binary.LittleEndian.Uint64(l[8*i:])) }

// flagVetoesAll is set for a feed whose allow entries veto the block entries of every feed.
const flagVetoesAll = 1

// feedHeader is the size of a feed in its section, without its id.
const feedHeader = 10

// FeedInfo describes a feed of an index.
type FeedInfo struct {
	ID        indicator.FeedID
	VetoesAll bool // its allow entries veto the block entries of every feed
	Names     int  // number of entries on names
	Addresses int  // number of entries on addresses and blocks
	// Reach is how much of the public address space its block entries cover. It is zero in
	// files of earlier writers.
	Reach reach.Reach
}

func encodeFeeds(feeds []FeedInfo) (section []byte) {
	for _, f := range feeds {
		flags := byte(0)
		if f.VetoesAll {
			flags = flagVetoesAll
		}
		section = append(section, flags, byte(len(f.ID))) //nolint:gosec // at most 64
		section = binary.LittleEndian.AppendUint32(section, bounded(f.Names))
		section = binary.LittleEndian.AppendUint32(section, bounded(f.Addresses))
		section = append(section, f.ID...)
	}
	return section
}

func decodeFeeds(section []byte) (feeds []FeedInfo, ok bool) {
	for len(section) > 0 {
		if len(section) < feedHeader || len(section) < feedHeader+int(section[1]) {
			return nil, false
		}
		end := feedHeader + int(section[1])
		id, err := indicator.NewFeedID(string(section[feedHeader:end]))
		if err != nil || len(feeds) == maxFeeds {
			return nil, false
		}
		feeds = append(feeds, FeedInfo{
			ID:        id,
			VetoesAll: section[0]&flagVetoesAll != 0,
			Names:     int(binary.LittleEndian.Uint32(section[2:])),
			Addresses: int(binary.LittleEndian.Uint32(section[6:])),
		})
		section = section[end:]
	}
	return feeds, true
}

func encodeCategories(categories []indicator.Category) []byte {
	section := binary.LittleEndian.AppendUint32(nil, bounded(len(categories)))
	end := 0
	for _, c := range categories {
		section = binary.LittleEndian.AppendUint32(section, bounded(end))
		end += len(c)
	}
	section = binary.LittleEndian.AppendUint32(section, bounded(end))
	for _, c := range categories {
		section = append(section, c...)
	}
	return section
}

// categoryTable looks up categories by number. Its text is the only part of an index file
// that is copied, so that results can be strings.
type categoryTable struct {
	offsets []byte
	text    string
}

func newCategoryTable(section []byte) (categoryTable, bool) {
	if len(section) < 8 {
		return categoryTable{}, false
	}
	count := uint64(binary.LittleEndian.Uint32(section))
	if count > maxCategories || 4*(count+1) > uint64(len(section)-4) { //nolint:gosec // not negative
		return categoryTable{}, false
	}
	end := 4 + 4*(int(count)+1)
	t := categoryTable{section[4:end], string(section[end:])}
	return t, rising(t.offsets, len(t.text))
}

func (t *categoryTable) len() int { return len(t.offsets)/4 - 1 }

func (t *categoryTable) at(i int) indicator.Category {
	bounds := t.offsets[4*i:]
	return indicator.Category(t.text[binary.LittleEndian.Uint32(bounds):binary.LittleEndian.Uint32(bounds[4:])])
}
