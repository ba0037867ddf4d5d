package importer

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Guards say what a list must not do. The thresholds refuse a whole list; entries
// that would mark half of the Internet are dropped, one by one, and reported.
type Guards struct {
	settings.Guards
	// Protected are zones that no list may block, the user's own above all: an entry
	// that is one of them, lies under one, or reaches down into one is dropped.
	Protected []domainname.Name
}

// NewGuards returns guards with thresholds that are checked already, and protected
// zones by their names. Its error joins every name that is none.
func NewGuards(thresholds settings.Guards, protected []string) (Guards, error) {
	guards := Guards{Guards: thresholds}
	var problems []error
	for _, text := range protected {
		zone, err := domainname.Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("protected name %q: %w", text, err))
			continue
		}
		guards.Protected = append(guards.Protected, zone)
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
		return "a protected name: AWS, Internet infrastructure or your own zone"
	case DropSharedHost:
		return "a shared host: list single names under it with scope name, or block by URL elsewhere"
	case DropWideBlock:
		return "a block of too many addresses"
	case DropSpecialAddress:
		return "an address for a special purpose (RFC 6890): private, local or multicast"
	default:
		return string(r)
	}
}

// entryGuard judges one entry at a time.
type entryGuard struct {
	marks                        map[string]mark
	special                      []netip.Prefix
	minPrefixIPv4, minPrefixIPv6 int
}

// mark is what is known about a name, as bits.
type mark uint8

const (
	markCore        mark = 1 << iota // a protected name; names under it may be listed
	markZone                         // a protected zone: the name and all under it
	markShared                       // a shared host
	markSharedZone                   // a shared host, and no name below it is a customer's
	markAboveCore                    // an ancestor of a protected name or zone
	markAboveShared                  // an ancestor of a shared host
)

func newEntryGuard(g *Guards) *entryGuard {
	guard := &entryGuard{
		marks:         map[string]mark{},
		minPrefixIPv4: g.MinPrefixIPv4,
		minPrefixIPv6: g.MinPrefixIPv6,
	}
	guard.set(strings.Fields(coreNames), markCore, markAboveCore)
	guard.set(strings.Fields(coreZones), markZone, markAboveCore)
	guard.set(strings.Fields(sharedApexes), markShared, markAboveShared)
	guard.set(strings.Fields(sharedHosts), markShared|markSharedZone, markAboveShared)
	for _, zone := range g.Protected {
		guard.set([]string{zone.String()}, markZone, markAboveCore)
	}
	for _, block := range strings.Fields(specialBlocks) {
		guard.special = append(guard.special, netip.MustParsePrefix(block))
	}
	return guard
}

func (g *entryGuard) set(names []string, own, above mark) {
	for _, name := range names {
		g.marks[name] |= own
		for ancestor := range ancestors(name) {
			g.marks[ancestor] |= above
		}
	}
}

// judge returns the reason to drop an entry, or "" to keep it. An allow entry marks
// nothing, so only one that switches checks off for whole top-level domains goes.
func (g *entryGuard) judge(entry *indicator.Indicator) DropReason {
	if entry.Scope == indicator.ScopeCIDR {
		if entry.Action == indicator.ActionAllow {
			return ""
		}
		return g.judgeBlock(entry.Block)
	}
	name := entry.Name.String()
	suffix, icann := publicsuffix.PublicSuffix(name)
	switch {
	case !strings.Contains(name, "."):
		return DropSingleLabel
	case suffix == name && icann:
		return DropPublicSuffix
	case entry.Action == indicator.ActionAllow:
		return ""
	case suffix == name && !isEC2Host(name):
		return DropPrivateSuffix
	default:
		return g.judgeName(name, entry.Scope)
	}
}

func (g *entryGuard) judgeName(name string, scope indicator.Scope) DropReason {
	known, wide := g.marks[name], scope != indicator.ScopeName
	switch {
	case known&(markCore|markZone) != 0, wide && known&markAboveCore != 0, isAWSEndpoint(name):
		return DropProtected
	case known&markShared != 0, wide && known&markAboveShared != 0:
		return DropSharedHost
	}
	for ancestor := range ancestors(name) {
		switch above := g.marks[ancestor]; {
		case above&markZone != 0:
			return DropProtected
		case wide && above&markSharedZone != 0:
			return DropSharedHost
		}
	}
	return ""
}

func (g *entryGuard) judgeBlock(block netip.Prefix) DropReason {
	minBits := g.minPrefixIPv6
	if block.Addr().Is4() {
		minBits = g.minPrefixIPv4
	}
	if block.Bits() < minBits {
		return DropWideBlock
	}
	if slices.ContainsFunc(g.special, block.Overlaps) {
		return DropSpecialAddress
	}
	return ""
}

// ancestors yields the names above name, the nearest first.
func ancestors(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			_, parent, found := strings.Cut(name, ".")
			if !found || !yield(parent) {
				return
			}
			name = parent
		}
	}
}
