package verdict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// mark is the part of a marked object that we add.
type mark struct {
	Verdict    string  `json:"verdict"`
	Reason     string  `json:"verdict_reason"`
	Generation int     `json:"index_generation"`
	Threat     *threat `json:"threat"`
}

type threat struct {
	Indicator  string   `json:"indicator"`
	Scope      string   `json:"scope"`
	Matched    string   `json:"matched"`
	Part       string   `json:"part"`
	Feeds      []string `json:"feeds"`
	Category   string   `json:"category"`
	Severity   string   `json:"severity"`
	Confidence int      `json:"confidence"`
	AllowedBy  string   `json:"allowed_by"`
	MoreParts  int      `json:"more_parts"`
	MoreFeeds  int      `json:"more_feeds"`
}

// marked marks a record with one object and returns the mark.
func marked(t *testing.T, x *index.Index, o verdict.Options, record string) mark {
	t.Helper()
	line, err := verdict.NewMarker(x, o).Mark(nil, []byte(record))
	if err != nil {
		t.Fatalf("marking %.200q: %v", record, err)
	}
	if strings.Count(string(line), "\n") != 1 || !strings.HasSuffix(string(line), "}\n") {
		t.Fatalf("want one line, got %q", line)
	}
	var m mark
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return m
}

// summary returns the verdict, followed by the reason or by the indicator and part.
func (m mark) summary() string {
	switch {
	case m.Threat != nil:
		return m.Verdict + " " + m.Threat.Indicator + " " + m.Threat.Part
	case m.Reason != "":
		return m.Verdict + " " + m.Reason
	}
	return m.Verdict
}

