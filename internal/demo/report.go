package demo

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

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
	d.print("1. Lists of malicious names become an index\n\n")
	rows := [][]string{{"FEED", "DESCRIPTION", "ENTRIES", "SKIPPED", "REJECTED"}}
	for _, list := range imports {
		rows = append(rows, []string{string(list.feed.ID), list.feed.Kind,
			number(list.report.Names), number(list.report.Skipped), number(list.report.Rejected)})
	}
	d.table(rows)
}

func (d *demo) reportLogs(f *findings) {
	d.print("\n2. Query logs of %d days are marked with it\n\n", days)
	rows := [][]string{
		{"records sent to Firehose", number(d.ledger.Records), "some contain several queries"},
		{"queries delivered", number(len(f.marked)), fmt.Sprintf("in %d files, %d KiB", f.objects, (f.bytes+1023)/1024)},
	}
	for _, verdict := range []string{sample.Malicious, sample.Allowed, sample.Clean, sample.Unknown} {
		rows = append(rows, []string{"  " + verdict, number(f.verdicts[verdict]), meaning(verdict)})
	}
	d.table(append(rows,
		[]string{"records dropped", number(f.dropped), "blank, or a control message"},
		[]string{"records failed", number(len(d.ledger.Failed)), "not a query log; kept unchanged under delivery-failures/"},
	))
	d.print("\n  Hosts with malicious queries\n\n")
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
	return "not a valid name"
}

// report shows the host that asked before the list had the name.
func (e *entered) report(d *demo) {
	d.print("\n3. A name enters a list, and the logs of last week light up\n\n")
	d.print("  %s is added to %s: index generation %d. Who asked for it before?\n\n", sample.LateName, sample.BotnetC2, e.generation)
	rows := [][]string{{"HOST", "INSTANCE", "VPC", "QUERIES", "FIRST", "LAST", "INDICATOR"}}
	for _, found := range e.found {
		rows = append(rows, []string{found.Address, found.Instance, found.VPC, number(found.Queries),
			found.First.Format("2006-01-02 15:04"), found.Last.Format("2006-01-02 15:04"), found.Indicator})
	}
	d.table(rows)
	d.print("\n  These queries were marked clean when they were logged, because no list had the name.\n")
}

// report shows how the verdict changed.
func (c *change) report(d *demo) {
	d.print("\n4. A name leaves a list\n\n")
	d.table([][]string{
		{"query " + leavingQuery, c.before.Verdict, fmt.Sprintf("index generation %d", c.before.Generation)},
		{"", "", fmt.Sprintf("%s is removed from %s", leavingName, sample.BotnetC2)},
		{"query " + leavingQuery, c.after.Verdict, fmt.Sprintf("index generation %d", c.after.Generation)},
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
		{logs + "/" + markedLogs + "/", "marked logs, ready for Athena"},
		{logs + "/delivery-failures/", "records that could not be marked, unchanged; `scan` says why"},
		{lists + "/feeds/", "the lists; " + lists + "/reports/ has a report of each import"},
		{d.Out + "/" + localaws.IndexBucket + "/index/", "the indexes, and CURRENT, which names the current one"},
		{d.Out + "/" + rawLogs, "the query logs as they were sent"},
		{d.Out + "/" + functionFolder + "/", "the logs of the functions"},
	}...))
	csv := lists + "/feeds/" + sample.BotnetC2 + "/indicators.csv"
	d.print("\nTry next\n\n")
	for _, step := range [][2]string{
		{"who asked before a list had the name, again", "hunt --local " + d.Out + " --since " + d.entered.since.Format(time.RFC3339)},
		{"which hosts asked for which names, with a report; works with your own logs and lists", "scan --feed " + csv + " --report found.html -o summary " + d.Out + "/" + rawLogs},
		{"why a name is marked, or not", "check --feed " + csv + " a.tunnel.c2.example www.example.test"},
		{"the same demo, which keeps running, to explore with the AWS CLI", "demo --keep"},
	} {
		d.print("  # %s\n  %s %s\n", step[0], d.command, step[1])
	}
	d.print("\nTo mark the logs of your VPCs, deploy it: see \"In AWS\" in the README.\n")
}
