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
	"math/bits"
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
	cut     struct{ rows, records int }

	// The hashes of the last account and VPC. Most records have the same ones.
	account, vpc         []byte
	accountHash, vpcHash uint64

	// What is known of the matches that may become rows.
	described [indicator.SeverityCritical + 1]int // how many of them have this severity or a worse one
	details   []details
	texts     []byte
	feeds     []indicator.FeedID

	// Memory of Fill and of single calls.
	rows      []alert.Row
	feedTexts []string
	parts     []string
	ranks     []uint64
	scratch   []byte
}

// match is a host that asked for an indicator. Two matches are the same if their keyed hashes
// are; among a million pairs, one in 10^13 is wrong.
type match struct {
	hash        uint64
	first, last int64
	records     int
	details     int // their index plus one, or 0
	severity    indicator.Severity
	firewall    firewall
}

// firewall is what DNS Firewall did to all records of a match, the weakest first.
type firewall uint8

const (
	none firewall = iota
	alerted
	blocked
)

var firewallWords = [...]string{none: "", alerted: alert.FirewallAlert, blocked: alert.FirewallBlock}

// details are what is known of a match. What can differ between its records is that of the most
// severe one, or of the first that was looked at of those that are equally severe.
type details struct {
	// ends are those of the texts in their order: account, Region, VPC, address, instance,
	// indicator, and the observed name or address.
	ends       [7]uint16
	texts      int
	feeds      int
	feedCount  int
	part       verdict.Part
	scope      indicator.Scope
	category   indicator.Category
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
	c.described = [len(c.described)]int{}
	clear(c.details)
	clear(c.feeds)
	clear(c.rows)
	clear(c.feedTexts)
	c.matches, c.details, c.texts, c.feeds = c.matches[:0], c.details[:0], c.texts[:0], c.feeds[:0]
	c.rows, c.feedTexts = c.rows[:0], c.feedTexts[:0]
	c.cut.rows, c.cut.records = 0, 0
}

// Empty reports whether no match was added since the last [Collector.Reset].
func (c *Collector) Empty() bool { return len(c.matches) == 0 }

// NextRecord must be called before the marker gets another record.
func (c *Collector) NextRecord() { c.seen = 0 }

// Add adds a mark. It is for the member OnMatch of [verdict.Options].
func (c *Collector) Add(m *verdict.Mark) {
	if m.Number < c.seen {
		return // the record is marked again, with less detail
	}
	c.seen = m.Number + 1
	if m.Verdict != verdict.Malicious || m.AlreadyMarked || m.Previous != "" && !m.Changed {
		return
	}

	found := c.find(m)
	seen, action, severity := c.timeOf(m), c.firewallOf(m), m.Threat.Match.Severity
	if found.records == 0 {
		found.first, found.last, found.firewall = seen, seen, action
	}
	if found.severity < severity || found.details == 0 {
		c.describe(found, m)
	}
	found.records++
	found.first, found.last = min(found.first, seen), max(found.last, seen)
	found.firewall = min(found.firewall, action)
}

// find returns the match of a mark. A new one has no records.
func (c *Collector) find(m *verdict.Mark) *match {
	if len(c.matches) == maxMatches || len(c.texts) > maxTextBytes {
		c.prune()
	}
	hash := c.identity(m)
	for slot := c.slots.first(hash); ; slot = c.slots.next(slot) {
		i, found := c.slots.at(slot)
		if !found {
			c.slots.set(slot, len(c.matches))
			c.matches = append(c.matches, match{hash: hash})
			return &c.matches[len(c.matches)-1]
		}
		if c.matches[i].hash == hash {
			return &c.matches[i]
		}
	}
}

// identity returns the hash of what identifies a match: account, VPC, address, indicator and
// scope. Its key is random, so nobody can make two matches with the same hash.
func (c *Collector) identity(m *verdict.Mark) uint64 {
	if c.seed == (maphash.Seed{}) {
		c.seed = maphash.MakeSeed()
	}
	o, threat := m.Object, &m.Threat.Match
	if text := c.textOf(o.VPCID); !bytes.Equal(text, c.vpc) {
		c.vpc, c.vpcHash = append(c.vpc[:0], text...), maphash.Bytes(c.seed, text)
	}
	if text := c.textOf(o.AccountID); !bytes.Equal(text, c.account) {
		c.account, c.accountHash = append(c.account[:0], text...), maphash.Bytes(c.seed, text)
	}
	hash := mix(c.accountHash, c.vpcHash+uint64(threat.Scope))
	hash = mix(hash, maphash.Bytes(c.seed, c.textOf(o.SourceAddr)))
	return mix(hash, maphash.Bytes(c.seed, cut(threat.Indicator, alert.MaxNameBytes)))
}

// mix combines the hashes of two texts, whose order matters.
func mix(a, b uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15
	high, low := bits.Mul64(a^odd, b|1)
	return high ^ low + b
}

