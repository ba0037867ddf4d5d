package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

func (d *demo) print(format string, values ...any) { fmt.Fprintf(d.Stdout, format, values...) }

// table prints rows in aligned, indented columns.
func (d *demo) table(rows [][]string) {
	w := tabwriter.NewWriter(d.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	_ = w.Flush() // an error of standard output cannot be reported
}

func (d *demo) reportFeeds(imports []importedFeed) {
	d.print("Feeds read by the importer\n\n")
	rows := [][]string{{"FEED", "DESCRIPTION", "ENTRIES", "SKIPPED", "REJECTED"}}
	for _, list := range imports {
		rows = append(rows, []string{string(list.feed.ID), list.feed.Kind,
			number(list.report.Names), number(list.report.Skipped), number(list.report.Rejected)})
	}
	d.table(rows)
}

func (d *demo) reportLogs(f *findings) {
	d.print("\nQuery logs through Firehose and the transformer\n\n")
	rows := [][]string{
		{"records sent", number(d.ledger.Records), "some contain several log objects"},
		{"log objects delivered", number(len(f.marked)), fmt.Sprintf("in %d files, %d KiB", f.objects, (f.bytes+1023)/1024)},
	}
	for _, verdict := range []string{sample.Malicious, sample.Allowed, sample.Clean, sample.Unknown} {
		rows = append(rows, []string{"  " + verdict, number(f.verdicts[verdict]), meaning(verdict)})
	}
	rows = append(rows, []string{"records dropped", number(f.dropped), "blank, or a control message"},
		[]string{"records failed", number(len(d.ledger.Failed)), "kept unchanged under delivery-failures/"})
	for _, reason := range slices.Sorted(maps.Keys(f.failed)) {
		rows = append(rows, []string{"  " + reason, number(f.failed[reason]), ""})
	}
	d.table(rows)
	d.print("\n  Every record was compared with its expected result. All of them are correct.\n")
	d.print("\nHosts with malicious queries\n\n")
	rows = [][]string{{"HOST", "INSTANCE", "VPC", "QUERIES", "INDICATOR", "FEED"}}
	for _, s := range f.sighted {
		rows = append(rows, []string{s.host.SrcAddr, s.host.Instance, s.host.VPCID, number(s.queries), s.indicator, s.feeds})
	}
	d.table(rows)
}

// number formats a count, aligned to the right.
func number(n int) string { return fmt.Sprintf("%7d", n) }

func meaning(verdict string) string {
	switch verdict {
	case sample.Malicious:
		return "a feed lists the name, or a target or an address in an answer"
	case sample.Allowed:
		return "listed, but vetoed by an exception or an allow list"
	case sample.Clean:
		return "not listed"
	}
	return "not a valid name (bad_name)"
}

func (d *demo) reportChange(c *change) {
	d.print("\nRemoving a name from a feed\n\n")
	d.table([][]string{
		{"query " + c.query, c.before.Verdict, fmt.Sprintf("index generation %d", c.before.Generation)},
		{"", "", fmt.Sprintf("%s is removed from %s and the list uploaded again", c.indicator, c.feed)},
		{"query " + c.query, c.after.Verdict, fmt.Sprintf("index generation %d", c.after.Generation)},
	})
}

// reportNext prints the files and commands to try.
func (d *demo) reportNext() {
	logs := d.Out + "/" + localaws.LogBucket
	lists := d.Out + "/" + localaws.ListBucket
	d.print("\nFiles\n\n")
	var files [][]string
	if d.Report != nil {
		files = append(files, []string{d.Out + "/" + reportFile, "what was found, as a page: open it in a browser"})
	}
	d.table(append(files, [][]string{
		{logs + "/dns-query-logs/", "marked logs, ready for Athena"},
		{logs + "/delivery-failures/", "records that could not be marked, and why"},
		{lists + "/feeds/", "the lists; " + lists + "/reports/ has a report of each import"},
		{d.Out + "/" + localaws.IndexBucket + "/index/", "the indexes, and CURRENT, which names the current one"},
		{d.Out + "/" + rawLogs, "the query logs as they were sent, to try `scan`"},
		{d.Out + "/" + functionFolder + "/", "the logs of the functions"},
	}...))
	csv := lists + "/feeds/" + sample.BotnetC2 + "/indicators.csv"
	d.print("\nTry next\n\n")
	for _, command := range []string{
		"zcat " + logs + "/dns-query-logs/*/*/*/*.gz | grep '\"malicious\"' | head -n 3",
		d.command + " scan --feed " + csv + " " + d.Out + "/" + rawLogs,
		d.command + " check --feed " + csv + " a.tunnel.c2.example www.example.test",
		d.command + " hunt --local " + d.Out + "    # hosts that asked before a list had the name",
		d.command + " index inspect " + d.Out + "/" + localaws.IndexBucket + "/" + d.published.Object,
		d.command + " demo --keep    # keeps it running, to explore with the AWS CLI",
	} {
		d.print("  %s\n", command)
	}
}
