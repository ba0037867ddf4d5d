package generate

import (
	"fmt"
	"strings"
)

// object returns a log object of any shape.
func (g *Generator) object() string {
	switch g.random.IntN(8) {
	case 0:
		return g.first()
	case 1:
		return g.preview()
	case 2, 3:
		return g.ocsf()
	case 4:
		return fmt.Sprintf(`{ "query_name" : %s ,%s"answers":%s}`, quoteASCII(g.name()), "\r\n", g.answers("rdata", "type"))
	case 5:
		return fmt.Sprintf(`{"query_name":%s,"n":12345678901234567890,"e":1e400,"x":{"query_name":"bad1.test"},"query_name":%s}`,
			quote(g.name()), quote(g.name()))
	case 6:
		return fmt.Sprintf(`{"query_name":%s}`, g.odd())
	default:
		return g.resolver()
	}
}

// odd returns a query name that is not a text, or has escapes.
func (g *Generator) odd() string {
	switch g.random.IntN(4) {
	case 0:
		return "null"
	case 1:
		return fmt.Sprint(g.random.IntN(1000))
	case 2:
		return `["bad1.test"]`
	default:
		var b strings.Builder
		for _, c := range []byte(g.name()) {
			fmt.Fprintf(&b, `\u%04X`, c)
		}
		return `"` + b.String() + `"`
	}
}

// resolver returns a log object of the version that Resolver writes now.
func (g *Generator) resolver() string {
	r := g.random
	answers := "[]"
	if r.IntN(3) > 0 {
		answers = g.answers("Rdata", "Type")
	}
	return fmt.Sprintf(`{"version":"1.100000","account_id":"012345678901","region":"eu-west-1","vpc_id":"vpc-0a1b2c3d",`+
		`"query_timestamp":"2026-11-23T10:%02d:%02dZ","query_name":%s,"query_type":"A","query_class":"IN","rcode":"NOERROR",`+
		`"answers":%s,"srcaddr":"10.0.%d.%d","srcport":"%d","transport":"UDP","srcids":{"instance":"i-%08x"}}`,
		r.IntN(60), r.IntN(60), quote(g.name()), answers, r.IntN(256), r.IntN(256), 1024+r.IntN(60_000), r.Uint32())
}

// first returns a log object of version 1.0.
func (g *Generator) first() string {
	return fmt.Sprintf(`{"version":"1.000000","account_id":"012345678901","query_name":%s,"answers":%s,"srcids":{"resolver-endpoint":"rslvr-in-1"}}`,
		quote(g.name()), g.answers("Rdata", "Type"))
}

// preview returns a log object as Resolver wrote it before the first version.
func (g *Generator) preview() string {
	return fmt.Sprintf(`{"version":"1.000000","query_name":%s,"answers":%s,"srcids":["i-0a1b2c3d"]}`,
		quote(g.name()), g.answers("Address", "Type"))
}

// ocsf returns a DNS Activity.
func (g *Generator) ocsf() string {
	return fmt.Sprintf(`{"class_uid":4003,"time":17638920%05d,"query":{"hostname":%s,"type":"A"},"answers":%s,`+
		`"src_endpoint":{"ip":"10.0.0.5","vpc_uid":"vpc-1"},"cloud":{"account":{"uid":"012345678901"}},"metadata":{"version":"1.2.0"}}`,
		g.random.IntN(100_000), quote(g.name()), g.answers("rdata", "type"))
}

// answers returns an array of answers, in which these are the names of the members.
func (g *Generator) answers(rdata, kind string) string {
	count := g.random.IntN(4)
	if g.random.IntN(3000) == 0 {
		count = 500
	}
	list := make([]string, count)
	for i := range list {
		kindOf, value := g.answer()
		list[i] = fmt.Sprintf(`{%q:%s,%q:%q,"Class":"IN"}`, rdata, quote(value), kind, kindOf)
	}
	return "[" + strings.Join(list, ",") + "]"
}

// answer returns the type and the data of an answer.
func (g *Generator) answer() (kind, rdata string) {
	r := g.random
	address := pick(r, addresses)
	switch r.IntN(12) {
	case 0, 1, 2:
		return pick(r, []string{"A", "AAAA", "a"}), address
	case 3, 4:
		return "CNAME", g.name()
	case 5:
		return "MX", "10 " + g.name()
	case 6:
		return "SRV", "0 5\t5060 " + g.name()
	case 7:
		return pick(r, []string{"HTTPS", "SVCB", "TYPE65", "https"}),
			fmt.Sprintf(`1 %s alpn="h2,h3" ipv4hint=%s ipv6hint="2001:db8:1::8,%s"`, g.name(), address, pick(r, addresses))
	case 8:
		return "HTTPS", pick(r, []string{"", "1", "x y", "1 . ", `\# 3 000100`, "1 . ipv4hint", "1 . IPV4HINT=192.0.2.7,"})
	case 9:
		return "TXT", "v=spf1 bad1.test"
	case 10:
		return "PTR", g.name()
	default:
		return "CNAME", g.name() + " "
	}
}
