// Package verdict decides whether the objects of a Resolver query log are malicious and
// adds the verdict to them. A [Marker] takes a record and an [index.Index] and writes one
// line for each object: its original bytes, with our members added before the closing
// brace.
//
// # How a verdict is decided
//
// These parts of an object are looked up: the query name, then every answer in order. In an
// answer, these are looked up:
//
//   - CNAME, MX, SRV: the target. The Rdata of the latter two ends with it.
//   - A, AAAA: the address, and the IPv4 address in one in 64:ff9b::/96.
//   - HTTPS, SVCB: the target, then the addresses of ipv4hint and ipv6hint. The Rdata has the
//     presentation form of RFC 9460, such as `1 . alpn="h2" ipv4hint=192.0.2.1`.
//
// The most severe malicious part decides, and the first of those that are equally severe. If
// an allow feed covers the query name, the answers are not checked.
//
//   - malicious: an entry matches, even if the index is stale.
//   - allowed: something matched, and every match was vetoed.
//   - clean: nothing matched in a loaded and fresh index.
//   - unknown: the reason is the first that applies of no_index, timeout (nothing was
//     looked up), bad_name (there is no query name, or it does not fit into a DNS packet)
//     and stale_index.
//
// # Which members are added
//
//	,"verdict":"malicious","index_generation":7,"threat":{"indicator":"evil.example",
//	"scope":"subtree","matched":"www.evil.example","part":"query_name",
//	"feeds":["corp","urlhaus"],"category":"phishing","severity":"high","confidence":90}
//
// The members are in this order, without the line breaks; pkg/catalog says when each of
// them is present. `threat` always has all its members except `allowed_by`, `more_parts`,
// which counts the other malicious parts, and `more_feeds`. `feeds` has the first 16 feeds in
// the order of their ids, and `more_feeds` counts the others. In text that is not valid UTF-8,
// each invalid byte is written as U+FFFD; the original bytes are still in the record. The same record and index always give the same bytes.
package verdict

import "github.com/resolverwatch/resolverwatch/pkg/resolverlog"

// Verdict is a value of the member `verdict`.
type Verdict string

// All verdicts.
const (
	Malicious Verdict = "malicious"
	Allowed   Verdict = "allowed"
	Clean     Verdict = "clean"
	Unknown   Verdict = "unknown"
)

// Reason is a value of the member `verdict_reason`, which unknown objects have.
type Reason string

// All reasons.
const (
	NoIndex    Reason = "no_index"    // no index was loaded
	Timeout    Reason = "timeout"     // there was no time left for a lookup
	BadName    Reason = "bad_name"    // there is no valid query name
	StaleIndex Reason = "stale_index" // nothing matched, but the index is old
)

// Counts are the numbers of objects by verdict.
type Counts struct {
	Malicious, Allowed, Clean             int
	NoIndex, Timeout, BadName, StaleIndex int // unknown objects, by reason
	AlreadyMarked                         int // objects that came with a verdict, which they kept

	Resolver, OCSF, Other int // objects by shape; the last have no query name
	Delayed               int // objects that Resolver delivered late
	UnreadAnswers         int // answers of a checked type whose Rdata cannot be read
	Shortened             int // objects whose threat lost members for want of room
}

// Unknown returns the number of unknown objects with any reason.
func (c *Counts) Unknown() int { return c.NoIndex + c.Timeout + c.BadName + c.StaleIndex }

// count adds one object.
func (c *Counts) count(m *Mark) {
	c.countVerdict(m)
	switch m.Object.Shape {
	case resolverlog.ShapeOCSF:
		c.OCSF++
	case resolverlog.ShapeOther:
		c.Other++
	case resolverlog.ShapeResolver:
		c.Resolver++
	}
	if m.Object.Delayed {
		c.Delayed++
	}
}

// countVerdict adds one object to the count of its verdict.
func (c *Counts) countVerdict(m *Mark) {
	switch {
	case m.AlreadyMarked:
		c.AlreadyMarked++
	case m.Verdict == Malicious:
		c.Malicious++
	case m.Verdict == Allowed:
		c.Allowed++
	case m.Verdict == Clean:
		c.Clean++
	case m.Reason == NoIndex:
		c.NoIndex++
	case m.Reason == Timeout:
		c.Timeout++
	case m.Reason == BadName:
		c.BadName++
	case m.Reason == StaleIndex:
		c.StaleIndex++
	}
}
