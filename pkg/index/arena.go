package index

import "errors"

// An arena stores keys in chunks that never move, so that adding a key copies nothing else
// and the place of a key takes four bytes.
const (
	chunkBits  = 20
	chunkBytes = 1 << chunkBits
	maxChunks  = 1 << (32 - chunkBits)
)

var errTooManyNames = errors.New("more than 4 GiB of names")

// arena holds keys. The length of each key precedes it.
type arena struct {
	chunks [][]byte
	used   int // number of chunks that have keys
}

// add stores the key of a name and returns its place.
func (a *arena) add(name string) (place uint32, err error) {
	chunk, place, err := a.reserve(len(name))
	if err == nil {
		*chunk = appendKey(*chunk, name)
	}
	return place, err
}

// addKey stores a key and returns its place.
func (a *arena) addKey(key []byte) (place uint32, err error) {
	chunk, place, err := a.reserve(len(key))
	if err == nil {
		*chunk = append(*chunk, key...)
	}
	return place, err
}

// reserve stores the length of a key. It returns the chunk that the key must be appended to,
// and the place of the key.
func (a *arena) reserve(length int) (chunk *[]byte, place uint32, err error) {
	if a.used == 0 || len(a.chunks[a.used-1])+1+length > chunkBytes {
		if a.used == maxChunks {
			return nil, 0, errTooManyNames
		}
		if a.used == len(a.chunks) {
			a.chunks = append(a.chunks, make([]byte, 0, chunkBytes))
		}
		a.used++
	}

	chunk = &a.chunks[a.used-1]
	place = bounded((a.used-1)<<chunkBits | len(*chunk))
	*chunk = append(*chunk, byte(length)) //nolint:gosec // a name has at most 253 octets
	return chunk, place, nil
}

// key returns the key at a place.
func (a *arena) key(place uint32) []byte {
	chunk := a.chunks[place>>chunkBits][place&(chunkBytes-1):]
	return chunk[1 : 1+int(chunk[0])]
}

// clear removes all keys and keeps the memory for the next ones.
func (a *arena) clear() {
	for i := range a.used {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.used = 0
}
