package index

import (
	"cmp"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// noVeto is a depth above every entry: a block of all addresses has depth 0.
const noVeto = -1

// vetoes says which block entries are vetoed: those of a feed down to a depth.
type vetoes struct {
	all    int // for every feed
	ofFeed []feedVeto
}

type feedVeto struct{ feed, depth int }

func (v *vetoes) none() bool { return v.all == noVeto && len(v.ofFeed) == 0 }

// note adds an allow entry. Entries come the deepest first.
func (v *vetoes) note(feed, depth int, all bool) {
	if all {
		v.all = max(v.all, depth)
		return
	}
	if v.of(feed) == noVeto {
		v.ofFeed = append(v.ofFeed, feedVeto{feed, depth})
	}
}

// of returns the depth down to which the feed's own allow entries veto.
func (v *vetoes) of(feed int) int {
	for _, own := range v.ofFeed {
		if own.feed == feed {
			return own.depth
		}
	}
	return noVeto
}

func (v *vetoes) covers(feed, depth int) bool { return depth <= v.all || depth <= v.of(feed) }

// judge turns the hits of m, the deepest first, into the answer; size is the number
// of labels (or bits) of the part looked up. It reports whether a block entry
// matches.
func (x *Index) judge(m *Match, size int) bool {
	m.vetoes.all = noVeto
	x.collectVetoes(m, size)
	m.AllowCovered = m.vetoes.all != noVeto
	switch {
	case x.tally(m, size, false):
		m.Outcome = Malicious
	case !m.vetoes.none() && x.tally(m, size, true):
		m.Outcome = Allowed
		x.setAllowedBy(m, size)
	default:
		return false
	}
	return true
}

func (x *Index) collectVetoes(m *Match, size int) {
	for _, h := range m.hits {
		list := x.groups.list(h.group)
		for i := range list.len() {
			e := list.at(i)
			if e.action() == indicator.ActionAllow && e.covers(size-h.depth) {
				m.vetoes.note(e.feed(), h.depth, x.feeds[e.feed()].VetoesAll)
			}
		}
	}
}

// tally sums up the matching block entries, those that are vetoed or those that are
// not. It reports whether there are any.
func (x *Index) tally(m *Match, size int, vetoed bool) bool {
	var worst entry
	for _, h := range m.hits {
		list := x.groups.list(h.group)
		for i := range list.len() {
			e := list.at(i)
			if e.action() != indicator.ActionBlock || !e.covers(size-h.depth) ||
				m.vetoes.covers(e.feed(), h.depth) != vetoed {
				continue
			}
			if len(m.numbers) == 0 {
				m.depth, m.Scope, worst = h.depth, e.scope(), e
			}
			m.numbers = append(m.numbers, e.feed())
			if h.depth == m.depth {
				m.Scope = min(m.Scope, e.scope())
			}
			// Of equals the first stays, which is the deepest.
			if cmp.Or(cmp.Compare(e.rating(), worst.rating()), cmp.Compare(worst.feed(), e.feed())) > 0 {
				worst = e
			}
		}
	}
	if len(m.numbers) == 0 {
		return false
	}
	m.Category = x.categories.at(worst.category())
	m.Severity, m.Confidence = worst.severity(), worst.confidence()
	x.nameFeeds(m)
	return true
}

// nameFeeds turns feed numbers, which have the order of the ids, into a set of ids.
func (x *Index) nameFeeds(m *Match) {
	slices.Sort(m.numbers)
	for i, number := range m.numbers {
		if i == 0 || number != m.numbers[i-1] {
			m.Feeds = append(m.Feeds, x.feeds[number].ID)
		}
	}
}

// setAllowedBy picks the entry to name among those that veto the Indicator.
func (x *Index) setAllowedBy(m *Match, size int) {
	var best entry
	bestVetoesAll, found := false, false
	for _, h := range m.hits {
		if h.depth < m.depth {
			break
		}
		list := x.groups.list(h.group)
		for i := range list.len() {
			e := list.at(i)
			vetoesAll := x.feeds[e.feed()].VetoesAll
			if e.action() != indicator.ActionAllow || !e.covers(size-h.depth) ||
				!vetoesAll && !x.lists(m, e.feed()) {
				continue
			}
			better := !found || vetoesAll && !bestVetoesAll ||
				vetoesAll == bestVetoesAll && h.depth == m.AllowedBy.depth && before(e, best)
			if better {
				best, bestVetoesAll, found = e, vetoesAll, true
				m.AllowedBy.Feed, m.AllowedBy.depth = x.feeds[e.feed()].ID, h.depth
			}
		}
	}
}

// before orders allow entries of one depth by scope, then by feed.
func before(a, b entry) bool {
	return cmp.Or(cmp.Compare(a.scope(), b.scope()), cmp.Compare(a.feed(), b.feed())) < 0
}

// lists reports whether feed is one of those whose entry is the Indicator.
func (x *Index) lists(m *Match, feed int) bool {
	for _, h := range m.hits {
		if h.depth != m.depth {
			continue
		}
		list := x.groups.list(h.group)
		for i := range list.len() {
			e := list.at(i)
			if e.feed() == feed && e.action() == indicator.ActionBlock && e.scope() == m.Scope {
				return true
			}
		}
	}
	return false
}
