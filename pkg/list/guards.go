package list

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Guards say what a list must not do. The thresholds refuse a whole list; entries
// that would mark half of the Internet are dropped, one by one, and reported. Beside a
// core of names that is built in, the user's own lists say which those are.
type Guards struct {
	settings.Guards
	// Memory bounds lists and indexes by what a process of so many bytes can hold. One
	// that was killed for its memory would leave every other feed waiting too.
	//
	// Default: they are not bounded by it.
	Memory int64
	own    guardNames
}

// NewGuards returns guards with thresholds that are checked already, and protected
// zones by their names: an entry that is one of them, lies under one, or reaches down
// into one is dropped. Its error joins every name that is none.
func NewGuards(thresholds settings.Guards, protected []string) (Guards, error) {
	guards := Guards{Guards: thresholds}
	var problems []error
	for _, text := range protected {
		zone, err := domainname.Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("protected name %q: %w", text, err))
			continue
		}
		guards.own.set(zone.String(), markZone, markAboveCore)
	}
	return guards, errors.Join(problems...)
}

// DropReason is why an entry is not taken although it can be read.
type DropReason string

// Reasons for a drop. The words stand in reports.
const (
	DropSingleLabel    DropReason = "single_label"    // a top-level domain, or a host without one
	DropPublicSuffix   DropReason = "public_suffix"   // strangers register names under it
	DropPrivateSuffix  DropReason = "private_suffix"  // the same, by the company that owns it
	DropProtected      DropReason = "protected"       // what a VPC cannot do without, or the user's own
	DropSharedHost     DropReason = "shared_host"     // its paths belong to strangers
	DropTopList        DropReason = "top_list"        // half of the world asks for it
	DropWideBlock      DropReason = "wide_block"      // more addresses than one owner has
	DropSpecialAddress DropReason = "special_address" // private, local, multicast and the like
)

// Explain says why in words for the reader of a report.
func (r DropReason) Explain() string {
	switch r {
	case DropSingleLabel:
		return "a single label: it would mark everything under a top-level domain"
	case DropPublicSuffix:
		return "a public suffix: strangers own the names under it"
	case DropPrivateSuffix:
		return "a hosting, storage or dynamic DNS suffix: customers own the names under it"
	case DropProtected:
		return "a protected name: AWS, Internet infrastructure, or your own"
	case DropSharedHost:
		return "a shared host: list single names under it with scope name, or block by URL elsewhere"
	case DropTopList:
		return "a name of your top list: too many ask for it"
	case DropWideBlock:
		return "a block of too many addresses"
	case DropSpecialAddress:
		return "an address for a special purpose (RFC 6890): private, local or multicast"
	default:
		return string(r)
	}
}

// The user's own lists for the guards may be in any format of a feed. A line that
// cannot be read is an error, since what it was to protect would be left open.

// ReadProtected adds a list of what no feed may block. A name of scope `name`, as in a
// hosts file, protects itself; any other protects all that is under it too. Addresses
// and blocks protect themselves.
func (g *Guards) ReadProtected(r io.Reader) error {
	return g.readOwn(r, func(entry *indicator.Indicator) {
		switch entry.Scope {
		case indicator.ScopeCIDR:
			g.own.blocks = append(g.own.blocks, entry.Block)
		case indicator.ScopeName:
			g.own.set(entry.Name.String(), markCore, markAboveCore)
		default:
			g.own.set(entry.Name.String(), markZone, markAboveCore)
		}
	})
}

// ReadShared adds a list of hosts whose paths belong to strangers. Names under one may
// be listed: each for itself, or, under one of scope `name`, with all under them.
func (g *Guards) ReadShared(r io.Reader) error {
	return g.readOwn(r, func(entry *indicator.Indicator) {
		switch entry.Scope {
		case indicator.ScopeCIDR: // an address has no names under it: it is listed or not
		case indicator.ScopeName:
			g.own.set(entry.Name.String(), markShared, markAboveShared)
		default:
			g.own.set(entry.Name.String(), markShared|markSharedZone, markAboveShared)
		}
	})
}

// errEnough ends the reading of a list whose rest does not matter.
var errEnough = errors.New("enough")

