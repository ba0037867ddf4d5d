package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// allowOptions are the flags of allow.
type allowOptions struct {
	deployment
	reason, scope        string
	lifetime             string
	remove, list, dryRun bool
	wait                 time.Duration
}

func newAllow(std streams) *cobra.Command {
	var a allowOptions
	cmd := &cobra.Command{
		Use:   "allow NAME --reason TEXT",
		Short: "Allow a name that the lists block",
		Long: `Allow stores an allow entry of the feed "manual" in the table, with the reason, your
identity and the time. It asks the importer to publish and waits until the published index
has the entry. The entry vetoes matching entries of every feed, unless they are more
specific. NAME may be an address or a CIDR block.

Before it changes anything, the command shows the current verdict on NAME, the entries that
will be vetoed, and those that are more specific and keep matching. --remove removes an
entry again.
` + deploymentHelp,
		Example: `  resolverwatch allow cdn.example --reason "our CDN, ticket 4711"
  resolverwatch allow files.example --scope name --for 7d --reason "until the feed is fixed"
  resolverwatch allow --list
  resolverwatch allow cdn.example --remove`,
		Args: argCount(0, 1, "name one NAME to allow"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd, std, args) },
	}
	a.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&a.reason, "reason", "", "`TEXT` that is stored with the entry (required)")
	flags.StringVar(&a.scope, "scope", "", "`SCOPE` of a name: name, subtree or under (default: subtree)")
	flags.StringVar(&a.lifetime, "for", "", "`DURATION` after which the entry expires, such as 36h or 7d (default: never)")
	flags.BoolVar(&a.remove, "remove", false, "remove the entry")
	flags.BoolVar(&a.list, "list", false, "list all entries that were added by hand; reads the whole table")
	flags.BoolVar(&a.dryRun, "dry-run", false, "only show what would change")
	flags.DurationVar(&a.wait, "wait", defaultWait, "how long to wait for the importer; 0 means not to wait")
	return cmd
}

func (a *allowOptions) run(cmd *cobra.Command, std streams, args []string) error {
	switch {
	case a.list && len(args) == 0:
		return a.printEntries(cmd, std.out)
	case len(args) != 1 || a.list:
		return usagef(cmd, "name one NAME to allow, or use --list without a name")
	case a.reason == "" && !a.remove && !a.dryRun:
		return usagef(cmd, "no reason: explain with --reason why %s is allowed; the reason is stored with the entry", args[0])
	}

	var scope indicator.Scope
	var lifetime time.Duration
	var errs [2]error
	if a.scope != "" {
		scope, errs[0] = indicator.ParseScope(a.scope)
	}
	if a.lifetime != "" {
		lifetime, errs[1] = settings.ParseDuration(a.lifetime)
	}
	if err := cmp.Or(errs[:]...); err != nil {
		return usagef(cmd, "%w%s", err, didYouMean(a.scope, scopes()))
	}

	entry, err := operator.NewAllowEntry(args[0], scope)
	if err != nil {
		return err
	}
	needed := []resource{a.needIndex()}
	if !a.dryRun {
		needed = append(needed, a.needTable(), a.needImporter())
	}

	o, err := a.operator(cmd.Context(), needed...)
	if err != nil {
		return err
	}
	if a.remove {
		return a.removeEntry(cmd, std.out, o, entry)
	}
	return a.addEntry(cmd, std.out, o, entry, lifetime)
}

func (a *allowOptions) addEntry(
	cmd *cobra.Command, out io.Writer, o *operator.Operator, entry indicator.Indicator, lifetime time.Duration,
) error {
	plan, err := o.PlanAllow(cmd.Context(), entry)
	if err != nil {
		return err
	}
	if err := printAllow(out, plan); err != nil || a.dryRun {
		return err
	}
	o.By = a.caller(cmd.Context())
	before, err := o.Allow(cmd.Context(), entry, a.reason, lifetime)
	if err != nil {
		return err
	}
	if before != nil {
		fmt.Fprintf(out, "replaced the entry of %s\n", describeEdit(before))
	}
	fmt.Fprintf(out, "stored: %s is allowed with scope %s\n", entry.Value(), entry.Scope)
	return a.publish(cmd, out, o, entry, plan.Pinned)
}

