package resolverlog

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// Tags of the top-level members of an object.
const (
	otherMember jsonscan.Tag = iota
	plainMember              // in most records, and neither needed nor reserved
	queryNameMember
	queryTypeMember
	queryTimestampMember
	rcodeMember
	answersMember
	accountIDMember
	regionMember
	vpcIDMember
	sourceAddrMember
	sourceIDsMember
	firewallActionMember
	additionalMember
	envelopeMember
	ocsfMember
	verdictMember
)

// memberTag returns the tag of the top-level member with this name.
func memberTag(name []byte) jsonscan.Tag {
	switch string(name) {
	case "query_name":
		return queryNameMember
	case "query_type":
		return queryTypeMember
	case "query_timestamp":
		return queryTimestampMember
	case "rcode":
		return rcodeMember
	case "answers":
		return answersMember
	case "account_id":
		return accountIDMember
	case "region":
		return regionMember
	case "vpc_id":
		return vpcIDMember
	case "srcaddr":
		return sourceAddrMember
	case "srcids":
		return sourceIDsMember
	case "firewall_rule_action":
		return firewallActionMember
	case "version", "transport", "query_class", "srcport":
		return plainMember
	case "additional_properties":
		return additionalMember
	default:
		return rareMemberTag(name)
	}
}

// rareMemberTag is memberTag for members that Resolver does not write.
func rareMemberTag(name []byte) jsonscan.Tag {
	switch string(name) {
	case "message", "messageType", "logEvents", "events", "Records", "records", "results", "rawData":
		return envelopeMember
	case "query", "src_endpoint", "cloud", "time", "time_dt", "action", "disposition":
		return ocsfMember
	case catalog.Verdict:
		return verdictMember
	default:
		return otherMember
	}
}

// readValue reads the value of the top-level member with this tag and name.
func (s *Scanner) readValue(c *jsonscan.Cursor, tag jsonscan.Tag, name []byte) error {
	o := &s.object
	switch tag {
	case queryNameMember:
		return text(c, &o.QueryName)
	case queryTypeMember:
		return text(c, &o.QueryType)
	case queryTimestampMember:
		return text(c, &o.QueryTimestamp)
	case rcodeMember:
		return text(c, &o.Rcode)
	case answersMember:
		return s.readAnswers(c)
	case accountIDMember:
		return text(c, &o.AccountID)
	case regionMember:
		return text(c, &o.Region)
	case vpcIDMember:
		return text(c, &o.VPCID)
	case sourceAddrMember:
		return text(c, &o.SourceAddr)
	case sourceIDsMember:
		return s.readSourceIDs(c)
	case firewallActionMember:
		return text(c, &o.FirewallAction)
	case plainMember:
		return c.Skip()
	case additionalMember:
		return s.readAdditionalProperties(c)
	case envelopeMember:
		return s.envelope.read(c, name)
	case ocsfMember:
		return s.ocsf.read(c, name)
	case verdictMember:
		o.reserve(name)
		return text(c, &o.Verdict)
	default:
		return s.skipOther(c, name)
	}
}

// skipOther skips a member that marking does not need. It records if the name is reserved or
// if the member would share the column of `answers`.
func (s *Scanner) skipOther(c *jsonscan.Cursor, name []byte) error {
	if isMember(name, "answers") {
		return s.skipFoldedAnswers(c)
	}
	s.object.reserve(name)
	return c.Skip()
}

