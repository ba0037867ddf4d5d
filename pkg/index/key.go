package index

import (
	"bytes"
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
