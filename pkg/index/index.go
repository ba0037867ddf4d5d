package index

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// Index answers which indicators cover a name or an address. It is immutable and
// safe for concurrent use.
type Index struct {
	seed         uint64
	suffixes     filter // every suffix of two or more labels of the names
	listed       filter // the names
	singleLabels bool   // at least one listed name has a single label
	names        store
	groups       groupTable
	feeds        []FeedInfo
	categories   categoryTable
	ipv4, ipv6   addressTable
	reach        *reaches // nil if the file does not say
	header       *header
	checksum     [checksumBytes]byte
}

// Open verifies an index file and returns an index that reads from data, which must
// not change afterwards. Most of its time goes into the checksum: names and filters are
// neither copied nor decoded.
//
// The error wraps [ErrNotIndex] or [ErrCorrupt], or is a [*VersionError].
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

// read sets up the parts of x from the sections. Each part checks everything that its
// lookups rely on.
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
	x.reach, ok[sectionReach] = decodeReaches(sections[sectionReach], len(x.feeds))

	for i := range ok {
		if !ok[i] {
			return fmt.Errorf("%w: section %s is malformed", ErrCorrupt, sectionTitles[i])
		}
	}

	// A missing filter would hide all the names that it guards.
	if x.listed.empty() != (x.header.Names == 0) || x.suffixes.empty() != (x.header.Names <= x.header.SingleLabels) {
		return fmt.Errorf("%w: filters do not match the names", ErrCorrupt)
	}
	return nil
}

// Info describes an index.
type Info struct {
	FormatVersion int
	Generation    uint64
	Seed          uint64
	BuiltAt       time.Time // zero if it is not known
	// ContentHash is the same for two indexes if and only if they give the same answers
	// for the same reasons. It has 64 hexadecimal digits.
	ContentHash string
	// Checksum is the checksum of the file. It has 32 hexadecimal digits.
	Checksum  string
	Bytes     int // size of the file
	Names     int // distinct names
	Addresses int // distinct addresses and blocks
	Groups    int // distinct sets of entries on a name or block
	// Reach is how much of the public address space the block entries cover. It is zero in
	// files of earlier writers.
	Reach    reach.Reach
	Feeds    []FeedInfo
	Sections []SectionInfo
}

// SectionInfo describes a section of an index file.
type SectionInfo struct {
	Name  string
	Bytes int
}

// Info returns a description of x.
func (x *Index) Info() Info {
	info := Info{
		FormatVersion: int(x.header.Version),
		Generation:    x.header.Generation,
		Seed:          x.header.Seed,
		ContentHash:   hex.EncodeToString(x.header.ContentHash[:]),
		Checksum:      hex.EncodeToString(x.checksum[:]),
		Bytes:         int(x.header.Length), //nolint:gosec // equals the length of a slice
		Names:         int(x.header.Names),
		Addresses:     x.ipv4.len() + x.ipv6.len(),
		Groups:        x.groups.len(),
		Feeds:         slices.Clone(x.feeds),
	}

	if x.reach != nil {
		info.Reach = x.reach.total
		for i := range info.Feeds {
			info.Feeds[i].Reach = x.reach.feeds[i]
		}
	}

	if x.header.BuiltAt != 0 {
		info.BuiltAt = time.Unix(x.header.BuiltAt, 0).UTC()
	}

	for i, length := range x.header.Sections {
		info.Sections = append(info.Sections, SectionInfo{sectionTitles[i], int(length)}) //nolint:gosec // as above
	}
	return info
}

// Stored is an entry as an index holds it: without Reference, FirstSeen and ExpiresAt.
type Stored struct {
	Feed indicator.FeedID
	indicator.Indicator
}

// All yields every entry: first the names, each directly before the names under it, then
// the IPv4 and IPv6 blocks by prefix length and address. The entries of one name or block
// are sorted by feed, action and scope. A builder that declares the same feeds and adds
// all these entries builds an index with the same content. An error, which wraps
// [ErrCorrupt], ends the sequence.
func (x *Index) All() iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		var text []byte
		more := true
		parsed := x.names.all(func(key []byte, group uint32) bool {
			text = appendText(text[:0], key)
			name, err := domainname.Parse(string(text))
			if err != nil {
				yield(Stored{}, fmt.Errorf("%w: name %q: %w", ErrCorrupt, text, err))
				more = false
				return false
			}
			more = x.expand(indicator.Indicator{Name: name}, group, yield)
			return more
		})
		if !more {
			return
		}
		if !parsed {
			yield(Stored{}, fmt.Errorf("%w: a block of names is malformed", ErrCorrupt))
			return
		}

		blocks := func(block netip.Prefix, group uint32) bool {
			return x.expand(indicator.Indicator{Block: block}, group, yield)
		}
		_ = x.ipv4.all(blocks) && x.ipv6.all(blocks)
	}
}

// expand yields the entries of the name or block in i.
func (x *Index) expand(i indicator.Indicator, group uint32, yield func(Stored, error) bool) bool {
	list := x.groups.list(group)
	if list.len() == 0 {
		yield(Stored{}, fmt.Errorf("%w: %s has no entries", ErrCorrupt, i.Value()))
		return false
	}

	for n := range list.len() {
		e := list.at(n)
		i.Action, i.Scope = e.action(), e.scope()
		i.Severity, i.Confidence, i.Category = e.severity(), e.confidence(), x.categories.at(e.category())
		if !yield(Stored{x.feeds[e.feed()].ID, i}, nil) {
			return false
		}
	}
	return true
}

