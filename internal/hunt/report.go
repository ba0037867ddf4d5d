package hunt

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Columns are the columns of a report. They are those of the named query.
var Columns = []string{
	"account_id", "vpc_id", "srcaddr", "instances", "indicator", "scope", "feeds", "category", "severity", "confidence",
	"added_at", "example", "logged_queries", "unmarked", "first_seen", "last_seen",
}

// Hit is a record that matched the list.
type Hit struct {
	host       sighting.Host
	instance   string
	time       string // query_timestamp
	indicator  string
	scope      indicator.Scope
	feeds      []string
	category   string
	severity   indicator.Severity
	confidence indicator.Confidence
	matched    string
	unmarked   bool     // it was not logged as malicious
	record     [16]byte // see recordKey
}

// IsHit reports whether a record matched the list.
func IsHit(m *verdict.Mark) bool { return m.Verdict == verdict.Malicious && m.Threat != nil }

// NewHit returns the hit of a record for which [IsHit] is true. previous is the verdict that
// the record was logged with.
func NewHit(m *verdict.Mark, previous verdict.Verdict) Hit {
	o, match := m.Object, &m.Threat.Match
	var scratch []byte
	hit := Hit{
		host:       sighting.HostOf(o),
		instance:   string(o.Instance.Decode(&scratch)),
		time:       string(o.AppendTime(nil)),
		indicator:  string(match.Indicator),
		scope:      match.Scope,
		category:   string(match.Category),
		severity:   match.Severity,
		confidence: match.Confidence,
		matched:    string(m.Threat.Matched),
		unmarked:   previous != verdict.Malicious,
		record:     recordKey(o.Bytes),
	}
	for _, feed := range match.Feeds {
		hit.feeds = append(hit.feeds, string(feed))
	}
	return hit
}

// identity lists the members that identify a record. The named queries use the same.
var identity = [...]string{"account_id", "vpc_id", "srcaddr", "srcport", "transport", "query_timestamp", "query_name",
	"query_type", "query_class"}

// recordKey returns the same key for two deliveries of one record.
func recordKey(record []byte) [16]byte {
	var members map[string]json.RawMessage
	err := json.Unmarshal(record, &members)
	if err != nil || members["query_name"] == nil { // nested too deeply, or OCSF, which has other members
		return xxh3.Hash128(record).Bytes()
	}
	var text []byte
	for _, name := range identity {
		text = append(append(text, members[name]...), '\n')
	}
	return xxh3.Hash128(text).Bytes()
}

// Report sums up hits. It is not safe for concurrent use.
type Report struct {
	list    *List
	records map[[16]byte]*counted
	rows    map[rowKey]*row
	repeats int
}

// counted is a record that was counted in a row.
type counted struct {
	row      *row
	unmarked bool
}

// rowKey identifies a row: a host and an entry.
type rowKey struct {
	host      sighting.Host
	indicator string
	scope     indicator.Scope
}

// row sums up the hits of one host and one entry.
type row struct {
	Hit
	instances, allFeeds      map[string]bool
	queries, unmarkedQueries int
	first, last              string
	hours                    map[int64]bool // since 1970, in which the host asked
}

// NewReport returns an empty report about the entries of list.
func NewReport(list *List) *Report {
	return &Report{list: list, records: map[[16]byte]*counted{}, rows: map[rowKey]*row{}}
}

// Add counts a hit. A record that was delivered several times counts once. It is unmarked
// if none of its deliveries was logged as malicious.
func (r *Report) Add(hit *Hit) {
	if known := r.records[hit.record]; known != nil {
		r.repeats++
		if known.unmarked && !hit.unmarked {
			known.row.unmarkedQueries, known.unmarked = known.row.unmarkedQueries-1, false
		}
		return
	}

	row := r.row(hit)
	r.records[hit.record] = &counted{row, hit.unmarked}
	row.count(hit)
}

// Repeats returns how many of the added records were delivered before.
func (r *Report) Repeats() int { return r.repeats }

// row returns the row of a hit, which it adds if necessary.
func (r *Report) row(hit *Hit) *row {
	k := rowKey{hit.host, hit.indicator, hit.scope}
	known := r.rows[k]
	if known == nil {
		known = &row{
			Hit:       *hit,
			instances: map[string]bool{},
			allFeeds:  map[string]bool{},
			hours:     map[int64]bool{},
			first:     hit.time,
			last:      hit.time,
		}
		r.rows[k] = known
	}
	return known
}

func (known *row) count(hit *Hit) {
	known.queries++
	if at := moment(hit.time); !at.IsZero() {
		known.hours[at.Unix()/secondsPerHour] = true
	}
	if hit.unmarked {
		known.unmarkedQueries++
	}
	if hit.instance != "" {
		known.instances[hit.instance] = true
	}
	for _, feed := range hit.feeds {
		known.allFeeds[feed] = true
	}

	known.matched = min(known.matched, hit.matched)
	if cmp.Or(cmp.Compare(hit.severity, known.severity), cmp.Compare(hit.confidence, known.confidence),
		cmp.Compare(known.category, hit.category)) > 0 {
		known.severity, known.confidence, known.category = hit.severity, hit.confidence, hit.category
	}
	// Time stamps of one format and zone sort as text.
	known.first, known.last = min(known.first, hit.time), max(known.last, hit.time)
}

// sorted returns the rows, the most severe first, then those with the most unmarked queries.
func (r *Report) sorted() []*row {
	return slices.SortedFunc(maps.Values(r.rows), func(a, b *row) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.unmarkedQueries, a.unmarkedQueries),
			cmp.Compare(a.host.Account, b.host.Account), cmp.Compare(a.host.VPC, b.host.VPC), cmp.Compare(a.host.Address, b.host.Address),
			cmp.Compare(a.indicator, b.indicator), cmp.Compare(a.scope.String(), b.scope.String()))
	})
}

// Rows returns the rows as text, with a cell for each of [Columns]. Unknown values are empty.
func (r *Report) Rows() [][]string {
	sorted := r.sorted()
	rows := make([][]string, len(sorted))
	for i, row := range sorted {
		rows[i] = []string{
			row.host.Account, row.host.VPC, row.host.Address, sortedList(row.instances), row.indicator, row.scope.String(), sortedList(row.allFeeds),
			row.category, row.severity.String(), strconv.Itoa(int(row.confidence)),
			r.list.addedAt(indicator.Key{Value: row.indicator, Scope: row.scope, Action: indicator.ActionBlock}),
			row.matched, strconv.Itoa(row.queries), strconv.Itoa(row.unmarkedQueries), stamp(row.first), stamp(row.last),
		}
	}
	return rows
}

func sortedList(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), " ") }

// stamp formats a time as the named query does. Text that is not a time stays as it is.
func stamp(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.UTC().Format(time.RFC3339)
}
