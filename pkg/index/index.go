package index

import (
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

// Index answers which indicators cover a name or an address. It is immutable and
// safe for concurrent use.
type Index struct {
	seed         uint64
	suffixes     filter // the suffixes of two labels or more of all names
	listed       filter // the names
	singleLabels bool   // some listed name has one label
	names        store
	groups       groupTable
	feeds        []FeedInfo
	categories   categoryTable
	ipv4, ipv6   addressTable
	header       *header
	checksum     [checksumBytes]byte
}

// Open verifies an index file and returns an index that reads from data, which must
// not change any more. It costs about as much as the checksum: names and filters are
// neither copied nor decoded.
//
// It returns [ErrNotIndex], [ErrCorrupt] or a [*VersionError].
func Open(data []byte) (*Index, error) {
	h, sections, err := decodeFile(data)
	if err != nil {
		return nil, fmt.Errorf("opening an index: %w", err)
	}
	x := &Index{seed: h.Seed, singleLabels: h.SingleLabels > 0, header: h}
	copy(x.checksum[:], data[len(data)-checksumBytes:])
	if err := x.read(sections); err != nil {
		return nil, fmt.Errorf("opening an index: %w", err)
	}
	return x, nil
}

// read sets up the parts of x. Each part checks all that its look-ups rely on.
func (x *Index) read(sections *[sectionCount][]byte) error {
	var ok [sectionCount]bool
	x.feeds, ok[sectionFeeds] = decodeFeeds(sections[sectionFeeds])
	x.categories, ok[sectionCategories] = newCategoryTable(sections[sectionCategories])
	x.groups, ok[sectionGroupEntries] = newGroupTable(sections[sectionGroupOffsets],
		sections[sectionGroupEntries], len(x.feeds), x.categories.len())
	ok[sectionGroupOffsets] = ok[sectionGroupEntries]
	x.names, ok[sectionNames] = newStore(sections[sectionOffsets], sections[sectionDirectory], sections[sectionNames])
	ok[sectionOffsets], ok[sectionDirectory] = ok[sectionNames], ok[sectionNames]
	x.ipv4, ok[sectionIPv4] = newAddressTable(sections[sectionIPv4], 4)
	x.ipv6, ok[sectionIPv6] = newAddressTable(sections[sectionIPv6], 16)
	x.suffixes, ok[sectionSuffixes] = newFilter(sections[sectionSuffixes])
	x.listed, ok[sectionListed] = newFilter(sections[sectionListed])
	for i := range ok {
		if !ok[i] {
			return fmt.Errorf("%w: section %s does not parse", ErrCorrupt, sectionTitles[i])
		}
	}
	// A missing filter would hide every name behind it.
	if x.listed.empty() != (x.header.Names == 0) || x.suffixes.empty() != (x.header.Names <= x.header.SingleLabels) {
		return fmt.Errorf("%w: filters do not belong to the names", ErrCorrupt)
	}
	return nil
}

// walk appends the depths at which, by the filters, q may have a listed ancestor or
// be listed itself, the shallowest first.
func (x *Index) walk(depths []uint8, q *domainname.Query) []uint8 {
	labels := q.Labels()
	if x.singleLabels && labels > 0 && x.listed.contains(x.hash(q.Suffix(1))) {
		depths = append(depths, 1)
	}
	for depth := 2; depth <= labels; depth++ {
		hash := x.hash(q.Suffix(depth))
		if !x.suffixes.contains(hash) {
			break
		}
		if x.listed.contains(hash) {
			depths = append(depths, uint8(depth))
		}
	}
	return depths
}

func (x *Index) hash(text []byte) uint64 { return xxh3.HashSeed(text, x.seed) }

// lookUp appends a hit for each of depths at which a name is really listed, the
// deepest first.
func (x *Index) lookUp(hits []hit, q *domainname.Query, depths []uint8) []hit {
	var buf [maxKeyBytes + 1]byte
	key := appendQueryKey(buf[:0], q, int(depths[len(depths)-1]))
	for _, depth := range slices.Backward(depths) {
		length := len(q.Suffix(int(depth)))
		if length > len(key) {
			continue
		}
		if group, found := x.names.find(key[:length]); found {
			hits = append(hits, hit{int(depth), group})
		}
	}
	return hits
}
