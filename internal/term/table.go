package term

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// Column is a column of a [Table].
type Column struct {
	title string
	kind  kind
	spare bool
}

// kind says what the cells of a column may lose.
type kind int

const (
	kindText   kind = iota // the middle
	kindProse              // nothing, but it may get several lines
	kindWord               // nothing
	kindNumber             // nothing; aligned to the right
	kindRating             // nothing; a verdict or a severity, in its color
)

// Text is a column of names. On a narrow terminal, long ones lose their middle.
func Text(title string) Column { return Column{title: title, kind: kindText} }

// Prose is a column of sentences. On a narrow terminal, a sentence gets several lines.
func Prose(title string) Column { return Column{title: title, kind: kindProse} }

// Word is a column of short texts that are never cut, such as times.
func Word(title string) Column { return Column{title: title, kind: kindWord} }

// Number is a column of numbers.
func Number(title string) Column { return Column{title: title, kind: kindNumber} }

// Rating is a column of verdicts or severities.
func Rating(title string) Column { return Column{title: title, kind: kindRating} }

// Spare returns the column as one that a narrow terminal leaves out.
func (c Column) Spare() Column {
	c.spare = true
	return c
}

// Table lays out rows for people. On a terminal it fits its width; elsewhere nothing is cut. It
// keeps all rows in memory, because a column is as wide as its widest cell.
type Table struct {
	out     io.Writer
	screen  int // the width to fit; 0 means any
	columns []Column
	rows    [][]string
}

// NewTable returns an empty table that is written to out.
func NewTable(out io.Writer, columns ...Column) *Table {
	return &Table{out: out, screen: widthOf(out), columns: columns}
}

// Add appends a row. Missing cells are empty.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.columns))
	for i := range min(len(cells), len(row)) {
		row[i] = printable.Line(cells[i])
	}
	t.rows = append(t.rows, row)
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Render writes the table, with a line about columns that were left out.
func (t *Table) Render() {
	widths, shown := t.layout()
	rows := table.NewWriter()
	rows.SetOutputMirror(t.out)
	rows.SetStyle(table.StyleDefault)
	rows.Style().Options = table.OptionsNoBordersAndSeparators
	rows.Style().Box.PaddingLeft, rows.Style().Box.PaddingRight = "", gap
	rows.SuppressTrailingSpaces()

	colors := ColorsOf(t.out)
	var header table.Row
	var configs []table.ColumnConfig
	for i, at := range shown {
		header = append(header, t.columns[at].title)
		configs = append(configs, t.columns[at].config(i+1, widths[at], colors))
	}
	rows.AppendHeader(header)
	rows.SetColumnConfigs(configs)
	for _, cells := range t.rows {
		var row table.Row
		for _, at := range shown {
			row = append(row, cells[at])
		}
		rows.AppendRow(row)
	}
	rows.Render()
	t.printLeftOut(shown)
}

// printLeftOut names the columns for which the terminal is too narrow.
func (t *Table) printLeftOut(shown []int) {
	var names []string
	for i, column := range t.columns {
		if !slices.Contains(shown, i) && !t.isEmpty(i) {
			names = append(names, strings.ToUpper(column.title))
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(t.out, "(too narrow for %s; a wider terminal or a pipe shows all columns)\n", strings.Join(names, ", "))
	}
}

// gap is between two columns.
const gap = "  "

// layout returns the widths of all columns, and the columns that are shown. A width of 0 means that
// nothing is cut.
func (t *Table) layout() (widths, shown []int) {
	widths = make([]int, len(t.columns))
	for i, column := range t.columns {
		shown = append(shown, i)
		widths[i] = text.StringWidth(column.title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], text.StringWidth(row[i]))
		}
	}
	if t.screen == 0 {
		return make([]int, len(t.columns)), shown
	}

	for _, leaveOut := range []func(int) bool{t.isEmpty, func(i int) bool { return t.columns[i].spare }} {
		for i := len(t.columns) - 1; i >= 0 && t.total(t.leasts(widths), shown) > t.screen; i-- {
			if leaveOut(i) {
				shown = slices.DeleteFunc(shown, func(at int) bool { return at == i })
			}
		}
	}
	t.shrink(widths, shown)
	return widths, shown
}

// shrink makes the widest columns narrower until the table fits, if it can.
func (t *Table) shrink(widths, shown []int) {
	leasts := t.leasts(widths)
	for total := t.total(widths, shown); total > t.screen; total-- {
		widest := -1
		for _, i := range shown {
			if widths[i] > leasts[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// isEmpty reports whether no row has a cell in a column.
func (t *Table) isEmpty(column int) bool {
	return !slices.ContainsFunc(t.rows, func(row []string) bool { return row[column] != "" })
}

func (t *Table) total(widths, shown []int) int {
	total := len(gap) * (len(shown) - 1)
	for _, i := range shown {
		total += widths[i]
	}
	return total
}

// Widths below which a column says too little: an IPv4 address, and three or four words.
const (
	leastText  = 15
	leastProse = 24
)

// leasts returns to what width each column may shrink.
func (t *Table) leasts(widths []int) []int {
	leasts := make([]int, len(widths))
	for i, column := range t.columns {
		switch column.kind {
		case kindText:
			leasts[i] = min(widths[i], leastText)
		case kindProse:
			leasts[i] = min(widths[i], leastProse)
		case kindWord, kindNumber, kindRating:
			leasts[i] = widths[i]
		}
	}
	return leasts
}

// config returns how a column is shown at a place, counted from 1.
func (c Column) config(place, width int, colors Colors) table.ColumnConfig {
	config := table.ColumnConfig{Number: place, WidthMax: width, WidthMaxEnforcer: cutMiddle}
	switch c.kind {
	case kindProse:
		config.WidthMaxEnforcer = text.WrapSoft
	case kindNumber:
		config.Align, config.AlignHeader = text.AlignRight, text.AlignRight
	case kindText, kindWord:
	case kindRating:
		config.WidthMaxEnforcer, config.WidthMax = nil, 0
		config.Transformer = func(cell any) string { return colors.Word(fmt.Sprint(cell)) }
	}
	return config
}

// cutMiddle cuts the middle out of a text that is wider than width. The end stays, because the end of a name
// says whose it is.
func cutMiddle(cell string, width int) string {
	if text.StringWidth(cell) <= width {
		return cell
	}
	const headShare = 3
	runes := []rune(cell)
	head, tail := 0, len(runes)
	for used := 1; ; { // 1 for the ellipsis
		if next := text.RuneWidth(runes[head]); used+next <= width/headShare {
			head, used = head+1, used+next
			continue
		}
		next := text.RuneWidth(runes[tail-1])
		if used+next > width {
			break
		}
		tail, used = tail-1, used+next
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}
