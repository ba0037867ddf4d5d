// Package verdict decides what a Resolver query log says and writes it down. What
// goes in is a record and an [index.Index], what comes out is the record's objects,
// one a line, each as it was with our members added before its closing brace.
//
// # What decides
//
// The query name is looked up, then every CNAME target and every address in the
// answers, in their order; the first malicious part decides. If an allow feed covers
// the query name, the answers are not looked at.
//
//   - malicious: an entry matches. On a stale index too.
//   - allowed: something matched, and all of it was vetoed.
//   - clean: nothing matched in a loaded and fresh index.
//   - unknown: no_index, timeout (nothing was looked up), bad_name (no query name, or
//     one that no packet can hold) or stale_index, in this order.
//
// # What is added
//
//	,"verdict":"malicious","index_generation":7,"threat":{"indicator":"evil.example",
//	"scope":"subtree","matched":"www.evil.example","part":"query_name",
//	"feeds":["corp","urlhaus"],"category":"phishing","severity":"high","confidence":90}
//
// without the line breaks, in this order; pkg/catalog says which member stands when.
// All members of `threat` are always there, but for `allowed_by`. Text that is not
// valid UTF-8 is written with U+FFFD for each wrong byte; the bytes themselves are in
// the record. The same record and index always give the same bytes.
package verdict

// Verdict is the word of the member `verdict`.
type Verdict string

// All verdicts.
const (
	Malicious Verdict = "malicious"
	Allowed   Verdict = "allowed"
	Clean     Verdict = "clean"
	Unknown   Verdict = "unknown"
)

// Reason is the word of the member `verdict_reason`, which unknown records have.
type Reason string

// All reasons.
const (
	NoIndex    Reason = "no_index"    // nothing to compare with
	Timeout    Reason = "timeout"     // no time left to compare
	BadName    Reason = "bad_name"    // nothing that could be compared
	StaleIndex Reason = "stale_index" // nothing found, but the list is old
)

// Counts are numbers of objects by what was said of them.
type Counts struct {
	Malicious, Allowed, Clean             int
	NoIndex, Timeout, BadName, StaleIndex int // unknown, by reason
	AlreadyMarked                         int // passed on as they were
}

// Objects returns the number of all objects.
func (c *Counts) Objects() int {
	return c.Malicious + c.Allowed + c.Clean + c.Unknown() + c.AlreadyMarked
}

// Unknown returns the number of unknown objects, whatever the reason.
func (c *Counts) Unknown() int { return c.NoIndex + c.Timeout + c.BadName + c.StaleIndex }

// Add adds other to c.
func (c *Counts) Add(other *Counts) {
	c.Malicious += other.Malicious
	c.Allowed += other.Allowed
	c.Clean += other.Clean
	c.NoIndex += other.NoIndex
	c.Timeout += other.Timeout
	c.BadName += other.BadName
	c.StaleIndex += other.StaleIndex
	c.AlreadyMarked += other.AlreadyMarked
}

// count adds one object.
func (c *Counts) count(m *Mark) {
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
