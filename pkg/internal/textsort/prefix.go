package textsort

// A prefix is the next octets of a text, packed so that the order of the numbers is the order
// of the octets. Each octet has a code of six bits. A text that ends earlier is filled up with
// code 0, which is below all others.
const (
	bitsPerOctet    = 6
	octetsPerPrefix = 10
	prefixBits      = bitsPerOctet * octetsPerPrefix
	noCode          = 0xFF // of the octets that names, keys and addresses do not have
)

// codes holds the code of each octet.
var codes = numberOctets()

func numberOctets() (codes [256]uint8) {
	next := uint8(1)
	for c := range codes {
		// Zero separates the labels of a key. The second range has digits, and the hyphens,
		// dots, slashes and colons of names and addresses.
		if c == 0 || '-' <= c && c <= ':' || c == '_' || 'a' <= c && c <= 'z' {
			codes[c] = next
			next++
			continue
		}
		codes[c] = noCode
	}
	return codes
}

// load sets the prefixes of items to the octets from depth on. No text may be shorter than
// depth. load returns false if an octet has no code.
func load(items []Item, read func(place uint32) []byte, depth int) bool {
	seen := uint8(0)
	for i := range items {
		text := read(items[i].Place)[depth:]
		prefix, n := uint64(0), min(len(text), octetsPerPrefix)
		for _, c := range text[:n] {
			code := codes[c]
			seen |= code
			prefix = prefix<<bitsPerOctet | uint64(code)
		}
		items[i].prefix = prefix << (bitsPerOctet * (octetsPerPrefix - n))
	}
	return seen < 1<<bitsPerOctet
}

// isEnd reports whether texts with this prefix end within it.
func isEnd(prefix uint64) bool { return prefix&(1<<bitsPerOctet-1) == 0 }
