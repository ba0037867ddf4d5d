package index

import "encoding/binary"

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
