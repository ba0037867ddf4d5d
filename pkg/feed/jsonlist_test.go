package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func TestParse_jsonAllowAndDeny(t *testing.T) {
	t.Parallel()
	want := reading{Accepted: []string{"allow subtree good.example", "subtree evil.example"}}
	var cases []formatCase
	for allow, deny := range map[string]string{
		"allow": "deny", "whitelist": "blacklist", "allowlist": "blocklist", "Allow_List": "Deny-List", "allowed": "blocked",
		"whitelisted_domains": "blacklisted_domains", "domainWhitelist": "domainBlacklist", "exceptions": "domains", "exclude": "hosts",
		"ignored hosts": "data", "safelist": "indicators", "exclusions": "1",
	} {
		cases = append(cases, formatCase{
			name: allow + " and " + deny,
			in:   fmt.Sprintf(`{"version":2,"tolerance":1,"fuzzylist":["brand.example"],%q:["good.example"],%q:["evil.example"]}`, allow, deny),
			want: want,
		})
	}
	testFormat(t, feed.JSON, append(cases, []formatCase{{
		name: "objects in the arrays, and empty ones",
		in:   `{"allow":[{"domain":"good.example"}],"deny":[{"domain":"evil.example"}],"exceptions":[],"blacklist":null}`,
		want: want,
	}, {
		name: "arrays by type",
		in:   `{"allow":{"domains":["good.example"],"ips":["192.0.2.1"]},"deny":{"domains":["evil.example"],"updated":"2026","ips":["198.51.100.0/24"]}}`,
		want: reading{Accepted: []string{"allow subtree good.example", "allow cidr 192.0.2.1", "subtree evil.example", "cidr 198.51.100.0/24"}},
	}, {
		name: "an object without an array is not lost silently",
		in:   `{"deny":["evil.example"],"allow":{"good.example":true}}`,
		want: reading{Accepted: []string{"subtree evil.example"}, Rejected: []string{"{good.example}"}},
	}, {
		name: "what follows the exceptions is blocked",
		in:   `{"whitelist":["good.example"],"data":["evil.example"]}` + "\n" + `["b.example"]`,
		want: reading{Accepted: []string{"allow subtree good.example", "subtree evil.example", "subtree b.example"}},
	}, {
		name: "entries with exceptions of their own, one a line",
		in:   `{"domain":"evil.example","exceptions":["good.evil.example"]}` + "\n" + `{"domain":"b.example","allow":[]}`,
		want: reading{Accepted: []string{"allow subtree good.evil.example", "subtree evil.example", "subtree b.example"}},
	}, {
		name: "a flag is not a list",
		in:   `[{"domain":"evil.example","block":true},{"domain":"b.example","blocked":"yes"}]` + "\n" + `{"domain":"c.example","deny":1}`,
		want: reading{Accepted: []string{"subtree evil.example", "subtree b.example", "subtree c.example"}},
	}, {
		name: "nothing but exceptions",
		in:   `{"name":"list","allow":["good.example"]}`,
		want: reading{Accepted: []string{"allow subtree good.example"}},
	}}...))
}

// A list of millions of names is read as a stream under any of the names.
func TestParse_jsonLongBlacklist(t *testing.T) {
	t.Parallel()
	long := strings.TrimSuffix(strings.Repeat("\"evil.example\",\n", 1<<17), ",\n")
	_, report, err := read(t, `{"whitelist":[`+long+`],"blacklist":[`+long+`]}`, feed.Options{})
	if err != nil || report.Accepted != 1<<18 || report.Allowed != 1<<17 {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestParse_jsonColumnIsAnArray(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, column string
		want       reading
	}{
		{`{"allow":["good.example"],"deny":["evil.example"]}`, "deny",
			reading{Accepted: []string{"allow subtree good.example", "subtree evil.example"}}},
		{`{"reporters":["r.example"],"bad names":["evil.example"]}`, "Bad_Names", reading{Accepted: []string{"subtree evil.example"}}},
		{`{"hosts":["r.example"],"mine":["evil.example"]}`, "mine", reading{
			Accepted: []string{"subtree evil.example"}, Skipped: []string{`"r.example": row without an indicator`},
		}},
		{`{"whitelist":["evil.example"]}`, "whitelist", reading{Accepted: []string{"subtree evil.example"}}},
		{`{"data":[{"bad":"evil.example","domain":"r.example"}]}`, "bad", reading{Accepted: []string{"subtree evil.example"}}},
		{`["evil.example"]`, "domain", reading{Accepted: []string{"subtree evil.example"}}},
	} {
		got, _, err := read(t, tc.in, feed.Options{Column: tc.column})
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s, column %q: %v; -want +got:\n%s", tc.in, tc.column, err, diff)
		}
	}
}

