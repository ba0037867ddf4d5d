package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// followHelp and followExamples are the part of the help of scan about records that are selected, and
// files that are followed.
const (
	followHelp = `

With --follow, LOG is a file that grows. Its records are written at once, or with -o summary
a line for each match. The file may be replaced or truncated, and may not exist yet. Ctrl-C
ends with the summary; the exit code is then 130.

--since, --until, --vpc, --host and --indicator select records. Scan says how many it skipped.`

	followExamples = `

  # Did the hosts of this network ask for these names since yesterday?
  resolverwatch scan --feed urlhaus.csv --since 24h --host 10.0.1.0/24 --indicator evil.example logs/

  # Matches as they are written
  resolverwatch scan --feed urlhaus.csv --follow -o summary /var/log/resolver.json`
)

// openLogs returns the logs that the arguments name.
func (o *scanOptions) openLogs(cmd *cobra.Command, std streams, args []string) ([]logfile.Source, error) {
	switch {
	case !o.follow:
		return openSources(cmd.Context(), std, args)
	case o.form == formTable:
		return nil, usagef(cmd, "--follow: a table is written when all records are known; use -o summary or -o ndjson")
	case len(args) > 1:
		return nil, usagef(cmd, "--follow: name one file, and run a second scan for another")
	case args[0] == "-":
		return nil, usagef(cmd, "--follow: standard input is read until it ends in any case; leave out the flag")
	case logfile.IsS3(args[0]):
		return nil, usagef(cmd, "--follow: an object in S3 does not grow; 'resolverwatch tail' shows the matches of new objects")
	}
	source, err := logfile.Follow(cmd.Context(), args[0], func(message string) { fmt.Fprintln(std.err, message) })
	if err != nil {
		return nil, err
	}
	return []logfile.Source{source}, nil
}

// runContext returns the context in which logs are read. If a file is followed, an interrupt is the
// end of the file, so that the records before it are counted and the result is printed.
func (o *scanOptions) runContext(ctx context.Context) context.Context {
	if o.follow {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// appendMatch appends the line of a match, which is written at once, before the summary.
func (w *scanWorker) appendMatch(m *verdict.Mark) {
	if w.options.follow && m.Verdict == verdict.Malicious {
		seen := sighting.FromMark(m)
		w.chunk.Out = seen.AppendLine(w.chunk.Out, w.colors)
	}
}

// printFollowed writes what a scan that was interrupted has counted, if its output are records.
func (o *scanOptions) printFollowed(s *scanner, messages io.Writer) {
	if o.follow && o.form != formSummary && !o.lists.quiet {
		s.summary.Print(messages)
	}
}
