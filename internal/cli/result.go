package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
)

// resultWriter writes the rows of a query result, in a given form.
type resultWriter interface {
	begin(columns []athena.Column) error
	row(row athena.Row) error
	end() error
}

func newResultWriter(form string, out io.Writer) resultWriter {
	switch form {
	case formTable:
		return &tableWriter{out: out}
	case formJSON:
		return &jsonWriter{out: out}
	default:
		return &csvWriter{out: out}
	}
}

// tableWriter writes a table for people.
type tableWriter struct {
	out  io.Writer
	rows *term.Table
}

func (w *tableWriter) begin(columns []athena.Column) error {
	shown := make([]term.Column, len(columns))
	for i, column := range columns {
		switch {
		case isNumber(column.Type):
			shown[i] = term.Number(column.Name)
		case column.Type == typeProse:
			shown[i] = term.Prose(column.Name)
		case column.Name == "verdict" || strings.HasSuffix(column.Name, "severity"):
			shown[i] = term.Rating(column.Name)
		default:
			shown[i] = term.Text(column.Name)
		}
	}
	w.rows = term.NewTable(w.out, shown...)
	return nil
}

func (w *tableWriter) row(row athena.Row) error {
	cells := make([]string, len(row))
	for i, cell := range row {
		if cell != nil {
			cells[i] = *cell
		}
	}
	w.rows.Add(cells...)
	return nil
}

func (w *tableWriter) end() error {
	if w.rows != nil && w.rows.Len() > 0 {
		w.rows.Render()
	}
	return nil
}

// jsonWriter writes one JSON object on each line. Numbers are not quoted, and NULL is null.
type jsonWriter struct {
	out     io.Writer
	columns []athena.Column
}

func (w *jsonWriter) begin(columns []athena.Column) error {
	w.columns = columns
	return nil
}

func (w *jsonWriter) row(row athena.Row) error {
	var line bytes.Buffer
	for i, cell := range row {
		if i == len(w.columns) {
			break
		}
		value, err := encodeCell(w.columns[i].Type, cell)
		if err != nil {
			return err
		}
		name, err := json.Marshal(w.columns[i].Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&line, "%c%s:%s", "{,"[min(i, 1)], name, value)
	}
	line.WriteString("}\n")
	if _, err := w.out.Write(line.Bytes()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

func (w *jsonWriter) end() error { return nil }

func encodeCell(typ string, cell *string) ([]byte, error) {
	if cell == nil {
		return []byte("null"), nil
	}
	if (isNumber(typ) || typ == "boolean") && json.Valid([]byte(*cell)) { // NaN is not a JSON number
		return []byte(*cell), nil
	}
	return json.Marshal(*cell)
}

// typeProse is the type of a column of sentences. Athena has no such type.
const typeProse = "prose"

// isNumber reports whether a type of Athena is a number.
func isNumber(typ string) bool {
	switch typ {
	case "tinyint", "smallint", "integer", "bigint", "float", "double", "decimal":
		return true
	}
	return false
}
