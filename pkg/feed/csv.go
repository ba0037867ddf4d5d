package feed

import (
	"bytes"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
)

var (
	errOpenQuote  = errors.New("unclosed quote")
	errAfterQuote = errors.New("text after a closing quote")
	errShortRow   = errors.New("row ends before the indicator column")
	errLongRow    = errors.New("row has more cells than the table has columns")
)

// maxRowLines limits how many lines a row may span. It also limits how often a line is read
// again if a quote is missing.
const maxRowLines = 32

// csvReader reads tables whose cells are separated by commas, semicolons, tabs or bars.
// Lines that start with `#` are comments. The columns were chosen before, by the headings and by
// rows from the whole list. Quoted cells may span lines.
//
// A row with more cells than the table has columns is rejected, because its cells may be
// shifted. A missing quote costs one entry: the reader rejects that line and reads the
// following lines again, which encoding/csv cannot do.
type csvReader struct {
	separator byte
	heading   []byte // the row of headings; it may occur again where lists were joined
	roles     []column.Role
	ranks     []int
	used      []column.Role // the roles that some column has
	needed    int           // the first column that can hold an indicator
	ragged    bool
	limit     int // of the bytes of a row
	cells     cells
	rank      [column.RoleCount]int // of the columns that the cells are from

	watched  bool // the column was chosen by its cells, so later rows can contradict it
	rows     int
	misses   int // rows whose indicator is in a column that is not read
	missLine int // of the first of them

	open      []byte // the lines of a row with an open quote, each with its line feed
	openStart int    // the line on which the open row starts
	openLines int
	inQuotes  bool // the open row ends within quotes
}

// newCSVReader chooses the columns of a table. The error is a [*RefusedError].
func newCSVReader(opened *opening, c *collector) (*csvReader, error) {
	t := opened.table(c.options.Column)
	r := &csvReader{
		separator: t.separator,
		heading:   t.heading,
		limit:     c.options.Limits.withDefaults().LineBytes,
	}
	if len(t.rows) == 0 && t.titles == nil {
		return r, nil
	}
	plan, err := column.Choose(t.sampled(), c.options.Column)
	if err != nil {
		return r, refuseColumn(err, t.line)
	}
	r.roles, r.ranks = plan.Roles, plan.Ranks
	for i, role := range r.roles {
		if role == column.Context {
			r.roles[i] = column.None
		}
	}
	r.used = slices.Compact(slices.Sorted(slices.Values(r.roles)))
	r.needed = slices.IndexFunc(r.roles, column.Role.IsIndicator)
	r.ragged = t.isRagged(r.needed)
	r.watched = !plan.Named
	c.columns = plan.Readings
	return r, nil
}

// refuseColumn turns an error of [column.Choose] into a refusal.
func refuseColumn(err error, line int) error {
	var unclear *column.UnclearError
	if errors.As(err, &unclear) {
		return refuse(ErrUnclear, 0, "%s", unclear)
	}
	var none *column.NoneError
	if errors.As(err, &none) && none.Named == "" {
		line = 0 // it is about every row
	}
	return refuse(ErrColumn, line, "%s", err)
}

func (r *csvReader) readLine(c *collector, line []byte) {
	if len(r.open) > 0 {
		r.continueRow(c, line)
		return
	}
	row := trimRow(line, r.separator)
	switch start := trimLeft(row); {
	case len(start) == 0, start[0] == '#', isRule(start):
	case r.heading != nil && bytes.Equal(row, r.heading):
	default:
		r.readRow(c, row)
	}
}

// isRule reports whether a line only separates headings from rows, as in Markdown.
func isRule(line []byte) bool {
	return len(line) > 2 && bytes.IndexByte([]byte("-|:+="), line[0]) >= 0 && all(line, func(c byte) bool { return c == '-' || c == '|' || c == ':' || c == '+' || c == '=' || c == ' ' })
}

