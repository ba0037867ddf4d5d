package list

import (
	_ "embed" // the hashes of the public suffixes
	"encoding/binary"
	"math/bits"
	"strings"
	"sync"

	"github.com/zeebo/xxh3"
	"golang.org/x/net/publicsuffix"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// ordinaryNames recognizes the names that no guard drops. These are nearly all names of nearly
// all lists, and a look-up in the public suffix list for each of them takes more time than
// reading them. The sets hold hashes, so they may contain a name by mistake, but never lack
// one: a name that is not recognized takes the exact way.
type ordinaryNames struct {
	suffixes *suffixHashes
	known    hashSet           // names with traits
	zones    hashSet           // names whose traits matter to the names under them
	tlds     [1 << 10]knownTLD // by the low bits of the hash
}

// knownTLD is a top-level domain that was looked up.
type knownTLD struct {
	text     string
	ordinary bool // names under it can be ordinary
}

// aboveTraits are the traits that say something about the names above those that were set.
const aboveTraits = aboveCore | aboveShared | aboveTop

// newOrdinaryNames returns nil, with which no name is ordinary, if the hashes are those of
// another public suffix list than the one in use. This happens in a program that is built with
// another version of the list.
func newOrdinaryNames(sets ...*guardNames) *ordinaryNames {
	suffixes := loadSuffixHashes()
	if suffixes.version != publicsuffix.List.String() {
		return nil
	}

	total := 0
	for _, set := range sets {
		total += len(set.traits)
	}
	o := &ordinaryNames{suffixes: suffixes, known: newHashSet(total), zones: newHashSet(total)}
	for _, set := range sets {
		for name, known := range set.traits {
			hash := xxh3.HashString(name)
			o.known.add(hash)
			if known&^aboveTraits != 0 {
				o.zones.add(hash)
			}
		}
	}
	return o
}

// has reports whether a name of two labels or more is certainly ordinary. It is neither a
// public suffix, nor above public suffixes, nor an endpoint of AWS, and neither the name nor a
// name above it has a trait that matters to it.
func (o *ordinaryNames) has(name string) bool {
	if o == nil {
		return false
	}
	if hash := xxh3.HashString(name); o.suffixes.names.has(hash) || o.known.has(hash) {
		return false
	}

	_, above, _ := strings.Cut(name, ".")
	for strings.IndexByte(above, '.') >= 0 {
		if hash := xxh3.HashString(above); o.suffixes.zones.has(hash) || o.zones.has(hash) {
			return false
		}
		_, above, _ = strings.Cut(above, ".")
	}
	return o.hasTLD(above) && !isAWSEndpoint(name)
}

// hasTLD reports whether names under a top-level domain can be ordinary: it exists, and neither
// are all names directly under it public suffixes, nor does it have traits.
func (o *ordinaryNames) hasTLD(tld string) bool {
	hash := xxh3.HashString(tld)
	known := &o.tlds[hash%uint64(len(o.tlds))]
	if known.text != tld {
		above, _ := isAboveSuffixes(tld, indicator.ScopeSubtree)
		known.text = strings.Clone(tld) // the parser's texts share their memory
		known.ordinary = !above && domainname.HasKnownTLD(tld) && !o.zones.has(hash)
	}
	return known.ordinary
}

// suffixFile has the hashes of all rules of a public suffix list: the length and the text of
// its version; the number of its wildcards; and hashes of 4 bytes, first of the zones of the
// wildcards, then of all rules. Numbers have 4 bytes, little-endian. A test writes the file and
// compares it with the list in use.
//
//go:embed suffixes.bin
var suffixFile []byte

// suffixHashes are the hashes of a public suffix list. Exceptions are not among them: without
// them more names take the exact way.
type suffixHashes struct {
	version string
	names   hashSet // rules and the zones of wildcards
	zones   hashSet // of wildcards
}

var loadSuffixHashes = sync.OnceValue(func() *suffixHashes {
	length := 4 + binary.LittleEndian.Uint32(suffixFile)
	s := &suffixHashes{version: string(suffixFile[4:length])}
	zones := int(binary.LittleEndian.Uint32(suffixFile[length:]))
	hashes := suffixFile[length+4:]
	s.names, s.zones = newHashSet(len(hashes)/4), newHashSet(zones)
	for i := range len(hashes) / 4 {
		hash := uint64(binary.LittleEndian.Uint32(hashes[4*i:]))
		s.names.add(hash)
		if i < zones {
			s.zones.add(hash)
		}
	}
	return s
})

// hashSet is a set of hashes, in two bits each of the low 32 bits of the hash. It also has about
// one in 200 of those that were not added.
type hashSet struct {
	bits  []uint64
	shift int // 32 minus the logarithm of the number of bits
}

// newHashSet returns a set for a number of hashes.
func newHashSet(hashes int) hashSet {
	log := bits.Len(uint(16*hashes | 63))
	return hashSet{make([]uint64, 1<<log/64), 32 - log}
}

// places returns the bits of a hash.
func (s *hashSet) places(hash uint64) (first, second uint32) {
	return uint32(hash) >> s.shift, uint32(hash) << s.shift >> s.shift //nolint:gosec // the low bits are meant
}

func (s *hashSet) add(hash uint64) {
	first, second := s.places(hash)
	s.bits[first/64] |= 1 << (first % 64)
	s.bits[second/64] |= 1 << (second % 64)
}

func (s *hashSet) has(hash uint64) bool {
	first, second := s.places(hash)
	return s.bits[first/64]>>(first%64)&1 != 0 && s.bits[second/64]>>(second%64)&1 != 0
}
