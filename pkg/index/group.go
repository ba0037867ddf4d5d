package index

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// groupSet numbers the distinct lists of entries while an index is built. Names and
// blocks hold such a number instead of their entries: real lists have a million
// names and a few dozen groups.
type groupSet struct {
	numbers map[string]uint32 // by the bytes of the list
	lists   [][]entry
	uses    []int
	scratch []byte
}

// add returns the number of list, which must be ordered. It is not kept.
func (g *groupSet) add(list []entry) uint32 {
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

// settle puts the groups into their final order, the most used first, because
// small numbers take fewer bytes. It returns the new number of each old one.
func (g *groupSet) settle() []uint32 {
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

// groupTable is the stored form of a [groupSet].
type groupTable struct {
	offsets []byte
	entries entryList
}

// newGroupTable checks that the groups lie in order and hold valid entries.
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

// list returns the entries of a group, none for a number that is no group.
func (t *groupTable) list(group uint32) entryList {
	if int(group) >= t.len() {
		return nil
	}
	bounds := t.offsets[4*int(group):]
	start, end := binary.LittleEndian.Uint32(bounds), binary.LittleEndian.Uint32(bounds[4:])
	return t.entries[8*int(start) : 8*int(end)]
}

// entryList is a list of entries as it lies in the file.
type entryList []byte

func (l entryList) len() int       { return len(l) / 8 }
func (l entryList) at(i int) entry { return entry(binary.LittleEndian.Uint64(l[8*i:])) }
