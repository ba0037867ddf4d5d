package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/selection"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// errNoLists reports a record that must be marked although there is nothing to mark it with.
var errNoLists = errors.New("no list of malicious names: name one with --feed")

// scanner marks chunks and collects their results.
type scanner struct {
	options  *scanOptions
	out      io.Writer // for records
	screen   io.Writer // for tables and summaries
	messages io.Writer
	workers  []*scanWorker

	// The results. Only collect and print use them.
	summary *sighting.Summary
	table   *sighting.Table
	// behaviour is what the workers saw hosts do. It is nil unless the form is a summary.
	behaviour *sighting.Behaviour
}

// scanWorker is the [chunkMarker] of scan.
type scanWorker struct {
	options *scanOptions
	indexed bool               // there is an index
	colors  term.Colors        // of lines that are written at once
	chooser *selection.Chooser // nil: all records are selected
	marker  *verdict.Marker
	watcher *sighting.Watcher // nil unless the form is a summary
	chunk   *logfile.Chunk
	// activity has the itemised records of all chunks of the worker. A chunk has few records of
	// each host, so a summary of its own would cost as much as the records.
	activity *sighting.Summary
	result   *scanResult
	text     []byte // decoded members of a record
	line     []byte // the marked record, unless all records are written
}

// scanResult is the result of one chunk. The marked records are in the chunk itself.
type scanResult struct {
	lineCounts
	summary   *sighting.Summary
	sightings []sighting.Sighting // rows of the table
	unmarked  bool                // a record has no mark, and there is no index
}

func newScanner(x *index.Index, o *scanOptions, out, screen, messages io.Writer) *scanner {
	s := &scanner{
		options:  o,
		out:      out,
		screen:   screen,
		messages: messages,
		summary:  sighting.NewSummary(),
		table:    sighting.NewTable(screen),
	}
	if o.form == formSummary {
		s.behaviour = sighting.NewBehaviour()
	}
	for range o.workers {
		w := &scanWorker{
			options:  o,
			colors:   term.ColorsOf(screen),
			indexed:  x != nil,
			chooser:  o.selects.chosen.NewChooser(),
			activity: sighting.NewSummary(),
		}
		if s.behaviour != nil {
			w.watcher = s.behaviour.Watch()
		}
		w.marker = verdict.NewMarker(x, o.markOptions(w.onMark))
		s.workers = append(s.workers, w)
	}
	if o.form == formCSV {
		_, _ = out.Write(appendCSV(nil, sighting.Columns()...)) // an error comes back from the next write
	}
	return s
}

func (s *scanner) markers() []chunkMarker {
	markers := make([]chunkMarker, len(s.workers))
	for i, w := range s.workers {
		markers[i] = w
	}
	return markers
}

func (w *scanWorker) begin(chunk *logfile.Chunk) *lineCounts {
	w.chunk, w.result = chunk, &scanResult{summary: sighting.NewSummary()}
	chunk.Result = w.result
	return &w.result.lineCounts
}

func (w *scanWorker) mark(record []byte) (err error) {
	if w.options.form == formNDJSON && !w.options.onlyMatches && w.chooser == nil {
		w.chunk.Out, err = w.marker.Mark(w.chunk.Out, record)
		return err
	}
	w.line, err = w.marker.Mark(w.line[:0], record)
	return err
}

// onMark is called for every object that was marked.
func (w *scanWorker) onMark(m *verdict.Mark) {
	w.result.count(m)
	if w.chooser != nil && !w.result.keep(w.chooser, m) {
		return
	}
	w.result.summary.Count(m)
	w.result.unmarked = w.result.unmarked || !w.indexed && !m.AlreadyMarked

	if w.options.needsSummary() {
		w.itemise(m)
	}
	if w.options.form == formSummary {
		w.appendMatch(m)
	}
	matched := m.Verdict == verdict.Malicious
	if w.options.form == formNDJSON {
		if w.options.onlyMatches && matched || !w.options.onlyMatches && w.chooser != nil {
			w.chunk.Out = append(w.chunk.Out, m.Line...)
		}
		return
	}

	if !matched && (m.Verdict != verdict.Allowed || w.options.onlyMatches) {
		return
	}
	switch w.options.form {
	case formTable:
		w.result.sightings = append(w.result.sightings, sighting.FromMark(m))
	case formCSV:
		seen := sighting.FromMark(m)
		w.chunk.Out = appendCSV(w.chunk.Out, seen.Cells()...)
	}
}

// itemise adds an object to the summaries of the worker and of the chunk.
func (w *scanWorker) itemise(m *verdict.Mark) {
	w.activity.Itemise(m.Object, m.Verdict)
	if w.options.form == formSummary {
		w.watcher.Count(m.Object)
	}
	if m.Verdict == verdict.Malicious || m.Verdict == verdict.Allowed && !w.options.onlyMatches {
		seen := sighting.FromMark(m)
		w.result.summary.Add(&seen, string(m.Object.Instance.Decode(&w.text)))
	}
}

// collect takes the results of the chunks in input order.
func (s *scanner) collect(chunk *logfile.Chunk) error {
	result := chunk.Result.(*scanResult)
	if result.unmarked {
		return errNoLists
	}
	s.summary.Merge(result.summary)
	for i := range result.sightings {
		s.table.Add(&result.sightings[i])
	}

	if len(chunk.Out) == 0 {
		return nil
	}
	if _, err := s.out.Write(chunk.Out); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// finish completes the summary when all chunks were collected.
func (s *scanner) finish() {
	for _, w := range s.workers {
		s.summary.Merge(w.activity)
	}
}

// print prints the table or the summary. Records were written when they were collected.
func (s *scanner) print() {
	// A mark that was replaced is not silent, even with --quiet.
	if remarks := s.summary.Remarks(); remarks != "" && s.options.form != formSummary {
		fmt.Fprintln(s.messages, remarks)
	}
	switch s.options.form {
	case formTable:
		s.table.Render()
		if s.table.Omitted > 0 {
			fmt.Fprintf(s.messages, "%d rows left out: a table has at most %d rows; use -o csv for all\n", s.table.Omitted, sighting.MaxTableRows)
		}
	case formSummary:
		if s.options.follow {
			fmt.Fprintln(s.screen)
		}
		s.summary.Limit = s.options.limit
		s.summary.Print(s.screen)
		s.behaviour.Print(s.screen)
	}
}
