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

A deployed stack has these queries in its Athena workgroup, under *Saved queries*. They
run as they stand, over the last days, but for those with a parameter that must be given; to
ask for other days, change what stands between ` + "`/*from:*/` and `/*:from*/`" + `, in all its
places.

From a shell, with the stack's name (` + "`" + `--stack` + "`" + `, default ` + "`" + `Resolverwatch` + "`" + `) and the usual AWS
credentials:

    resolverwatch query                      # the queries and their parameters
    resolverwatch query malicious-hosts --param from=2026-11-01 --param until=2026-11-08
    resolverwatch hunt --since 2026-11-01    # retro-hunt, with a line that sums it up
    resolverwatch hunt --since 2026-11-01 --write    # and the records, marked anew, under retro/

Who asks needs what ` + "`Catalog.GrantQuery`" + ` grants, and ` + "`cloudformation:DescribeStacks`" + ` on the stack;
` + "`hunt --write`" + ` needs ` + "`s3:GetObject`" + ` on ` + "`index/*`" + ` of the index bucket and ` + "`s3:PutObject`" + ` on ` + "`retro/*`" + `
of the output bucket besides.

What ` + "`hunt --write`" + ` writes are the records of those hosts that no list knew when they were
logged, under ` + "`retro/`" + ` by the day of the query. They are read back out of the table: a member
that has no column is lost. No table and no query here reads ` + "`retro/`" + `. A hunt that is run again
writes an object once; where lists have changed since, the records stand there again, marked
by the newer generation.

Without an account, ` + "`resolverwatch scan -o summary`" + ` answers the same questions from files: hosts,
indicators first and last seen, top indicators by feed and category, the timeline, unknown
verdicts by reason, NXDOMAIN by host, DNS Firewall against verdicts, days without logs. It counts
records as they come, and all of them. ` + "`hunt --local`" + ` is the retro-hunt; the records of one host
are in the NDJSON, for ` + "`jq`" + ` and its like.

What they count:

- **Logged queries.** Resolver logs no answer out of its cache: a host that asks a
  thousand times may show once.
- **Distinct records.** Delivery is at least once; what was delivered twice counts once, unless
  lists changed in between and it was marked differently. The retro-hunt counts it once even then.
- **Hosts** are an address in a VPC of an account. The instance is shown where Resolver
  names it.
- **Times** are those of the query, in UTC. A record whose time cannot be read counts at
  the start of the day, or hour, in which it arrived. Partitions are times of arrival:
  the queries read a day more on each side.
- Lines that are no JSON, and records that nobody marked, such as those of before, are left
  out; ` + "`unknown-verdicts`" + ` counts them. The retro-hunt, and what asks about one host, do look
  at records that nobody marked.

The tables below are from a run of the test (` + "`make athena`" + `) over a month of made-up logs;
long ones are cut.
`

const dnsLogsText = "A row is a record. What Resolver adds in a later version has no column, but is in the\nobjects. A line that is no JSON is a row of nulls.\n"

const indicatorsText = `A row is an entry of a feed that went into the index that was published last. A rollback
of the index does not change it. The table is one object, which each publish replaces as a
whole: a query sees one generation, and all of it.
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
