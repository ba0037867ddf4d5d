package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// huntQuery is the named query that hunts.
const huntQuery = "retro-hunt"

// huntOptions are the flags of hunt.
type huntOptions struct {
	deployment
	lists      lists
	selects    selectFlags
	since      string
	days       int
	local      []string
	indicators string
	form       string
	report     string
	write      bool

	sinceTime time.Time // of --since
	named     []string  // the logs as they were named
}

func newHunt(std streams) *cobra.Command {
	var h huntOptions
	cmd := &cobra.Command{
		Use:   "hunt [--since DATE] [--days N]",
		Short: "Find hosts that asked for a name before it was listed",
		Long: `Hunt searches the logs of the last days for entries that were added to the lists recently.
It applies the rules by which records are marked. It runs the named query ` + huntQuery + `
in Athena, waits for it, and writes a row for each host and indicator.

With --write, hunt also reads the records that were not logged as malicious, marks them
again with the current index, and writes them to the output bucket under ` + retroPrefix + `, by the
day of the query. They have the form of all marked logs, without the members for which the
table has no column.

With --local, hunt reads logs on this machine instead, marked or not, and marks them again
using lists, an index, or published indicators. Only published indicators tell when an
entry was added. The folder of a demo has logs and indicators. --vpc, --host and --indicator
select records of these logs. --from and --until bound the time of the queries here and in
Athena; --since is about when an entry was added to a list.
` + deploymentHelp,
		Example: `  resolverwatch hunt --since 2026-11-01 --days 90
  resolverwatch hunt --local resolverwatch-demo --report found.html
  resolverwatch hunt --local logs/ --feed new-names.txt --from 2026-11-01 --vpc vpc-0a1b2c3d4e5f60718
  resolverwatch hunt --local marked/ --feed new-names.txt -o json`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return h.run(cmd, std) },
	}
	h.registerAthena(cmd)
	registerHunted(cmd, &h)
	flags := cmd.Flags()
	flags.StringVar(&h.since, "since", "7d", "hunt for entries added since `DATE`: a day, a time, or an age such as 7d")
	flags.IntVar(&h.days, "days", defaultHuntDays, "how many `DAYS` of logs to search, unless --from is set; with --local, 0 means all, the default")
	flags.StringVar(&h.report, "report", "", "also write a report, a page of HTML, to `FILE`; in Athena, with two more queries")
	flags.BoolVar(&h.write, "write", false, "write the records, marked again, to the output bucket under "+retroPrefix)
	flags.StringVar(&h.outputBucket, "output-bucket", "", "with --write: `NAME` of the output bucket (default: from the outputs of the stack)")
	flags.StringVar(&h.indexBucket, "index-bucket", "", "with --write: `NAME` of the index bucket (default: from the outputs of the stack)")
	registerForm(cmd, &h.form, "table on a terminal, else csv", formTable, formJSON, formCSV)
	return cmd
}

// registerHunted adds the flags that name logs and what to look for in them.
func registerHunted(cmd *cobra.Command, h *huntOptions) {
	h.lists.register(cmd)
	h.lists.registerFile(cmd)
	h.selects.register(cmd, "from", "search ")
	flags := cmd.Flags()
	flags.StringArrayVar(&h.local, "local", nil, "search logs on this machine: `PATH` of a file, a folder, or the folder of a demo; repeatable")
	flags.StringVar(&h.indicators, "indicators", "", "with --local: published indicators, a `FILE` from the index bucket")
}

const (
	defaultHuntDays = 30
	maxHuntDays     = 36_500
)

func (h *huntOptions) run(cmd *cobra.Command, std streams) error {
	form := formFor(std.out, h.form, formTable, formCSV)
	if err := h.check(cmd); err != nil {
		return err
	}

	out := &huntWriter{
		resultWriter:  newResultWriter(form, std.out),
		hosts:         map[string]bool{},
		indicators:    map[string]bool{},
		unmarkedHosts: map[string]bool{},
	}
	progress := newQueryProgress(std.err, h.lists.quiet)
	var err error
	if len(h.local) > 0 {
		err = h.runLocal(cmd, std, out)
	} else {
		err = h.runAthena(cmd, out, progress)
		if err == nil && h.write {
			err = h.writeRecords(cmd.Context(), out, progress)
		}
		if err == nil && h.report != "" {
			err = writeAthenaPage(cmd.Context(), h, out.early, progress)
		}
	}

	if err == nil || errors.Is(err, errReported) {
		qualifier := ""
		if len(h.local) == 0 || h.indicators != "" {
			qualifier = " added since " + h.sinceTime.UTC().Format(time.RFC3339)
		}
		out.printSummary(progress, qualifier)
	}
	return err
}

