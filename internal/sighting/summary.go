package sighting

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// maxPairs limits the pairs of host and indicator that a summary lists, and so its memory.
// Further pairs are only counted.
const maxPairs = 200_000

// Summary counts records by verdict and lists those that matched by host and indicator.
type Summary struct {
	Malicious, allowed, clean, unknown int
	// Limit is the number of rows of the tables of hosts.  Default: 50.
	Limit int

	reasons           map[verdict.Reason]int // unknown records by reason
	marked            int                    // records that were already marked and keep their mark
	remarked, changed int                    // records that were already marked: with a new mark, and with another result
	omitted           int                    // matching records that are not listed
	pairs             map[pair]*pairTally

	activity *activity
}

type pair struct {
	host   Host
	threat matchedThreat
}

// pairTally sums up the records of one host and one indicator.
type pairTally struct {
	Host        Host
	Instance    string
	Threat      matchedThreat
	Severity    indicator.Severity
	Records     int
	InAnswers   int    // of the records, those in which an answer matched
	First, Last string // query_timestamp of the first and the last record
	Name, Part  string // query_name of the first record, and where it matched
}

// NewSummary returns an empty summary.
func NewSummary() *Summary {
	return &Summary{
		reasons:  map[verdict.Reason]int{},
		pairs:    map[pair]*pairTally{},
		activity: newActivity(),
	}
}

// records returns the number of all records.
func (s *Summary) records() int { return s.Malicious + s.allowed + s.clean + s.unknown }

// Count adds a marked record to the count of its verdict.
func (s *Summary) Count(m *verdict.Mark) {
	if m.AlreadyMarked {
		s.marked++
	}
	if m.Previous != "" {
		s.remarked++
	}
	if m.Changed {
		s.changed++
	}
	s.countVerdict(m.Verdict, unknownReason(m))
}

func (s *Summary) countVerdict(v verdict.Verdict, reason verdict.Reason) {
	switch v {
	case verdict.Malicious:
		s.Malicious++
	case verdict.Allowed:
		s.allowed++
	case verdict.Clean:
		s.clean++
	case verdict.Unknown:
		s.unknown++
		if reason != "" {
			s.reasons[reason]++
		}
	}
}

// Remarks says how many records were marked again, and how many of them changed. It is empty
// if none was.
func (s *Summary) Remarks() string {
	if s.remarked == 0 {
		return ""
	}
	return fmt.Sprintf("%s re-marked, %s changed", thousands(s.remarked), thousands(s.changed))
}

// Itemise adds a record to the activity of its host, VPC and hour.
func (s *Summary) Itemise(o *resolverlog.Object, v verdict.Verdict) { s.activity.count(o, v) }

// Add lists a sighting. The caller counts its record with [Summary.Count].
func (s *Summary) Add(seen *Sighting, instance string) {
	inAnswers := 0
	if seen.part != verdict.QueryName.String() {
		inAnswers = 1
	}
	s.mergePair(&pairTally{
		Host:     seen.host,
		Instance: instance,
		Threat:   seen.threat,
		Severity: seen.severity,
		Records:  1, InAnswers: inAnswers,
		First: seen.time,
		Last:  seen.time,
		Name:  seen.name, Part: seen.part,
	})
}

// Merge adds the counts and pairs of other. The two summaries share memory afterwards, so
// other must not be used again.
func (s *Summary) Merge(other *Summary) {
	s.Malicious += other.Malicious
	s.allowed += other.allowed
	s.clean += other.clean
	s.unknown += other.unknown
	s.marked += other.marked
	s.remarked += other.remarked
	s.changed += other.changed
	s.omitted += other.omitted
	for reason, count := range other.reasons {
		s.reasons[reason] += count
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
		s.omitted += tally.Records
		return
	case !found:
		s.pairs[key] = tally
		return
	}

	known.Records += tally.Records
	known.InAnswers += tally.InAnswers
	known.Severity = max(known.Severity, tally.Severity)
	known.Instance = cmp.Or(known.Instance, tally.Instance)
	// Time stamps of one format and zone sort as text.
	if tally.First < known.First {
		known.First, known.Name, known.Part = tally.First, tally.Name, tally.Part
	}
	known.Last = max(known.Last, tally.Last)
}

// sortedTallies returns the pairs, the most severe first, then those with the most records.
func (s *Summary) sortedTallies() []*pairTally {
	return slices.SortedFunc(maps.Values(s.pairs), func(a, b *pairTally) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(b.Records, a.Records),
			compareHosts(a.Host, b.Host),
			cmp.Compare(a.Threat.indicator, b.Threat.indicator),
			cmp.Compare(a.Threat.allowedBy, b.Threat.allowedBy),
			cmp.Compare(a.Threat.feeds, b.Threat.feeds),
		)
	})
}

// topIndicators is the number of indicators that are listed for each feed and category. It
// is the default of the named query too.
const topIndicators = 10

// feedIndicator is an indicator as one feed lists it.
type feedIndicator struct{ feed, category, indicator, scope string }

// indicatorTally sums up the records of one indicator.
type indicatorTally struct {
	records     int
	hosts       map[Host]struct{}
	first, last string
}

// printIndicators prints the indicators with the most records for each feed and category.
// An indicator that several feeds list counts for each of them.
func printIndicators(out io.Writer, tallies []*pairTally) {
	all := map[feedIndicator]*indicatorTally{}
	for _, t := range tallies {
		if t.Threat.allowedBy != "" {
			continue
		}
		for feed := range strings.SplitSeq(t.Threat.feeds, feedSeparator) {
			addTally(all, feedIndicator{feed, t.Threat.category, t.Threat.indicator, t.Threat.scope}, t)
		}
	}

	var rows [][]string
	var group feedIndicator // feed and category of the row before
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
		rows = append(rows, []string{l.feed, l.category, l.indicator, l.scope, thousands(m.records), thousands(len(m.hosts)), m.first, m.last})
	}
	printRows(out, fmt.Sprintf("Top indicators by feed and category (at most %d each)", topIndicators),
		[]term.Column{term.Text("Feed"), term.Word("Category").Spare(), term.Text("Indicator"), term.Word("Scope").Spare(),
			term.Number("Queries"), term.Number("Hosts"), term.Word("First").Spare(), term.Word("Last").Spare()}, rows)
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
