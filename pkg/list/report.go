package list

import (
	"cmp"
	"encoding/json"
	"fmt"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"maps"
	"slices"
	"strings"
	"time"
)

// Outcome is how a list was judged. The words stand in rows, reports and logs.
type Outcome string

// Outcomes of an import.
const (
	OutcomeAccepted Outcome = "accepted"
	OutcomeForced   Outcome = "forced"  // accepted against a guard, for a recorded reason
	OutcomeRefused  Outcome = "refused" // the previous list goes on serving
	OutcomeDeleted  Outcome = "deleted" // no list is left
)

// maxSamples is how many rejected lines, and how many drops of each reason, a report
// shows. They are what the owner of a list looks at first; `feed lint` shows them all.
const maxSamples = 20

// Report is what an import leaves behind, as JSON and as text.
type Report struct {
	Feed    indicator.FeedID `json:"feed"`
	Key     string           `json:"key"`
	Version string           `json:"version"`
	Size    int64            `json:"size"` // of the object, in bytes
	At      time.Time        `json:"at"`

	Outcome  Outcome  `json:"outcome"`
	Refusals Refusals `json:"refusals,omitempty"`
	Force    string   `json:"force,omitempty"` // the reason that overrode them

	Format   feed.Format        `json:"format,omitempty"`
	Lines    int                `json:"lines"`
	Entries  int                `json:"entries"`
	Accepted int                `json:"accepted"`
	Rejected int                `json:"rejected"`
	Rejects  map[string]int     `json:"rejects,omitempty"` // by reason
	Skipped  int                `json:"skipped"`
	Skips    map[string]int     `json:"skips,omitempty"` // by reason
	Dropped  map[DropReason]int `json:"dropped,omitempty"`
	Repeats  int                `json:"repeats"`
	Names    int                `json:"names"`    // what the list comes to
	Previous int                `json:"previous"` // of the list that it would replace
	Added    int                `json:"added"`    // to it, if it was replaced
	Removed  int                `json:"removed"`
	Expected int                `json:"expected,omitempty"` // entries by the list's own word

	// Samples: the first of the rejected and of the skipped lines, and of the drops for
	// each reason.
	RejectedLines []SampleLine `json:"rejected_lines,omitempty"`
	SkippedLines  []SampleLine `json:"skipped_lines,omitempty"`
	Drops         []Drop       `json:"drops,omitempty"`
}

// SampleLine is a line of a list with what is wrong with it.
type SampleLine struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Why  string `json:"why"`
}

// Hooks collect the samples of a report.
func (r *Report) Hooks() Hooks {
	dropped := map[DropReason]int{}
	r.Rejects = map[string]int{}
	return Hooks{
		OnReject: func(e feed.LineError) {
			r.Rejects[kindOf(e.Err)]++
			if len(r.RejectedLines) < maxSamples {
				r.RejectedLines = append(r.RejectedLines, SampleLine{e.Line, e.Text, e.Err.Error()})
			}
		},
		OnSkip: func(s feed.SkippedLine) {
			if len(r.SkippedLines) < maxSamples {
				r.SkippedLines = append(r.SkippedLines, SampleLine{s.Line, s.Text, s.Why.String()})
			}
		},
		OnDrop: func(d Drop) {
			if dropped[d.Reason]++; dropped[d.Reason] <= maxSamples {
				r.Drops = append(r.Drops, d)
			}
		},
	}
}

// kindOf returns what is wrong with a line without the particulars, which come after a
// colon: of one kind there are many.
func kindOf(err error) string {
	kind, _, _ := strings.Cut(err.Error(), ": ")
	return kind
}

// AddSummary takes the counts of a reading into the report.
func (r *Report) AddSummary(l *Summary) {
	r.Format, r.Lines = l.Format, l.Lines
	r.Expected = l.Expected
	r.Entries, r.Accepted, r.Rejected, r.Skipped = l.Entries, l.Accepted, l.Rejected, l.Skipped
	r.Dropped, r.Repeats, r.Names = l.Dropped, l.Repeats, l.Names
	r.Skips = map[string]int{}
	for why, n := range l.Skips {
		r.Skips[why.String()] = n
	}
}

