package feed

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// Limits of one JSON value that is kept: an entry, or a member outside the entries.
const (
	maxValueBytes = 1 << 20
	maxValueDepth = 64
)

// valueStarts are the bytes that a value may start with.
const valueStarts = `{["-0123456789tfn`

// jsonStream splits a stream into JSON values without parsing them, or walks it member by
// member. Objects and arrays that are walked may be of any length.
type jsonStream struct {
	in    *window
	line  int    // of the next byte, from 1
	depth int    // of the objects and arrays that are being walked
	name  []byte // of the last member
}

func newJSONStream(in *window) *jsonStream { return &jsonStream{in: in, line: 1} }

// peek skips white space and returns the next byte, or zero at the end of the stream.
func (s *jsonStream) peek() (byte, error) {
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

// lineCount returns the number of lines so far.
func (s *jsonStream) lineCount() int {
	if s.in.start > 0 && s.in.buf[s.in.start-1] == '\n' {
		return s.line - 1
	}
	return s.line
}

// expect returns the next byte, which must be one of wanted.
func (s *jsonStream) expect(wanted string) (byte, error) {
	c, err := s.peek()
	switch {
	case err != nil:
		return 0, err
	case c == 0:
		return 0, refuse(ErrTruncated, s.line, "within a JSON object or array")
	case strings.IndexByte(wanted, c) < 0:
		return 0, refuse(ErrBadJSON, s.line, "%q where one of %s is expected", c, wanted)
	}
	return c, nil
}

// consume is expect, and moves past the byte.
func (s *jsonStream) consume(wanted string) (byte, error) {
	c, err := s.expect(wanted)
	if err == nil {
		s.in.start++
	}
	return c, err
}

// readValue consumes one value and returns its bytes, which are valid until the next call.
func (s *jsonStream) readValue() ([]byte, error) {
	if _, err := s.expect(valueStarts); err != nil {
		return nil, err
	}
	var end valueEnd
	for i := 0; ; i++ {
		if s.in.start+i == s.in.end && !s.in.more() {
			return s.readLastValue(i, end)
		}
		if i == maxValueBytes {
			return nil, refuse(ErrTooLarge, s.line, "a JSON value over %d bytes", maxValueBytes)
		}
		n, done := end.add(s.in.buf[s.in.start+i])
		if s.depth+end.depth > maxValueDepth {
			return nil, refuse(ErrTooLarge, s.line, "JSON nested over %d levels", maxValueDepth)
		}
		if done {
			return s.consumeBytes(i + n), nil
		}
	}
}

// readLastValue returns the value at the end of the stream, where only a literal can end
// without a closing byte.
func (s *jsonStream) readLastValue(length int, end valueEnd) ([]byte, error) {
	switch {
	case !errors.Is(s.in.err, io.EOF):
		return nil, s.in.err
	case end.depth > 0 || end.inString:
		return nil, refuse(ErrTruncated, s.line, "within a JSON value")
	}
	return s.consumeBytes(length), nil
}

func (s *jsonStream) consumeBytes(length int) []byte {
	value := s.in.buf[s.in.start : s.in.start+length]
	s.in.start += length
	s.line += bytes.Count(value, []byte{'\n'})
	return value
}

// valueEnd finds the end of a value byte by byte.
type valueEnd struct {
	depth             int
	inString, escaped bool
}

// add takes the next byte and reports whether the value is complete: with this byte (n is 1)
// or, for a literal, before it (n is 0).
func (v *valueEnd) add(c byte) (n int, done bool) {
	switch {
	case v.escaped:
		v.escaped = false
	case v.inString && c == '\\':
		v.escaped = true
	case c == '"':
		v.inString = !v.inString
		return 1, !v.inString && v.depth == 0
	case v.inString:
	case c == '{' || c == '[':
		v.depth++
	case (c == '}' || c == ']') && v.depth > 0:
		v.depth--
		return 1, v.depth == 0
	case v.depth == 0 && (isSpace(c) || c == ',' || c == '}' || c == ']'):
		return 0, true
	}
	return 0, false
}

// eachValue calls visit for each value of the stream. visit must consume the value.
func (s *jsonStream) eachValue(visit func(first byte) error) error {
	for {
		first, err := s.peek()
		for dropped := true; dropped && err == nil && first == byteOrderMark[0]; {
			dropped, first, err = s.dropMark()
		}
		if err != nil || first == 0 {
			return err
		}
		if err := visit(first); err != nil {
			return err
		}
	}
}

// dropMark drops a byte order mark between two values, which is the start of another list that
// was appended, and returns the next byte.
func (s *jsonStream) dropMark() (dropped bool, next byte, err error) {
	for s.in.end-s.in.start < len(byteOrderMark) && s.in.more() {
	}
	if !bytes.HasPrefix(s.in.buf[s.in.start:s.in.end], byteOrderMark) {
		return false, byteOrderMark[0], nil
	}
	s.in.start += len(byteOrderMark)
	next, err = s.peek()
	return true, next, err
}

// eachElement calls visit for each element of an array. visit must consume the element.
func (s *jsonStream) eachElement(visit func() error) error {
	if err := s.enter("["); err != nil {
		return err
	}
	defer s.leave()

	if first, err := s.peek(); err != nil {
		return err
	} else if first == ']' {
		_, err = s.consume("]")
		return err
	}
	for {
		if err := visit(); err != nil {
			return err
		}
		if end, err := s.consume(",]"); err != nil || end == ']' {
			return err
		}
	}
}

// eachMember calls visit for each member of an object. visit must consume the value. The name
// is valid until it does.
func (s *jsonStream) eachMember(visit func(name []byte) error) error {
	if err := s.enter("{"); err != nil {
		return err
	}
	defer s.leave()

	end, err := s.peek()
	if err == nil && end == '}' {
		_, err = s.consume("}")
		return err
	}
	for end = 0; err == nil && end != '}'; {
		var name []byte
		if name, err = s.readName(); err == nil {
			err = visit(name)
		}
		if err == nil {
			end, err = s.consume(",}")
		}
	}
	return err
}

// readName consumes the name of a member and its colon.
func (s *jsonStream) readName() ([]byte, error) {
	if _, err := s.expect(`"`); err != nil {
		return nil, err
	}
	line := s.line
	text, err := s.readValue()
	if err != nil {
		return nil, err
	}
	cursor := jsonscan.New(text)
	name, err := cursor.Text()
	if err != nil {
		return nil, refuseFor(ErrBadJSON, line, err)
	}

	// Reading the colon may move the window, so the name is copied first.
	s.name = name.Append(s.name[:0])
	_, err = s.consume(":")
	return s.name, err
}

// enter goes into an object or array, and leave comes back out.
func (s *jsonStream) enter(bracket string) error {
	if _, err := s.consume(bracket); err != nil {
		return err
	}
	if s.depth++; s.depth > maxValueDepth {
		return refuse(ErrTooLarge, s.line, "JSON nested over %d levels", maxValueDepth)
	}
	return nil
}

func (s *jsonStream) leave() { s.depth-- }

// readScalar consumes one value. It returns a string, number or boolean as text, valid until
// the next call, and nothing for any other value.
func (s *jsonStream) readScalar() ([]byte, error) {
	first, err := s.peek()
	if err != nil {
		return nil, err
	}
	if first == '{' || first == '[' {
		return nil, s.skipValue()
	}
	line := s.line
	text, err := s.readValue()
	if err != nil {
		return nil, err
	}

	cursor := jsonscan.New(text)
	value, err := scalarText(&cursor)
	if err == nil && !cursor.AtEnd() {
		err = &jsonscan.SyntaxError{Offset: cursor.Pos(), Problem: "want the end of the value"}
	}
	if err != nil {
		return nil, refuseFor(ErrBadJSON, line, err)
	}
	return value, nil
}

// scalarText reads a string, number or boolean as text. The text of any other value is empty.
func scalarText(cursor *jsonscan.Cursor) ([]byte, error) {
	first, start := cursor.Next(), cursor.Pos()
	if first == '"' {
		text, err := cursor.Text()
		if err != nil || !text.Escaped() {
			return trim(text.Raw()), err
		}
		return trim(text.Append(nil)), nil
	}
	if err := cursor.Skip(); err != nil || first == '{' || first == '[' || first == 'n' {
		return nil, err
	}
	return cursor.Since(start), nil
}

// skipValue consumes one value of any kind and length. It checks the value but does not keep
// it.
func (s *jsonStream) skipValue() error {
	first, err := s.expect(valueStarts)
	switch {
	case err != nil:
		return err
	case first == '{':
		return s.eachMember(func([]byte) error { return s.skipValue() })
	case first == '[':
		return s.eachElement(s.skipValue)
	case first == '"':
		return s.skipString()
	}
	_, err = s.readScalar()
	return err
}

// skipString is skipValue for a string. It may be longer than any value that is kept, such as
// a malware sample in base64.
func (s *jsonStream) skipString() error {
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
	errEscape  = errors.New("invalid escape in a string")
)

// stringCheck checks a JSON string byte by byte, starting after its opening quote.
type stringCheck struct {
	escaped bool
	digits  int // hexadecimal digits that must follow
}

// add takes the next byte and reports whether it is the closing quote.
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
