package index

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Outcome is the result of looking up one part of a record.
type Outcome uint8

// None: no block entry matches. Malicious: a block entry matches and is not vetoed.
// Allowed: every matching block entry is vetoed.
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

// Match is the answer to one lookup. The zero Match is ready for use. Its slices are
// reused, so their contents are valid only until the next lookup. It must not be used by
// two goroutines at the same time.
//
// The fields describe the deciding block entries: for Malicious the matching entries that
// are not vetoed, for Allowed all matching entries. For None they are empty.
type Match struct {
	Outcome Outcome
	// Indicator is the deepest deciding entry: its canonical name, address or CIDR block.
	// Scope is the scope of that entry; if several entries list the same name, it is the
	// first of name, subtree and under.
	Indicator []byte
	Scope     indicator.Scope
	Feeds     []indicator.FeedID // the feeds of all deciding entries, sorted
	// Category, Severity and Confidence come from the most severe entry. Ties go to the
	// highest confidence, then to the first feed id, then to the deepest entry.
	Category   indicator.Category
	Severity   indicator.Severity
	Confidence indicator.Confidence
	// AllowedBy is an entry that vetoes the Indicator. It is set for Allowed only.
	AllowedBy Veto
	// AllowCovered reports that an allow entry of a feed that vetoes every feed covers the
	// name or address, whether or not a block entry matches.
	AllowCovered bool

	used       bool    // since the last clear
	depth      int     // of the Indicator, in labels or bits
	candidates []uint8 // depths that the filters let through
	hits       []hit
	vetoes     vetoes
	numbers    []int // of the feeds
}

// Veto is an allow entry that decided a lookup. If several entries qualify, one that
// vetoes every feed comes first, then the deepest, then the first by scope (name, subtree,
// under), then the first by feed id.
type Veto struct {
	Indicator []byte // canonical text of the entry
	Feed      indicator.FeedID
	depth     int
}

// hit is a listed name or block that matches, with its label count or prefix length.
type hit struct {
	depth int
	group uint32
}

// Match looks up a name. It writes the answer to m and reports whether a block entry
// matches, that is, whether the outcome is not None. The root and bad names have no labels
// and match nothing.
//
// Match allocates nothing once the slices of m have grown. Its time is bounded by the
// length of the name, the number of listed names on its path to the root, and the
// number of feeds that list them.
func (x *Index) Match(q *domainname.Query, m *Match) bool {
	m.reset()
	m.candidates = x.walk(m.candidates, q)
	if len(m.candidates) == 0 {
		return false
	}

	m.used = true
	m.hits = x.lookUp(m.hits, q, m.candidates)
	if !x.decide(m, q.Labels()) {
		return false
	}

	m.Indicator = append(m.Indicator, q.Suffix(m.depth)...)
	if m.Outcome == Allowed {
		m.AllowedBy.Indicator = append(m.AllowedBy.Indicator, q.Suffix(m.AllowedBy.depth)...)
	}
	return true
}

// MatchAddr looks up an address among the listed addresses and blocks. Depths are then
// prefix lengths, and the scope is always cidr. IPv4-mapped IPv6 addresses are looked up
// as IPv4, zones are ignored, and the zero Addr matches nothing.
func (x *Index) MatchAddr(a netip.Addr, m *Match) bool {
	m.reset()
	a = a.Unmap().WithZone("")
	table := &x.ipv6
	if a.Is4() {
		table = &x.ipv4
	}

	m.used = true
	m.hits = table.find(m.hits, a)
	if len(m.hits) == 0 || !x.decide(m, a.BitLen()) {
		return false
	}

	m.Indicator = appendBlock(m.Indicator, a, m.depth)
	if m.Outcome == Allowed {
		m.AllowedBy.Indicator = appendBlock(m.AllowedBy.Indicator, a, m.AllowedBy.depth)
	}
	return true
}

// appendBlock appends the canonical text of the block with this prefix length around a.
func appendBlock(dst []byte, a netip.Addr, bits int) []byte {
	if bits == a.BitLen() {
		return a.AppendTo(dst)
	}
	return netip.PrefixFrom(a, bits).Masked().AppendTo(dst)
}

// walk appends the depths at which the filters let q or one of its ancestors through,
// shallowest first.
func (x *Index) walk(depths []uint8, q *domainname.Query) []uint8 {
	labels := q.Labels()
	if x.singleLabels && labels > 0 && x.listed.contains(x.hash(q.Suffix(1))) {
		depths = append(depths, 1)
	}

	for depth := 2; depth <= labels; depth++ {
		hash := x.hash(q.Suffix(depth))
		if !x.suffixes.contains(hash) {
			break
		}
		if x.listed.contains(hash) {
			depths = append(depths, uint8(depth))
		}
	}
	return depths
}

func (x *Index) hash(text []byte) uint64 { return xxh3.HashSeed(text, x.seed) }

