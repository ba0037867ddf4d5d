// Package check decides, from the bytes of a Firehose event and of the response to it, whether
// a transformer did what it must: every record id comes back once and in order, no response is
// over the limit, every line has the bytes of its log object and nothing else but a mark, and
// every mark is that of a map of the lists.
//
// It shares no code with the transformer. It imports only the standard library, reads records
// with encoding/json, and follows the rules literally, without regard to speed. A test holds it
// to that.
package check

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// Entry is one entry of a feed.
type Entry struct {
	Feed       string
	Allow      bool   // the entry vetoes block entries
	Scope      string // "name", "subtree", "under" or "cidr"
	Value      string // canonical name, or block in CIDR notation
	Severity   string
	Confidence int
	Category   string
}

// Lists are the entries of all feeds of one generation, in maps.
type Lists struct {
	Generation uint64

	vetoesAll map[string]bool
	names     map[string][]listed
	blocks    map[netip.Prefix][]listed
	lengths   []int // of the blocks
}

// listed is an entry with its depth: its number of labels, or of bits of a block.
type listed struct {
	Entry
	depth int
}

// NewLists returns the lists with these entries. The entries of the feeds in allowFeeds veto the
// entries of all feeds; allow entries of another feed veto only those of the same feed.
func NewLists(generation uint64, entries []Entry, allowFeeds ...string) (*Lists, error) {
	l := &Lists{
		Generation: generation,
		vetoesAll:  map[string]bool{},
		names:      map[string][]listed{},
		blocks:     map[netip.Prefix][]listed{},
	}
	for _, feed := range allowFeeds {
		l.vetoesAll[feed] = true
	}

	for _, e := range entries {
		if e.Scope != "cidr" {
			l.names[e.Value] = append(l.names[e.Value], listed{e, strings.Count(e.Value, ".") + 1})
			continue
		}
		block, err := netip.ParsePrefix(e.Value)
		if err != nil {
			return nil, err
		}
		l.blocks[block] = append(l.blocks[block], listed{e, block.Bits()})
		if !slices.Contains(l.lengths, block.Bits()) {
			l.lengths = append(l.lengths, block.Bits())
		}
	}
	return l, nil
}

// match is the result of a lookup.
type match struct {
	outcome   string // "malicious", "allowed", or "" for nothing
	covered   bool   // an entry of an allow feed matches
	indicator string
	scope     string
	severity  string
	category  string
	allowedBy string
	feeds     []string

	confidence int
}

// matchName looks up the labels of a canonical name.
func (l *Lists) matchName(labels []string) match {
	var found []listed
	for i := range labels {
		for _, e := range l.names[strings.Join(labels[i:], ".")] {
			if e.Scope == "subtree" || (e.Scope == "name") == (i == 0) {
				found = append(found, e)
			}
		}
	}
	return l.decide(found)
}

// matchAddr looks up an address. An IPv4-mapped address is an IPv4 address.
func (l *Lists) matchAddr(address netip.Addr) match {
	address = address.Unmap().WithZone("")
	var found []listed
	for _, bits := range l.lengths {
		if block, err := address.Prefix(bits); err == nil {
			found = append(found, l.blocks[block]...)
		}
	}
	return l.decide(found)
}

// decide returns the result for the entries that match.
func (l *Lists) decide(found []listed) (m match) {
	var live, vetoed, allows []listed
	for _, e := range found {
		if e.Allow {
			allows = append(allows, e)
			m.covered = m.covered || l.vetoesAll[e.Feed]
		}
	}

	for _, e := range found {
		switch {
		case e.Allow:
		case slices.ContainsFunc(allows, func(a listed) bool { return l.vetoes(a, e) }):
			vetoed = append(vetoed, e)
		default:
			live = append(live, e)
		}
	}

	switch {
	case len(live) > 0:
		m.outcome = "malicious"
		m.describe(live)
	case len(vetoed) > 0:
		m.outcome = "allowed"
		m.describe(vetoed)
		m.allowedBy = l.veto(&m, vetoed, allows)
	}
	return m
}

// vetoes reports whether an allow entry vetoes a block entry: it is at least as specific, and of
// an allow feed or of the same feed.
func (l *Lists) vetoes(allow, block listed) bool {
	return allow.depth >= block.depth && (l.vetoesAll[allow.Feed] || allow.Feed == block.Feed)
}

// describe sets the fields that the deepest and the worst of some block entries decide.
func (m *match) describe(blocks []listed) {
	deepest := slices.MinFunc(blocks, func(a, b listed) int {
		return cmp.Or(cmp.Compare(b.depth, a.depth), cmp.Compare(rank(scopes, a.Scope), rank(scopes, b.Scope)))
	})
	worst := slices.MinFunc(blocks, func(a, b listed) int {
		return cmp.Or(
			cmp.Compare(rank(severities, b.Severity), rank(severities, a.Severity)),
			cmp.Compare(b.Confidence, a.Confidence),
			cmp.Compare(a.Feed, b.Feed),
			cmp.Compare(b.depth, a.depth),
			cmp.Compare(rank(scopes, a.Scope), rank(scopes, b.Scope)),
		)
	})
	m.indicator, m.scope = deepest.shown(), deepest.Scope
	m.severity, m.confidence, m.category = worst.Severity, worst.Confidence, worst.Category
	for _, e := range blocks {
		m.feeds = append(m.feeds, e.Feed)
	}
	slices.Sort(m.feeds)
	m.feeds = slices.Compact(m.feeds)
}

// veto returns the text of the entry to report among those that veto the indicator of m.
func (l *Lists) veto(m *match, vetoed, allows []listed) string {
	reported := slices.DeleteFunc(slices.Clone(allows), func(a listed) bool {
		return !slices.ContainsFunc(vetoed, func(e listed) bool {
			return e.shown() == m.indicator && e.Scope == m.scope && l.vetoes(a, e)
		})
	})
	first := slices.MinFunc(reported, func(a, b listed) int {
		if l.vetoesAll[a.Feed] != l.vetoesAll[b.Feed] {
			if l.vetoesAll[a.Feed] {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(b.depth, a.depth),
			cmp.Compare(rank(scopes, a.Scope), rank(scopes, b.Scope)),
			cmp.Compare(a.Feed, b.Feed),
		)
	})
	return first.shown() + " (" + first.Feed + ")"
}

// shown returns the value as a mark shows it: a block of one address without its length.
func (e *listed) shown() string {
	if block, err := netip.ParsePrefix(e.Value); err == nil && block.IsSingleIP() {
		return block.Addr().String()
	}
	return e.Value
}

// The order of scopes and severities.
var (
	scopes     = []string{"name", "subtree", "under", "cidr"}
	severities = []string{"low", "medium", "high", "critical"}
)

func rank(order []string, value string) int { return slices.Index(order, value) }
