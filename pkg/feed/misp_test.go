package feed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// attribute writes a MISP attribute. more is further members with a leading comma.
func attribute(kind, value, more string) string {
	return fmt.Sprintf(`{"uuid":"u","type":%q,"value":%q,"to_ids":true,"category":"Network activity"%s}`, kind, value, more)
}

func TestParse_misp(t *testing.T) {
	t.Parallel()
	one := attribute("domain", "evil.example", "")
	other := attribute("domain", "other.example", "")
	testFormat(t, feed.MISP, []formatCase{{
		name: "an event",
		in:   `{"Event":{"info":"x","Orgc":{"name":"o"},"Attribute":[` + one + `],"Tag":[{"name":"tlp:white"}]}}`,
		want: reading{Accepted: []string{"subtree evil.example"}},
	}, {
		name: "an event without its wrapper, with objects",
		in:   `{"uuid":"u","Attribute":[` + one + `],"Object":[{"name":"app","Attribute":[` + other + `]}],"info":"x"}`,
		want: reading{Accepted: []string{"subtree evil.example", "subtree other.example"}},
	}, {
		name: "the response to a search for events",
		in:   `{"response":[{"Event":{"Attribute":[` + one + `]}},{"Event":{"Object":[{"Attribute":[` + other + `]}]}}]}`,
		want: reading{Accepted: []string{"subtree evil.example", "subtree other.example"}},
	}, {
		name: "the response to a search for attributes",
		in:   `{"response":{"Attribute":[{"event_id":"7","Event":{"info":"x"},` + one[1:] + `]}}`,
		want: reading{Accepted: []string{"subtree evil.example"}},
	}, {
		name: "events in an array",
		in:   `[{"Event":{"Attribute":[` + one + `]}},{"Attribute":[` + other + `]}]`,
		want: reading{Accepted: []string{"subtree evil.example", "subtree other.example"}},
	}, {
		name: "one event a line",
		in:   `{"Event":{"Attribute":[` + one + "]}}\r\n" + `{"Event":{"Attribute":[` + other + "]}}\n",
		want: reading{Accepted: []string{"subtree evil.example", "subtree other.example"}},
	}, {
		name: "one attribute a line",
		in:   one + "\n" + other,
		want: reading{Accepted: []string{"subtree evil.example", "subtree other.example"}},
	}, {
		name: "an empty event next to one with an attribute",
		in:   `{"response":[{"Event":{"info":"x"}},{"Event":{"Attribute":[],"Object":null}},{"Event":{"Attribute":[` + one + `]}}]}`,
		want: reading{Accepted: []string{"subtree evil.example"}},
	}, {
		name: "values among events that are not events",
		in:   `{"response":[null,{"message":"x"},7,{"Event":{"Attribute":["x",` + one + `],"Object":[1]}}]}`,
		want: reading{
			Accepted: []string{"subtree evil.example"},
			Rejected: []string{"null", "{message}", "7", `"x"`, "1"},
		},
	}, {
		name: "attributes nested elsewhere do not count",
		in: `{"Event":{"Attribute":[{"ShadowAttribute":[` + other + `],` + one[1:] + `],
			"Object":[{"ObjectReference":[{"Object":{"Attribute":[` + other + `]}}]}],
			"RelatedEvent":[{"Event":{"Attribute":[` + other + `]}}],"list":["other.example"]}}`,
		want: reading{Accepted: []string{"subtree evil.example"}},
	}, {
		name: "names in another case are different members",
		in:   `{"event":{"Attribute":[]},"Event":{"attribute":[],"Attribute":[{"To_Ids":false,` + one[1:] + `]}}`,
		want: reading{Accepted: []string{"subtree evil.example"}},
	}, {
		name: "escaped names are the same members",
		in:   `{"Event":{"Attr\u0069bute":[{"typ\u0065":"domain","value":"evil.ex\u0061mple"}]}}`,
		want: reading{Accepted: []string{"subtree evil.example"}},
	}})
}

