package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// scanOptions are the flags of scan.
type scanOptions struct {
	lists         lists
	selects       selectFlags
	form          string
	limit         int
	report        string
	logs          []string // as they were named
	onlyMatches   bool
	failOnMatch   bool
	keepMarks     bool
	follow        bool
	skipCNAMEs    bool
	skipAddresses bool
	workers       int
}

func newScan(std streams) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan --feed LIST [--allow LIST] LOG...",
		Short: "Mark Resolver query logs using lists of malicious names",
		Long: `Scan marks Route 53 Resolver query logs using lists of malicious names.

LOG is a file, a folder, s3://bucket/prefix, or - for standard input. Logs may be
compressed with gzip or zstd. To a pipe or file, scan writes every record with its verdict
as NDJSON, in input order. On a terminal it prints a summary: the hosts that asked for
malicious names, the top indicators, NXDOMAIN rates, DNS Firewall actions, queries by hour,
and days without logs. ` + listHelp + `

Besides the lines that Resolver writes, LOG may be an export of CloudWatch Logs, the output of
aws logs tail or filter-log-events, a CSV file of Logs Insights with @message, a JSON array,
or what Firehose put under processing-failed/. Lines that are not records are reported with
their numbers and left out. The exit code is then 1, as it is if there is no record at all.

Records that are already marked get a new mark, and scan says how many changed. Without
--feed and --index, all records must be marked, and scan sums up the marks that they have.` + followHelp,
		Example: `  # Which hosts asked for a malicious name?
  resolverwatch scan --feed urlhaus.csv --feed hosts.txt --allow ours.txt vpcdnsquerylogs/

  # Only the matching records, for the next program
  resolverwatch scan --feed corp=names.txt,severity=high --only-matches -o ndjson logs/ | jq .threat

  # A page to show to others
  resolverwatch scan --feed urlhaus.csv --report found.html -o summary vpcdnsquerylogs/

  # In a pipeline: exit with code 3 if anything matched
  zcat log.gz | resolverwatch scan --index lists.rwx --fail-on-match -o summary -` + followExamples,
		Args: argCount(1, anyNumber, "no logs to mark: name at least one LOG, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, std, args) },
	}

	o.register(cmd)
	return cmd
}

// register adds the flags of scan.
func (o *scanOptions) register(cmd *cobra.Command) {
	o.lists.register(cmd)
	o.lists.registerFile(cmd)
	o.selects.register(cmd, "since", "")
	flags := cmd.Flags()
	registerForm(cmd, &o.form, "summary on a terminal, else json", formSummary, formTable, formNDJSON, formCSV)
	flags.IntVar(&o.limit, "limit", 0, "with -o summary: how many `ROWS` the tables of hosts have (default: 50)")
	flags.StringVar(&o.report, "report", "", "also write a report, a page of HTML, to `FILE`")
	flags.BoolVar(&o.onlyMatches, "only-matches", false, "write only malicious records")
	flags.BoolVar(&o.failOnMatch, "fail-on-match", false, "exit with code 3 if a record is malicious")
	flags.BoolVar(&o.keepMarks, "keep-marks", false, "keep the marks of records that are already marked")
	flags.BoolVarP(&o.follow, "follow", "f", false, "continue to read a file that grows, like tail -F, until Ctrl-C")
	flags.BoolVar(&o.skipCNAMEs, "skip-cnames", false, "do not check names in answers: targets of CNAME, MX, SRV, HTTPS and SVCB")
	flags.BoolVar(&o.skipAddresses, "skip-addresses", false, "do not check addresses in answers: A, AAAA, and hints of HTTPS and SVCB")
	flags.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "how many files to read, and chunks to mark, at the same time")
}

func (o *scanOptions) run(cmd *cobra.Command, std streams, args []string) error {
	o.form = formFor(std.out, o.form, formSummary, formNDJSON)
	if o.limit < 0 {
		return usagef(cmd, "--limit %d: must not be negative", o.limit)
	}
	if o.workers < 1 {
		return usagef(cmd, "--workers %d: must be at least 1", o.workers)
	}

	if err := o.selects.parse(cmd); err != nil {
		return err
	}

	o.logs = args
	sources, err := o.openLogs(cmd, std, args)
	if err != nil {
		return err
	}
	var x *index.Index // nil: records keep the marks that they have
	if o.lists.areNamed() {
		if x, err = o.lists.load(cmd, std.err); err != nil {
			return err
		}
	}

	return o.scan(cmd, std, sources, x)
}

// scan marks the sources and writes the result.
func (o *scanOptions) scan(cmd *cobra.Command, std streams, sources []logfile.Source, x *index.Index) error {
	sink := std.out
	if o.form == formNDJSON && !term.IsTerminal(sink) {
		sink = term.Unwrapped(sink) // marked records have the bytes of the log
	}
	out := bufio.NewWriterSize(sink, 1<<20)
	s := newScanner(x, o, out, std.out, std.err)
	logs := &logRun{sources: sources, messages: std.err, quiet: o.lists.quiet, markers: s.markers(), collect: func(chunk *logfile.Chunk) error {
		if err := s.collect(chunk); err != nil || !chunk.Idle {
			return err
		}
		return out.Flush() // somebody waits for these records
	}}
	err := logs.run(o.runContext(cmd.Context()), o.lists.quiet || o.follow || o.showsRecords(std.out))
	if errors.Is(err, errNoLists) {
		return errors.Join(usagef(cmd, "%w", errNoLists), out.Flush())
	}
	if err != nil {
		return errors.Join(err, out.Flush())
	}

	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	s.finish()
	s.print()
	o.printFollowed(s, std.err)
	if o.report != "" {
		page := s.summary.Report()
		logs.fillPage(page, &o.selects)
		if err := writeReportPage(o.report, page, o.logs, o.lists.names(), std.err); err != nil {
			return err
		}
	}
	err = o.outcome(logs, s)
	if o.follow && cmd.Context().Err() != nil {
		return errStopped // a followed file ends with an interrupt
	}
	return err
}

// showsRecords reports whether records come out on a terminal, where progress would overwrite them.
func (o *scanOptions) showsRecords(out io.Writer) bool {
	return term.IsTerminal(out) && (o.form == formNDJSON || o.form == formCSV)
}

// needsSummary reports whether hosts, indicators and hours are counted.
func (o *scanOptions) needsSummary() bool { return o.form == formSummary || o.report != "" }

// outcome returns the error of a scan that read all that it could. A failure to read comes before
// a match, because the part that was not read might have matched too.
func (o *scanOptions) outcome(logs *logRun, s *scanner) error {
	if err := logs.outcome(); err != nil {
		return err
	}
	if o.failOnMatch && s.summary.Malicious > 0 {
		return errMatch
	}
	return nil
}

func (o *scanOptions) markOptions(onMark func(*verdict.Mark)) verdict.Options {
	return verdict.Options{
		SkipCNAMEs:    o.skipCNAMEs,
		SkipAddresses: o.skipAddresses,
		Remark:        !o.keepMarks,
		OnMark:        onMark,
	}
}