func (a *allowOptions) removeEntry(cmd *cobra.Command, out io.Writer, o *operator.Operator, entry indicator.Indicator) error {
	before, err := o.Disallow(cmd.Context(), entry)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "removed the entry of %s\n", describeEdit(before))
	plan, err := o.PlanAllow(cmd.Context(), entry)
	if err != nil {
		return err
	}
	return a.publish(cmd, out, o, entry, plan.Pinned)
}

// publish asks the importer to publish, and waits until the index has the change.
func (a *allowOptions) publish(
	cmd *cobra.Command, out io.Writer, o *operator.Operator, entry indicator.Indicator, pinned bool,
) error {
	if pinned {
		fmt.Fprintln(out, "the index is pinned: the change takes effect after 'resolverwatch publish --unpin'")
		return nil
	}
	if _, err := o.Publish(cmd.Context(), "", "", 0); err != nil {
		return fmt.Errorf("%w; the change is stored and takes effect when the importer publishes next", err)
	}
	if a.wait <= 0 {
		fmt.Fprintln(out, "the importer was asked to publish")
		return nil
	}
	current, err := o.AwaitEdit(cmd.Context(), entry, !a.remove, a.wait)
	if errors.Is(err, operator.ErrNotYet) {
		return fmt.Errorf("%w; the change is stored and takes effect then", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "generation %d has the change; transformers load it within their poll interval\n", current.Generation)
	return nil
}

// printAllow prints the current verdict and what an allow entry will change.
func printAllow(out io.Writer, plan *operator.AllowPlan) error {
	if plan.Index == nil {
		fmt.Fprintln(out, "no index was published yet, so there is nothing to veto")
		return nil
	}
	fmt.Fprintln(out, "current verdict:")

	if !plan.Entry.Block.IsValid() || plan.Entry.Block.IsSingleIP() {
		answer, err := checkText(plan.Index, plan.Entry.Value())
		if err != nil {
			return err
		}
		if err := answer.print(out, term.ColorsOf(out)); err != nil {
			return err
		}
	}

	if len(plan.Vetoed) == 0 {
		fmt.Fprintln(out, "no entries are vetoed: the current index lists neither the name nor a parent of it")
	} else {
		fmt.Fprintf(out, "entries that will be vetoed: %d\n", len(plan.Vetoed))
	}
	for i := range plan.Vetoed[:min(len(plan.Vetoed), maxFindings)] {
		s := &plan.Vetoed[i]
		fmt.Fprintf(out, "  %s (%s, %s)\n", printable.Line(s.Value()), s.Feed, s.Scope)
	}
	if plan.StillMatching > 0 {
		fmt.Fprintf(out, "more specific entries that keep matching: %d\n", plan.StillMatching)
		for _, text := range plan.StillMatchingSamples {
			fmt.Fprintf(out, "  %s\n", printable.Line(text))
		}
	}
	return nil
}

func (a *allowOptions) printEntries(cmd *cobra.Command, out io.Writer) error {
	o, err := a.operator(cmd.Context(), a.needTable())
	if err != nil {
		return err
	}
	edits, err := o.Edits.All(cmd.Context())
	slices.SortFunc(edits, func(a, b operator.Edit) int { return a.Compare(&b.Indicator) })
	for i := range edits {
		fmt.Fprintln(out, describeEdit(&edits[i]))
	}
	return err // the edits that could be read were printed
}

// describeEdit describes an edit in one line: the entry, who added it, when and why.
func describeEdit(e *operator.Edit) string {
	text := fmt.Sprintf("%s (%s, %s)", printable.Line(e.Value()), e.Action, e.Scope)
	if e.By != "" {
		text += " by " + printable.Line(e.By)
	}
	if !e.AddedAt.IsZero() {
		text += " at " + e.AddedAt.Format(time.RFC3339)
	}
	if !e.ExpiresAt.IsZero() {
		text += " until " + e.ExpiresAt.Format(time.RFC3339)
	}
	if e.Reason != "" {
		text += ": " + printable.Line(e.Reason)
	}
	return text
}
