package athena_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

const docsPath = "../../docs/queries.md"

// page is the section of a query in the document.
type page struct {
	name, text string
	result     *result
}

const docsHead = `# The named queries

A deployed stack has these queries in its Athena workgroup, under *Saved queries*. They run
without changes and cover the last days, except those with a required parameter. To query other
days, change the text between ` + "`" + `/*from:*/` + "`" + ` and ` + "`" + `/*:from*/` + "`" + ` everywhere in the query.

From a shell, with the stack's name (` + "`" + `--stack` + "`" + `, default ` + "`" + `Resolverwatch` + "`" + `) and the usual AWS
credentials:

    resolverwatch query                      # the queries and their parameters
    resolverwatch query malicious-hosts --param from=2026-11-01 --param until=2026-11-08
    resolverwatch hunt --since 2026-11-01    # retro-hunt, with a summary line
    resolverwatch hunt --since 2026-11-01 --write    # also writes the records, marked again, under retro/

Callers need the permissions that ` + "`" + `Catalog.GrantQuery` + "`" + ` gives, and ` + "`" + `cloudformation:DescribeStacks` + "`" + `
on the stack. ` + "`" + `hunt --write` + "`" + ` also needs ` + "`" + `s3:GetObject` + "`" + ` on ` + "`" + `index/*` + "`" + ` of the index bucket and
` + "`" + `s3:PutObject` + "`" + ` on ` + "`" + `retro/*` + "`" + ` of the output bucket.

` + "`" + `hunt --write` + "`" + ` writes the records of hosts that queried a name before any list knew it, under
` + "`" + `retro/` + "`" + ` and the day of the query. It reads them from the table, so members without a column are
lost. No table and no query here reads ` + "`" + `retro/` + "`" + `. If you run a hunt again, it does not overwrite
its objects; if lists have changed since, it adds the records again, marked by the newer
generation.

Without an account, ` + "`" + `resolverwatch scan -o summary` + "`" + ` answers the same questions from files: hosts,
indicators first and last seen, top indicators by feed and category, the timeline, unknown
verdicts by reason, NXDOMAIN by host, DNS Firewall against verdicts, days without logs. It counts
all records, duplicates included. ` + "`" + `hunt --local` + "`" + ` is the retro-hunt; for the records of one host,
filter the NDJSON with a tool such as ` + "`" + `jq` + "`" + `.

What they count:

- **Logged queries.** Resolver does not log answers from its cache: a host that asks a thousand
  times may appear once.
- **Distinct records.** Delivery is at least once. A record that was delivered twice counts once,
  unless lists changed in between and it was marked differently. The retro-hunt counts it once
  even then.
- **Hosts** are an address in a VPC of an account. The instance is shown if Resolver names it.
- **Times** are query times, in UTC. A record with an unreadable time counts at the start of the
  day, or hour, in which it arrived. Partitions are arrival times, so the queries read one more
  day on each side.
- Lines that are not JSON and records without a verdict, such as older ones, are left out;
  ` + "`" + `unknown-verdicts` + "`" + ` counts them. The retro-hunt and the queries about one host do read records
  without a verdict.

The tables below are from a run of the test (` + "`" + `make athena` + "`" + `) over a month of made-up logs. Long
tables are cut.
`

const dnsLogsText = "Each row is a record. Members that a later version of Resolver adds have no column, but they\nare in the objects. A line that is not JSON is a row of nulls.\n"

const indicatorsText = `Each row is an entry of a feed in the last published index. A rollback of the index does not
change it. The table is one object, which each publish replaces: a query always sees exactly
one generation.
`

var partitionColumn = catalog.Column{Name: catalog.Partition, Type: "string", When: "always",
	Description: "when Firehose received the record, in UTC, like the folders of the output bucket; filter by it in every query"}

// compareDocs compares the document with the queries and their results; -update rewrites
// it.
func compareDocs(t *testing.T, pages []page) {
	t.Helper()
	var doc bytes.Buffer
	doc.WriteString(docsHead)
	for _, p := range pages {
		p.write(t, &doc)
	}
	for _, table := range []struct {
		name, text string
		columns    []catalog.Column
	}{
		{"dns_logs", dnsLogsText, append(catalog.Columns(), partitionColumn)},
		{"indicators", indicatorsText, catalog.IndicatorColumns()},
	} {
		fmt.Fprintf(&doc, "\n## The table %s\n\n%s\n| column | type | in | |\n| --- | --- | --- | --- |\n", table.name, table.text)
		for _, column := range table.columns {
			fmt.Fprintf(&doc, "| `%s` | `%s` | %s | %s |\n", column.Name, column.Type, column.When, column.Description)
		}
	}
	if *update {
		if err := os.WriteFile(docsPath, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), doc.String()); diff != "" {
		t.Errorf("docs/queries.md (-document +result), -update rewrites it:\n%s", diff)
	}
}

func (p *page) write(t *testing.T, doc *bytes.Buffer) {
	t.Helper()
	query, err := namedquery.Parse(p.text)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(doc, "\n## %s\n\n**%s** %s\n\n", p.name, query.Question, query.Description)
	doc.WriteString("| parameter | type | |\n| --- | --- | --- |\n")
	for _, parameter := range query.Parameters {
		fmt.Fprintf(doc, "| `%s` | %s | %s |\n", parameter.Name, parameter.Type, parameter.Description)
	}
	values := parametersOf(p.name)
	doc.WriteString("\nWith")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(doc, " `%s=%s`", name, values[name])
	}
	fmt.Fprintf(doc, ":\n\n| %s |\n|%s\n", strings.Join(p.result.Columns, " | "), strings.Repeat(" --- |", len(p.result.Columns)))
	const most = 8
	for _, row := range p.result.Rows[:min(most, len(p.result.Rows))] {
		for _, cell := range row {
			fmt.Fprintf(doc, "| %s ", cellText(cell))
		}
		doc.WriteString("|\n")
	}
	if more := len(p.result.Rows) - most; more > 0 {
		fmt.Fprintf(doc, "\nand %d more rows.\n", more)
	}
}

func cellText(cell any) string {
	if cell == nil {
		return ""
	}
	return strings.ReplaceAll(fmt.Sprint(cell), "|", `\|`)
}
