package list

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// DropReason is why a valid entry is dropped.
type DropReason string

// Reasons to drop an entry. Reports contain these words.
const (
	DropSingleLabel    DropReason = "single_label"    // a top-level domain or a host name without a domain
	DropUnknownTLD     DropReason = "unknown_tld"     // it never resolves: the name of a file, or a wrong column
	DropPublicSuffix   DropReason = "public_suffix"   // unrelated people register names under it
	DropPrivateSuffix  DropReason = "private_suffix"  // the same, but the suffix belongs to a company
	DropProtected      DropReason = "protected"       // a name that a VPC needs, or one of the user's own
	DropSharedHost     DropReason = "shared_host"     // its paths belong to unrelated users
	DropTopList        DropReason = "top_list"        // one of the most popular names
	DropNeeded         DropReason = "needed_name"     // nearly every network asks for it
	DropWideBlock      DropReason = "wide_block"      // more addresses than one owner has
	DropSpecialAddress DropReason = "special_address" // private, local, multicast and the like
)

// Explain returns the reason in words for the reader of a report.
func (r DropReason) Explain() string {
	switch r {
	case DropSingleLabel:
		return "a single label: it would match everything under a top-level domain"
	case DropUnknownTLD:
		return "no top-level domain: the name of a file, or text from a wrong column"
	case DropPublicSuffix:
		return "a public suffix: the names under it belong to unrelated owners"
	case DropPrivateSuffix:
		return "a hosting, storage or dynamic DNS suffix: the names under it belong to customers"
	case DropProtected:
		return "a protected name: AWS, Internet infrastructure, or your own"
	case DropSharedHost:
		return "a shared host: list single names under it with scope name, or block by URL elsewhere"
	case DropTopList:
		return "a name on your top list: it is too popular to block"
	case DropNeeded:
		return "a name that nearly every network asks for; a top list of your own replaces this check"
	case DropWideBlock:
		return "an address block that is too large"
	case DropSpecialAddress:
		return "a special-purpose address (RFC 6890): private, local or multicast"
	default:
		return string(r)
	}
}

// entryGuard checks single entries.
type entryGuard struct {
	core                         guardNames
	needed                       guardNames // empty if the user has a top list
	own                          guardNames // of the user
	special                      []netip.Prefix
	minPrefixIPv4, minPrefixIPv6 int

	ordinary *ordinaryNames // nil in the oracle of the tests
}

func newEntryGuard(g *Guards) *entryGuard {
	guard := &entryGuard{
		own:           g.own,
		special:       reach.Special(),
		minPrefixIPv4: g.MinPrefixIPv4,
		minPrefixIPv6: g.MinPrefixIPv6,
	}
	for _, set := range []struct {
		names      string
		own, above traits
	}{
		{coreNames, coreName, aboveCore},
		{coreZones, coreZone, aboveCore},
		{sharedApexes, sharedHost, aboveShared},
		{sharedHosts, sharedHost | sharedZone, aboveShared},
		{customerWildcards, customerZone, 0},
	} {
		for _, name := range strings.Fields(set.names) {
			guard.core.set(name, set.own, set.above)
		}
	}
	if !g.hasTop {
		for name := range strings.FieldsSeq(neededNames) {
			guard.needed.set(name, topName, aboveTop)
		}
	}
	guard.ordinary = newOrdinaryNames(&guard.core, &guard.needed, &guard.own)
	return guard
}

// Check returns the reason to drop an entry, or "" to keep it.
func (g *Guards) Check(entry *indicator.Indicator) DropReason { return newEntryGuard(g).check(entry) }

// check returns the reason to drop an entry, or "" to keep it. An allow entry is dropped
// only if it would turn off detection for a whole top-level domain or public suffix.
func (g *entryGuard) check(entry *indicator.Indicator) DropReason {
	if entry.Scope == indicator.ScopeCIDR {
		if entry.Action == indicator.ActionAllow {
			return ""
		}
		return g.checkBlock(entry.Block)
	}

	name := entry.Name.String()
	if strings.IndexByte(name, '.') < 0 {
		return DropSingleLabel
	}
	if g.ordinary.has(name) {
		return ""
	}

	suffix, icann := publicsuffix.PublicSuffix(name)
	above, aboveICANN := isAboveSuffixes(name, entry.Scope)
	switch {
	case suffix == name && icann, above && aboveICANN:
		return DropPublicSuffix
	case entry.Action == indicator.ActionAllow:
		return ""
	case !icann && !strings.Contains(suffix, ".") && !domainname.HasKnownTLD(suffix):
		return DropUnknownTLD
	case suffix == name && !isEC2Host(name) && !g.isCustomer(name), above:
		return DropPrivateSuffix
	default:
		return g.checkName(name, entry.Scope)
	}
}

