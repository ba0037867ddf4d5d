// Package textsort sorts many short texts by their bytes: names, keys of names, and addresses
// as text. It reads ten octets of a text at a time, packs them into one number, and sorts the
// numbers by radix. Texts that have the same ten octets are then sorted by the next ten. For
// lists of names this is several times as fast as a sort that compares texts.
package textsort

import (
	"bytes"
	"runtime"
	"slices"
	"sync"
)

// Item is a text to sort: the place where it is stored, and a number of the caller's choice.
type Item struct {
	prefix uint64 // the octets that are being sorted by, packed
	Place  uint32
	Number uint32
}

// Sort sorts items by the texts that read returns for their places. Items with the same text
// come in no particular order. If there is more than one processor, Sort uses two.
func Sort(items []Item, read func(place uint32) []byte) {
	if !load(items, read, 0) {
		sortByText(items, read)
		return
	}

	s := sorter{read: read, scratch: make([]Item, scratchFor(len(items)))}
	if len(items) < minParallel || runtime.GOMAXPROCS(0) == 1 {
		s.sort(items, 0)
		return
	}

	middle := split(items, median(items))
	var other sync.WaitGroup
	other.Go(func() {
		half := sorter{read: read, scratch: s.scratch[middle:]}
		half.sort(items[middle:], 0)
	})
	half := sorter{read: read, scratch: s.scratch[:middle]}
	half.sort(items[:middle], 0)
	other.Wait()
}

// minParallel is the number of items from which a second goroutine is worth its start.
const minParallel = 1 << 15

// median returns about the median of the prefixes.
func median(items []Item) uint64 {
	const samples = 1001
	var sample [samples]uint64
	for i := range sample {
		sample[i] = items[i*(len(items)-1)/(samples-1)].prefix
	}
	slices.Sort(sample[:])
	return sample[samples/2]
}

// split moves the items whose prefix is below pivot to the front and returns their number.
func split(items []Item, pivot uint64) (below int) {
	for i := range items {
		if items[i].prefix < pivot {
			items[i], items[below] = items[below], items[i]
			below++
		}
	}
	return below
}

// sorter sorts by the prefixes of the items, and then by what follows them in the texts.
type sorter struct {
	read    func(place uint32) []byte
	scratch []Item
}

// sort sorts items that have the same first octets and whose prefixes are the next ones.
// depth is where the prefixes start.
func (s *sorter) sort(items []Item, depth int) {
	sortByPrefix(items, s.scratch)

	for start := 0; start < len(items); {
		end := start + 1
		for end < len(items) && items[end].prefix == items[start].prefix {
			end++
		}
		if same := items[start:end]; len(same) > 1 && !isEnd(same[0].prefix) {
			s.sortRest(same, depth+octetsPerPrefix)
		}
		start = end
	}
}

// sortRest sorts items whose texts are the same up to depth.
func (s *sorter) sortRest(items []Item, depth int) {
	switch {
	case len(items) <= maxInsertion:
		insertByText(items, s.read, depth)
	case load(items, s.read, depth):
		s.sort(items, depth)
	default:
		sortByText(items, s.read)
	}
}

// sortByText sorts by comparing whole texts. It is for texts with octets that have no code.
func sortByText(items []Item, read func(place uint32) []byte) {
	slices.SortFunc(items, func(a, b Item) int { return bytes.Compare(read(a.Place), read(b.Place)) })
}
