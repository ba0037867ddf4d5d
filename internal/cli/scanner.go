package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// maxRefusals bounds the lines of one input that are reported singly.
const maxRefusals = 10

// scanner marks chunks and adds up what they say.
type scanner struct {
	options  *scanOptions
	sources  []logfile.Source
	out      io.Writer
	messages io.Writer
	workers  []*scanWorker

	// Of the writer, which is one goroutine.
	summary *sighting.Summary
	table   *sighting.Table
	source  sourceState // of the source being written
	failed  bool
}

// sourceState is what is known of one source so far.
type sourceState struct{ records, named, refused int }

// scanWorker marks one chunk at a time.
type scanWorker struct {
	options *scanOptions
	marker  *verdict.Marker
	chunk   *logfile.Chunk
	part    *scanPart
	text    []byte // of members that have escapes
	all     []byte // lines of records, where only some are written
}

// scanPart is what a chunk says.
type scanPart struct {
	summary   *sighting.Summary
	sightings []sighting.Sighting // for a table
	named     int                 // records with a query name
	refused   int
	refusals  []string // the first of them
}

func newScanner(x *index.Index, o *scanOptions, sources []logfile.Source, out, messages io.Writer) *scanner {
	s := &scanner{options: o, sources: sources, out: out, messages: messages, summary: sighting.NewSummary(), table: sighting.NewTable(out)}
	for range o.workers {
		w := &scanWorker{options: o}
		w.marker = verdict.NewMarker(x, o.markOptions(w.onMark))
		s.workers = append(s.workers, w)
	}
	return s
}

func (s *scanner) work(worker int, chunk *logfile.Chunk) {
	w := s.workers[worker]
	w.chunk, w.part = chunk, &scanPart{summary: sighting.NewSummary()}
	chunk.Out, chunk.Result = chunk.Out[:0], w.part
	logfile.Records(chunk.Text, chunk.Line, w.mark, func(line int, err error) {
		if w.part.refused++; w.part.refused <= maxRefusals {
			w.part.refusals = append(w.part.refusals, fmt.Sprintf("%s: line %d: %v", s.sources[chunk.Source].Name, line, err))
		}
	})
}

func (w *scanWorker) mark(record []byte) (err error) {
	if w.options.form == formNDJSON && !w.options.onlyMatches {
		w.chunk.Out, err = w.marker.Mark(w.chunk.Out, record)
		return err
	}
	w.all, err = w.marker.Mark(w.all[:0], record)
	return err
}

// onMark sees every object that was marked.
func (w *scanWorker) onMark(m *verdict.Mark) {
	summary := w.part.summary
	reason := m.Reason
	if m.AlreadyMarked {
		summary.Marked++
		reason = markedReason(m)
	}
	summary.Count(m.Verdict, reason)
	if m.Object.QueryName.IsSet() {
		w.part.named++
	}
	if w.options.form == formSummary {
		summary.Itemise(m.Object, m.Verdict)
	}
	matched := m.Verdict == verdict.Malicious
	if w.options.form == formNDJSON {
		if matched && w.options.onlyMatches {
			w.chunk.Out = append(w.chunk.Out, m.Line...)
		}
		return
	}
	if !matched && (m.Verdict != verdict.Allowed || w.options.onlyMatches) {
		return
	}
	seen := w.sighting(m)
	if w.options.form == formSummary {
		summary.Add(&seen, w.string(m.Object.Instance))
	} else {
		w.part.sightings = append(w.part.sightings, seen)
	}
}

func (w *scanWorker) string(t jsonscan.Text) string { return string(t.Decode(&w.text)) }

