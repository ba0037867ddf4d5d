// Package report writes what a scan found as one page of HTML. The page works without a network
// and without scripts: pictures are SVG in the page, and a small script only sorts and filters
// its tables. Texts of records and lists are escaped wherever they stand.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// Data is the content of a report. All lists are in the order in which they are shown.
type Data struct {
	Title   string
	Version string    // of the command
	At      time.Time // when the report was written
	Sources []string  // what was read
	Lists   []string  // what it was compared with
	// Selection says which records the report is about, a phrase for each condition, and Skipped how
	// many others there were.
	Selection []string
	Skipped   int

	Records int
	Verdict Counts
	Reasons []Reason // why records are unknown
	Notes   []string // what is left out of the report, one sentence each

	Early      []Early // what a hunt found; it comes first
	Hours      []Hour  // without gaps, from the first hour to the last one
	Hosts      []Host
	Indicators []Indicator
	Matches    []Match
	Coverage   []VPC
	// Hunt says that the report is about a hunt, whose verdicts are about the entries that it looked
	// for.
	Hunt bool
	// Partly says that the records were not read, but only what a hunt found in them: there are no
	// verdicts and hours then.
	Partly bool
	// More is the name of the file with all matches. It is set if the report shows only some.
	More string
}

// Counts are numbers of records by verdict.
type Counts struct{ Malicious, Allowed, Clean, Unknown int }

// total returns the number of all records.
func (c Counts) total() int { return c.Malicious + c.Allowed + c.Clean + c.Unknown }

// Reason is why records are unknown.
type Reason struct {
	Name    string
	Records int
}

// Hour is an hour of all VPCs, or a longer time if there are too many hours.
type Hour struct {
	Start time.Time
	Counts
}

// Host is a machine that asked for a malicious name.
type Host struct {
	Address, VPC, Account, Instance string
	Severity                        string // the worst
	Indicators, Queries             int
	First, Last                     time.Time
	// Hours are the hours of the report in which the host asked, as places in Data.Hours.
	Hours []int
}

// Indicator is an entry of a list that matched.
type Indicator struct {
	Value, Scope, Feeds, Category, Severity string
	Hosts, Queries                          int
	InQuery, InAnswer                       int // records by the part that matched
	First, Last                             time.Time
}

// Match is a host with an indicator.
type Match struct {
	Address, VPC, Instance               string
	Indicator, Feeds, Category, Severity string
	Name                                 string // the first name that was asked for
	Part                                 string
	Queries                              int
	First, Last                          time.Time
}

// VPC says on which days a VPC has logs.
type VPC struct {
	ID, Account string
	Days        []Day // every day from the first of the report to the last
}

// Day is a day of a VPC.
type Day struct {
	Date    time.Time
	Records int // or Logged
}

// Logged is the number of records of a day that has some, if nobody counted them.
const Logged = -1

// Limits of a report. The other matches are in its CSV file.
const (
	MaxMatches    = 2_000
	maxHosts      = 500
	maxIndicators = 1_000
	maxVPCs       = 100
	maxSources    = 20
)

//go:embed page.html
var page string

//go:embed page.css
var styles string

//go:embed page.js
var script string

// Write writes the page.
func Write(out io.Writer, data *Data) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"text":     printable.Line,
		"number":   thousands,
		"moment":   moment,
		"stamp":    stamp,
		"verdicts": verdictChart,
		"timeline": timeline,
		"early":    earlyTimeline,
		"coverage": coverage,
		"missing":  missing,
		"why":      why,
		"severity": severityRank,
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("reading the page of the report: %w", err)
	}
	shown := *data
	shown.cut()
	return t.Execute(out, struct {
		*Data
		AllHosts, AllIndicators int // those that are not shown included
		MoreSources             int
		Totals                  earlyTotals
		Span                    span
		Styles                  template.CSS
		Script                  template.JS
	}{&shown, len(data.Hosts), len(data.Indicators), len(data.Sources) - len(shown.Sources), totalsOf(data.Early), spanOf(shown.Early), template.CSS(styles), template.JS(script)}) //nolint:gosec // both are files of this package
}

// cut leaves out what is beyond the bounds, and says so.
func (d *Data) cut() {
	d.Notes = append([]string(nil), d.Notes...)
	note := func(count, limit int, what string) {
		if count > limit {
			d.Notes = append(d.Notes, fmt.Sprintf("The report shows %s of %s %s.", thousands(limit), thousands(count), what))
		}
	}
	note(len(d.Early), maxEarly, "findings of the hunt")
	note(len(d.Hosts), maxHosts, "hosts")
	note(len(d.Indicators), maxIndicators, "indicators")
	note(len(d.Matches), MaxMatches, "matches")
	note(len(d.Coverage), maxVPCs, "VPCs")
	d.Sources = d.Sources[:min(len(d.Sources), maxSources)]
	d.Early = d.Early[:min(len(d.Early), maxEarly)]
	d.Hosts = d.Hosts[:min(len(d.Hosts), maxHosts)]
	d.Indicators = d.Indicators[:min(len(d.Indicators), maxIndicators)]
	d.Matches = d.Matches[:min(len(d.Matches), MaxMatches)]
	d.Coverage = d.Coverage[:min(len(d.Coverage), maxVPCs)]
}

// moment returns a time for people, or a dash if it is unknown.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// stamp returns a time for sorting.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// why explains the reason of records that could not be judged.
func why(reason string) string {
	switch reason {
	case "bad_name":
		return "the query has no valid name"
	case "no_index":
		return "no index of the lists was loaded"
	case "stale_index":
		return "nothing matched, but the index was old"
	case "timeout":
		return "there was no time left to look"
	case "not_marked":
		return "the record was not marked"
	case "unreadable_line":
		return "the line is not JSON"
	}
	return ""
}

// severityRank returns the rank of a severity for sorting.
func severityRank(severity string) int {
	for rank, word := range []string{"low", "medium", "high", "critical"} {
		if word == severity {
			return rank + 1
		}
	}
	return 0
}

// thousands formats a number with commas between groups of three digits.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
