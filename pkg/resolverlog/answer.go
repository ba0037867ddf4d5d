package resolverlog

import "github.com/resolverwatch/resolverwatch/pkg/jsonscan"

// answers reads an array of answers, or a single one without the array, as some
// tools normalise it.
func (s *Scanner) answers(c *jsonscan.Cursor) error {
	s.object.Answers = s.object.Answers[:0]
	switch c.Next() {
	case '{':
		return s.answer(c, 0)
	case '[':
	default:
		s.noteOdd(c)
		return c.Skip()
	}
	if err := c.Open('['); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if more, err := c.Element(); !more {
			return err
		}
		if err := s.answer(c, i); err != nil {
			return err
		}
	}
}

func (s *Scanner) answer(c *jsonscan.Cursor, i int) error {
	if c.Next() != '{' {
		s.noteOdd(c)
		return c.Skip()
	}
	if err := c.Open('{'); err != nil {
		return err
	}
	a := Answer{Index: i}
	var address jsonscan.Text
	for {
		name, more, err := c.Member()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch string(name.Decode(&s.name)) {
		case "Type":
			err = text(c, &a.Type)
		case "Rdata":
			err = text(c, &a.Rdata)
		case "Address":
			err = text(c, &address)
		default:
			err = c.Skip()
		}
		if err != nil {
			return err
		}
	}
	if !a.Rdata.IsSet() {
		a.Rdata = address
	}
	s.object.Answers = append(s.object.Answers, a)
	return nil
}

// noteOdd notes a value that is no object, array or null where an answer should be.
func (s *Scanner) noteOdd(c *jsonscan.Cursor) {
	switch c.Next() {
	case '{', '[', 'n':
	default:
		s.object.OddAnswers = true
	}
}

// foldedAnswers looks at a member whose name is `answers` in another case: it has the
// same column.
func (s *Scanner) foldedAnswers(c *jsonscan.Cursor) error {
	s.noteOdd(c)
	if c.Next() != '[' {
		return c.Skip()
	}
	if err := c.Open('['); err != nil {
		return err
	}
	for {
		if more, err := c.Element(); !more {
			return err
		}
		s.noteOdd(c)
		if err := c.Skip(); err != nil {
			return err
		}
	}
}
