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

func TestParse_json(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.JSON, []formatCase{{
		name: "an array of strings",
		in:   "\xef\xbb\xbf[\"evil.example\", \"192.0.2.0/24\",\n\"hxxp://b\\u005b.]example/x\", \".c.example\", \"b\\u00fccher.example\"]\n",
		want: reading{Accepted: []string{
			"subtree evil.example", "cidr 192.0.2.0/24", "name b.example", "subtree c.example", "subtree xn--bcher-kva.example",
		}},
	}, {
		name: "in an array of objects, the preferred member wins",
		in: `[{"domain":"a.example"},{"Host":"b.example"},{"hostname":"c.example","ip":"192.0.2.1"},{"ip":"192.0.2.2"},
			{"host":"d.example","url":"http://d.example/x"},{"domain":"","host":"e.example"},{"name":"f.example","value":"g.example"},
			{"indicator":"h.example","type":"hostname"},{"ioc":"abc","type":"sha256"},{"url":null,"ip":""}]`,
		want: reading{
			Accepted: []string{
				"subtree a.example", "subtree b.example", "subtree c.example", "cidr 192.0.2.2", "name d.example",
				"subtree e.example", "subtree g.example", "subtree h.example",
			},
			Skipped: []string{
				"abc: neither a name nor an address", `{"url":null,"ip":""}: row without an indicator`,
			},
		},
	}, {
		name: "one object a line",
		in:   "{\"ioc\":\"evil.example\",\"ioc_type\":\"domain\"}\r\n{\"ioc\":\"2001:db8::5:40669\",\"ioc_type\":\"ip:port\"}\n\n{\"ioc\":\"http://b.example\",\"ioc_type\":\"url\"}",
		want: reading{Accepted: []string{"subtree evil.example", "cidr 2001:db8::5", "name b.example"}},
	}, {
		name: "the member name counts if there is more than one object",
		in:   "{\"name\":\"a.example\",\"score\":1}\n{\"name\":\"b.example\"}\n",
		want: reading{Accepted: []string{"subtree a.example", "subtree b.example"}},
	}, {
		name: "one object",
		in:   `{"name":"x","domain":"a.example"}`,
		want: reading{Accepted: []string{"subtree a.example"}},
	}, {
		name: "the ThreatFox API",
		in:   `{"query_status":"ok","data":[{"id":"1","ioc":"192.0.2.1:80","ioc_type":"ip:port","tags":["a","b"]}]}`,
		want: reading{Accepted: []string{"cidr 192.0.2.1"}},
	}, {
		name: "a full export of ThreatFox or URLhaus",
		in: `{"1":[{"ioc_value":"evil.example","ioc_type":"domain"}],
			"2":[{"url":"http://b.example/x","threat":"malware_download","tags":null}]}`,
		want: reading{Accepted: []string{"subtree evil.example", "name b.example"}},
	}, {
		name: "a mirror with defanged indicators",
		in:   `{"updated":1787433918,"iocs":[{"ioc":"evil[.]example","type":"domain"},{"ioc":"192.0.2[.]1:8808","type":"ip:port"},{"ioc":"32f8...d4c2","type":"sha256_hash"}]}`,
		want: reading{
			Accepted: []string{"subtree evil.example", "cidr 192.0.2.1"},
			Skipped:  []string{"32f8...d4c2: neither a name nor an address"},
		},
	}, {
		name: "a warninglist",
		in:   `{"name":"List of names","list":[".dyn.example","cloud.example"],"type":"hostname","version":1}`,
		want: reading{Accepted: []string{"subtree dyn.example", "subtree cloud.example"}},
	}, {
		name: "malformed entries among others",
		in:   `["a.example",{"ioc":":1","type":"ip:port"},{"ioc":"192.0.2.1:0","type":"ip:port"},{"domain":"b..example"},{"x":1},17,null,["c.example"],{"domain":bad},"d\q.example","ev\ud800il.example"]`,
		want: reading{
			Accepted: []string{"subtree a.example"},
			Rejected: []string{
				":1", "192.0.2.1:0", "b..example", `{"x":1}`, "17", "null", `["c.example"]`, `{"domain":bad}`, `"d\q.example"`, "ev\ufffdil.example",
			},
		},
	}, {
		name: "an empty array",
		in:   "[]\n",
	}})
}

