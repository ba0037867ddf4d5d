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

	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// maxRows limits the tables of a summary. A line below the table counts the other rows.
const maxRows = 50

// maxShownRunes limits a name in a message. A name can have a thousand characters, escapes included.
const maxShownRunes = 60

// Print writes the summary as text.
func (s *Summary) Print(out io.Writer) {
	colors := term.ColorsOf(out)
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
		verdict := fmt.Sprintf("%-10s", line.verdict)
		if line.count > 0 {
			verdict = colors.Word(verdict)
		}
		fmt.Fprintf(out, "  %s %12s%s\n", verdict, thousands(line.count), line.detail)
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
	var rows [][]string
	for _, h := range hosts(malicious) {
		rows = append(rows, []string{h.Address, h.Instance, h.VPC, h.Severity, thousands(h.Indicators), thousands(h.Queries),
			shownTime(h.First), shownTime(h.Last)})
	}
	s.printRows(out, "Hosts that asked for malicious names", []term.Column{term.Text("Host"), term.Text("Instance").Spare(),
		term.Text("VPC").Spare(), term.Rating("Worst"), term.Number("Indicators"), term.Number("Queries"),
		term.Word("First").Spare(), term.Word("Last")}, rows)
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

	var rows [][]string
	for _, t := range tallies {
		detail := t.Threat.category
		if allowed {
			detail = t.Threat.allowedBy
		}
		rows = append(rows, []string{t.Host.Address, t.Instance, t.Host.VPC, t.Threat.indicator, t.Threat.scope, t.Threat.feeds,
			t.Severity.String(), thousands(t.Records), t.First, t.Last, detail})
	}
	s.printRows(out, title, []term.Column{term.Text("Host"), term.Text("Instance").Spare(), term.Text("VPC").Spare(),
		term.Text("Indicator"), term.Word("Scope").Spare(), term.Text("Feeds").Spare(), term.Rating("Severity"),
		term.Number("Queries"), term.Word("First").Spare(), term.Word("Last").Spare(), term.Text(last).Spare()}, rows)
}

// printRows prints a table of hosts, as long as the user asked for.
func (s *Summary) printRows(out io.Writer, title string, columns []term.Column, rows [][]string) {
	printLimited(out, title, columns, rows, cmp.Or(s.Limit, maxRows))
}

// printRows prints a table with a title, or nothing if there are no rows.
func printRows(out io.Writer, title string, columns []term.Column, rows [][]string) {
	printLimited(out, title, columns, rows, maxRows)
}

func printLimited(out io.Writer, title string, columns []term.Column, rows [][]string, limit int) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", title)
	t := term.NewTable(out, columns...)
	for _, row := range rows[:min(len(rows), limit)] {
		t.Add(row...)
	}
	t.Render()
	if rest := len(rows) - limit; rest > 0 {
		fmt.Fprintf(out, "... and %s more; '-o ndjson' has every record\n", thousands(rest))
	}
}

// Table prints sightings as one table.
type Table struct {
	rows    *term.Table
	Omitted int
}

// MaxTableRows limits a [Table], which is laid out in memory.
const MaxTableRows = 10_000

// NewTable returns an empty table that is printed to out.
func NewTable(out io.Writer) *Table {
	return &Table{rows: term.NewTable(out, term.Word("Time"), term.Text("Host"), term.Text("VPC").Spare(), term.Text("Query name"),
		term.Rating("Verdict"), term.Word("Part").Spare(), term.Text("Matched").Spare(), term.Text("Indicator"),
		term.Text("Feeds").Spare(), term.Rating("Severity"))}
}

// Add appends a row. Rows beyond [MaxTableRows] are only counted, in Omitted.
func (t *Table) Add(s *Sighting) {
	if t.rows.Len() == MaxTableRows {
		t.Omitted++
		return
	}
	t.rows.Add(s.time, s.host.Address, s.host.VPC, s.name, s.verdict, s.part, s.matched,
		s.threat.indicator, s.threat.feeds, s.severity.String())
}

// Render prints the table.
func (t *Table) Render() { t.rows.Render() }

// AppendLine appends the sighting as one line of text: time, severity, host, VPC, query name, the
// indicator with its scope, and feeds. A mark without details has only the first ones.
func (s *Sighting) AppendLine(dst []byte, colors term.Colors) []byte {
	severity := ""
	if s.severity != 0 {
		severity = s.severity.String()
	}
	dst = fmt.Appendf(dst, "%-20s  %s  %-15s  %-21s  %s", Printable(s.time), colors.Word(fmt.Sprintf("%-8s", severity)), Printable(s.host.Address),
		Printable(s.host.VPC), Printable(s.name))
	if s.threat.indicator != "" {
		dst = fmt.Appendf(dst, "  %s (%s)  %s", Printable(s.threat.indicator), Printable(s.threat.scope), Printable(s.threat.feeds))
	}
	return append(dst, '\n')
}

// Printable is [printable.Line] with long text cut, for a message.
func Printable(text string) string {
	shown := []rune(printable.Line(text))
	if len(shown) > maxShownRunes {
		shown = append(shown[:maxShownRunes-1], '…')
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
