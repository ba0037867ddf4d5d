package verdict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
	"github.com/resolverwatch/resolverwatch/test/conformance/slowlog"
)

var (
	errReserved = errors.New("reserved")
	errShape    = errors.New("shape")
)

// soundMark reports whether the members of a mark have the types of their columns.
func soundMark(object []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return false
	}
	whole := func(value json.RawMessage, bits int) bool {
		_, err := strconv.ParseInt(string(value), 10, bits)
		return value == nil || string(value) == "null" || err == nil
	}
	threat := members["threat"]
	if threat == nil || string(threat) == "null" {
		return whole(members["index_generation"], 64)
	}
	var inner struct {
		Confidence json.RawMessage
		MoreParts  json.RawMessage `json:"more_parts"`
		MoreFeeds  json.RawMessage `json:"more_feeds"`
	}
	return threat[0] == '{' && json.Unmarshal(threat, &inner) == nil && whole(inner.Confidence, 32) &&
		whole(inner.MoreParts, 32) && whole(inner.MoreFeeds, 32) && whole(members["index_generation"], 64)
}

// slowMark marks a record step by step with encoding/json, by the rules in the package
// documentation. Only the index is the real one.
func slowMark(x *index.Index, record []byte) (string, error) {
	objects, err := slowlog.Parse(record)
	if err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, o := range objects {
		flat := strings.NewReplacer("\n", " ", "\r", " ").Replace(string(o.Bytes))
		value := o.Texts["verdict"]
		isMarked := value != nil && strings.Contains(" malicious allowed clean unknown ", " "+*value+" ") && !strings.Contains(*value, " ")
		switch {
		case o.Clash || o.Reserved && !isMarked:
			return "", errReserved
		case o.OddAnswers || isMarked && !soundMark(o.Bytes):
			return "", errShape
		case isMarked:
			fmt.Fprintf(&lines, "%s\n", flat)
			continue
		}
		comma := ""
		if o.Members > 0 {
			comma = ","
		}
		fmt.Fprintf(&lines, "%s%s%s}\n", strings.TrimSuffix(flat, "}"), comma, slowMembers(x, o))
	}
	return lines.String(), nil
}

// slowPart is a name or address of an object, with its match.
type slowPart struct {
	place, matched string
	match          index.Match
}

func slowMembers(x *index.Index, o slowlog.Object) string {
	parts, named := slowParts(x, o)
	var worst, vetoed *slowPart
	places := map[string]bool{} // with a malicious part
	for i := range parts {
		switch p := &parts[i]; {
		case p.match.Outcome == index.Malicious:
			places[p.place] = true
			if worst == nil || p.match.Severity > worst.match.Severity {
				worst = p
			}
		case p.match.Outcome == index.Allowed && vetoed == nil:
			vetoed = p
		}
	}
	switch {
	case worst != nil:
		return fmt.Sprintf(`"verdict":"malicious","index_generation":%d,"threat":%s`, generation, worst.threat(len(places)-1))
	case vetoed != nil:
		return fmt.Sprintf(`"verdict":"allowed","index_generation":%d,"threat":%s`, generation, vetoed.threat(0))
	case !named:
		return fmt.Sprintf(`"verdict":"unknown","verdict_reason":"bad_name","index_generation":%d`, generation)
	}
	return fmt.Sprintf(`"verdict":"clean","index_generation":%d`, generation)
}

// slowParts looks up all parts of an object that are checked.
func slowParts(x *index.Index, o slowlog.Object) (parts []slowPart, named bool) {
	name := func(place, text string) (p slowPart, ok bool) {
		var q domainname.Query
		ok = q.Set([]byte(text)) == nil
		x.Match(&q, &p.match)
		p.place, p.matched = place, string(q.Bytes())
		return p, ok
	}
	if text := o.Texts["query_name"]; text != nil {
		var p slowPart
		if p, named = name("query_name", *text); named {
			parts = append(parts, p)
		}
		if p.match.AllowCovered {
			return parts, named
		}
	}
	for _, a := range o.Answers {
		if a.Type == nil || a.Rdata == nil {
			continue
		}
		place := fmt.Sprintf("answers[%d]", a.Index)
		names, addresses := slowTargets(strings.ToUpper(*a.Type), strings.TrimRight(*a.Rdata, " "))
		for _, text := range names {
			if p, ok := name(place, text); ok {
				parts = append(parts, p)
			}
		}
		for _, text := range addresses {
			parts = append(parts, slowAddresses(x, place, text)...)
		}
	}
	return parts, named
}