// check checks the flags and parses the times.
func (h *huntOptions) check(cmd *cobra.Command) (err error) {
	h.sinceTime, err = namedquery.Moment(h.since, time.Now())
	selects := &h.selects.options
	switch {
	case err != nil:
		return usagef(cmd, "--since: %w", err)
	case h.days < 0 || h.days == 0 && len(h.local) == 0 || h.days > maxHuntDays:
		return usagef(cmd, "--days %d: must be from 1 to %d", h.days, maxHuntDays)
	case selects.Since != "" && cmd.Flags().Changed("days"):
		return usagef(cmd, "--days and --from both say where to begin: use only one of them")
	case len(h.local) == 0 && len(selects.VPCs)+len(selects.Hosts)+len(selects.Indicators) > 0:
		return usagef(cmd, "--vpc, --host and --indicator work only with --local; the rows of a hunt in Athena have these columns")
	case h.write && len(h.local) > 0:
		return usagef(cmd, "--write works only with a deployed stack; use 'resolverwatch scan' to mark files again")
	}
	if selects.Since == "" && h.days > 0 && (len(h.local) == 0 || cmd.Flags().Changed("days")) {
		selects.Since = strconv.Itoa(h.days) + "d"
	}
	return h.selects.parse(cmd)
}

// runAthena hunts in the logs of a deployed stack.
func (h *huntOptions) runAthena(cmd *cobra.Command, out *huntWriter, progress *queryProgress) error {
	if h.indicators != "" || h.lists.areNamed() {
		return usagef(cmd, "a deployed stack hunts for the entries of its own lists; to use other lists, name logs with --local")
	}
	group, err := h.athena(cmd.Context())
	if err != nil {
		return err
	}
	text, err := h.huntText(cmd.Context(), group)
	if err != nil {
		return err
	}
	return runQuery(cmd.Context(), group, text, out, progress)
}

func (h *huntOptions) huntText(ctx context.Context, group *athena.WorkGroup) (string, error) {
	queries, err := group.NamedQueries(ctx)
	if err != nil {
		return "", err
	}
	values := map[string]string{"since": h.sinceTime.UTC().Format(time.RFC3339), "from": h.selects.options.Since}
	if until := h.selects.options.Until; until != "" {
		values["until"] = until
	}
	return fillQuery(queries, huntQuery, values)
}

// huntWriter writes the rows of a hunt and sums them up.
type huntWriter struct {
	resultWriter
	unmarkedHosts     map[string]bool // hosts with unmarked records, as account/VPC/address
	first, last       string          // query_timestamp of their first and last query
	columns           map[string]int
	hosts, indicators map[string]bool
	queries, unmarked int
	early             []report.Early // the rows, for a report
}

func (w *huntWriter) begin(columns []athena.Column) error {
	w.columns = map[string]int{}
	for i, column := range columns {
		w.columns[column.Name] = i
	}
	for _, name := range hunt.Columns {
		if _, found := w.columns[name]; !found {
			return fmt.Errorf("the query %s has no column %s: update the stack", huntQuery, name)
		}
	}
	return w.resultWriter.begin(columns)
}

func (w *huntWriter) row(row athena.Row) error {
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
	w.early = append(w.early, hunt.EarlyOf(cell))
	for name, sum := range map[string]*int{"logged_queries": &w.queries, "unmarked": &w.unmarked} {
		if n, err := strconv.Atoi(cell(name)); err == nil {
			*sum += n
		}
	}
	return w.resultWriter.row(row)
}

// printSummary prints the totals. qualifier says which indicators were searched for.
func (w *huntWriter) printSummary(progress *queryProgress, qualifier string) {
	progress.printf("found %d hosts, %d indicators%s, %d logged queries; %d queries were not marked as malicious",
		len(w.hosts), len(w.indicators), qualifier, w.queries, w.unmarked)
}
