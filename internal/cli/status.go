package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/operator/health"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// statusOptions are the flags of status.
type statusOptions struct {
	deployment
	form        string
	metricStack string
	exitCode    bool
}

func newStatus(std streams) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show whether a deployed stack works, its index and the state of each feed",
		Long: `Status shows on one screen whether a deployed stack works: the query logs that arrived and the
verdicts of the last hour, the alarms, the dead letters, and whether Resolver logs each VPC;
then the current generation of the index, the generations that rollback can choose from, and
for each feed its accepted list, the age and entries of that list, and whether the newest list
was accepted or refused.

Each section stands alone: if a permission is missing, one line names it, and the other
sections are shown. The exit code is 1 only if the index or the feeds cannot be read. With
--exit-code it is 3 if something is wrong or a section could not be read, for use in scripts.
` + deploymentHelp,
		Example: `  resolverwatch status
  resolverwatch status --exit-code >/dev/null || echo "look at it"
  resolverwatch status -o json | jq -r '.problems[]'
  resolverwatch status -o json | jq '.feeds[] | select(.last.outcome == "refused")'`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, std) },
	}
	o.registerIndex(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.table, "table", "", "`NAME` of the table (default: from the outputs of the stack)")
	flags.StringVar(&o.metricStack, "metric-stack", "", "`VALUE` of the dimension Stack of the metrics, if the pipeline sets another (default: --stack)")
	flags.BoolVar(&o.exitCode, "exit-code", false, "exit with code 3 if something is wrong or a section could not be read")
	registerForm(cmd, &o.form, "", formText, formJSON)
	return cmd
}

// state is everything that status shows. The members of the embedded parts are its own.
type state struct {
	*operator.Status
	*health.Report
	Healthy bool `json:"healthy"`
	// Problems says what is wrong, and which sections could not be read.
	Problems []string `json:"problems"`
}

func (o *statusOptions) run(cmd *cobra.Command, std streams) error {
	ctx := cmd.Context()
	op, err := o.operator(ctx, o.needIndex(), o.needTable())
	if err != nil {
		return err
	}
	op.Words = func(err error) string { return stack.Explain(err).Error() }

	works := o.health(ctx)
	report, err := works.Check(ctx)
	if err != nil {
		return err
	}
	s, lists := op.Status(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}

	all := state{Status: s, Report: report, Problems: append(report.Problems(), s.Problems()...)}
	all.Healthy = len(all.Problems) == 0
	if err := all.print(std.out, o.form); err != nil {
		return err
	}
	switch {
	case lists != nil:
		return lists
	case o.exitCode && !all.Healthy:
		return errUnhealthy
	}
	return nil
}

func (s *state) print(out io.Writer, form string) error {
	if form == formJSON {
		return json.NewEncoder(out).Encode(s)
	}
	printProblems(out, s.Problems)
	printHealth(out, s.Report, s.At)
	printStatus(out, s.Status)
	return nil
}

func printStatus(out io.Writer, s *operator.Status) {
	if s.PointerProblem != "" {
		fmt.Fprintf(out, "the index pointer is NOT VALID: %s\nto repair it: 'resolverwatch publish'\n", printable.Line(s.PointerProblem))
	}
	switch {
	case s.Current != nil:
		printCurrent(out, s)
	case s.IndexError != "":
		fmt.Fprintln(out, "index          not shown:", printable.Line(s.IndexError))
	case s.PointerProblem == "":
		fmt.Fprintln(out, "no index was published yet: every query is marked unknown (no_index)")
	}
	printGenerations(out, s)
	printFeeds(out, s)
}

