package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
)

// formCSV is an output form of query results. The others are formTable and formJSON.
const formCSV = "csv"

// resultForm returns the output form. The default is a table on a terminal, else CSV.
func resultForm(cmd *cobra.Command, out io.Writer, form string) (string, error) {
	switch {
	case form == "" && isTerminal(out):
		return formTable, nil
	case form == "":
		return formCSV, nil
	case form != formTable && form != formCSV && form != formJSON:
		return "", usagef(cmd, "output %q: must be one of table, csv, json", form)
	}
	return form, nil
}

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

// tableWriter writes a table for people. It keeps all rows in memory, because a column is as
// wide as its widest cell.
type tableWriter struct {
	out  io.Writer
	rows table.Writer
}

func (w *tableWriter) begin(columns []athena.Column) error {
	var names []any
	for _, column := range columns {
		names = append(names, strings.ToUpper(sighting.Printable(column.Name)))
	}
	w.rows = newTable(w.out, names...)
	return nil
}

func (w *tableWriter) row(row athena.Row) error {
	var cells table.Row
	for _, cell := range row {
		text := ""
		if cell != nil {
			text = sighting.Printable(*cell)
		}
		cells = append(cells, text)
	}
	w.rows.AppendRow(cells)
	return nil
}

func (w *tableWriter) end() error {
	if w.rows != nil && w.rows.Length() > 0 {
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
	switch typ {
	case "tinyint", "smallint", "integer", "bigint", "float", "double", "decimal", "boolean":
		if json.Valid([]byte(*cell)) { // NaN is not a JSON number
			return []byte(*cell), nil
		}
	}
	return json.Marshal(*cell)
}