func TestMarker_decision(t *testing.T) {
	t.Parallel()
	x := newIndex(t,
		"pools block subtree moneropool.test",
		"host block name listed.shop.example",
		"urls block subtree evil.example phishing high 90",
		"urls block under under.example",
		"urls block subtree deep.good.example",
		"urls block subtree good.example",
		"urls block subtree vetoed.example",
		"urls allow name safe.vetoed.example",
		"allow-corp allow subtree good.example",
		"allow-corp allow subtree trusted.example",
		"puny block subtree xn--e1afmkfd.example",
		"addr block cidr 198.51.100.0/24",
		"addr block cidr 203.0.113.7",
		"addr block cidr 2001:db8:bad::/48",
		"allow-corp allow cidr 198.51.100.9",
	)
	query := func(name string) string { return `{"query_name":` + quote(name) + `}` }
	answered := func(name, answers string) string {
		return `{"query_name":` + quote(name) + `,"answers":[` + answers + `]}`
	}
	rr := func(rrtype, data string) string {
		return `{"Rdata":` + quote(data) + `,"Type":"` + rrtype + `","Class":"IN"}`
	}

	for _, tt := range []struct{ name, record, want string }{
		{"listed apex, final dot", query("moneropool.test."), "malicious moneropool.test query_name"},
		{"listed apex, no final dot", query("moneropool.test"), "malicious moneropool.test query_name"},
		{"subdomain of a listed apex", query("abc.abc.moneropool.test"), "malicious moneropool.test query_name"},
		{"mixed case", query("ABC.MoneroPool.TEST."), "malicious moneropool.test query_name"},
		{"label boundary", query("notmoneropool.test"), "clean"},
		{"listed host of a shared domain", query("listed.shop.example."), "malicious listed.shop.example query_name"},
		{"other host of a shared domain", query("other.shop.example."), "clean"},
		{"subdomain of a listed host", query("www.listed.shop.example."), "clean"},
		{"apex of scope under", query("under.example."), "clean"},
		{"subdomain with scope under", query("x.under.example."), "malicious under.example query_name"},
		{"punycode", query("www.xn--e1afmkfd.example."), "malicious xn--e1afmkfd.example query_name"},

		{"root", query("."), "clean"},
		{"single label", query("instance-data."), "clean"},
		{"underscores", query("__cloud_init_expected_not_found__."), "clean"},
		{"reverse IPv4", query("7.2.0.192.in-addr.arpa."), "clean"},
		{"reverse IPv6", query("1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"), "clean"},
		{"unusual octets", query("c2=x;<y>@.evil.example."), "malicious evil.example query_name"},
		{"base64 label", query("aGVsbG8=.evil.example."), "malicious evil.example query_name"},
		{"escaped dot is not a boundary", query(`x\.evil.example.`), "clean"},
		{"escaped backslash, then a boundary", query(`x\\.evil.example.`), "malicious evil.example query_name"},
		{"decimal escape is not a boundary", query(`x\046evil.example.`), "clean"},
		{"JSON escapes are decoded", `{"query_name":"\u0065vil\u002eexample."}`, "malicious evil.example query_name"},
		{"JSON escape of a backslash", `{"query_name":"x\u005c.evil.example"}`, "clean"},
		{"raw bytes that are not UTF-8", `{"query_name":"` + "\xff\xfe" + `.evil.example"}`, "malicious evil.example query_name"},
		{"space is an octet", query(" evil.example"), "clean"},

		{"empty name", query(""), "unknown bad_name"},
		{"no name", `{"version":"1.1"}`, "unknown bad_name"},
		{"null", `{"query_name":null}`, "unknown bad_name"},
		{"number", `{"query_name":5}`, "unknown bad_name"},
		{"object without members", `{}`, "unknown bad_name"},
		{"empty label", query("a..evil.example."), "unknown bad_name"},
		{"label of 64", query(strings.Repeat("a", 64) + ".evil.example."), "unknown bad_name"},
		{"name of 1 MiB", query(strings.Repeat("a.", 1<<19) + "evil.example."), "unknown bad_name"},
		{"bad name, malicious answer", answered("a..b", rr("A", "203.0.113.7")), "malicious 203.0.113.7 answers[0]"},

		{"CNAME chain", answered("www.shop.test.", rr("CNAME", "cdn.evil.example.")+","+rr("A", "192.0.2.1")), "malicious evil.example answers[0]"},
		{"end of a chain", answered("www.shop.test.", rr("CNAME", "a.test.")+","+rr("CNAME", "Evil.Example")+","+rr("A", "192.0.2.1")), "malicious evil.example answers[1]"},
		{"address", answered("www.shop.test.", rr("CNAME", "a.test.")+","+rr("A", "198.51.100.1")), "malicious 198.51.100.0/24 answers[1]"},
		{"IPv6 address", answered("www.shop.test.", rr("AAAA", "2001:db8:bad::1")), "malicious 2001:db8:bad::/48 answers[0]"},
		{"IPv4 in IPv6", answered("www.shop.test.", rr("AAAA", "::ffff:203.0.113.7")), "malicious 203.0.113.7 answers[0]"},
		{"preview shape", `{"query_name":"a.test","answers":[{"Address":"evil.example. ","Type":"CNAME"}]}`, "malicious evil.example answers[0]"},
		{"single answer without an array", `{"query_name":"a.test","answers":{"Rdata":"203.0.113.7","Type":"a"}}`, "malicious 203.0.113.7 answers[0]"},
		{"index counts elements that are not answers", answered("a.test", `null,["x"],`+rr("A", "203.0.113.7")), "malicious 203.0.113.7 answers[2]"},
		{"other types are not checked", answered("a.test", rr("TXT", "evil.example")+","+rr("PTR", "evil.example")+","+rr("NS", "evil.example")), "clean"},
		{"answers without a type are not checked", answered("a.test", `{"Rdata":"evil.example"}`), "clean"},
		{"invalid data", answered("a.test", rr("CNAME", "foo@bar.test.")+","+rr("A", "no address")+","+rr("A", "")+","+rr("AAAA", "fe80::1%eth0")+","+rr("CNAME", "a..b")), "clean"},
		{"query name comes first", answered("evil.example", rr("A", "203.0.113.7")), "malicious evil.example query_name"},
		{"answers are checked in order", answered("a.test", rr("A", "203.0.113.7")+","+rr("CNAME", "moneropool.test")), "malicious 203.0.113.7 answers[0]"},
		{"the most severe answer decides", answered("a.test", rr("A", "203.0.113.7")+","+rr("CNAME", "evil.example")), "malicious evil.example answers[1]"},
		{"the most severe part decides", answered("moneropool.test", rr("CNAME", "evil.example")), "malicious evil.example answers[0]"},

		{"vetoed by its own feed", query("safe.vetoed.example"), "allowed vetoed.example query_name"},
		{"own veto does not cover other subdomains", query("x.vetoed.example"), "malicious vetoed.example query_name"},
		{"vetoed by an allow feed", query("good.example"), "allowed good.example query_name"},
		{"deeper entry is not vetoed", query("deep.good.example"), "malicious deep.good.example query_name"},
		{"vetoed address", answered("a.test", rr("A", "198.51.100.9")), "allowed 198.51.100.0/24 answers[0]"},
		{"allow-covered: answers are not checked", answered("www.trusted.example", rr("A", "203.0.113.7")), "clean"},
		{"allowed: answers are not checked either", answered("good.example", rr("A", "203.0.113.7")), "allowed good.example query_name"},
		{"vetoed by its own feed: answers are checked", answered("safe.vetoed.example", rr("A", "203.0.113.7")), "malicious 203.0.113.7 answers[0]"},
		{"allowed answer does not end the search", answered("a.test", rr("CNAME", "good.example")+","+rr("A", "203.0.113.7")), "malicious 203.0.113.7 answers[1]"},
		{"first allowed part is reported", answered("a.test", rr("CNAME", "safe.vetoed.example")+","+rr("A", "198.51.100.9")), "allowed vetoed.example answers[0]"},
		{"bad name, allowed answer", answered("a..b", rr("A", "198.51.100.9")), "allowed 198.51.100.0/24 answers[0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := marked(t, x, verdict.Options{}, tt.record)
			if got.summary() != tt.want || got.Generation != generation {
				t.Errorf("got %s (generation %d), want %s", got.summary(), got.Generation, tt.want)
			}
		})
	}
}

