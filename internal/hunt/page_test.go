package hunt_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

var morning = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// A page has each hour in which a host asked, once, and counts records that were delivered twice.
func TestReport_Early(t *testing.T) {
	t.Parallel()
	list := hunt.NewList(buildIndex(t, "corp subtree evil.example c2 high 90"))
	found := hunt.NewReport(list)
	marker := verdict.NewMarker(list.Index, verdict.Options{Remark: true, OnMark: func(m *verdict.Mark) {
		hit := hunt.NewHit(m, m.Previous)
		found.Add(&hit)
	}})
	for _, stamp := range []string{"2026-11-02T12:30:00Z", "2026-11-02T10:00:00Z", "2026-11-02T10:59:59Z", "2026-11-02T10:00:00Z", "soon"} {
		record := `{"account_id":"1","vpc_id":"vpc-1","srcaddr":"10.0.0.1","query_name":"www.evil.example.","query_timestamp":"` + stamp + `"}`
		if _, err := marker.Mark(nil, []byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	want := []report.Early{{
		Account: "1", VPC: "vpc-1", Address: "10.0.0.1", Indicator: "evil.example", Scope: "subtree", Feeds: "corp", Category: "c2", Severity: "high",
		Name: "www.evil.example", Queries: 4, Unmarked: 4, First: morning, Hours: []time.Time{morning, morning.Add(2 * time.Hour)},
	}}
	if diff := cmp.Diff(want, found.Early()); diff != "" {
		t.Error(diff)
	}
	if found.Repeats() != 1 {
		t.Errorf("%d records were delivered before, want 1", found.Repeats())
	}
}

// The tables of a hunt in Athena are made of its rows.
func TestFillPage(t *testing.T) {
	t.Parallel()
	row := func(address, name, severity, first, last string) report.Early {
		cells := map[string]string{
			"account_id": "1", "vpc_id": "vpc-1", "srcaddr": address, "indicator": name, "scope": "subtree", "severity": severity,
			"logged_queries": "3", "unmarked": "NaN", "first_seen": first, "last_seen": last,
		}
		return hunt.EarlyOf(func(column string) string { return cells[column] })
	}
	d := &report.Data{Early: []report.Early{
		row("10.0.0.1", "evil.example", "high", "2026-11-02T12:00:00Z", "2026-11-02T13:00:00Z"),
		row("10.0.0.2", "evil.example", "high", "2026-11-02T11:00:00Z", "2026-11-02T11:00:00Z"),
		row("10.0.0.1", "bad.example", "low", "2026-11-02T10:00:00Z", "2026-11-02T14:00:00Z"),
	}}
	hunt.FillPage(d)
	hosts := []report.Host{
		{Account: "1", VPC: "vpc-1", Address: "10.0.0.1", Severity: "high", Indicators: 2, Queries: 6, First: morning, Last: morning.Add(4 * time.Hour)},
		{Account: "1", VPC: "vpc-1", Address: "10.0.0.2", Severity: "high", Indicators: 1, Queries: 3, First: morning.Add(time.Hour), Last: morning.Add(time.Hour)},
	}
	if diff := cmp.Diff(hosts, d.Hosts); diff != "" {
		t.Error(diff)
	}
	entries := []report.Indicator{
		{Value: "evil.example", Scope: "subtree", Severity: "high", Hosts: 2, Queries: 6, First: morning.Add(time.Hour), Last: morning.Add(3 * time.Hour)},
		{Value: "bad.example", Scope: "subtree", Severity: "low", Hosts: 1, Queries: 3, First: morning, Last: morning.Add(4 * time.Hour)},
	}
	if diff := cmp.Diff(entries, d.Indicators); diff != "" {
		t.Error(diff)
	}
	if len(d.Matches) != 3 {
		t.Errorf("%d matches, want 3", len(d.Matches))
	}
}