// lookUp appends a hit for each of depths at which a name is really listed, deepest
// first.
func (x *Index) lookUp(hits []hit, q *domainname.Query, depths []uint8) []hit {
	var buf [maxKeyBytes + 1]byte
	key := appendQueryKey(buf[:0], q, int(depths[len(depths)-1]))
	for _, depth := range slices.Backward(depths) {
		length := len(q.Suffix(int(depth)))
		if length > len(key) {
			continue
		}
		if group, found := x.names.find(key[:length]); found {
			hits = append(hits, hit{int(depth), group})
		}
	}
	return hits
}

// reset empties m. Most lookups find nothing and leave nothing to empty.
func (m *Match) reset() {
	if m.used {
		m.clear()
	}
}

func (m *Match) clear() {
	*m = Match{
		Indicator:  m.Indicator[:0],
		Feeds:      m.Feeds[:0],
		AllowedBy:  Veto{Indicator: m.AllowedBy.Indicator[:0]},
		candidates: m.candidates[:0],
		hits:       m.hits[:0],
		vetoes:     vetoes{perFeed: m.vetoes.perFeed[:0]},
		numbers:    m.numbers[:0],
	}
}

// noVeto is a depth that vetoes nothing. It is below 0, the depth of a block of all
// addresses.
const noVeto = -1

// vetoes holds the depth down to which block entries are vetoed.
type vetoes struct {
	all     int // for every feed
	perFeed []feedVeto
}

type feedVeto struct{ feed, depth int }

func (v *vetoes) empty() bool { return v.all == noVeto && len(v.perFeed) == 0 }

// add adds an allow entry. Entries must come deepest first.
func (v *vetoes) add(feed, depth int, all bool) {
	if all {
		v.all = max(v.all, depth)
		return
	}
	if v.feedDepth(feed) == noVeto {
		v.perFeed = append(v.perFeed, feedVeto{feed, depth})
	}
}

// feedDepth returns the depth down to which the allow entries of a feed veto its own
// block entries.
func (v *vetoes) feedDepth(feed int) int {
	for _, own := range v.perFeed {
		if own.feed == feed {
			return own.depth
		}
	}
	return noVeto
}

// cover reports whether a block entry of a feed at a depth is vetoed.
func (v *vetoes) cover(feed, depth int) bool { return depth <= v.all || depth <= v.feedDepth(feed) }

// decide turns the hits of m, deepest first, into the answer. size is the number of labels
// (or bits) of the name or address. It reports whether a block entry matches.
func (x *Index) decide(m *Match, size int) bool {
	m.vetoes.all = noVeto
	x.collectVetoes(m, size)
	m.AllowCovered = m.vetoes.all != noVeto
	switch {
	case x.collectBlocks(m, size, false):
		m.Outcome = Malicious
	case !m.vetoes.empty() && x.collectBlocks(m, size, true):
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
				m.vetoes.add(e.feed(), h.depth, x.feeds[e.feed()].VetoesAll)
			}
		}
	}
}

// collectBlocks describes in m the matching block entries, either the vetoed ones or the
// others. It reports whether there are any.
func (x *Index) collectBlocks(m *Match, size int, vetoed bool) bool {
	var worst entry
	for _, h := range m.hits {
		list := x.groups.list(h.group)
		for i := range list.len() {
			e := list.at(i)
			if e.action() != indicator.ActionBlock || !e.covers(size-h.depth) ||
				m.vetoes.cover(e.feed(), h.depth) != vetoed {
				continue
			}
			if len(m.numbers) == 0 {
				m.depth, m.Scope, worst = h.depth, e.scope(), e
			}
			m.numbers = append(m.numbers, e.feed())
			if h.depth == m.depth {
				m.Scope = min(m.Scope, e.scope())
			}
			// The first of two equal entries stays, which is the deeper one.
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

// nameFeeds turns the feed numbers, which sort like the ids, into a set of ids.
func (x *Index) nameFeeds(m *Match) {
	slices.Sort(m.numbers)
	for i, number := range m.numbers {
		if i == 0 || number != m.numbers[i-1] {
			m.Feeds = append(m.Feeds, x.feeds[number].ID)
		}
	}
}

// setAllowedBy picks the entry to report among those that veto the Indicator.
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
				vetoesAll == bestVetoesAll && h.depth == m.AllowedBy.depth && compareAllows(e, best) < 0
			if better {
				best, bestVetoesAll, found = e, vetoesAll, true
				m.AllowedBy.Feed, m.AllowedBy.depth = x.feeds[e.feed()].ID, h.depth
			}
		}
	}
}

// compareAllows orders allow entries of the same depth by scope, then by feed.
func compareAllows(a, b entry) int {
	return cmp.Or(cmp.Compare(a.scope(), b.scope()), cmp.Compare(a.feed(), b.feed()))
}

// lists reports whether a feed has the deciding entry of m.
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
