package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	costs "github.com/resolverwatch/resolverwatch/internal/plan"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// backfillOptions are the flags of backfill.
type backfillOptions struct {
	deployment
	marker, machine string
	from, until     string
	run             string
	vpcs            []string
	alert, dryRun   bool
	detach          bool
	form            string
}

func newBackfill(std streams) *cobra.Command {
	var b backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill --from DATE --until DATE",
		Short: "Mark old log objects in S3",
		Long: `Backfill marks the log objects that Resolver wrote to the log bucket in a time, and that are
not marked yet. A state machine does the work, so the command may end (--detach) and start
again with the same --run, which follows the same backfill. Marked objects are skipped: a
second backfill of the same days costs little.

A damaged object does not end a backfill. If 1 % of the objects or fewer cannot be marked (ten are
always tolerated, but not more than half), the backfill succeeds; the command lists the objects, and
its exit code is 1.

Backfill sends no alerts, unless --alert is given.
` + deploymentHelp,
		Example: `  resolverwatch backfill --from 2026-10-01 --until 2026-11-01 --dry-run
  resolverwatch backfill --from 30d --until 1d
  resolverwatch backfill --from 2026-10-01 --until 2026-10-08 --vpc vpc-0a1b2c3d`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return b.do(cmd, std) },
	}
	b.registerStack(cmd)
	flags := cmd.Flags()
	flags.StringVar(&b.from, "from", "", "mark objects that began at `DATE` or later: a day, a time, or an age such as 7d (required)")
	flags.StringVar(&b.until, "until", "", "mark objects that began before `DATE` (required)")
	flags.StringSliceVar(&b.vpcs, "vpc", nil, "only the objects of this `VPC`; repeatable")
	flags.StringVar(&b.run, "run", "", "`NAME` of the backfill: letters, digits and hyphens (default: made from the days)")
	flags.BoolVar(&b.alert, "alert", false, "send alerts for the matches")
	flags.BoolVar(&b.dryRun, "dry-run", false, "only show how many objects would be marked, and what that costs")
	flags.BoolVar(&b.detach, "detach", false, "do not wait for the end")
	flags.StringVar(&b.marker, "marker", "", "`NAME` of the marker function (default: from the outputs of the stack)")
	flags.StringVar(&b.machine, "state-machine", "", "`ARN` of the state machine (default: from the outputs of the stack)")
	registerForm(cmd, &b.form, "", formText, formJSON)
	return cmd
}

func (b *backfillOptions) do(cmd *cobra.Command, std streams) error {
	request, err := b.request(cmd)
	if err != nil {
		return err
	}
	if err := b.findAll(cmd.Context(), resource{"--marker", &b.marker, settings.OutputMarkerFunctionName},
		resource{"--state-machine", &b.machine, settings.OutputBackfillARN}); err != nil {
		return err
	}
	backfills := stack.NewBackfills(b.config, b.marker, b.machine)
	if b.dryRun {
		plan, err := operator.DryRun(cmd.Context(), backfills, *request)
		if err != nil {
			return err
		}
		return b.printPlan(std.out, plan)
	}
	err = backfills.Start(cmd.Context(), request)
	switch {
	case errors.Is(err, storage.ErrExists):
		fmt.Fprintf(std.err, "the backfill %s was started before; following it\n", request.Run)
	case err != nil:
		return err
	}
	if b.detach {
		fmt.Fprintf(std.err, "started the backfill %s; to follow it, run the same command with --run %s\n", request.Run, request.Run)
		return nil
	}
	return b.follow(cmd, std, backfills, request.Run)
}

// request reads the flags.
func (b *backfillOptions) request(cmd *cobra.Command) (*backfill.Request, error) {
	request := &backfill.Request{Action: backfill.ActionPlan, Run: b.run, VPCs: b.vpcs, Alert: b.alert}
	now := time.Now()
	for _, moment := range []struct {
		flag, value string
		target      *time.Time
	}{{"from", b.from, &request.From}, {"until", b.until, &request.Until}} {
		if moment.value == "" {
			return nil, usagef(cmd, "--%s is missing: a day such as 2026-10-01, a time, or an age such as 7d", moment.flag)
		}
		at, err := namedquery.Moment(moment.value, now)
		if err != nil {
			return nil, usagef(cmd, "--%s: %v", moment.flag, err)
		}
		*moment.target = at.UTC().Truncate(time.Minute)
	}
	if request.Run == "" {
		request.Run = b.defaultRun(request)
	}
	if err := request.Check(); err != nil {
		return nil, usage(cmd, err)
	}
	return request, nil
}

// defaultRun returns a name that is the same for the same times and VPCs.
func (b *backfillOptions) defaultRun(request *backfill.Request) string {
	const form = "20060102T1504"
	name := request.From.Format(form) + "-" + request.Until.Format(form)
	if len(b.vpcs) == 1 {
		name += "-" + b.vpcs[0]
	} else if len(b.vpcs) > 1 {
		name += fmt.Sprintf("-%d-vpcs", len(b.vpcs))
	}
	if b.alert {
		name += "-alert"
	}
	return name
}

func (b *backfillOptions) printPlan(out io.Writer, plan *backfill.Plan) error {
	if b.form == formJSON {
		return json.NewEncoder(out).Encode(plan)
	}
	const mib = 1 << 20
	fmt.Fprintf(out, "dry run: %d objects with %d MiB would be marked, in %d tasks\n", plan.Objects, (plan.Bytes+mib-1)/mib, plan.Tasks)
	cost := costs.Backfill(plan.Objects, plan.Tasks, plan.Bytes)
	fmt.Fprintf(out, "cost, without storage: about %.2f dollars (%s; list prices of %s, %s)\n", cost.USD, cost.Arithmetic, costs.Region, costs.Date)
	if plan.Marked > 0 {
		fmt.Fprintf(out, "%d objects are marked already\n", plan.Marked)
	}
	if plan.NotLogs > 0 {
		fmt.Fprintf(out, "%d objects are not logs of Resolver\n", plan.NotLogs)
	}
	return nil
}

// follow shows the progress until the backfill ends.
func (b *backfillOptions) follow(cmd *cobra.Command, std streams, backfills operator.Backfills, run string) error {
	shown := ""
	state, err := operator.Follow(cmd.Context(), backfills, run, 5*time.Second, func(s *operator.BackfillState) {
		line := fmt.Sprintf("%s: %d of %d tasks done, %d could not mark anything", strings.ToLower(s.Status), s.Succeeded, s.Tasks, s.Failed)
		if line != shown {
			fmt.Fprintln(std.err, line)
			shown = line
		}
	})
	if state == nil {
		return err
	}
	if b.form == formJSON {
		return errors.Join(err, json.NewEncoder(std.out).Encode(state))
	}
	if state.Tally != nil {
		printFailed(std.out, state.Tally)
	}
	return err
}

// printFailed prints the first objects that could not be marked.
func printFailed(out io.Writer, tally *backfill.Tally) {
	for _, failure := range tally.First {
		fmt.Fprintf(out, "%s: %s\n", printable.Line(failure.Key), printable.Line(failure.Error))
	}
	if more := tally.Failed - len(tally.First); more > 0 {
		fmt.Fprintf(out, "and %d more objects\n", more)
	}
}
