package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/index"
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
		Short: "Let an older generation of the index serve again",
		Long: `Rollback fetches a kept generation, verifies it whole, says what it changes, and lets it
serve: the transformers follow within a minute. The pointer is pinned then: uploads and
schedules publish nothing until 'resolverwatch publish --unpin'.

Without --to it is the newest generation before the one that serves.
'resolverwatch status' shows which are kept.
` + deploymentHelp,
		Example: `  resolverwatch rollback --dry-run
  resolverwatch rollback --to 41 --reason "feed urlhaus listed our CDN"`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd, std) },
	}
	r.registerIndex(cmd)
	flags := cmd.Flags()
	flags.Uint64Var(&r.to, "to", 0, "`GENERATION` that is to serve (default: the newest before the current one)")
	flags.StringVar(&r.reason, "reason", "", "`TEXT` that 'status' shows for as long as the pointer is pinned")
	flags.BoolVar(&r.dryRun, "dry-run", false, "only say what would change")
	flags.StringVarP(&r.form, "output", "o", formText, "`FORM`: text or json")
	return cmd
}

func (r *rollbackOptions) run(cmd *cobra.Command, std streams) error {
	if err := checkForm(cmd, r.form); err != nil {
		return err
	}
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
	done := rolledBack{From: plan.From.Generation, To: plan.To.Generation, Effect: plan.Effect, DryRun: r.dryRun}
	return done.write(std.out, r.form, plan)
}

// rolledBack is what a rollback did, or would do.
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
	verb := "serves now"
	if r.DryRun {
		verb = "would serve"
	}
	fmt.Fprintf(out, "generation %d %s in place of %d\n", r.To, verb, r.From)
	printEffect(out, &plan.Effect)
	if !r.DryRun {
		fmt.Fprintln(out, "nothing else is published until 'resolverwatch publish --unpin'")
	}
	return nil
}

func printEffect(out io.Writer, e *operator.Effect) {
	if e.Unknown != nil {
		fmt.Fprintf(out, "  what that changes cannot be said: %v\n", e.Unknown)
		return
	}
	fmt.Fprintf(out, "  %d entries gained, %d lost, %d rated otherwise\n", e.Added, e.Removed, e.Changed)
	for _, samples := range []struct {
		sign  index.ChangeKind
		texts []string
		all   int
	}{{index.Added, e.SampleAdded, e.Added}, {index.Removed, e.SampleRemoved, e.Removed}} {
		for _, text := range samples.texts {
			fmt.Fprintf(out, "  %c %s\n", samples.sign, sighting.Wide(text))
		}
		if more := samples.all - len(samples.texts); more > 0 {
			fmt.Fprintf(out, "  %c ... and %d more; 'resolverwatch index diff' shows them\n", samples.sign, more)
		}
	}
}

// checkForm refuses an output form that there is not.
func checkForm(cmd *cobra.Command, form string) error {
	if form != formText && form != formJSON {
		return usagef(cmd, "output %q: must be text or json", form)
	}
	return nil
}

// defaultWait is how long commands wait for the importer: an index of a million names
// is published in half a minute.
const defaultWait = 5 * time.Minute
