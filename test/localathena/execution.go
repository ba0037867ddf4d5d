package localathena

import (
	"context"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

type executionRequest struct {
	QueryExecutionId, NextToken string //nolint:revive // the API's spelling
}

// onExecution makes an operation of what is done to the execution that a request names.
// s.mu is held meanwhile.
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
		"Status":           map[string]any{"State": e.state(), "StateChangeReason": e.reason},
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

// pageOfRows is how many rows Athena answers at most, the header among them.
const pageOfRows = 1000

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
	rows, next, err := page(append([][]*string{header}, e.result.Rows...), in.NextToken, pageOfRows)
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
