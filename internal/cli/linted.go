package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// linted is what lint found in one file.
type linted struct {
	File      string                  `json:"file"`
	Format    feed.Format             `json:"format"`
	Lines     int                     `json:"lines"`
	Entries   int                     `json:"entries"`
	Taken     int                     `json:"taken"`
	Addresses int                     `json:"addresses"`
	Allowed   int                     `json:"allow_entries"`
	Repeated  int                     `json:"repeated"`
	Rejected  int                     `json:"rejected"`
	Dropped   map[list.DropReason]int `json:"dropped"`
	Skipped   map[string]int          `json:"skipped"`
	Refusals  list.Refusals           `json:"refusals"`
	Findings  []finding               `json:"findings"`
	Omitted   int                     `json:"findings_omitted"`
}

// finding is a line that is not taken.
type finding struct {
	Line int    `json:"line"`
	Kind string `json:"kind"` // rejected, dropped or skipped
	Text string `json:"text"`
	Why  string `json:"why"`
}

func (l *linted) take(report *list.Summary) {
	l.Format, l.Lines, l.Entries = report.Format, report.Lines, report.Entries
	l.Taken, l.Addresses, l.Allowed = report.Names, report.Addresses, report.Allowed
	l.Repeated, l.Rejected, l.Dropped = report.Repeats, report.Rejected, report.Dropped
	l.Skipped = map[string]int{}
	for reason, count := range report.Skips {
		l.Skipped[reason.String()] = count
	}
}

func (l *linted) write(out io.Writer, form string) error {
	if form == formJSON {
		return json.NewEncoder(out).Encode(l)
	}
	l.print(out)
	return nil
}

func (l *linted) print(out io.Writer) {
	fmt.Fprintf(out, "%s: %s, %d lines, %d entries\n", l.File, orUnknown(string(l.Format)), l.Lines, l.Entries)
	fmt.Fprintf(out, "  %7d taken (addresses: %d, allow entries: %d)\n", l.Taken, l.Addresses, l.Allowed)
	if l.Repeated > 0 {
		fmt.Fprintf(out, "  %7d repeated\n", l.Repeated)
	}
	if l.Rejected > 0 {
		fmt.Fprintf(out, "  %7d rejected\n", l.Rejected)
	}
	for _, reason := range slices.Sorted(maps.Keys(l.Dropped)) {
		fmt.Fprintf(out, "  %7d dropped: %s\n", l.Dropped[reason], reason.Explain())
	}
	for _, reason := range slices.Sorted(maps.Keys(l.Skipped)) {
		fmt.Fprintf(out, "  %7d skipped: %s\n", l.Skipped[reason], reason)
	}
	for _, f := range l.Findings {
		fmt.Fprintf(out, "  line %d: %s %s: %s\n", f.Line, f.Kind, sighting.Printable(f.Text), f.Why)
	}
	if l.Omitted > 0 {
		fmt.Fprintf(out, "  and %d more lines; --all shows them\n", l.Omitted)
	}
	if len(l.Refusals) == 0 {
		fmt.Fprintln(out, "  an import would take this list")
		return
	}
	fmt.Fprintln(out, "  an import would REFUSE this list:")
	for _, refusal := range l.Refusals {
		fmt.Fprintf(out, "  - %v\n", refusal)
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown format"
	}
	return text
}
