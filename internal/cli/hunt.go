package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athenaio"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// huntQuery is the name of the named query that hunts.
const huntQuery = "retro-hunt"

// huntOptions are the flags of hunt.
type huntOptions struct {
	deployment
	lists      lists
	since      string
	days       int
	local      []string
	indicators string
	form       string
	write      bool
}

func newHunt(std streams) *cobra.Command {
	var h huntOptions
	cmd := &cobra.Command{
		Use:   "hunt [--since DATE] [--days N]",
		Short: "Find who asked for a name before the lists knew it",
		Long: `Hunt takes the entries that came into the lists since a day and looks for them in the
logs of the last days, by the rules by which records are marked. It runs the named query
` + huntQuery + ` in Athena, waits for it, and writes a row for each host and indicator.

With --write the records that had no malicious verdict are read, marked anew by the index
that serves, and written to the output bucket under ` + retroPrefix + `, by the day of the query, in the
form of all marked logs, less the members that the table has no column for.

With --local it reads marked or unmarked logs on this machine instead, and marks them
anew: against lists, against an index, or against published indicators, which alone say
when an entry came. The folder of a demo has everything in it.
` + deploymentHelp,
		Example: `  resolverwatch hunt --since 2026-11-01 --days 90
  resolverwatch hunt --local resolverwatch-demo
  resolverwatch hunt --local marked/ --feed new-names.txt -o json`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return h.run(cmd, std) },
	}
	h.registerAthena(cmd)
	h.lists.register(cmd)
	h.lists.registerFile(cmd)
	flags := cmd.Flags()
	flags.StringVar(&h.since, "since", "7d", "hunt for entries added since `DATE`: a day, a moment, or so long ago")
	flags.IntVar(&h.days, "days", defaultHuntDays, "how many `DAYS` of logs to look at; with --local 0, all")
	flags.StringArrayVar(&h.local, "local", nil, "logs on this machine, a file or folder `PATH`, or a demo's folder; repeatable")
	flags.StringVar(&h.indicators, "indicators", "", "with --local: published indicators, a `FILE` out of the index bucket")
	flags.BoolVar(&h.write, "write", false, "write the records, marked anew, to the output bucket under "+retroPrefix)
	flags.StringVar(&h.outputBucket, "output-bucket", "", "with --write: `NAME` of the output bucket (default: by the outputs of the stack)")
	flags.StringVar(&h.indexBucket, "index-bucket", "", "with --write: `NAME` of the index bucket (default: by the outputs of the stack)")
	flags.StringVarP(&h.form, "output", "o", "", "`FORM`: table, csv or json, which is one object a line (default: table on a terminal, else csv)")
	return cmd
}

const (
	defaultHuntDays = 30
	maxHuntDays     = 36_500
)

func (h *huntOptions) run(cmd *cobra.Command, std streams) error {
	form, err := resultForm(cmd, std.out, h.form)
	if err != nil {
		return err
	}
	since, err := namedquery.Moment(h.since, time.Now())
	switch {
	case err != nil:
		return usagef(cmd, "since: %w", err)
	case h.days < 0 || h.days == 0 && len(h.local) == 0 || h.days > maxHuntDays:
		return usagef(cmd, "days %d: must be from 1 to %d", h.days, maxHuntDays)
	case h.write && len(h.local) > 0:
		return usagef(cmd, "write: is for a deployed stack; 'resolverwatch scan' marks files anew")
	}
	out := &huntWriter{resultWriter: newResultWriter(form, std.out), hosts: map[string]bool{}, indicators: map[string]bool{},
		unmarkedHosts: map[string]bool{}}
	progress := newQueryProgress(std.err, h.lists.quiet)
	if len(h.local) > 0 {
		if !cmd.Flags().Changed("days") {
			h.days = 0
		}
		err = h.runLocal(cmd, std, since, out)
	} else {
		err = h.runAthena(cmd, since, out, progress)
		if err == nil && h.write {
			err = h.writeRecords(cmd.Context(), out, progress)
		}
	}
	if err == nil || errors.Is(err, errReported) {
		qualifier := ""
		if len(h.local) == 0 || h.indicators != "" {
			qualifier = " added since " + since.UTC().Format(time.RFC3339)
		}
		out.printSummary(progress, qualifier)
	}
	return err
}

// runAthena hunts in the logs of a deployed stack.
func (h *huntOptions) runAthena(cmd *cobra.Command, since time.Time, out *huntWriter, progress *queryProgress) error {
	if h.indicators != "" || h.lists.areNamed() {
		return usagef(cmd, "lists of your own: a deployed stack hunts for its own; name logs with --local")
	}
	group, err := h.athena(cmd.Context())
	if err != nil {
		return err
	}
	text, err := h.huntText(cmd.Context(), group, since)
	if err != nil {
		return err
	}
	return runQuery(cmd.Context(), group, text, out, progress)
}

func (h *huntOptions) huntText(ctx context.Context, group *athenaio.WorkGroup, since time.Time) (string, error) {
	queries, err := group.NamedQueries(ctx)
	if err != nil {
		return "", err
	}
	return fillQuery(queries, huntQuery, map[string]string{
		"since": since.UTC().Format(time.RFC3339), "from": strconv.Itoa(h.days) + "d"})
}

// huntWriter counts what it writes.
type huntWriter struct {
	resultWriter
	unmarkedHosts     map[string]bool // as account/VPC/address
	first, last       string          // of their queries
	columns           map[string]int
	hosts, indicators map[string]bool
	queries, unmarked int
}

func (w *huntWriter) begin(columns []athenaio.Column) error {
	w.columns = map[string]int{}
	for i, column := range columns {
		w.columns[column.Name] = i
	}
	for _, name := range hunt.Columns {
		if _, found := w.columns[name]; !found {
			return fmt.Errorf("the query %s has no column %s: deploy the stack again", huntQuery, name)
		}
	}
	return w.resultWriter.begin(columns)
}

func (w *huntWriter) row(row athenaio.Row) error {
	cell := func(name string) string {
		if i := w.columns[name]; i < len(row) && row[i] != nil {
			return *row[i]
		}
		return ""
	}
	host := cell("account_id") + "/" + cell("vpc_id") + "/" + cell("srcaddr")
	w.hosts[host] = true
	if cell("unmarked") != "0" {
		w.unmarkedHosts[host] = true
		if first := cell("first_seen"); w.first == "" || first < w.first {
			w.first = first
		}
		w.last = max(w.last, cell("last_seen"))
	}
	w.indicators[cell("indicator")] = true
	for name, sum := range map[string]*int{"logged_queries": &w.queries, "unmarked": &w.unmarked} {
		if n, err := strconv.Atoi(cell(name)); err == nil {
			*sum += n
		}
	}
	return w.resultWriter.row(row)
}

func (w *huntWriter) printSummary(progress *queryProgress, qualifier string) {
	progress.printf("%d hosts met %d entries%s in %d logged queries, %d of which were not marked as malicious",
		len(w.hosts), len(w.indicators), qualifier, w.queries, w.unmarked)
}
