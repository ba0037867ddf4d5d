package feed

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
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

// wideSpaces are the spaces outside ASCII. They get into lists that are copied from web pages
// and documents, and separate words like any other space.
const wideSpaces = "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" +
	"\u2028\u2029\u202f\u205f\u3000"

// invisibles are characters without a width: the byte order mark and marks for line breaks and
// the direction of text. At the ends of a text they do not count. Within a word they do not end
// it, because UTS 46 gives some of them a meaning there.
const invisibles = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"

// wideSpace returns the length of the wide space at the start of text, or 0.
func wideSpace(text []byte) int {
	r, size := utf8.DecodeRune(text)
	if strings.ContainsRune(wideSpaces, r) {
		return size
	}
	return 0
}

// trim removes white space and invisible characters from both ends. Control characters stay,
// because they make a name illegal.
func trim(text []byte) []byte {
	start, end := 0, len(text)
	for start < end && isSpace(text[start]) {
		start++
	}
	for start < end && isSpace(text[end-1]) {
		end--
	}
	text = text[start:end]
	if len(text) > 0 && (text[0] >= utf8.RuneSelf || text[len(text)-1] >= utf8.RuneSelf) {
		return trimRight(trimLeft(text))
	}
	return text
}

func trimLeft(text []byte) []byte {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	if len(text) > 0 && text[0] >= utf8.RuneSelf {
		if r, size := utf8.DecodeRune(text); isBlank(r) {
			return trimLeft(text[size:])
		}
	}
	return text
}

func trimRight(text []byte) []byte {
	for len(text) > 0 && isSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	if len(text) > 0 && text[len(text)-1] >= utf8.RuneSelf {
		if r, size := utf8.DecodeLastRune(text); isBlank(r) {
			return trimRight(text[:len(text)-size])
		}
	}
	return text
}

// isBlank reports whether a character outside ASCII does not count at the ends of a text.
func isBlank(r rune) bool {
	return strings.ContainsRune(wideSpaces, r) || strings.ContainsRune(invisibles, r)
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
		if c-'!' < utf8.RuneSelf-'!' {
			continue
		}
		if isSpace(c) || c >= utf8.RuneSelf && wideSpace(text[i:]) > 0 {
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
		start += space + max(1, wideSpace(text[start+space:]))
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

// startsEntry reports whether a line starts as most entries do, and not as a comment.
func startsEntry(line []byte) bool {
	return len(line) > 0 && (isNameByte[line[0]] || line[0] == '|')
}

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
