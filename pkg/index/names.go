package index

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

// A key is a name with its labels reversed: the key of `www.evil.example` is `example`,
// `evil`, `www`. Neighbours in key order then share their ancestors, and the key of an
// ancestor is a prefix.
//
// The separator is the lowest byte, so that a name sorts directly before everything under
// it. No listed name contains it.
const separator = 0

// maxKeyBytes is the length of the longest listed name (RFC 1035 section 2.3.4: 255
// octets, minus the first length octet and the root).
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

// appendText appends the name of a key. It is the inverse of [appendKey].
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

// appendQueryKey appends the key of the last labels of q. It stops before a label that no
// listed name can have: one that contains the separator, or that makes the key longer than
// any listed name.
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

// storeWriter writes the exact map from keys to groups as a tree of two levels: a
// directory leads to the block of names that a key would be in. A lookup then touches few
// places in memory, which is what it spends its time on.
type storeWriter struct {
	names     blockWriter
	directory blockWriter
	offsets   []byte // where each block of the directory starts
}

func newStoreWriter() *storeWriter {
	return &storeWriter{
		names:     blockWriter{size: namesPerBlock},
		directory: blockWriter{size: separatorsPerBlock},
	}
}

// minNameBytes is about the least that a name takes in the store. Real names take about 10.
const minNameBytes = 8

// encodeNames writes the sections of the names store.
func encodeNames(keys *arena, names []keyGroup, numbers []uint32, sections *[sectionCount][]byte) {
	w := newStoreWriter()
	w.names.data = make([]byte, 0, len(names)*minNameBytes)
	for _, name := range names {
		w.add(keys.key(name.key), numbers[name.group])
	}
	w.endBlock()
	sections[sectionOffsets], sections[sectionDirectory] = w.offsets, w.directory.data
	sections[sectionNames] = w.names.data
}

// add adds a key, which must sort after the previous one. It keeps key until the next call.
func (w *storeWriter) add(key []byte, group uint32) {
	if w.names.atStart() {
		if w.directory.atStart() {
			w.endBlock()
		}
		// The shortest prefix of the key that differs from the previous key.
		w.directory.add(key[:commonPrefix(w.names.prev, key)+1], len(w.names.data))
	}
	w.names.add(key, int(group))
}

// endBlock records where the next block of the directory starts or, after the last block,
// where the directory ends.
func (w *storeWriter) endBlock() {
	w.offsets = binary.LittleEndian.AppendUint32(w.offsets, bounded(len(w.directory.data)))
}

// store is the exact map from keys to groups. Its bytes are not trusted: a lookup that
// meets malformed bytes finds nothing.
type store struct {
	offsets   []byte
	directory []byte
	names     []byte
	blocks    int // number of blocks in the directory
}

// newStore checks that the blocks of the directory are in order and fill it.
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

// all yields every key with its group. A key is valid only during the call. all returns
// false if it meets malformed bytes, and true at the end or when yield returns false.
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
	// The high half of a header byte is the change of the shared length plus changeBias,
	// from 0 to maxChange. The low half is the length of the rest minus one. wideHeader,
	// whose high half is out of that range, starts a header of three bytes.
	changeBias = 7
	maxChange  = 14
	maxRest    = 16
	wideHeader = 0xF0
)

// blockWriter front-codes sorted keys, each with a value.
type blockWriter struct {
	size   int // keys in a block
	data   []byte
	count  int
	prev   []byte // the caller's memory
	shared int    // length that prev shares with the key before it
}

// atStart reports whether the next key is the first one of a block.
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
	w.prev = key
	w.count++
}

func appendHeader(dst []byte, shared, prevShared, rest int) []byte {
	change := shared - prevShared + changeBias
	if change >= 0 && change <= maxChange && rest >= 1 && rest <= maxRest {
		return append(dst, byte(change<<4|(rest-1))) //nolint:gosec // halves of a byte
	}
	return append(dst, wideHeader, byte(shared), byte(rest)) //nolint:gosec // at most maxKeyBytes
}

// floor searches the block of up to size keys at the start of data for the last key that
// does not sort after key, and returns its value. data is not trusted: ok is false if it is
// malformed, just as if every key sorted after key.
func floor(data, key []byte, size int) (value uint64, exact, ok bool) {
	first, tail, ok := cutFirst(data)
	if !ok {
		return 0, false, false
	}

	// matched is the length of the prefix that key shares with the current key. It never
	// falls while the keys do not sort after key.
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

// meet returns the length of the prefix that a and b share, and whether a sorts after b.
func meet(a, b []byte) (shared int, isAfter bool) {
	shared = commonPrefix(a, b)
	return shared, shared < len(a) && (shared == len(b) || a[shared] > b[shared])
}

func commonPrefix(a, b []byte) int {
	n, i := min(len(a), len(b)), 0
	for ; i+8 <= n; i += 8 {
		if different := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); different != 0 {
			return i + bits.TrailingZeros64(different)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// cutFirst splits a block after its first key.
func cutFirst(block []byte) (key, tail []byte, ok bool) {
	if len(block) == 0 || 1+int(block[0]) > len(block) {
		return nil, nil, false
	}
	end := 1 + int(block[0])
	return block[1:end], block[end:], true
}

// readHeader reads the header at the start of data, which must not be empty. prevShared is
// the shared length of the previous key. The results are not checked: the lengths may reach
// beyond data, and shared may be negative.
func readHeader(data []byte, prevShared int) (shared, rest, width int) {
	if head := data[0]; head < wideHeader {
		return prevShared + int(head>>4) - changeBias, int(head&0xF) + 1, 1
	}
	if len(data) < 3 {
		return 0, 0, 3
	}
	return int(data[1]), int(data[2]), 3
}

// cutValue splits a block after a value.
func cutValue(data []byte) (value uint64, tail []byte, ok bool) {
	value, width := binary.Uvarint(data)
	if width <= 0 {
		return 0, nil, false
	}
	return value, data[width:], true
}

// skipValue returns the bytes after a value, or nil if the value is incomplete.
func skipValue(data []byte) []byte {
	for i, octet := range data {
		if octet < 0x80 {
			return data[i+1:]
		}
	}
	return nil
}

// eachKey yields the keys in data, which holds blocks of size keys, with their values. A
// key is valid only during the call. eachKey returns false if it meets malformed bytes, and
// true at the end or when yield returns false.
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
