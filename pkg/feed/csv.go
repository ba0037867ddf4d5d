package feed

import (
	"bytes"
	"errors"
)

var (
	errOpenQuote  = errors.New("unclosed quote")
	errAfterQuote = errors.New("text after a closing quote")
	errShortRow   = errors.New("row ends before the indicator column")
	errLongRow    = errors.New("row has more cells than the table has columns")
	errNoneInRow  = errors.New("row without a name, URL or address")
)

// maxRowLines limits how many lines a row may span. It also limits how often a line is read
// again if a quote is missing.
const maxRowLines = 32

// csvReader reads tables whose cells are separated by commas, semicolons, tabs or bars.
// Lines that start with `#` are comments. The last comment before the first row may hold the
// headings, as in `# id,dateadded,url`. Without headings, the first row decides which column
// holds the indicators. Quoted cells may span lines.
//
// A row with more cells than the table has columns is rejected, because its cells may be
// shifted. A missing quote costs one entry: the reader rejects that line and reads the
// following lines again, which encoding/csv cannot do.
type csvReader struct {
	column    string // the one to use, or empty
	limit     int    // of the bytes of a row
	layout    *layout
	commented *layout // from the headings in a comment
	started   bool    // a row has been read
	titles    []byte  // the first row, if it has neither headings nor an indicator
	cells     cells

	open      []byte // the lines of a row with an open quote, each with its line feed
	openStart int    // the line on which the open row starts
	openLines int
	inQuotes  bool // the open row ends within quotes
}

func newCSVReader(column string, limit int) *csvReader {
	return &csvReader{column: column, limit: limit}
}

func (r *csvReader) readLine(c *collector, line []byte) {
	if len(r.open) > 0 {
		r.continueRow(c, line)
		return
	}
	row := trimRight(line)
	switch {
	case len(row) == 0:
	case row[0] == '#':
		r.readComment(row)
	case r.layout == nil:
		r.readFirstRow(c, row)
	default:
		r.readRow(c, row)
	}
}

// finish gives up on a row that is still open.
func (r *csvReader) finish(c *collector) {
	for len(r.open) > 0 {
		r.giveUp(c)
	}
	if r.layout == nil && c.err == nil && r.titles != nil {
		c.err = refuse(ErrColumn, 0, "the first row is %s", quoteTitles(r.titles))
	}
}

// readLong accepts a comment.
func (r *csvReader) readLong(_ *collector, head []byte) bool {
	text := trimLeft(head)
	return len(r.open) == 0 && len(text) > 0 && text[0] == '#'
}

func (r *csvReader) readComment(row []byte) {
	if r.started {
		return
	}
	text := trim(bytes.TrimLeft(row, "#"))
	if found := layoutOfHeading(text, r.column); found != nil && len(found.roles) > 1 {
		r.commented = found
	}
}

// readFirstRow chooses the layout: from a row of headings, or from a row that is already an
// entry.
func (r *csvReader) readFirstRow(c *collector, row []byte) {
	if heading := layoutOfHeading(row, r.column); heading != nil && !r.started {
		r.layout = heading
		return
	}
	r.layout = r.commented
	if r.layout == nil {
		r.layout = layoutOfRow(row, r.column)
	}

	switch {
	case r.layout != nil:
		r.readRow(c, row)
	case r.column != "":
		c.err = refuse(ErrColumn, c.line, "%q is not among %s", r.column, quoteTitles(row))
	case !r.started: // unknown headings
		r.titles = append(r.titles, row...)
	default:
		c.reject(row, errNoneInRow)
	}
	r.started = true
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
		c.addRow(&r.cells, row)
	}
}

// split sorts the cells of a row by role.
func (r *csvReader) split(row []byte) error {
	roles, separator := r.layout.roles, r.layout.separator
	column, more := 0, true
	for ; more; column++ {
		if column == len(roles) {
			return errLongRow
		}
		var cell []byte
		if from, to, next := quickCell(row, separator); next > 0 {
			cell, row = row[from:to], row[next:]
		} else {
			var err error
			if cell, row, more, err = nextCell(row, separator); err != nil {
				return err
			}
		}
		if role := roles[column]; role != roleNone {
			r.cells[role] = cell
		}
	}

	if column <= r.layout.needed {
		return errShortRow
	}
	for ; column < len(roles); column++ { // missing cells are empty
		r.cells[roles[column]] = nil
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

	row := trimRight(r.open)
	if err := r.split(row); err != nil {
		r.giveUp(c)
		return
	}
	last := c.line
	c.line = r.openStart
	c.addRow(&r.cells, row)
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

// quickCell finds the kind of cell that most rows consist of: not the last of its row, either
// bare or in quotes with no quote inside, and without white space at its ends. It returns the
// bounds of the cell and the start of the next one. For any other cell, next is 0.
func quickCell(row []byte, separator byte) (from, to, next int) {
	switch {
	case len(row) == 0:
		return 0, 0, 0
	case row[0] == '"':
		end := 1 + bytes.IndexByte(row[1:], '"')
		if end+1 < len(row) && row[end+1] == separator && end > 0 && row[1] > ' ' && row[end-1] > ' ' {
			return 1, end, end + 2
		}
		return 0, 0, 0
	}
	end := bytes.IndexByte(row, separator)
	if end <= 0 || row[0] <= ' ' || row[end-1] <= ' ' {
		return 0, 0, 0
	}
	return 0, end, end + 1
}

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