func TestMarker_options(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urls block subtree evil.example", "addr block cidr 203.0.113.7", "allow allow name ok.evil.example")
	const (
		hit     = `{"query_name":"evil.example"}`
		miss    = `{"query_name":"a.test"}`
		bad     = `{"query_name":"a..b"}`
		allowed = `{"query_name":"ok.evil.example"}`
		cname   = `{"query_name":"a.test","answers":[{"Type":"CNAME","Rdata":"evil.example"}]}`
		address = `{"query_name":"a.test","answers":[{"Type":"A","Rdata":"203.0.113.7"}]}`
	)
	all := []string{hit, miss, bad, allowed, cname, address}
	for _, tt := range []struct {
		name  string
		index *index.Index
		o     verdict.Options
		late  bool
		want  string
	}{
		{"all", x, verdict.Options{}, false, "malicious clean bad_name allowed malicious malicious"},
		{"without CNAMEs", x, verdict.Options{SkipCNAMEs: true}, false, "malicious clean bad_name allowed clean malicious"},
		{"without addresses", x, verdict.Options{SkipAddresses: true}, false, "malicious clean bad_name allowed malicious clean"},
		{"stale", x, verdict.Options{Stale: true}, false, "malicious stale_index bad_name allowed malicious malicious"},
		{"out of time", x, verdict.Options{}, true, "timeout timeout timeout timeout timeout timeout"},
		{"no index", nil, verdict.Options{}, false, "no_index no_index no_index no_index no_index no_index"},
		{"no index, out of time", nil, verdict.Options{Stale: true}, true, "no_index no_index no_index no_index no_index no_index"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := verdict.NewMarker(tt.index, tt.o)
			if tt.late {
				m.Expire()
			}
			lines, err := m.Mark(nil, []byte(strings.Join(all, "\n")))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(string(lines)) {
				var m mark
				if err := json.Unmarshal([]byte(line), &m); err != nil {
					t.Fatal(err)
				}
				if hasIndex := tt.index != nil; (m.Generation == generation) != hasIndex {
					t.Errorf("generation %d in %s", m.Generation, line)
				}
				if (m.Verdict == "unknown") != (m.Reason != "") {
					t.Errorf("reason %q in %s", m.Reason, line)
				}
				if m.Reason != "" {
					m.Verdict = m.Reason
				}
				got = append(got, m.Verdict)
			}
			if joined := strings.Join(got, " "); joined != tt.want {
				t.Errorf("got  %s\nwant %s", joined, tt.want)
			}
			if counts := m.Counts(); total(counts) != len(all) {
				t.Errorf("counts %+v, want %d objects", counts, len(all))
			}
		})
	}
}

