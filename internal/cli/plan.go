package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/plan"
)

// planOptions are the flags of plan.
type planOptions struct {
	volume  plan.Volume
	on, off []string
	form    string
}

func newPlan(std streams) *cobra.Command {
	var p planOptions
	cmd := &cobra.Command{
		Use:   "plan [--queries-per-month N]",
		Short: "Print what a deployment costs a month",
		Long: `Plan prints what each part of a deployment costs a month, with its arithmetic, for a number
of queries. It asks nobody: the prices are list prices, and their date is printed with them.
docs/cost.md says where they come from and which of them are not confirmed.

The total is that of the parts that are on by default. --on and --off change that, by the name
of one part, such as hunts/tunnels, or of a kind of parts, such as hunts.`,
		Example: `  resolverwatch plan
  resolverwatch plan --queries-per-month 50000000 --off hunts/tunnels
  resolverwatch plan --on hunts/beacons --off alerts -o json`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd, std) },
	}
	flags := cmd.Flags()
	flags.Float64Var(&p.volume.Queries, "queries-per-month", 1e9, "`NUMBER` of logged queries")
	flags.Float64Var(&p.volume.Names, "names", 1e6, "`NUMBER` of names on all lists")
	flags.StringSliceVar(&p.on, "on", nil, "`PART` that is on; repeatable")
	flags.StringSliceVar(&p.off, "off", nil, "`PART` that is off; repeatable")
	flags.StringVarP(&p.form, "output", "o", formText, "`FORM`: text or json")
	return cmd
}

// maxVolume bounds the numbers, so that a mistyped one does not print a line of digits.
const maxVolume = 1e15

func (p *planOptions) run(cmd *cobra.Command, std streams) error {
	if err := checkForm(cmd, p.form); err != nil {
		return err
	}
	for name, n := range map[string]float64{"--queries-per-month": p.volume.Queries, "--names": p.volume.Names} {
		if !(n >= 0 && n <= maxVolume) { // NaN is not
			return usagef(cmd, "%s %v: must be in [0, 1e15]", name, n)
		}
	}
	lines := plan.New(p.volume)
	for _, change := range []struct {
		parts []string
		on    bool
	}{{p.on, true}, {p.off, false}} {
		for _, part := range change.parts {
			if !plan.Switch(lines, part, change.on) {
				return usagef(cmd, "there is no part %q; 'resolverwatch plan' prints their names", part)
			}
		}
	}
	if p.form == formJSON {
		return p.writeJSON(std.out, lines)
	}
	p.print(std.out, lines)
	return nil
}

func (p *planOptions) writeJSON(out io.Writer, lines []plan.Line) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Date    string      `json:"prices_of"`
		Region  string      `json:"region"`
		Queries float64     `json:"queries_per_month"`
		Names   float64     `json:"names"`
		Total   float64     `json:"total_usd"`
		Lines   []plan.Line `json:"lines"`
	}{plan.Date, plan.Region, p.volume.Queries, p.volume.Names, plan.Total(lines), lines})
}

func (p *planOptions) print(out io.Writer, lines []plan.Line) {
	fmt.Fprintf(out, "%.0f queries a month and %.0f names, in dollars at list prices of %s, %s:\n\n",
		p.volume.Queries, p.volume.Names, plan.Region, plan.Date)
	t := newTable(out, "PART", "", "$ A MONTH", "ARITHMETIC")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 3, Align: text.AlignRight}})
	unconfirmed := false
	for _, line := range lines {
		state, cost := "on", fmt.Sprintf("%.2f", line.USD)
		if !line.On {
			state = "off"
		}
		if line.UpTo {
			cost = "up to " + cost
		}
		if line.Unconfirmed {
			cost += " *"
			unconfirmed = true
		}
		t.AppendRow(table.Row{line.Part, state, cost, line.Arithmetic})
	}
	t.AppendSeparator()
	t.AppendRow(table.Row{"total", "on", fmt.Sprintf("%.2f", plan.Total(lines)), ""})
	t.Render()
	if unconfirmed {
		fmt.Fprintln(out, "\n* a price is not confirmed")
	}
}