// TotalDropped returns how many entries were dropped, whatever the reason.
func (r *Report) TotalDropped() (total int) {
	for _, n := range r.Dropped {
		total += n
	}
	return total
}

// ReportKey returns where the report on a list is kept, without its ending.
func ReportKey(feed indicator.FeedID, version string) string {
	return settings.ReportPrefix + string(feed) + "/" + version
}

// StoreKey returns where the report is kept, without its ending.
func (r *Report) StoreKey() string { return ReportKey(r.Feed, r.Version) }

// JSON returns the report for programs.
func (r *Report) JSON() []byte {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(fmt.Errorf("encoding a struct of numbers and strings: %w", err))
	}
	return append(text, '\n')
}

// Text returns the report for people: the decision, what to do, and what became of the
// lines. What comes out of a list is quoted.
func (r *Report) Text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "Feed %s: %s\n%s\n", r.Feed, r.Outcome, r.decision())
	for _, refusal := range r.Refusals {
		where := ""
		if refusal.Where != "" {
			where = " (" + refusal.Where + ")"
		}
		fmt.Fprintf(&b, "\n%s: %s%s\n  what to do: %s\n", refusal.Code, refusal.What, where, refusal.Todo)
	}
	if r.Force != "" {
		fmt.Fprintf(&b, "\nforced by the reason %q\n", r.Force)
	}
	fmt.Fprintf(&b, "\nlist      %q\nversion   %s\nsize      %d bytes\nat        %s\n",
		r.Key, r.Version, r.Size, r.At.Format(time.RFC3339))
	r.writeCounts(&b)
	r.writeSamples(&b)
	return []byte(b.String())
}

// decision says in a sentence what serves now.
func (r *Report) decision() string {
	switch {
	case r.Outcome != OutcomeRefused:
		return fmt.Sprintf("The list is taken: %d entries, %d added and %d removed.", r.Names, r.Added, r.Removed)
	case r.Previous > 0:
		return fmt.Sprintf("The list is not taken. The one before, of %d entries, goes on serving.", r.Previous)
	default:
		return "The list is not taken. Nothing of this feed serves until one is."
	}
}

func (r *Report) writeCounts(b *strings.Builder) {
	fmt.Fprintf(b, "\nformat    %s\nlines     %d\nentries   %d", cmp.Or(string(r.Format), "unknown"), r.Lines, r.Entries)
	if r.Expected > 0 {
		fmt.Fprintf(b, " (the list says %d)", r.Expected)
	}
	b.WriteString("\n")
	for _, lost := range []struct {
		what    string
		all     int
		reasons map[string]int
	}{
		{"rejected", r.Rejected, r.Rejects},
		{"skipped", r.Skipped, r.Skips},
		{"dropped", r.TotalDropped(), explained(r.Dropped)},
		{"repeats", r.Repeats, nil},
	} {
		fmt.Fprintf(b, "  %-8s%8d\n", lost.what, lost.all)
		for _, why := range slices.Sorted(maps.Keys(lost.reasons)) {
			fmt.Fprintf(b, "    %12d  %s\n", lost.reasons[why], why)
		}
	}
	fmt.Fprintf(b, "listed    %d (before: %d)\n", r.Names, r.Previous)
}

func explained(dropped map[DropReason]int) map[string]int {
	words := map[string]int{}
	for reason, n := range dropped {
		words[reason.Explain()] = n
	}
	return words
}

func (r *Report) writeSamples(b *strings.Builder) {
	sample := func(first bool, what string, line int, text, why string) {
		if first {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%s line %d: %q: %s\n", what, line, text, why)
	}
	for i, line := range r.RejectedLines {
		sample(i == 0, "rejected", line.Line, line.Text, line.Why)
	}
	for i, drop := range r.Drops {
		sample(i == 0, "dropped", drop.Line, drop.Entry+" ("+drop.Scope+")", drop.Reason.Explain())
	}
	for i, line := range r.SkippedLines {
		sample(i == 0, "skipped", line.Line, line.Text, line.Why)
	}
}
