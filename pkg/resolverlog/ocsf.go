package resolverlog

import (
	"strconv"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// ocsf has the members of a DNS Activity that Resolver writes under other names. Route 53
// Global Resolver writes version 1.2; Security Lake writes 1.1, and 1.0.0-rc.2 in its first
// source version.
//
// The class: https://schema.ocsf.io/1.2.0/classes/dns_activity
type ocsf struct {
	used        bool // the object has one of the members
	hostname    jsonscan.Text
	queryType   jsonscan.Text
	account     jsonscan.Text
	region      jsonscan.Text
	vpc         jsonscan.Text
	sourceAddr  jsonscan.Text
	instance    jsonscan.Text
	action      jsonscan.Text
	disposition jsonscan.Text
	timeText    jsonscan.Text
	millis      int64

	scratch []byte
}

func (x *ocsf) reset() {
	if x.used {
		*x = ocsf{scratch: x.scratch}
	}
}

// read reads the value of the top-level member with this name.
func (x *ocsf) read(c *jsonscan.Cursor, name []byte) error {
	x.used = true
	switch string(name) {
	case "query":
		x.hostname, x.queryType = jsonscan.Text{}, jsonscan.Text{}
		return x.readTexts(c, []ocsfText{{"hostname", &x.hostname}, {"type", &x.queryType}})
	case "src_endpoint":
		x.sourceAddr, x.vpc, x.instance = jsonscan.Text{}, jsonscan.Text{}, jsonscan.Text{}
		return x.readTexts(c, []ocsfText{{"ip", &x.sourceAddr}, {"vpc_uid", &x.vpc}, {"instance_uid", &x.instance}})
	case "cloud":
		return x.readCloud(c)
	case "time":
		return x.readTime(c)
	case "time_dt":
		return text(c, &x.timeText)
	case "action":
		return text(c, &x.action)
	default:
		return text(c, &x.disposition)
	}
}

// ocsfText is a member of an object, and where its text goes.
type ocsfText struct {
	name string
	dst  *jsonscan.Text
}

// readTexts reads members of an object, or skips a value of another type.
func (x *ocsf) readTexts(c *jsonscan.Cursor, members []ocsfText) error {
	return x.readObject(c, func(name []byte) error {
		for _, member := range members {
			if string(name) == member.name {
				return text(c, member.dst)
			}
		}
		return c.Skip()
	})
}

// readCloud reads the Region, and the account: `account.uid`, or `account_uid` before version
// 1.0.
func (x *ocsf) readCloud(c *jsonscan.Cursor) error {
	x.account, x.region = jsonscan.Text{}, jsonscan.Text{}
	return x.readObject(c, func(name []byte) error {
		switch string(name) {
		case "account":
			return x.readTexts(c, []ocsfText{{"uid", &x.account}})
		case "account_uid":
			return text(c, &x.account)
		case "region":
			return text(c, &x.region)
		default:
			return c.Skip()
		}
	})
}

// readObject calls member for each member of an object, at its value, or skips a value of
// another type.
func (x *ocsf) readObject(c *jsonscan.Cursor, member func(name []byte) error) error {
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
		if err := member(name.Decode(&x.scratch)); err != nil {
			return err
		}
	}
}

// readTime reads a number of milliseconds since 1970.
func (x *ocsf) readTime(c *jsonscan.Cursor) error {
	x.millis = 0
	var number []byte
	if err := value(c, &number); err != nil {
		return err
	}
	if millis, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		x.millis = millis
	}
	return nil
}

// fill sets the values of an OCSF object that has no member of Resolver with the same
// meaning.
func (x *ocsf) fill(o *Object) {
	o.QueryName = x.hostname
	o.epochMillis = x.millis
	for _, value := range []struct {
		dst *jsonscan.Text
		src jsonscan.Text
	}{
		{&o.QueryType, x.queryType},
		{&o.QueryTimestamp, x.timeText},
		{&o.AccountID, x.account},
		{&o.Region, x.region},
		{&o.VPCID, x.vpc},
		{&o.SourceAddr, x.sourceAddr},
		{&o.Instance, x.instance},
		{&o.FirewallAction, x.firewallAction()},
	} {
		if !value.dst.IsSet() {
			*value.dst = value.src
		}
	}
}

// firewallAction returns what DNS Firewall did, in the words of Resolver. It is unset if the
// firewall did nothing.
func (x *ocsf) firewallAction() jsonscan.Text {
	switch {
	case isMember(x.disposition.Decode(&x.scratch), "Blocked"), isMember(x.action.Decode(&x.scratch), "Denied"):
		return blocked
	case isMember(x.disposition.Decode(&x.scratch), "Alert"):
		return alerted
	default:
		return jsonscan.Text{}
	}
}

// The actions of DNS Firewall, as Resolver writes them.
var blocked, alerted = constant(`"BLOCK"`), constant(`"ALERT"`)

// constant returns a JSON string of our own.
func constant(quoted string) jsonscan.Text {
	c := jsonscan.New([]byte(quoted))
	t, err := c.Text()
	if err != nil {
		panic(err)
	}
	return t
}
