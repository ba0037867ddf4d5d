package list

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Outcome is what an import decided about a list. Feed rows, reports and logs contain these
// words.
type Outcome string

// Outcomes of an import.
const (
	OutcomeAccepted Outcome = "accepted"
	OutcomeForced   Outcome = "forced"   // a recorded reason overrode the guards
	OutcomeRefused  Outcome = "refused"  // the feed keeps its previous list
	OutcomeDeleted  Outcome = "deleted"  // the feed has no list
	OutcomeLeftOut  Outcome = "left_out" // accepted, but the index does not have it
)

// maxSamples is how many rejected lines a report contains, how many skipped lines, and how
// many dropped entries for each reason. `feed lint` shows all of them.
const maxSamples = 20

// Report is the report of an import. It is stored as JSON and as text.
type Report struct {
	Feed    indicator.FeedID `json:"feed"`
	Key     string           `json:"key"`
	Version string           `json:"version"`
	Size    int64            `json:"size"` // of the object in bytes
	At      time.Time        `json:"at"`

	Outcome  Outcome  `json:"outcome"`
	Refusals Refusals `json:"refusals,omitempty"`
	Force    string   `json:"force,omitempty"` // the reason that overrode the refusals

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
	Expired  int                `json:"expired"`
	Names    int                `json:"names"`    // entries that are left
	Previous int                `json:"previous"` // entries of the accepted list before
	Added    int                `json:"added"`    // compared with the accepted list before
	Removed  int                `json:"removed"`
	Changed  int                `json:"changed,omitempty"`  // in both, but not the same
	Expected int                `json:"expected,omitempty"` // entries that the list says it has
	// ReferencesLeftOut counts the entries whose references were left out to save memory.
	ReferencesLeftOut int    `json:"references_left_out,omitempty"`
	Warning           string `json:"warning,omitempty"` // see [Summary.Warning]

	// Columns says how the columns of a table are read, and Types counts the types of the rows
	// that were skipped because of their type.
	Columns []column.Reading `json:"columns,omitempty"`
	Types   map[string]int   `json:"types,omitempty"`
	// Reach and WideBlocks are as in [Summary].
	Reach      reach.Reach `json:"reach,omitzero"`
	WideBlocks int         `json:"wide_blocks,omitempty"`

	// Change is how the list differs from the accepted list before. It is nil for the first
	// list of a feed, and for a list that could not be read.
	Change *Change `json:"change,omitempty"`

	RejectedLines []SampleLine `json:"rejected_lines,omitempty"` // the first ones, as in the next two
	SkippedLines  []SampleLine `json:"skipped_lines,omitempty"`
	Drops         []Drop       `json:"drops,omitempty"` // the first of each reason
}

// SampleLine is a line of a list and why it was not used.
type SampleLine struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Why  string `json:"why"`
}