func TestParse_mispTypes(t *testing.T) {
	t.Parallel()
	tests := []struct{ kind, value, want string }{
		{"domain", "evil.example", "subtree evil.example"},
		{"domain", "evil[.]example", "subtree evil.example"},
		{"domain", " Evil.Example. ", "subtree evil.example"},
		{"domain", "*.evil.example", "subtree evil.example"},
		{"domain", "192.0.2.1", "cidr 192.0.2.1"},
		{"domain", "evil.example/x", "name evil.example"},
		{"hostname", "www.evil.example", "subtree www.evil.example"},
		{"hostname|port", "evil.example|8443", "name evil.example"},
		{"hostname|port", "evil.example|0", "rejected"},
		{"hostname|port", "evil.example", "rejected"},
		{"domain|ip", "evil.example|192.0.2.1", "subtree evil.example cidr 192.0.2.1"},
		{"domain|ip", "evil.example|2001:db8::1", "subtree evil.example cidr 2001:db8::1"},
		{"domain|ip", "192.0.2.1|evil.example", "rejected"},
		{"domain|ip", "|192.0.2.1", "rejected"},
		{"ip-src", "192.0.2.1", "cidr 192.0.2.1"},
		{"ip-dst", "192.0.2.0/24", "cidr 192.0.2.0/24"},
		{"ip-dst", "2001:db8::1", "cidr 2001:db8::1"},
		{"ip-dst", "evil.example", "rejected"},
		{"ip-src|port", "192.0.2.1|80", "cidr 192.0.2.1"},
		{"ip-dst|port", "2001:db8::1|443", "cidr 2001:db8::1"},
		{"ip-dst|port", "192.0.2.1|x", "rejected"},
		{"url", "http://evil.example/x?y=z", "name evil.example"},
		{"url", "hxxps://192.0.2.1:8080/x", "cidr 192.0.2.1"},
		{"url", "evil.example", "name evil.example"},
		{"uri", "/x/y.php", "URL path without a host"},
		{"link", "https://report.example/x", "neither a name nor an address"},
		{"sha256", "evil.example", "neither a name nor an address"},
		{"Domain", "evil.example", "neither a name nor an address"},
		{"", "evil.example", "rejected"},
		{"domain", "", "rejected"},
		{"domain", "evil..example", "rejected"},
	}
	for _, tt := range tests {
		got, _, err := read(t, `{"Attribute":[`+attribute(tt.kind, tt.value, "")+`]}`, feed.Options{})
		if err != nil {
			t.Fatal(err)
		}
		outcome := strings.Join(got.Accepted, " ")
		switch {
		case len(got.Rejected) > 0:
			outcome = "rejected"
		case len(got.Skipped) > 0:
			_, outcome, _ = strings.Cut(got.Skipped[0], ": ")
		}
		if outcome != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.kind, tt.value, outcome, tt.want)
		}
	}
}

// The flags of an attribute and of the object around it count wherever they occur.
func TestParse_mispFlags(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.MISP, []formatCase{{
		name: "to_ids",
		in: `{"Attribute":[
			{"type":"domain","value":"a.example","to_ids":true},{"type":"domain","value":"b.example"},
			{"type":"domain","value":"c.example","to_ids":"1"},{"type":"domain","value":"d.example","to_ids":1},
			{"type":"domain","value":"e.example","to_ids":null},{"type":"domain","value":"f.example","to_ids":false},
			{"type":"domain","value":"g.example","to_ids":"0"},{"type":"domain","value":"h.example","to_ids":0},
			{"to_ids":false,"type":"md5","value":"i"},{"to_ids":"maybe","type":"domain","value":"j.example"},
			{"to_ids":[],"type":"domain","value":"k.example"}]}`,
		want: reading{
			Accepted: []string{"subtree a.example", "subtree b.example", "subtree c.example", "subtree d.example", "subtree e.example"},
			Skipped: []string{
				"f.example: not meant for detection (to_ids is false)", "g.example: not meant for detection (to_ids is false)",
				"h.example: not meant for detection (to_ids is false)", "i: neither a name nor an address",
			},
			Rejected: []string{"j.example", "k.example"},
		},
	}, {
		name: "deleted attributes",
		in: `{"Attribute":[{"type":"domain","value":"a.example","deleted":false},{"deleted":true,"type":"domain","value":"b.example"},
			{"type":"domain","value":"c.example","deleted":"1"},{"type":"md5","value":"d","deleted":true}]}`,
		want: reading{
			Accepted: []string{"subtree a.example"},
			Skipped: []string{
				"b.example: withdrawn by its source", "c.example: withdrawn by its source",
				"d: withdrawn by its source",
			},
		},
	}, {
		name: "deleted objects, with the flag before or after their attributes",
		in: `{"Object":[{"deleted":true,"Attribute":[` + attribute("domain", "a.example", "") + `]},
			{"Attribute":[` + attribute("domain", "b.example", "") + `,{"value":"c.example"}],"deleted":true},
			{"Attribute":[` + attribute("domain", "d.example", "") + `],"deleted":false}]}`,
		want: reading{
			Accepted: []string{"subtree d.example"},
			Skipped:  []string{"a.example: withdrawn by its source", "b.example: withdrawn by its source"},
			Rejected: []string{"c.example"},
		},
	}, {
		name: "an object with an ambiguous flag",
		in:   `{"Object":[{"deleted":{},"Attribute":[` + attribute("domain", "a.example", "") + `]},{"deleted":"x","Attribute":[` + attribute("domain", "b.example", "") + `]}]}`,
		want: reading{Rejected: []string{"a.example", "b.example"}},
	}, {
		name: "a duplicate member is ambiguous",
		in: `{"Attribute":[{"type":"domain","value":"a.example","value":"b.example"},
			{"type":"domain","to_ids":false,"value":"c.example","to_ids":true},{"comment":"x","comment":"y",` + attribute("domain", "d.example", "")[1:] + `]}`,
		want: reading{Accepted: []string{"subtree d.example"}, Rejected: []string{"a.example", "c.example"}},
	}})
}

