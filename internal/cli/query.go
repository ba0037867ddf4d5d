package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/term"
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
parameters.

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
	flags.BoolVar(&q.sql, "sql", false, "print the SQL with its parameters instead of running it")
	flags.BoolVarP(&q.quiet, "quiet", "q", false, "print only errors")
	return cmd
}

func (q *queryOptions) run(cmd *cobra.Command, std streams, args []string) error {
	form := formFor(std.out, q.form, formTable, formCSV)
	values, err := parseParameters(q.parameters)
	if err != nil {
		return usage(cmd, err)
	}

	group, err := q.athena(cmd.Context())
	if err != nil {
		return err
	}
	queries, err := group.NamedQueries(cmd.Context())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		printQueries(std.out, queries)
		return nil
	}

	text, err := fillQuery(queries, args[0], values)
	if err != nil {
		return usage(cmd, err)
	}
	if q.sql {
		fmt.Fprintln(std.out, strings.TrimRight(text, "\n"))
		return nil
	}
	return runQuery(cmd.Context(), group, text, newResultWriter(form, std.out), newQueryProgress(std.err, q.quiet))
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
		return "", fmt.Errorf("there is no query %q in the workgroup, only %s", name, strings.Join(names, ", "))
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

func printQueries(out io.Writer, queries []athena.NamedQuery) {
	t := term.NewTable(out, term.Word("Query"), term.Prose("Question"), term.Prose("Parameters"))
	for _, named := range queries {
		row := []string{named.Name, "", ""}
		if query, err := namedquery.Parse(named.Text); err == nil {
			var parameters []string
			for _, parameter := range query.Parameters {
				required := ""
				if parameter.Required {
					required = ", required"
				}
				parameters = append(parameters, fmt.Sprintf("%s (%s%s)", parameter.Name, parameter.Type, required))
			}
			row[1], row[2] = query.Question, strings.Join(parameters, ", ")
		}
		t.Add(row...)
	}
	t.Render()
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