// reserve records a member that has one of our names, in upper or lower case.
func (o *Object) reserve(name []byte) {
	if len(name) == 0 {
		return
	}

	switch name[0] | 0x20 {
	case 'v', 'i', 't': // no other character folds to the first letter of one of our names
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

// text reads a string into dst, or skips a value of another type.
func text(c *jsonscan.Cursor, dst *jsonscan.Text) (err error) {
	*dst, err = c.TextOrSkip()
	return err
}

// readAnswers reads an array of answers, or a single answer without an array, which some
// tools write.
func (s *Scanner) readAnswers(c *jsonscan.Cursor) error {
	s.object.Answers = s.object.Answers[:0]
	switch c.Next() {
	case '{':
		return s.readAnswer(c, 0)
	case '[':
	default:
		s.checkAnswer(c)
		return c.Skip()
	}

	if err := c.Open('['); err != nil {
		return err
	}

	for i := 0; ; i++ {
		if more, err := c.Element(); !more {
			return err
		}
		if err := s.readAnswer(c, i); err != nil {
			return err
		}
	}
}

// Tags of the members of an answer.
const (
	otherAnswerMember jsonscan.Tag = iota
	plainAnswerMember              // in most answers, and not needed
	typeMember
	rdataMember
)

// answerTag returns the tag of the member with this name.
func answerTag(name []byte) jsonscan.Tag {
	switch string(name) {
	case "Type":
		return typeMember
	case "Rdata":
		return rdataMember
	case "Class":
		return plainAnswerMember
	default:
		return otherAnswerMember
	}
}

func (s *Scanner) readAnswer(c *jsonscan.Cursor, i int) error {
	if c.Next() != '{' {
		s.checkAnswer(c)
		return c.Skip()
	}

	if err := s.answers.Open(c); err != nil {
		return err
	}

	a := Answer{Index: i}
	var address jsonscan.Text
	for {
		name, tag, more, err := s.answers.Member(c, answerTag)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch tag {
		case typeMember:
			err = text(c, &a.Type)
		case rdataMember:
			err = text(c, &a.Rdata)
		case plainAnswerMember:
			err = c.Skip()
		default:
			err = a.readFolded(c, name.Decode(&s.name), &address)
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

// readFolded reads the value of the member with this name, whose case does not matter.
func (a *Answer) readFolded(c *jsonscan.Cursor, name []byte, address *jsonscan.Text) error {
	switch {
	case isMember(name, "type"):
		return text(c, &a.Type)
	case isMember(name, "rdata"):
		return text(c, &a.Rdata)
	case isMember(name, "Address"):
		return text(c, address)
	default:
		return c.Skip()
	}
}

// isMember reports whether name is want, in upper or lower case. want must be ASCII.
func isMember(name []byte, want string) bool {
	return len(name) == len(want) && (string(name) == want || bytes.EqualFold(name, []byte(want)))
}

// checkAnswer sets OddAnswers if the next value is not an object, an array or null.
func (s *Scanner) checkAnswer(c *jsonscan.Cursor) {
	switch c.Next() {
	case '{', '[', 'n':
	default:
		s.object.OddAnswers = true
	}
}

// skipFoldedAnswers skips a member whose name is `answers` in another case, which has the
// same column.
func (s *Scanner) skipFoldedAnswers(c *jsonscan.Cursor) error {
	s.checkAnswer(c)
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
		s.checkAnswer(c)
		if err := c.Skip(); err != nil {
			return err
		}
	}
}

// readSourceIDs reads the instance id from an object of ids or, in the preview shape, from an
// array of ids.
func (s *Scanner) readSourceIDs(c *jsonscan.Cursor) error {
	s.object.Instance = jsonscan.Text{}
	switch c.Next() {
	case '{':
		return s.readSourceIDObject(c)
	case '[':
		return s.readSourceIDArray(c)
	default:
		return c.Skip()
	}
}

func (s *Scanner) readSourceIDObject(c *jsonscan.Cursor) error {
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

func (s *Scanner) readSourceIDArray(c *jsonscan.Cursor) error {
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

// readAdditionalProperties reads whether the record was delivered late. AWS documents the
// name of that member and not its type.
func (s *Scanner) readAdditionalProperties(c *jsonscan.Cursor) error {
	s.object.Delayed = false
	if c.Next() != '{' {
		return c.Skip()
	}

	if err := c.Open('{'); err != nil {
		return err
	}

	for {
		name, more, err := c.Member()
		if !more {
			return err
		}
		isDelayed := string(name.Decode(&s.name)) == "is_delayed"
		c.Next()
		start := c.Pos()
		if err := c.Skip(); err != nil {
			return err
		}
		if isDelayed {
			value := c.Since(start)
			s.object.Delayed = string(value) == "true" || bytes.EqualFold(value, []byte(`"true"`))
		}
	}
}
