package feed

import "strings"

// arenaBytes is how many bytes of names share one allocation. A consumer that keeps
// one name of a chunk keeps the chunk.
const arenaBytes = 16 << 10

// arena turns short byte slices into strings, many to an allocation.
type arena struct{ chunk strings.Builder }

func (a *arena) keep(text []byte) string {
	if a.chunk.Cap()-a.chunk.Len() < len(text) {
		a.chunk.Reset()
		a.chunk.Grow(max(arenaBytes, len(text)))
	}
	start := a.chunk.Len()
	a.chunk.Write(text)
	return a.chunk.String()[start:]
}
