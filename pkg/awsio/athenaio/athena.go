// Package athenaio runs queries in an Athena workgroup: the named queries that stand in
// it come out as text, SQL goes in, and rows come out with what reading them took.
package athenaio

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

// WorkGroup is a workgroup with the database that its queries are about.
type WorkGroup struct {
	client         *athena.Client
	name, database string
	// Pause is the time between two looks at a query that runs.
	Pause time.Duration
}

// New returns the workgroup of that name.
func New(config aws.Config, name, database string) *WorkGroup {
	return &WorkGroup{client: athena.NewFromConfig(config), name: name, database: database, Pause: time.Second}
}

// NamedQuery is a query that stands in the workgroup.
type NamedQuery struct{ Name, Text string }

// idsInABatch is how many named queries Athena gives at once.
const idsInABatch = 50

// NamedQueries returns the named queries in the order of their names.
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
	for batch := range slices.Chunk(ids, idsInABatch) {
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

// Progress is how far a query is.
type Progress struct {
	State string // QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED
	Bytes int64  // scanned so far
	Time  time.Duration
}

// Execution is a query that succeeded.
type Execution struct {
	Progress
	ID    string
	group *WorkGroup
}

// Run runs a query and waits for its end. Progress, if not nil, is told at each look. A
// query that ctx ends, or that Athena says nothing about, is stopped in Athena too, where it
// would cost on.
func (g *WorkGroup) Run(ctx context.Context, sql string, progress func(Progress)) (*Execution, error) {
	started, err := g.client.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{
		QueryString: &sql, WorkGroup: &g.name, QueryExecutionContext: &types.QueryExecutionContext{Database: &g.database},
	})
	if err != nil {
		return nil, fmt.Errorf("starting a query in workgroup %s: %w", g.name, err)
	}
	e := &Execution{ID: aws.ToString(started.QueryExecutionId), group: g}
	for {
		ended, err := e.look(ctx)
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), e.stop())
		}
		if err != nil && e.State == "" {
			return nil, errors.Join(err, e.stop())
		}
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress(e.Progress)
		}
		if ended {
			return e, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(g.Pause):
		}
	}
}

// look takes over how far the query is, and reports whether it succeeded. Without an answer
// the state is empty.
func (e *Execution) look(ctx context.Context) (ended bool, err error) {
	e.Progress = Progress{}
	out, err := e.group.client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &e.ID})
	if err != nil {
		return false, fmt.Errorf("asking how query %s goes: %w", e.ID, err)
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
		return false, fmt.Errorf("query %s: %s: %s", e.ID, strings.ToLower(string(status.State)), aws.ToString(status.StateChangeReason))
	default:
		return false, nil
	}
}

// stopTimeout bounds the call by which a query is stopped whose caller is gone.
const stopTimeout = 5 * time.Second

func (e *Execution) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if _, err := e.group.client.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: &e.ID}); err != nil {
		return fmt.Errorf("stopping query %s: %w", e.ID, err)
	}
	return nil
}