// slowTargets returns the names and addresses in the Rdata of an answer that are looked up.
func slowTargets(rrtype, rdata string) (names, addresses []string) {
	switch rrtype {
	case "CNAME":
		return []string{rdata}, nil
	case "A", "AAAA":
		return nil, []string{rdata}
	case "MX", "SRV":
		if fields := strings.FieldsFunc(rdata, isBlank); len(fields) > 0 {
			names = fields[len(fields)-1:]
		} else {
			names = []string{""}
		}
	case "HTTPS", "SVCB", "TYPE64", "TYPE65":
		fields := serviceField.FindAllString(rdata, -1)
		if len(fields) < 2 || strings.Trim(fields[0], "0123456789") != "" {
			return nil, nil
		}
		names = fields[1:2]
		for _, param := range fields[2:] {
			key, value, _ := strings.Cut(param, "=")
			if lower := asciiLower(key); lower == "ipv4hint" || lower == "ipv6hint" {
				addresses = append(addresses, strings.Split(strings.Trim(value, `"`), ",")...)
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "." }), addresses
}

// serviceField is a field of an HTTPS or SVCB record: characters, escapes, and text in quotes.
var serviceField = regexp.MustCompile(`(?s)(?:\\.|\\\z|"(?:\\.|[^"\\])*(?:"|\\?\z)|[^ \t"\\])+`)

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// asciiLower is strings.ToLower, but a letter that is not ASCII does not become one that is.
func asciiLower(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) >= 0 {
		return text
	}
	return strings.ToLower(text)
}

// slowAddresses looks up an address, and the IPv4 address in one that a DNS64 resolver made.
func slowAddresses(x *index.Index, place, text string) (parts []slowPart) {
	host, _, _ := strings.Cut(text, "%")
	seen, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	lookedUp := []netip.Addr{seen}
	if octets := seen.As16(); netip.MustParsePrefix("64:ff9b::/96").Contains(seen) {
		lookedUp = append(lookedUp, netip.AddrFrom4([4]byte(octets[12:])))
	}
	for _, address := range lookedUp {
		p := slowPart{place: place, matched: seen.String()}
		x.MatchAddr(address, &p.match)
		parts = append(parts, p)
	}
	return parts
}

func (p slowPart) threat(more int) string {
	listed := p.match.Feeds
	if len(listed) > 16 {
		listed = listed[:16]
	}
	feeds, _ := json.Marshal(listed)
	rest := ""
	if p.match.Outcome == index.Allowed {
		rest = fmt.Sprintf(`,"allowed_by":"%s (%s)"`, p.match.AllowedBy.Indicator, p.match.AllowedBy.Feed)
	}
	if more > 0 {
		rest += fmt.Sprintf(`,"more_parts":%d`, more)
	}
	if unnamed := len(p.match.Feeds) - len(listed); unnamed > 0 {
		rest += fmt.Sprintf(`,"more_feeds":%d`, unnamed)
	}
	return fmt.Sprintf(`{"indicator":"%s","scope":"%s","matched":%s,"part":"%s","feeds":%s,"category":"%s","severity":"%s","confidence":%d%s}`,
		p.match.Indicator, p.match.Scope, slowQuote(p.matched), p.place, feeds, p.match.Category, p.match.Severity, p.match.Confidence, rest)
}

