package importer

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
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

// hooks collect the samples of a report.
func (r *Report) hooks() Hooks {
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

// read takes the counts of a reading into the report.
func (r *Report) read(l *ListReport) {
	r.Format, r.Lines = l.Format, l.Lines
	r.Expected = l.Expected
	r.Entries, r.Accepted, r.Rejected, r.Skipped = l.Entries, l.Accepted, l.Rejected, l.Skipped
	r.Dropped, r.Repeats, r.Names = l.Dropped, l.Repeats, l.Names
	r.Skips = map[string]int{}
	for why, n := range l.Skips {
		r.Skips[why.String()] = n
	}
}

// dropped returns how many entries were dropped, whatever the reason.
func (r *Report) dropped() (total int) {
	for _, n := range r.Dropped {
		total += n
	}
	return total
}

// ReportKey returns where the report on a list is kept, without its ending.
func ReportKey(feed indicator.FeedID, version string) string {
	return ReportPrefix + string(feed) + "/" + version
}

// key returns where the report is kept, without its ending.
func (r *Report) key() string { return ReportKey(r.Feed, r.Version) }

func (r *Report) json() []byte {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(fmt.Errorf("encoding a struct of numbers and strings: %w", err))
	}
	return append(text, '\n')
}
