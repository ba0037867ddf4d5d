package sighting

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// maxActive bounds the hosts, and the hours of all VPCs, that an activity itemises.
const maxActive = 200_000

// noAction stands for no action of DNS Firewall.
const noAction = "none"

// activity is what logs tell of machines whatever the verdict: in which hours each VPC
// logged, how often a host asked for what does not exist, what DNS Firewall did. It
// counts records as they come: what was delivered twice counts twice.
type activity struct {
	undated int // records without a readable query_timestamp, which are in no hour
	omitted int // records of further hosts and hours, which are not itemised
	hosts   map[Host]*hostActivity
	hours   map[vpcHour]*hourActivity

	known   map[string]*hostActivity // hosts by the bytes that name them in a record
	scratch []byte
}

// hostActivity is what one host did.
type hostActivity struct {
	host              Host
	records, nxdomain int
	firewall          map[decision]int
}

// decision is what DNS Firewall and the lists said of one record.
type decision struct {
	action  string
	verdict verdict.Verdict
}

// vpcHour is an hour of a VPC, counted from 1970 in UTC.
type vpcHour struct {
	account, vpc string
	hour         int64
}

// hourActivity counts the records of an hour; hosts are the addresses that were sighted.
type hourActivity struct {
	records map[verdict.Verdict]int
	hosts   map[string]struct{}
}

func newActivity() *activity {
	return &activity{hosts: map[Host]*hostActivity{}, hours: map[vpcHour]*hourActivity{}, known: map[string]*hostActivity{}}
}

// count adds one object and its verdict.
func (a *activity) count(o *resolverlog.Object, v verdict.Verdict) {
	host := a.hostOf(o)
	if host == nil {
		a.omitted++
		return
	}
	host.records++
	if bytes.EqualFold(o.Rcode.Decode(&a.scratch), []byte("NXDOMAIN")) {
		host.nxdomain++
	}
	host.firewall[decision{action(o.FirewallAction.Decode(&a.scratch)), v}]++

	at, err := time.Parse(time.RFC3339, string(o.QueryTimestamp.Decode(&a.scratch)))
	if err != nil {
		a.undated++
		return
	}
	hour := a.hour(vpcHour{host.host.Account, host.host.VPC, at.Unix() / int64(time.Hour/time.Second)})
	if hour == nil {
		a.omitted++
		return
	}
	hour.records[v]++
	if v == verdict.Malicious {
		hour.hosts[host.host.Address] = struct{}{}
	}
}

// action returns what DNS Firewall did, in upper case.
func action(text []byte) string {
	for _, known := range []string{"BLOCK", "ALERT", "ALLOW"} {
		if bytes.EqualFold(text, []byte(known)) {
			return known // without making a text of it for each record
		}
	}
	if len(text) == 0 {
		return noAction
	}
	return strings.ToUpper(string(text))
}

// hostOf returns the host of an object, or nil if there are too many. It makes texts of
// the members of a host only once.
func (a *activity) hostOf(o *resolverlog.Object) *hostActivity {
	a.scratch = a.scratch[:0]
	for _, member := range [][]byte{o.AccountID.Raw(), o.VPCID.Raw(), o.SourceAddr.Raw()} {
		a.scratch = append(append(a.scratch, member...), '"') // which stands in no raw text bare
	}
	host := a.known[string(a.scratch)]
	if host == nil {
		key := string(a.scratch)
		host = a.host(Host{
			Account: string(o.AccountID.Append(nil)), VPC: string(o.VPCID.Append(nil)), Address: string(o.SourceAddr.Append(nil)),
		})
		if host != nil {
			a.known[key] = host
		}
	}
	return host
}

func (a *activity) host(h Host) *hostActivity {
	known := a.hosts[h]
	if known == nil && len(a.hosts) < maxActive {
		known = &hostActivity{host: h, firewall: map[decision]int{}}
		a.hosts[h] = known
	}
	return known
}

func (a *activity) hour(h vpcHour) *hourActivity {
	known := a.hours[h]
	if known == nil && len(a.hours) < maxActive {
		known = &hourActivity{records: map[verdict.Verdict]int{}, hosts: map[string]struct{}{}}
		a.hours[h] = known
	}
	return known
}

// merge adds what other has counted.
func (a *activity) merge(other *activity) {
	a.undated += other.undated
	a.omitted += other.omitted
	for key, from := range other.hosts {
		to := a.host(key)
		if to == nil {
			a.omitted += from.records
			continue
		}
		to.records += from.records
		to.nxdomain += from.nxdomain
		for decision, count := range from.firewall {
			to.firewall[decision] += count
		}
	}
	for key, from := range other.hours {
		a.mergeHour(key, from)
	}
}

func (a *activity) mergeHour(at vpcHour, from *hourActivity) {
	to := a.hour(at)
	if to == nil {
		a.omitted += from.total()
		return
	}
	for v, count := range from.records {
		to.records[v] += count
	}
	maps.Copy(to.hosts, from.hosts)
}

// total returns the records of all verdicts.
func (h *hourActivity) total() (all int) {
	for _, count := range h.records {
		all += count
	}
	return all
}

// minQueries is how many records a host must have for its share of NXDOMAIN to tell
// anything; the named query has the same default.
const minQueries = 100

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
		if host.records >= minQueries && host.nxdomain > 0 {
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
	title := fmt.Sprintf("Names that do not exist, by hosts with %d queries and more", minQueries)
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

// gap is a run of days without logs of a VPC, by their first hours; end is behind the last.
type gap struct {
	vpc        vpcHour // at no hour
	start, end int64
}

// printGaps lists the days without logs, of each VPC and of all, between the first and
// the last day with any. Logs say nothing of VPCs that never logged.
func printGaps(out io.Writer, days map[vpcHour]*hourActivity) {
	const all = "*"
	logged := map[vpcHour]map[int64]bool{}
	for day := range days {
		for _, vpc := range []vpcHour{{account: day.account, vpc: day.vpc}, {vpc: all}} {
			if logged[vpc] == nil {
				logged[vpc] = map[int64]bool{}
			}
			logged[vpc][day.hour] = true
		}
	}
	period := slices.Sorted(maps.Keys(logged[vpcHour{vpc: all}]))
	var gaps []gap
	for vpc, seen := range logged {
		next := period[0] // the day that should come
		for _, day := range append(slices.Sorted(maps.Keys(seen)), period[len(period)-1]+dayHours) {
			if day > next {
				gaps = append(gaps, gap{vpc, next, day})
			}
			next = day + dayHours
		}
	}
	slices.SortFunc(gaps, func(a, b gap) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.vpc.account, b.vpc.account), cmp.Compare(a.vpc.vpc, b.vpc.vpc))
	})
	var rows []table.Row
	for _, g := range gaps {
		rows = append(rows, cells(vpcHour{hour: g.start}.time().Format(time.DateOnly),
			vpcHour{hour: g.end - dayHours}.time().Format(time.DateOnly), thousands(int((g.end-g.start)/dayHours)), g.vpc.vpc))
	}
	printRows(out, "Days without logs (* stands for all VPCs together)", table.Row{"From", "To", "Days", "VPC"}, rows)
}