// textOf returns a text of a record, cut. It is valid until the next call.
func (c *Collector) textOf(t jsonscan.Text) []byte {
	return cut(t.Decode(&c.scratch), alert.MaxWordBytes)
}

func cut(text []byte, limit int) []byte { return text[:min(len(text), limit)] }

// describe sets the severity and the details of a match, unless it cannot become a row: it has
// one record, and there are rows enough of matches that are as severe and came earlier.
func (c *Collector) describe(to *match, m *verdict.Mark) {
	o, threat := m.Object, &m.Threat.Match
	before := to.severity
	to.severity = max(before, threat.Severity)
	if to.details == 0 {
		if to.records == 0 && c.described[to.severity] >= alert.MaxRows {
			return
		}
		before = 0
		c.details = append(c.details, details{})
		to.details = len(c.details)
	}
	for severity := before + 1; severity <= to.severity; severity++ {
		c.described[severity]++
	}

	d := details{
		texts: len(c.texts), feeds: len(c.feeds), part: m.Threat.Part,
		scope: threat.Scope, category: threat.Category, confidence: threat.Confidence,
	}
	for i, text := range [...]jsonscan.Text{o.AccountID, o.Region, o.VPCID, o.SourceAddr, o.Instance} {
		c.texts = append(c.texts, c.textOf(text)...)
		d.ends[i] = uint16(len(c.texts) - d.texts) //nolint:gosec // the texts are cut
	}
	c.texts = append(c.texts, cut(threat.Indicator, alert.MaxNameBytes)...)
	d.ends[5] = uint16(len(c.texts) - d.texts) //nolint:gosec // the texts are cut
	c.texts = append(c.texts, cut(m.Threat.Matched, alert.MaxNameBytes)...)
	d.ends[6] = uint16(len(c.texts) - d.texts) //nolint:gosec // the texts are cut

	c.feeds = append(c.feeds, threat.Feeds[:min(len(threat.Feeds), alert.MaxFeeds)]...)
	d.feedCount = len(c.feeds) - d.feeds
	c.details[to.details-1] = d
}

// timeOf returns when the query of a mark was made.
func (c *Collector) timeOf(m *verdict.Mark) int64 {
	text := m.Object.QueryTimestamp.Decode(&c.scratch)
	if !m.Object.QueryTimestamp.IsSet() {
		c.scratch = m.Object.AppendTime(c.scratch[:0])
		text = c.scratch
	}
	if len(text) == 0 {
		return c.now
	}
	seen, ok := c.stamp.parse(text)
	if !ok {
		return c.now
	}
	return min(seen, c.now)
}

// firewallOf returns what DNS Firewall did. Only two of its words are known.
func (c *Collector) firewallOf(m *verdict.Mark) firewall {
	switch string(m.Object.FirewallAction.Decode(&c.scratch)) {
	case alert.FirewallAlert:
		return alerted
	case alert.FirewallBlock:
		return blocked
	default:
		return none
	}
}

// prune keeps the matches that a message has room for and counts the others. Of those it
// remembers nothing, so if one of them comes again, it counts as another row.
func (c *Collector) prune() {
	order := c.order()
	old := *c
	c.matches = make([]match, 0, maxMatches)
	c.texts = make([]byte, 0, maxTextBytes)
	c.details, c.feeds = nil, nil
	c.described = [len(c.described)]int{}
	c.slots.clear()

	for i, rank := range order {
		m := old.matches[rank&indexMask]
		if i >= alert.MaxRows {
			c.cut.rows++
			c.cut.records += m.records
			continue
		}
		d := old.details[m.details-1]
		texts, feeds := old.texts[d.texts:][:d.ends[len(d.ends)-1]], old.feeds[d.feeds:][:d.feedCount]
		d.texts, c.texts = len(c.texts), append(c.texts, texts...)
		d.feeds, c.feeds = len(c.feeds), append(c.feeds, feeds...)
		c.details = append(c.details, d)
		m.details = len(c.details)
		for severity := range m.severity {
			c.described[severity+1]++
		}
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
	d := &c.details[m.details-1]
	start, text := 0, texts[d.texts:]
	for i, to := range [...]*string{&r.AccountID, &r.Region, &r.VPCID, &r.SrcAddr, &r.Instance, &r.Indicator, &r.Matched} {
		end := int(d.ends[i])
		*to, start = text[start:end], end
	}

	feeds := len(c.feedTexts)
	for _, feed := range c.feeds[d.feeds:][:d.feedCount] {
		c.feedTexts = append(c.feedTexts, string(feed))
	}
	r.Feeds = c.feedTexts[feeds:len(c.feedTexts):len(c.feedTexts)]

	r.Scope, r.Part, r.Category = d.scope.String(), c.partText(d.part), string(d.category)
	r.Severity, r.Confidence = m.severity.String(), int(d.confidence)
	r.Firewall, r.Records = firewallWords[m.firewall], m.records
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
