package feed

import (
	"bytes"
	"slices"
	"strings"
)

// expectedWords are the words by which a comment says how many entries the list has.
// What lists call it beside these, such as a version or a date, has a number too.
var expectedWords = []string{
	"entries", "number of entries", "total entries", "total number of entries", "entry count",
	"number of domains", "total number of domains", "number of unique domains", "total number of unique domains",
	"number of unique entries", "count", "end count",
}

const (
	// maxExpectedBytes bounds the comment that is looked at.
	maxExpectedBytes = 80
	maxExpected      = 1_000_000_000
)

// expectedEntries reads a comment like `# Number of entries: 1,904` and returns the
// number, or 0 if the line is none.
func expectedEntries(line []byte) int {
	line = trim(line)
	if len(line) == 0 || len(line) > maxExpectedBytes || !isComment(line) {
		return 0
	}
	at := bytes.IndexAny(line, ":=")
	if at < 0 {
		return 0
	}
	words := strings.Join(strings.Fields(strings.ToLower(strings.TrimLeft(string(line[:at]), "#!;/ \t"))), " ")
	if !slices.Contains(expectedWords, words) {
		return 0
	}
	total := 0
	for _, c := range trim(line[at+1:]) {
		switch {
		case isDigit(c) && total < maxExpected:
			total = total*10 + int(c-'0')
		case c == ',' || c == '.' || c == '\'' || c == '_': // parts the thousands
		default:
			return 0
		}
	}
	return total
}
