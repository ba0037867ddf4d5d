package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/replay"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/stream"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/keyprefix"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Values of the flags of replay.
const (
	replayFailed  = "failed"
	replayUnknown = "unknown"
	toStream      = "stream"
	toObjects     = "objects"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	deployment
	what, to      string
	stream        string
	prefix        string
	marked        string
	from, until   string
	perSecond     int
	dryRun, quiet bool
	form          string
}

func newReplay(std streams) *cobra.Command {
	var r replayOptions
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Bring back records that were not marked",
		Long: `Replay brings back records that were set aside (--what failed), because the transformer
failed, for example. It reads the objects under the error prefix and sends the records to the
delivery stream again (--to stream), or marks them here and writes them as marked objects
(--to objects). Members that marking added are taken off first.

With --what unknown, replay reads marked objects instead. It marks records again that are
unknown for want of an index, of a new index, or of time, and replaces the objects: no row is
in the table twice. This needs marked logs in JSON.

A replay can be stopped and started again: it keeps a ledger under replay/ in the output
bucket, and takes each version of an object once. If it is killed while it sends a batch, the
next replay sends up to 500 records twice. Records that cannot come back are kept under
replay/quarantine/.
` + deploymentHelp,
		Example: `  resolverwatch replay --dry-run
  resolverwatch replay --from 2026-11-28 --until 2026-11-30 --rate 2000
  resolverwatch replay --to objects
  resolverwatch replay --what unknown --from 2026-11-29`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd, std) },
	}
	r.registerIndex(cmd)
	flags := cmd.Flags()
	flags.StringVar(&r.what, "what", replayFailed, "`WHAT` to bring back: failed or unknown")
	flags.StringVar(&r.to, "to", toStream, "with --what failed: where `TO` bring it: stream or objects")
	flags.StringVar(&r.from, "from", "", "only objects that were written since `DATE`: a day, a time, or an age such as 7d")
	flags.StringVar(&r.until, "until", "", "only objects that were written before `DATE`")
	flags.IntVar(&r.perSecond, "rate", defaultRate, "send at most `N` records a second; 0 means no limit")
	flags.BoolVar(&r.dryRun, "dry-run", false, "only count what would come back")
	flags.BoolVarP(&r.quiet, "quiet", "q", false, "show no progress")
	flags.StringVar(&r.prefix, "prefix", "", "`PREFIX` of the objects to read (default: from the outputs of the stack)")
	flags.StringVar(&r.marked, "marked-prefix", "", "with --to objects: `PREFIX` of the marked logs, with the expressions of Firehose (default: from the outputs of the stack)")
	flags.StringVar(&r.stream, "stream-name", "", "`NAME` of the delivery stream (default: from the outputs of the stack)")
	flags.StringVar(&r.outputBucket, "output-bucket", "", "`NAME` of the output bucket (default: from the outputs of the stack)")
	registerForm(cmd, &r.form, "", formText, formJSON)
	return cmd
}

// defaultRate leaves room for new records in a stream that takes 1 MiB a second, the quota in most
// Regions.
const defaultRate = 1000

func (r *replayOptions) run(cmd *cobra.Command, std streams) error {
	if err := r.check(cmd); err != nil {
		return err
	}
	config, err := r.config(cmd, std)
	if err != nil {
		return err
	}
	report, err := r.replay(cmd.Context(), config)
	if report == nil {
		return err
	}
	if r.form == formJSON {
		if err := json.NewEncoder(std.out).Encode(report); err != nil {
			return err
		}
	} else {
		r.print(std.out, report)
	}
	return err
}

// check refuses flags that do not fit together.
func (r *replayOptions) check(cmd *cobra.Command) error {
	if err := checkChoice(cmd, "what", r.what, replayFailed, replayUnknown); err != nil {
		return err
	}
	if err := checkChoice(cmd, "to", r.to, toStream, toObjects); err != nil {
		return err
	}
	switch {
	case r.what == replayUnknown && cmd.Flags().Changed("to"):
		return usagef(cmd, "--to has no use with --what unknown: the marked objects are replaced")
	case r.perSecond < 0:
		return usagef(cmd, "--rate %d: must not be negative", r.perSecond)
	}
	return nil
}