// slowQuote returns text as a JSON string with the escapes of a marked record.
func slowQuote(text string) string {
	var out strings.Builder
	for _, r := range text { // invalid bytes become U+FFFD
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return `"` + out.String() + `"`
}

// FuzzMark compares every byte of the output with the oracle.
func FuzzMark(f *testing.F) {
	for _, seed := range []string{
		`{"query_name":"www.evil.example.","answers":[{"Rdata":"cdn.evil.example.","Type":"CNAME"},{"Rdata":"198.51.100.1","Type":"A"}]}`,
		`{"query_name":"good.example","answers":{"Address":"203.0.113.7 ","Type":"A"}}` + "\n{}",
		`{"query_name":"a..b","answers":[{"Rdata":"2001:db8:bad::1%x","Type":"aaaa"},{"Rdata":"safe.vetoed.example","Type":"CNAME"}]}`,
		`{"message":"{\"query_name\":\"\\u0078\\n` + "\xff" + `.evil.example\"}"}`,
		`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{\"query_name\":\"trusted.example\"}"}]}`,
		`{"verdict":"clean"}{"Verdict":"clean"}`,
		`{"query_name":"a.test","answers":[{"Rdata":"1 cdn.evil.example. alpn=\"h3,h2\" ipv4hint=203.0.113.7,192.0.2.1 ipv6hint=\"2001:db8:bad::1\"","Type":"HTTPS"}]}`,
		`{"query_name":"b","answers":[{"rdata":"64:ff9b::cb00:7107","type":"aaaa"},{"rdata":"0 5 5060 www.evil.example","type":"SRV"},{"rdata":"10 vetoed.example. ","type":"MX"}]}`,
		`{"query":{"hostname":"www.evil.example."},"answers":[{"type":"type65","rdata":"0 . key=\"a b\\\" ipv4hint=203.0.113.7\""}]}`,
		`{"query_name":"a.test","answers":["x"],"ANSWERS":[null,[]]}`,
		`{"verdict":"malicious","index_generation":7,"threat":{"confidence":50}}{"verdict":"clean","threat":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	x := newIndex(f,
		"urls block subtree evil.example phishing high 90", "urls block subtree vetoed.example", "urls allow name safe.vetoed.example",
		"corp block name www.evil.example", "corp block under good.example", "corp block name b",
		"allow-corp allow subtree good.example", "allow-corp allow name trusted.example", "allow-corp allow cidr 198.51.100.1",
		"addr block cidr 198.51.100.0/24", "addr block cidr 203.0.113.7", "addr block cidr 2001:db8:bad::/48 malware critical 90")
	f.Fuzz(func(t *testing.T, record []byte) {
		want, wantErr := slowMark(x, record)
		if errors.Is(wantErr, slowlog.ErrUnsure) {
			t.Skip(wantErr)
		}
		got, err := verdict.NewMarker(x, verdict.Options{}).Mark(nil, record)
		if (err == nil) != (wantErr == nil) || errors.Is(wantErr, errReserved) && !errors.Is(err, verdict.ErrReserved) ||
			errors.Is(wantErr, errShape) && !errors.Is(err, verdict.ErrShape) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Fatalf("output (-want +got):\n%s", diff)
		}
		again, err := verdict.NewMarker(x, verdict.Options{}).Mark(nil, got)
		if err != nil || string(again) != string(got) {
			t.Fatalf("marking again: %q, error %v", again, err)
		}
	})
}

// FuzzMark_answer compares what is looked up in the Rdata of one answer with the oracle.
func FuzzMark_answer(f *testing.F) {
	for _, seed := range [][2]string{
		{"HTTPS", `1 cdn.evil.example. alpn="h3,h2" ipv4hint=203.0.113.7,192.0.2.1 ipv6hint="2001:db8:bad::1"`},
		{"SVCB", `0 x\ evil.example. "ipv4hint=203.0.113.7" IPV4hint="203.0.113.7\`}, {"type64", "16\t. ipv6hint=64:ff9b::203.0.113.7"},
		{"MX", "10 mail.evil.example. "}, {"SRV", "0 5\t5060 evil.example"}, {"AAAA", "64:ff9b::cb00:7107%x"}, {"CNAME", "evil.example "},
	} {
		f.Add(seed[0], seed[1])
	}
	x := newIndex(f, "urls block subtree evil.example phishing high 90", "addr block cidr 203.0.113.7",
		"addr block cidr 2001:db8:bad::/48 malware critical 90", "allow-x allow name good.evil.example")
	f.Fuzz(func(t *testing.T, rrtype, rdata string) {
		record := []byte(`{"query_name":"a.test","answers":[{"Type":` + slowQuote(rrtype) + `,"Rdata":` + slowQuote(rdata) + `}]}`)
		want, wantErr := slowMark(x, record)
		if errors.Is(wantErr, slowlog.ErrUnsure) {
			t.Skip(wantErr)
		}
		got, err := verdict.NewMarker(x, verdict.Options{}).Mark(nil, record)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Fatalf("output (-want +got):\n%s", diff)
		}
	})
}
