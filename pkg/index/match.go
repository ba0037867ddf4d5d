package index

import (
	"net/netip"

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
