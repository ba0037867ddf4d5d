// Package localathena serves the API of Athena from memory: one workgroup with named queries, and
// query executions for which the caller provides the engine. Executions pass through the states
// of AWS, and results have a header row and pages.
//
// It lacks prepared statements, results in S3, reuse of results, and limits.
package localathena

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// TargetPrefix is the service's name in the X-Amz-Target header.
const TargetPrefix = "AmazonAthena"

// Result is the result of a query.
type Result struct {
	Columns []Column
	Rows    [][]*string // nil means NULL
	Bytes   int64       // scanned bytes
}

// Column is a column of a result.
type Column struct{ Name, Type string }

// Config configures a [Server].
type Config struct {
	WorkGroup, Database string
	Queries             map[string]string // named queries by name
	// Execute runs a query. If it returns an error, the query fails with that reason. Its
	// context ends when the query is stopped.
	Execute func(ctx context.Context, sql string) (*Result, error)
}

// Server serves the API over HTTP. It is safe for concurrent use.
type Server struct {
	config Config

	mu         sync.Mutex
	executions map[string]*execution
}

type execution struct {
	ended  string // final state, or "" until the query ends
	reason string
	result *Result
	polls  int // number of calls of GetQueryExecution
	stop   context.CancelFunc
}

// poll returns the state. The first call always returns QUEUED and the second RUNNING, however
// fast the engine is.
func (e *execution) poll() string {
	e.polls++
	switch {
	case e.polls == 1:
		return "QUEUED"
	case e.polls == 2 || e.ended == "":
		return "RUNNING"
	default:
		return e.ended
	}
}

// New returns a server.
func New(config Config) *Server {
	return &Server{config: config, executions: map[string]*execution{}}
}

// ServeHTTP serves the JSON 1.1 protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{
		"ListNamedQueries":    s.listNamedQueries,
		"BatchGetNamedQuery":  s.batchGetNamedQuery,
		"StartQueryExecution": s.startQueryExecution,
		"GetQueryExecution":   s.onExecution(getQueryExecution),
		"GetQueryResults":     s.onExecution(getQueryResults),
		"StopQueryExecution":  s.onExecution(stopQueryExecution),
	}}
	api.ServeHTTP(w, r)
}

func invalid(format string, args ...any) error {
	return &awsjson.Error{Code: "InvalidRequestException", Message: fmt.Sprintf(format, args...)}
}

func (s *Server) checkGroup(name string) error {
	if name != s.config.WorkGroup {
		return invalid("WorkGroup %s is not found.", name)
	}
	return nil
}

// queriesPerPage is small, so that callers have to read a second page.
const queriesPerPage = 5

func (s *Server) listNamedQueries(_ context.Context, body []byte) (any, error) {
	var in struct{ WorkGroup, NextToken string }
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	if err := s.checkGroup(in.WorkGroup); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(s.config.Queries))
	page, next, err := page(names, in.NextToken, queriesPerPage)
	return map[string]any{"NamedQueryIds": page, "NextToken": next}, err
}

// page returns the elements after token and the token of the next page, or nil on the last page.
func page[T any](all []T, token string, size int) (elements []T, next *string, err error) {
	from := 0
	if token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(all) {
			return nil, nil, invalid("NextToken is not valid.")
		}
	}
	until := min(from+size, len(all))
	if until < len(all) {
		text := strconv.Itoa(until)
		next = &text
	}
	return all[from:until], next, nil
}

func (s *Server) batchGetNamedQuery(_ context.Context, body []byte) (any, error) {
	var in struct {
		IDs []string `json:"NamedQueryIds"`
	}
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	found := []any{}
	for _, id := range in.IDs {
		if text, ok := s.config.Queries[id]; ok {
			found = append(found, map[string]string{"Name": id, "NamedQueryId": id, "QueryString": text,
				"Database": s.config.Database, "WorkGroup": s.config.WorkGroup})
		}
	}
	return map[string]any{"NamedQueries": found, "UnprocessedNamedQueryIds": []any{}}, nil
}

