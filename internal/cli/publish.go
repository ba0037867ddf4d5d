package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// publishOptions are the flags of publish.
type publishOptions struct {
	deployment
	unpin       bool
	feed, force string
	wait        time.Duration
}

func newPublish(std streams) *cobra.Command {
	var p publishOptions
	cmd := &cobra.Command{
		Use:   "publish [--unpin] [--feed ID [--force REASON]]",
		Short: "Ask the importer to check the lists and publish",
		Long: `Publish asks the importer to check every feed and publish the index, as it does every hour,
and waits until it is done. --unpin unpins the index after a rollback.

With --feed the importer checks only one feed. With --force it accepts the feed's list even
if a guard refuses it. If the feed's list was deleted, it removes the feed immediately. The
reason is written to the report.
` + deploymentHelp,
		Example: `  resolverwatch publish
  resolverwatch publish --unpin
  resolverwatch publish --feed urlhaus --force "the list was split, half is meant to go"`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd, std) },
	}
	p.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&p.unpin, "unpin", false, "unpin the index, so that newer generations are published again")
	flags.StringVar(&p.feed, "feed", "", "check only the feed `ID`")
	completeFlag(cmd, "feed", feedIDs(&p.deployment))
	flags.StringVar(&p.force, "force", "", "accept the feed's list against the guards, for this `REASON`")
	flags.DurationVar(&p.wait, "wait", defaultWait, "how long to wait for the importer; 0 means not to wait")
	return cmd
}

func (p *publishOptions) run(cmd *cobra.Command, std streams) error {
	if p.force != "" && p.feed == "" {
		return usagef(cmd, "--force needs --feed, which names the feed")
	}
	var feed indicator.FeedID
	var err error
	if p.feed != "" {
		if feed, err = indicator.NewFeedID(p.feed); err != nil {
			return usage(cmd, err)
		}
	}
	needed := []resource{p.needIndex(), p.needImporter()}
	if feed != "" {
		needed = append(needed, p.needTable())
	}
	o, err := p.operator(cmd.Context(), needed...)
	if err != nil {
		return err
	}

	if p.unpin {
		pin, err := o.Unpin(cmd.Context())
		if err != nil {
			return err
		}
		fmt.Fprintln(std.out, describeUnpin(pin))
	}

	published, err := o.Publish(cmd.Context(), feed, p.force, p.wait)
	if err != nil {
		return err
	}
	switch {
	case published.Generation == 0:
		fmt.Fprintln(std.out, "the importer was asked to publish; 'resolverwatch status' shows the result")
	case published.Pinned:
		fmt.Fprintf(std.out, "generation %d is pinned and was renewed; --unpin allows newer generations\n", published.Generation)
	default:
		fmt.Fprintf(std.out, "generation %d is current, renewed at %s\n", published.Generation, published.RenewedAt.Format(time.RFC3339))
	}
	return nil
}

func describeUnpin(pin *index.Pin) string {
	switch {
	case pin == nil:
		return "the index was not pinned"
	case pin.By == "":
		return "unpinned the index"
	}
	text := fmt.Sprintf("unpinned the index, which %s pinned at %s", sighting.Printable(pin.By), pin.At.Format(time.RFC3339))
	if pin.Reason != "" {
		text += ": " + printable.Line(pin.Reason)
	}
	return text
}
