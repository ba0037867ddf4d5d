package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/internal/selection"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// openSources returns the logs that the arguments name, in their order. An argument is a
// file, a folder, s3://bucket/prefix, or - for standard input.
func openSources(ctx context.Context, std streams, args []string) (all []logfile.Source, err error) {
	skipped := 0
	given := map[string]bool{}
	for _, arg := range args {
		var sources []logfile.Source
		var others int
		switch {
		case arg == "-":
			sources = []logfile.Source{logfile.Stdin(std.in)}
		case logfile.IsS3(arg):
			sources, err = expandS3(ctx, arg)
		default:
			sources, others, err = logfile.Expand(arg)
		}
		if err != nil {
			return nil, err
		}
		for _, source := range sources {
			if given[source.ID] {
				fmt.Fprintf(std.err, "%s: named more than once, and read once\n", source.Name)
				continue
			}
			given[source.ID] = true
			all = append(all, source)
		}
		skipped += others
	}

	if skipped > 0 {
		fmt.Fprintf(std.err, "%d files in folders skipped: not a log file extension\n", skipped)
	}
	return all, nil
}

func expandS3(ctx context.Context, location string) ([]logfile.Source, error) {
	config, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	return logfile.ExpandS3(ctx, bucket.NewClient(config), location)
}

// maxRefusals limits the refused lines of one source that are reported with their error.
const maxRefusals = 10

// chunkMarker marks the records of one chunk at a time. Each worker has its own.
type chunkMarker interface {
	// begin starts a chunk. It stores a new result in chunk.Result, and returns the part of
	// the result that counts lines.
	begin(chunk *logfile.Chunk) *lineCounts
	// mark marks one record of the chunk.
	mark(record []byte) error
}

// lineCounts counts the records and the refused lines of a chunk or a source.
type lineCounts struct {
	records  int      // records that were marked
	named    int      // records with a query name
	refused  int      // lines that are not records
	refusals []string // messages about the first refused lines of a chunk
	skipped  selection.Skipped
}

// lines returns c, so that a result that embeds c has a method to get it.
func (c *lineCounts) lines() *lineCounts { return c }

// count counts a marked record.
func (c *lineCounts) count(m *verdict.Mark) {
	c.records++
	if m.Object.QueryName.IsSet() {
		c.named++
	}
}

// keep reports whether a record is selected, and counts it if it is not.
func (c *lineCounts) keep(chooser *selection.Chooser, m *verdict.Mark) bool {
	return chooser.Keep(m, &c.skipped)
}

// logRun marks the records of logs in parallel. It reports lines that are not records,
// sources that are not logs, and sources that cannot be read to their end.
type logRun struct {
	sources  []logfile.Source
	messages io.Writer
	markers  []chunkMarker
	// collect takes the result of each chunk, in input order, from one goroutine.
	collect func(chunk *logfile.Chunk) error

	source     lineCounts // of the source that is being collected
	records    int        // of all sources
	incomplete bool       // something could not be read
	refused    int        // lines of all sources that are not records
	unread     int        // sources that could not be read to their end
	skipped    selection.Skipped
	quiet      bool // skipped records are not reported, unless all are
}

func (r *logRun) run(ctx context.Context, quiet bool) error {
	bar := newLogProgress(r.messages, r.sources, quiet)
	defer bar.close()

	pipeline := logfile.Pipeline{
		Workers: len(r.markers),
		Work:    r.work,
		Write:   r.write,
		Ended:   r.ended,
		Read:    bar.add,
	}
	return pipeline.Run(ctx, r.sources)
}

func (r *logRun) work(worker int, chunk *logfile.Chunk) {
	marker := r.markers[worker]
	chunk.Out = chunk.Out[:0]
	counts := marker.begin(chunk)
	logfile.Records(chunk.Text, chunk.Line, marker.mark, func(line int, err error) {
		if counts.refused++; counts.refused <= maxRefusals {
			counts.refusals = append(counts.refusals, fmt.Sprintf("%s: line %d: %v", r.sources[chunk.Source].Name, line, err))
		}
	})
}

func (r *logRun) write(chunk *logfile.Chunk) error {
	counts := chunk.Result.(interface{ lines() *lineCounts }).lines()
	r.source.records += counts.records
	r.source.named += counts.named
	r.skipped.Add(&counts.skipped)
	for _, refusal := range counts.refusals {
		if r.source.refused++; r.source.refused <= maxRefusals {
			fmt.Fprintln(r.messages, refusal)
		}
	}
	r.source.refused += counts.refused - len(counts.refusals)
	return r.collect(chunk)
}

// ended reports what was wrong with a source. The run continues with the next source.
func (r *logRun) ended(source int, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	err = stack.Explain(err)
	counts, name := r.source, r.sources[source].Name
	r.source = lineCounts{}
	r.records += counts.records
	r.refused += counts.refused
	if err != nil {
		r.unread++
	}

	if more := counts.refused - maxRefusals; more > 0 {
		fmt.Fprintf(r.messages, "%s: %d more lines are not records\n", name, more)
	}
	switch {
	case err != nil && counts.records > 0:
		fmt.Fprintf(r.messages, "%v\n%s: the result has only its first %d records\n", err, name, counts.records)
	case err != nil:
		fmt.Fprintln(r.messages, err)
	case counts.refused > 0 && counts.records == 0:
		fmt.Fprintf(r.messages, "%s: not a Resolver query log: it has no records; a log is JSON with one object on each line, or an export of CloudWatch Logs\n", name)
	case counts.records > 0 && counts.named == 0:
		fmt.Fprintf(r.messages, "%s: not a Resolver query log: no record has a query_name\n", name)
	}

	r.incomplete = r.incomplete || err != nil || counts.refused > 0 || counts.records > 0 && counts.named == 0
	return nil //nolint:nilerr // the error was reported, and the run is marked as incomplete
}

// outcome reports whether parts of the input, or all of it, are missing from the result.
func (r *logRun) outcome() error {
	nothing := r.reportSkipped()
	if r.records > 0 && !r.incomplete && !nothing {
		return nil
	}
	if r.records == 0 {
		fmt.Fprintln(r.messages, "resolverwatch: nothing was scanned: there is no record in the input")
	}
	if r.incomplete {
		fmt.Fprintln(r.messages, "resolverwatch: the result is incomplete: parts of the input could not be read, see above")
	}
	return errReported
}

// reportSkipped says how many records were skipped. It returns true if none of the records was of
// the chosen times, VPCs and hosts. It is a result, however, that no record matched an indicator.
func (r *logRun) reportSkipped() (nothing bool) {
	if total := r.skipped.Total(); total > 0 && total == r.records {
		fmt.Fprintf(r.messages, "resolverwatch: no record was selected: %v\n", &r.skipped)
	} else if total > 0 && !r.quiet {
		fmt.Fprintln(r.messages, &r.skipped)
	}
	return r.records > 0 && r.skipped.Unseen() == r.records
}

// fillPage adds to a report what the records do not show: what was not read, and what was not asked
// for.
func (r *logRun) fillPage(page *report.Data, selects *selectFlags) {
	if r.refused > 0 {
		page.Notes = append(page.Notes, fmt.Sprintf("%d lines of the logs are not records, and are left out.", r.refused))
	}
	if r.unread > 0 {
		page.Notes = append(page.Notes, fmt.Sprintf("%d of %d logs could not be read to their end.", r.unread, len(r.sources)))
	}
	page.Selection, page.Skipped = selects.describe(), r.skipped.Total()
	since, _ := selects.chosen.Period()
	page.CoverFrom(since)
	page.AddVPCs(selects.options.VPCs)
}