// write takes chunks in input order.
func (s *scanner) write(chunk *logfile.Chunk) error {
	part := chunk.Result.(*scanPart)
	s.summary.Merge(part.summary)
	s.source.records += part.summary.Records()
	s.source.named += part.named
	for i := range part.sightings {
		s.table.Add(&part.sightings[i])
	}
	for _, refusal := range part.refusals {
		if s.source.refused++; s.source.refused <= maxRefusals {
			fmt.Fprintln(s.messages, refusal)
		}
	}
	s.source.refused += part.refused - len(part.refusals)
	if len(chunk.Out) == 0 {
		return nil
	}
	if _, err := s.out.Write(chunk.Out); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// ended reports what was wrong with a source; the others go on.
func (s *scanner) ended(source int, err error) error {
	state, name := s.source, s.sources[source].Name
	s.source = sourceState{}
	if more := state.refused - maxRefusals; more > 0 {
		fmt.Fprintf(s.messages, "%s: %d more lines are no records\n", name, more)
	}
	switch {
	case err != nil && state.records > 0:
		fmt.Fprintf(s.messages, "%v\n%s: only its first %d records are in the result\n", err, name, state.records)
	case err != nil:
		fmt.Fprintln(s.messages, err)
	case state.refused > 0 && state.records == 0:
		fmt.Fprintf(s.messages, "%s: no Resolver query log: it has no record; a log is JSON, one object a line\n", name)
	case state.records > 0 && state.named == 0:
		fmt.Fprintf(s.messages, "%s: no Resolver query log: no record has a query_name\n", name)
	}
	s.failed = s.failed || err != nil || state.refused > 0 || state.records > 0 && state.named == 0
	return nil //nolint:nilerr // what cut this source short is told, and counts in the outcome
}

// print writes what is not written as it comes.
func (s *scanner) print() {
	switch s.options.form {
	case formTable:
		s.table.Render()
		if s.table.Omitted > 0 {
			fmt.Fprintf(s.messages, "%d more rows are left out: a table has at most %d; use -o ndjson\n", s.table.Omitted, sighting.MaxTableRows)
		}
	case formSummary:
		s.summary.Print(s.out)
	}
}

// outcome says how the whole ended. An error outweighs a match: what was not read
// might have matched too, or been the reason to look.
func (s *scanner) outcome() error {
	switch {
	case s.failed:
		fmt.Fprintln(s.messages, "resolverwatch: parts of the input could not be read, see above; the result is not the whole")
		return errReported
	case s.options.failOnMatch && s.summary.Malicious > 0:
		return errMatch
	}
	return nil
}

// sighting says of a malicious or allowed record who asked for what.
func (w *scanWorker) sighting(m *verdict.Mark) sighting.Sighting {
	o := m.Object
	seen := sighting.Sighting{
		Host:    sighting.Host{Account: w.string(o.AccountID), VPC: w.string(o.VPCID), Address: w.string(o.SourceAddr)},
		Time:    w.string(o.QueryTimestamp),
		Name:    w.string(o.QueryName),
		Verdict: string(m.Verdict),
	}
	if m.Threat == nil {
		fromMarked(o, &seen)
		return seen
	}
	match := &m.Threat.Match
	seen.Part, seen.Matched, seen.Severity = m.Threat.Part.String(), string(m.Threat.Matched), match.Severity
	seen.Threat = sighting.Threat{
		Indicator: string(match.Indicator), Scope: match.Scope.String(), Category: string(match.Category),
	}
	seen.Threat.Feeds = joinFeeds(match.Feeds)
	if len(match.AllowedBy.Indicator) > 0 {
		seen.Threat.AllowedBy = fmt.Sprintf("%s (%s)", match.AllowedBy.Indicator, match.AllowedBy.Feed)
	}
	return seen
}

// markedReason returns the reason of an unknown record that came with it.
func markedReason(m *verdict.Mark) verdict.Reason {
	var marked struct {
		Reason verdict.Reason `json:"verdict_reason"`
	}
	if m.Verdict != verdict.Unknown || json.Unmarshal(m.Object.Bytes, &marked) != nil {
		return ""
	}
	switch marked.Reason {
	case verdict.NoIndex, verdict.Timeout, verdict.BadName, verdict.StaleIndex:
		return marked.Reason
	}
	return "" // somebody else's word
}

// fromMarked fills in the threat of a record that came with one.
func fromMarked(o *resolverlog.Object, seen *sighting.Sighting) {
	var marked struct {
		Threat struct {
			Indicator, Scope, Part, Matched, Category, Severity string
			Feeds                                               []string
			AllowedBy                                           string `json:"allowed_by"`
		}
	}
	if json.Unmarshal(o.Bytes, &marked) != nil {
		return // somebody else's verdict: what it says is counted, no more is known
	}
	threat := marked.Threat
	seen.Part, seen.Matched = threat.Part, threat.Matched
	seen.Threat = sighting.Threat{
		Indicator: threat.Indicator, Scope: threat.Scope, Feeds: strings.Join(threat.Feeds, ", "),
		Category: threat.Category, AllowedBy: threat.AllowedBy,
	}
	if severity, err := indicator.ParseSeverity(threat.Severity); err == nil {
		seen.Severity = severity
	}
}
