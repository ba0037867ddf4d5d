package athena_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const duckdbPage = "../../../docs/duckdb.md"

// duckdbQuery is a query of the page, with the statements before it.
type duckdbQuery struct {
	Setup []string `json:"setup"`
	SQL   string   `json:"sql"`
}

// duckdbSQL is the SQL of the page: the statements that read the logs, and the queries by name.
type duckdbSQL struct {
	setup   []string
	queries map[string]duckdbQuery
}

var (
	fence    = regexp.MustCompile("(?ms)^```sql( parquet)?\n(.*?)^```$")
	variable = regexp.MustCompile(`(?s)^SET VARIABLE (\w+) = `)
	comment  = regexp.MustCompile(`(?m)^ *--.*\n`)
)

// duckdbStatements returns the statements of a block of SQL.
func duckdbStatements(block string) (statements []string) {
	for _, statement := range strings.Split(comment.ReplaceAllString(block, ""), ";\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			statements = append(statements, statement)
		}
	}
	return statements
}

// readDuckDBPage returns the SQL of the page. With parquet, the view reads Parquet.
func readDuckDBPage(t *testing.T, parquet bool) duckdbSQL {
	t.Helper()
	page, err := os.ReadFile(duckdbPage)
	if err != nil {
		t.Fatal(err)
	}
	found := duckdbSQL{queries: map[string]duckdbQuery{}}
	reading, _, _ := strings.Cut(string(page), "\n## malicious-hosts\n")
	for _, block := range fence.FindAllStringSubmatch(reading, -1) {
		isView := strings.Contains(block[2], "VIEW dns_logs")
		if !isView || parquet == (block[1] != "") {
			found.setup = append(found.setup, duckdbStatements(block[2])...)
		}
	}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		if oracles[name] == nil {
			continue
		}
		block := fence.FindStringSubmatch(text)
		if block == nil {
			t.Fatalf("%s: the section %s has no SQL", duckdbPage, name)
		}
		statements := duckdbStatements(block[2])
		last := len(statements) - 1
		found.queries[name] = duckdbQuery{statements[:last], statements[last]}
	}
	return found
}

// set replaces the values of variables.
func set(statements []string, values map[string]string) (changed []string) {
	for _, statement := range statements {
		if found := variable.FindStringSubmatch(statement); found != nil && values[found[1]] != "" {
			statement = found[0] + values[found[1]]
		}
		changed = append(changed, statement)
	}
	return changed
}

// duckdbValues returns the parameters of a named query as values of the page's variables.
func duckdbValues(parameters map[string]string) map[string]string {
	values := map[string]string{"exceptions": "[]::VARCHAR[]"}
	for name, value := range parameters {
		switch name {
		case "from", "until", "at":
			values[map[string]string{"from": "since", "until": "until", "at": "match_at"}[name]] = "CAST('" + value + "' AS TIMESTAMPTZ)"
		case "exceptions", "hosts":
			values[name] = "['" + strings.ReplaceAll(value, " ", "', '") + "']"
		case "minutes", "domains":
			values[name] = value
		default:
			values[name] = "'" + value + "'"
		}
	}
	values["fresh"] = values["since"]
	if history := parameters["history"]; history != "" {
		values["since"] += " - to_days(" + history + ")"
	}
	return values
}

// duckdbAnswer is what DuckDB returns for a query.
type duckdbAnswer struct {
	Error string
	Rows  [][]any
}

// askDuckDB runs the queries of the page on the objects that match a pattern.
func askDuckDB(t *testing.T, page duckdbSQL, pattern string) (answers map[string]duckdbAnswer) {
	t.Helper()
	queries := map[string]duckdbQuery{}
	for name, query := range page.queries {
		values := duckdbValues(parametersOf(name))
		values["logs"] = "'" + pattern + "'"
		queries[name] = duckdbQuery{set(slices.Concat(page.setup, query.Setup), values), query.SQL}
	}
	given, err := json.Marshal(queries)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), duckdbPython(t), "runduckdb.py")
	var messages bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(given), &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running DuckDB: %v\n%s", err, &messages)
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.UseNumber()
	if err := decoder.Decode(&answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// duckdbPython returns a Python that has DuckDB.
func duckdbPython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("RESOLVERWATCH_DUCKDB")
	if python == "" {
		t.Skip("skipped: RESOLVERWATCH_DUCKDB names no Python with DuckDB; `make duckdb` installs one")
	}
	return python
}

// The queries of the page return what Go calculates from the same lines, on JSON and on Parquet,
// with objects of this version and of earlier ones.
func TestDuckDB(t *testing.T) {
	duckdbPython(t)
	// DuckDB ignores blank lines, and cannot read those that are not UTF-8.
	lines := slices.DeleteFunc(world(t), func(l line) bool { return len(bytes.TrimSpace(l.text)) == 0 || !utf8.Valid(l.text) })
	for way, pack := range map[string]func(*testing.T, map[string][]byte) map[string][]byte{wayJSON: asGzip, wayParquet: asParquet} {
		t.Run(way, func(t *testing.T) {
			folder := t.TempDir()
			for key, body := range pack(t, delivered("dns/", "2006/01/02", lines)) {
				path := filepath.Join(folder, key)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, body, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			page := readDuckDBPage(t, way == wayParquet)
			pattern := filepath.Join(folder, "dns/**/*."+map[string]string{wayJSON: "gz", wayParquet: "parquet"}[way])
			answers := askDuckDB(t, page, pattern)
			for _, name := range slices.Sorted(maps.Keys(page.queries)) {
				t.Run(name, func(t *testing.T) {
					want := oracles[name](t, lines, parametersOf(name))
					if way == wayParquet && name == "unknown-verdicts" {
						want = slices.DeleteFunc(want, func(row []any) bool { return row[0] == "unreadable_line" })
					}
					if len(want) == 0 {
						t.Error("no row is expected, so nothing is tested")
					}
					got := answers[name]
					if got.Error != "" {
						t.Fatal(got.Error)
					}
					if diff := cmp.Diff(asLines(want), asLines(got.Rows)); diff != "" {
						t.Errorf("rows (-calculated in Go +returned by DuckDB):\n%s", diff)
					}
				})
			}
		})
	}
}

// The page has each named query, but for the one that it names.
func TestDuckDB_queries(t *testing.T) {
	t.Parallel()
	page := readDuckDBPage(t, false)
	want := slices.DeleteFunc(slices.Sorted(maps.Keys(oracles)), func(name string) bool { return name == "retro-hunt" })
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(page.queries))); diff != "" {
		t.Errorf("queries (-named +on the page):\n%s", diff)
	}
	for name, query := range page.queries {
		if !strings.HasPrefix(query.SQL, "SELECT ") && !strings.HasPrefix(query.SQL, "WITH ") {
			t.Error(fmt.Sprint(name, " is not a query: ", query.SQL))
		}
	}
}
