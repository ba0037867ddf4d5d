package feed

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
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

// values calls visit at each value of the stream, which must consume it.
func (s *jsonScanner) values(visit func(first byte) error) error {
	for {
		first, err := s.peek()
		if err != nil || first == 0 {
			return err
		}
		if err := visit(first); err != nil {
			return err
		}
	}
}

// elements calls visit at each element of an array, which must consume it.
func (s *jsonScanner) elements(visit func() error) error {
	if err := s.open("["); err != nil {
		return err
	}
	defer s.close()
	if first, err := s.peek(); err != nil {
		return err
	} else if first == ']' {
		_, err = s.next("]")
		return err
	}
	for {
		if err := visit(); err != nil {
			return err
		}
		if end, err := s.next(",]"); err != nil || end == ']' {
			return err
		}
	}
}

// members calls visit at the value of each member of an object, which must consume it.
// The name is good until then.
func (s *jsonScanner) members(visit func(name []byte) error) error {
	if err := s.open("{"); err != nil {
		return err
	}
	defer s.close()
	end, err := s.peek()
	if err == nil && end == '}' {
		_, err = s.next("}")
		return err
	}
	for end = 0; err == nil && end != '}'; {
		var name []byte
		if name, err = s.name(); err == nil {
			err = visit(name)
		}
		if err == nil {
			end, err = s.next(",}")
		}
	}
	return err
}

// name consumes the name of a member and its colon.
func (s *jsonScanner) name() ([]byte, error) {
	if _, err := s.want(`"`); err != nil {
		return nil, err
	}
	line := s.line
	text, err := s.value()
	if err != nil {
		return nil, err
	}
	cursor := jsonscan.New(text)
	name, err := cursor.Text()
	if err != nil {
		return nil, refuseFor(ErrBadJSON, line, err)
	}
	// What the window shows may be gone behind the colon.
	s.named = name.Append(s.named[:0])
	_, err = s.next(":")
	return s.named, err
}

// open goes down into an object or array; close goes up again.
func (s *jsonScanner) open(bracket string) error {
	if _, err := s.next(bracket); err != nil {
		return err
	}
	if s.depth++; s.depth > maxValueDepth {
		return refuse(ErrTooLarge, s.line, "JSON nested over %d levels", maxValueDepth)
	}
	return nil
}

func (s *jsonScanner) close() { s.depth-- }

// scalar consumes one value and returns a string, number or boolean as text, good until
// the next call; of anything else, no text.
func (s *jsonScanner) scalar() ([]byte, error) {
	first, err := s.peek()
	if err != nil {
		return nil, err
	}
	if first == '{' || first == '[' {
		return nil, s.skip()
	}
	line := s.line
	text, err := s.value()
	if err != nil {
		return nil, err
	}
	cursor := jsonscan.New(text)
	value, err := scalar(&cursor)
	if err == nil && !cursor.AtEnd() {
		err = &jsonscan.SyntaxError{Offset: cursor.Pos(), Problem: "want the end of the value"}
	}
	if err != nil {
		return nil, refuseFor(ErrBadJSON, line, err)
	}
	return value, nil
}

// skip consumes one value of any kind and of any length, which it checks and does not
// keep.
func (s *jsonScanner) skip() error {
	first, err := s.want(firstOfValue)
	switch {
	case err != nil:
		return err
	case first == '{':
		return s.members(func([]byte) error { return s.skip() })
	case first == '[':
		return s.elements(s.skip)
	case first == '"':
		return s.skipString()
	}
	_, err = s.scalar()
	return err
}

// skipString is skip for a string, which may be longer than any value that is kept: a
// file in base64 beside the entries.
func (s *jsonScanner) skipString() error {
	s.in.start++
	var text stringCheck
	for {
		for s.in.start < s.in.end {
			done, err := text.add(s.in.buf[s.in.start])
			if err != nil {
				return refuseFor(ErrBadJSON, s.line, err)
			}
			s.in.start++
			if done {
				return nil
			}
		}
		if s.in.more() {
			continue
		}
		if errors.Is(s.in.err, io.EOF) {
			return refuse(ErrTruncated, s.line, "within a JSON value")
		}
		return s.in.err
	}
}

var (
	errControl = errors.New("control character in a string")
	errEscape  = errors.New("no such escape in a string")
)

// stringCheck follows a JSON string byte by byte, from behind its opening quote.
type stringCheck struct {
	escaped bool
	digits  int // hexadecimal ones still to come
}

// add takes the next byte; done says that it is the closing quote.
func (t *stringCheck) add(c byte) (done bool, err error) {
	switch {
	case t.digits > 0:
		if t.digits--; !isHex(c) {
			return false, errEscape
		}
	case t.escaped:
		t.escaped = false
		if c == 'u' {
			t.digits = len("XXXX")
		} else if strings.IndexByte(`"\/bfnrt`, c) < 0 {
			return false, errEscape
		}
	case c < ' ':
		return false, errControl
	default:
		t.escaped = c == '\\'
		return c == '"', nil
	}
	return false, nil
}
