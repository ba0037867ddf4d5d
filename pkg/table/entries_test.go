package table_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// Each member of a row is a column of the table, and each column is a member.
func TestNewIndicatorRow(t *testing.T) {
	t.Parallel()
	name, err := domainname.Parse("evil.example")
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	entry := &snapshot.Entry{AddedAt: noon, Indicator: indicator.Indicator{Name: name, Scope: indicator.ScopeSubtree,
		Action: indicator.ActionAllow, Severity: indicator.SeverityHigh, Confidence: 90, Category: `a "b"`, ExpiresAt: noon}}
	text, err := json.Marshal(table.NewIndicatorRow(7, "ours", true, entry))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"indicator":"evil.example","scope":"subtree","action":"allow","feed":"ours","vetoes_all":true,` +
		`"category":"a \"b\"","severity":"high","confidence":90,"added_at":"2026-11-01T11:00:00Z",` +
		`"expires_at":"2026-11-01T11:00:00Z","generation":7}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, column := range catalog.IndicatorColumns() {
		columns = append(columns, column.Name)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(columns)), slices.Sorted(maps.Keys(members))); diff != "" {
		t.Errorf("members (-columns +members):\n%s", diff)
	}
	entry.Action, entry.ExpiresAt = indicator.ActionBlock, time.Time{}
	if row := table.NewIndicatorRow(7, "ours", true, entry); row.VetoesAll || row.ExpiresAt != "" {
		t.Errorf("row of a block entry that does not expire: %+v", row)
	}
}

// The entry of a row has the same row.
func TestIndicatorRow_Entry(t *testing.T) {
	t.Parallel()
	for _, row := range []table.IndicatorRow{
		{Indicator: "evil.example", Scope: "under", Action: "block", Category: "a b", Severity: "low", AddedAt: "2026-11-01T00:00:00Z"},
		{Indicator: "192.0.2.1", Scope: "cidr", Action: "allow", Severity: "high", Confidence: 100, AddedAt: "2026-11-01T00:00:00Z"},
		{Indicator: "2001:db8::/32", Scope: "cidr", Action: "block", Severity: "critical", AddedAt: "2026-11-01T00:00:00Z"},
	} {
		entry, err := row.Entry()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row, table.NewIndicatorRow(0, "", false, &entry)); diff != "" {
			t.Errorf("row (-want +got):\n%s", diff)
		}
		for _, damage := range []func(*table.IndicatorRow){
			func(r *table.IndicatorRow) { r.Indicator = "a b" }, func(r *table.IndicatorRow) { r.Scope = "all" },
			func(r *table.IndicatorRow) { r.Action = "" }, func(r *table.IndicatorRow) { r.Severity = "bad" },
			func(r *table.IndicatorRow) { r.Confidence = 101 }, func(r *table.IndicatorRow) { r.AddedAt = "today" },
		} {
			bad := row
			damage(&bad)
			if _, err := bad.Entry(); err == nil {
				t.Errorf("%+v is accepted as an entry", bad)
			}
		}
	}
}
