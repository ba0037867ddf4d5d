package feed

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/feed/spool"
)

// This file finds the rows and the headings of a table in the sample of a list. Package column
// then decides which of its columns holds what.

const (
	maxSampledRows = 1024
	maxSingleCells = 256 // rows, if no line can be split
	maxSampledCell = 512 // bytes; longer cells are prose
)

// tableText is a table as it was found in a sample.
type tableText struct {
	named     string // the column that the user has named, or empty
	separator byte
	titles    []string
	heading   []byte // the row of headings, if it is not a comment
	commented bool   // the headings are in a comment
	declared  bool   // by `#fields`
	line      int    // of the first row, from 1
	rows      [][][]byte
}

// table returns the table that the sample shows. It is looked for only once.
func (p *opening) table(named string) *tableText {
	if p.found == nil || p.found.named != named {
		p.found = findTable(p.sample, named)
	}
	return p.found
}

// findTable reads a sample as a table.
func findTable(s *spool.Sample, named string) *tableText {
	t := &tableText{named: named}
	var comments [][]byte
	lines := make([][]byte, 0, s.Count())
	number := 0
	s.EachLine(func(line []byte) bool {
		number++
		switch text := trim(bytes.TrimPrefix(line, byteOrderMark)); {
		case len(text) == 0:
		case isRule(text):
		case text[0] == '#':
			if len(lines) == 0 {
				comments = append(comments, text)
			}
		default:
			if len(lines) == 0 {
				t.line = number
			}
			lines = append(lines, bytes.TrimPrefix(line, byteOrderMark))
		}
		return true
	})

	if t.declare(comments) {
		t.splitRows(lines, maxSampledRows)
		return t
	}
	most := maxSampledRows
	var found bool
	if t.separator, found = commonSeparator(lines); !found {
		most = maxSingleCells
	}
	t.splitRows(lines, most)
	t.findHeading(comments, lines)
	return t
}

// declare reads the headings of a Zeek log, in which they follow `#fields` and a tab.
func (t *tableText) declare(comments [][]byte) bool {
	for _, comment := range comments {
		if fields, found := bytes.CutPrefix(comment, []byte(zeekFields)); found && len(fields) > 0 && bytes.IndexByte([]byte("\t ,;|"), fields[0]) >= 0 {
			t.separator, t.commented, t.declared = zeekSeparator(comments, fields[0]), true, true
			for _, title := range bytes.FieldsFunc(fields, func(r rune) bool { return r == rune(t.separator) }) {
				t.titles = append(t.titles, string(title))
			}
			return true
		}
	}
	return false
}

const zeekFields = "#fields"

// zeekSeparator returns the separator that `#separator` declares, or the one after `#fields`.
func zeekSeparator(comments [][]byte, used byte) byte {
	for _, comment := range comments {
		declared, found := bytes.CutPrefix(comment, []byte("#separator "))
		if declared = trim(declared); found && len(declared) == 1 {
			return declared[0]
		}
	}
	return used
}

// splitRows splits the lines into rows, or lines from all over the table if it is long. A row
// with an open quote continues in the next lines.
func (t *tableText) splitRows(lines [][]byte, most int) {
	next := 0
	for _, i := range spool.Pick(len(lines), most) {
		if i < next { // a line of the row before
			continue
		}
		row := trimRow(lines[i], t.separator)
		cells, err := splitRow(row, t.separator)
		for next = i + 1; errors.Is(err, errOpenQuote) && next < len(lines) && next < i+maxRowLines; next++ {
			row = append(append(row[:len(row):len(row)], '\n'), trimRow(lines[next], t.separator)...)
			cells, err = splitRow(row, t.separator)
		}
		if err == nil {
			t.rows = append(t.rows, cells)
		} else {
			next = i + 1
		}
	}
}

// width returns the most common number of cells.
func (t *tableText) width() int {
	counts := map[int]int{}
	best := 0
	for _, row := range t.rows {
		if counts[len(row)]++; counts[len(row)] > counts[best] {
			best = len(row)
		}
	}
	return best
}

