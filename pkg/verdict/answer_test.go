package verdict_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// answeredRecord returns a record with answers, each "type rdata".
func answeredRecord(name string, answers ...string) string {
	var all []string
	for _, answer := range answers {
		rrtype, rdata, _ := strings.Cut(answer, " ")
		all = append(all, `{"Rdata":`+quote(rdata)+`,"Type":"`+rrtype+`","Class":"IN"}`)
	}
	return `{"query_name":` + quote(name) + `,"answers":[` + strings.Join(all, ",") + `]}`
}

// What is looked up in answers of each type.
func TestMarker_answers(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "names block subtree evil.example", "names block name h2", "addr block cidr 203.0.113.66",
		"addr block cidr 198.51.100.0/24", "addr block cidr 2001:db8:66::/48", "wide block cidr 64:ff9b::c000:201 malware low 50")
	for _, tt := range []struct{ name, answer, want string }{
		{"MX", "MX 10 mail.evil.example.", "malicious evil.example"},
		{"MX without a preference", "MX mail.evil.example.", "malicious evil.example"},
		{"MX, tabs and a trailing space", "mx 10\tmail.EVIL.example. ", "malicious evil.example"},
		{"MX, no mail", "MX 0 .", "clean"},
		{"MX, other name", "MX 10 mail.fine.test.", "clean"},
		{"SRV", "SRV 0 5 5060 sip.evil.example.", "malicious evil.example"},
		{"SRV, no service", "SRV 0 0 0 .", "clean"},
		{"SRV, other name", "SRV 0 5 5060 evil.example.fine.test.", "clean"},
		{"HTTPS alias", "HTTPS 0 cdn.evil.example.", "malicious evil.example"},
		{"HTTPS, highest digits", "HTTPS 90 cdn.evil.example.", "malicious evil.example"},
		{"HTTPS service", "HTTPS 1 svc.evil.example. alpn=h2", "malicious evil.example"},
		{"HTTPS without a final dot", "https 1 svc.evil.example alpn=h2", "malicious evil.example"},
		{"HTTPS as an unknown type", "TYPE65 1 svc.evil.example.", "malicious evil.example"},
		{"SVCB", "SVCB 16 svc.evil.example. port=53 alpn=dot", "malicious evil.example"},
		{"SVCB as an unknown type", "type64 0 svc.evil.example.", "malicious evil.example"},
		{"HTTPS, own name", "HTTPS 1 . alpn=h3,h2", "clean"},
		{"IPv4 hint", `HTTPS 1 . alpn="h3,h2" ipv4hint=203.0.113.66`, "malicious 203.0.113.66"},
		{"second IPv4 hint", "HTTPS 1 . ipv4hint=192.0.2.1,203.0.113.66 alpn=h2", "malicious 203.0.113.66"},
		{"hints in quotes", `HTTPS 1 . ipv4hint="192.0.2.1,198.51.100.200"`, "malicious 198.51.100.0/24"},
		{"IPv6 hint", "HTTPS 1 . ipv4hint=192.0.2.1 ipv6hint=2001:db8::1,2001:db8:66::9", "malicious 2001:db8:66::/48"},
		{"an empty hint first", `HTTPS 1 . ipv4hint="" ipv6hint=2001:db8:66::9`, "malicious 2001:db8:66::/48"},
		{"IPv6 hint that carries IPv4", "HTTPS 1 . ipv6hint=64:ff9b::cb00:7142", "malicious 203.0.113.66"},
		{"capitals in the key", "HTTPS 1 . IPv4Hint=203.0.113.66", "malicious 203.0.113.66"},
		{"several spaces", "HTTPS 1   .   alpn=h2   ipv4hint=203.0.113.66  ", "malicious 203.0.113.66"},
		{"hint in the text of another parameter", `HTTPS 1 . x="a ipv4hint=203.0.113.66"`, "clean"},
		{"hint after an escaped quote", `HTTPS 1 . x="a\" ipv4hint=203.0.113.66 " y`, "clean"},
		{"hint after text with a quote", `HTTPS 1 . x="a\\" ipv4hint=203.0.113.66`, "malicious 203.0.113.66"},
		{"other hints", "HTTPS 1 . ipv4hint=192.0.2.1 ipv6hint=2001:db8::1", "clean"},
		{"the value of a parameter is no name", "HTTPS 1 . alpn=h2 evil.example", "clean"},
		{"no priority", "HTTPS svc.evil.example. alpn=h2", "clean"},
		{"empty", "HTTPS ", "clean"},
		{"generic form", `TYPE65 \# 3 000100`, "clean"},
		{"DNS64", "AAAA 64:ff9b::cb00:7142", "malicious 203.0.113.66"},
		{"DNS64, dotted", "AAAA 64:FF9B::203.0.113.66", "malicious 203.0.113.66"},
		{"DNS64, in a block", "AAAA 64:ff9b::c633:6401", "malicious 198.51.100.0/24"},
		{"DNS64, listed in its IPv6 form", "AAAA 64:ff9b::c000:201", "malicious 64:ff9b::c000:201"},
		{"DNS64, other address", "AAAA 64:ff9b::c000:202", "clean"},
		{"beside the prefix of DNS64", "AAAA 64:ff9b:1::cb00:7142", "clean"},
		{"NS, PTR and TXT are not targets", "NS evil.example.", "clean"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if want != "clean" {
				want += " answers[0]"
			}
			if got := marked(t, x, verdict.Options{}, answeredRecord("a.test", tt.answer)).summary(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// The most severe part decides. threat.more_parts says how many others are malicious.
func TestMarker_severity(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "low block subtree low.example malware low 50", "high block subtree high.example malware high 50",
		"high block subtree other.example malware high 99", "addr block cidr 203.0.113.66 malware critical 10",
		"low block cidr 203.0.113.7 malware low 10", "allow-x allow subtree fine.example", "f block subtree fine.example malware critical 99")
	for _, tt := range []struct {
		name, record, want string // with more_parts
	}{
		{"one part", answeredRecord("low.example"), "malicious low.example query_name 0"},
		{"critical address", answeredRecord("low.example", "A 203.0.113.66"), "malicious 203.0.113.66 answers[0] 1"},
		{"same severity: the query name", answeredRecord("high.example", "CNAME other.example"), "malicious high.example query_name 1"},
		{"same severity: the first answer", answeredRecord("a.test", "CNAME other.example", "CNAME high.example"), "malicious other.example answers[0] 1"},
		{"less severe first", answeredRecord("a.test", "A 203.0.113.7", "CNAME high.example", "A 203.0.113.7"), "malicious high.example answers[1] 2"},
		{"clean parts do not count", answeredRecord("a.test", "CNAME b.test", "A 192.0.2.1", "A 203.0.113.7"), "malicious 203.0.113.7 answers[2] 0"},
		{"allowed parts do not count", answeredRecord("a.test", "CNAME fine.example", "A 203.0.113.7"), "malicious 203.0.113.7 answers[1] 0"},
		{
			"an answer is one part", answeredRecord("low.example", "HTTPS 1 high.example. ipv4hint=203.0.113.7,203.0.113.66", "A 203.0.113.66"),
			"malicious 203.0.113.66 answers[0] 2",
		},
		{"same severity in an answer: the target", answeredRecord("a.test", "HTTPS 1 low.example. ipv4hint=203.0.113.7"), "malicious low.example answers[0] 0"},
		{"repeated address", answeredRecord("a.test", "A 203.0.113.7", "A 203.0.113.7"), "malicious 203.0.113.7 answers[0] 1"},
		{"allow-covered", answeredRecord("fine.example", "A 203.0.113.66"), "allowed fine.example query_name 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := marked(t, x, verdict.Options{}, tt.record)
			if summary := fmt.Sprint(got.summary(), " ", got.Threat.MoreParts); summary != tt.want {
				t.Errorf("got %s, want %s", summary, tt.want)
			}
		})
	}
}

// An object does not get the number of the object before it.
func TestMarker_severity_nextObject(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "list block subtree evil.example", "list block subtree fine.example", "allow-x allow subtree fine.example")
	m := verdict.NewMarker(x, verdict.Options{})
	lines, err := m.Mark(nil, []byte(answeredRecord("evil.example", "CNAME a.evil.example")+answeredRecord("fine.example")))
	if err != nil {
		t.Fatal(err)
	}
	_, second, _ := strings.Cut(string(lines), "\n")
	if !strings.Contains(second, `"verdict":"allowed"`) || strings.Contains(second, "more_parts") {
		t.Errorf("got %s", second)
	}
}

