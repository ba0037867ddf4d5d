package feed

import (
	"bytes"
	"slices"
	"strings"
)

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'
}

func trimLeft(text []byte) []byte {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	return text
}

// trim cuts white space off both ends. Other control characters stay: they make a
// name illegal.
func trim(text []byte) []byte {
	text = trimLeft(text)
	for len(text) > 0 && isSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// cutWord returns the first word and the rest, which begins with a word or is empty.
func cutWord(text []byte) (word, rest []byte) {
	if space := indexSpace(text); space >= 0 {
		return text[:space], trimLeft(text[space:])
	}
	return text, nil
}

// indexSpace returns where the first white space is, or -1.
func indexSpace(text []byte) int {
	for i, c := range text {
		if c <= ' ' && isSpace(c) {
			return i
		}
	}
	return -1
}

// isComment reports whether a line that is not empty is a comment in the notations
// that plain lists use.
func isComment(text []byte) bool {
	switch text[0] {
	case '#', ';', '!':
		return true
	case '/':
		return len(text) > 1 && text[1] == '/'
	}
	return false
}

// cutComment cuts off a comment after white space, as in `name # why`.
func cutComment(text []byte) []byte {
	for start := 0; ; {
		space := indexSpace(text[start:])
		if space < 0 {
			return text
		}
		start += space + 1
		if start < len(text) && isComment(text[start:]) {
			return trim(text[:start])
		}
	}
}

func allOf(text []byte, legal func(byte) bool) bool {
	for _, c := range text {
		if !legal(c) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

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
