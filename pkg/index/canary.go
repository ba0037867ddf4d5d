package index

import (
	"crypto/rand"
	"strings"
)

// Canaries returns names that no index may call malicious: the top-level domain of half
// of the Web, and names that nobody has under it, under AWS, and where nobody can have
// any (RFC 6761). An index that does has an entry above them, and would mark a good part
// of all traffic.
//
// The names are drawn anew each time. One that was always the same could be put on a
// list, and no reader would load an index again.
func Canaries() []string {
	nobody := strings.ToLower(rand.Text())
	return []string{"com", nobody + ".com", nobody + ".amazonaws.com", nobody + ".invalid"}
}