// CanaryError reports that an index calls a name or address malicious that must never
// be malicious. The caller decides whether to tolerate that.
type CanaryError struct {
	Canary    string
	Indicator string
	Feeds     []indicator.FeedID
}

func (e *CanaryError) Error() string {
	return fmt.Sprintf("canary %s is malicious because of entry %s in %v", e.Canary, e.Indicator, e.Feeds)
}

// Canaries returns names that no index may call malicious: the most common top-level
// domain, and names that do not exist under it, under AWS and under .invalid (RFC 6761).
// If an index calls one of them malicious, it has an entry above that name and would
// match a large part of all traffic.
//
// The names are random and differ between calls. If a fixed name were used, someone could
// put it on a list, and no reader would load an index any more.
func Canaries() []string {
	label := strings.ToLower(rand.Text())
	return []string{"com", label + ".com", label + ".amazonaws.com", label + ".invalid"}
}

// SelfCheck reads the whole index, beyond what [Open] verifies, before the index is
// published. It decodes every entry, checks order and numbers, looks up about samples
// names and every block the way a query would be looked up, compares how much of the
// public address space the blocks cover with bounds, and looks up the canaries, which are names or addresses
// that must not be malicious.
//
// The error wraps [ErrCorrupt], or is a [*ReachError] or a [*CanaryError].
func (x *Index) SelfCheck(samples int, bounds reach.Bounds, canaries ...string) error {
	if err := x.checkNames(samples); err != nil {
		return fmt.Errorf("checking an index: %w", err)
	}

	for _, table := range []*addressTable{&x.ipv4, &x.ipv6} {
		if err := x.checkBlocks(table); err != nil {
			return fmt.Errorf("checking an index: %w", err)
		}
	}

	for _, canary := range canaries {
		if err := x.checkCanary(canary); err != nil {
			return fmt.Errorf("checking an index: %w", err)
		}
	}

	measured := x.measureReach()
	if x.reach != nil && !x.reach.same(measured) {
		return fmt.Errorf("checking an index: %w: blocks cover %v, the file says %v",
			ErrCorrupt, measured.total, x.reach.total)
	}
	if err := x.checkReach(measured, bounds); err != nil {
		return fmt.Errorf("checking an index: %w", err)
	}
	return nil
}

// checkNames reads all names and looks up about samples of them.
func (x *Index) checkNames(samples int) error {
	step := max(1, int(x.header.Names)/max(1, samples))
	var q domainname.Query
	var previous, text []byte
	var problem error
	count, single := 0, 0
	parsed := x.names.all(func(key []byte, group uint32) bool {
		text = appendText(text[:0], key)
		switch {
		case count > 0 && bytes.Compare(previous, key) >= 0:
			problem = fmt.Errorf("%w: name %q is out of order", ErrCorrupt, text)
		case x.groups.list(group).len() == 0:
			problem = fmt.Errorf("%w: name %q has no entries", ErrCorrupt, text)
		case count%step == 0 && !x.finds(&q, text, group):
			problem = fmt.Errorf("%w: name %q is not found", ErrCorrupt, text)
		}
		if bytes.IndexByte(key, separator) < 0 {
			single++
		}
		count++
		previous = append(previous[:0], key...)
		return problem == nil
	})

	switch {
	case problem != nil:
		return problem
	case !parsed:
		return fmt.Errorf("%w: a block of names is malformed", ErrCorrupt)
	case count != int(x.header.Names) || single != int(x.header.SingleLabels):
		return fmt.Errorf("%w: found %d names, %d of them single labels; the header says %d and %d",
			ErrCorrupt, count, single, x.header.Names, x.header.SingleLabels)
	}
	return nil
}

// finds reports whether a lookup of a listed name ends at its group.
func (x *Index) finds(q *domainname.Query, name []byte, group uint32) bool {
	if q.Set(name) != nil {
		return false
	}
	depths := x.walk(nil, q)
	if len(depths) == 0 {
		return false
	}
	hits := x.lookUp(nil, q, depths)
	return len(hits) > 0 && hits[0] == hit{q.Labels(), group}
}

// checkBlocks looks up every block of a table.
func (x *Index) checkBlocks(table *addressTable) error {
	var problem error
	var hits []hit
	table.all(func(block netip.Prefix, group uint32) bool {
		hits = table.find(hits[:0], block.Addr())
		found := slices.Contains(hits, hit{block.Bits(), group})
		if !found || x.groups.list(group).len() == 0 {
			problem = fmt.Errorf("%w: block %s is not found or has no entries", ErrCorrupt, block)
		}
		return problem == nil
	})
	return problem
}

// checkCanary returns a [*CanaryError] if a name or address is malicious.
func (x *Index) checkCanary(canary string) error {
	var m Match
	if address, err := netip.ParseAddr(canary); err == nil {
		x.MatchAddr(address, &m)
	} else {
		var q domainname.Query
		if err := q.Set([]byte(canary)); err != nil {
			return fmt.Errorf("canary %q: %w", canary, err)
		}
		x.Match(&q, &m)
	}

	if m.Outcome == Malicious {
		return &CanaryError{Canary: canary, Indicator: string(m.Indicator), Feeds: m.Feeds}
	}
	return nil
}
