package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// rollbackOptions are the flags of rollback.
type rollbackOptions struct {
	deployment
	to           uint64
	reason, form string
	dryRun       bool
}

func newRollback(std streams) *cobra.Command {
	var r rollbackOptions
	cmd := &cobra.Command{
		Use:   "rollback [--to N] [--reason TEXT]",
		Short: "Go back to an older generation of the index",
		Long: `Rollback fetches an older generation of the index, verifies it, shows what changes, and
makes it the current generation. Transformers switch to it within a minute. Rollback also
pins the index: uploads and schedules publish nothing until 'resolverwatch publish --unpin'.

Without --to, rollback chooses the newest generation before the current one.
'resolverwatch status' shows which generations are kept.
` + deploymentHelp,
		Example: `  resolverwatch rollback --dry-run
  resolverwatch rollback --to 41 --reason "feed urlhaus listed our CDN"`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd, std) },
	}
	r.registerIndex(cmd)
	flags := cmd.Flags()
	flags.Uint64Var(&r.to, "to", 0, "`GENERATION` to go back to (default: the newest one before the current one)")
	completeFlag(cmd, "to", olderGenerations(&r.deployment))
	flags.StringVar(&r.reason, "reason", "", "`TEXT` that 'status' shows while the index is pinned")
	flags.BoolVar(&r.dryRun, "dry-run", false, "only show what would change")
	registerForm(cmd, &r.form, "", formText, formJSON)
	return cmd
}

func (r *rollbackOptions) run(cmd *cobra.Command, std streams) error {
	o, err := r.operator(cmd.Context(), r.needIndex())
	if err != nil {
		return err
	}

	plan, err := o.PlanRollback(cmd.Context(), r.to)
	if err != nil {
		return err
	}
	if !r.dryRun {
		o.By = r.caller(cmd.Context())
		if _, err := o.Rollback(cmd.Context(), plan, r.reason); err != nil {
			return err
		}
	}
	done := rolledBack{
		From:   plan.From.Generation,
		To:     plan.To.Generation,
		DryRun: r.dryRun,
		Effect: plan.Effect,
	}
	return done.write(std.out, r.form, plan)
}

// rolledBack is the result of a rollback.
type rolledBack struct {
	From   uint64          `json:"from"`
	To     uint64          `json:"to"`
	DryRun bool            `json:"dry_run"`
	Effect operator.Effect `json:"effect"`
}

func (r *rolledBack) write(out io.Writer, form string, plan *operator.RollbackPlan) error {
	if form == formJSON {
		return json.NewEncoder(out).Encode(r)
	}
	verb := "replaces"
	if r.DryRun {
		verb = "would replace"
	}
	fmt.Fprintf(out, "generation %d %s generation %d\n", r.To, verb, r.From)
	printEffect(out, &plan.Effect)
	if !r.DryRun {
		fmt.Fprintln(out, "the index is pinned: nothing newer is published until 'resolverwatch publish --unpin'")
	}
	return nil
}

func printEffect(out io.Writer, e *operator.Effect) {
	if e.Unknown != nil {
		fmt.Fprintf(out, "  cannot compare the two generations: %v\n", e.Unknown)
		return
	}
	fmt.Fprintf(out, "  %d added, %d removed, %d changed\n", e.Added, e.Removed, e.Changed)
	for _, samples := range []struct {
		sign  index.ChangeKind
		texts []string
		all   int
	}{{index.Added, e.SampleAdded, e.Added}, {index.Removed, e.SampleRemoved, e.Removed}} {
		for _, text := range samples.texts {
			fmt.Fprintf(out, "  %c %s\n", samples.sign, printable.Line(text))
		}
		if more := samples.all - len(samples.texts); more > 0 {
			fmt.Fprintf(out, "  %c ... and %d more; use 'resolverwatch index diff' to see all\n", samples.sign, more)
		}
	}
}