// finish gives up on a row that is still open, and refuses the list if many of its rows
// contradict the choice of the column.
func (r *csvReader) finish(c *collector) {
	for len(r.open) > 0 {
		r.giveUp(c)
	}
	const few = 3
	if c.err == nil && r.misses >= few && maxMissShare*r.misses > r.rows {
		c.err = refuse(ErrUnclear, r.missLine,
			"in %d of %d rows the column that was chosen has no indicator, but another one has", r.misses, r.rows)
	}
}

// maxMissShare limits the rows that may contradict the chosen column to one in ten.
const maxMissShare = 10

// readLong accepts a comment.
func (r *csvReader) readLong(_ *collector, head []byte) bool {
	text := trimLeft(head)
	return len(r.open) == 0 && len(text) > 0 && text[0] == '#'
}

// readRow reads a row that starts on the current line.
func (r *csvReader) readRow(c *collector, row []byte) {
	switch err := r.split(row); {
	case errors.Is(err, errOpenQuote):
		r.open = append(append(r.open, row...), '\n')
		r.openStart, r.openLines, r.inQuotes = c.line, 1, true
	case err != nil:
		c.reject(row, err)
	default:
		r.addRow(c, row)
	}
}

// addRow adds the row whose cells were split, and notes if it contradicts the choice of the
// column.
func (r *csvReader) addRow(c *collector, row []byte) {
	rejected, accepted := c.counts.rejected, c.counts.accepted
	c.addRow(&r.cells, row)
	r.rows++
	if !r.watched || c.counts.rejected == rejected && (c.counts.accepted > accepted || !r.isBlank()) {
		return
	}
	cells, err := splitRow(row, r.separator)
	for i, cell := range cells {
		if err == nil && i < len(r.roles) && r.roles[i] == column.None && kindOf(cell).Kind.IsIndicator() {
			if r.misses++; r.misses == 1 {
				r.missLine = c.line
			}
			return
		}
	}
}

// isBlank reports whether the row has nothing in the columns of indicators.
func (r *csvReader) isBlank() bool {
	return len(r.cells[column.URL]) == 0 && len(r.cells[column.Name]) == 0 && len(r.cells[column.Address]) == 0
}

// split sorts the cells of a row by role.
func (r *csvReader) split(row []byte) error {
	for _, role := range r.used {
		r.cells[role] = nil
	}
	at, more := 0, true
	for ; more; at++ {
		if at == len(r.roles) {
			return r.splitSurplus(row)
		}
		var cell []byte
		if from, to, next := quickCell(row, r.separator); next > 0 {
			more = next <= len(row)
			cell, row = row[from:to], row[min(next, len(row)):]
		} else {
			var err error
			if cell, row, more, err = nextCell(row, r.separator); err != nil {
				return err
			}
		}
		role := r.roles[at]
		if role == column.None || len(cell) == 0 {
			continue
		}
		if r.cells[role] == nil || r.ranks[at] < r.rank[role] {
			r.cells[role], r.rank[role] = cell, r.ranks[at]
		}
	}
	if at <= r.needed {
		return errShortRow
	}
	return nil
}

// splitSurplus checks the cells after the last column.
func (r *csvReader) splitSurplus(row []byte) error {
	for more := true; more; {
		var cell []byte
		var err error
		if cell, row, more, err = nextCell(row, r.separator); err != nil {
			return err
		}
		if len(cell) > 0 && !r.ragged {
			return errLongRow
		}
	}
	return nil
}

// continueRow adds a line to the open row. The row is complete once its quotes are paired.
func (r *csvReader) continueRow(c *collector, line []byte) {
	r.open = append(append(r.open, line...), '\n')
	r.openLines++
	if bytes.Count(line, []byte{'"'})%2 == 1 {
		r.inQuotes = !r.inQuotes
	}
	if r.inQuotes {
		if len(r.open) > r.limit || r.openLines == maxRowLines {
			r.giveUp(c)
		}
		return
	}

	row := trimRow(r.open, r.separator)
	if err := r.split(row); err != nil {
		r.giveUp(c)
		return
	}
	last := c.line
	c.line = r.openStart
	r.addRow(c, row)
	c.line = last
	r.open = r.open[:0]
}

