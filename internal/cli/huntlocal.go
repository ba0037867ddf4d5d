package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/demo"
	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/selection"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// runLocal hunts in logs on this machine.
func (h *huntOptions) runLocal(cmd *cobra.Command, std streams, out resultWriter) error {
	h.named = h.local
	h.useDemoFolder()
	list, err := h.localList(cmd, std.err)
	if err != nil {
		return err
	}
	sources, err := openSources(cmd.Context(), std, h.local)
	if err != nil {
		return err
	}

	report, summary := hunt.NewReport(list), sighting.NewSummary()
	logs := &logRun{
		sources:  sources,
		messages: std.err,
		quiet:    h.lists.quiet,
		markers:  newHuntMarkers(list, h.selects.chosen, h.report != ""),
		collect: func(chunk *logfile.Chunk) error {
			chunk.Result.(*huntResult).addTo(report, summary)
			return nil
		},
	}
	if err := logs.run(cmd.Context(), h.lists.quiet); err != nil {
		return err
	}

	if err := writeReport(report, out); err != nil {
		return err
	}
	if h.report != "" {
		if err := writeLocalPage(h, report, summary, logs, std.err); err != nil {
			return err
		}
	}
	return logs.outcome()
}

// useDemoFolder replaces the folder of a demo by the logs in it and, unless flags name other
// entries to hunt for, uses its published indicators.
func (h *huntOptions) useDemoFolder() {
	if len(h.local) != 1 {
		return
	}
	logs, indicators, ok := demo.ResultPaths(h.local[0])
	if !ok {
		return
	}
	h.local = []string{logs}
	if h.indicators == "" && !h.lists.areNamed() {
		h.indicators = indicators
	}
}

// localList returns the entries to hunt for.
func (h *huntOptions) localList(cmd *cobra.Command, messages io.Writer) (*hunt.List, error) {
	if h.indicators == "" {
		x, err := h.lists.load(cmd, messages)
		if err != nil {
			return nil, err
		}
		if cmd.Flags().Changed("since") {
			return nil, usagef(cmd, "--since: lists do not tell when an entry was added; name published indicators with --indicators")
		}
		return hunt.NewList(x), nil
	}

	if h.lists.areNamed() {
		return nil, usagef(cmd, "name either lists or published indicators, not both")
	}
	file, err := os.Open(h.indicators)
	if err != nil {
		return nil, fmt.Errorf("reading the indicators: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	list, err := hunt.ReadIndicators(file, h.sinceTime)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.indicators, err)
	}
	return list, nil
}

// huntMarker is the [chunkMarker] of a local hunt.
type huntMarker struct {
	marker  *verdict.Marker
	chooser *selection.Chooser // nil: all records are selected
	result  *huntResult
	line    []byte
	page    bool   // a report is wanted
	text    []byte // decoded members of a record
}

// huntResult is the result of one chunk.
type huntResult struct {
	lineCounts
	hits    []hunt.Hit
	summary *sighting.Summary // nil unless a report is wanted
}

// addTo adds the result of a chunk to those before it.
func (r *huntResult) addTo(report *hunt.Report, summary *sighting.Summary) {
	for i := range r.hits {
		report.Add(&r.hits[i])
	}
	if r.summary != nil {
		summary.Merge(r.summary)
	}
}

func newHuntMarkers(list *hunt.List, chosen *selection.Selection, page bool) []chunkMarker {
	markers := make([]chunkMarker, runtime.GOMAXPROCS(0))
	for i := range markers {
		w := &huntMarker{chooser: chosen.NewChooser(), page: page}
		w.marker = verdict.NewMarker(list.Index, verdict.Options{Remark: true, OnMark: w.onMark})
		markers[i] = w
	}
	return markers
}

func (w *huntMarker) begin(chunk *logfile.Chunk) *lineCounts {
	w.result = &huntResult{}
	if w.page {
		w.result.summary = sighting.NewSummary()
	}
	chunk.Result = w.result
	return &w.result.lineCounts
}

// mark marks a record as if it had not been marked before.
func (w *huntMarker) mark(record []byte) (err error) {
	w.line, err = w.marker.Mark(w.line[:0], record)
	return err
}

func (w *huntMarker) onMark(m *verdict.Mark) {
	w.result.count(m)
	if w.chooser != nil && !w.result.keep(w.chooser, m) {
		return
	}
	if w.page {
		w.summarise(m)
	}
	if !hunt.IsHit(m) {
		return
	}
	w.result.hits = append(w.result.hits, hunt.NewHit(m, m.Previous))
}

func writeReport(report *hunt.Report, out resultWriter) error {
	var columns []athena.Column
	for _, name := range hunt.Columns {
		typ := "varchar"
		if name == "confidence" || name == "logged_queries" || name == "unmarked" {
			typ = "bigint"
		}
		columns = append(columns, athena.Column{Name: name, Type: typ})
	}
	if err := out.begin(columns); err != nil {
		return err
	}

	for _, texts := range report.Rows() {
		row := make(athena.Row, len(texts))
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
