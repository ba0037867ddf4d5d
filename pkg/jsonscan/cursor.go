// Package jsonscan scans JSON text in place. A [Cursor] moves over the bytes of a text and
// returns members and values as parts of them. It decodes strings only on request, copies
// nothing and allocates nothing.
//
// A scan checks the text against RFC 8259, with two exceptions that encoding/json makes
// too: bytes from 0x80 on are not checked for UTF-8, and a `\u` escape can be half of a
// surrogate pair. Attackers can put both into the names that they query, and a record with
// such a name is still a valid record.
package jsonscan

import "fmt"

// maxDepth is the maximum nesting depth of objects and arrays. A log record has three levels.
const maxDepth = 64

// SyntaxError reports where a text stops being valid JSON.
type SyntaxError struct {
	Offset  int // in bytes, from the start of the text
	Problem string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Problem) }

// Cursor is a position in a JSON text. Its methods move it forward. It must not be used
// after an error.
type Cursor struct {
	text  []byte
	pos   int
	depth int
	fresh bool // directly after an opening brace or bracket
}

// New returns a cursor at the start of text, which it keeps.
func New(text []byte) Cursor { return Cursor{text: text} }

// Pos returns the offset of the cursor in its text.
func (c *Cursor) Pos() int { return c.pos }

// Since returns the text from an earlier [Cursor.Pos] to the cursor.
func (c *Cursor) Since(pos int) []byte { return c.text[pos:c.pos:c.pos] }

// Next skips white space and returns the next byte without moving past it. It returns 0 at
// the end of the text.
func (c *Cursor) Next() byte {
	if c.pos < len(c.text) && c.text[c.pos] > ' ' {
		return c.text[c.pos]
	}
	return c.skipSpace()
}

func (c *Cursor) skipSpace() byte {
	for ; c.pos < len(c.text); c.pos++ {
		switch b := c.text[c.pos]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

// AtEnd reports whether only white space is left.
func (c *Cursor) AtEnd() bool {
	c.Next()
	return c.pos == len(c.text)
}

// Open moves past an opening brace or bracket.
func (c *Cursor) Open(bracket byte) error {
	if c.Next() != bracket {
		if bracket == '{' {
			return c.fail("want an object")
		}
		return c.fail("want an array")
	}

	if c.depth == maxDepth {
		return c.fail("nested too deep")
	}

	c.pos++
	c.depth++
	c.fresh = true
	return nil
}

// Member moves to the value of the next member of an object and returns its name. After
// the last member, it moves past the closing brace and more is false.
func (c *Cursor) Member() (name Text, more bool, err error) {
	if more, err = c.follow('}'); !more {
		return Text{}, false, err
	}

	if c.Next() != '"' {
		return Text{}, false, c.fail("want a member name")
	}

	if name, err = c.quoted(); err != nil {
		return Text{}, false, err
	}

	if c.Next() != ':' {
		return Text{}, false, c.fail("want a colon")
	}

	c.pos++
	return name, true, nil
}

// Element moves to the next element of an array. After the last element, it moves past the
// closing bracket and more is false.
func (c *Cursor) Element() (more bool, err error) { return c.follow(']') }

// follow moves past the comma before the next member or element, or past the closing brace
// or bracket.
func (c *Cursor) follow(closing byte) (more bool, err error) {
	first := c.fresh
	c.fresh = false
	switch b := c.Next(); {
	case b == closing:
		c.pos++
		c.depth--
		return false, nil
	case first:
		return true, nil
	case b == ',':
		c.pos++
		return true, nil
	default:
		return false, c.fail("want a comma or the end")
	}
}

// Skip moves past one value of any kind.
func (c *Cursor) Skip() error {
	switch c.Next() {
	case '"':
		_, err := c.quoted()
		return err
	case '{':
		return c.skipObject()
	case '[':
		return c.skipArray()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	default:
		return c.number()
	}
}

func (c *Cursor) skipObject() error {
	if err := c.Open('{'); err != nil {
		return err
	}
	for {
		if _, more, err := c.Member(); !more {
			return err
		}
		if err := c.Skip(); err != nil {
			return err
		}
	}
}

func (c *Cursor) skipArray() error {
	if err := c.Open('['); err != nil {
		return err
	}
	for {
		if more, err := c.Element(); !more {
			return err
		}
		if err := c.Skip(); err != nil {
			return err
		}
	}
}

func (c *Cursor) literal(word string) error {
	if len(c.text)-c.pos < len(word) || string(c.text[c.pos:c.pos+len(word)]) != word {
		return c.fail("want a value")
	}
	c.pos += len(word)
	return nil
}

// number moves past a number, which has the grammar of RFC 8259 section 6.
func (c *Cursor) number() error {
	if c.at('-') {
		c.pos++
	}

	switch {
	case c.at('0'):
		c.pos++
	case !c.digits():
		return c.fail("want a value")
	}

	if c.at('.') {
		c.pos++
		if !c.digits() {
			return c.fail("want a digit")
		}
	}

	if c.at('e') || c.at('E') {
		c.pos++
		if c.at('+') || c.at('-') {
			c.pos++
		}
		if !c.digits() {
			return c.fail("want a digit")
		}
	}
	return nil
}

// digits moves past a run of digits and reports whether there were any.
func (c *Cursor) digits() bool {
	start := c.pos
	for c.pos < len(c.text) && c.text[c.pos]-'0' <= 9 {
		c.pos++
	}
	return c.pos > start
}

func (c *Cursor) at(b byte) bool { return c.pos < len(c.text) && c.text[c.pos] == b }

func (c *Cursor) fail(problem string) error {
	if c.pos >= len(c.text) {
		problem += ", not the end of the text"
	}
	return &SyntaxError{Offset: c.pos, Problem: problem}
}
