package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// chunkBytes is what one worker takes at a time.
	chunkBytes = 1 << 20
	// maxRecordBytes is the longest record: an expanded CloudWatch Logs envelope of
	// a Firehose record (1,000 KiB) at a ratio that text does not exceed.
	maxRecordBytes = 64 << 20
)

// chunker cuts a stream between records.
type chunker struct {
	reader io.Reader
	rest   []byte // read, but after the last cut
	line   int    // of the first byte of rest, from 1
	ended  bool
}

// next returns text that begins and ends between records, in buf's memory where it
// fits, and the number of its first line. At the end it returns io.EOF.
func (c *chunker) next(buf []byte) (text []byte, line int, err error) {
	text = append(buf[:0], c.rest...) //nolint:gocritic // into the caller's memory
	c.rest = c.rest[:0]
	for limit := chunkBytes; ; limit *= 2 {
		if text, err = c.fill(text, limit); err != nil {
			return nil, 0, err
		}
		if c.ended {
			break
		}
		if cut := lastBoundary(text); cut > 0 {
			c.rest = append(c.rest, text[cut:]...)
			text = text[:cut]
			break
		}
		if len(text) >= maxRecordBytes {
			return nil, 0, fmt.Errorf("line %d: no record ends within %d MiB: this is no Resolver query log", c.line, maxRecordBytes>>20)
		}
	}
	if len(text) == 0 {
		return nil, 0, io.EOF
	}
	line = c.line
	c.line += bytes.Count(text, []byte{'\n'})
	return text, line, nil
}

// fill reads until text holds limit bytes or the stream ends.
func (c *chunker) fill(text []byte, limit int) ([]byte, error) {
	for len(text) < limit && !c.ended {
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

// lastBoundary returns the offset of the last place in text that lies between two
// records, 0 if there is none. Text begins between records.
//
// A closing brace, a line end and an opening brace stand in this order only between
// records: inside one, the braces are parted by a comma, and a line end is no part
// of a JSON string. Text without such a place (one long line, or one record over
// many) is followed brace by brace.
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
		if len(text)-end > chunkBytes/2 { // not a log of one record a line
			return lastObjectEnd(text)
		}
	}
}

// lastObjectEnd returns the offset behind the last object that text holds whole, or
// 0 if more must be read to find the end of the first. Where text holds something
// else, the last line end serves: it will be refused line by line.
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

// objectLength returns the number of bytes of text up to the end of the object that
// stands first in it, white space before it included; 0 if the object does not end
// in text, -1 if what stands there is no object. It follows braces and strings, no
// more: whoever reads the object checks the rest.
func objectLength(text []byte) int {
	depth, quoted, previous := 0, false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '\\':
			i++
		case quoted && c == '\n':
			return -1 // a cut line: no string holds a bare line end
		case c == '"' && depth > 0:
			quoted = !quoted
		case quoted || c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case c == '{' && depth > 0 && previous != ':' && previous != ',' && previous != '[':
			return -1 // the next record begins before this one has ended
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

// Records calls mark for each record of a chunk that begins at the given line. A
// record is a line; where mark refuses a line, it is the object of several lines
// that begins there. What is neither is handed to refuse, with its line number and
// the error of mark, and the next line goes on.
func Records(text []byte, line int, mark func(record []byte) error, refuse func(line int, err error)) {
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		lines := 1
		if err := mark(text[:end]); err != nil {
			if size := objectLength(text); size > end && mark(text[:size]) == nil {
				end, lines = size, bytes.Count(text[:size], []byte{'\n'})
			} else {
				refuse(line, err)
			}
		}
		line += lines
		text = text[end:]
	}
}
