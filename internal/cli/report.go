package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
)

// writeReportPage writes a report to a file, with the names of the logs and lists. If the page shows
// only some of the matches, it also writes a CSV file with all of them.
func writeReportPage(path string, data *report.Data, read, lists []string, messages io.Writer) error {
	data.Title = cmp.Or(data.Title, "Malicious DNS queries")
	data.Version, data.At, data.Sources, data.Lists = version(), time.Now(), read, lists
	if len(data.Matches) > report.MaxMatches {
		table := strings.TrimSuffix(path, filepath.Ext(path)) + ".csv"
		if err := os.WriteFile(table, matchTable(data.Matches), 0o600); err != nil {
			return fmt.Errorf("writing all matches: %w", err)
		}
		data.More = filepath.Base(table)
		fmt.Fprintf(messages, "%s: all %d matches\n", table, len(data.Matches))
	}
	var page bytes.Buffer
	if err := report.Write(&page, data); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.WriteFile(path, page.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	fmt.Fprintf(messages, "%s: the report\n", path)
	return nil
}

// reportOnMarked writes a report on logs that are marked already, and on what a hunt found in them.
func reportOnMarked(ctx context.Context, logs, path string, found []report.Early) error {
	sources, _, err := logfile.Expand(logs)
	if err != nil {
		return err
	}
	s := newScanner(nil, &scanOptions{form: formSummary, report: path, workers: runtime.GOMAXPROCS(0)}, io.Discard, io.Discard, io.Discard)
	run := &logRun{sources: sources, messages: io.Discard, markers: s.markers(), collect: s.collect}
	if err := run.run(ctx, true); err != nil {
		return err
	}
	s.finish()
	page := s.summary.Report()
	page.Early = found
	return writeReportPage(path, page, []string{logs}, nil, io.Discard)
}

// matchTable returns all matches as CSV.
func matchTable(matches []report.Match) []byte {
	var out bytes.Buffer
	w := csvWriter{&out}
	rows := [][]string{{"host", "vpc", "instance", "query_name", "part", "indicator", "feeds", "category", "severity", "queries", "first", "last"}}
	for _, m := range matches {
		rows = append(rows, []string{
			m.Address, m.VPC, m.Instance, m.Name, m.Part, m.Indicator, m.Feeds, m.Category, m.Severity,
			strconv.Itoa(m.Queries), m.First.UTC().Format(time.RFC3339), m.Last.UTC().Format(time.RFC3339),
		})
	}
	for _, texts := range rows {
		row := make(athena.Row, len(texts))
		for i := range texts {
			row[i] = &texts[i]
		}
		if err := w.row(row); err != nil {
			panic(err) // memory takes all that is written
		}
	}
	return out.Bytes()
}
