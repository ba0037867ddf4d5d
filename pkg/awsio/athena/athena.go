// Package athena runs queries in an Athena workgroup. It lists the named queries of the
// workgroup, runs SQL, and returns the rows with the amount of data scanned.
package athena

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
)

// WorkGroup is a workgroup with the default database of its queries.
type WorkGroup struct {
	client         *athena.Client
	name, database string
	// pause is the time between two status requests for a running query.
	pause time.Duration
}

// New returns the workgroup with this name.
func New(config aws.Config, name, database string) *WorkGroup {
	return &WorkGroup{client: athena.NewFromConfig(config), name: name, database: database, pause: time.Second}
}

// NamedQuery is a query that is saved in the workgroup.
type NamedQuery struct{ Name, Text string }

// maxBatchIDs is how many named queries Athena returns in one response.
const maxBatchIDs = 50

// NamedQueries returns the named queries, sorted by name.
func (g *WorkGroup) NamedQueries(ctx context.Context) ([]NamedQuery, error) {
	var ids []string
	pages := athena.NewListNamedQueriesPaginator(g.client, &athena.ListNamedQueriesInput{WorkGroup: &g.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the named queries of workgroup %s: %w", g.name, err)
		}
		ids = append(ids, page.NamedQueryIds...)
	}

	var queries []NamedQuery
	for batch := range slices.Chunk(ids, maxBatchIDs) {
		out, err := g.client.BatchGetNamedQuery(ctx, &athena.BatchGetNamedQueryInput{NamedQueryIds: batch})
		if err != nil {
			return nil, fmt.Errorf("reading the named queries of workgroup %s: %w", g.name, err)
		}
		for _, query := range out.NamedQueries {
			queries = append(queries, NamedQuery{aws.ToString(query.Name), aws.ToString(query.QueryString)})
		}
	}
	slices.SortFunc(queries, func(a, b NamedQuery) int { return strings.Compare(a.Name, b.Name) })
	return queries, nil
}

// Progress is the progress of a query.
type Progress struct {
	State string // QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED
	Bytes int64  // scanned so far
	Time  time.Duration
}

// Execution is a query that succeeded.
type Execution struct {
	Progress
	id    string
	group *WorkGroup
}

// Run runs a query and waits until it ends. It calls progress, unless that is nil, after each
// status request. If ctx ends, or if Athena does not return a status, Run stops the query in
// Athena, where it would otherwise continue and cost money.
func (g *WorkGroup) Run(ctx context.Context, sql string, progress func(Progress)) (*Execution, error) {
	started, err := g.client.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{
		QueryString:           &sql,
		WorkGroup:             &g.name,
		QueryExecutionContext: &types.QueryExecutionContext{Database: &g.database},
	})
	if err != nil {
		return nil, fmt.Errorf("starting a query in workgroup %s: %w", g.name, err)
	}

	e := &Execution{id: aws.ToString(started.QueryExecutionId), group: g}
	for {
		succeeded, err := e.refresh(ctx)
		if progress != nil && e.State != "" {
			progress(e.Progress)
		}
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), e.stop())
		}
		if err != nil && e.State == "" {
			return nil, errors.Join(err, e.stop())
		}
		if err != nil {
			return nil, err
		}
		if succeeded {
			return e, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(g.pause):
		}
	}
}

// refresh sets the progress of the query and reports whether it succeeded. If Athena does
// not answer, the state is empty.
func (e *Execution) refresh(ctx context.Context) (succeeded bool, err error) {
	e.Progress = Progress{}
	out, err := e.group.client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &e.id})
	if err != nil {
		return false, fmt.Errorf("reading the status of query %s: %w", e.id, err)
	}

	status := out.QueryExecution.Status
	e.Progress = Progress{State: string(status.State)}
	if statistics := out.QueryExecution.Statistics; statistics != nil {
		e.Bytes = aws.ToInt64(statistics.DataScannedInBytes)
		e.Time = time.Duration(aws.ToInt64(statistics.TotalExecutionTimeInMillis)) * time.Millisecond
	}

	switch status.State {
	case types.QueryExecutionStateSucceeded:
		return true, nil
	case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
		return false, &endedError{e.id, strings.ToLower(string(status.State)), aws.ToString(status.StateChangeReason)}
	default:
		return false, nil
	}
}

// endedError reports a query that failed or was cancelled. The reason can contain values of
// records.
type endedError struct{ id, state, reason string }

func (e *endedError) Error() string { return fmt.Sprintf("query %s: %s: %s", e.id, e.state, e.reason) }

// stopTimeout bounds the request that stops a query after its caller has gone.
const stopTimeout = 5 * time.Second

func (e *Execution) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if _, err := e.group.client.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: &e.id}); err != nil {
		return fmt.Errorf("stopping query %s: %w", e.id, err)
	}
	return nil
}

// Column is a column of a result.
type Column struct {
	Name string
	Type string // in Athena, such as varchar or bigint
}

// Row is a row of a result: the text of each column, or nil for NULL.
type Row []*string

// Rows calls begin with the columns and then each with every row, until one of them returns
// an error.
func (e *Execution) Rows(ctx context.Context, begin func([]Column) error, each func(Row) error) error {
	pages := athena.NewGetQueryResultsPaginator(e.group.client, &athena.GetQueryResultsInput{QueryExecutionId: &e.id})
	for first := true; pages.HasMorePages(); first = false {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading the result of query %s: %w", e.id, err)
		}
		rows := page.ResultSet.Rows
		if first {
			described := columns(page.ResultSet.ResultSetMetadata)
			if err := begin(described); err != nil {
				return err
			}
			if len(rows) > 0 && isHeader(rows[0], described) {
				rows = rows[1:]
			}
		}
		for _, row := range rows {
			if err := each(texts(row)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isHeader reports whether a row contains the names of the columns. The first row of a SELECT
// does; SHOW and DESCRIBE have no such row.
func isHeader(row types.Row, columns []Column) bool {
	return slices.EqualFunc(row.Data, columns, func(cell types.Datum, column Column) bool {
		return aws.ToString(cell.VarCharValue) == column.Name
	})
}

func columns(described *types.ResultSetMetadata) (out []Column) {
	if described == nil {
		return nil
	}
	for _, column := range described.ColumnInfo {
		out = append(out, Column{aws.ToString(column.Name), aws.ToString(column.Type)})
	}
	return out
}

func texts(row types.Row) Row {
	out := make(Row, len(row.Data))
	for i, cell := range row.Data {
		out[i] = cell.VarCharValue
	}
	return out
}
