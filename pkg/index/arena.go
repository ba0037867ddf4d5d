package index

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
)

// Keys of a builder lie in chunks that never move, so that adding costs no copy and
// a place in them is four bytes.
const (
	chunkBits  = 20
	chunkBytes = 1 << chunkBits
	maxChunks  = 1 << (32 - chunkBits)
)

var errTooManyNames = errors.New("over 4 GiB of names")

// arena holds keys, each after its length.
type arena struct {
	chunks [][]byte
}

// add copies a key in. It returns where the key lies.
func (a *arena) add(name string) (place uint32, err error) {
	last := len(a.chunks) - 1
	if last < 0 || len(a.chunks[last])+1+len(name) > chunkBytes {
		if len(a.chunks) == maxChunks {
			return 0, errTooManyNames
		}
		a.chunks = append(a.chunks, make([]byte, 0, chunkBytes))
		last++
	}
	chunk := a.chunks[last]
	place = bounded(last<<chunkBits | len(chunk))
	chunk = append(chunk, byte(len(name))) //nolint:gosec // a name has at most 253 octets
	a.chunks[last] = appendKey(chunk, name)
	return place, nil
}

func (a *arena) key(place uint32) []byte {
	chunk := a.chunks[place>>chunkBits][place&(chunkBytes-1):]
	return chunk[1 : 1+int(chunk[0])]
}

// nameEntry is an entry on a name while an index is built.
type nameEntry struct {
	key   uint32 // its place in the arena
	entry entry
}

// sort orders entries by key, then by entry.
func (a *arena) sort(entries []nameEntry) {
	slices.SortFunc(entries, func(x, y nameEntry) int {
		if c := bytes.Compare(a.key(x.key), a.key(y.key)); c != 0 {
			return c
		}
		return cmp.Compare(x.entry, y.entry)
	})
}
