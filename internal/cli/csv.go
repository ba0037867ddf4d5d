package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
)

// csvWriter writes CSV (RFC 4180) for spreadsheets: attackers choose the names in the logs, so
// no cell begins a formula. Every cell is quoted but NULL.
type csvWriter struct{ out io.Writer }

func (w *csvWriter) begin(columns []athena.Column) error {
	cells := make(athena.Row, len(columns))
	for i, column := range columns {
		cells[i] = &column.Name
	}
	return w.row(cells)
}

func (w *csvWriter) row(row athena.Row) error {
	var line []byte
	for i, cell := range row {
		if i > 0 {
			line = append(line, ',')
		}
		if cell != nil {
			line = appendCell(line, *cell)
		}
	}
	if _, err := w.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// appendCSV appends a line of CSV. Empty cells are not quoted.
func appendCSV(line []byte, cells ...string) []byte {
	for i, cell := range cells {
		if i > 0 {
			line = append(line, ',')
		}
		if cell != "" {
			line = appendCell(line, cell)
		}
	}
	return append(line, '\n')
}

func appendCell(line []byte, cell string) []byte {
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(withoutFormula(cell), `"`, `""`)...)
	return append(line, '"')
}

func (w *csvWriter) end() error { return nil }

// formulaMarks begin a formula in a spreadsheet, in any width that Unicode has for them. Some
// spreadsheets convert full width to ASCII when they import a file.
const formulaMarks = "=+-@" + "＝＋－＠" + "﹦﹢﹣﹫" + "−"

// cellEnds separate cells for a reader that expects another separator than the comma. To that
// reader, each part of a cell is a cell, and could begin a formula.
const cellEnds = ";|\t\r\n"

// withoutFormula puts an apostrophe before everything in a cell that a spreadsheet could run as a
// formula: before the cell, and before a part after one of cellEnds. A negative number is not a
// formula.
func withoutFormula(cell string) string {
	if strings.HasPrefix(cell, "-") && json.Valid([]byte(cell)) && !strings.ContainsAny(cell, cellEnds) {
		return cell
	}
	var safe strings.Builder
	if strings.IndexAny(cell, "\t\r\n") == 0 {
		safe.WriteByte('\'') // a spreadsheet could skip it
	}
	for part := ""; cell != ""; cell = cell[len(part):] {
		part = cell
		if end := strings.IndexAny(cell, cellEnds); end >= 0 {
			part = cell[:end+1]
		}
		if strings.IndexAny(strings.TrimLeftFunc(part, isIgnored), formulaMarks) == 0 {
			safe.WriteByte('\'')
		}
		safe.WriteString(part)
	}
	return safe.String()
}

// blankLetters are letters and symbols without ink.
const blankLetters = "\u115f\u1160\u2800\u3164\uffa0"

// isIgnored reports whether a spreadsheet could ignore a character before a formula, or show
// nothing for it: blanks, quotes, controls, invalid UTF-8 and marks.
func isIgnored(r rune) bool {
	return r == '"' || r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r) || unicode.Is(unicode.M, r) ||
		strings.ContainsRune(blankLetters, r)
}