// Hooks returns hooks that collect the samples of the report.
func (r *Report) Hooks() Hooks {
	dropped := map[DropReason]int{}
	r.Rejects = map[string]int{}
	return Hooks{
		OnReject: func(e feed.LineError) {
			countKind(r.Rejects, kindOf(e.Err))
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

// maxKinds is how many reasons a report names. All others are counted as otherKinds.
const (
	maxKinds   = 64
	otherKinds = "other"
)

func countKind(kinds map[string]int, kind string) {
	if _, known := kinds[kind]; !known && len(kinds) >= maxKinds-1 {
		kind = otherKinds
	}
	kinds[kind]++
}

// kindOf returns the general part of an error, so that errors of one kind can be counted
// together. It ends before the first colon or quote: what follows may be text of the list,
// which must not choose the names of the kinds.
func kindOf(err error) string {
	kind, _, _ := strings.Cut(err.Error(), ": ")
	if quote := strings.IndexAny(kind, "\"'`"); quote >= 0 {
		kind = kind[:quote]
	}
	return strings.TrimSpace(kind)
}

// AddSummary adds the counts of [Read] to the report.
func (r *Report) AddSummary(s *Summary) {
	r.Format, r.Lines = s.Format, s.Lines
	r.Expected = s.Expected
	r.Columns, r.Types = s.Columns, s.Types
	r.Entries, r.Accepted, r.Rejected, r.Skipped = s.Entries, s.Accepted, s.Rejected, s.Skipped
	r.Dropped, r.Repeats, r.Expired, r.Names = s.Dropped, s.Repeats, s.Expired, s.Names
	r.Warning = s.Warning()
	r.ReferencesLeftOut = s.leftOut
	r.Reach, r.WideBlocks = s.Reach, s.Wide
	r.Skips = map[string]int{}
	for why, n := range s.Skips {
		r.Skips[why.String()] = n
	}
}

// TotalDropped returns how many entries were dropped for any reason.
func (r *Report) TotalDropped() int { return total(r.Dropped) }

// ReportKey returns the key of the report on a version of a list, without its extension.
func ReportKey(feed indicator.FeedID, version string) string {
	return settings.ReportPrefix + string(feed) + "/" + version
}

// LeftOutKey returns the key of the report that the index does not have an accepted version of
// a list, without its extension. The report on the import stays.
func LeftOutKey(feed indicator.FeedID, version string) string {
	return ReportKey(feed, version) + leftOut
}

const leftOut = ".left-out"

// StoreKey returns the key of the report, without its extension.
func (r *Report) StoreKey() string {
	if r.Outcome == OutcomeLeftOut {
		return LeftOutKey(r.Feed, r.Version)
	}
	return ReportKey(r.Feed, r.Version)
}

// JSON returns the report as JSON. Text from the list cannot control a terminal that shows it.
func (r *Report) JSON() []byte {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(fmt.Errorf("encoding a struct of numbers and strings: %w", err))
	}
	return append([]byte(printable.Text(string(text))), '\n')
}

// Text returns the report for people: the decision, what to do, and the counts and samples.
// Text from the list is quoted, or cannot control a terminal that shows it.
func (r *Report) Text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "Feed %s: %s", r.Feed, r.Outcome)
	if r.Warning != "" {
		fmt.Fprintf(&b, "; %s", r.Warning)
	}
	fmt.Fprintf(&b, "\n%s\n", r.decision())
	for _, refusal := range r.Refusals {
		where := ""
		if refusal.Where != "" {
			where = " (" + refusal.Where + ")"
		}
		fmt.Fprintf(&b, "\n%s: %s%s\n  what to do: %s\n", refusal.Code, refusal.What, where, refusal.Todo)
	}
	if r.Force != "" {
		fmt.Fprintf(&b, "\nforced with the reason %q\n", r.Force)
	}
	fmt.Fprintf(&b, "\nlist      %q\nversion   %s\nsize      %d bytes\nat        %s\n",
		r.Key, r.Version, r.Size, r.At.Format(time.RFC3339))
	r.writeCounts(&b)
	r.writeSamples(&b)
	return []byte(printable.Text(b.String()))
}

// decision returns a sentence that says which list serves now.
func (r *Report) decision() string {
	switch {
	case r.Outcome == OutcomeLeftOut:
		return "The list was accepted, but it is left out of the index. The list that was published before keeps serving, if there is one."
	case r.Outcome != OutcomeRefused:
		changed := ""
		if r.Changed > 0 {
			changed = fmt.Sprintf(", %d changed", r.Changed)
		}
		return fmt.Sprintf("The list is accepted: %d entries, %d added, %d removed%s.", r.Names, r.Added, r.Removed, changed)
	case r.Previous > 0:
		return fmt.Sprintf("The list is refused. The previous list with %d entries keeps serving.", r.Previous)
	default:
		return "The list is refused. The feed has no entries until a list is accepted."
	}
}