func TestParse_jsonDetails(t *testing.T) {
	t.Parallel()
	const list = `{"data":[{"ioc":"a.example","threat_type":"botnet_cc","malware":"win.x","confidence_level":75,
		"first_seen":"2026-08-22 21:23:45 UTC","reference":null},{"ioc":"b.example","malware":"Loader","confidence":"60","first_seen":1700000000,
		"reference":"https://ref.example/b","severity":"critical"}]}`
	want := []string{
		"a.example botnet_cc medium 75  2026-08-22T21:23:45Z", "b.example loader critical 60 https://ref.example/b 2023-11-14T22:13:20Z",
	}
	var got []string
	_, err := feed.Parse(strings.NewReader(list), feed.Options{}, func(i *indicator.Indicator) error {
		got = append(got, fmt.Sprint(i.Value(), " ", i.Category, " ", i.Severity, " ", i.Confidence, " ", i.Reference, " ", when(i.FirstSeen)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestParse_jsonColumn(t *testing.T) {
	t.Parallel()
	got, _, err := read(t, `[{"bad_one":"evil.example","domain":"reporter.example"}]`, feed.Options{Column: "Bad One"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"subtree evil.example"}, got.Accepted); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestParse_jsonRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	tests := []struct {
		name, in string
		want     error
		detail   string
	}{
		{"an error message", `{"message":"Access Denied"}`, feed.ErrMessage, "it says Access Denied"},
		{"a response without data", `{"query_status":"unknown_auth_key"}`, feed.ErrUnknownJSON, "it has query_status"},
		{"STIX", `{"type":"bundle","id":"x","objects":[{"type":"indicator","name":"x"}]}`, feed.ErrUnknownJSON, "it has type, id, objects"},
		{"MISP", `{"Event":{"Attribute":[]}}`, feed.ErrUnknownJSON, "it has Event"},
		{"a document with a name", `{"name":"list.txt","content":"ZXZpbA=="}`, feed.ErrUnknownJSON, "it has name, content"},
		{"an object without members", `{}`, feed.ErrUnknownJSON, "it has no members"},
		{"numbers", `[1,2,3]`, feed.ErrUnknownJSON, `it has "1"`},
		{"a long array under an unknown member", `{"objects":["` + strings.Repeat("x", 1<<20) + `"]}`, feed.ErrUnknownJSON, `a long array "objects"`},
		{"many members", "{" + strings.Repeat(`"x":1,`, 1001) + `"y":1}`, feed.ErrUnknownJSON, "over 1000 members"},
		{"a long value", `["` + strings.Repeat("x", 1<<20) + `"]`, feed.ErrTooLarge, "over 1048576 bytes"},
		{"deep nesting", `[` + deep + `]`, feed.ErrTooLarge, "over 64 levels"},
		{"cut off within an array", `["a.example",`, feed.ErrTruncated, "line 1"},
		{"cut off within a value", "[\"a.example\",\n\"b.exam", feed.ErrTruncated, "line 2"},
		{"cut off within the second of two objects", "{\"ioc\":\"a.example\"}\n{\"ioc\":", feed.ErrTruncated, "line 2"},
		{"text after the end", `["a.example"] x`, feed.ErrBadJSON, "'x' where one of"},
		{"no comma", `["a.example" "b.example"]`, feed.ErrBadJSON, "where one of ,] is expected"},
		{"no colon", `{"data" ["a.example"]}`, feed.ErrBadJSON, "where one of : is expected"},
		{"a broken name", "{\"da\tta\": 1}", feed.ErrBadJSON, "control character"},
		{"a broken value", `{"data": nul}`, feed.ErrBadJSON, "want a value"},
		{"not JSON", "evil.example", feed.ErrWrongFormat, "not a JSON object or array"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, tt.in, feed.Options{Format: feed.JSON})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.detail) {
				t.Errorf("error %v, want %v with %q", err, tt.want, tt.detail)
			}
		})
	}
}
