package athena_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// compacted is a deployment with compaction, whose copies have some of its days. The logs have all
// days.
type compacted struct {
	*rig
	view tableInput
}

// newCompacted deploys with compaction, and copies the days from the 5th to the 20th.
func newCompacted(t *testing.T) *compacted {
	t.Helper()
	const layout = "2006/01/02"
	r := newRig(t, wayJSON, layout, map[string]any{"catalog": map[string]any{"compaction": true}})
	copies := r.tables[catalog.CompactedTable]
	bucket := r.bucket(t, nil)
	folder := copies.move(t, bucket)
	r.put(t, bucket, asParquet(t, delivered(folder, layout, slices.DeleteFunc(slices.Clone(r.lines), func(l line) bool {
		return l.arrived.Day() < 5 || l.arrived.Day() > 20
	}))))
	r.glue.put(copies)
	c := &compacted{r, r.tables[catalog.AllLogsView]}
	c.show(t, catalog.Copied{})
	return c
}

// show replaces the view like the hunter. It stays as it is in the template but for its query, the
// name of Athena's own catalog, and the user that reads the tables, whom Trino wants to know.
func (c *compacted) show(t *testing.T, copied catalog.Copied) {
	t.Helper()
	const begin, end = "/* Presto View: ", " */"
	text := c.view["ViewOriginalText"].(string)
	packed, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(text, begin), end))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	described := map[string]any{}
	if err := json.Unmarshal(packed, &described); err != nil {
		t.Fatal(err)
	}
	described["catalog"], described["schema"], described["originalSql"] = native, database, catalog.ViewSQL(copied)
	described["runAsInvoker"] = true
	changed, err := json.Marshal(described)
	if err != nil {
		t.Fatal(err)
	}
	c.view["ViewOriginalText"] = begin + base64.StdEncoding.EncodeToString(changed) + end
	c.glue.put(c.view)
}

// half has the copied days but two: the 15th, with lines that are not records, which the test cannot
// copy, and the 18th, which is read from the logs again although there is a copy.
var half = catalog.Copied{First: "2026/10/05", Last: "2026/10/20", Except: []string{"2026/10/15", "2026/10/18"}}

// Every named query returns the same rows before any day is copied, and after some were, while both
// tables have these days.
func TestQueries_compacted(t *testing.T) {
	open(t)
	c := newCompacted(t)
	for _, name := range slices.Sorted(maps.Keys(c.queries)) {
		want := asLines(oracles[name](t, c.lines, parametersOf(name)))
		for when, copied := range map[string]catalog.Copied{"before": {}, "after": half} {
			c.show(t, copied)
			if diff := cmp.Diff(want, asLines(c.ask(t, name, parametersOf(name)).Rows)); diff != "" {
				t.Errorf("%s, %s days are copied (-calculated in Go +returned by Trino):\n%s", name, when, diff)
			}
		}
	}
}

// A query about one day reads only objects of that day and its neighbours, each from one table.
func TestQueries_compactedDay(t *testing.T) {
	open(t)
	c := newCompacted(t)
	c.show(t, half)
	for day, want := range map[int][]string{
		3:  {"dns-query-logs/2026/10/02", "dns-query-logs/2026/10/03", "dns-query-logs/2026/10/04"},
		10: {"compacted/2026/10/09", "compacted/2026/10/10", "compacted/2026/10/11"},
		18: {"compacted/2026/10/17", "compacted/2026/10/19", "dns-query-logs/2026/10/18"},
		20: {"compacted/2026/10/19", "dns-query-logs/2026/10/21"}, // the 20th has no logs
	} {
		c.ask(t, "nxdomain-ratio", map[string]string{"from": fmt.Sprintf("2026-10-%02d", day), "until": fmt.Sprintf("2026-10-%02d", day+1)})
		read := map[string]bool{}
		for _, key := range c.forget() {
			parts := strings.Split(key, "/")
			read[strings.Join(parts[:4], "/")] = true
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(read))); diff != "" {
			t.Errorf("October %d (-want +read):\n%s", day, diff)
		}
	}
}

// The query that is copied has all columns of the copies, in their order, and each line of the day
// once.
func TestCompaction_copiedQuery(t *testing.T) {
	open(t)
	c := newCompacted(t)
	got := c.query(t, native, catalog.SelectSQL("2026/10/10"))
	var columns []string
	for _, column := range c.tables[catalog.CompactedTable].storage()["Columns"].([]any) {
		columns = append(columns, column.(map[string]any)["Name"].(string))
	}
	var names []string
	for _, column := range got.Columns {
		names = append(names, fmt.Sprint(column))
	}
	lines := 0
	for _, line := range c.lines {
		if line.arrived.Day() == 10 {
			lines++
		}
	}
	if diff := cmp.Diff(columns, names); diff != "" || len(got.Rows) != lines || lines == 0 {
		t.Errorf("%d rows of %d lines, columns (-want +got):\n%s", len(got.Rows), lines, diff)
	}
}
