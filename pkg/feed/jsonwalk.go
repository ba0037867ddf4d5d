package feed

import (
	"errors"
	"io"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

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
