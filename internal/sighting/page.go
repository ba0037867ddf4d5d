package sighting

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/report"
)

// maxChartHours is the number of bars of a picture. With more hours, a bar is longer than an hour.
const maxChartHours = 400

// Report returns what the summary knows as the content of a report. The caller adds what was read
// and when.
func (s *Summary) Report() *report.Data {
	d := &report.Data{
		Records: s.records(),
		Verdict: report.Counts{Malicious: s.Malicious, Allowed: s.allowed, Clean: s.clean, Unknown: s.unknown},
	}
	for _, reason := range slices.Sorted(maps.Keys(s.reasons)) {
		d.Reasons = append(d.Reasons, report.Reason{Name: string(reason), Records: s.reasons[reason]})
	}
	first, step := s.activity.addHours(d)
	tallies := slices.DeleteFunc(s.sortedTallies(), func(t *pairTally) bool { return t.Threat.allowedBy != "" })
	d.Matches = matches(tallies)
	d.Indicators = indicators(tallies)
	d.Hosts = hosts(tallies)
	s.activity.addTimelines(d.Hosts, first, step)
	s.activity.addCoverage(d)
	s.addNotes(d)
	return d
}

// addNotes says what the report leaves out.
func (s *Summary) addNotes(d *report.Data) {
	for _, note := range []struct {
		count int
		text  string
	}{
		{s.omitted, "more matching queries are not listed."},
		{s.activity.undated, "queries have no readable time, and are left out of hours and days."},
		{s.activity.omitted, "queries of further hosts and hours are left out of hours and days."},
	} {
		if note.count > 0 {
			d.Notes = append(d.Notes, thousands(note.count)+" "+note.text)
		}
	}
	if remarks := s.Remarks(); remarks != "" {
		d.Notes = append(d.Notes, fmt.Sprintf("Queries that were marked before: %s.", remarks))
	}
}

// timeOf reads a time of a record; it is zero if that is not readable.
func timeOf(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// matches returns a row for each host and indicator.
func matches(tallies []*pairTally) (rows []report.Match) {
	for _, t := range tallies {
		rows = append(rows, report.Match{
			Address: t.Host.Address, VPC: t.Host.VPC, Instance: t.Instance,
			Indicator: t.Threat.indicator, Feeds: t.Threat.feeds, Category: t.Threat.category, Severity: t.Severity.String(),
			Name: t.Name, Part: t.Part, Queries: t.Records, First: timeOf(t.First), Last: timeOf(t.Last),
		})
	}
	return rows
}

// indicators returns a row for each indicator, the most severe first.
func indicators(tallies []*pairTally) []report.Indicator {
	type key struct{ value, scope, feeds, category string }
	rows := map[key]*report.Indicator{}
	for _, t := range tallies {
		k := key{t.Threat.indicator, t.Threat.scope, t.Threat.feeds, t.Threat.category}
		row := rows[k]
		if row == nil {
			row = &report.Indicator{
				Value: k.value, Scope: k.scope, Feeds: k.feeds, Category: k.category,
				Severity: t.Severity.String(), First: timeOf(t.First), // the tallies begin with the most severe
			}
			rows[k] = row
		}
		row.Hosts++
		row.Queries += t.Records
		row.InAnswer += t.InAnswers
		row.InQuery += t.Records - t.InAnswers
		row.First, row.Last = earlier(row.First, timeOf(t.First)), later(row.Last, timeOf(t.Last))
	}
	var all []report.Indicator
	for _, t := range tallies { // in the order of the worst match
		k := key{t.Threat.indicator, t.Threat.scope, t.Threat.feeds, t.Threat.category}
		if row := rows[k]; row != nil {
			all = append(all, *row)
			delete(rows, k)
		}
	}
	return all
}

// hosts returns a row for each host, the one with the most severe match first.
func hosts(tallies []*pairTally) []report.Host {
	rows := map[Host]*report.Host{}
	var order []Host
	for _, t := range tallies {
		row := rows[t.Host]
		if row == nil {
			row = &report.Host{
				Address: t.Host.Address, VPC: t.Host.VPC, Account: t.Host.Account, Severity: t.Severity.String(), First: timeOf(t.First),
			}
			rows[t.Host] = row
			order = append(order, t.Host)
		}
		row.Indicators++
		row.Queries += t.Records
		row.Instance = cmp.Or(row.Instance, t.Instance)
		row.First, row.Last = earlier(row.First, timeOf(t.First)), later(row.Last, timeOf(t.Last))
	}
	all := make([]report.Host, len(order))
	for i, host := range order {
		all[i] = *rows[host]
	}
	return all
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// addHours adds the hours of all VPCs together, from the first to the last one. It returns the
// first hour and the number of hours of a bar.
func (a *activity) addHours(d *report.Data) (first, step int64) {
	var last int64
	first = -1
	for at := range a.hours {
		if first < 0 || at.hour < first {
			first = at.hour
		}
		last = max(last, at.hour)
	}
	if first < 0 {
		return 0, 1
	}
	step = 1
	for _, longer := range []int64{1, 3, 6, dayHours, 7 * dayHours, 30 * dayHours, 365 * dayHours} {
		if step = longer; (last-first)/step < maxChartHours {
			break
		}
	}
	first -= first % step
	d.Hours = make([]report.Hour, min((last-first)/step+1, maxChartHours))
	for i := range d.Hours {
		d.Hours[i].Start = vpcHour{hour: first + int64(i)*step}.time()
	}
	for at, hour := range a.hours {
		if i := (at.hour - first) / step; i < int64(len(d.Hours)) {
			c := &d.Hours[i].Counts
			c.Malicious += hour.records.malicious
			c.Allowed += hour.records.allowed
			c.Clean += hour.records.clean
			c.Unknown += hour.records.unknown
		}
	}
	return first, step
}

// addTimelines adds the hours in which each host asked for malicious names.
func (a *activity) addTimelines(rows []report.Host, first, step int64) {
	places := map[Host]map[int]bool{}
	for at, hour := range a.hours {
		for address := range hour.hosts {
			host := Host{at.account, at.vpc, address}
			if places[host] == nil {
				places[host] = map[int]bool{}
			}
			if place := (at.hour - first) / step; place < maxChartHours {
				places[host][int(place)] = true
			}
		}
	}
	for i := range rows {
		row := &rows[i]
		row.Hours = slices.Sorted(maps.Keys(places[Host{row.Account, row.VPC, row.Address}]))
	}
}

// addCoverage adds the days of each VPC.
func (a *activity) addCoverage(d *report.Data) {
	days := a.days()
	if len(days) == 0 {
		return
	}
	var last int64
	first := int64(-1)
	vpcs := map[vpcHour]bool{}
	for at := range days {
		if first < 0 || at.hour < first {
			first = at.hour
		}
		last = max(last, at.hour)
		vpcs[vpcHour{account: at.account, vpc: at.vpc}] = true
	}
	first = max(first, last-(report.MaxDays-1)*dayHours)
	for _, vpc := range slices.SortedFunc(maps.Keys(vpcs), func(a, b vpcHour) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.vpc, b.vpc))
	}) {
		row := report.VPC{ID: vpc.vpc, Account: vpc.account}
		for hour := first; hour <= last; hour += dayHours {
			at := vpcHour{vpc.account, vpc.vpc, hour}
			day := report.Day{Date: at.time()}
			if logged := days[at]; logged != nil {
				day.Records = logged.records.total()
			}
			row.Days = append(row.Days, day)
		}
		d.Coverage = append(d.Coverage, row)
	}
}
