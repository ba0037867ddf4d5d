package feed

import (
	"bytes"
	"errors"
)

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
