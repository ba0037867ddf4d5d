package index

import (
	"bytes"
	"encoding/binary"
	"math"
)

// storeWriter writes the exact map from keys to groups, as a tree of two levels: a
// directory leads to the block of names that a key would be in. A look-up so touches
// few places in memory, which is what its time goes into.
type storeWriter struct {
	names     blockWriter
	directory blockWriter
	offsets   []byte // of the blocks of the directory
}

func newStoreWriter() *storeWriter {
	return &storeWriter{
		names:     blockWriter{size: namesPerBlock},
		directory: blockWriter{size: separatorsPerBlock},
	}
}

// add adds the next key in order.
func (w *storeWriter) add(key []byte, group uint32) {
	if w.names.atStart() {
		if w.directory.atStart() {
			w.endBlock()
		}
		// As little of the key as tells it from the one before.
		w.directory.add(key[:commonPrefix(w.names.prev, key)+1], len(w.names.data))
	}
	w.names.add(key, int(group))
}

// endBlock notes where the next block of the directory starts; after the last one,
// where it would.
func (w *storeWriter) endBlock() {
	w.offsets = binary.LittleEndian.AppendUint32(w.offsets, bounded(len(w.directory.data)))
}

// store is the exact map from keys to groups. Its bytes may hold anything: what
// does not parse is not found.
type store struct {
	offsets   []byte
	directory []byte
	names     []byte
	blocks    int // of the directory
}

// newStore checks that the blocks of the directory lie in order and fill it.
func newStore(offsets, directory, names []byte) (store, bool) {
	s := store{offsets, directory, names, len(offsets)/4 - 1}
	return s, len(offsets)%4 == 0 && rising(offsets, len(directory))
}

func (s *store) block(i int) []byte {
	bounds := s.offsets[4*i : 4*i+8]
	return s.directory[binary.LittleEndian.Uint32(bounds):binary.LittleEndian.Uint32(bounds[4:])]
}

// find returns the group of key.
func (s *store) find(key []byte) (group uint32, found bool) {
	low, high := 0, s.blocks
	for low < high {
		middle := int(uint(low+high) >> 1)
		first, _, _ := cutFirst(s.block(middle))
		if bytes.Compare(first, key) <= 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return 0, false
	}
	offset, _, ok := floor(s.block(low-1), key, separatorsPerBlock)
	if !ok || offset > uint64(len(s.names)) {
		return 0, false
	}
	number, exact, _ := floor(s.names[offset:], key, namesPerBlock)
	return uint32(number), exact && number <= math.MaxUint32 //nolint:gosec // checked
}

// all yields every key, valid for one step, with its group. It reports false if
// some bytes do not parse, and true if yield ended it or everything was seen.
func (s *store) all(yield func(key []byte, group uint32) bool) (parsed bool) {
	inRange := true
	parsed = eachKey(s.names, namesPerBlock, func(key []byte, value uint64) bool {
		inRange = value <= math.MaxUint32
		return inRange && yield(key, uint32(value)) //nolint:gosec // checked
	})
	return parsed && inRange
}
