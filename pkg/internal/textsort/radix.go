package textsort

import (
	"bytes"
	"cmp"
	"slices"
)

const (
	maxInsertion = 12   // items that are sorted by insertion
	minRadix     = 1024 // items from which counting all digits pays

	digitBits = 12
	digits    = prefixBits / digitBits
	digitMask = 1<<digitBits - 1
)

// sortByPrefix sorts items by their prefixes. scratch must have as many items as
// [scratchFor] says.
func sortByPrefix(items, scratch []Item) {
	switch {
	case len(items) <= maxInsertion:
		insertByPrefix(items)
	case len(items) < minRadix:
		slices.SortFunc(items, func(a, b Item) int { return cmp.Compare(a.prefix, b.prefix) })
	default:
		sortByDigits(items, scratch[:len(items)])
	}
}

// scratchFor returns how many items of scratch a sort of n items needs.
func scratchFor(n int) int {
	if n < minRadix {
		return 0
	}
	return n
}

// sortByDigits sorts by one digit after the other, from the last to the first: each pass
// keeps the order of the passes before it.
func sortByDigits(items, scratch []Item) {
	counts := new([digits][1 << digitBits]uint32)
	for i := range items {
		prefix := items[i].prefix
		for d := range digits {
			counts[d][prefix>>(d*digitBits)&digitMask]++
		}
	}

	from, to := items, scratch
	for d := range digits {
		shift, next := d*digitBits, &counts[d]
		if next[from[0].prefix>>shift&digitMask] == uint32(len(from)) { //nolint:gosec // places have 32 bits
			continue // all items have the same digit
		}

		total := uint32(0)
		for digit, count := range next {
			next[digit] = total // where the next item with this digit goes
			total += count
		}
		for i := range from {
			digit := from[i].prefix >> shift & digitMask
			to[next[digit]] = from[i]
			next[digit]++
		}
		from, to = to, from
	}

	if &from[0] != &items[0] {
		copy(items, from)
	}
}

func insertByPrefix(items []Item) {
	for i := 1; i < len(items); i++ {
		item, at := items[i], i
		for at > 0 && items[at-1].prefix > item.prefix {
			items[at] = items[at-1]
			at--
		}
		items[at] = item
	}
}

// insertByText sorts a few items whose texts are the same up to depth.
func insertByText(items []Item, read func(place uint32) []byte, depth int) {
	for i := 1; i < len(items); i++ {
		item, at := items[i], i
		text := read(item.Place)[depth:]
		for at > 0 && bytes.Compare(read(items[at-1].Place)[depth:], text) > 0 {
			items[at] = items[at-1]
			at--
		}
		items[at] = item
	}
}
