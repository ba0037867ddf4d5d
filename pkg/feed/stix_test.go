package feed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// stixIndicator writes an indicator. more is further members with a leading comma.
func stixIndicator(pattern, more string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--1","created":"2026-01-02T03:04:05.678Z",`+
		`"pattern":%q,"pattern_type":"stix","valid_from":"2026-02-03T04:05:06Z"%s}`, pattern, more)
}

const (
	evilPattern  = "[domain-name:value = 'evil.example']"
	otherPattern = "[domain-name:value='other.example']"
)

func bundle(objects ...string) string {
	return `{"type":"bundle","id":"bundle--1","objects":[` + strings.Join(objects, ",") + `]}`
}

func TestParse_stix(t *testing.T) {
	t.Parallel()
	one, other := stixIndicator(evilPattern, ""), stixIndicator(otherPattern, "")
	const harmless = ": harmless or only unusual, by its source"
	both := reading{Accepted: []string{"subtree evil.example", "subtree other.example"}}
	testFormat(t, feed.STIX, []formatCase{{
		name: "a bundle with structure and observed objects",
		in: bundle(`{"type":"malware","id":"malware--1","name":"m.example"}`, one, `{"type":"relationship","id":"relationship--1","source_ref":"x"}`,
			`{"type":"domain-name","id":"domain-name--1","value":"seen.example"}`, `{"type":"ipv4-addr","value":"192.0.2.1"}`, `{"type":"url","value":"http://seen.example/"}`,
			`{"type":"observed-data","objects":{"0":{"type":"domain-name","value":"old.example"}}}`, `{"type":"file","name":"x"}`, other),
		want: reading{
			Accepted: both.Accepted,
			Skipped: []string{
				"seen.example: observed, but not an indicator", "192.0.2.1: observed, but not an indicator", "http://seen.example/: observed, but not an indicator",
			},
		},
	}, {
		name: "the members of a bundle in another order",
		in:   `{"objects":[` + one + `,` + other + `],"id":"bundle--1","spec_version":"2.0","type":"bundle"}`,
		want: both,
	}, {
		name: "a TAXII envelope",
		in:   `{"more":false,"objects":[` + one + `,` + other + `]}`,
		want: both,
	}, {
		name: "objects in an array",
		in:   `[` + one + `,` + other + `]`,
		want: both,
	}, {
		name: "a bundle and an object, one a line",
		in:   bundle(one) + "\n" + other + "\n",
		want: both,
	}, {
		name: "revoked",
		in:   bundle(one, stixIndicator(otherPattern, `,"revoked":true`), stixIndicator("no pattern", `,"revoked":true`), stixIndicator(otherPattern, `,"revoked":"x"`)),
		want: reading{
			Accepted: []string{"subtree evil.example"},
			Skipped:  []string{otherPattern + ": withdrawn by its source", "no pattern: withdrawn by its source"},
			Rejected: []string{otherPattern},
		},
	}, {
		name: "harmless or only unusual, by its source",
		in: bundle(stixIndicator(evilPattern, `,"indicator_types":["malicious-activity"]`), stixIndicator("[domain-name:value='a.example']", `,"indicator_types":["benign"]`),
			stixIndicator("[domain-name:value='b.example']", `,"indicator_types":["x","Anomalous-Activity"]`), stixIndicator("[domain-name:value='c.example']", `,"labels":["benign"]`),
			stixIndicator("[domain-name:value='d.example']", `,"labels":"anomalous-activity"`), stixIndicator(otherPattern, `,"indicator_types":["anomalous-activity","malicious-activity"]`),
			stixIndicator(otherPattern, `,"indicator_types":["unknown"],"labels":["benign"]`), stixIndicator(otherPattern, `,"indicator_types":[],"labels":["benign-looking"]`)),
		want: reading{
			Accepted: append(slices.Clone(both.Accepted), both.Accepted[1], both.Accepted[1]),
			Skipped: []string{
				"[domain-name:value='a.example']" + harmless, "[domain-name:value='b.example']" + harmless,
				"[domain-name:value='c.example']" + harmless, "[domain-name:value='d.example']" + harmless,
			},
		},
	}, {
		name: "the language of patterns in any case",
		in:   bundle(strings.Replace(one, `"stix"`, `"STIX"`, 1), strings.Replace(other, `"stix"`, `" Stix "`, 1)),
		want: both,
	}, {
		name: "rules in other languages",
		in:   bundle(one, strings.Replace(stixIndicator("rule x {}", ""), `"stix"`, `"yara"`, 1), strings.Replace(other, `"pattern_type":"stix",`, "", 1)),
		want: reading{Accepted: both.Accepted, Skipped: []string{"rule x {}: neither a name nor an address"}},
	}, {
		name: "malformed objects",
		in:   bundle(one, "null", "7", `{"name":"x"}`, `{"type":"indicator"}`, `{"type":"indicator","pattern":[]}`, `{"type":"indicator","type":"malware","pattern":"p"}`),
		want: reading{
			Accepted: []string{"subtree evil.example"},
			Rejected: []string{"null", "7", "{name}", "indicator", "", "p"},
		},
	}})
}