// ReadTop adds a list of the most popular names, the most popular first, of which the
// first TopListRanks count. Such lists come from elsewhere: lines that cannot be read
// are passed over.
func (g *Guards) ReadTop(r io.Reader) error {
	rank := 0
	_, err := feed.Parse(r, feed.Options{Limits: g.limits()}, func(entry *indicator.Indicator) error {
		if rank++; rank > g.TopListRanks {
			return errEnough
		}
		if entry.Scope != indicator.ScopeCIDR {
			g.own.set(entry.Name.String(), markTop, markAboveTop)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (g *Guards) readOwn(r io.Reader, take func(*indicator.Indicator)) error {
	var first error
	options := feed.Options{Limits: g.limits(), OnReject: func(e feed.LineError) {
		if first == nil {
			first = e
		}
	}}
	_, err := feed.Parse(r, options, func(entry *indicator.Indicator) error {
		take(entry)
		return nil
	})
	return cmp.Or(err, first)
}

// IsBadList reports whether an error of the reading is one of the list, not of the
// reader: the list will not do the next time either.
func IsBadList(err error) bool {
	if errors.Is(err, errNoKind) {
		return true
	}
	var list *feed.RefusedError
	var line feed.LineError
	return errors.As(err, &list) || errors.As(err, &line)
}

// limits are what a list may cost to read.
func (g *Guards) limits() feed.Limits {
	return feed.Limits{
		InputBytes:    g.MaxListBytes,
		ExpandedBytes: g.MaxExpandedBytes,
		Ratio:         g.MaxRatio,
		LineBytes:     g.MaxLineBytes,
	}
}

// mark is what is known about a name, as bits.
type mark uint16

const (
	markCore        mark = 1 << iota // a protected name; names under it may be listed
	markZone                         // a protected zone: the name and all under it
	markShared                       // a shared host
	markSharedZone                   // a shared host, and no name below it is a customer's
	markTop                          // a name of a top list; names under it may be listed
	markAboveCore                    // an ancestor of a protected name or zone
	markAboveShared                  // an ancestor of a shared host
	markAboveTop                     // an ancestor of a name of a top list
	markCustomers                    // a zone of [customerWildcards]
)

// guardNames are names and address blocks that guards look at.
type guardNames struct {
	marks  map[string]mark
	blocks []netip.Prefix // protected
}

func (g *guardNames) clone() guardNames {
	return guardNames{maps.Clone(g.marks), slices.Clone(g.blocks)}
}

// set marks a name, and the names above it.
func (g *guardNames) set(name string, own, above mark) {
	if g.marks == nil {
		g.marks = map[string]mark{}
	}
	g.marks[name] |= own
	for ancestor := range ancestors(name) {
		g.marks[ancestor] |= above
	}
}

// The user's own lists for the guards, any number of each kind under any name: what no
// feed may block, hosts that strangers share, and the most popular names.
const (
	ProtectedPrefix = settings.GuardPrefix + "protected/"
	SharedPrefix    = settings.GuardPrefix + "shared/"
	TopPrefix       = settings.GuardPrefix + "top/"
)

var errNoKind = fmt.Errorf("must lie under %s, %s or %s", ProtectedPrefix, SharedPrefix, TopPrefix)

// Clone returns a copy, to which lists can be added.
func (g *Guards) Clone() Guards {
	clone := *g
	clone.own = g.own.clone()
	return clone
}

// ReadOwnList adds a list of the user's own, of the kind that its key says.
func (g *Guards) ReadOwnList(key string, r io.Reader) error {
	switch {
	case strings.HasPrefix(key, ProtectedPrefix):
		return g.ReadProtected(r)
	case strings.HasPrefix(key, SharedPrefix):
		return g.ReadShared(r)
	case strings.HasPrefix(key, TopPrefix):
		return g.ReadTop(r)
	default:
		return errNoKind
	}
}

// Fingerprint identifies all that decides which entries of a list are dropped; lists are
// the keys and versions of the user's own.
func (g *Guards) Fingerprint(lists ...string) string {
	words := []string{
		coreNames, coreZones, sharedApexes, sharedHosts, customerWildcards, specialBlocks, publicsuffix.List.String(),
		fmt.Sprint(g.own, g.MinPrefixIPv4, g.MinPrefixIPv6, g.TopListRanks),
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%q", append(words, lists...)))
	return hex.EncodeToString(hash[:8])
}
