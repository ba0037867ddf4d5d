package athenaio

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
)

// Column is a column of a result.
type Column struct {
	Name string
	Type string // of Athena, such as varchar or bigint
}

// Row is a row of a result: a text for each column, nil for NULL.
type Row []*string

// Rows calls begin with the columns and then each with every row, until one of them
// fails.
func (e *Execution) Rows(ctx context.Context, begin func([]Column) error, each func(Row) error) error {
	pages := athena.NewGetQueryResultsPaginator(e.group.client, &athena.GetQueryResultsInput{QueryExecutionId: &e.ID})
	for first := true; pages.HasMorePages(); first = false {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading the result of query %s: %w", e.ID, err)
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

// isHeader reports whether a row has the names of the columns, as the first one of a
// SELECT does. SHOW and DESCRIBE have none.
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
