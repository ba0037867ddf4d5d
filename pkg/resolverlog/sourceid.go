package resolverlog

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// sourceIDs reads the instance out of an object of ids or, as in the preview shape,
// an array of them.
func (s *Scanner) sourceIDs(c *jsonscan.Cursor) error {
	s.object.Instance = jsonscan.Text{}
	switch c.Next() {
	case '{':
		return s.sourceIDObject(c)
	case '[':
		return s.sourceIDArray(c)
	default:
		return c.Skip()
	}
}

func (s *Scanner) sourceIDObject(c *jsonscan.Cursor) error {
	if err := c.Open('{'); err != nil {
		return err
	}
	for {
		name, more, err := c.Member()
		if !more {
			return err
		}
		if string(name.Decode(&s.name)) == "instance" {
			err = text(c, &s.object.Instance)
		} else {
			err = c.Skip()
		}
		if err != nil {
			return err
		}
	}
}

func (s *Scanner) sourceIDArray(c *jsonscan.Cursor) error {
	if err := c.Open('['); err != nil {
		return err
	}
	for {
		if more, err := c.Element(); !more {
			return err
		}
		var id jsonscan.Text
		if err := text(c, &id); err != nil {
			return err
		}
		if !s.object.Instance.IsSet() && bytes.HasPrefix(id.Raw(), []byte("i-")) {
			s.object.Instance = id
		}
	}
}
