package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
)

// maxNamedSources is how many inputs a report names. It counts the others.
const maxNamedSources = 5

// writeReportPage writes a report to a file. If the page has not all matches, a CSV file beside it
// has them.
func writeReportPage(path string, data *report.Data, sources []logfile.Source, lists []string, messages io.Writer) error {
	data.Title, data.Version, data.At, data.Lists = "Malicious DNS queries", version(), time.Now(), lists
	for i, source := range sources {
		if i == maxNamedSources {
			data.Sources = append(data.Sources, fmt.Sprintf("%d more", len(sources)-i))
			break
		}
		data.Sources = append(data.Sources, source.Name)
	}
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
