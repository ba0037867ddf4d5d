package index

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/FastFilter/xorfilter"
)

const filterHeader = 16

// filter is a set of hashes that never denies a member and lets one in 256 others
// through. Its fingerprints stay where the file has them.
type filter struct {
	fuse xorfilter.BinaryFuse[uint8]
}

// encodeFilter returns the section of a filter over keys, empty for none. It may
// reorder keys.
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

// newFilter reads a section. It checks the relations between the lengths that keep
// every probe within the fingerprints.
func newFilter(section []byte) (filter, bool) {
	if len(section) == 0 {
		return filter{}, true
	}
	if len(section) < filterHeader {
		return filter{}, false
	}
	segment := binary.LittleEndian.Uint32(section[8:])
	all := binary.LittleEndian.Uint32(section[12:])
	if segment == 0 || segment&(segment-1) != 0 || all == 0 || all%segment != 0 ||
		uint64(all)+2*uint64(segment) != uint64(len(section)-filterHeader) || //nolint:gosec // not negative
		len(section) > math.MaxUint32 {
		return filter{}, false
	}
	return filter{xorfilter.BinaryFuse[uint8]{
		Seed:               binary.LittleEndian.Uint64(section),
		SegmentLength:      segment,
		SegmentLengthMask:  segment - 1,
		SegmentCount:       all / segment,
		SegmentCountLength: all,
		Fingerprints:       section[filterHeader:],
	}}, true
}

func (f *filter) empty() bool { return len(f.fuse.Fingerprints) == 0 }

func (f *filter) contains(hash uint64) bool { return !f.empty() && f.fuse.Contains(hash) }