func printCurrent(out io.Writer, s *operator.Status) {
	c := s.Current
	fmt.Fprintf(out, "generation %d is current: %d entries, renewed %s ago", c.Generation, c.Entries, age(s.At.Sub(c.RenewedAt)))
	if s.ManualEntries > 0 {
		fmt.Fprintf(out, ", manual entries: %d", s.ManualEntries)
	}
	fmt.Fprintln(out)
	if c.Gone {
		fmt.Fprintln(out, "its index object is GONE, so transformers cannot load it: run 'resolverwatch publish' to build "+
			"it again or, if it is pinned, 'resolverwatch rollback --to' another generation")
	}
	if !c.Pinned {
		return
	}
	fmt.Fprint(out, "it is PINNED: nothing newer is published")
	if c.Pin != nil {
		fmt.Fprintf(out, " (by %s, %s ago", printable.Line(c.Pin.By), age(s.At.Sub(c.Pin.At)))
		if c.Pin.Reason != "" {
			fmt.Fprintf(out, ": %s", printable.Line(c.Pin.Reason))
		}
		fmt.Fprint(out, ")")
	}
	fmt.Fprintln(out, "\nto unpin it: 'resolverwatch publish --unpin'")
}

func printGenerations(out io.Writer, s *operator.Status) {
	if len(s.Generations) == 0 {
		return
	}
	t := term.NewTable(out, term.Word(""), term.Number("Generation"), term.Word("Published"), term.Number("Entries"),
		term.Number("Feeds"), term.Number("Bytes"))
	for _, g := range s.Generations {
		state := ""
		if g.IsCurrent {
			state = "current"
		}
		t.Add(state, fmt.Sprint(g.Generation), age(s.At.Sub(g.PublishedAt))+" ago", fmt.Sprint(g.Entries), fmt.Sprint(g.Feeds), fmt.Sprint(g.Bytes))
	}
	fmt.Fprintln(out)
	t.Render()
}

func printFeeds(out io.Writer, s *operator.Status) {
	switch {
	case s.FeedsError != "":
		fmt.Fprintln(out, "feeds          not shown:", printable.Line(s.FeedsError))
		return
	case len(s.Feeds) == 0:
		fmt.Fprintln(out, "\nno feed has a list yet")
		return
	}
	t := term.NewTable(out, term.Text("Feed"), term.Word(""), term.Number("Entries"), term.Number("Served"), term.Word("Age"),
		term.Word("Last list"), term.Prose("Notes"))
	for i := range s.Feeds {
		f := &s.Feeds[i]
		served, accepted := "no", "never"
		if f.Served != nil {
			served = fmt.Sprint(*f.Served)
		} else if s.IndexError != "" {
			served = "?"
		}
		if f.AcceptedAt != nil {
			accepted = age(s.At.Sub(*f.AcceptedAt))
		}
		last := string(f.Last.Outcome)
		if f.Last.At != nil {
			last += ", " + age(s.At.Sub(*f.Last.At)) + " ago"
		}

		t.Add(string(f.ID), f.Action, fmt.Sprint(f.Entries), served, accepted, last, strings.Join(feedNotes(f, s), "; "))
	}
	fmt.Fprintln(out)
	t.Render()
}

// feedNotes returns the problems of a feed.
func feedNotes(f *operator.FeedStatus, s *operator.Status) (notes []string) {
	if f.Last.Reason != "" {
		notes = append(notes, strings.ReplaceAll(printable.Line(f.Last.Reason), " ", ", ")+": see "+f.Last.Report)
	}
	if f.Fetch != nil && f.Fetch.Failures > 0 {
		notes = append(notes, fmt.Sprintf("%d failed fetches, the last %s ago: %s",
			f.Fetch.Failures, age(s.At.Sub(f.Fetch.At)), printable.Line(f.Fetch.Reason)))
	}
	if f.Missing != nil {
		notes = append(notes, "its list was deleted "+age(s.At.Sub(*f.Missing))+" ago")
	}
	if f.Expired {
		notes = append(notes, "older than its maxAge of "+f.MaxAge+": left out")
	}
	if f.EndedRuns > 0 {
		notes = append(notes, fmt.Sprintf("%d runs ended while they read its newest list", f.EndedRuns))
	}
	if f.LeftOut != "" {
		notes = append(notes, "its accepted list is left out of the index: see "+f.LeftOut)
	} else if f.AcceptedAt != nil && s.Current != nil && !f.Current && !f.Expired {
		notes = append(notes, "its accepted list is not published yet")
	}
	if f.Table != "in order" {
		notes = append(notes, "table "+f.Table)
	}
	return notes
}

// age formats a duration for people, in one or two units.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60) //nolint:mnd // minutes of an hour
	default:
		return fmt.Sprintf("%d days", int(d/day))
	}
}