func (r *Report) writeCounts(b *strings.Builder) {
	fmt.Fprintf(b, "\nformat    %s\n", cmp.Or(string(r.Format), "unknown"))
	for _, line := range DescribeColumns(r.Columns) {
		fmt.Fprintf(b, "  %s\n", line)
	}
	fmt.Fprintf(b, "lines     %d\nentries   %d", r.Lines, r.Entries)
	if r.Expected > 0 {
		fmt.Fprintf(b, " (the list says %d)", r.Expected)
	}
	b.WriteString("\n")
	for _, lost := range []struct {
		what    string
		total   int
		reasons map[string]int
	}{
		{"rejected", r.Rejected, r.Rejects},
		{"skipped", r.Skipped, r.Skips},
		{"dropped", r.TotalDropped(), explained(r.Dropped)},
		{"repeats", r.Repeats, nil},
		{"expired", r.Expired, nil},
	} {
		fmt.Fprintf(b, "  %-8s%8d\n", lost.what, lost.total)
		for _, why := range slices.Sorted(maps.Keys(lost.reasons)) {
			fmt.Fprintf(b, "    %12d  %s\n", lost.reasons[why], why)
		}
	}
	if len(r.Types) > 0 {
		fmt.Fprintf(b, "  skipped by type: %s\n", DescribeTypes(r.Types))
	}
	r.writeEffect(b)
}

// writeEffect writes what the list covers, compared with the list before it.
func (r *Report) writeEffect(b *strings.Builder) {
	fmt.Fprintf(b, "listed    %d (before: %d)\n", r.Names, r.Previous)
	if c := r.Change; c != nil {
		fmt.Fprintf(b, "in effect %d (before: %d): %d kept, %d gone, %d new\n", c.Now, c.Before, c.Kept, c.Gone, c.New)
	}
	if r.Reach != (reach.Reach{}) {
		fmt.Fprintf(b, "reach     %s\n", r.Reach)
	}
	if r.WideBlocks > 0 {
		fmt.Fprintf(b, "wide      %d blocks of /24 or wider (IPv6: /48)\n", r.WideBlocks)
	}
	if r.ReferencesLeftOut > 0 {
		fmt.Fprintf(b, "the references of %d entries were left out, because the importer has no memory for them\n",
			r.ReferencesLeftOut)
	}
}

// DescribeColumns returns a line for each column that is read and for each column that could
// have been. Headings are text of the list, so they are quoted.
func DescribeColumns(columns []column.Reading) (lines []string) {
	for _, c := range columns {
		if c.Why == "" {
			continue
		}
		what := "member"
		if c.Column > 0 {
			what = fmt.Sprintf("column %d", c.Column)
		}
		if c.Heading != "" {
			what += fmt.Sprintf(" %q", CleanText(c.Heading))
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", what, c.As, c.Why))
	}
	return lines
}

// DescribeTypes returns types with their counts, the most frequent ones first.
func DescribeTypes(types map[string]int) string {
	words := slices.SortedFunc(maps.Keys(types), func(a, b string) int {
		return cmp.Or(cmp.Compare(types[b], types[a]), cmp.Compare(a, b))
	})
	for i, word := range words {
		words[i] = fmt.Sprintf("%d %q", types[word], CleanText(word))
	}
	return strings.Join(words, ", ")
}

func explained(dropped map[DropReason]int) map[string]int {
	words := map[string]int{}
	for reason, n := range dropped {
		words[reason.Explain()] = n
	}
	return words
}

func (r *Report) writeSamples(b *strings.Builder) {
	write := func(first bool, what string, line int, text, why string) {
		if first {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%s line %d: %q: %s\n", what, line, text, why)
	}
	for i, line := range r.RejectedLines {
		write(i == 0, "rejected", line.Line, line.Text, line.Why)
	}
	for i, drop := range r.Drops {
		write(i == 0, "dropped", drop.Line, drop.Entry+" ("+drop.Scope+")", drop.Reason.Explain())
	}
	for i, line := range r.SkippedLines {
		write(i == 0, "skipped", line.Line, line.Text, line.Why)
	}
}