func TestMarker_Mark_bytes(t *testing.T) {
	t.Parallel()
	x := newIndex(t,
		"urlhaus block subtree evil.example phishing high 90", "corp block name www.evil.example other low 10",
		"urlhaus block subtree vetoed.example", "allow-corp allow subtree vetoed.example")
	const clean = `"verdict":"clean","index_generation":7}` + "\n"
	for _, tt := range []struct{ name, record, want string }{
		{"members are appended", `{"query_name":"a.test"}`, `{"query_name":"a.test",` + clean},
		{
			"numbers, escapes, order, repetitions and invalid UTF-8 stay",
			`{"z":1.0e+05,"z":12345678901234567890,"query_name":"\u0061.test","k":"` + "\xff<\u2028" + `"}`,
			`{"z":1.0e+05,"z":12345678901234567890,"query_name":"\u0061.test","k":"` + "\xff<\u2028" + `",` + clean,
		},
		{"no members", `{}`, `{"verdict":"unknown","verdict_reason":"bad_name","index_generation":7}` + "\n"},
		{"white space stays", " {\t\"query_name\" : \"a.test\" } ", "{\t\"query_name\" : \"a.test\" ," + clean},
		{"line ends become spaces", "{\r\n \"query_name\":\n\"a.test\"\r}\n", "{   \"query_name\": \"a.test\" ," + clean},
		{"line ends in a row", "{\n\n\r\r\n\"query_name\":\"a.test\"\n\n}", "{     \"query_name\":\"a.test\"  ," + clean},
		{"empty", "", ""},
		{"blank", " \n ", ""},
		{"control message", `{"messageType":"CONTROL_MESSAGE","logEvents":[]}`, ""},
		{"several objects", `{"query_name":"a.test"}{"query_name":"b.test"}`, `{"query_name":"a.test",` + clean + `{"query_name":"b.test",` + clean},
		{"object in an envelope", `{"message":"{\"query_name\":\n\"a.test\"}"}`, `{"query_name": "a.test",` + clean},
		{
			"malicious", `{"query_name":"WWW.Evil.Example."}`,
			`{"query_name":"WWW.Evil.Example.","verdict":"malicious","index_generation":7,` +
				`"threat":{"indicator":"www.evil.example","scope":"name","matched":"www.evil.example","part":"query_name",` +
				`"feeds":["corp","urlhaus"],"category":"phishing","severity":"high","confidence":90}}` + "\n",
		},
		{
			"allowed", `{"query_name":"a.test","answers":[{"Type":"CNAME","Rdata":"vetoed.example."}]}`,
			`{"query_name":"a.test","answers":[{"Type":"CNAME","Rdata":"vetoed.example."}],"verdict":"allowed","index_generation":7,` +
				`"threat":{"indicator":"vetoed.example","scope":"subtree","matched":"vetoed.example","part":"answers[0]",` +
				`"feeds":["urlhaus"],"category":"malware","severity":"medium","confidence":50,"allowed_by":"vetoed.example (allow-corp)"}}` + "\n",
		},
		{
			"the matched value is escaped",
			`{"query_name":"\"\\\\\u0000\n` + "\x7f\xff\u00e9\u2028" + `\ud83d\ude00.evil.example"}`,
			`{"query_name":"\"\\\\\u0000\n` + "\x7f\xff\u00e9\u2028" + `\ud83d\ude00.evil.example","verdict":"malicious","index_generation":7,` +
				`"threat":{"indicator":"evil.example","scope":"subtree","matched":"\"\\\\\u0000\u000a\u007f` + "\ufffd\u00e9" + `\u2028😀.evil.example",` +
				`"part":"query_name","feeds":["urlhaus"],"category":"phishing","severity":"high","confidence":90}}` + "\n",
		},
		{
			"a space in the matched value", `{"query_name":"a b.evil.example"}`,
			`{"query_name":"a b.evil.example","verdict":"malicious","index_generation":7,"threat":{"indicator":"evil.example","scope":"subtree",` +
				`"matched":"a b.evil.example","part":"query_name","feeds":["urlhaus"],"category":"phishing","severity":"high","confidence":90}}` + "\n",
		},
		{"already marked", `{"query_name":"evil.example","verdict":"clean","index_generation":3}`, `{"query_name":"evil.example","verdict":"clean","index_generation":3}` + "\n"},
		{"already marked, two lines", "{\"verdict\":\n\"unknown\"}", "{\"verdict\": \"unknown\"}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := verdict.NewMarker(x, verdict.Options{})
			for range 2 { // the second time with reused memory
				got, err := m.Mark([]byte("before "), []byte(tt.record))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff("before "+tt.want, string(got)); diff != "" {
					t.Errorf("output (-want +got):\n%s", diff)
				}
			}
			again, err := m.Mark(nil, []byte(tt.want))
			if err != nil || string(again) != tt.want {
				t.Errorf("marking again: %q, error %v", again, err)
			}
		})
	}
}

