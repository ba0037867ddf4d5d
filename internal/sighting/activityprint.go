package sighting

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// minAsked is how many records a host must have for its share of NXDOMAIN to tell
// anything; the named query has the same default.
const minAsked = 100

func (a *activity) print(out io.Writer) {
	a.printNXDOMAIN(out)
	a.printFirewall(out)
	a.printTimeline(out)
	printGaps(out, a.days())
	if a.undated > 0 {
		fmt.Fprintf(out, "\n%s logged queries have no readable query_timestamp and are in no hour or day\n", thousands(a.undated))
	}
	if a.omitted > 0 {
		fmt.Fprintf(out, "\n%s logged queries of further hosts or hours are counted but not itemised\n", thousands(a.omitted))
	}
}

// printNXDOMAIN lists the hosts that asked for what does not exist, the highest share first.
func (a *activity) printNXDOMAIN(out io.Writer) {
	var hosts []*hostActivity
	for _, host := range a.hosts {
		if host.records >= minAsked && host.nxdomain > 0 {
			hosts = append(hosts, host)
		}
	}
	slices.SortFunc(hosts, func(a, b *hostActivity) int {
		return cmp.Or(cmp.Compare(b.share(), a.share()), cmp.Compare(b.nxdomain, a.nxdomain), compareHosts(a.host, b.host))
	})
	rows := make([]table.Row, len(hosts))
	for i, h := range hosts {
		rows[i] = cells(h.host.Address, h.host.VPC, thousands(h.records), thousands(h.nxdomain), fmt.Sprintf("%.1f", h.share()))
	}
	title := fmt.Sprintf("Names that do not exist, by hosts with %d queries and more", minAsked)
	printRows(out, title, table.Row{"Host", "VPC", "Queries", "NXDOMAIN", "Percent"}, rows)
}

// share returns the percentage of NXDOMAIN.
func (h *hostActivity) share() float64 { return 100 * float64(h.nxdomain) / float64(h.records) }

// printFirewall sets the actions of DNS Firewall against the verdicts, if it did anything.
func (a *activity) printFirewall(out io.Writer) {
	type count struct{ records, hosts int }
	counts, acted := map[decision]count{}, false
	for _, host := range a.hosts {
		for decision, records := range host.firewall {
			c := counts[decision]
			counts[decision] = count{c.records + records, c.hosts + 1}
			acted = acted || decision.action != noAction
		}
	}
	if !acted {
		return
	}
	var rows []table.Row
	for _, d := range slices.SortedFunc(maps.Keys(counts), func(a, b decision) int {
		return cmp.Or(cmp.Compare(a.action, b.action), cmp.Compare(counts[b].records, counts[a].records), cmp.Compare(a.verdict, b.verdict))
	}) {
		rows = append(rows, cells(d.action, string(d.verdict), thousands(counts[d].records), thousands(counts[d].hosts)))
	}
	printRows(out, "DNS Firewall against the lists", table.Row{"Action", "Verdict", "Queries", "Hosts"}, rows)
}

// printTimeline lists the hours of each VPC, or the days if the hours are many.
func (a *activity) printTimeline(out io.Writer) {
	title, layout, hours := "Queries by hour and VPC", "2006-01-02T15:04Z", a.hours
	if len(hours) > maxRows {
		title, layout, hours = "Queries by day and VPC", time.DateOnly, a.days()
	}
	var rows []table.Row
	for _, at := range slices.SortedFunc(maps.Keys(hours), func(a, b vpcHour) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.account, b.account), cmp.Compare(a.vpc, b.vpc))
	}) {
		h := hours[at]
		rows = append(rows, cells(at.time().Format(layout), at.vpc, thousands(h.total()), thousands(h.records[verdict.Malicious]),
			thousands(h.records[verdict.Allowed]), thousands(h.records[verdict.Unknown]), thousands(len(h.hosts))))
	}
	printRows(out, title, table.Row{"Time", "VPC", "Queries", "Malicious", "Allowed", "Unknown", "Malicious hosts"}, rows)
}

func (h vpcHour) time() time.Time { return time.Unix(h.hour*int64(time.Hour/time.Second), 0).UTC() }

const dayHours = 24

// days adds the hours of each day up, at its first hour.
func (a *activity) days() map[vpcHour]*hourActivity {
	byDay := newActivity()
	for at, hour := range a.hours {
		at.hour -= at.hour % dayHours
		byDay.mergeHour(at, hour)
	}
	return byDay.hours
}