// findHeading looks for headings in the first row, or else in the last comment before it.
func (t *tableText) findHeading(comments, lines [][]byte) {
	if len(t.rows) == 0 {
		return
	}
	if first := t.rows[0]; t.isHeading(first, t.rows[1:]) {
		t.titles, t.heading = texts(first), trimRow(lines[0], t.separator)
		t.rows = t.rows[1:]
		if len(first) == 1 && t.width() > 1 { // it has another separator
			t.titles = nil
		}
		return
	}
	width := t.width()
	if width < 2 { // the lines are not rows
		return
	}
	for _, comment := range slices.Backward(comments) {
		cells, err := splitRow(trim(bytes.TrimLeft(comment, "#")), t.separator)
		if err == nil && len(cells) > 1 && len(cells) >= width-1 && len(cells) <= width+1 && t.isKnownHeading(cells) {
			t.titles, t.commented = texts(cells), true
			return
		}
	}
}

func texts(cells [][]byte) (all []string) {
	for _, cell := range cells {
		all = append(all, string(cell))
	}
	return all
}

// isKnownHeading reports whether a row has a known heading of an indicator or a type, and no
// cell that looks like an indicator.
func (t *tableText) isKnownHeading(cells [][]byte) bool {
	known := false
	for i, cell := range cells {
		h := column.HeadingOf(string(cell))
		known = known || h.Role.IsIndicator() || h.Role == column.Type ||
			t.named != "" && column.SameHeading(string(cell), t.named)
		if kindOf(cell).Kind.IsIndicator() && (h.Role == column.None || !t.differs(cell, i, t.rows)) {
			return false
		}
	}
	return known
}

// isHeading reports whether the first row of a table has its headings. They are known, or they
// are words over cells of another kind. Headings with dots, such as source.fqdn, look like
// names, so they also need other cells below them.
func (t *tableText) isHeading(first [][]byte, rows [][][]byte) bool {
	known, differs, doubts, odd := 0, 0, 0, false
	for i, text := range first {
		cell := kindOf(text)
		h := column.HeadingOf(string(text))
		dotted := cell.Kind == column.HostName || cell.Kind == column.File
		switch {
		case cell.Kind == column.Empty:
		case t.named != "" && column.SameHeading(string(text), t.named):
			known++
		case dotted && h.Role != column.None && t.differs(text, i, rows):
			known++
			differs++
		case dotted && h.Role != column.None: // a name such as evil.link, or such a heading
			doubts++
		case cell.Kind == column.Number && t.differs(text, i, rows): // a sum in the row of headings
		case cell.Kind != column.Word && cell.Kind != column.File:
			return false
		case cell.Kind == column.Word && h.Role != column.None && (len(first) > 1 || h.Role.IsIndicator()):
			known++
		case cell.Kind == column.Word && t.differs(text, i, rows):
			odd = true
		}
	}
	if doubts > 0 {
		return differs > 0
	}
	return known > 0 || odd
}

// hasHeading reports whether the table has a row of headings that proves a table: known ones
// in the first row, or known ones in a comment above rows with as many cells.
func (t *tableText) hasHeading() bool {
	return t.declared || t.heading != nil && t.isKnownHeading(byteCells(t.titles)) ||
		t.commented && !t.looksLikeRules()
}

func byteCells(titles []string) (cells [][]byte) {
	for _, title := range titles {
		cells = append(cells, []byte(title))
	}
	return cells
}

// looksLikeRules reports whether the rows below headings in a comment are lines of another
// format that happen to have as many cells.
func (t *tableText) looksLikeRules() bool {
	rules := 0
	for _, row := range t.rows {
		if text := bytes.Join(row, []byte{t.separator}); len(text) > 0 && guessRule(text) != "" {
			rules++
		}
	}
	return 2*rules > len(t.rows)
}