// threat.matched is what the client saw.
func TestMarker_matched(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "addr block cidr 203.0.113.66", "names block subtree evil.example")
	for answer, want := range map[string]string{
		"AAAA 64:ff9b::203.0.113.66":                "64:ff9b::cb00:7142",
		"HTTPS 1 WWW.Evil.Example. alpn=h2":         "www.evil.example",
		"HTTPS 1 . ipv4hint=192.0.2.1,203.0.113.66": "203.0.113.66",
		"MX 10 Mail.evil.example.":                  "mail.evil.example",
	} {
		if got := marked(t, x, verdict.Options{}, answeredRecord("a.test", answer)); got.Threat == nil || got.Threat.Matched != want {
			t.Errorf("%s: got %+v, want %s", answer, got.Threat, want)
		}
	}
}

// The options for CNAMEs and addresses cover the targets and hints of all other types.
func TestMarker_options_answers(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "names block subtree evil.example", "addr block cidr 203.0.113.66")
	const both = "HTTPS 1 x.evil.example. ipv4hint=203.0.113.66"
	for _, tt := range []struct {
		answer  string
		options verdict.Options
		want    string
	}{
		{both, verdict.Options{}, "malicious evil.example answers[0]"},
		{both, verdict.Options{SkipCNAMEs: true}, "malicious 203.0.113.66 answers[0]"},
		{both, verdict.Options{SkipCNAMEs: true, SkipAddresses: true}, "clean"},
		{"HTTPS 1 . ipv4hint=203.0.113.66", verdict.Options{SkipAddresses: true}, "clean"},
		{"HTTPS 1 x.evil.example.", verdict.Options{SkipCNAMEs: true}, "clean"},
		{"MX 1 x.evil.example.", verdict.Options{SkipCNAMEs: true}, "clean"},
		{"SRV 1 1 1 x.evil.example.", verdict.Options{SkipCNAMEs: true}, "clean"},
		{"AAAA 64:ff9b::cb00:7142", verdict.Options{SkipAddresses: true}, "clean"},
	} {
		if got := marked(t, x, tt.options, answeredRecord("a.test", tt.answer)).summary(); got != tt.want {
			t.Errorf("%s with %+v: got %s, want %s", tt.answer, tt.options, got, tt.want)
		}
	}
}

