package athena_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// root is the folder of the root module.
const root = "../../.."

// docs/queries.md is edited by people. Only the tables between marks are generated; -update
// rewrites them. The results of queries need Trino, the other tables do not.
const docsPath = root + "/docs/queries.md"

// generated finds a generated block and its name.
var generated = regexp.MustCompile(`(?s)<!-- generated: ([a-z_ -]+) -->\n(.*?)<!-- end -->\n`)

// compareDocs compares the blocks of the document that want names with their texts; -update
// rewrites them.
func compareDocs(t *testing.T, want map[string]string) {
	t.Helper()
	doc, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}

	missing := maps.Clone(want)
	rewritten := generated.ReplaceAllStringFunc(string(doc), func(block string) string {
		name := generated.FindStringSubmatch(block)[1]
		text, ok := want[name]
		if !ok {
			return block
		}
		delete(missing, name)
		return "<!-- generated: " + name + " -->\n" + text + "<!-- end -->\n"
	})
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("docs/queries.md has no block %q: add <!-- generated: %s --> and <!-- end -->", name, name)
	}

	if *update {
		if err := os.WriteFile(docsPath, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(doc), rewritten); diff != "" {
		t.Errorf("docs/queries.md (-document +generated), -update rewrites it:\n%s", diff)
	}
}

// The parameters of each query and the columns of the tables are those of the code, and
// each query has a section with its question.
func TestDocs(t *testing.T) {
	files, err := filepath.Glob(root + "/infra/resolverwatch/queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no named queries: %v", err)
	}
	doc, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}

	want := map[string]string{
		"dns_logs columns":   columnTable(append(catalog.Columns(), partitionColumn)),
		"indicators columns": columnTable(catalog.IndicatorColumns()),
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		query, err := namedquery.Parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".sql")
		want[name+" parameters"] = parameterTable(query.Parameters)
		if section := "\n## " + name + "\n\n**" + query.Question + "**"; !strings.Contains(string(doc), section) {
			t.Errorf("docs/queries.md has no section that begins with %q", section)
		}
	}
	compareDocs(t, want)
}

var partitionColumn = catalog.Column{
	Name:        catalog.Partition,
	Type:        "string",
	When:        "always",
	Description: "when Firehose received the record, in UTC, like the folders of the output bucket; filter by it in every query",
}

func columnTable(columns []catalog.Column) string {
	var table strings.Builder
	table.WriteString("| column | type | in | |\n| --- | --- | --- | --- |\n")
	for _, column := range columns {
		fmt.Fprintf(&table, "| `%s` | `%s` | %s | %s |\n", column.Name, column.Type, column.When, column.Description)
	}
	return table.String()
}

func parameterTable(parameters []namedquery.Parameter) string {
	var table strings.Builder
	table.WriteString("| parameter | type | |\n| --- | --- | --- |\n")
	for _, parameter := range parameters {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", parameter.Name, parameter.Type, parameter.Description)
	}
	return table.String()
}

// resultTable is the call of a query and its first rows.
func resultTable(name string, got *result) string {
	var table strings.Builder
	values := parametersOf(name)
	table.WriteString("With")
	for _, parameter := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&table, " `%s=%s`", parameter, values[parameter])
	}
	fmt.Fprintf(&table, ":\n\n| %s |\n|%s\n", strings.Join(got.Columns, " | "), strings.Repeat(" --- |", len(got.Columns)))

	const most = 8
	for _, row := range got.Rows[:min(most, len(got.Rows))] {
		for _, cell := range row {
			fmt.Fprintf(&table, "| %s ", cellText(cell))
		}
		table.WriteString("|\n")
	}
	if more := len(got.Rows) - most; more > 0 {
		fmt.Fprintf(&table, "\nand %d more rows.\n", more)
	}
	return table.String()
}

func cellText(cell any) string {
	if cell == nil {
		return ""
	}
	return strings.ReplaceAll(fmt.Sprint(cell), "|", `\|`)
}