// differs reports whether most of the cells below a heading are of another kind than the
// heading itself.
func (t *tableText) differs(title []byte, i int, rows [][][]byte) bool {
	own := kindOf(title).Kind
	filled, other := 0, 0
	for _, row := range rows[:min(len(rows), 100)] {
		if i >= len(row) {
			continue
		}
		if kind := kindOf(row[i]).Kind; kind != column.Empty {
			filled++
			if kind != own {
				other++
			}
		}
	}
	return filled > 0 && 5*other >= 4*filled
}

// sampled returns the table for the choice of columns.
func (t *tableText) sampled() *column.Table {
	table := &column.Table{Titles: t.titles}
	for _, row := range t.rows {
		cells := make([]column.Cell, len(row))
		for i, text := range row {
			cells[i] = kindOf(text)
		}
		table.Rows = append(table.Rows, cells)
	}
	return table
}

// isRagged reports whether many rows have more cells than there are headings, but have their
// indicators in the given column. The text of their last column then contains separators.
func (t *tableText) isRagged(indicator int) bool {
	if indicator < 0 || len(t.titles) == 0 {
		return false
	}
	long, right := 0, 0
	for _, row := range t.rows {
		if len(trimCells(row)) <= len(t.titles) {
			continue
		}
		if long++; kindOf(row[indicator]).Kind.IsIndicator() {
			right++
		}
	}
	return long >= 3 && 4*long >= len(t.rows) && 5*right >= 4*long
}

func trimCells(row [][]byte) [][]byte {
	for len(row) > 0 && len(row[len(row)-1]) == 0 {
		row = row[:len(row)-1]
	}
	return row
}

// kindOf returns what a cell looks like.
func kindOf(text []byte) column.Cell {
	if isPlaceholder(text) || len(trim(text)) == 0 {
		return column.Cell{}
	}
	cell := column.Cell{Text: string(text[:min(len(text), maxSampledCell)]), Kind: column.Word}
	switch {
	case isDate(text):
		cell.Kind = column.Date
	case all(text, func(c byte) bool { return isDigit(c) || c == '.' || c == ',' || c == '%' || c == '-' || c == '+' }) && !isAddress(text):
		cell.Kind = column.Number
	case hasHashes(text):
		cell.Kind = column.Hash
	case len(text) > maxSampledCell && bytes.Count(text, []byte{' '}) > 3:
	default:
		classify(&cell, text)
	}
	return cell
}

// classify sets the kind of a cell that may be a target.
func classify(cell *column.Cell, text []byte) {
	if indexSpace(text) >= 0 {
		return
	}
	t := parseTarget(text)
	switch {
	case t.block.IsValid():
		cell.Kind, cell.Host = column.IP, t.block.String()
		return
	case t.skip == SkipOtherType && bytes.IndexByte(text, '@') > 0:
		cell.Kind = column.Mail
		return
	case t.host == nil || bytes.IndexByte(t.host, '.') < 0:
		return
	}
	name, err := domainname.Parse(string(t.host))
	if err != nil {
		return
	}

	cell.Host = name.String()
	_, isURL := cutScheme(refang(text))
	switch {
	case isURL:
		cell.Kind = column.Link
	case !domainname.HasKnownTLD(cell.Host):
		cell.Kind = column.File
	case t.partial:
		cell.Kind = column.HostPart
	default:
		cell.Kind = column.HostName
		cell.MayBeFile = mayBeFile(cell.Host)
	}
}

// fileEndings are endings of files that are also top-level domains.
var fileEndings = []string{"zip", "sh", "py", "pl", "so", "mov", "ps", "rs", "md", "cc", "bz", "app", "ml", "js", "in", "pub", "cab"}

// mayBeFile reports whether a name of two labels could be the name of a file.
func mayBeFile(name string) bool {
	dot := bytes.IndexByte([]byte(name), '.')
	return bytes.IndexByte([]byte(name[dot+1:]), '.') < 0 && slices.Contains(fileEndings, name[dot+1:])
}

