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
