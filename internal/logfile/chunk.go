package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
)

const (
	// chunkBytes is the size of a chunk, unless a record is larger.
	chunkBytes = 1 << 20
	// maxRecordBytes limits one record. The largest is a Firehose record (1,000 KiB) with a
	// compressed CloudWatch Logs envelope; text does not compress better than 1:64.
	maxRecordBytes = 64 << 20
)

// chunker cuts a stream into chunks that begin and end between records.
type chunker struct {
	reader io.Reader
	rest   []byte // text after the last cut
	line   int    // line number of rest, from 1
	ended  bool
	// isIdle waits a moment and reports whether the stream has no input. It is nil for a stream
	// that never pauses.
	isIdle func() bool
	idle   bool // the last chunk ends where the stream paused
}

// next returns the next chunk and the number of its first line. It uses the memory of buf if
// the chunk fits. At the end it returns io.EOF.
func (c *chunker) next(buf []byte) (text []byte, line int, err error) {
	text = append(buf[:0], c.rest...) //nolint:gocritic // reuses the memory of the caller
	c.rest = c.rest[:0]
	for limit := chunkBytes; ; limit *= 2 {
		if text, err = c.fill(text, limit); err != nil {
			return nil, 0, err
		}
		if c.ended {
			break
		}
		cut := 0
		if c.idle {
			cut = lastObjectEnd(text)
		} else {
			cut = lastBoundary(text)
		}
		if cut > 0 {
			c.rest = append(c.rest, text[cut:]...)
			text = text[:cut]
			break
		}
		if len(text) >= maxRecordBytes {
			return nil, 0, fmt.Errorf("line %d: no record ends within %d MiB: not a Resolver query log; "+
				"if the records are in one large object, put each on its own line, for example with jq -c '.events[]'", c.line, maxRecordBytes>>20)
		}
	}
	if len(text) == 0 {
		return nil, 0, io.EOF
	}
	line = c.line
	c.line += bytes.Count(text, []byte{'\n'})
	return text, line, nil
}

// fill reads until text has limit bytes or the stream ends.
func (c *chunker) fill(text []byte, limit int) ([]byte, error) {
	c.idle = false
	for len(text) < limit && !c.ended {
		if c.isIdle != nil && endsRecord(text) && c.isIdle() {
			c.idle = true
			return text, nil
		}
		if cap(text) < limit {
			text = append(make([]byte, 0, limit), text...)
		}
		n, err := c.reader.Read(text[len(text):limit])
		text = text[:len(text)+n]
		if errors.Is(err, io.EOF) {
			c.ended = true
		} else if err != nil {
			return nil, err
		}
	}
	return text, nil
}

// endsRecord reports whether text seems to end with a record. It may be wrong about text that is
// not a log, because such text is refused later.
func endsRecord(text []byte) bool {
	line, ended := bytes.CutSuffix(text, []byte{'\n'})
	return ended && bytes.HasSuffix(bytes.TrimRight(line, "\r \t"), []byte{'}'})
}

// lastBoundary returns the offset of the last boundary between two records in text, or 0 if
// there is none. text begins at a boundary.
//
// A closing brace, a line end and an opening brace follow each other only between records:
// within a record there is a comma between the braces, and a JSON string has no line end. Text
// without such a sequence, such as one long line or one record on many lines, is scanned
// brace by brace.
func lastBoundary(text []byte) int {
	for end := len(text); ; {
		newline := bytes.LastIndexByte(text[:end], '\n')
		if newline < 0 {
			return lastObjectEnd(text)
		}
		before := bytes.TrimRight(text[:newline], " \t\r\n")
		after := bytes.TrimLeft(text[newline:], " \t\r\n")
		if len(before) > 0 && before[len(before)-1] == '}' && len(after) > 0 && after[0] == '{' {
			return newline + 1
		}
		end = min(newline, len(before)+1)
		if len(text)-end > chunkBytes/2 { // not a log with one record on each line
			return lastObjectEnd(text)
		}
	}
}

// lastObjectEnd returns the offset after the last complete object in text, or 0 if the first
// object is not complete yet. If text contains anything other than objects, it returns the offset
// after the last line end; these lines are refused later.
func lastObjectEnd(text []byte) int {
	for last := 0; ; {
		size := objectLength(text[last:])
		switch {
		case size > 0:
			last += size
		case last > 0 || size == 0:
			return last
		default:
			return bytes.LastIndexByte(text, '\n') + 1
		}
	}
}

// objectLength returns the length of the object at the start of text, including the filler
// and the prefix before it. It returns 0 if the object is not complete, and -1 if text does
// not start with an object. It looks only at braces and strings; the parser of the record
// checks the rest.
func objectLength(text []byte) int {
	start := fillerLength(text)
	start += prefixLength(text[start:])
	depth, quoted, previous := 0, false, byte(0)
	for i := start; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '\\':
			i++
		case quoted && c == '\n':
			return -1 // the line was truncated: a string cannot contain a line end
		case c == '"' && depth > 0:
			quoted = !quoted
		case quoted || c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case c == '{' && depth > 0 && previous != ':' && previous != ',' && previous != '[':
			return -1 // another record begins before this one ends
		case c == '{':
			depth++
		case depth == 0:
			return -1
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		previous = c
	}
	return 0
}

// byteOrderMark is U+FEFF in UTF-8. Some programs put it at the start of a file, and joined
// files have it in the middle.
const byteOrderMark = "\uFEFF"

// fillerLength returns the length of the text before the next record that is not a part of
// any: white space, byte order marks, and the brackets and commas of an array of records.
func fillerLength(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '[' || c == ']' || c == ',':
		case bytes.HasPrefix(text[i:], []byte(byteOrderMark)):
			i += len(byteOrderMark) - 1
		default:
			return i
		}
	}
	return len(text)
}

// maxPrefixBytes limits the text before a record on its line. The name of a log stream has
// at most 512 bytes.
const maxPrefixBytes = 1 << 10

// moment matches a clock time, or seconds or milliseconds since 1970.
var moment = regexp.MustCompile(`[0-9]{2}:[0-9]{2}|[0-9]{10}`)

// prefixLength returns the length of the text before a record on its line: a time in an
// export of CloudWatch Logs, a time and the name of the stream in the output of aws logs
// tail. It returns 0 if there is none.
func prefixLength(text []byte) int {
	if len(text) == 0 || text[0] == '{' {
		return 0
	}

	brace := bytes.IndexAny(text[:min(len(text), maxPrefixBytes)], "{\n\"")
	if brace < 1 || text[brace] != '{' || bytes.IndexByte([]byte(" \t,|:"), text[brace-1]) < 0 {
		return 0
	}
	if !moment.Match(text[:brace]) {
		return 0
	}
	return brace
}
