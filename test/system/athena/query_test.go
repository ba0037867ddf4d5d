package athena_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// Parameters for the named queries, covering the whole month.
var (
	month = map[string]string{"from": "2026-10-01", "until": "2026-10-31"}
	asked = map[string]map[string]string{
		"around-a-match": {"srcaddr": "10.0.1.11", "vpc_id": web.vpc, "at": "2026-10-15T10:15:00Z", "minutes": "300"},
		"coverage":       {"from": "2026-10-01", "until": "2026-10-31", "vpcs": "vpc-0a1b2c3d4e5f60009"},
		"host-records": {"hosts": strings.Join([]string{web.account, web.vpc, web.address}, "/") + " " +
			strings.Join([]string{office.account, office.vpc, office.address}, "/"), "from": "2026-10-14", "until": "2026-10-16"},
		"retro-hunt": {"since": "2026-10-20", "from": "2026-10-01", "until": "2026-10-31"},
		"timeline":   {"from": "2026-10-14", "until": "2026-10-16"},
	}
)

func parametersOf(name string) map[string]string {
	for _, parameters := range []map[string]map[string]string{asked, behaviours} {
		if special, found := parameters[name]; found {
			return special
		}
	}
	return month
}

// ways are the formats in which the same logs are stored and read.
const (
	wayJSON    = "JSON"
	waySerde   = "JSON, read by the SerDe's own code"
	wayParquet = "Parquet"
)

// rig is a deployment that contains the logs of the world.
type rig struct {
	*lab
	*deployment
	way   string
	lines []line
}

// newRig deploys the app with settings and fills its buckets. Layout is the time format of
// its prefix, in the notation of package time.
func newRig(t *testing.T, way, layout string, settings map[string]any) *rig {
	t.Helper()
	r := &rig{lab: open(t), deployment: deploy(t, map[string]any{"resolverwatch": settings}), way: way, lines: world(t)}
	logs, indicators, pack := r.tables["dns_logs"], r.tables["indicators"], asGzip
	if way == wayParquet {
		logs, pack = r.tables["dns_logs_parquet"], asParquet
	}
	folder := logs.move(t, r.bucket(t, nil))
	objects := pack(t, delivered(folder, layout, r.lines))
	logBucket, _ := logs.location()
	r.put(t, logBucket, objects)
	indicators.move(t, r.bucket(t, map[string][]byte{
		catalog.IndicatorKey: (october + added).published(t, secondGeneration)}))
	r.glue.put(logs)
	r.glue.put(indicators)
	return r
}

// asGzip returns objects whose keys end as those of today and of earlier versions, in turn: a
// table may hold both.
func asGzip(t *testing.T, objects map[string][]byte) map[string][]byte {
	t.Helper()
	extensions := []string{".json.gz", ".gz"}
	packed := map[string][]byte{}
	for i, key := range slices.Sorted(maps.Keys(objects)) {
		packed[key+extensions[i%len(extensions)]] = compress(t, objects[key])
	}
	return packed
}

// ask runs a named query with values for its parameters.
func (r *rig) ask(t *testing.T, name string, values map[string]string) *result {
	t.Helper()
	query, err := namedquery.Parse(r.queries[name])
	if err != nil {
		t.Fatal(err)
	}
	sql, err := query.Fill(values)
	if err != nil {
		t.Fatal(err)
	}
	reader := native
	if r.way == waySerde {
		reader = serde
	}
	r.forget()
	return r.query(t, reader, sql)
}

// Every named query returns the rows that Go calculates from the same lines, on JSON and on
// Parquet.
func TestQueries(t *testing.T) {
	open(t)
	for _, way := range []string{wayJSON, waySerde, wayParquet} {
		t.Run(way, func(t *testing.T) {
			settings := map[string]any{}
			if way == wayParquet {
				settings["delivery"] = map[string]any{"format": "PARQUET"}
			}
			r := newRig(t, way, "2006/01/02", settings)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(oracles)), slices.Sorted(maps.Keys(r.queries))); diff != "" {
				t.Fatalf("named queries (-calculated in Go +deployed):\n%s", diff)
			}
			results := map[string]string{}
			for _, name := range slices.Sorted(maps.Keys(r.queries)) {
				t.Run(name, func(t *testing.T) {
					got := r.ask(t, name, parametersOf(name))
					t.Logf("read %d rows, %d bytes in %d objects", got.InputRows, got.Bytes, len(r.forget()))
					want := oracles[name](t, r.lines, parametersOf(name))
					if way == wayParquet && name == "unknown-verdicts" {
						want = slices.DeleteFunc(want, func(row []any) bool { return row[0] == "unreadable_line" })
					}
					if diff := cmp.Diff(asLines(want), asLines(got.Rows)); diff != "" {
						t.Errorf("rows (-calculated in Go +returned by Trino):\n%s", diff)
					}
					results[name+" result"] = resultTable(name, got)
				})
			}
			if way == wayJSON && len(results) == len(oracles) { // not if only some queries were selected
				compareDocs(t, results)
			}
		})
	}
}