func TestMarker_Mark_errors(t *testing.T) {
	t.Parallel()
	syntax := func(err error) bool {
		var s *jsonscan.SyntaxError
		return errors.As(err, &s)
	}
	reserved := func(err error) bool { return errors.Is(err, verdict.ErrReserved) }
	shape := func(err error) bool { return errors.Is(err, verdict.ErrShape) }
	for _, tt := range []struct {
		name, record string
		matches      func(error) bool
	}{
		{"text", "hello", syntax},
		{"array", "[]", syntax},
		{"malformed after a valid object", `{"query_name":"a.test"} x`, syntax},
		{"malformed in an envelope", `{"message":"{\"query_name\":\"a.test\"} x"}`, syntax},
		{"verdict that is not ours", `{"verdict":"guilty"}`, reserved},
		{"verdict that is not a string", `{"verdict":null}`, reserved},
		{"another member of ours without a verdict", `{"threat":"x"}`, reserved},
		{"member of ours in another case", `{"Verdict":"clean"}`, reserved},
		{"member of ours in another case next to a valid one", `{"verdict":"clean","THREAT":{}}`, reserved},
		{"duplicate member of ours", `{"verdict":"clean","verdict":"clean"}`, reserved},
		{"answers as text", `{"query_name":"a.test","answers":"x"}`, shape},
		{"number among the answers", `{"query_name":"a.test","answers":[{},7]}`, shape},
		{"text among the answers, in another case", `{"query_name":"a.test","Answers":["x"]}`, shape},
		{"mark with generation as text", `{"verdict":"clean","index_generation":"x"}`, shape},
		{"mark with a generation that is too large", `{"verdict":"clean","index_generation":99999999999999999999}`, shape},
		{"mark with threat as text", `{"verdict":"malicious","threat":"x"}`, shape},
		{"mark with confidence as text", `{"verdict":"malicious","threat":{"confidence":"high"}}`, shape},
		{"mark with more_parts as text", `{"verdict":"malicious","threat":{"more_parts":"x"}}`, shape},
		{"mark with more_feeds as a fraction", `{"verdict":"malicious","threat":{"more_feeds":1.5}}`, shape},
		{"reserved member after a valid object", `{"query_name":"a.test"}{"index_generation":7}`, reserved},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			m := verdict.NewMarker(newIndex(t), verdict.Options{OnMark: func(*verdict.Mark) { calls++ }})
			got, err := m.Mark([]byte("before"), []byte(tt.record))
			if !tt.matches(err) || string(got) != "before" {
				t.Errorf("output %q, error %v", got, err)
			}
			if counts := m.Counts(); calls != 0 || total(counts) != 0 {
				t.Errorf("%d calls, counts %+v for a rejected record", calls, counts)
			}
			if got, err := m.Mark(nil, []byte(`{"query_name":"a.test"}`)); err != nil || len(got) == 0 {
				t.Errorf("after the error: %q, error %v", got, err)
			}
		})
	}
}

