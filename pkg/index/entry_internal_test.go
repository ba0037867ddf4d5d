package index

import (
	"encoding/binary"
	"testing"
)

// The group that most names use gets the smallest number, whatever the order in which groups come.
func TestGroupSet_sort(t *testing.T) {
	t.Parallel()
	var g groupSet
	rare := g.add([]entry{1})
	common := g.add([]entry{2})
	for range 2 {
		g.add([]entry{2})
	}
	middle := g.add([]entry{3})
	g.add([]entry{3})
	numbers := g.sort()
	if numbers[common] != 0 || numbers[middle] != 1 || numbers[rare] != 2 {
		t.Errorf("numbers %v", numbers)
	}
}

// A group that does not exist has no entries.
func TestGroupTable_list(t *testing.T) {
	t.Parallel()
	var g groupSet
	first, second := g.add([]entry{1, 2}), g.add([]entry{3})
	offsets, entries := g.encode()
	table := groupTable{offsets, entries}
	if got := table.len(); got != 2 {
		t.Errorf("%d groups", got)
	}
	for group, want := range map[uint32]int{first: 2, second: 1, 2: 0, 3: 0, 1 << 31: 0} {
		if got := table.list(group); got.len() != want {
			t.Errorf("group %d has %d entries, want %d", group, got.len(), want)
		}
	}
}

// A table of categories has its count, as many offsets and one more, and the text.
func TestNewCategoryTable(t *testing.T) {
	t.Parallel()
	section := func(count uint32, offsets ...uint32) []byte {
		out := binary.LittleEndian.AppendUint32(nil, count)
		for _, offset := range offsets {
			out = binary.LittleEndian.AppendUint32(out, offset)
		}
		return out
	}
	for name, tt := range map[string]struct {
		section []byte
		ok      bool
	}{
		"empty":                   {section(0, 0), true},
		"one":                     {append(section(1, 0, 3), "dga"...), true},
		"nothing":                 {nil, false},
		"cut before the offset":   {section(0), false},
		"cut before the last one": {section(1, 0), false},
		"more than the section":   {section(2, 0, 3), false},
		"without its text":        {section(1, 0, 3), false},
		"with more text":          {append(section(1, 0, 3), "dgas"...), false},
		"too many":                {section(1<<28+1, 0), false},
	} {
		if _, ok := newCategoryTable(tt.section); ok != tt.ok {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
