package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/internal/tail"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/keyprefix"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// tailOptions are the flags of tail.
type tailOptions struct {
	deployment
	prefix, since, severity, form string
	vpcs                          []string
	interval                      time.Duration
	once, quiet                   bool

	least indicator.Severity
}

func newTail(std streams) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail [s3://BUCKET/PREFIX]",
		Short: "Show matches of a deployed stack as they are delivered",
		Long: `Tail shows malicious queries as they are delivered, until you stop it with Ctrl-C; the exit code
is then 130. Its one source are the marked logs in the output bucket of the stack, or those
under s3://BUCKET/PREFIX. Alerts need not be on, and no alert is sent or used.

A match is shown one to two minutes after the query: Resolver and the buffer of the delivery
stream (60 s by default) come first, then the look of tail every --interval.

It needs s3:ListBucket and s3:GetObject on the marked logs, kms:Decrypt if they are encrypted
with a key of yours, and firehose:DescribeDeliveryStream to learn the prefix, unless PREFIX or
--prefix names it. A PREFIX with Firehose's !{timestamp:...} is expanded, so that only the
folders of the last day are listed. A stack that writes Parquet has no source for tail: query
it with 'resolverwatch query'.

Objects that come late, such as those that Firehose could not deliver for hours, are found
within five minutes. An object that cannot be read is tried again. If tail ends, it says
with which --since another run continues.
` + deploymentHelp,
		Example: `  resolverwatch tail
  resolverwatch tail --since 6h --severity high --vpc vpc-0a1b2c3d4e5f60718
  resolverwatch tail -o ndjson | jq -r .srcaddr
  resolverwatch tail --once --since 1h s3://my-logs/dns-query-logs/!{timestamp:yyyy/MM/dd}/`,
		Args: argCount(0, 1, "name only one source"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, std, args) },
	}
	o.registerStack(cmd)
	o.registerTail(cmd)
	return cmd
}

func (o *tailOptions) registerTail(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.outputBucket, "output-bucket", "", "`NAME` of the bucket of marked logs (default: from the outputs of the stack)")
	flags.StringVar(&o.prefix, "prefix", "", "`PREFIX` of the marked logs, as in the settings (default: from the delivery stream)")
	flags.StringVar(&o.since, "since", "5m", "begin with logs that were delivered since `TIME`: a time, a day, or an age such as 6h")
	flags.StringVar(&o.severity, "severity", "", "show only matches of at least `SEVERITY`: low, medium, high or critical")
	flags.StringArrayVar(&o.vpcs, "vpc", nil, "show only matches in the VPC with this `ID`; repeatable")
	flags.DurationVar(&o.interval, "interval", 15*time.Second, "time between two looks, at least 5s")
	flags.BoolVar(&o.once, "once", false, "look once and exit, with code 1 if an object could not be read")
	registerForm(cmd, &o.form, "text on a terminal, else json", formText, formNDJSON, formCSV)
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "print only matches and problems")
}

// errStopped is returned by a command that runs until it is interrupted.
var errStopped = errors.New("interrupted")

const leastInterval = 5 * time.Second

func (o *tailOptions) run(cmd *cobra.Command, std streams, args []string) error {
	since, err := o.check(cmd, std)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	folders, err := o.source(ctx, args)
	if err != nil {
		return err
	}
	client := bucket.NewClient(o.config)
	follower := &tail.Follower{
		Bucket:  &tail.S3Bucket{Client: client, Name: o.outputBucket},
		Reader:  newTailReader(o, client, std),
		Folders: folders,
		Since:   since,
		Now:     time.Now,
		Warn:    func(text string) { fmt.Fprintln(std.err, printable.Line(text)) },
	}

	if !o.quiet {
		fmt.Fprintf(std.err, "following s3://%s/%s since %s; matches appear a minute or two after the query\n",
			o.outputBucket, o.prefix, since.Format(time.RFC3339))
	}
	if o.form == formCSV {
		if _, err := std.out.Write(appendCSV(nil, sighting.Columns()...)); err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
	}
	err = o.follow(ctx, follower)
	if !o.quiet || err != nil && !errors.Is(err, errStopped) {
		fmt.Fprintf(std.err, "%d objects read; to continue here: --since %s\n", follower.Objects, follower.Resume().UTC().Format(time.RFC3339))
	}
	return err
}