// checkName checks a block entry that is not a public suffix.
func (g *entryGuard) checkName(name string, scope indicator.Scope) DropReason {
	known, wide := g.traitsOf(name), scope != indicator.ScopeName
	if site, isSite := strings.CutPrefix(name, "www."); isSite {
		known |= g.core.traits[site] & (coreName | coreZone | sharedHost)
	}
	switch {
	case known&(coreName|coreZone) != 0, wide && known&aboveCore != 0, isAWSEndpoint(name):
		return DropProtected
	case known&sharedHost != 0, wide && known&aboveShared != 0:
		return DropSharedHost
	case known&topName != 0, wide && known&aboveTop != 0:
		return DropTopList
	case g.isNeeded(name, wide):
		return DropNeeded
	}

	for ancestor := range ancestors(name) {
		switch above := g.traitsOf(ancestor); {
		case above&coreZone != 0:
			return DropProtected
		case wide && above&sharedZone != 0:
			return DropSharedHost
		}
	}
	return ""
}

// isNeeded reports whether an entry matches one of [neededNames], or its web site.
func (g *entryGuard) isNeeded(name string, wide bool) bool {
	names := g.needed.traits
	return names[strings.TrimPrefix(name, "www.")]&topName != 0 || wide && names[name]&aboveTop != 0
}

// checkBlock checks a block entry for addresses.
func (g *entryGuard) checkBlock(block netip.Prefix) DropReason {
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
	if slices.ContainsFunc(g.own.blocks, block.Overlaps) {
		return DropProtected
	}
	return ""
}

func (g *entryGuard) traitsOf(name string) traits { return g.core.traits[name] | g.own.traits[name] }

// isCustomer reports whether name belongs to one customer although the public suffix list
// contains it as a suffix.
func (g *entryGuard) isCustomer(name string) bool {
	_, zone, _ := strings.Cut(name, ".")
	return g.core.traits[zone]&customerZone != 0
}

// isAboveSuffixes reports whether every name directly under name is a public suffix, and
// whether that follows from the ICANN section of the public suffix list. The list contains
// "*.name" in this case, while name itself is not a suffix. The result is false if the entry
// does not match the names under it.
func isAboveSuffixes(name string, scope indicator.Scope) (above, icann bool) {
	if scope == indicator.ScopeName {
		return false, false
	}
	below := "resolverwatch." + name
	suffix, icann := publicsuffix.PublicSuffix(below)
	return suffix == below, icann
}

// isAWSEndpoint reports whether name belongs to AWS itself: a global service
// (sts.amazonaws.com), a regional one (sqs.eu-west-1.amazonaws.com), or the Region of a
// service (eu-west-1.elb.amazonaws.com). Customers have names with more labels, or under a
// label that is not a Region (bucket.s3-website-eu-west-1.amazonaws.com).
func isAWSEndpoint(name string) bool {
	service, found := strings.CutSuffix(strings.TrimSuffix(name, ".cn"), ".amazonaws.com")
	if !found {
		return false
	}
	first, rest, deeper := strings.Cut(service, ".")
	return !deeper || isRegion(rest) || isRegion(first)
}

// isEC2Host reports whether name is the public name of an EC2 instance. The public suffix
// list contains these names for us-east-1 as suffixes.
func isEC2Host(name string) bool {
	return strings.HasPrefix(name, "ec2-") && strings.HasSuffix(name, ".compute-1.amazonaws.com")
}

// isRegion reports whether label has the form of a Region, such as us-east-1 or us-gov-west-1.
func isRegion(label string) bool {
	words := strings.Split(label, "-")
	last := words[len(words)-1]
	return len(words) >= 3 && len(words[0]) == 2 && isLetters(words[0]) &&
		len(last) == 1 && '0' <= last[0] && last[0] <= '9'
}

func isLetters(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' })
}
