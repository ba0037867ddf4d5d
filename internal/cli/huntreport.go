package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/internal/selection"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// huntTitle is the title of the report of a hunt.
const huntTitle = "Who asked before the lists knew"

// summarise adds a record to the summary of a chunk, for the report of a local hunt.
func (w *huntMarker) summarise(m *verdict.Mark) {
	counted := *m
	counted.Previous, counted.Changed = "", false // nothing is marked again in a hunt
	w.result.summary.Count(&counted)
	w.result.summary.Itemise(m.Object, m.Verdict)
	if m.Verdict == verdict.Malicious {
		seen := sighting.FromMark(m)
		w.result.summary.Add(&seen, string(m.Object.Instance.Decode(&w.text)))
	}
}

// writeLocalPage writes the report of a local hunt.
func writeLocalPage(h *huntOptions, found *hunt.Report, summary *sighting.Summary, logs *logRun, messages io.Writer) error {
	page := summary.Report()
	page.Title, page.Hunt, page.Early = huntTitle, true, found.Early()
	logs.fillPage(page, &h.selects)
	if repeats := found.Repeats(); repeats > 0 {
		page.Notes = append(page.Notes, fmt.Sprintf("%d records were delivered more than once. The hunt counts a record once, the other tables each time.", repeats))
	}
	return writeReportPage(h.report, page, h.named, huntedFor(h), messages)
}

// huntedFor returns what a hunt compares the logs with.
func huntedFor(h *huntOptions) []string {
	since := "entries that were added to the lists since " + h.sinceTime.UTC().Format(time.RFC3339)
	switch {
	case len(h.local) == 0:
		return []string{since}
	case h.indicators != "":
		return []string{h.indicators + ", " + since}
	}
	return h.lists.names()
}

// Named queries that add to the report of a hunt in Athena.
const (
	coverageQuery = "coverage"
	unknownQuery  = "unknown-verdicts"
)

// writeAthenaPage writes the report of a hunt in Athena. What the rows of the hunt do not show, the
// days without logs and the records that could not be judged, are two more queries.
func writeAthenaPage(ctx context.Context, h *huntOptions, early []report.Early, progress *queryProgress) error {
	page := &report.Data{Title: huntTitle, Hunt: true, Partly: true, Early: early}
	hunt.FillPage(page)
	group, err := h.athena(ctx)
	if err != nil {
		return err
	}
	queries, err := group.NamedQueries(ctx)
	if err != nil {
		return err
	}
	bounds := map[string]string{"from": h.selects.options.Since}
	if until := h.selects.options.Until; until != "" {
		bounds["until"] = until
	}
	for _, more := range []struct {
		query string
		add   func(*report.Data, []map[string]string)
	}{{coverageQuery, coveredPeriod(h.selects.chosen).addGaps}, {unknownQuery, addReasons}} {
		text, err := fillQuery(queries, more.query, bounds)
		if err != nil { // an older stack
			page.Notes = append(page.Notes, fmt.Sprintf("This report lacks the result of the query %s: %v.", more.query, err))
			continue
		}
		rows := &rowReader{}
		if err := runQuery(ctx, group, text, rows, newQueryProgress(progress.messages, true)); err != nil {
			return fmt.Errorf("query %s for the report: %w", more.query, err)
		}
		more.add(page, rows.rows)
	}
	source := "logs of the stack " + h.stack + " since " + h.selects.options.Since
	return writeReportPage(h.report, page, []string{source}, huntedFor(h), progress.messages)
}

// rowReader is a [resultWriter] that keeps the rows.
type rowReader struct {
	columns []athena.Column
	rows    []map[string]string
}

func (r *rowReader) begin(columns []athena.Column) error { r.columns = columns; return nil }

func (r *rowReader) row(row athena.Row) error {
	cells := map[string]string{}
	for i, cell := range row {
		if cell != nil && i < len(r.columns) {
			cells[r.columns[i].Name] = *cell
		}
	}
	r.rows = append(r.rows, cells)
	return nil
}

func (r *rowReader) end() error { return nil }

// period is a time whose coverage a report shows.
type period struct{ first, until time.Time }

// coveredPeriod returns the days of a selection. A page has room for three months.
func coveredPeriod(chosen *selection.Selection) period {
	const day, longest = 24 * time.Hour, 92
	since, until := chosen.Period()
	if until.IsZero() {
		until = time.Now()
	}
	if least := until.Add(-longest * day); since.Before(least) {
		since = least
	}
	return period{since.UTC().Truncate(day), until}
}

// addGaps adds the days without logs. The query lists only those.
func (p period) addGaps(page *report.Data, rows []map[string]string) {
	gaps := map[string]map[string]bool{} // days by VPC
	for _, row := range rows {
		vpc := row["vpc_id"]
		if vpc == "*" {
			vpc = "all VPCs"
		}
		if gaps[vpc] == nil {
			gaps[vpc] = map[string]bool{}
		}
		gaps[vpc][row["day"]] = true
	}
	if len(gaps) == 0 {
		page.Notes = append(page.Notes, "Each VPC that logged has logs on every day of the period.")
	}

	for _, vpc := range slices.Sorted(maps.Keys(gaps)) {
		row := report.VPC{ID: vpc}
		for day := p.first; day.Before(p.until); day = day.AddDate(0, 0, 1) {
			records := report.Logged
			if gaps[vpc][day.Format(time.DateOnly)] {
				records = 0
			}
			row.Days = append(row.Days, report.Day{Date: day, Records: records})
		}
		page.Coverage = append(page.Coverage, row)
	}
}

// addReasons adds why records could not be judged.
func addReasons(page *report.Data, rows []map[string]string) {
	if len(rows) == 0 {
		page.Notes = append(page.Notes, "Every query has a verdict.")
	}
	for _, row := range rows {
		count, err := strconv.Atoi(row["logged_queries"])
		if err != nil {
			continue // Athena writes a number
		}
		page.Reasons = append(page.Reasons, report.Reason{Name: row["reason"], Records: count})
	}
}
