package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Forms of output.
const (
	formNDJSON  = "ndjson"
	formTable   = "table"
	formSummary = "summary"
)

// scanOptions are the flags of scan.
type scanOptions struct {
	lists         lists
	form          string
	onlyMatches   bool
	failOnMatch   bool
	skipCNAMEs    bool
	skipAddresses bool
	workers       int
}

func newScan(std streams) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan --feed LIST [--allow LIST] LOG...",
		Short: "Mark Resolver query logs against lists",
		Long: `Scan marks Route 53 Resolver query logs against lists of malicious names.

LOG is a file, a folder, s3://bucket/prefix, or - for standard input; gzip and zstd are
read as they are. Into a pipe or file it writes every record with its verdict as NDJSON,
in input order; on a terminal, a summary: who asked for what, the indicators met, NXDOMAIN
by host, DNS Firewall against the lists, queries by hour, days without logs. LIST is
` + listSyntax + `.

A line that is no record is reported with its number and left out; the exit code is
then 1.`,
		Example: `  # Who asked for a malicious name?
  resolverwatch scan --feed urlhaus.csv --feed hosts.txt --allow ours.txt vpcdnsquerylogs/

  # The matching records only, for the next program
  resolverwatch scan --feed corp=names.txt,severity=high --only-matches -o ndjson logs/ | jq .threat

  # In a pipeline: exit code 3 if anything matched
  zcat log.gz | resolverwatch scan --index lists.rwx --fail-on-match -o summary -`,
		Args: argCount(1, anyNumber, "no logs to mark: name at least one LOG, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, std, args) },
	}
	o.lists.register(cmd)
	o.lists.registerFile(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.form, "output", "o", "", "`FORM`: ndjson, table or summary (default: summary on a terminal, else ndjson)")
	flags.BoolVar(&o.onlyMatches, "only-matches", false, "write malicious records only")
	flags.BoolVar(&o.failOnMatch, "fail-on-match", false, "exit with code 3 if a record is malicious")
	flags.BoolVar(&o.skipCNAMEs, "skip-cnames", false, "do not check CNAME targets in answers")
	flags.BoolVar(&o.skipAddresses, "skip-addresses", false, "do not check addresses in answers")
	flags.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "files read and chunks marked at once")
	return cmd
}

func (o *scanOptions) run(cmd *cobra.Command, std streams, args []string) error {
	switch {
	case o.form == "" && isTerminal(std.out):
		o.form = formSummary
	case o.form == "":
		o.form = formNDJSON
	case o.form != formNDJSON && o.form != formTable && o.form != formSummary:
		return usagef(cmd, "output %q: must be one of ndjson, table, summary", o.form)
	}
	if o.workers < 1 {
		return usagef(cmd, "workers %d: must be at least 1", o.workers)
	}
	sources, err := o.sources(cmd.Context(), std, args)
	if err != nil {
		return err
	}
	x, err := o.lists.load(cmd, std.err)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(std.out, 1<<20)
	s := newScanner(x, o, sources, out, std.err)
	bar := newProgress(std.err, sources, o.lists.quiet)
	pipeline := logfile.Pipeline{
		Workers: o.workers, Work: s.work, Write: s.write, Ended: s.ended, Read: bar.add,
	}
	err = pipeline.Run(cmd.Context(), sources)
	bar.close()
	if err != nil {
		return errors.Join(err, out.Flush())
	}
	s.print()
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return s.outcome()
}

// sources returns the inputs in the order in which they were named.
func (o *scanOptions) sources(ctx context.Context, std streams, args []string) (all []logfile.Source, err error) {
	passed := 0
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
		all = append(all, sources...)
		passed += others
	}
	if passed > 0 && !o.lists.quiet {
		fmt.Fprintf(std.err, "%d files in folders are not read: their names are not those of logs\n", passed)
	}
	return all, nil
}

func expandS3(ctx context.Context, location string) ([]logfile.Source, error) {
	config, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	return logfile.ExpandS3(ctx, awsio.NewS3(config), location)
}

func (o *scanOptions) markOptions(onMark func(*verdict.Mark)) verdict.Options {
	return verdict.Options{SkipCNAMEs: o.skipCNAMEs, SkipAddresses: o.skipAddresses, OnMark: onMark}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