func asLines(rows [][]any) (lines []string) {
	for _, row := range rows {
		lines = append(lines, text(row))
	}
	return lines
}

// A query about one day, on a table of thirty days, reads only the objects of that day and
// its neighbours, whether partitions are days or hours.
func TestQueries_oneDay(t *testing.T) {
	open(t)
	for _, test := range []struct {
		name, layout string
		settings     map[string]any
		day          func(key string) string
	}{
		{"days", "2006/01/02", map[string]any{}, func(key string) string { return strings.Join(strings.Split(key, "/")[1:4], "-") }},
		{"hours", "year=2006/month=01/day=02/hour=15", map[string]any{"delivery": map[string]any{
			"prefix": "dns/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"}},
			func(key string) string {
				parts := strings.Split(strings.NewReplacer("year=", "", "month=", "", "day=", "").Replace(key), "/")
				return strings.Join(parts[1:4], "-")
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, wayJSON, test.layout, test.settings)
			for _, name := range slices.Sorted(maps.Keys(r.queries)) {
				day := map[string]string{"from": "2026-10-17", "until": "2026-10-18"}
				switch name {
				case "around-a-match":
					day = map[string]string{"srcaddr": "10.0.1.12", "at": "2026-10-17T07:00:00Z", "minutes": "15"}
				case "retro-hunt":
					day["since"] = "2026-10-20"
				case "first-seen":
					day["history"] = "0"
				case "host-records":
					day["hosts"] = asked["host-records"]["hosts"]
				}
				got := r.ask(t, name, day)
				days := map[string]bool{}
				for _, key := range r.forget() {
					if !strings.HasPrefix(key, "indicators/") {
						days[test.day(key)] = true
					}
				}
				read := slices.Sorted(maps.Keys(days))
				t.Logf("%-25s read %d rows, %6d bytes, arrived on %v", name, got.InputRows, got.Bytes, read)
				if want := []string{"2026-10-16", "2026-10-17", "2026-10-18"}; !slices.Equal(read, want) {
					t.Errorf("%s: read the objects that arrived on %v, want %v", name, read, want)
				}
			}
		})
	}
}

// Without changes, the queries run, and read only the last days.
func TestQueries_defaults(t *testing.T) {
	r := newRig(t, wayJSON, "2006/01/02", map[string]any{})
	for _, name := range slices.Sorted(maps.Keys(r.queries)) {
		got := r.ask(t, name, nil)
		for _, key := range r.forget() {
			if strings.HasPrefix(key, "indicators/") {
				continue
			}
			if day := strings.Join(strings.Split(key, "/")[1:4], "-"); day < time.Now().AddDate(0, 0, -32).UTC().Format(time.DateOnly) {
				t.Errorf("%s: read %s", name, key)
			}
		}
		if got.Columns == nil {
			t.Errorf("%s: no columns", name)
		}
	}
}

// A host is found by the members of its records, even if one is missing.
func TestQueries_hostWithoutVPC(t *testing.T) {
	r := newRig(t, wayJSON, "2006/01/02", map[string]any{})
	r.replace(t, october, []query{
		{asked: october2026(10, 1, 0, 0), host: host{"111122223333", "", "10.0.9.9", ""}, name: "www.shop.example."},
		{asked: october2026(10, 1, 0, 1), host: host{"111122223333", "vpc-1", "10.0.9.9", ""}, name: "www.shop.example."},
	})
	got := r.ask(t, "host-records", map[string]string{"hosts": "111122223333//10.0.9.9", "from": "2026-10-10", "until": "2026-10-11"})
	if len(got.Rows) != 1 || got.Rows[0][3] != nil {
		t.Errorf("rows %s", asLines(got.Rows))
	}
}
