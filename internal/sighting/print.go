package sighting

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// maxRows limits the tables of a summary. A line below the table counts the other rows.
const maxRows = 50

// maxCellRunes limits one cell. A name can have a thousand characters, escapes included.
const maxCellRunes = 60

// Print writes the summary as text.
func (s *Summary) Print(out io.Writer) {
	fmt.Fprintf(out, "%s logged queries\n", thousands(s.records()))
	for _, line := range []struct {
		verdict verdict.Verdict
		count   int
		detail  string
	}{
		{verdict.Malicious, s.Malicious, ""},
		{verdict.Allowed, s.allowed, ""},
		{verdict.Clean, s.clean, ""},
		{verdict.Unknown, s.unknown, s.reasonCounts()},
	} {
		fmt.Fprintf(out, "  %-10s %12s%s\n", line.verdict, thousands(line.count), line.detail)
	}
	if remarks := s.Remarks(); remarks != "" {
		fmt.Fprintln(out, remarks)
	}
	if s.marked > 0 {
		fmt.Fprintf(out, "%s of them were already marked and keep their verdict\n", thousands(s.marked))
	}

	tallies := s.sortedTallies()
	s.printHosts(out, tallies)
	s.printTallies(out, "Their queries by indicator", tallies, false)
	s.printTallies(out, "Allowed", tallies, true)
	if s.omitted > 0 {
		fmt.Fprintf(out, "\n%s more matching queries are not listed\n", thousands(s.omitted))
	}
	printIndicators(out, tallies)
	s.activity.print(out)
}

func (s *Summary) reasonCounts() string {
	if len(s.reasons) == 0 {
		return ""
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(s.reasons)) {
		parts = append(parts, fmt.Sprintf("%s %s", reason, thousands(s.reasons[reason])))
	}
	return "   " + strings.Join(parts, ", ")
}

// printHosts prints a row for each host that asked for malicious names, so that a busy one does not
// hide the others.
func (s *Summary) printHosts(out io.Writer, tallies []*pairTally) {
	var malicious []*pairTally
	for _, t := range tallies {
		if t.Threat.allowedBy == "" {
			malicious = append(malicious, t)
		}
	}
	var rows []table.Row
	for _, h := range hosts(malicious) {
		rows = append(rows, cells(h.Address, h.Instance, h.VPC, h.Severity, thousands(h.Indicators), thousands(h.Queries),
			shownTime(h.First), shownTime(h.Last)))
	}
	s.printRows(out, "Hosts that asked for malicious names",
		table.Row{"Host", "Instance", "VPC", "Worst", "Indicators", "Queries", "First", "Last"}, rows)
}

// shownTime returns a time as logs have it, or "" if it is unknown.
func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (s *Summary) printTallies(out io.Writer, title string, tallies []*pairTally, allowed bool) {
	tallies = slices.DeleteFunc(slices.Clone(tallies), func(t *pairTally) bool {
		return (t.Threat.allowedBy != "") != allowed
	})

	last := "Category"
	if allowed {
		last = "Allowed by"
	}

	var rows []table.Row
	for _, t := range tallies {
		detail := t.Threat.category
		if allowed {
			detail = t.Threat.allowedBy
		}
		rows = append(rows, cells(t.Host.Address, t.Instance, t.Host.VPC, t.Threat.indicator, t.Threat.scope, t.Threat.feeds,
			t.Severity.String(), thousands(t.Records), t.First, t.Last, detail))
	}
	s.printRows(out, title,
		table.Row{"Host", "Instance", "VPC", "Indicator", "Scope", "Feeds", "Severity", "Queries", "First", "Last", last}, rows)
}

// printRows prints a table of hosts, as long as the user asked for.
func (s *Summary) printRows(out io.Writer, title string, header table.Row, rows []table.Row) {
	printLimited(out, title, header, rows, cmp.Or(s.Limit, maxRows))
}

// printRows prints a table with a title, or nothing if there are no rows.
func printRows(out io.Writer, title string, header table.Row, rows []table.Row) {
	printLimited(out, title, header, rows, maxRows)
}

func printLimited(out io.Writer, title string, header table.Row, rows []table.Row, limit int) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", title)
	t := newTable(out)
	t.AppendHeader(header)
	t.AppendRows(rows[:min(len(rows), limit)])
	t.Render()
	if rest := len(rows) - limit; rest > 0 {
		fmt.Fprintf(out, "... and %s more; '-o ndjson' has every record\n", thousands(rest))
	}
}

// Table prints sightings as one table.
type Table struct {
	rows    table.Writer
	count   int
	Omitted int
}

// MaxTableRows limits a [Table], which is laid out in memory.
const MaxTableRows = 10_000

// NewTable returns an empty table that is printed to out.
func NewTable(out io.Writer) *Table {
	rows := newTable(out)
	rows.AppendHeader(table.Row{"Time", "Host", "VPC", "Query name", "Verdict", "Part", "Matched", "Indicator", "Feeds", "Severity"})
	return &Table{rows: rows}
}

// Add appends a row. Rows beyond [MaxTableRows] are only counted, in Omitted.
func (t *Table) Add(s *Sighting) {
	if t.count == MaxTableRows {
		t.Omitted++
		return
	}
	t.count++
	t.rows.AppendRow(cells(s.time, s.host.Address, s.host.VPC, s.name, s.verdict, s.part, s.matched,
		s.threat.indicator, s.threat.feeds, s.severity.String()))
}

// Render prints the table.
func (t *Table) Render() { t.rows.Render() }

// AppendLine appends the sighting as one line of text: time, severity, host, VPC, query name, the
// indicator with its scope, and feeds. A mark without details has only the first ones.
func (s *Sighting) AppendLine(dst []byte) []byte {
	severity := ""
	if s.severity != 0 {
		severity = s.severity.String()
	}
	dst = fmt.Appendf(dst, "%-20s  %-8s  %-15s  %-21s  %s", Printable(s.time), severity, Printable(s.host.Address),
		Printable(s.host.VPC), Printable(s.name))
	if s.threat.indicator != "" {
		dst = fmt.Appendf(dst, "  %s (%s)  %s", Printable(s.threat.indicator), Printable(s.threat.scope), Printable(s.threat.feeds))
	}
	return append(dst, '\n')
}

func newTable(out io.Writer) table.Writer {
	rows := table.NewWriter()
	rows.SetOutputMirror(out)
	rows.SetStyle(table.StyleLight)
	rows.Style().Format.Header = text.FormatDefault
	rows.Style().Options = table.Options{SeparateHeader: true}
	rows.SuppressTrailingSpaces()
	return rows
}

func cells(texts ...string) table.Row {
	row := make(table.Row, len(texts))
	for i, cell := range texts {
		row[i] = Printable(cell)
	}
	return row
}

// Printable is [printable.Line] with long text cut, for a cell of a table.
func Printable(text string) string {
	shown := []rune(printable.Line(text))
	if len(shown) > maxCellRunes {
		shown = append(shown[:maxCellRunes-1], '…')
	}
	return string(shown)
}

// thousands formats a number with commas between groups of three digits.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