// hasHashes reports whether a cell consists of one or more hashes.
func hasHashes(text []byte) bool {
	found := false
	for _, word := range bytes.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == ';' || r == '|' || r == '/' }) {
		if n := len(word); n != 32 && n != 40 && n != 56 && n != 64 && n != 96 && n != 128 || !all(word, isHex) {
			return false
		}
		found = true
	}
	return found
}

// isDate recognizes dates that begin with a year, and dates with slashes or dots.
func isDate(text []byte) bool {
	const shortest, longest = len("1/2/06"), len("2006-01-02T15:04:05.000000000+00:00 UTC")
	if len(text) < shortest || len(text) > longest || !isDigit(text[0]) {
		return false
	}
	date, rest, _ := bytes.Cut(text, []byte{' '})
	if at := bytes.IndexByte(date, 'T'); at > 0 {
		date, rest = date[:at], date[at+1:]
	}
	if len(rest) > 0 && !isDigit(rest[0]) {
		return false
	}
	for _, separator := range []byte("-/.") {
		parts := bytes.Split(date, []byte{separator})
		if len(parts) == 3 && allDigits(parts) && (len(parts[0]) == 4 || len(parts[2]) == 4 || separator == '/') {
			return true
		}
	}
	return false
}

func allDigits(parts [][]byte) bool {
	for _, part := range parts {
		if len(part) == 0 || len(part) > 4 || !all(part, isDigit) {
			return false
		}
	}
	return true
}

// separators are the separators of tables. The tab comes first, because cells hardly ever contain
// one.
const separators = "\t,;|"

// commonSeparator returns the separator with which most rows have the same number of cells, and
// reports whether any row has several cells. In a tie, the separator with which more cells are
// names, addresses or URLs wins: the others are part of URLs or of text.
func commonSeparator(lines [][]byte) (separator byte, found bool) {
	separator = ','
	var best agreement
	for i := range len(separators) {
		if a := agree(lines, separators[i]); a.rows > 0 && a.isBetter(best) {
			best, separator = a, separators[i]
		}
	}
	return separator, best.rows > 0
}

// agreement is how well a separator splits lines.
type agreement struct {
	rows       int // with the most common number of cells, above 1
	first      int // 1 if the first line, which may have the headings, has several cells
	cells      int // of each
	indicators int // cells of the first rows that are a name, an address or a URL
}

func (a agreement) isBetter(b agreement) bool {
	return cmp.Or(cmp.Compare(a.rows, b.rows), cmp.Compare(a.indicators, b.indicators), cmp.Compare(a.first, b.first), cmp.Compare(a.cells, b.cells)) > 0
}

func agree(lines [][]byte, separator byte) (a agreement) {
	const looked = 20 // rows in which the cells are looked at
	counts := map[int]int{}
	seen := 0
	for _, i := range spool.Pick(len(lines), maxVotes) {
		if bytes.IndexByte(lines[i], separator) < 0 {
			continue
		}
		cells, err := splitRow(trimRow(lines[i], separator), separator)
		if err != nil || len(cells) < 2 {
			continue
		}
		if i == 0 {
			a.first = 1
		}
		n := len(cells)
		if counts[n]++; counts[n] > a.rows || counts[n] == a.rows && n > a.cells {
			a.rows, a.cells = counts[n], n
		}
		if seen++; seen > looked {
			continue
		}
		for _, cell := range cells {
			if kindOf(cell).Kind.IsIndicator() {
				a.indicators++
			}
		}
	}
	return a
}

// trimRow removes white space from the end of a row, but not the tabs that separate cells.
func trimRow(row []byte, separator byte) []byte {
	if separator != '\t' {
		return trimRight(row)
	}
	return bytes.TrimRight(row, " \r\n")
}

// looksLikeIndicator reports whether a cell is a URL, an address, or a name with a dot.
func looksLikeIndicator(cell []byte) bool {
	if len(cell) == 0 {
		return false
	}
	t := parseTarget(cell)
	switch {
	case t.block.IsValid():
		return true
	case t.host == nil || bytes.IndexByte(t.host, '.') < 0:
		return false
	}
	_, err := domainname.Parse(string(t.host))
	return err == nil
}
