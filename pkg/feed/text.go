package feed

import (
	"bytes"
	"slices"
	"strings"
)

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// all reports whether every byte of text is legal.
func all(text []byte, legal func(byte) bool) bool {
	for _, c := range text {
		if !legal(c) {
			return false
		}
	}
	return true
}

// isNameByte holds the ASCII characters of a name, and the dot.
var isNameByte = nameBytes()

func nameBytes() (legal [256]bool) {
	for c := range legal {
		b := byte(c)
		legal[c] = isLetter(b) || isDigit(b) || b == '-' || b == '_' || b == '.'
	}
	return legal
}

// trim removes white space from both ends. Other control characters stay, because they make
// a name illegal.
func trim(text []byte) []byte { return trimRight(trimLeft(text)) }

func trimLeft(text []byte) []byte {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	return text
}

func trimRight(text []byte) []byte {
	for len(text) > 0 && isSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// cutWord returns the first word, and the rest without leading white space.
func cutWord(text []byte) (word, rest []byte) {
	if space := indexSpace(text); space >= 0 {
		return text[:space], trimLeft(text[space:])
	}
	return text, nil
}

// indexSpace returns the index of the first white space, or -1.
func indexSpace(text []byte) int {
	for i, c := range text {
		if c <= ' ' && isSpace(c) {
			return i
		}
	}
	return -1
}

// isComment reports whether a line is a comment in one of the notations of plain lists. The
// line must not be empty.
func isComment(text []byte) bool {
	switch text[0] {
	case '#', ';', '!':
		return true
	case '/':
		return len(text) > 1 && text[1] == '/'
	}
	return false
}

// cutComment removes a comment that follows white space, as in `name # why`.
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

// totalLabels are the labels under which a comment gives the number of entries. Other
// labels, such as those of a version or a date, come with numbers too.
var totalLabels = []string{
	"entries", "number of entries", "total entries", "total number of entries", "entry count",
	"number of domains", "total number of domains", "number of unique domains", "total number of unique domains",
	"number of unique entries", "count", "end count",
}

const (
	maxTotalComment = 80 // bytes of a comment that may give the number of entries
	maxTotal        = 1_000_000_000
)

// expectedEntries returns the number in a comment like `# Number of entries: 1,904`, or 0 if
// the line is not such a comment.
func expectedEntries(line []byte) int {
	line = trim(line)
	if len(line) == 0 || len(line) > maxTotalComment || !isComment(line) {
		return 0
	}
	end := bytes.IndexAny(line, ":=")
	if end < 0 {
		return 0
	}
	label := strings.Join(strings.Fields(strings.ToLower(strings.TrimLeft(string(line[:end]), "#!;/ \t"))), " ")
	if !slices.Contains(totalLabels, label) {
		return 0
	}

	total := 0
	for _, c := range trim(line[end+1:]) {
		switch {
		case isDigit(c) && total < maxTotal:
			total = total*10 + int(c-'0')
		case c == ',' || c == '.' || c == '\'' || c == '_': // separates thousands
		default:
			return 0
		}
	}
	return total
}