// config finds the bucket and the prefix, and reads the times.
func (r *replayOptions) config(cmd *cobra.Command, std streams) (replay.Config, error) {
	config := replay.Config{DryRun: r.dryRun}
	now := time.Now()
	for _, moment := range []struct {
		flag, value string
		target      *time.Time
	}{{"from", r.from, &config.From}, {"until", r.until, &config.Until}} {
		if moment.value == "" {
			continue
		}
		at, err := namedquery.Moment(moment.value, now)
		if err != nil {
			return config, usagef(cmd, "--%s: %v", moment.flag, err)
		}
		*moment.target = at
	}
	if err := r.findAll(cmd.Context(), r.needed()...); err != nil {
		return config, err
	}
	config.Bucket = bucket.NewOutput(bucket.NewClient(r.deployment.config), r.outputBucket)
	config.Prefix = literalStart(r.prefix)
	if showsProgress(std.err, r.quiet) {
		config.Progress = func(report *replay.Report) {
			fmt.Fprintf(std.err, "\r%d objects, %d records", report.Objects, report.Records)
		}
	}
	return config, nil
}

// needed returns the resources that the replay uses.
func (r *replayOptions) needed() []resource {
	needed := []resource{r.needOutput()}
	prefix := settings.OutputErrorPrefix
	if r.what == replayUnknown {
		prefix = settings.OutputMarkedPrefix
	}
	needed = append(needed, resource{"--prefix", &r.prefix, prefix})
	switch {
	case r.what == replayUnknown:
		needed = append(needed, r.needIndex())
	case r.to == toObjects:
		needed = append(needed, r.needIndex(), resource{"--marked-prefix", &r.marked, settings.OutputMarkedPrefix})
	default:
		needed = append(needed, resource{"--stream-name", &r.stream, settings.OutputDeliveryStreamName})
	}
	return needed
}

// literalStart returns a prefix up to its first expression.
func literalStart(prefix string) string {
	start, _, _ := strings.Cut(prefix, "!{")
	return start
}

func (r *replayOptions) replay(ctx context.Context, config replay.Config) (*replay.Report, error) {
	if r.what == replayFailed && r.to == toStream {
		return replay.ToStream(ctx, config, stream.New(r.deployment.config, r.stream), r.perSecond)
	}
	x, err := currentIndex(ctx, &r.deployment)
	if err != nil {
		return nil, err
	}
	if r.what == replayUnknown {
		return replay.FromUnknown(ctx, config, x)
	}
	marked, _, err := keyprefix.Parse(r.marked, "!{firehose:error-output-type}/")
	if err != nil {
		return nil, fmt.Errorf("reading --marked-prefix: %w", err)
	}
	return replay.ToObjects(ctx, config, x, marked)
}

// currentIndex loads the current index of a deployment.
func currentIndex(ctx context.Context, d *deployment) (*index.Index, error) {
	o := &operator.Operator{Index: bucket.NewIndex(bucket.NewClient(d.config), d.indexBucket), Now: time.Now}
	return o.Open(ctx, 0)
}

// print writes what the replay did.
func (r *replayOptions) print(out io.Writer, report *replay.Report) {
	if r.dryRun {
		fmt.Fprint(out, "dry run, nothing is changed: ")
	}
	fmt.Fprintf(out, "%d objects, %d records came back\n", report.Objects, report.Records)
	for _, line := range []struct {
		count int
		text  string
	}{
		{report.Changed, "objects were replaced"},
		{report.DoneBefore, "objects were left out, because an earlier replay has finished them"},
		{report.ChangedAway, "objects changed or went while they were read: start the replay again"},
		{report.Quarantined, "records cannot come back, and are kept under " + report.Quarantine},
	} {
		if line.count > 0 {
			fmt.Fprintf(out, "%d %s\n", line.count, line.text)
		}
	}
}
