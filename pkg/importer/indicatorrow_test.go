package importer_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Each member of a row has a column of the table, and each column a member.
func TestNewIndicatorRow(t *testing.T) {
	t.Parallel()
	name, err := domainname.Parse("evil.example")
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	entry := &importer.Entry{AddedAt: noon, Indicator: indicator.Indicator{Name: name, Scope: indicator.ScopeSubtree,
		Action: indicator.ActionAllow, Severity: indicator.SeverityHigh, Confidence: 90, Category: `a "b"`, ExpiresAt: noon}}
	text, err := json.Marshal(importer.NewIndicatorRow(7, "ours", true, entry))
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
	if row := importer.NewIndicatorRow(7, "ours", true, entry); row.VetoesAll || row.ExpiresAt != "" {
		t.Errorf("a block entry without an end: %+v", row)
	}
}