// check checks the flags and returns the time to begin with.
func (o *tailOptions) check(cmd *cobra.Command, std streams) (since time.Time, err error) {
	o.form = formFor(std.out, o.form, formText, formNDJSON)
	if o.interval < leastInterval {
		return since, usagef(cmd, "--interval %s: must be at least %s, because each look is billed", o.interval, leastInterval)
	}
	if o.severity != "" {
		if o.least, err = indicator.ParseSeverity(o.severity); err != nil {
			return since, usagef(cmd, "%w%s", err, didYouMean(o.severity, severities()))
		}
	}
	if since, err = namedquery.Moment(o.since, time.Now()); err != nil {
		return since, usagef(cmd, "--since: %w", err)
	}
	return since.UTC(), nil
}

// source finds the bucket and its folders.
func (o *tailOptions) source(ctx context.Context, args []string) (folders func(from, until time.Time) []string, err error) {
	if len(args) > 0 {
		if !logfile.IsS3(args[0]) {
			return nil, fmt.Errorf("%q: must be s3://BUCKET/PREFIX", args[0])
		}
		if o.outputBucket, o.prefix, err = logfile.SplitS3(args[0]); err != nil {
			return nil, err
		}
	}
	if err := o.findAll(ctx, o.needOutput()); err != nil {
		return nil, err
	}
	if len(args) > 0 && !strings.Contains(o.prefix, "!{") {
		return func(time.Time, time.Time) []string { return []string{o.prefix} }, nil
	}

	zone := time.Duration(0)
	if o.prefix == "" {
		if zone, err = o.findPrefix(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := keyprefix.Folders(o.prefix, time.Time{}, time.Time{}); err != nil {
		return nil, err
	}
	return func(from, until time.Time) []string {
		all, _ := keyprefix.Folders(o.prefix, from.Add(-zone), until.Add(zone)) // it was parsed before
		return all
	}, nil
}

// farthestZone is more than any time zone differs from UTC.
const farthestZone = 15 * time.Hour

// findPrefix reads the prefix from the delivery stream. It returns by how much the time zone of
// the stream may differ from UTC.
func (o *tailOptions) findPrefix(ctx context.Context) (zone time.Duration, err error) {
	var stream string
	if err := o.find(ctx, resource{"--prefix", &stream, settings.OutputDeliveryStreamName}); err != nil {
		return 0, err
	}
	delivery, err := stack.FindDelivery(ctx, o.config, stream)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w; or name the prefix with --prefix", stack.Explain(err))
	case delivery.Parquet:
		return 0, fmt.Errorf("the delivery stream %s writes Parquet, which tail cannot read: use 'resolverwatch query'", stream)
	case delivery.OtherZone != "":
		zone = farthestZone
	}
	o.prefix = delivery.Prefix
	return zone, nil
}

// follow polls until the context ends. A look that fails because of the network is repeated.
func (o *tailOptions) follow(ctx context.Context, f *tail.Follower) error {
	for polls, failed := 0, false; ; polls++ {
		err := stack.Explain(f.Poll(ctx))
		var refusal *stack.Refusal
		switch {
		case ctx.Err() != nil:
			return errStopped
		case err != nil && (polls == 0 || o.once || errors.As(err, &refusal) || !tail.IsListing(err)):
			return err
		case err != nil && !failed:
			f.Warn(err.Error() + "; it is tried again")
		}
		failed = err != nil
		if o.once {
			return f.Incomplete()
		}

		select {
		case <-ctx.Done():
			return errStopped
		case <-time.After(o.interval):
		}
	}
}
