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

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Columns are those of a report, as of the named query.
var Columns = []string{
	"account_id", "vpc_id", "srcaddr", "instances", "indicator", "scope", "feeds", "category", "severity", "confidence",
	"added_at", "example", "logged_queries", "unmarked", "first_seen", "last_seen",
}

// Hit is a record that is malicious by the list.
type Hit struct {
	Account, VPC, Address string
	Instance              string
	Time                  string // query_timestamp
	Indicator             string
	Scope                 indicator.Scope
	Feeds                 []string
	Category              string
	Severity              indicator.Severity
	Confidence            indicator.Confidence
	Matched               string
	// Unmarked means that it had no malicious verdict before.
	Unmarked bool
	// Record tells records apart, by [recordKey].
	Record [16]byte
}

// NewHit returns the hit of a record that was marked malicious, whose verdict before was
// was.
func NewHit(m *verdict.Mark, was verdict.Verdict) Hit {
	o, match := m.Object, &m.Threat.Match
	hit := Hit{
		Account: string(o.AccountID.Decode(new([]byte))), VPC: string(o.VPCID.Decode(new([]byte))),
		Address: string(o.SourceAddr.Decode(new([]byte))), Instance: string(o.Instance.Decode(new([]byte))),
		Time:      string(o.QueryTimestamp.Decode(new([]byte))),
		Indicator: string(match.Indicator), Scope: match.Scope, Category: string(match.Category),
		Severity: match.Severity, Confidence: match.Confidence, Matched: string(m.Threat.Matched),
		Unmarked: was != verdict.Malicious, Record: recordKey(o.Bytes),
	}
	for _, feed := range match.Feeds {
		hit.Feeds = append(hit.Feeds, string(feed))
	}
	return hit
}

// identity are the members by which the named queries tell records apart.
var identity = [...]string{"account_id", "vpc_id", "srcaddr", "srcport", "transport", "query_timestamp", "query_name",
	"query_type", "query_class"}

// recordKey returns the same for records that the named queries take for one.
func recordKey(record []byte) [16]byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(record, &members); err != nil { // such as a surplus of depth
		return xxh3.Hash128(record).Bytes()
	}
	var text []byte
	for _, name := range identity {
		text = append(append(text, members[name]...), '\n')
	}
	return xxh3.Hash128(text).Bytes()
}

// Report adds hits up. It is not safe for concurrent use.
type Report struct {
	list    *List
	records map[[16]byte]*counted
	rows    map[key]*row
}

// counted is a record that counts in a row.
type counted struct {
	row      *row
	unmarked bool
}

// key is a row's: a host and an entry.
type key struct {
	account, vpc, address, indicator string
	scope                            indicator.Scope
}

// row is what is known of one host and one indicator.
type row struct {
	Hit
	instances, feeds  map[string]bool
	queries, unmarked int
	first, last       string
}

// NewReport returns a report without rows about the entries of list.
func NewReport(list *List) *Report {
	return &Report{list: list, records: map[[16]byte]*counted{}, rows: map[key]*row{}}
}

// Add counts a hit. A record counts once, however often it was delivered, and is
// unmarked if no delivery was marked malicious.
func (r *Report) Add(hit *Hit) {
	if known := r.records[hit.Record]; known != nil {
		if known.unmarked && !hit.Unmarked {
			known.row.unmarked, known.unmarked = known.row.unmarked-1, false
		}
		return
	}
	row := r.row(hit)
	r.records[hit.Record] = &counted{row, hit.Unmarked}
	row.count(hit)
}

// row returns the row in which a hit counts.
func (r *Report) row(hit *Hit) *row {
	k := key{hit.Account, hit.VPC, hit.Address, hit.Indicator, hit.Scope}
	known := r.rows[k]
	if known == nil {
		known = &row{Hit: *hit, instances: map[string]bool{}, feeds: map[string]bool{}, first: hit.Time, last: hit.Time}
		r.rows[k] = known
	}
	return known
}

func (known *row) count(hit *Hit) {
	known.queries++
	if hit.Unmarked {
		known.unmarked++
	}
	if hit.Instance != "" {
		known.instances[hit.Instance] = true
	}
	for _, feed := range hit.Feeds {
		known.feeds[feed] = true
	}
	known.Matched = min(known.Matched, hit.Matched)
	if cmp.Or(cmp.Compare(hit.Severity, known.Severity), cmp.Compare(hit.Confidence, known.Confidence),
		cmp.Compare(known.Category, hit.Category)) > 0 {
		known.Severity, known.Confidence, known.Category = hit.Severity, hit.Confidence, hit.Category
	}
	// Time stamps of one format and zone sort as text.
	known.first, known.last = min(known.first, hit.Time), max(known.last, hit.Time)
}

// Rows returns the rows as text by [Columns], the most severe first, then those with the
// most unmarked queries. Empty text is unknown.
func (r *Report) Rows() [][]string {
	sorted := slices.SortedFunc(maps.Values(r.rows), func(a, b *row) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.unmarked, a.unmarked),
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.VPC, b.VPC), cmp.Compare(a.Address, b.Address),
			cmp.Compare(a.Indicator, b.Indicator), cmp.Compare(a.Scope.String(), b.Scope.String()))
	})
	rows := make([][]string, len(sorted))
	for i, row := range sorted {
		rows[i] = []string{
			row.Account, row.VPC, row.Address, joined(row.instances), row.Indicator, row.Scope.String(), joined(row.feeds),
			row.Category, row.Severity.String(), strconv.Itoa(int(row.Confidence)),
			r.list.addedAt(indicator.Key{Value: row.Indicator, Scope: row.Scope, Action: indicator.ActionBlock}),
			row.Matched, strconv.Itoa(row.queries), strconv.Itoa(row.unmarked), stamp(row.first), stamp(row.last),
		}
	}
	return rows
}

func joined(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), " ") }

// stamp writes a time as the named query does, and leaves what is none as it is.
func stamp(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.UTC().Format(time.RFC3339)
}