// giveUp rejects the first line of the open row and reads its other lines again.
func (r *csvReader) giveUp(c *collector) {
	last := c.line
	lines := bytes.Split(bytes.TrimSuffix(bytes.Clone(r.open), []byte{'\n'}), []byte{'\n'})
	c.line, r.open = r.openStart, r.open[:0]
	c.reject(lines[0], errOpenQuote)
	for _, line := range lines[1:] {
		c.line++
		r.readLine(c, line)
	}
	c.line = last
}

// splitRow returns all cells of a row.
func splitRow(row []byte, separator byte) (cells [][]byte, err error) {
	for more := true; more; {
		var cell []byte
		cell, row, more, err = nextCell(row, separator)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// quickCell finds the kind of cell that most rows consist of: either in quotes with no quote
// inside, or bare and not the last of its row, and in both cases with visible ASCII characters at
// its ends. It returns the bounds of the cell and the start of the next one, which is beyond the
// end of the row after the last cell. For any other cell, next is 0.
func quickCell(row []byte, separator byte) (from, to, next int) {
	switch {
	case len(row) == 0:
		return 0, 0, 0
	case row[0] == '"':
		end := 1 + bytes.IndexByte(row[1:], '"')
		if end == 0 || !isVisible(row[1]) || !isVisible(row[end-1]) || end+1 < len(row) && row[end+1] != separator {
			return 0, 0, 0
		}
		return 1, end, end + 2
	}
	end := bytes.IndexByte(row, separator)
	if end <= 0 || !isVisible(row[0]) || !isVisible(row[end-1]) {
		return 0, 0, 0
	}
	return 0, end, end + 1
}

// isVisible reports whether c is a visible ASCII character, or DEL.
func isVisible(c byte) bool { return c-'!' < utf8.RuneSelf-'!' }

// nextCell removes the first cell from a row (RFC 4180). White space at the ends of a cell is
// dropped, both outside quotes, as in `"a", "b"`, and inside. A quote within an unquoted cell
// is text. more reports whether a separator followed, so that there is another cell, which
// may be empty.
func nextCell(row []byte, separator byte) (cell, rest []byte, more bool, err error) {
	row = trimCell(row, separator)
	if len(row) > 0 && row[0] == '"' {
		return nextQuoted(row[1:], separator)
	}
	if end := bytes.IndexByte(row, separator); end >= 0 {
		return trimRight(row[:end]), row[end+1:], true, nil
	}
	return trimRight(row), nil, false, nil
}

// nextQuoted is nextCell for a row whose opening quote was removed.
func nextQuoted(row []byte, separator byte) (cell, rest []byte, more bool, err error) {
	end, doubled := 0, false
	for {
		quote := bytes.IndexByte(row[end:], '"')
		if quote < 0 {
			return nil, nil, false, errOpenQuote
		}
		end += quote
		if end+1 == len(row) || row[end+1] != '"' {
			break
		}
		end, doubled = end+2, true
	}

	cell, rest = trim(row[:end]), row[end+1:]
	if doubled {
		cell = bytes.ReplaceAll(cell, []byte(`""`), []byte(`"`))
	}
	if len(rest) > 0 && rest[0] != separator {
		rest = trimCell(rest, separator)
	}
	switch {
	case len(rest) == 0:
		return cell, nil, false, nil
	case rest[0] != separator:
		return nil, nil, false, errAfterQuote
	}
	return cell, rest[1:], true, nil
}

// trimCell removes leading white space, except for a tab that is the separator.
func trimCell(row []byte, separator byte) []byte {
	for len(row) > 0 && row[0] != separator && isSpace(row[0]) {
		row = row[1:]
	}
	return row
}
