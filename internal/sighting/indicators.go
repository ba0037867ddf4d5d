package sighting

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// topIndicators is how many indicators of each feed and category are listed; the named
// query has the same default.
const topIndicators = 10

// listed is an indicator as one feed lists it.
type listed struct{ feed, category, indicator, scope string }

// met is when and how often an indicator was met, and by how many hosts.
type met struct {
	records     int
	hosts       map[Host]struct{}
	first, last string
}

// printIndicators lists what was met most of each feed and category. An indicator that
// several feeds list counts for each of them.
func printIndicators(out io.Writer, tallies []*Tally) {
	all := map[listed]*met{}
	for _, t := range tallies {
		if t.Threat.AllowedBy != "" {
			continue
		}
		for feed := range strings.SplitSeq(t.Threat.Feeds, ", ") {
			count(all, listed{feed, t.Threat.Category, t.Threat.Indicator, t.Threat.Scope}, t)
		}
	}
	var rows []table.Row
	var group listed // of the row before: feed and category
	place := 0
	for _, l := range slices.SortedFunc(maps.Keys(all), func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.feed, b.feed), cmp.Compare(a.category, b.category), cmp.Compare(all[b].records, all[a].records),
			cmp.Compare(a.indicator, b.indicator), cmp.Compare(a.scope, b.scope))
	}) {
		if l.feed != group.feed || l.category != group.category {
			group, place = l, 0
		}
		if place++; place > topIndicators {
			continue
		}
		m := all[l]
		rows = append(rows, cells(l.feed, l.category, l.indicator, l.scope, thousands(m.records), thousands(len(m.hosts)), m.first, m.last))
	}
	printRows(out, "Indicators met, the most of each feed and category",
		table.Row{"Feed", "Category", "Indicator", "Scope", "Queries", "Hosts", "First", "Last"}, rows)
}

func count(all map[listed]*met, l listed, t *Tally) {
	m := all[l]
	if m == nil {
		m = &met{hosts: map[Host]struct{}{}, first: t.First}
		all[l] = m
	}
	m.records += t.Records
	m.hosts[t.Host] = struct{}{}
	m.first, m.last = min(m.first, t.First), max(m.last, t.Last)
}
