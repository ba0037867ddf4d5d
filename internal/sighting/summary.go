package sighting

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// maxPairs bounds the pairs of host and indicator that a summary itemises; further
// pairs are only counted. A fleet with so many has other troubles than a report.
const maxPairs = 200_000

// Summary counts records by verdict and itemises those that matched.
type Summary struct {
	Malicious, Allowed, Clean, Unknown int

	Reasons map[verdict.Reason]int // unknown records by reason
	Marked  int                    // records that had been marked before
	Omitted int                    // records whose host and indicator are not itemised
	pairs   map[pair]*pairTally

	activity *activity
}

type pair struct {
	host   Host
	threat Threat
}

// pairTally is what is known of one host and one indicator.
type pairTally struct {
	Host        Host
	Instance    string
	Threat      Threat
	Severity    indicator.Severity
	Records     int
	First, Last string // query_timestamp of the first and the last record
	Name        string // query_name of the first record
}

// NewSummary returns an empty summary.
func NewSummary() *Summary {
	return &Summary{Reasons: map[verdict.Reason]int{}, pairs: map[pair]*pairTally{}, activity: newActivity()}
}

// Records returns the number of all records.
func (s *Summary) Records() int { return s.Malicious + s.Allowed + s.Clean + s.Unknown }

// Count adds one record of a verdict; reason is empty unless it is unknown.
func (s *Summary) Count(v verdict.Verdict, reason verdict.Reason) {
	switch v {
	case verdict.Malicious:
		s.Malicious++
	case verdict.Allowed:
		s.Allowed++
	case verdict.Clean:
		s.Clean++
	case verdict.Unknown:
		s.Unknown++
		if reason != "" {
			s.Reasons[reason]++
		}
	}
}

// Itemise adds what one object says of its host, VPC and hour, whatever the verdict.
func (s *Summary) Itemise(o *resolverlog.Object, v verdict.Verdict) { s.activity.count(o, v) }

// Add itemises one sighting, which [Summary.Count] has counted.
func (s *Summary) Add(seen *Sighting, instance string) {
	s.mergePair(&pairTally{
		Host: seen.Host, Instance: instance, Threat: seen.Threat, Severity: seen.Severity,
		Records: 1, First: seen.Time, Last: seen.Time, Name: seen.Name,
	})
}

// Merge adds what other has counted.
func (s *Summary) Merge(other *Summary) {
	s.Malicious += other.Malicious
	s.Allowed += other.Allowed
	s.Clean += other.Clean
	s.Unknown += other.Unknown
	s.Marked += other.Marked
	s.Omitted += other.Omitted
	for reason, count := range other.Reasons {
		s.Reasons[reason] += count
	}
	for _, tally := range other.pairs {
		s.mergePair(tally)
	}
	s.activity.merge(other.activity)
}

func (s *Summary) mergePair(tally *pairTally) {
	key := pair{tally.Host, tally.Threat}
	known, found := s.pairs[key]
	switch {
	case !found && len(s.pairs) >= maxPairs:
		s.Omitted += tally.Records
		return
	case !found:
		s.pairs[key] = tally
		return
	}
	known.Records += tally.Records
	known.Severity = max(known.Severity, tally.Severity)
	known.Instance = cmp.Or(known.Instance, tally.Instance)
	// Time stamps of one format and zone sort as text.
	if tally.First < known.First {
		known.First, known.Name = tally.First, tally.Name
	}
	known.Last = max(known.Last, tally.Last)
}

// sortedTallies returns the itemised pairs, the most severe first, then the most seen.
func (s *Summary) sortedTallies() []*pairTally {
	return slices.SortedFunc(maps.Values(s.pairs), func(a, b *pairTally) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(b.Records, a.Records),
			compareHosts(a.Host, b.Host),
			cmp.Compare(a.Threat.Indicator, b.Threat.Indicator),
			cmp.Compare(a.Threat.AllowedBy, b.Threat.AllowedBy),
			cmp.Compare(a.Threat.Feeds, b.Threat.Feeds),
		)
	})
}

// topIndicators is how many indicators of each feed and category are listed; the named
// query has the same default.
const topIndicators = 10

// feedIndicator is an indicator as one feed lists it.
type feedIndicator struct{ feed, category, indicator, scope string }

// indicatorTally is when and how often an indicator was met, and by how many hosts.
type indicatorTally struct {
	records     int
	hosts       map[Host]struct{}
	first, last string
}

// printIndicators lists what was met most of each feed and category. An indicator that
// several feeds list counts for each of them.
func printIndicators(out io.Writer, tallies []*pairTally) {
	all := map[feedIndicator]*indicatorTally{}
	for _, t := range tallies {
		if t.Threat.AllowedBy != "" {
			continue
		}
		for feed := range strings.SplitSeq(t.Threat.Feeds, ", ") {
			addTally(all, feedIndicator{feed, t.Threat.Category, t.Threat.Indicator, t.Threat.Scope}, t)
		}
	}
	var rows []table.Row
	var group feedIndicator // of the row before: feed and category
	place := 0
	for _, l := range slices.SortedFunc(maps.Keys(all), func(a, b feedIndicator) int {
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

func addTally(all map[feedIndicator]*indicatorTally, l feedIndicator, t *pairTally) {
	m := all[l]
	if m == nil {
		m = &indicatorTally{hosts: map[Host]struct{}{}, first: t.First}
		all[l] = m
	}
	m.records += t.Records
	m.hosts[t.Host] = struct{}{}
	m.first, m.last = min(m.first, t.First), max(m.last, t.Last)
}
