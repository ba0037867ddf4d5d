package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
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
		Short: "Ask the importer to look at the lists and publish",
		Long: `Publish asks the importer to look at every feed and to publish what comes of it, as it
does by itself every hour, and waits until it has. --unpin ends what a rollback began.

--feed has it look at one feed alone; with --force it takes the feed's list though a
guard refuses it, or takes the feed away at once whose list was deleted. The reason
stands in the report.
` + deploymentHelp,
		Example: `  resolverwatch publish
  resolverwatch publish --unpin
  resolverwatch publish --feed urlhaus --force "the list was split, half is meant to go"`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd, std) },
	}
	p.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&p.unpin, "unpin", false, "let publishes move the pointer again after a rollback")
	flags.StringVar(&p.feed, "feed", "", "look at this feed `ID` alone")
	flags.StringVar(&p.force, "force", "", "`REASON` why the feed's list is taken against the guards")
	flags.DurationVar(&p.wait, "wait", defaultWait, "how long to wait for the importer; 0 is not at all")
	return cmd
}

func (p *publishOptions) run(cmd *cobra.Command, std streams) error {
	if p.force != "" && p.feed == "" {
		return usagef(cmd, "--force: name the one feed that it is for with --feed")
	}
	var feed indicator.FeedID
	var err error
	if p.feed != "" {
		if feed, err = indicator.NewFeedID(p.feed); err != nil {
			return usage(cmd, err)
		}
	}
	o, err := p.operator(cmd.Context(), p.needIndex(), p.needImporter())
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
		fmt.Fprintln(std.out, "the importer was asked; 'resolverwatch status' shows what comes of it")
	case published.Pinned:
		fmt.Fprintf(std.out, "generation %d is pinned and serves on, renewed; --unpin lets a newer one follow\n", published.Generation)
	default:
		fmt.Fprintf(std.out, "generation %d serves, renewed at %s\n", published.Generation, published.RenewedAt.Format(time.RFC3339))
	}
	return nil
}

func describeUnpin(pin *index.Pin) string {
	switch {
	case pin == nil:
		return "the pointer was not pinned"
	case pin.By == "":
		return "the pointer is not pinned any more"
	}
	text := fmt.Sprintf("the pointer is not pinned any more; %s had pinned it at %s", sighting.Printable(pin.By), pin.At.Format(time.RFC3339))
	if pin.Reason != "" {
		text += ": " + sighting.Wide(pin.Reason)
	}
	return text
}
