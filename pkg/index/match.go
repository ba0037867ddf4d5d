package index

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Outcome is what an index says of one part of a record.
type Outcome uint8

// None: no block entry matches. Malicious: one matches and is not vetoed. Allowed:
// all that match are vetoed.
const (
	None      Outcome = 0
	Malicious Outcome = 1
	Allowed   Outcome = 2
)

// String returns "none", "malicious" or "allowed".
func (o Outcome) String() string {
	switch o {
	case Malicious:
		return "malicious"
	case Allowed:
		return "allowed"
	default:
		return "none"
	}
}

// Match is the answer to one look-up. The zero Match is ready for use; its slices
// are reused, so what they hold is valid until its next use. It must not be used by
// two goroutines at a time.
//
// The fields speak of the block entries that decided: for Malicious the matching
// ones that are not vetoed, for Allowed all matching ones. For None they are empty.
type Match struct {
	Outcome Outcome
	// Indicator is the deepest of them: the canonical name, address or CIDR block.
	// Scope is its scope; of several on one name the first of name, subtree, under.
	Indicator []byte
	Scope     indicator.Scope
	Feeds     []indicator.FeedID // of all of them, sorted
	// Category, Severity and Confidence are those of the most severe, then of the
	// highest confidence, then of the first feed id, then of the deepest.
	Category   indicator.Category
	Severity   indicator.Severity
	Confidence indicator.Confidence
	// AllowedBy is an entry that vetoes the Indicator; for Allowed only.
	AllowedBy Veto
	// AllowCovered says that an allow entry which vetoes every feed covers the name or
	// address, whether or not there was something to veto.
	AllowCovered bool

	used    bool    // since the last clear
	depth   int     // of the Indicator, in labels or bits
	maybe   []uint8 // depths that the filters let through
	hits    []hit
	vetoes  vetoes
	numbers []int // of the feeds
}

// Veto is an allow entry that decided. Of several it is one that vetoes every feed,
// if there is any, then the deepest, then by scope (name, subtree, under), then by
// feed id.
type Veto struct {
	Indicator []byte // canonical text of the entry
	Feed      indicator.FeedID
	depth     int
}

// hit is a listed name or block that matches, by its label count or prefix length.
type hit struct {
	depth int
	group uint32
}

// Match looks a name up. It reports whether a block entry matches, which is whether
// the outcome is another than None; m has the answer. The root and bad names, which
// have no labels, match nothing.
//
// Nothing is allocated, once the slices of m have grown. Time is bounded by the
// length of the name, the number of listed names on its path to the root, and the
// number of feeds that list them.
func (x *Index) Match(q *domainname.Query, m *Match) bool {
	m.reset()
	m.maybe = x.walk(m.maybe, q)
	if len(m.maybe) == 0 {
		return false
	}
	m.used = true
	m.hits = x.lookUp(m.hits, q, m.maybe)
	if !x.judge(m, q.Labels()) {
		return false
	}
	m.Indicator = append(m.Indicator, q.Suffix(m.depth)...)
	if m.Outcome == Allowed {
		m.AllowedBy.Indicator = append(m.AllowedBy.Indicator, q.Suffix(m.AllowedBy.depth)...)
	}
	return true
}

// MatchAddr looks an address up among listed addresses and blocks; depths are then
// prefix lengths, and the scope is always cidr. IPv4-mapped IPv6 addresses are looked
// up as IPv4, zones are ignored, and the zero Addr matches nothing.
func (x *Index) MatchAddr(a netip.Addr, m *Match) bool {
	m.reset()
	a = a.Unmap().WithZone("")
	table := &x.ipv6
	if a.Is4() {
		table = &x.ipv4
	}
	m.used = true
	m.hits = table.find(m.hits, a)
	if len(m.hits) == 0 || !x.judge(m, a.BitLen()) {
		return false
	}
	m.Indicator = appendBlock(m.Indicator, a, m.depth)
	if m.Outcome == Allowed {
		m.AllowedBy.Indicator = appendBlock(m.AllowedBy.Indicator, a, m.AllowedBy.depth)
	}
	return true
}

// appendBlock appends the canonical text of the block of a with a prefix length.
func appendBlock(dst []byte, a netip.Addr, bits int) []byte {
	if bits == a.BitLen() {
		return a.AppendTo(dst)
	}
	return netip.PrefixFrom(a, bits).Masked().AppendTo(dst)
}

// reset empties m. A clean answer leaves nothing to empty, and most answers are.
func (m *Match) reset() {
	if m.used {
		m.clear()
	}
}

func (m *Match) clear() {
	*m = Match{
		Indicator: m.Indicator[:0],
		Feeds:     m.Feeds[:0],
		AllowedBy: Veto{Indicator: m.AllowedBy.Indicator[:0]},
		maybe:     m.maybe[:0],
		hits:      m.hits[:0],
		vetoes:    vetoes{ofFeed: m.vetoes.ofFeed[:0]},
		numbers:   m.numbers[:0],
	}
}

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
