package hunt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// buildIndex builds an index from lines `feed scope name category severity confidence`.
func buildIndex(t *testing.T, lines ...string) *index.Index {
	t.Helper()
	builder := index.NewBuilder()
	for _, line := range lines {
		var feed, scope, name, category, severity string
		var confidence int
		_, err := fmt.Sscan(line, &feed, &scope, &name, &category, &severity, &confidence)
		entry := indicator.Indicator{Category: indicator.NewCategory(category), Action: indicator.ActionBlock}
		if err == nil {
			entry.Scope, err = indicator.ParseScope(scope)
		}
		if err == nil {
			entry.Name, err = domainname.Parse(name)
		}
		if err == nil {
			entry.Severity, err = indicator.ParseSeverity(severity)
		}
		if err == nil {
			entry.Confidence, err = indicator.NewConfidence(confidence)
		}
		if err == nil {
			builder.Feed(indicator.FeedID(feed), false)
			err = builder.Add(indicator.FeedID(feed), &entry)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	data, err := builder.Build(index.Options{Generation: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// delivery is a record and the verdict that it was logged with.
type delivery struct {
	name, rest string
	previous   verdict.Verdict
}

func (d delivery) record() []byte {
	return fmt.Appendf(nil, `{"account_id":"1","vpc_id":"v","srcaddr":"192.0.2.1","srcport":"5","transport":"UDP",`+
		`"query_timestamp":"2026-10-05T10:00:00Z","query_name":%q,"query_type":"A","query_class":"IN"%s}`, d.name, d.rest)
}

// A report has a row for each host and entry, counts each record once, and takes category,
// severity and confidence from the most severe entry, as the named query does.
func TestReport(t *testing.T) {
	t.Parallel()
	x := buildIndex(t, "a subtree evil.example spam low 90", "b under evil.example c2 high 40", "c name evil.example phish medium 50",
		"d subtree two.example zeta high 50", "d name x.two.example alpha high 50")
	for _, test := range []struct {
		name       string
		deliveries []delivery
		want       []string // indicator scope feeds category severity confidence queries unmarked
	}{
		{"rows by name and scope", []delivery{{"evil.example.", "", verdict.Clean}, {"x.evil.example.", "", verdict.Clean}},
			[]string{"evil.example subtree a b c2 high 40 1 1", "evil.example name a c phish medium 50 1 1"}},
		{"delivered twice", []delivery{{"two.example.", "", verdict.Clean}, {"two.example.", "", verdict.Clean}},
			[]string{"two.example subtree d zeta high 50 1 1"}},
		{"delivered again as malicious", []delivery{{"two.example.", "", verdict.Unknown}, {"two.example.", "", verdict.Malicious}},
			[]string{"two.example subtree d zeta high 50 1 0"}},
		{"delivered again as clean", []delivery{{"two.example.", "", verdict.Malicious}, {"two.example.", "", verdict.Clean}},
			[]string{"two.example subtree d zeta high 50 1 0"}},
		{"same query with different answers", []delivery{
			{"two.example.", `,"rcode":"NOERROR"`, verdict.Clean}, {"two.example.", `,"rcode":"SERVFAIL"`, verdict.Clean}},
			[]string{"two.example subtree d zeta high 50 1 1"}},
		{"names that differ by case", []delivery{{"two.example.", "", verdict.Clean}, {"Two.example.", "", verdict.Clean}},
			[]string{"two.example subtree d zeta high 50 2 2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // in either order
				report := hunt.NewReport(hunt.NewList(x))
				for _, d := range test.deliveries {
					marker := verdict.NewMarker(x, verdict.Options{OnMark: func(m *verdict.Mark) {
						hit := hunt.NewHit(m, d.previous)
						report.Add(&hit)
					}})
					if _, err := marker.Mark(nil, d.record()); err != nil {
						t.Fatal(err)
					}
				}
				var got []string
				for _, row := range report.Rows() {
					got = append(got, strings.Join(append(row[4:10:10], row[12:14]...), " "))
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				slices.Reverse(test.deliveries)
			}
		})
	}
}

func TestEntries_Cover(t *testing.T) {
	t.Parallel()
	entries := hunt.NewEntries(map[string]bool{"evil.example": true, "192.0.2.7": true, "198.51.100.0/28": true, "2001:db8::/32": true})
	for matched, want := range map[string]bool{
		"evil.example": true, "a.b.evil.example": true, "notevil.example": false, "example": false, `a\.evil.example`: false,
		"192.0.2.7": true, "192.0.2.70": false, "198.51.100.9": true, "198.51.100.16": false, "2001:db8::1": true, "": false,
	} {
		if got := entries.Covers([]byte(matched)); got != want {
			t.Errorf("%q: %v, want %v", matched, got, want)
		}
	}
}
