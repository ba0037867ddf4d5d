// Package matches collects what the marker of an invocation finds. Marks go in, the rows of an
// [alert.Message] come out: one for each host and indicator, worst first.
//
// # Which marks count
//
// A malicious object counts, also if its record then fails because its lines do not fit: the
// host did ask for the name. Objects of a record that is not valid JSON are never looked up, so
// they do not count.
//
// An object that came with a verdict does not count, because it was told when it got that
// verdict, and because its mark may be anybody's text. A mark that replaces an earlier one
// counts if it differs from it in more than the generation.
//
// If an invocation is repeated, its matches are told again. The notifier recognises them by
// the ids of their rows.
package matches

import (
	"bytes"
	"hash/maphash"
	"math"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Limits of the memory of a [Collector]. A batch of 1 MiB has about 2,000 records, so only a
// storm of different names, or records that were compressed, can exceed them.
const (
	maxMatches   = 4096 // different hosts and indicators
	maxTextBytes = 1 << 20
)

// Collector merges marks into rows. The zero Collector is empty. It reuses its memory: once
// that has grown, adding marks allocates nothing. Its memory is bounded, however many different
// matches there are. It is not safe for concurrent use.
type Collector struct {
	now   int64 // in milliseconds since 1970
	seen  int   // objects of the current record
	stamp timestamps

	matches []match
	slots   table
	seed    maphash.Seed
	texts   []byte             // of all matches
	feeds   []indicator.FeedID // of all matches
	cut     struct{ rows, records int }

	// Memory of Fill and of single calls.
	rows      []alert.Row
	feedTexts []string
	parts     []string
	ranks     []uint64
	scratch   []byte
}

// match is a host that asked for an indicator. Its identity is in texts: account, VPC, address,
// indicator and scope.
type match struct {
	hash        uint64
	identity    int       // where it is in texts
	ends        [5]uint16 // of the parts of the identity, counted from its start
	records     int
	first, last int64
	firewall    string

	details // of the most severe record, or the first of those that are equally severe
}

// details are facts that can differ between the records of a match.
type details struct {
	facts      int // where Region, instance and the observed name or address are in texts
	factEnds   [3]uint16
	feeds      int // where the feeds are
	feedCount  int
	part       verdict.Part
	category   indicator.Category
	severity   indicator.Severity
	confidence indicator.Confidence
}

// Reset empties c. Records without a time that can be read count as made now, as do those with
// a later time.
func (c *Collector) Reset(now time.Time) {
	c.now, c.seen = now.UnixMilli(), 0
	if len(c.matches) == 0 {
		return
	}
	c.slots.clear()
	clear(c.feeds)
	clear(c.matches)
	clear(c.rows)
	clear(c.feedTexts)
	c.matches, c.texts, c.feeds = c.matches[:0], c.texts[:0], c.feeds[:0]
	c.rows, c.feedTexts = c.rows[:0], c.feedTexts[:0]
	c.cut.rows, c.cut.records = 0, 0
}

// Empty reports whether no match was added since the last [Collector.Reset].
func (c *Collector) Empty() bool { return len(c.matches) == 0 }

// NextRecord must be called before the marker gets another record.
func (c *Collector) NextRecord() { c.seen = 0 }

// Add adds a mark. It is for [verdict.Options].
func (c *Collector) Add(m *verdict.Mark) {
	if m.Number < c.seen {
		return // the record is marked again, with less detail
	}
	c.seen = m.Number + 1
	if m.Verdict != verdict.Malicious || m.AlreadyMarked || m.Previous != "" && !m.Changed {
		return
	}

	found := c.find(m)
	seen := c.timeOf(m)
	firewall := c.firewallOf(m)
	if found.records == 0 {
		found.first, found.last, found.firewall = seen, seen, firewall
		c.describe(found, m)
	} else if found.severity < m.Threat.Match.Severity {
		c.describe(found, m)
	}
	found.records++
	found.first, found.last = min(found.first, seen), max(found.last, seen)
	found.firewall = alert.WeakerFirewall(found.firewall, firewall)
}

// find returns the match of a mark. A new one has no records.
func (c *Collector) find(m *verdict.Mark) *match {
	if len(c.matches) == maxMatches || len(c.texts) > maxTextBytes {
		c.prune()
	}

	o, threat := m.Object, &m.Threat.Match
	next := match{identity: len(c.texts)}
	end := func(part int) { next.ends[part] = uint16(len(c.texts) - next.identity) } //nolint:gosec // the texts are cut
	c.appendText(o.AccountID)
	end(0)
	c.appendText(o.VPCID)
	end(1)
	c.appendText(o.SourceAddr)
	end(2)
	c.texts = append(c.texts, threat.Indicator[:min(len(threat.Indicator), alert.MaxNameBytes)]...)
	end(3)
	c.texts = append(c.texts, byte(threat.Scope))
	end(4)

	if c.seed == (maphash.Seed{}) {
		c.seed = maphash.MakeSeed()
	}
	next.hash = maphash.Bytes(c.seed, c.texts[next.identity:])
	for slot := c.slots.first(next.hash); ; slot = c.slots.next(slot) {
		i, found := c.slots.at(slot)
		if !found {
			c.slots.set(slot, len(c.matches))
			c.matches = append(c.matches, next)
			return &c.matches[len(c.matches)-1]
		}
		if c.same(&c.matches[i], &next) {
			c.texts = c.texts[:next.identity]
			return &c.matches[i]
		}
	}
}

// same reports whether two matches have the same identity.
func (c *Collector) same(a, b *match) bool {
	return a.hash == b.hash && a.ends == b.ends &&
		bytes.Equal(c.texts[a.identity:a.identity+int(a.ends[4])], c.texts[b.identity:b.identity+int(b.ends[4])])
}

// appendText appends a text of a record.
func (c *Collector) appendText(t jsonscan.Text) {
	text := t.Decode(&c.scratch)
	c.texts = append(c.texts, text[:min(len(text), alert.MaxWordBytes)]...)
}

// describe sets the details of a match.
func (c *Collector) describe(to *match, m *verdict.Mark) {
	o, threat := m.Object, &m.Threat.Match
	d := details{
		facts:      len(c.texts),
		feeds:      len(c.feeds),
		part:       m.Threat.Part,
		category:   threat.Category,
		severity:   threat.Severity,
		confidence: threat.Confidence,
	}
	end := func(part int) { d.factEnds[part] = uint16(len(c.texts) - d.facts) } //nolint:gosec // the texts are cut
	c.appendText(o.Region)
	end(0)
	c.appendText(o.Instance)
	end(1)
	c.texts = append(c.texts, m.Threat.Matched[:min(len(m.Threat.Matched), alert.MaxNameBytes)]...)
	end(2)

	c.feeds = append(c.feeds, threat.Feeds[:min(len(threat.Feeds), alert.MaxFeeds)]...)
	d.feedCount = len(c.feeds) - d.feeds
	to.details = d
}

// timeOf returns when the query of a mark was made.
func (c *Collector) timeOf(m *verdict.Mark) int64 {
	text := m.Object.QueryTimestamp.Decode(&c.scratch)
	if !m.Object.QueryTimestamp.IsSet() {
		c.scratch = m.Object.AppendTime(c.scratch[:0])
		text = c.scratch
	}
	seen, ok := c.stamp.parse(text)
	if !ok {
		return c.now
	}
	return min(seen, c.now)
}

// firewallOf returns what DNS Firewall did. Only two of its words are known.
func (c *Collector) firewallOf(m *verdict.Mark) string {
	switch string(m.Object.FirewallAction.Decode(&c.scratch)) {
	case alert.FirewallAlert:
		return alert.FirewallAlert
	case alert.FirewallBlock:
		return alert.FirewallBlock
	default:
		return ""
	}
}

// prune keeps the matches that a message has room for and counts the others. Of those it
// remembers nothing, so if one of them comes again, it counts as another row.
func (c *Collector) prune() {
	order := c.order()
	old := *c
	c.matches = make([]match, 0, maxMatches)
	c.texts = make([]byte, 0, maxTextBytes)
	c.feeds = nil
	c.slots.clear()

	for i, rank := range order {
		m := old.matches[rank&indexMask]
		if i >= alert.MaxRows {
			c.cut.rows++
			c.cut.records += m.records
			continue
		}
		identity, facts := old.texts[m.identity:][:m.ends[4]], old.texts[m.facts:][:m.factEnds[2]]
		feeds := old.feeds[m.feeds:][:m.feedCount]
		m.identity, c.texts = len(c.texts), append(c.texts, identity...)
		m.facts, c.texts = len(c.texts), append(c.texts, facts...)
		m.feeds, c.feeds = len(c.feeds), append(c.feeds, feeds...)
		c.slots.insert(m.hash, len(c.matches))
		c.matches = append(c.matches, m)
	}
}

// indexMask selects the index of a match from its rank.
const indexMask = 1<<16 - 1

// order returns the ranks of the matches, worst first: severity, then records, then the order in
// which they came.
func (c *Collector) order() []uint64 {
	const (
		severities    = 7
		severityShift = 61
		maxRecords    = math.MaxUint64 >> (64 - severityShift) >> 16
	)
	c.ranks = c.ranks[:0]
	for i := range c.matches {
		m := &c.matches[i]
		rank := (severities-uint64(m.severity))<<severityShift | (maxRecords-uint64(m.records))<<16 | uint64(i) //nolint:gosec // small and positive
		c.ranks = append(c.ranks, rank)
	}
	slices.Sort(c.ranks)
	return c.ranks
}

// Fill sets the rows of a message, worst first, and counts what a message has no room for. The
// rows are valid until the next call of [Collector.Reset] or Fill.
func (c *Collector) Fill(m *alert.Message) {
	order := c.order()
	texts := string(c.texts)
	c.rows, c.feedTexts = c.rows[:0], c.feedTexts[:0]
	m.TruncatedRows, m.TruncatedRecords = c.cut.rows, c.cut.records
	for i, rank := range order {
		found := &c.matches[rank&indexMask]
		if i >= alert.MaxRows {
			m.TruncatedRows++
			m.TruncatedRecords += found.records
			continue
		}
		c.rows = append(c.rows, alert.Row{})
		c.fillRow(&c.rows[i], found, texts)
	}
	m.Rows = c.rows
}

func (c *Collector) fillRow(r *alert.Row, m *match, texts string) {
	identity := texts[m.identity:]
	r.AccountID = identity[:m.ends[0]]
	r.VPCID = identity[m.ends[0]:m.ends[1]]
	r.SrcAddr = identity[m.ends[1]:m.ends[2]]
	r.Indicator = identity[m.ends[2]:m.ends[3]]
	r.Scope = indicator.Scope(identity[m.ends[3]]).String()

	text := texts[m.facts:]
	r.Region = text[:m.factEnds[0]]
	r.Instance = text[m.factEnds[0]:m.factEnds[1]]
	r.Matched = text[m.factEnds[1]:m.factEnds[2]]

	start := len(c.feedTexts)
	for _, feed := range c.feeds[m.feeds:][:m.feedCount] {
		c.feedTexts = append(c.feedTexts, string(feed))
	}
	r.Feeds = c.feedTexts[start:len(c.feedTexts):len(c.feedTexts)]

	r.Part, r.Category = c.partText(m.part), string(m.category)
	r.Severity, r.Confidence = m.severity.String(), int(m.confidence)
	r.Firewall, r.Records = m.firewall, m.records
	r.FirstSeen, r.LastSeen = time.UnixMilli(m.first).UTC(), time.UnixMilli(m.last).UTC()
}

// partText returns the text of a part. The texts of the first parts are kept.
func (c *Collector) partText(part verdict.Part) string {
	const maxKept = 64
	at := int(part - verdict.QueryName)
	if at >= maxKept {
		return part.String()
	}
	for len(c.parts) <= at {
		c.parts = append(c.parts, (verdict.QueryName + verdict.Part(len(c.parts))).String())
	}
	return c.parts[at]
}
