// Package oracle is a test oracle for pkg/index. It follows the matching rules literally,
// without regard to speed. Tests compare the answers of the index with it.
package oracle

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Oracle holds entries in plain maps. Declare feeds before their entries.
type Oracle struct {
	vetoesAll map[indicator.FeedID]bool
	names     map[string][]listed // by canonical name
	blocks    map[netip.Prefix][]listed
}

// listed is an entry of a feed with its depth: its number of labels, or of bits of a block.
type listed struct {
	feed  indicator.FeedID
	depth int
	indicator.Indicator
}

// New returns an oracle without entries.
func New() *Oracle {
	return &Oracle{
		vetoesAll: map[indicator.FeedID]bool{},
		names:     map[string][]listed{},
		blocks:    map[netip.Prefix][]listed{},
	}
}

// Feed declares a feed; see [index.Builder.Feed].
func (o *Oracle) Feed(id indicator.FeedID, vetoesAll bool) { o.vetoesAll[id] = vetoesAll }

// Add adds an entry, or merges it into the entry with the same feed and key. It does not
// support IPv4-mapped blocks, which the tests of the index cover.
func (o *Oracle) Add(feed indicator.FeedID, i indicator.Indicator) {
	if i.Block.IsValid() {
		o.blocks[i.Block] = add(o.blocks[i.Block], listed{feed, i.Block.Bits(), i})
		return
	}
	name := i.Name.String()
	o.names[name] = add(o.names[name], listed{feed, strings.Count(name, ".") + 1, i})
}

func add(entries []listed, e listed) []listed {
	for n := range entries {
		if entries[n].feed == e.feed && entries[n].Key() == e.Key() {
			entries[n].Merge(&e.Indicator)
			return entries
		}
	}
	return append(entries, e)
}

// Names calls yield with every listed name.
func (o *Oracle) Names(yield func(name string) bool) {
	for name := range o.names {
		if !yield(name) {
			return
		}
	}
}

// Lists reports whether there is an entry on a canonical name or one of its ancestors.
func (o *Oracle) Lists(name string) bool {
	for {
		if len(o.names[name]) > 0 {
			return true
		}
		_, parent, found := strings.Cut(name, ".")
		if !found {
			return false
		}
		name = parent
	}
}

// Match returns the correct answer for a query.
func (o *Oracle) Match(q *domainname.Query) index.Match {
	var matching []listed
	for depth := 1; depth <= q.Labels(); depth++ {
		for _, e := range o.names[string(q.Suffix(depth))] {
			if e.Scope.Covers(q.Labels() - depth) {
				matching = append(matching, e)
			}
		}
	}
	return o.decide(matching)
}

// MatchAddr returns the correct answer for an address.
func (o *Oracle) MatchAddr(a netip.Addr) index.Match {
	a = a.Unmap().WithZone("")
	var matching []listed
	for bits := range a.BitLen() + 1 {
		if block, err := a.Prefix(bits); err == nil {
			matching = append(matching, o.blocks[block]...)
		}
	}
	return o.decide(matching)
}

// decide returns the answer for a name or address from its matching entries.
func (o *Oracle) decide(matching []listed) (m index.Match) {
	var live, vetoed, allows []listed
	for _, e := range matching {
		if e.Action == indicator.ActionAllow {
			allows = append(allows, e)
			m.AllowCovered = m.AllowCovered || o.vetoesAll[e.feed]
		}
	}

	for _, e := range matching {
		switch {
		case e.Action == indicator.ActionAllow:
		case slices.ContainsFunc(allows, func(a listed) bool { return o.vetoes(a, e) }):
			vetoed = append(vetoed, e)
		default:
			live = append(live, e)
		}
	}

	switch {
	case len(live) > 0:
		m.Outcome = index.Malicious
		describe(&m, live)
	case len(vetoed) > 0:
		m.Outcome = index.Allowed
		describe(&m, vetoed)
		m.AllowedBy = o.allowedBy(&m, vetoed, allows)
	}
	return m
}

func (o *Oracle) vetoes(allow, block listed) bool {
	return allow.depth >= block.depth && (o.vetoesAll[allow.feed] || allow.feed == block.feed)
}

// describe sets the fields of m from block entries. There must be at least one.
func describe(m *index.Match, blocks []listed) {
	deepest := slices.MinFunc(blocks, func(a, b listed) int {
		return cmp.Or(cmp.Compare(b.depth, a.depth), cmp.Compare(a.Scope, b.Scope))
	})
	worst := slices.MinFunc(blocks, func(a, b listed) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(b.Confidence, a.Confidence),
			cmp.Compare(a.feed, b.feed),
			cmp.Compare(b.depth, a.depth),
			cmp.Compare(a.Scope, b.Scope),
		)
	})
	m.Indicator, m.Scope = []byte(deepest.Value()), deepest.Scope
	m.Severity, m.Confidence, m.Category = worst.Severity, worst.Confidence, worst.Category
	for _, e := range blocks {
		m.Feeds = append(m.Feeds, e.feed)
	}

	slices.Sort(m.Feeds)
	m.Feeds = slices.Compact(m.Feeds)
}

// allowedBy picks the entry to report among those that veto the indicator of m.
func (o *Oracle) allowedBy(m *index.Match, vetoed, allows []listed) index.Veto {
	allows = slices.DeleteFunc(slices.Clone(allows), func(a listed) bool {
		return !slices.ContainsFunc(vetoed, func(e listed) bool {
			return e.Value() == string(m.Indicator) && e.Scope == m.Scope && o.vetoes(a, e)
		})
	})
	first := slices.MinFunc(allows, func(a, b listed) int {
		return cmp.Or(
			-compareBool(o.vetoesAll[a.feed], o.vetoesAll[b.feed]),
			cmp.Compare(b.depth, a.depth),
			cmp.Compare(a.Scope, b.Scope),
			cmp.Compare(a.feed, b.feed),
		)
	})
	return index.Veto{Indicator: []byte(first.Value()), Feed: first.feed}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// Equal reports whether two answers are equal in everything that callers can see.
func Equal(a, b *index.Match) bool {
	return a.Outcome == b.Outcome && a.Scope == b.Scope && a.Category == b.Category &&
		a.Severity == b.Severity && a.Confidence == b.Confidence && a.AllowCovered == b.AllowCovered &&
		bytes.Equal(a.Indicator, b.Indicator) && slices.Equal(a.Feeds, b.Feeds) &&
		a.AllowedBy.Feed == b.AllowedBy.Feed && bytes.Equal(a.AllowedBy.Indicator, b.AllowedBy.Indicator)
}