func (s *Server) startQueryExecution(_ context.Context, body []byte) (any, error) {
	var in struct {
		QueryString, WorkGroup string
		QueryExecutionContext  struct{ Database string }
	}
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	if err := s.checkGroup(in.WorkGroup); err != nil {
		return nil, err
	}
	if in.QueryExecutionContext.Database != s.config.Database {
		return nil, invalid("Database %s is not found.", in.QueryExecutionContext.Database)
	}

	ctx, stop := context.WithCancel(context.Background())
	id, e := uuid.NewString(), &execution{stop: stop}
	s.mu.Lock()
	s.executions[id] = e
	s.mu.Unlock()

	go func() {
		defer stop()
		result, err := s.config.Execute(ctx, in.QueryString)

		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case e.ended != "": // the query was stopped
		case err != nil:
			e.ended, e.reason = "FAILED", err.Error()
		default:
			e.ended, e.result = "SUCCEEDED", result
		}
	}()
	return map[string]string{"QueryExecutionId": id}, nil
}

type executionRequest struct {
	QueryExecutionId, NextToken string //nolint:revive // the API's spelling
}

// onExecution returns an operation that calls do with the execution that a request names. s.mu is
// locked during the call.
func (s *Server) onExecution(do func(executionRequest, *execution) (any, error)) func(context.Context, []byte) (any, error) {
	return func(_ context.Context, body []byte) (any, error) {
		var in executionRequest
		if err := awsjson.Decode(body, &in); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		e := s.executions[in.QueryExecutionId]
		if e == nil {
			return nil, invalid("QueryExecution %s was not found", in.QueryExecutionId)
		}
		return do(in, e)
	}
}

func getQueryExecution(in executionRequest, e *execution) (any, error) {
	scanned := int64(0)
	if e.result != nil {
		scanned = e.result.Bytes
	}
	answer := map[string]any{
		"QueryExecutionId": in.QueryExecutionId,
		"Status":           map[string]any{"State": e.poll(), "StateChangeReason": e.reason},
		"Statistics":       map[string]any{"DataScannedInBytes": scanned, "TotalExecutionTimeInMillis": 1},
	}
	return map[string]any{"QueryExecution": answer}, nil
}

func stopQueryExecution(_ executionRequest, e *execution) (any, error) {
	if e.ended == "" {
		e.ended, e.reason = "CANCELLED", "Query cancelled by user"
	}
	e.stop()
	return struct{}{}, nil
}

// rowsPerPage is the maximum number of rows that Athena returns, including the header.
const rowsPerPage = 1000

func getQueryResults(in executionRequest, e *execution) (any, error) {
	if e.result == nil {
		return nil, invalid("Query did not finish successfully. Final query state: %s", e.ended)
	}
	header := make([]*string, len(e.result.Columns))
	info := make([]map[string]string, len(e.result.Columns))
	for i, column := range e.result.Columns {
		header[i] = &e.result.Columns[i].Name
		info[i] = map[string]string{"Name": column.Name, "Label": column.Name, "Type": column.Type}
	}
	rows, next, err := page(append([][]*string{header}, e.result.Rows...), in.NextToken, rowsPerPage)
	if err != nil {
		return nil, err
	}

	type cell struct {
		VarCharValue *string `json:",omitempty"`
	}
	type row struct{ Data []cell }
	encoded := make([]row, len(rows))
	for i := range rows {
		encoded[i].Data = []cell{}
		for _, text := range rows[i] {
			encoded[i].Data = append(encoded[i].Data, cell{text})
		}
	}
	return map[string]any{"NextToken": next, "ResultSet": map[string]any{
		"Rows": encoded, "ResultSetMetadata": map[string]any{"ColumnInfo": info}}}, nil
}
