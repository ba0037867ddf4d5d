package hunt

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Early returns the rows as the content of a page, in the order of [Report.Rows].
func (r *Report) Early() []report.Early {
	var all []report.Early
	for _, row := range r.sorted() {
		e := report.Early{
			Address: row.host.Address, VPC: row.host.VPC, Account: row.host.Account, Instance: sortedList(row.instances),
			Indicator: row.indicator, Scope: row.scope.String(), Feeds: sortedList(row.allFeeds), Category: row.category,
			Severity: row.severity.String(), Name: row.matched, Queries: row.queries, Unmarked: row.unmarkedQueries,
			First: moment(row.first), Last: moment(row.last),
			Added: r.list.added[indicator.Key{Value: row.indicator, Scope: row.scope, Action: indicator.ActionBlock}],
		}
		for _, hour := range slices.Sorted(maps.Keys(row.hours)) {
			e.Hours = append(e.Hours, time.Unix(hour*secondsPerHour, 0).UTC())
		}
		all = append(all, e)
	}
	return all
}

const secondsPerHour = 3600

// EarlyOf returns a row of the named query as the content of a page. cell returns the text of one of
// [Columns].
func EarlyOf(cell func(column string) string) report.Early {
	count := func(column string) int {
		n, err := strconv.Atoi(cell(column))
		if err != nil {
			return 0 // Athena writes numbers, or nothing
		}
		return n
	}
	return report.Early{
		Address: cell("srcaddr"), VPC: cell("vpc_id"), Account: cell("account_id"), Instance: cell("instances"),
		Indicator: cell("indicator"), Scope: cell("scope"), Feeds: cell("feeds"), Category: cell("category"),
		Severity: cell("severity"), Name: cell("example"), Queries: count("logged_queries"), Unmarked: count("unmarked"),
		First: moment(cell("first_seen")), Last: moment(cell("last_seen")), Added: moment(cell("added_at")),
	}
}

// moment parses a time. It returns the zero time if the text is not one.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// FillPage adds the tables of hosts, indicators and matches of a page of which only the rows of a
// hunt are known.
func FillPage(d *report.Data) {
	type hostKey struct{ account, vpc, address string }
	type entryKey struct{ value, scope string }
	hosts, entries := newOrdered[hostKey, report.Host](), newOrdered[entryKey, report.Indicator]()
	for _, e := range d.Early { // the most severe first
		host := hosts.row(hostKey{e.Account, e.VPC, e.Address}, report.Host{
			Address: e.Address, VPC: e.VPC, Account: e.Account, Instance: e.Instance, Severity: e.Severity, First: e.First})
		host.Indicators++
		host.Queries += e.Queries
		widen(&host.First, &host.Last, &e)

		entry := entries.row(entryKey{e.Indicator, e.Scope}, report.Indicator{
			Value: e.Indicator, Scope: e.Scope, Feeds: e.Feeds, Category: e.Category, Severity: e.Severity, First: e.First})
		entry.Hosts++
		entry.Queries += e.Queries
		widen(&entry.First, &entry.Last, &e)

		d.Matches = append(d.Matches, report.Match{
			Address: e.Address, VPC: e.VPC, Instance: e.Instance, Indicator: e.Indicator, Feeds: e.Feeds, Category: e.Category,
			Severity: e.Severity, Name: e.Name, Queries: e.Queries, First: e.First, Last: e.Last})
	}
	d.Hosts, d.Indicators = hosts.all(), entries.all()
}

// ordered holds rows by key, in the order in which they were added.
type ordered[K comparable, R any] struct {
	rows  map[K]*R
	order []*R
}

func newOrdered[K comparable, R any]() *ordered[K, R] { return &ordered[K, R]{rows: map[K]*R{}} }

// row returns the row of a key. If there is none, it adds first.
func (t *ordered[K, R]) row(key K, first R) *R {
	known := t.rows[key]
	if known == nil {
		known = &first
		t.rows[key] = known
		t.order = append(t.order, known)
	}
	return known
}

func (t *ordered[K, R]) all() (all []R) {
	for _, row := range t.order {
		all = append(all, *row)
	}
	return all
}

// widen makes a period include that of a row.
func widen(first, last *time.Time, e *report.Early) {
	if e.First.Before(*first) {
		*first = e.First
	}
	if e.Last.After(*last) {
		*last = e.Last
	}
}