func TestParse_mispDetails(t *testing.T) {
	t.Parallel()
	list := `{"Event":{"date":"2020-01-01","Attribute":[` +
		attribute("domain", "a.example", `,"timestamp":"1700000000","first_seen":"2026-08-22T21:23:45.000000+00:00","comment":"c"`) + `,` +
		attribute("domain", "b.example", `,"timestamp":"1700000000","first_seen":null`) + `,` +
		`{"type":"ip-dst","value":"192.0.2.1","category":""}]}}`
	want := []string{
		"a.example network activity medium 50 2026-08-22T21:23:45Z -",
		"b.example network activity medium 50 2023-11-14T22:13:20Z -",
		"192.0.2.1 from options medium 50 - -",
	}
	if diff := cmp.Diff(want, details(t, list, feed.Options{Category: "from options"})); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

// details returns the details of each entry of a list.
func details(t *testing.T, list string, o feed.Options) (all []string) {
	t.Helper()
	_, err := feed.Parse(strings.NewReader(list), o, func(i *indicator.Indicator) error {
		text := fmt.Sprint(i.Value(), " ", i.Category, " ", i.Severity, " ", i.Confidence, " ", when(i.FirstSeen), " ", when(i.ExpiresAt))
		if i.Reference != "" {
			text += " " + i.Reference
		}
		all = append(all, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// An error in a long event has the line of its attribute.
func TestParse_mispLines(t *testing.T) {
	t.Parallel()
	const list = "{\n\"Object\": [\n{\"Attribute\": [\n{\n\"type\": \"domain\",\n\"value\": \"a..example\"},\n {\"type\":\"domain\",\"value\":\"b.example\"}\n]}]}\n"
	var lines []string
	line := 0
	report, err := feed.Parse(strings.NewReader(list), feed.Options{
		Line: &line, OnReject: func(e feed.LineError) { lines = append(lines, fmt.Sprint(e.Line, " ", e.Text)) },
	}, func(i *indicator.Indicator) error {
		lines = append(lines, fmt.Sprint(line, " ", i.Value()))
		return nil
	})
	if diff := cmp.Diff([]string{"4 a..example", "7 b.example"}, lines); diff != "" || err != nil || report.Lines != 8 {
		t.Errorf("%d lines, %v; -want +got:\n%s", report.Lines, err, diff)
	}
}

func TestParse_mispRefused(t *testing.T) {
	t.Parallel()
	one := attribute("domain", "evil.example", "")
	many := strings.Repeat(one+",", 5000) + one
	long := strings.Repeat("x", 1<<20)
	testRefused(t, feed.MISP, []refusedCase{
		{"not an event", `{"message":"Authentication failed."}`, feed.ErrUnknownJSON, "it has message"},
		{"an array of something else", `[{"id":"1","org":{}},{"id":"2"}]`, feed.ErrUnknownJSON, "it has id, org"},
		{"an empty event", `{"Event":{"info":"x","Attribute":[]}}`, feed.ErrEmpty, "no entries"},
		{"an empty response", `{"response":[]}`, feed.ErrEmpty, "no entries"},
		{"duplicate attributes", `{"Event":{"Attribute":[` + one + `],"Attribute":[]}}`, feed.ErrBadJSON, `duplicate member "Attribute"`},
		{"duplicate attributes of an object", `{"Object":[{"Attribute":[` + one + `],"Attribute":[]}]}`, feed.ErrBadJSON, `duplicate member "Attribute"`},
		{"cut off within an event", `{"Event":{"Attribute":[` + one + `,`, feed.ErrTruncated, "line 1"},
		{"cut off within a value that is not read", `{"Attribute":[{"comment":"xy`, feed.ErrTruncated, "within a JSON value"},
		{"cut off after the last attribute", "{\"Attribute\":[\n" + one, feed.ErrTruncated, "line 2: input ends too early"},
		{"a value that is too long", `{"Attribute":[{"type":"domain","value":"` + long + `"}]}`, feed.ErrTooLarge, "over 1048576 bytes"},
		{"a name that is too long", `{"Attribute":[{"` + long + `":1}]}`, feed.ErrTooLarge, "over 1048576 bytes"},
		{"deep nesting", `{"Event":{"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}}`, feed.ErrTooLarge, "over 64 levels"},
		{"a control character", "{\"Attribute\":[{\"comment\":\"a\tb\"}]}", feed.ErrBadJSON, "control character"},
		{"an invalid escape", `{"Attribute":[{"comment":"\x"}]}`, feed.ErrBadJSON, "invalid escape"},
		{"half an escape", `{"Attribute":[{"comment":"\u00g0"}]}`, feed.ErrBadJSON, "invalid escape"},
		{"an invalid literal", `{"Attribute":[{"to_ids":yes}]}`, feed.ErrBadJSON, "where one of"},
		{"a literal followed by a letter", `{"Attribute":[{"to_ids":truer}]}`, feed.ErrBadJSON, "want the end of the value"},
		{"an invalid number", `{"Attribute":[{"x":01}]}`, feed.ErrBadJSON, "line 1"},
		{"a member without a name", `{"Attribute":[{1:2}]}`, feed.ErrBadJSON, "expected"},
		{"a deleted object that is too large to hold", `{"Object":[{"Attribute":[` + many + `],"deleted":true}]}`, feed.ErrTooLarge, "declared deleted at its end"},
		{"not JSON", "evil.example\n", feed.ErrWrongFormat, "not a JSON object or array"},
	})
}

// refusedCase is a list that is refused.
type refusedCase struct {
	name, in string
	want     error
	detail   string
}

func testRefused(t *testing.T, format feed.Format, cases []refusedCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, tt.in, feed.Options{Format: format})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.detail) {
				t.Errorf("error %v, want %v with %q", err, tt.want, tt.detail)
			}
		})
	}
}

// A long malware sample in base64 is skipped without being held in memory, and an object with
// very many attributes is read.
func TestParse_mispLongValues(t *testing.T) {
	t.Parallel()
	sample := strings.Repeat("QUFB", 3<<20) // 12 MiB
	many := strings.Repeat(attribute("domain", "b.example", "")+",", 9999)
	list := `{"Event":{"Attribute":[{"data":"` + sample + `","type":"malware-sample","value":"x"},` + attribute("domain", "a.example", "") + `],` +
		`"Object":[{"Attribute":[` + many + attribute("domain", "c.example", "") + `]}]}}`
	got, report, err := read(t, list, feed.Options{})
	if err != nil || report.Accepted != 10_001 || report.Entries != 10_002 {
		t.Fatalf("%d of %d entries, %v", report.Accepted, report.Entries, err)
	}
	if got.Accepted[0] != "subtree a.example" || got.Accepted[10_000] != "subtree c.example" {
		t.Errorf("from %s to %s", got.Accepted[0], got.Accepted[10_000])
	}
}