func TestMarker_OnMark(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urls block subtree evil.example")
	var got []string
	m := verdict.NewMarker(x, verdict.Options{OnMark: func(m *verdict.Mark) {
		text := string(m.Verdict) + " " + string(m.Reason) + " " + string(m.Object.QueryName.Raw()) + " " + string(m.Object.SourceAddr.Raw())
		if m.Threat != nil {
			text += " " + string(m.Threat.Match.Indicator) + " " + string(m.Threat.Matched) + " " + m.Threat.Part.String()
		}
		if m.AlreadyMarked {
			text += " already"
		}
		got = append(got, text)
	}})
	lines, err := m.Mark(nil, []byte(`{"query_name":"a.test","srcaddr":"10.0.0.1"}{"query_name":"a.test",`+
		`"answers":[{},{"Type":"CNAME","Rdata":"WWW.evil.example."}]}{"query_name":"","verdict":"unknown"}{"query_name":""}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"clean  a.test 10.0.0.1",
		"malicious  a.test  evil.example www.evil.example answers[1]",
		"unknown    already",
		"unknown bad_name  ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	wantCounts := verdict.Counts{Malicious: 1, Clean: 1, BadName: 1, AlreadyMarked: 1, Resolver: 4}
	if counts := m.Counts(); counts != wantCounts || total(counts) != strings.Count(string(lines), "\n") {
		t.Errorf("counts %+v, want %+v", counts, wantCounts)
	}
	if m.Reset(nil, verdict.Options{}); m.Counts() != (verdict.Counts{}) {
		t.Errorf("counts after a reset: %+v", m.Counts())
	}
}

// OnMatch is called for what is malicious, and for nothing else.
func TestMarker_OnMatch(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urls block subtree evil.example", "allow allow subtree good.evil.example")
	var got []string
	m := verdict.NewMarker(x, verdict.Options{OnMatch: func(m *verdict.Mark) {
		got = append(got, fmt.Sprint(m.Number, " ", string(m.Threat.Matched), " ", strings.HasSuffix(string(m.Line), "}\n")))
	}})
	if _, err := m.Mark(nil, []byte(`{"query_name":"a.test"}{"query_name":"evil.example"}{"query_name":"good.evil.example"}{"query_name":"b.evil.example"}`)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 evil.example true", "3 b.evil.example true"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// total returns the number of all objects.
func total(c verdict.Counts) int {
	return c.Malicious + c.Allowed + c.Clean + c.Unknown() + c.AlreadyMarked
}

func TestMarker_allocatesNothing(t *testing.T) {
	x := newIndex(t, "urls block subtree evil.example", "addr block cidr 203.0.113.7", "allow allow subtree good.evil.example")
	records := [][]byte{
		[]byte(`{"query_name":"www.a.test","answers":[{"Type":"CNAME","Rdata":"b.test"},{"Type":"A","Rdata":"192.0.2.1"},{"Type":"AAAA","Rdata":"2001:db8::1"}]}`),
		[]byte(`{"query_name":"\u0061.evil.example."}`),
		[]byte(`{"query_name":"good.evil.example."}{"query_name":"a..b","answers":[{"Type":"A","Rdata":"203.0.113.7"}]}`),
		[]byte(`{"message":"{\"query_name\":\"www.evil.example\"}"}`),
		[]byte(`{"query_name":"evil.example","answers":[{"Type":"HTTPS","Rdata":"1 x.evil.example. alpn=\"h2\" ipv4hint=203.0.113.7,192.0.2.1"},` +
			`{"Type":"AAAA","Rdata":"64:ff9b::cb00:7107"},{"Type":"MX","Rdata":"10 evil.example."}]}`),
		[]byte(`{"query":{"hostname":"evil.example"},"src_endpoint":{"ip":"10.0.0.5"},"cloud":{"account":{"uid":"1"}},"action":"Denied"}`),
	}
	var buf []byte
	m := verdict.NewMarker(x, verdict.Options{})
	if n := testing.AllocsPerRun(100, func() {
		for _, record := range records {
			var err error
			if buf, err = m.Mark(buf[:0], record); err != nil {
				t.Fail()
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
