package sighting

import (
	"math"
	"slices"
)

// sampleEntries is how many entries of a sample count exactly. The count of a larger set is
// estimated, with a standard error of 4 %.
const sampleEntries = 512

// threshold keeps samples within a bound of memory: only names whose hash is not above it
// are in any sample. It begins with all names, and is halved when there are too many.
//
// What is left does not depend on the order of the input, or on how it was cut: the memory
// that a threshold needs can only grow with the input, so the input alone decides at which
// threshold it fits.
type threshold struct{ halvings int }

func (t threshold) admits(hash uint64) bool { return hash <= math.MaxUint64>>t.halvings }

// oneIn returns that one in so many names is in the samples.
func (t threshold) oneIn() int { return 1 << t.halvings }

// total estimates the size of a set from its sample, which has count entries up to the hash
// last. It is exact while there are few entries and all names are admitted.
func (t threshold) total(count int, last uint64) (size float64, exact bool) {
	if count < sampleEntries {
		return float64(count) * float64(t.oneIn()), t.halvings == 0
	}
	return float64(count-1) / (float64(last) / math.MaxUint64), false
}

// sample holds the smallest hashes of a set of names, sorted. The lowest bits of a hash are
// replaced by the number of characters of the name.
type sample []uint64

const sizeBits = 10

// sampled returns the entry of a name in a sample.
func sampled(hash uint64, characters int) uint64 {
	const most = 1<<sizeBits - 1
	return hash&^most | uint64(min(characters, most)) //nolint:gosec // a count is not negative
}

// add adds an entry, and reports whether the sample grew.
func (s *sample) add(entry uint64) (grew bool) {
	if len(*s) == sampleEntries && entry >= (*s)[sampleEntries-1] {
		return false
	}
	at, found := slices.BinarySearch(*s, entry)
	switch {
	case found:
		return false
	case len(*s) == sampleEntries:
		copy((*s)[at+1:], (*s)[at:])
		(*s)[at] = entry
		return false
	default:
		*s = slices.Insert(*s, at, entry)
		return true
	}
}

// cut removes the entries that a threshold no longer admits.
func (s *sample) cut(t threshold) {
	at, _ := slices.BinarySearchFunc(*s, t, func(entry uint64, t threshold) int {
		if t.admits(entry) {
			return -1
		}
		return 1
	})
	*s = (*s)[:at]
}

// characters returns the sum of the characters of the names in the sample.
func (s sample) characters() (sum int) {
	for _, entry := range s {
		sum += int(entry & (1<<sizeBits - 1))
	}
	return sum
}