// An allow feed never allows the names that its list says are malicious.
func TestParse_jsonDenyInAllowFeed(t *testing.T) {
	t.Parallel()
	got, _, err := read(t, `{"blacklist":["evil.example"],"whitelist":["good.example"],"domains":["fine.example"]}`,
		feed.Options{Action: indicator.ActionAllow})
	want := reading{
		Accepted: []string{"allow subtree good.example", "allow subtree fine.example"},
		Skipped:  []string{`"evil.example": blocked by its list, but the feed is an allow feed`},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v; -want +got:\n%s", err, diff)
	}
}

func TestParse_otx(t *testing.T) {
	t.Parallel()
	const indicators = `"indicators":[{"id":1,"indicator":"evil.example","type":"domain"},
		{"id":2,"indicator":"192.0.2.1","type":"IPv4"},{"indicator":"http://b.example/x","type":"URL"},
		{"indicator":"d41d8cd98f00b204e9800998ecf8427e","type":"FileHash-MD5"}]`
	want := reading{
		Accepted: []string{"subtree evil.example", "cidr 192.0.2.1", "name b.example"},
		Skipped:  []string{"d41d8cd98f00b204e9800998ecf8427e: neither a name nor an address"},
	}
	pulse := `{"id":"p","name":"campaign.example","author_name":"a","references":["https://blog.example/"],"tags":[],` + indicators + `}`
	other := `{"id":"q","name":"other.example","indicators":[{"indicator":"c.example","type":"hostname"}]}`
	both := want
	both.Accepted = append(both.Accepted[:3:3], "subtree c.example")
	testFormat(t, feed.JSON, []formatCase{
		{name: "a pulse", in: pulse, want: want},
		{name: "pulses of the API", in: `{"count":2,"next":null,"previous":null,"results":[` + pulse + "," + other + `]}`, want: both},
		{name: "pulses in an array", in: `[` + pulse + "," + other + `]`, want: both},
		{name: "pulses, one a line", in: strings.ReplaceAll(pulse, "\n", " ") + "\n" + other, want: both},
		{name: "pulses under a name", in: `{"pulses":[` + pulse + "," + other + `]}`, want: both},
		{name: "indicators of the API", in: `{"results":` + strings.TrimPrefix(indicators, `"indicators":`) + `,"count":4}`, want: want},
		{name: "a pulse without indicators", in: `[` + pulse + `,{"name":"","description":"x","indicators":[]}]`, want: reading{
			Accepted: want.Accepted, Skipped: append(want.Skipped[:1:1], `{"name":"","description":"x","indicators":[]}: row without an indicator`),
		}},
		{name: "the title of a pulse without indicators", in: `[` + pulse + `,{"name":"campaign.example","indicators":[]}]`, want: reading{
			Accepted: want.Accepted, Skipped: append(want.Skipped[:1:1], `{"name":"campaign.example","indicators":[]}: row without an indicator`),
		}},
		{name: "an entry without indicators of its own", in: `[{"domain":"evil.example","indicators":[]}]`,
			want: reading{Accepted: []string{"subtree evil.example"}}},
		{name: "indicators of an entry that are not entries", in: `[{"domain":"evil.example","indicators":["phishing","new"]},{"domain":"b.example","iocs":7}]`,
			want: reading{Accepted: []string{"subtree evil.example", "subtree b.example"}}},
		{name: "a report of iocs", in: `[{"title":"t","url":"https://blog.example/x","iocs":[{"type":"domain","value":"evil.example"}]}]`,
			want: reading{Accepted: []string{"subtree evil.example"}}},
		{name: "a pulse that is not JSON", in: `[{"name":"p","indicators":[{"indicator":bad}]},` + pulse + `]`, want: reading{
			Accepted: want.Accepted, Skipped: want.Skipped, Rejected: []string{`{"name":"p","indicators":[{"indicator":bad}]}`},
		}},
	})
}

