package feed

import (
	"bytes"
	"errors"
)

var (
	errShortRow  = errors.New("row that ends before the column of the indicators")
	errLongRow   = errors.New("row with more cells than the table has columns")
	errNoneInRow = errors.New("row without a name, URL or address")
)

// maxRowLines bounds how many lines a row may span, and with it how often a line is
// read again when a quote was forgotten.
const maxRowLines = 32

// csvReader reads tables with comma, semicolon, tab or bar between the cells. Lines
// that begin with `#` are comments; the last one before the first row may be the row
// of headings, as in `# id,dateadded,url`. Without headings the first row decides
// which column holds the indicators. Cells may span lines if they are quoted.
//
// A row with more cells than there are columns is rejected: its cells may be shifted.
type csvReader struct {
	column    string // wanted, or empty
	limit     int    // bytes of a row
	layout    *layout
	commented *layout // of the headings in a comment
	started   bool    // there was a row
	titles    []byte  // the first row if it was neither headings nor a row
	cells     cells

	open      []byte // lines of a row whose quote is open, each with its line feed
	openStart int    // the line it began on
	openLines int
	inQuotes  bool // at the end of the last of them
}

func newCSVReader(column string, limit int) *csvReader {
	return &csvReader{column: column, limit: limit}
}

func (r *csvReader) line(c *collector, line []byte) {
	if len(r.open) > 0 {
		r.continueRow(c, line)
		return
	}
	row := trimCellRight(line)
	switch {
	case len(row) == 0:
	case row[0] == '#':
		r.comment(row)
	case r.layout == nil:
		r.first(c, row)
	default:
		r.row(c, row)
	}
}

// end gives up on a row that is still open.
func (r *csvReader) end(c *collector) {
	for len(r.open) > 0 {
		r.giveUp(c)
	}
	if r.layout == nil && c.err == nil && r.titles != nil {
		c.err = refuse(ErrColumn, 0, "the first row is %s", titlesOf(r.titles))
	}
}

func (r *csvReader) comment(row []byte) {
	if r.started {
		return
	}
	text := trim(bytes.TrimLeft(row, "#"))
	if found := layoutOfHeading(text, r.column); found != nil && len(found.roles) > 1 {
		r.commented = found
	}
}

// first finds the layout, with a row of headings or one that is already an entry.
func (r *csvReader) first(c *collector, row []byte) {
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
		r.row(c, row)
	case r.column != "":
		c.err = refuse(ErrColumn, c.line, "%q is not among %s", r.column, titlesOf(row))
	case !r.started: // headings that are not known
		r.titles = append(r.titles, row...)
	default:
		c.reject(row, errNoneInRow)
	}
	r.started = true
}

// row takes a row that stands on one line.
func (r *csvReader) row(c *collector, row []byte) {
	switch err := r.split(row); {
	case errors.Is(err, errOpenQuote):
		r.open = append(append(r.open, row...), '\n')
		r.openStart, r.openLines, r.inQuotes = c.line, 1, true
	case err != nil:
		c.reject(row, err)
	default:
		c.take(&r.cells, row)
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
	for ; column < len(roles); column++ { // cells that are missing are empty
		r.cells[roles[column]] = nil
	}
	return nil
}

// continueRow adds a line to the open row. Quotes are in pairs once it is complete.
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
	row := trimCellRight(r.open)
	if err := r.split(row); err != nil {
		r.giveUp(c)
		return
	}
	last := c.line
	c.line = r.openStart
	c.take(&r.cells, row)
	c.line = last
	r.open = r.open[:0]
}

// giveUp rejects the first line of an open row and reads the other lines again: a
// quote that somebody forgot costs one entry.
func (r *csvReader) giveUp(c *collector) {
	last := c.line
	lines := bytes.Split(bytes.TrimSuffix(bytes.Clone(r.open), []byte{'\n'}), []byte{'\n'})
	c.line, r.open = r.openStart, r.open[:0]
	c.reject(lines[0], errOpenQuote)
	for _, line := range lines[1:] {
		c.line++
		r.line(c, line)
	}
	c.line = last
}

var (
	errOpenQuote  = errors.New("quote that does not close")
	errAfterQuote = errors.New("text after a closing quote")
)

// nextCell cuts the first cell off a row (RFC 4180). Space at the ends of cells is
// dropped, outside of quotes, as in `"a", "b"`, and within; a quote within an unquoted
// cell is text. more says that a separator followed, so that there is another cell,
// empty or not.
func nextCell(row []byte, separator byte) (cell, rest []byte, more bool, err error) {
	row = trimCell(row, separator)
	if len(row) > 0 && row[0] == '"' {
		return nextQuoted(row[1:], separator)
	}
	if end := bytes.IndexByte(row, separator); end >= 0 {
		return trimCellRight(row[:end]), row[end+1:], true, nil
	}
	return trimCellRight(row), nil, false, nil
}

// quickCell finds the cells that most rows consist of: in quotes without a quote in
// them, or bare, without space at their ends, and not the last one. It returns where the
// cell and the next one are, or zeros.
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

// nextQuoted is nextCell behind the opening quote.
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

// trimCell cuts space off the front; a tab that separates is none.
func trimCell(row []byte, separator byte) []byte {
	for len(row) > 0 && row[0] != separator && isSpace(row[0]) {
		row = row[1:]
	}
	return row
}

func trimCellRight(cell []byte) []byte {
	for len(cell) > 0 && isSpace(cell[len(cell)-1]) {
		cell = cell[:len(cell)-1]
	}
	return cell
}

// splitRow returns all cells of a row.
func splitRow(row []byte, separator byte) (all [][]byte, err error) {
	for more := true; more; {
		var cell []byte
		cell, row, more, err = nextCell(row, separator)
		if err != nil {
			return nil, err
		}
		all = append(all, cell)
	}
	return all, nil
}

// separators of tables, the more likely first.
const separators = ",;\t|"

// separatorOf returns the separator that cuts a row into most cells.
func separatorOf(row []byte) byte {
	best, most := separators[0], 1
	for i := range len(separators) {
		if all, err := splitRow(row, separators[i]); err == nil && len(all) > most {
			best, most = separators[i], len(all)
		}
	}
	return best
}
