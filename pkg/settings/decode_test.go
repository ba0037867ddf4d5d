package settings_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestDecodeFeed(t *testing.T) {
	t.Parallel()
	ninety := 90
	const week = settings.Duration(7 * 24 * 3600e9)
	for _, tc := range []struct {
		name string
		in   string
		want settings.Feed
	}{
		{name: "empty", in: `{}`},
		{name: "unset members", in: `{"format":"","maxAge":"","severity":null,"confidence":null}`},
		{
			name: "all",
			in: `{"format":"csv","scope":"name","column":"host","registrable":true,"category":"phishing",
				"severity":"High","confidence":90,"maxAge":"7d","force":"agreed with the SOC"}`,
			want: settings.Feed{
				Format: "csv", Scope: "name", Column: "host", Registrable: true, Category: "phishing",
				Severity: "High", Confidence: &ninety, MaxAge: week, Force: "agreed with the SOC",
			},
		},
		{name: "settings of the previous release", in: `{"maxAge":"7d","maxBytes":1048576,"timeout":"30s"}`, want: settings.Feed{MaxAge: week}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := settings.DecodeFeed([]byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeFeed_problems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   string
		want string // all problems, one a line
	}{{
		name: "another case", in: `{"maxage":"7d"}`,
		want: `member "maxage": unknown, the nearest is "maxAge"`,
	}, {
		name: "typing error", in: `{"formta":"csv"}`,
		want: `member "formta": unknown, the nearest is "format"`,
	}, {
		name: "array", in: `[]`,
		want: "must be a JSON object: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
	}, {
		name: "other types", in: `{"allow":"yes","confidence":"high","format":7,"maxAge":7,"url":true}`,
		want: `allow: "yes": must be true or false
confidence: "high": must be a whole number
format: 7: must be one of plain, hosts, adblock, dnsmasq, unbound, bind, rpz, wildcard, csv, json, misp, stix
maxAge: 7: must be a duration, like "90s", "36h" or "7d"
url: true: must be text`,
	}, {
		name: "a fraction", in: `{"confidence":1.5}`,
		want: "confidence: 1.5: must be a whole number",
	}, {
		name: "words and bounds", in: `{"format":"cvs","scope":"all","severity":"bad","confidence":200,"maxAge":"0s"}`,
		want: `confidence: 200: must be in [0, 100]
format: "cvs": must be one of plain, hosts, adblock, dnsmasq, unbound, bind, rpz, wildcard, csv, json, misp, stix
maxAge: "0s": must be at least 1s
scope: "all": must be one of name, subtree, under
severity: "bad": must be one of low, medium, high, critical`,
	}, {
		name: "not a duration", in: `{"maxAge":"soon"}`,
		want: `maxAge: "soon": must be a duration, like "90s", "36h" or "7d"`,
	}, {
		name: "over 4 KiB", in: strings.Repeat(" ", 4097),
		want: "feed settings of 4097 bytes: must be at most 4096",
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := settings.DecodeFeed([]byte(tc.in))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeGuards(t *testing.T) {
	t.Parallel()
	want := settings.DefaultGuards()
	want.ShrinkPercent, want.SuffixEntries = 12.5, 0
	got, err := settings.DecodeGuards([]byte(`{"shrinkPercent":12.5,"suffixEntries":0}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeGuards_problems(t *testing.T) {
	t.Parallel()
	_, err := settings.DecodeGuards([]byte(
		`{"minValidPercent":101,"shrinkEntries":-1,"minPrefixIPv4":33,"maxListBytes":0,"shrinkPercents":1,"topListRanks":"all"}`))
	want := `maxListBytes: 0: must be at least 1
minPrefixIPv4: 33: must be in [0, 32]
minValidPercent: 101: must be in [0, 100]
shrinkEntries: -1: must be at least 0
member "shrinkPercents": unknown, the nearest is "shrinkPercent"
topListRanks: "all": must be a whole number`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}
