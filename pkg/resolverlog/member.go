package resolverlog

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// value reads the value of the top-level member of the given name.
func (s *Scanner) value(c *jsonscan.Cursor, name []byte) error {
	o := &s.object
	switch string(name) {
	case "query_name":
		return text(c, &o.QueryName)
	case "query_type":
		return text(c, &o.QueryType)
	case "query_timestamp":
		return text(c, &o.QueryTimestamp)
	case "rcode":
		return text(c, &o.Rcode)
	case "answers":
		return s.answers(c)
	case "account_id":
		return text(c, &o.AccountID)
	case "vpc_id":
		return text(c, &o.VPCID)
	case "srcaddr":
		return text(c, &o.SourceAddr)
	case "srcids":
		return s.sourceIDs(c)
	case "firewall_rule_action":
		return text(c, &o.FirewallAction)
	case "version", "transport", "region", "query_class", "srcport":
		return c.Skip()
	case "message":
		return text(c, &o.message)
	case "messageType":
		return text(c, &o.messageType)
	case "logEvents":
		c.Next()
		start := c.Pos()
		err := c.Skip()
		o.logEvents = c.Since(start)
		return err
	case catalog.Verdict:
		o.reserve(name)
		return text(c, &o.Verdict)
	default:
		return s.other(c, name)
	}
}

// other passes over a member that marking does not need, and notes what a column of
// the same name would make of it.
func (s *Scanner) other(c *jsonscan.Cursor, name []byte) error {
	if len(name) == len("answers") && bytes.EqualFold(name, []byte("answers")) {
		return s.foldedAnswers(c)
	}
	s.object.reserve(name)
	return c.Skip()
}

// reserve notes a member whose name is one of ours, in whatever case.
func (o *Object) reserve(name []byte) {
	if len(name) == 0 {
		return
	}
	switch name[0] | 0x20 {
	case 'v', 'i', 't': // no other character folds to the first letter of one of ours
	default:
		return
	}
	for i, ours := range [len(o.reserved)]string{catalog.Verdict, catalog.VerdictReason, catalog.IndexGeneration, catalog.Threat} {
		if !bytes.EqualFold(name, []byte(ours)) {
			continue
		}
		if o.reserved[i] || string(name) != ours {
			o.Clash = ours
		}
		o.reserved[i] = true
		o.Reserved = ours
	}
}

// text reads a string, or skips any other value.
func text(c *jsonscan.Cursor, dst *jsonscan.Text) (err error) {
	*dst = jsonscan.Text{}
	if c.Next() != '"' {
		return c.Skip()
	}
	*dst, err = c.Text()
	return err
}

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