// The two parts of a list may be one level deeper.
func TestParse_jsonWrappedAllowAndDeny(t *testing.T) {
	t.Parallel()
	want := reading{Accepted: []string{"allow subtree good.example", "subtree evil.example"}}
	testFormat(t, feed.JSON, []formatCase{
		{name: "in an object", in: `{"version":1,"lists":{"allow":["good.example"],"note":["x"],"deny":["evil.example"]}}`, want: want},
		{name: "by type", in: `{"data":{"whitelist":{"domains":["good.example"]},"blacklist":{"domains":["evil.example"]}}}`, want: want},
		{name: "in an array", in: `[{"name":"mine.example","allow":["good.example"],"deny":["evil.example"]}]`, want: want},
		{name: "in an array, as objects", in: `[{"whitelist":[{"domain":"good.example"}],"blacklist":[{"domain":"evil.example"}]},{"block":["b.example"]}]`,
			want: reading{Accepted: append(want.Accepted[:2:2], "subtree b.example")}},
		{name: "an object in place of an array is not lost silently", in: `[{"deny":["evil.example"],"allow":{"good.example":true}}]`,
			want: reading{Accepted: []string{"subtree evil.example"}, Rejected: []string{`{"good.example":true}`}}},
	})
	testRefused(t, feed.JSON, []refusedCase{
		{"the domains that a page uses", `{"page":{"url":"https://evil.example/"},"lists":{"ips":["192.0.2.1"],"domains":["cdn.example"]}}`, feed.ErrUnknownJSON, "lists"},
		{"exceptions alone", `[{"id":1,"exceptions":["good.example"]}]`, feed.ErrUnknownJSON, "exceptions"},
	})
}

// Members that are objects or arrays are read if no member holds an indicator as text.
func TestParse_jsonInnerMembers(t *testing.T) {
	t.Parallel()
	want := reading{Accepted: []string{"subtree evil.example", "cidr 192.0.2.1"}}
	testFormat(t, feed.JSON, []formatCase{
		{name: "an indicator as an object",
			in:   `[{"id":1,"indicator":{"value":"evil.example","type":"domain"}},{"id":2,"indicator":{"type":"ip","value":"192.0.2.1"}}]`,
			want: want},
		{name: "an indicator as an object, one a line",
			in:   `{"id":1,"ioc":{"type":"domain","value":"evil.example"}}` + "\n" + `{"id":2,"ioc":{"type":"ip","value":"192.0.2.1"}}`,
			want: want},
		{name: "the type of an object is obeyed", in: `[{"indicator":{"value":"evil.example","type":"domain"}},{"indicator":{"value":"a.example","type":"email"}}]`,
			want: reading{Accepted: want.Accepted[:1:1], Skipped: []string{"a.example: neither a name nor an address"}}},
		{name: "an array of names", in: `[{"family":"x","c2":["evil.example","b.example"]},{"family":"y","c2":["c.example"]},{"family":"z","c2":[]}]`,
			want: reading{Accepted: []string{"subtree evil.example", "subtree b.example", "subtree c.example"},
				Skipped: []string{`{"family":"z","c2":[]}: row without an indicator`}}},
		{name: "an array of names, one object a line", in: `{"family":"x","c2":["evil.example","b.example"]}` + "\n" + `{"family":"y","c2":["c.example"]}`,
			want: reading{Accepted: []string{"subtree evil.example", "subtree b.example", "subtree c.example"}}},
		{name: "an array beside an indicator is where it points", in: `[{"domain":"evil.example","ips":["192.0.2.1","192.0.2.2"]}]`, want: reading{Accepted: want.Accepted[:1]}},
		{name: "an object beside an indicator", in: `[{"url":"http://evil.example/x","host":{"name":"cdn.example"}}]`, want: reading{Accepted: []string{"name evil.example"}}},
	})
	testRefused(t, feed.JSON, []refusedCase{
		{"references", `[{"title":"x","references":["https://blog.example/a"],"source":{"url":"https://blog.example/b"}}]`, feed.ErrUnknownJSON, "references"},
	})
}

