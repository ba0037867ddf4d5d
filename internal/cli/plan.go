package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/plan"
	"github.com/resolverwatch/resolverwatch/internal/term"
)

// planOptions are the flags of plan.
type planOptions struct {
	volume    plan.Volume
	perSecond float64 // 0: the volume says how much
	peak      float64
	on, off   []string
	form      string
}

func newPlan(std streams) *cobra.Command {
	var p planOptions
	cmd := &cobra.Command{
		Use:   "plan [--queries-per-month N | --queries-per-second N]",
		Short: "Print what a deployment needs and costs",
		Long: `Plan prints what each part of a deployment costs a month, with its arithmetic, for a number
of queries. It asks nobody: the prices are list prices, and their date is printed with them.
docs/cost.md says where they come from and which of them are not confirmed.

With --queries-per-second it also prints what the load takes of the quotas of AWS and of the
settings, and which source fits: Firehose, or S3 for a high rate. The rate is the average;
quotas are compared with the busiest second, which has --peak times as many queries.
docs/scale.md explains each row.

The total is that of the parts that are on by default. --on and --off change that, by the name
of one part, such as hunts/tunnels, or of a kind of parts, such as hunts.`,
		Example: `  resolverwatch plan
  resolverwatch plan --queries-per-second 5000 --names 3000000
  resolverwatch plan --queries-per-month 50000000 --off hunts/tunnels
  resolverwatch plan --on hunts/beacons --off alerts -o json`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd, std) },
	}
	flags := cmd.Flags()
	flags.Float64Var(&p.volume.Queries, "queries-per-month", 1e9, "`NUMBER` of logged queries")
	flags.Float64Var(&p.perSecond, "queries-per-second", 0, "`NUMBER` of logged queries a second on average; prints the needs as well")
	flags.Float64Var(&p.peak, "peak", defaultPeak, "queries in the busiest second, as a `FACTOR` of the average")
	flags.Float64Var(&p.volume.HitRate, "hit-rate", plan.DefaultHitRate, "`SHARE` of the queries that are malicious, from 0 to 1")
	flags.Float64Var(&p.volume.Names, "names", 1e6, "`NUMBER` of names on all lists")
	flags.StringSliceVar(&p.on, "on", nil, "`PART` that is on; repeatable")
	flags.StringSliceVar(&p.off, "off", nil, "`PART` that is off; repeatable")
	registerForm(cmd, &p.form, "", formText, formJSON, formCSV)
	return cmd
}

// maxVolume bounds the numbers of a month, and maxRate those of a second, so that a mistyped one
// does not print a line of digits.
const (
	maxVolume = 1e15
	maxRate   = 1e8
	maxPeak   = 1000
)

// defaultPeak is the busiest second of a day over its average, if nobody knows it.
const defaultPeak = 3

func (p *planOptions) run(cmd *cobra.Command, std streams) error {
	if err := p.checkNumbers(cmd); err != nil {
		return err
	}
	needs := p.needs()
	lines := plan.New(p.volume)
	if needs != nil && needs.Source == plan.SourceS3 {
		plan.UseS3(lines)
	}
	for _, change := range []struct {
		parts []string
		on    bool
	}{{p.on, true}, {p.off, false}} {
		for _, part := range change.parts {
			if !plan.Switch(lines, part, change.on) {
				return usagef(cmd, "there is no part %q; 'resolverwatch plan' prints their names%s", part, didYouMean(part, partNames()))
			}
		}
	}
	switch p.form {
	case formJSON:
		return p.writeJSON(std.out, lines, needs)
	case formCSV:
		return writeCosts(std.out, lines)
	}
	if needs != nil {
		needs.print(std.out, p.peak)
	}
	p.print(std.out, lines)
	return nil
}

