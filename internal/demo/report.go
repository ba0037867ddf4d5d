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

// table prints rows of cells in columns, indented.
func (d *demo) table(rows [][]string) {
	w := tabwriter.NewWriter(d.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	_ = w.Flush() // standard output: there is nobody to tell
}

func (d *demo) reportFeeds(imports []imported) {
	d.print("Feeds, read by the importer\n\n")
	rows := [][]string{{"FEED", "WHAT IT IS", "ENTRIES", "SKIPPED", "REJECTED"}}
	for _, list := range imports {
		rows = append(rows, []string{string(list.feed.ID), list.feed.Kind,
			number(list.report.Names), number(list.report.Skipped), number(list.report.Rejected)})
	}
	d.table(rows)
}

func (d *demo) reportLogs(f *findings) {
	d.print("\nQuery logs, through Firehose and the transformer\n\n")
	rows := [][]string{
		{"records sent", number(d.ledger.Records), "some hold several log objects"},
		{"log objects delivered", number(len(f.marked)), fmt.Sprintf("in %d files, %d KiB", f.objects, (f.bytes+1023)/1024)},
	}
	for _, verdict := range []string{sample.Malicious, sample.Allowed, sample.Clean, sample.Unknown} {
		rows = append(rows, []string{"  " + verdict, number(f.verdicts[verdict]), meaning(verdict)})
	}
	rows = append(rows, []string{"records dropped", number(f.dropped), "blank, or a control message"},
		[]string{"records failed", number(len(d.ledger.Failed)), "kept as they came, under delivery-failures/"})
	for _, why := range slices.Sorted(maps.Keys(f.failed)) {
		rows = append(rows, []string{"  " + why, number(f.failed[why]), ""})
	}
	d.table(rows)
	d.print("\n  Every record was compared with what must come out: all of them are right.\n")
	d.print("\nHosts that asked for a listed name, or were answered with one\n\n")
	rows = [][]string{{"HOST", "INSTANCE", "VPC", "QUERIES", "INDICATOR", "FEED"}}
	for _, s := range f.sighted {
		rows = append(rows, []string{s.host.SrcAddr, s.host.Instance, s.host.VPCID, number(s.queries), s.indicator, s.feeds})
	}
	d.table(rows)
}

// number writes a count to the right of its column.
func number(n int) string { return fmt.Sprintf("%7d", n) }

func meaning(verdict string) string {
	switch verdict {
	case sample.Malicious:
		return "a feed lists the name, a CNAME target or an address"
	case sample.Allowed:
		return "listed, and vetoed by an exception or an allow list"
	case sample.Clean:
		return "in no feed"
	}
	return "cannot be a name (bad_name)"
}

func (d *demo) reportChange(c *change) {
	d.print("\nA name leaves a feed\n\n")
	d.table([][]string{
		{"query " + c.query, c.before.Verdict, fmt.Sprintf("index generation %d", c.before.Generation)},
		{"", "", fmt.Sprintf("%s is taken out of %s, the list uploaded again", c.indicator, c.feed)},
		{"query " + c.query, c.after.Verdict, fmt.Sprintf("index generation %d", c.after.Generation)},
	})
}

// reportNext says where everything lies and what to do with it.
func (d *demo) reportNext() {
	logs := d.Out + "/" + localaws.LogBucket
	lists := d.Out + "/" + localaws.ListBucket
	d.print("\nFiles\n\n")
	d.table([][]string{
		{logs + "/dns-query-logs/", "marked logs, ready for Athena"},
		{logs + "/delivery-failures/", "records that could not be marked, with the reason"},
		{lists + "/feeds/", "the lists; " + lists + "/reports/ has a report of each import"},
		{d.Out + "/" + localaws.IndexBucket + "/index/", "the indexes, and CURRENT, which names the one that serves"},
		{d.Out + "/" + rawLogs, "the query logs as they were sent, to try `scan` on"},
		{d.Out + "/" + functionFolder + "/", "what the functions logged"},
	})
	csv := lists + "/feeds/" + sample.BotnetC2 + "/indicators.csv"
	d.print("\nNext\n\n")
	for _, command := range []string{
		"zcat " + logs + "/dns-query-logs/*/*/*/*.gz | grep '\"malicious\"' | head -n 3",
		d.Command + " scan --feed " + csv + " " + d.Out + "/" + rawLogs,
		d.Command + " check --feed " + csv + " a.tunnel.c2.example www.example.test",
		d.Command + " index inspect " + d.Out + "/" + localaws.IndexBucket + "/" + d.served.Object,
		d.Command + " demo --keep    # leaves it running, for the AWS CLI to look around",
	} {
		d.print("  %s\n", command)
	}
}
