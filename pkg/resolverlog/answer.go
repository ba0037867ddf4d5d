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