// checkNumbers checks the flags that are numbers. NaN is in no range.
func (p *planOptions) checkNumbers(cmd *cobra.Command) error {
	if flags := cmd.Flags(); flags.Changed("queries-per-month") && flags.Changed("queries-per-second") {
		return usagef(cmd, "--queries-per-month and --queries-per-second: give one of them")
	}
	for _, flag := range []struct {
		name             string
		value, low, high float64
		interval         string
	}{
		{"--queries-per-month", p.volume.Queries, 0, maxVolume, "[0, 1e15]"},
		{"--queries-per-second", p.perSecond, 0, maxRate, "[0, 1e8]"},
		{"--names", p.volume.Names, 0, maxVolume, "[0, 1e15]"},
		{"--peak", p.peak, 1, maxPeak, "[1, 1000]"},
		{"--hit-rate", p.volume.HitRate, 0, 1, "[0, 1]"},
	} {
		if !(flag.value >= flag.low && flag.value <= flag.high) {
			return usagef(cmd, "%s %v: must be in %s", flag.name, flag.value, flag.interval)
		}
	}
	return nil
}

// planNeeds is what a load takes of quotas and settings.
type planNeeds struct {
	PerSecond float64     `json:"queries_per_second"`
	Source    plan.Source `json:"source"`
	Needs     []plan.Need `json:"needs"`
}

// needs returns what a rate needs, and sets the volume of the month. It returns nil without a rate.
func (p *planOptions) needs() *planNeeds {
	if p.perSecond == 0 {
		return nil
	}
	load := plan.Load{Queries: p.perSecond, Peak: p.peak, Names: p.volume.Names, HitRate: p.volume.HitRate}
	p.volume = load.Volume()
	return &planNeeds{p.perSecond, load.Source(), load.Needs()}
}

func (n *planNeeds) print(out io.Writer, peak float64) {
	fmt.Fprintf(out, "%v queries a second, and %v times as many in the busiest second.\n", n.PerSecond, peak)
	switch n.Source {
	case plan.SourceS3:
		fmt.Fprint(out, "S3 can carry them: set source.s3, and source.firehose to false. A Firehose stream may be\nthrottled at this rate, so the rows of firehose do not matter then.\n\n")
	default:
		fmt.Fprint(out, "Firehose can carry them.\n\n")
	}
	t := term.NewTable(out, term.Word("Part"), term.Number("Needs"), term.Number("Limit"), term.Word("Fits"), term.Prose(""))
	for _, need := range n.Needs {
		limit := ""
		if need.Limit > 0 {
			limit = plan.Number(need.Limit)
		}
		t.Add(need.Part, strings.TrimSpace(plan.Number(need.Value)+" "+need.Unit), limit, string(need.Fit), need.Advice)
	}
	t.Render()
	fmt.Fprintln(out)
}

func (p *planOptions) writeJSON(out io.Writer, lines []plan.Line, needs *planNeeds) error {
	return json.NewEncoder(out).Encode(struct {
		*planNeeds
		Date    string      `json:"prices_of"`
		Region  string      `json:"region"`
		Queries float64     `json:"queries_per_month"`
		Names   float64     `json:"names"`
		Total   float64     `json:"total_usd"`
		Lines   []plan.Line `json:"lines"`
	}{needs, plan.Date, plan.Region, p.volume.Queries, p.volume.Names, plan.Total(lines), lines})
}

// writeCosts writes the parts without their total, for a spreadsheet.
func writeCosts(out io.Writer, lines []plan.Line) error {
	text := appendCSV(nil, "part", "on", "up_to", "usd_a_month", "arithmetic", "unconfirmed")
	for _, line := range lines {
		text = appendCSV(text, line.Part, strconv.FormatBool(line.On), strconv.FormatBool(line.UpTo),
			strconv.FormatFloat(line.USD, 'f', 2, 64), line.Arithmetic, strconv.FormatBool(line.Unconfirmed))
	}
	_, err := out.Write(text)
	return err
}

func (p *planOptions) print(out io.Writer, lines []plan.Line) {
	fmt.Fprintf(out, "%.0f queries a month and %.0f names, in dollars at list prices of %s, %s:\n\n",
		p.volume.Queries, p.volume.Names, plan.Region, plan.Date)
	t := term.NewTable(out, term.Word("Part"), term.Word(""), term.Number("$ a month"), term.Prose("Arithmetic"))
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
		t.Add(line.Part, state, cost, line.Arithmetic)
	}
	t.Add("total", "on", fmt.Sprintf("%.2f", plan.Total(lines)))
	t.Render()
	if unconfirmed {
		fmt.Fprintln(out, "\n* a price is not confirmed")
	}
}
