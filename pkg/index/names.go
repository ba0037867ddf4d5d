package index

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

// A key is a name with its labels reversed: `www.evil.example` is `example`, `evil`,
// `www`. Neighbours in key order then share their ancestors, and the key of an
// ancestor is a prefix.
//
// The separator is the lowest octet, so that a name stands right before everything
// under it. No listed name holds it.
const separator = 0

// maxKeyBytes is the longest text of a listed name (RFC 1035 section 2.3.4: 255
// octets less the first length octet and the root).
const maxKeyBytes = 253

// appendKey appends the key of a listed name.
func appendKey(dst []byte, name string) []byte {
	for {
		dot := strings.LastIndexByte(name, '.')
		dst = append(dst, name[dot+1:]...)
		if dot < 0 {
			return dst
		}
		dst = append(dst, separator)
		name = name[:dot]
	}
}

// appendText appends the name of a key; it is the inverse of [appendKey].
func appendText(dst, key []byte) []byte {
	for {
		cut := bytes.LastIndexByte(key, separator)
		dst = append(dst, key[cut+1:]...)
		if cut < 0 {
			return dst
		}
		dst = append(dst, '.')
		key = key[:cut]
	}
}

// appendQueryKey appends the key of the last labels of q, or of as many of them as
// a listed name can have: an octet that is the separator, or a length beyond any
// listed name, ends it.
func appendQueryKey(dst []byte, q *domainname.Query, labels int) []byte {
	for i := 1; i <= labels; i++ {
		label := q.Label(q.Labels() - i)
		if len(dst)+1+len(label) > maxKeyBytes+1 || bytes.IndexByte(label, separator) >= 0 {
			return dst
		}
		if i > 1 {
			dst = append(dst, separator)
		}
		dst = append(dst, label...)
	}
	return dst
}

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

const (
	namesPerBlock      = 32
	separatorsPerBlock = 16
	// A header byte holds in its high half the change of the shared length, which is
	// 0 to maxChange after adding changeBias, and in its low half the length of the
	// rest less one. The value that is no change marks the three-byte header.
	changeBias = 7
	maxChange  = 14
	maxRest    = 16
	wideHeader = 0xF0
)

// blockWriter front-codes keys, which come in order, each with a value.
type blockWriter struct {
	size   int // keys in a block
	data   []byte
	count  int
	prev   []byte
	shared int // of prev with the key before it
}

// atStart reports whether the next key is the first of a block.
func (w *blockWriter) atStart() bool { return w.count%w.size == 0 }

func (w *blockWriter) add(key []byte, value int) {
	if w.atStart() {
		w.data = append(w.data, byte(len(key))) //nolint:gosec // at most maxKeyBytes
		w.data = append(w.data, key...)
		w.shared = 0
	} else {
		shared := commonPrefix(w.prev, key)
		w.data = appendHeader(w.data, shared, w.shared, len(key)-shared)
		w.data = append(w.data, key[shared:]...)
		w.shared = shared
	}
	w.data = binary.AppendUvarint(w.data, uint64(value)) //nolint:gosec // a number or an offset
	w.prev = append(w.prev[:0], key...)
	w.count++
}

func appendHeader(dst []byte, shared, before, rest int) []byte {
	change := shared - before + changeBias
	if change >= 0 && change <= maxChange && rest >= 1 && rest <= maxRest {
		return append(dst, byte(change<<4|(rest-1))) //nolint:gosec // halves of a byte
	}
	return append(dst, wideHeader, byte(shared), byte(rest)) //nolint:gosec // at most maxKeyBytes
}

// floor looks in the block of up to size keys at the start of data for the last one
// that is not after key, and returns its value. Data may hold anything: ok is false
// if it does not parse, as if all keys are after key.
func floor(data, key []byte, size int) (value uint64, exact, ok bool) {
	first, tail, ok := cutFirst(data)
	if !ok {
		return 0, false, false
	}
	// matched is how much of key the current one shares. As long as they are not
	// after key it never falls.
	matched, isAfter := meet(first, key)
	if isAfter {
		return 0, false, false
	}
	length, shared := len(first), 0
	for count := 1; ; count++ {
		current := tail
		exact = matched == len(key) && length == len(key)
		if tail = skipValue(tail); exact || count == size || len(tail) == 0 {
			value, _, ok = cutValue(current)
			return value, exact, ok
		}
		var rest, width int
		if shared, rest, width = readHeader(tail, shared); shared < 0 || width+rest > len(tail) {
			return 0, false, false
		}
		if shared <= matched {
			more, isAfter := meet(tail[width:width+rest], key[matched:])
			if isAfter || shared < matched {
				value, _, ok = cutValue(current)
				return value, false, ok
			}
			matched += more
		}
		tail = tail[width+rest:]
		length = shared + rest
	}
}

// meet returns how much two texts share, and whether the first is after the second.
func meet(a, b []byte) (shared int, isAfter bool) {
	shared = commonPrefix(a, b)
	return shared, shared < len(a) && (shared == len(b) || a[shared] > b[shared])
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// cutFirst splits a block behind its first key.
func cutFirst(block []byte) (key, tail []byte, ok bool) {
	if len(block) == 0 || 1+int(block[0]) > len(block) {
		return nil, nil, false
	}
	end := 1 + int(block[0])
	return block[1:end], block[end:], true
}

// readHeader reads the header at the start of data, which is not empty, for a key
// behind one that shares before octets with its own predecessor. The lengths may lie
// outside of data, and shared below 0.
func readHeader(data []byte, before int) (shared, rest, width int) {
	if head := data[0]; head < wideHeader {
		return before + int(head>>4) - changeBias, int(head&0xF) + 1, 1
	}
	if len(data) < 3 {
		return 0, 0, 3
	}
	return int(data[1]), int(data[2]), 3
}

// cutValue splits a block behind a value.
func cutValue(data []byte) (value uint64, tail []byte, ok bool) {
	value, width := binary.Uvarint(data)
	if width <= 0 {
		return 0, nil, false
	}
	return value, data[width:], true
}

// skipValue returns what follows a value, nothing if it is cut.
func skipValue(data []byte) []byte {
	for i, octet := range data {
		if octet < 0x80 {
			return data[i+1:]
		}
	}
	return nil
}

// eachKey yields the keys of blocks of size, which fill data, with their values. A
// key is valid for one step. It reports false if some bytes do not parse, and true
// if yield ended it or everything was seen.
func eachKey(data []byte, size int, yield func(key []byte, value uint64) bool) (parsed bool) {
	var key []byte
	tail, shared := data, 0
	for count := 0; len(tail) > 0; count++ {
		rest, width := 0, 1
		if count%size == 0 {
			shared, rest = 0, int(tail[0])
		} else {
			shared, rest, width = readHeader(tail, shared)
		}
		if shared < 0 || shared > len(key) || width+rest > len(tail) {
			return false
		}
		key = append(key[:shared], tail[width:width+rest]...)
		value, next, ok := cutValue(tail[width+rest:])
		if !ok {
			return false
		}
		if !yield(key, value) {
			return true
		}
		tail = next
	}
	return true
}
