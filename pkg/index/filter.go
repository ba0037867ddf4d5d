package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/FastFilter/xorfilter"
	"github.com/zeebo/xxh3"
)

const filterHeader = 16

// filter is a set of hashes that never denies a member and lets one in 256 others
// through: a 3-wise binary fuse filter (Graf and Lemire, 2022) with 8-bit fingerprints,
// which are read in place from the file. A library builds it. The library could probe it
// too, but our own probe over plain fields is faster, and programs that only read do not
// need the library.
type filter struct {
	seed    uint64
	segment uint32 // a power of two
	starts  uint32 // length of all segments but the last two: where a first probe may go
	prints  []byte
}

// encodeFilters writes the filters over the names and over their suffixes, and counts the
// names with one label. Both filters are built with the same memory, one after the other.
func encodeFilters(h *header, keys *arena, names []keyGroup, sections *[sectionCount][]byte) error {
	listed := make([]uint64, 0, len(names))
	suffixes := make([]uint64, 0, len(names)+len(names)/8)
	var text, previous []byte
	for _, name := range names {
		key := keys.key(name.key)
		text = appendText(text[:0], key)
		hash := xxh3.HashSeed(text, h.Seed)
		listed = append(listed, hash)
		if bytes.IndexByte(key, separator) < 0 {
			h.SingleLabels++
		} else {
			suffixes = appendSuffixes(suffixes, h.Seed, previous, key, text)
			suffixes = append(suffixes, hash)
		}
		previous = key
	}

	var builder xorfilter.BinaryFuseBuilder
	var err error
	if sections[sectionSuffixes], err = encodeFilter(&builder, suffixes); err != nil {
		return err
	}
	sections[sectionListed], err = encodeFilter(&builder, listed)
	return err
}

// appendSuffixes appends a hash for each suffix of a name that has two or more labels, except
// for the name itself and for the suffixes of the previous name in key order. The keys of a
// subtree are adjacent, so each suffix is appended once.
func appendSuffixes(dst []uint64, seed uint64, previous, key, text []byte) []uint64 {
	// A suffix of the name is a prefix of its key that ends before a separator. The previous
	// key has those that end within the shared part, and may be one itself.
	known := commonPrefix(previous, key) - 1
	if known+1 == len(previous) {
		known++
	}

	labels := 0
	for i, octet := range key {
		if octet != separator {
			continue
		}
		if labels++; labels >= 2 && i > known {
			dst = append(dst, xxh3.HashSeed(text[len(text)-i:], seed))
		}
	}
	return dst
}

// encodeFilter returns the section of a filter over keys. It is empty if there are no
// keys. encodeFilter may reorder keys.
func encodeFilter(builder *xorfilter.BinaryFuseBuilder, keys []uint64) ([]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}

	if len(keys) > math.MaxInt32 {
		return nil, fmt.Errorf("building a filter: %d keys, at most %d", len(keys), math.MaxInt32)
	}

	fuse, err := xorfilter.BuildBinaryFuse[uint8](builder, keys)
	if err != nil {
		return nil, fmt.Errorf("building a filter: %w", err)
	}

	section := make([]byte, 0, filterHeader+len(fuse.Fingerprints))
	section = binary.LittleEndian.AppendUint64(section, fuse.Seed)
	section = binary.LittleEndian.AppendUint32(section, fuse.SegmentLength)
	section = binary.LittleEndian.AppendUint32(section, fuse.SegmentCountLength)
	return append(section, fuse.Fingerprints...), nil
}

// newFilter reads a section. It checks the lengths, so that every probe stays within the
// fingerprints.
func newFilter(section []byte) (filter, bool) {
	if len(section) == 0 {
		return filter{}, true
	}

	if len(section) < filterHeader {
		return filter{}, false
	}

	f := filter{
		seed:    binary.LittleEndian.Uint64(section),
		segment: binary.LittleEndian.Uint32(section[8:]),
		starts:  binary.LittleEndian.Uint32(section[12:]),
		prints:  section[filterHeader:],
	}

	ok := bits.OnesCount32(f.segment) == 1 && f.starts > 0 && f.starts%f.segment == 0 &&
		uint64(len(f.prints)) == uint64(f.starts)+2*uint64(f.segment) && len(f.prints) <= math.MaxUint32
	return f, ok
}

func (f *filter) empty() bool { return len(f.prints) == 0 }

// contains probes one place in each of three adjacent segments.
func (f *filter) contains(hash uint64) bool {
	if f.empty() {
		return false
	}
	hash = mix(hash + f.seed)
	start, _ := bits.Mul64(hash, uint64(f.starts))
	first := uint32(start)                                               //nolint:gosec // below starts
	second := (first + f.segment) ^ (uint32(hash>>18) & (f.segment - 1)) //nolint:gosec // the low bits are meant
	third := (first + 2*f.segment) ^ (uint32(hash) & (f.segment - 1))    //nolint:gosec // the low bits are meant
	fingerprint := byte(hash ^ hash>>32)                                 //nolint:gosec // as above
	return f.prints[first]^f.prints[second]^f.prints[third] == fingerprint
}

// mix spreads every bit of a hash over all other bits. It is the finalizer of MurmurHash3.
func mix(hash uint64) uint64 {
	hash = (hash ^ hash>>33) * 0xff51afd7ed558ccd
	hash = (hash ^ hash>>33) * 0xc4ceb9fe1a85ec53
	return hash ^ hash>>33
}
