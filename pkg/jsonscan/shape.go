package jsonscan

import "bytes"

// Limits of what a [Shape] remembers. A log object has about twenty members, and the longest
// name that Resolver writes has 23 bytes.
const (
	maxShapeMembers = 32
	maxShapeText    = 48
)

// Tag is what a caller calls the name of a member. Callers define their own tags.
type Tag uint8

// Shape reads the members of objects that resemble each other. It remembers how the members
// of earlier objects were written, each from its comma to its colon. One source writes the
// same members in the same order, so comparing these bytes usually replaces reading them, and
// the name does not have to be looked up again. The zero Shape is ready for use. It allocates
// nothing, and it must not be used for objects within each other.
type Shape struct {
	members [maxShapeMembers]shapeMember
	known   int // members that are remembered
	next    int // number of the next member of the current object

	name []byte // buffer for a name without escapes
}

// shapeMember is a member as it was written, up to its value.
type shapeMember struct {
	text       [maxShapeText]byte
	size       uint8
	start, end uint8 // of the name in text
	tag        Tag
}

// Open moves c past the opening brace of an object.
func (s *Shape) Open(c *Cursor) error {
	s.next = 0
	return c.Open('{')
}

// Member is [Cursor.Member] with the tag that tagOf returns for the decoded name. tagOf must
// always return the same tag for a name.
func (s *Shape) Member(c *Cursor, tagOf func(name []byte) Tag) (name Text, tag Tag, more bool, err error) {
	number := s.next
	s.next++
	if number < s.known {
		m := &s.members[number]
		if rest := c.text[c.pos:]; bytes.HasPrefix(rest, m.text[:m.size]) {
			c.pos += int(m.size)
			c.fresh = false
			return Text{raw: rest[m.start:m.end:m.end]}, m.tag, true, nil
		}
	}

	start := c.pos
	name, more, err = c.Member()
	if !more {
		return name, 0, more, err
	}

	tag = tagOf(name.Decode(&s.name))
	s.remember(number, c.Since(start), name, tag)
	return name, tag, true, nil
}

// remember keeps the text of a member for the next object. Numbers that were skipped, because
// a member could not be kept, end what is remembered.
func (s *Shape) remember(number int, text []byte, name Text, tag Tag) {
	if number >= maxShapeMembers || number > s.known || len(text) > maxShapeText || name.escaped {
		return
	}

	m := &s.members[number]
	m.size, m.tag = uint8(copy(m.text[:], text)), tag //nolint:gosec // at most maxShapeText
	for m.start = 0; m.text[m.start] != '"'; m.start++ {
	}
	m.start++
	m.end = m.start + uint8(len(name.raw)) //nolint:gosec // part of text, which is short
	s.known = max(s.known, number+1)
}