func TestParse_stixDetails(t *testing.T) {
	t.Parallel()
	list := bundle(
		stixIndicator(evilPattern, `,"valid_until":"2027-01-02T03:04:05.5Z","confidence":85,"indicator_types":["malicious-activity","c2"],"labels":["x"],
			"external_references":[{"source_name":"s"},{"source_name":"t","url":"https://ref.example/a"},{"url":"https://ref.example/b"}]`),
		`{"type":"indicator","pattern":"[url:value='http://b.example/'] OR [ipv4-addr:value='192.0.2.1']","created":"2026-01-02T03:04:05Z","labels":["Phishing","y"],"confidence":101}`,
		`{"type":"indicator","pattern":"`+otherPattern+`","valid_until":"soon","labels":[],"indicator_types":null}`,
	)
	want := []string{
		"evil.example malicious-activity medium 85 2026-02-03T04:05:06Z 2027-01-02T03:04:05Z https://ref.example/a",
		"b.example phishing medium 50 2026-01-02T03:04:05Z -",
		"192.0.2.1 phishing medium 50 2026-01-02T03:04:05Z -",
		"other.example from options medium 50 - -",
	}
	if diff := cmp.Diff(want, details(t, list, feed.Options{Category: "from options"})); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestParse_stixRefused(t *testing.T) {
	t.Parallel()
	one := stixIndicator(evilPattern, "")
	testRefused(t, feed.STIX, []refusedCase{
		{"not a bundle", `{"title":"Unauthorized","http_status":"401"}`, feed.ErrUnknownJSON, "it has title, http_status"},
		{"an empty bundle", bundle(), feed.ErrEmpty, "no entries"},
		{"a bundle without objects", `{"type":"bundle","id":"bundle--1"}`, feed.ErrEmpty, "no entries"},
		{"objects that are not an array", `{"type":"bundle","id":"bundle--1","objects":"none"}`, feed.ErrEmpty, "no entries"},
		{"nothing but relationships", bundle(`{"type":"relationship"}`), feed.ErrEmpty, "no entries"},
		{"one page of several", `{"more":true,"next":"n","objects":[` + one + `]}`, feed.ErrPartial, `only one page of several ("more" is true); fetch the other pages`},
		{"possibly one page of several", `{"objects":[` + one + `],"more":"x"}`, feed.ErrPartial, `"more" is x`},
		{"duplicate objects", `{"type":"bundle","objects":[` + one + `],"objects":[]}`, feed.ErrBadJSON, `duplicate member "objects"`},
		{"cut off between two objects", `{"type":"bundle","objects":[` + one + `,`, feed.ErrTruncated, "line 1"},
		{"cut off within a value", `{"type":"bundle","objects":[{"description":"ab`, feed.ErrTruncated, "within a JSON value"},
		{"a pattern that is too long", bundle(stixIndicator("[domain-name:value='"+strings.Repeat("x", 1<<20)+"']", "")), feed.ErrTooLarge, "over 1048576 bytes"},
		{"text after the end", bundle(one) + "x", feed.ErrBadJSON, "expected"},
		{"not JSON", "evil.example\n", feed.ErrWrongFormat, "not a JSON object or array"},
	})
}

// A long payload is skipped without being held in memory.
func TestParse_stixLongValues(t *testing.T) {
	t.Parallel()
	artifact := `{"type":"artifact","payload_bin":"` + strings.Repeat("QUFB", 3<<20) + `"}`
	got, _, err := read(t, bundle(artifact, stixIndicator(evilPattern, "")), feed.Options{})
	if diff := cmp.Diff([]string{"subtree evil.example"}, got.Accepted); diff != "" || err != nil {
		t.Errorf("%v; -want +got:\n%s", err, diff)
	}
}
