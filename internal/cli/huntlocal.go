package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/demo"
	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athenaio"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// runLocal hunts in logs on this machine.
func (h *huntOptions) runLocal(cmd *cobra.Command, std streams, since time.Time, out resultWriter) error {
	paths := h.local
	if len(paths) == 1 {
		if logs, indicators, ok := demo.ResultPaths(paths[0]); ok {
			paths = []string{logs}
			if h.indicators == "" && h.lists.file == "" && len(h.lists.feeds) == 0 {
				h.indicators = indicators
			}
		}
	}
	list, err := h.localList(cmd, std.err, since)
	if err != nil {
		return err
	}
	sources, err := (&scanOptions{lists: h.lists}).sources(cmd.Context(), std, paths)
	if err != nil {
		return err
	}
	l := &localHunt{list: list, sources: sources, messages: std.err, report: hunt.NewReport(list)}
	if h.days > 0 {
		l.from = time.Now().AddDate(0, 0, -h.days)
	}
	bar := newProgress(std.err, sources, h.lists.quiet)
	err = l.run(cmd, bar)
	bar.close()
	if err != nil {
		return err
	}
	if err := writeReport(l.report, out); err != nil {
		return err
	}
	if l.failed {
		return errReported
	}
	return nil
}

// localList returns what the flags say is to be hunted for.
func (h *huntOptions) localList(cmd *cobra.Command, messages io.Writer, since time.Time) (*hunt.List, error) {
	if h.indicators == "" {
		x, err := h.lists.load(cmd, messages)
		if err != nil {
			return nil, err
		}
		if cmd.Flags().Changed("since") {
			return nil, usagef(cmd, "since: only published indicators say when an entry came; name them with --indicators")
		}
		return hunt.NewList(x), nil
	}
	if h.lists.areNamed() {
		return nil, usagef(cmd, "published indicators and lists: name either")
	}
	file, err := os.Open(h.indicators)
	if err != nil {
		return nil, fmt.Errorf("reading the indicators: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was read only
	list, err := hunt.ReadIndicators(file, since)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.indicators, err)
	}
	return list, nil
}

// localHunt marks chunks anew and adds up the hits.
type localHunt struct {
	list     *hunt.List
	from     time.Time // zero: from the beginning
	sources  []logfile.Source
	messages io.Writer
	report   *hunt.Report
	refused  int // lines of the source at hand
	failed   bool
}

// huntPart is what a chunk says.
type huntPart struct {
	hits    []hunt.Hit
	refused int
	first   string // of what was refused
}

func (l *localHunt) run(cmd *cobra.Command, bar *progress) error {
	workers := make([]*huntWorker, runtime.GOMAXPROCS(0))
	for i := range workers {
		w := &huntWorker{from: l.from}
		w.marker = verdict.NewMarker(l.list.Index, verdict.Options{OnMark: w.onMark})
		workers[i] = w
	}
	pipeline := logfile.Pipeline{
		Workers: len(workers), Write: l.write, Ended: l.ended, Read: bar.add,
		Work: func(worker int, chunk *logfile.Chunk) {
			w := workers[worker]
			w.part = &huntPart{}
			chunk.Out, chunk.Result = chunk.Out[:0], w.part
			logfile.Records(chunk.Text, chunk.Line, w.mark, func(line int, err error) {
				if w.part.refused++; w.part.refused == 1 {
					w.part.first = fmt.Sprintf("%s: line %d: %v", l.sources[chunk.Source].Name, line, err)
				}
			})
		},
	}
	return pipeline.Run(cmd.Context(), l.sources)
}

// huntWorker marks one record at a time.
type huntWorker struct {
	marker *verdict.Marker
	from   time.Time
	part   *huntPart
	was    verdict.Verdict // of the record at hand
	lines  []byte
}

func (w *huntWorker) mark(record []byte) (err error) {
	object, was := verdict.Unmark(record)
	if was != "" {
		record = object
	}
	w.was = was
	w.lines, err = w.marker.Mark(w.lines[:0], record)
	return err
}

func (w *huntWorker) onMark(m *verdict.Mark) {
	if m.Verdict != verdict.Malicious || m.Threat == nil {
		return
	}
	hit := hunt.NewHit(m, w.was)
	if at, err := time.Parse(time.RFC3339, hit.Time); err == nil && at.Before(w.from) {
		return
	}
	w.part.hits = append(w.part.hits, hit)
}

// write takes chunks in input order.
func (l *localHunt) write(chunk *logfile.Chunk) error {
	part := chunk.Result.(*huntPart)
	for i := range part.hits {
		l.report.Add(&part.hits[i])
	}
	if l.refused == 0 && part.refused > 0 {
		fmt.Fprintln(l.messages, part.first)
	}
	l.refused += part.refused
	return nil
}

// ended reports what was wrong with a source; the others go on.
func (l *localHunt) ended(source int, err error) error {
	if l.refused > 1 {
		fmt.Fprintf(l.messages, "%s: %d lines are no records\n", l.sources[source].Name, l.refused)
	}
	if err != nil {
		fmt.Fprintln(l.messages, err)
	}
	l.failed = l.failed || err != nil || l.refused > 0
	l.refused = 0
	return nil //nolint:nilerr // what cut this source short is told, and counts in the outcome
}

func writeReport(report *hunt.Report, out resultWriter) error {
	var columns []athenaio.Column
	for _, name := range hunt.Columns {
		typ := "varchar"
		if name == "confidence" || name == "logged_queries" || name == "unmarked" {
			typ = "bigint"
		}
		columns = append(columns, athenaio.Column{Name: name, Type: typ})
	}
	if err := out.begin(columns); err != nil {
		return err
	}
	for _, texts := range report.Rows() {
		row := make(athenaio.Row, len(texts))
		for i := range texts {
			if texts[i] != "" {
				row[i] = &texts[i]
			}
		}
		if err := out.row(row); err != nil {
			return err
		}
	}
	return out.end()
}
