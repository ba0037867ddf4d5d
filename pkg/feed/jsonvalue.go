package feed

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// Limits of one JSON value: an entry, or a member beside the entries.
const (
	maxValueBytes = 1 << 20
	maxValueDepth = 64
)

// firstOfValue are the bytes that a value may begin with.
const firstOfValue = `{["-0123456789tfn`

// jsonScanner cuts a stream into JSON values without understanding them, or walks it
// member by member. What is walked, and not taken as a value, may be of any length.
type jsonScanner struct {
	in    *window
	line  int    // of the next byte, from 1
	depth int    // of the objects and arrays that are walked
	named []byte // the name of the last member
}

func newJSONScanner(in *window) *jsonScanner { return &jsonScanner{in: in, line: 1} }

// peek skips white space and returns the next byte; zero at the end.
func (s *jsonScanner) peek() (byte, error) {
	for {
		for s.in.start < s.in.end {
			c := s.in.buf[s.in.start]
			if !isSpace(c) {
				return c, nil
			}
			if c == '\n' {
				s.line++
			}
			s.in.start++
		}
		if s.in.more() {
			continue
		}
		if errors.Is(s.in.err, io.EOF) {
			return 0, nil
		}
		return 0, s.in.err
	}
}

// lines returns the number of lines so far.
func (s *jsonScanner) lines() int {
	if s.in.start > 0 && s.in.buf[s.in.start-1] == '\n' {
		return s.line - 1
	}
	return s.line
}

// want returns the next byte, which must be one of the wanted ones.
func (s *jsonScanner) want(wanted string) (byte, error) {
	c, err := s.peek()
	switch {
	case err != nil:
		return 0, err
	case c == 0:
		return 0, refuse(ErrTruncated, s.line, "within a JSON object or array")
	case strings.IndexByte(wanted, c) < 0:
		return 0, refuse(ErrBadJSON, s.line, "%q where one of %s is wanted", c, wanted)
	}
	return c, nil
}

// next consumes one of the wanted bytes and returns it.
func (s *jsonScanner) next(wanted string) (byte, error) {
	c, err := s.want(wanted)
	if err == nil {
		s.in.start++
	}
	return c, err
}

// value consumes one value and returns its bytes, valid until the next call.
func (s *jsonScanner) value() ([]byte, error) {
	if _, err := s.want(firstOfValue); err != nil {
		return nil, err
	}
	var nesting nesting
	for i := 0; ; i++ {
		if s.in.start+i == s.in.end && !s.in.more() {
			return s.lastValue(i, nesting)
		}
		if i == maxValueBytes {
			return nil, refuse(ErrTooLarge, s.line, "a JSON value over %d bytes", maxValueBytes)
		}
		n, done := nesting.add(s.in.buf[s.in.start+i])
		if s.depth+nesting.depth > maxValueDepth {
			return nil, refuse(ErrTooLarge, s.line, "JSON nested over %d levels", maxValueDepth)
		}
		if done {
			return s.consume(i + n), nil
		}
	}
}

// lastValue returns the value at the end of the stream, which only a literal can be.
func (s *jsonScanner) lastValue(length int, n nesting) ([]byte, error) {
	switch {
	case !errors.Is(s.in.err, io.EOF):
		return nil, s.in.err
	case n.depth > 0 || n.inString:
		return nil, refuse(ErrTruncated, s.line, "within a JSON value")
	}
	return s.consume(length), nil
}

func (s *jsonScanner) consume(length int) []byte {
	value := s.in.buf[s.in.start : s.in.start+length]
	s.in.start += length
	s.line += bytes.Count(value, []byte{'\n'})
	return value
}

// nesting follows a value byte by byte.
type nesting struct {
	depth             int
	inString, escaped bool
}

// add takes the next byte. done says that the value ends, with this byte (n = 1) or,
// for a literal, before it (n = 0).
func (s *nesting) add(c byte) (n int, done bool) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.inString && c == '\\':
		s.escaped = true
	case c == '"':
		s.inString = !s.inString
		return 1, !s.inString && s.depth == 0
	case s.inString:
	case c == '{' || c == '[':
		s.depth++
	case (c == '}' || c == ']') && s.depth > 0:
		s.depth--
		return 1, s.depth == 0
	case s.depth == 0 && (isSpace(c) || c == ',' || c == '}' || c == ']'):
		return 0, true
	}
	return 0, false
}