// Answers that cannot be read are counted, because they are not looked up.
func TestMarker_unreadAnswers(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "names block subtree evil.example", "addr block cidr 203.0.113.66", "allow-x allow subtree fine.example")
	names := newIndex(t, "names block subtree evil.example")
	for _, tt := range []struct {
		record string
		want   int
	}{
		{answeredRecord("a.test", "A 192.0.2.1", "CNAME b.test.", "MX 10 b.test.", "SRV 0 0 0 .", "HTTPS 1 . ipv4hint=192.0.2.1", "TXT x"), 0},
		{answeredRecord("a.test", "A b.test", "CNAME a..b", "MX ", "SRV  ", "HTTPS b.test", "HTTPS 1", "HTTPS 1 . ipv4hint=x"), 7},
		{answeredRecord("a.test", `TYPE65 \# 3 000100`), 1},
		{answeredRecord("fine.example", "A b.test"), 0}, // not checked
		{`{"query_name":"a.test","answers":[{"Type":"A"},{"Rdata":"x"}]}`, 1},
	} {
		m := verdict.NewMarker(x, verdict.Options{})
		if _, err := m.Mark(nil, []byte(tt.record)); err != nil || m.Counts().UnreadAnswers != tt.want {
			t.Errorf("%s: %d, error %v; want %d", tt.record, m.Counts().UnreadAnswers, err, tt.want)
		}
	}

	for _, tt := range []struct {
		name, answer string
		x            *index.Index
		options      verdict.Options
		want         int
	}{
		{"an address, and no address is listed", "A b.test", names, verdict.Options{}, 0},
		{"an address", "A b.test", x, verdict.Options{}, 1},
		{"a service without a target, of which the hints are read", "HTTPS 1", x, verdict.Options{SkipCNAMEs: true}, 1},
		{"a service without hints", "HTTPS 1 .", x, verdict.Options{SkipCNAMEs: true}, 0},
	} {
		m := verdict.NewMarker(tt.x, tt.options)
		if _, err := m.Mark(nil, []byte(answeredRecord("a.test", tt.answer))); err != nil || m.Counts().UnreadAnswers != tt.want {
			t.Errorf("%s: %d, error %v; want %d", tt.name, m.Counts().UnreadAnswers, err, tt.want)
		}
	}
}

// A DNS Activity of OCSF gets the same members, and objects are counted by shape.
func TestMarker_shapes(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "names block subtree evil.example", "addr block cidr 203.0.113.66")
	const (
		named    = `{"class_uid":4003,"query":{"hostname":"www.evil.example.","type":"A"},"answers":[]}`
		answered = `{"query":{"hostname":"a.test"},"answers":[{"rdata":"203.0.113.66","type":"A"}]}`
		resolver = `{"query_name":"a.test","additional_properties":{"is_delayed":true}}`
	)
	for record, want := range map[string]string{
		named:               "malicious evil.example query_name",
		answered:            "malicious 203.0.113.66 answers[0]",
		resolver:            "clean",
		`{"hello":"world"}`: "unknown bad_name",
	} {
		if got := marked(t, x, verdict.Options{}, record).summary(); got != want {
			t.Errorf("%s: got %s, want %s", record, got, want)
		}
	}
	m := verdict.NewMarker(x, verdict.Options{})
	if _, err := m.Mark(nil, []byte(named+answered+resolver+resolver+`{"hello":"world"}`)); err != nil {
		t.Fatal(err)
	}
	if c := m.Counts(); c.OCSF != 2 || c.Resolver != 2 || c.Other != 1 || c.Delayed != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestEmbeddedIPv4(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"64:ff9b::cb00:7142": "203.0.113.66", "64:ff9b::": "0.0.0.0", "64:ff9b::1:0:0": "", "::ffff:203.0.113.66": "", "203.0.113.66": "",
	} {
		got := ""
		if inner, ok := verdict.EmbeddedIPv4(netip.MustParseAddr(text)); ok {
			got = inner.String()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