// One page of an answer is not the whole list.
func TestParse_jsonPages(t *testing.T) {
	t.Parallel()
	const (
		first  = `{"count":3,"next":"https://api.example/?page=2","previous":null,"results":[{"indicator":"a.example"}]}`
		middle = `{"results":[{"indicator":"b.example"}],"next":"https://api.example/?page=3","previous":"https://api.example/?page=1"}`
		last   = `{"results":[{"indicator":"c.example"}],"next":null,"previous":"https://api.example/?page=2"}`
	)
	testRefused(t, feed.JSON, []refusedCase{
		{"the first page", first, feed.ErrPartial, `line 1: only one page of several ("next" is "https://api.example/?page=2")`},
		{"a middle page", middle, feed.ErrPartial, `page=3`},
		{"the last page", "\n" + last, feed.ErrPartial, `line 2: only one page of several ("previous" is "https://api.example/?page=2")`},
		{"the last page is missing", first + "\n" + middle, feed.ErrPartial, `page=2`},
		{"a mark instead of an address", `{"has_more":true,"data":["a.example"]}`, feed.ErrPartial, `"has_more" is "true"`},
	})
	testFormat(t, feed.JSON, []formatCase{
		{name: "all pages", in: first + "\n" + middle + "\n" + last, want: reading{Accepted: []string{"subtree a.example", "subtree b.example", "subtree c.example"}}},
		{name: "all pages, which only name the next one", in: `{"next":"x","data":["a.example"]}{"next":"","data":["b.example"]}`,
			want: reading{Accepted: []string{"subtree a.example", "subtree b.example"}}},
		{name: "the only page", in: `{"more":false,"next":null,"data":["a.example"]}`, want: reading{Accepted: []string{"subtree a.example"}}},
		{name: "an entry", in: `{"domain":"a.example","next":"b.example"}`, want: reading{Accepted: []string{"subtree a.example"}}},
	})
}

// A pulse may be longer than the entries that are kept.
func TestParse_otxLongPulse(t *testing.T) {
	t.Parallel()
	const n = 1 << 15
	indicators := strings.TrimSuffix(strings.Repeat(`{"indicator":"evil.example","type":"domain","title":"t"},`+"\n", n), ",\n")
	pulse := `{"name":"campaign.example","indicators":[` + indicators + `]}`
	line := 0
	report, err := feed.Parse(strings.NewReader(`{"results":[`+pulse+",\n"+pulse+`]}`), feed.Options{Line: &line}, func(i *indicator.Indicator) error {
		if i.Value() != "evil.example" {
			t.Errorf("line %d: %s", line, i.Value())
		}
		return nil
	})
	if err != nil || report.Accepted != 2*n || line != 2*n {
		t.Errorf("%v, %d accepted, the last one on line %d of %d", err, report.Accepted, line, 2*n)
	}
}

func TestParse_otxLines(t *testing.T) {
	t.Parallel()
	var lines []int
	line := 0
	text := "{\"results\":[\n{\"name\":\"p\",\n\"indicators\":[\n{\"indicator\":\"a.example\"},\n\n{\"indicator\":\n\"b.example\"}]},\n{\"domain\":\"c.example\"}]}"
	_, err := feed.Parse(strings.NewReader(text), feed.Options{Line: &line}, func(*indicator.Indicator) error {
		lines = append(lines, line)
		return nil
	})
	if diff := cmp.Diff([]int{4, 6, 8}, lines); err != nil || diff != "" {
		t.Errorf("%v; -want +got:\n%s", err, diff)
	}
}
