package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch/queries"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// queryOptions are the flags of query.
type queryOptions struct {
	deployment
	parameters []string
	form       string
	sql, quiet bool
}

func newQuery(std streams) *cobra.Command {
	var q queryOptions
	cmd := &cobra.Command{
		Use:   "query [NAME] [--param K=V]...",
		Short: "Query the marked logs of a deployed stack in Athena",
		Long: `Query runs a named query of the stack's Athena workgroup, waits for it, and writes the
rows. It prints to standard error how many bytes the query scanned, which Athena bills.
Without NAME, it lists the queries with the question that each one answers and its
parameters. If the stack cannot be asked, it lists the queries of this version.

A time is written as 2026-11-01T08:00:00Z, a day as 2026-11-01, and an age as 36h or 7d.
Parameters that are not set have defaults; for time ranges this is usually the last seven
days.

Without an AWS account, use 'resolverwatch scan -o summary' on log files.
` + deploymentHelp,
		Example: `  resolverwatch query
  resolverwatch query malicious-hosts --param from=2026-11-01 --param until=2026-11-08
  resolverwatch query around-a-match --param srcaddr=10.0.1.11 --param at=2026-11-05T10:15:00Z -o csv`,
		Args: argCount(0, 1, "name only one query"),
		RunE: func(cmd *cobra.Command, args []string) error { return q.run(cmd, std, args) },
	}
	q.registerAthena(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&q.parameters, "param", nil, "parameter of the query, `NAME=VALUE`; repeatable")
	registerForm(cmd, &q.form, "table on a terminal, else csv", formTable, formJSON, formCSV)
	cmd.ValidArgsFunction = completeQuery
	completeFlag(cmd, "param", completeParameter)
	flags.BoolVar(&q.sql, "sql", false, "print the SQL with its parameters instead of running it")
	flags.BoolVarP(&q.quiet, "quiet", "q", false, "print only errors")
	return cmd
}

func (q *queryOptions) run(cmd *cobra.Command, std streams, args []string) error {
	values, err := parseParameters(q.parameters)
	if err != nil {
		return usage(cmd, err)
	}

	if len(args) == 0 {
		return q.list(cmd, std, cmp.Or(q.form, formTable))
	}
	group, queries, err := q.find(cmd.Context())
	if err != nil {
		return err
	}

	text, err := fillQuery(queries, args[0], values)
	if err != nil {
		return usage(cmd, err)
	}
	if q.sql {
		fmt.Fprintln(std.out, strings.TrimRight(text, "\n"))
		return nil
	}
	return runQuery(cmd.Context(), group, text, newResultWriter(formFor(std.out, q.form, formTable, formCSV), std.out),
		newQueryProgress(std.err, q.quiet))
}

// find finds the workgroup and its queries.
func (q *queryOptions) find(ctx context.Context) (*athena.WorkGroup, []athena.NamedQuery, error) {
	group, err := q.athena(ctx)
	if err != nil {
		return nil, nil, err
	}
	queries, err := group.NamedQueries(ctx)
	return group, queries, err
}

// list lists the queries of the stack. If the user named none and it cannot be asked, it lists those
// that this version deploys.
func (q *queryOptions) list(cmd *cobra.Command, std streams, form string) error {
	_, known, err := q.find(cmd.Context())
	if err != nil {
		isNamed := q.isNamed(cmd) || cmd.Flags().Changed("workgroup") || cmd.Flags().Changed("database")
		if isNamed || cmd.Context().Err() != nil {
			return err
		}
		fmt.Fprintf(std.err, "these are the queries of this version; those of the stack are not known: %v\n", stack.Explain(err))
		known = builtInQueries()
	}
	return writeQueries(newResultWriter(form, std.out), known)
}

// builtInQueries returns the queries that this version deploys.
func builtInQueries() (all []athena.NamedQuery) {
	for _, query := range queries.All() {
		all = append(all, athena.NamedQuery{Name: query.Name, Text: query.Text})
	}
	return all
}

// parseParameters parses parameters of the form NAME=VALUE.
func parseParameters(texts []string) (map[string]string, error) {
	values := map[string]string{}
	for _, text := range texts {
		name, value, found := strings.Cut(text, "=")
		if _, twice := values[name]; twice || !found {
			return nil, fmt.Errorf("parameter %q: must be NAME=VALUE, and each name may appear once", text)
		}
		values[name] = value
	}
	return values, nil
}

// fillQuery returns the SQL of a named query with its parameters set. A query without our
// header, which the user added to the workgroup, is returned unchanged.
func fillQuery(queries []athena.NamedQuery, name string, values map[string]string) (string, error) {
	at := slices.IndexFunc(queries, func(q athena.NamedQuery) bool { return q.Name == name })
	if at < 0 {
		var names []string
		for _, query := range queries {
			names = append(names, query.Name)
		}
		return "", fmt.Errorf("there is no query %q in the workgroup, only %s%s", name, strings.Join(names, ", "), didYouMean(name, names))
	}
	query, err := namedquery.Parse(queries[at].Text)
	switch {
	case err == nil:
		text, err := query.Fill(values)
		return text, errors.Join(err, query.Check(values, time.Now()))
	case len(values) > 0:
		return "", fmt.Errorf("query %q takes no parameters: %w", name, err)
	}
	return queries[at].Text, nil
}

// writeQueries writes a row for each query: its name, the question that it answers, and its parameters.
func writeQueries(out resultWriter, queries []athena.NamedQuery) error {
	columns := []athena.Column{{Name: "query", Type: "varchar"}, {Name: "question", Type: typeProse}, {Name: "parameters", Type: typeProse}}
	if err := out.begin(columns); err != nil {
		return err
	}
	for _, named := range queries {
		question, parameters := "", ""
		if query, err := namedquery.Parse(named.Text); err == nil {
			question, parameters = query.Question, describeParameters(query.Parameters)
		}
		if err := out.row(athena.Row{&named.Name, &question, &parameters}); err != nil {
			return err
		}
	}
	return out.end()
}

func describeParameters(parameters []namedquery.Parameter) string {
	var all []string
	for _, parameter := range parameters {
		required := ""
		if parameter.Required {
			required = ", required"
		}
		all = append(all, fmt.Sprintf("%s (%s%s)", parameter.Name, parameter.Type, required))
	}
	return strings.Join(all, ", ")
}

// runQuery runs SQL in Athena and writes the rows.
func runQuery(ctx context.Context, group *athena.WorkGroup, sql string, out resultWriter, progress *queryProgress) error {
	done, err := group.Run(ctx, sql, progress.update)
	progress.clear()
	if err != nil {
		return err
	}

	rows := 0
	err = done.Rows(ctx, out.begin, func(row athena.Row) error {
		rows++
		return out.row(row)
	})
	if err := errors.Join(err, out.end()); err != nil {
		return err
	}
	progress.printf("%d rows; scanned %s in %.1f s", rows, formatBytes(done.Bytes), done.Time.Seconds())
	return nil
}

// formatBytes formats a number of bytes in a unit that is easy to read.
func formatBytes(n int64) string {
	const step = 1000
	value, unit := float64(n), 0
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	for value >= step && unit < len(units)-1 {
		value /= step
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
