package feed

import (
	"bytes"
	"strings"
)

// cutRecord reads what follows the owner name of a DNS record: time to live and
// class, in any order and both optional (RFC 1035 section 5.1), the type as
// [recordType] has it, and the data. The type is empty if there is none.
func cutRecord(text []byte) (kind string, data []byte) {
	for {
		var word []byte
		word, text = cutWord(text)
		switch kind = recordType(word); {
		case kind != "":
			return kind, text
		case !isTTL(word) && !isClass(word):
			return "", nil
		}
	}
}

// recordType returns the type in upper case, "other" for types that decide nothing,
// and the empty text for what is no type.
func recordType(word []byte) string {
	if len(word) == 0 || len(word) > len("CNAME") {
		return ""
	}
	var upper [len("CNAME")]byte
	for i, c := range word {
		if upper[i] = c; isLetter(c) {
			upper[i] = c &^ 0x20
		}
	}
	switch string(upper[:len(word)]) {
	case "A":
		return "A"
	case "AAAA":
		return "AAAA"
	case "CNAME":
		return "CNAME"
	case "DNAME":
		return "DNAME"
	case "SOA":
		return "SOA"
	case "NS", "MX", "TXT", "PTR", "SRV", "HTTPS", "SVCB", "CAA":
		return "other"
	}
	return ""
}

func isClass(word []byte) bool { return len(word) == 2 && bytes.EqualFold(word, []byte("IN")) }

// isTTL knows seconds and the units of BIND, as in 1h30m.
func isTTL(word []byte) bool {
	return len(word) > 0 && isDigit(word[0]) && allOf(word, func(c byte) bool {
		return isDigit(c) || strings.IndexByte("smhdwSMHDW", c) >= 0
	})
}
