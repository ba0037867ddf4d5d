package list

import (
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"golang.org/x/net/publicsuffix"
	"net/netip"
	"slices"
	"strings"
)

// entryGuard checks one entry at a time.
type entryGuard struct {
	core                         guardNames
	own                          guardNames // the user's
	special                      []netip.Prefix
	minPrefixIPv4, minPrefixIPv6 int
}

func newEntryGuard(g *Guards) *entryGuard {
	guard := &entryGuard{own: g.own, minPrefixIPv4: g.MinPrefixIPv4, minPrefixIPv6: g.MinPrefixIPv6}
	for _, set := range []struct {
		names      string
		own, above mark
	}{
		{coreNames, markCore, markAboveCore},
		{coreZones, markZone, markAboveCore},
		{sharedApexes, markShared, markAboveShared},
		{sharedHosts, markShared | markSharedZone, markAboveShared},
		{customerWildcards, markCustomers, 0},
	} {
		for _, name := range strings.Fields(set.names) {
			guard.core.set(name, set.own, set.above)
		}
	}
	for _, block := range strings.Fields(specialBlocks) {
		guard.special = append(guard.special, netip.MustParsePrefix(block))
	}
	return guard
}

// Check returns the reason to drop an entry, or "" to keep it.
func (g *Guards) Check(entry *indicator.Indicator) DropReason { return newEntryGuard(g).check(entry) }

// check returns the reason to drop an entry, or "" to keep it. An allow entry marks
// nothing, so only one that switches checks off for whole top-level domains goes.
func (g *entryGuard) check(entry *indicator.Indicator) DropReason {
	if entry.Scope == indicator.ScopeCIDR {
		if entry.Action == indicator.ActionAllow {
			return ""
		}
		return g.checkBlock(entry.Block)
	}
	name := entry.Name.String()
	suffix, icann := publicsuffix.PublicSuffix(name)
	above, aboveICANN := isAboveSuffixes(name, entry.Scope)
	switch {
	case !strings.Contains(name, "."):
		return DropSingleLabel
	case suffix == name && icann, above && aboveICANN:
		return DropPublicSuffix
	case entry.Action == indicator.ActionAllow:
		return ""
	case suffix == name && !isEC2Host(name) && !g.isCustomer(name), above:
		return DropPrivateSuffix
	default:
		return g.checkName(name, entry.Scope)
	}
}

func (g *entryGuard) checkName(name string, scope indicator.Scope) DropReason {
	known, wide := g.marks(name), scope != indicator.ScopeName
	switch {
	case known&(markCore|markZone) != 0, wide && known&markAboveCore != 0, isAWSEndpoint(name):
		return DropProtected
	case known&markShared != 0, wide && known&markAboveShared != 0:
		return DropSharedHost
	case known&markTop != 0, wide && known&markAboveTop != 0:
		return DropTopList
	}
	for ancestor := range ancestors(name) {
		switch above := g.marks(ancestor); {
		case above&markZone != 0:
			return DropProtected
		case wide && above&markSharedZone != 0:
			return DropSharedHost
		}
	}
	return ""
}

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

// isAboveSuffixes reports whether every name right under name is a public suffix, by the
// ICANN section or the private one, and the entry reaches them. The public suffix list
// writes "*.name" for that, and name itself is no suffix.
func isAboveSuffixes(name string, scope indicator.Scope) (above, icann bool) {
	if scope == indicator.ScopeName {
		return false, false
	}
	below := "resolverwatch." + name
	suffix, icann := publicsuffix.PublicSuffix(below)
	return suffix == below, icann
}

// isCustomer reports whether name is a customer's though it reads like a suffix.
func (g *entryGuard) isCustomer(name string) bool {
	_, zone, _ := strings.Cut(name, ".")
	return g.core.marks[zone]&markCustomers != 0
}

func (g *entryGuard) marks(name string) mark { return g.core.marks[name] | g.own.marks[name] }

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

// isAWSEndpoint reports whether name is AWS's own: a service that is global
// (sts.amazonaws.com) or regional (sqs.eu-west-1.amazonaws.com), or the Region of one
// (eu-west-1.elb.amazonaws.com). Names of customers lie deeper, or under a label that is
// no Region (bucket.s3-website-eu-west-1.amazonaws.com).
func isAWSEndpoint(name string) bool {
	service, found := strings.CutSuffix(strings.TrimSuffix(name, ".cn"), ".amazonaws.com")
	if !found {
		return false
	}
	first, rest, deeper := strings.Cut(service, ".")
	return !deeper || isRegion(rest) || isRegion(first)
}

// isEC2Host reports whether name is the public name of somebody's EC2 instance. The
// public suffix list has those of us-east-1 for suffixes.
func isEC2Host(name string) bool {
	return strings.HasPrefix(name, "ec2-") && strings.HasSuffix(name, ".compute-1.amazonaws.com")
}

// isRegion reports whether label reads like a Region: us-east-1, us-gov-west-1.
func isRegion(label string) bool {
	words := strings.Split(label, "-")
	last := words[len(words)-1]
	return len(words) >= 3 && len(words[0]) == 2 && isLetters(words[0]) &&
		len(last) == 1 && '0' <= last[0] && last[0] <= '9'
}

func isLetters(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' })
}
