package index

import (
	"encoding/hex"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Info describes an index.
type Info struct {
	FormatVersion int
	Generation    uint64
	Seed          uint64
	BuiltAt       time.Time // zero = not said
	// ContentHash is equal for two indexes exactly when they give the same answers for
	// the same reasons; 64 hexadecimal digits.
	ContentHash string
	// Checksum is that of the file; 32 hexadecimal digits.
	Checksum  string
	Bytes     int // of the file
	Names     int // distinct ones
	Addresses int // distinct addresses and blocks
	Groups    int // distinct sets of entries on a name or block
	Feeds     []FeedInfo
	Sections  []SectionInfo
}

// SectionInfo describes a section of an index file.
type SectionInfo struct {
	Name  string
	Bytes int
}

// Info describes x.
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
	if x.header.BuiltAt != 0 {
		info.BuiltAt = time.Unix(x.header.BuiltAt, 0).UTC()
	}
	for i, length := range x.header.Sections {
		info.Sections = append(info.Sections, SectionInfo{sectionTitles[i], int(length)}) //nolint:gosec // as above
	}
	return info
}

// Stored is an entry as an index holds it: without Reference, FirstSeen, ExpiresAt.
type Stored struct {
	Feed indicator.FeedID
	indicator.Indicator
}

// All yields every entry: names first, each right before those under it, then IPv4
// and IPv6 blocks by prefix length and address; of one name or block by feed, action,
// scope. Adding them to a builder that declares the same feeds gives an index of the
// same content. An error, which wraps [ErrCorrupt], ends it.
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
			yield(Stored{}, fmt.Errorf("%w: a block of names does not parse", ErrCorrupt))
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
