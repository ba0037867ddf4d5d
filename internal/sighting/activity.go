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

	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// maxActive limits the hosts, and the hours of all VPCs, that an activity lists.
const maxActive = 200_000

// noAction means that DNS Firewall did nothing.
const noAction = "none"

// activity sums up all records, regardless of their verdict: in which hours each VPC logged, how
// often each host got NXDOMAIN, and what DNS Firewall did. A record that was delivered twice
// counts twice.
type activity struct {
	undated int // records without a readable query_timestamp, which count in no hour
	omitted int // records of hosts and hours beyond maxActive
	hosts   map[Host]*hostActivity
	hours   map[vpcHour]*hourActivity

	known   map[string]*hostActivity // hosts by the raw bytes of their members
	scratch []byte
	parser  hourParser
}

// hostActivity sums up the records of one host.
type hostActivity struct {
	host              Host
	records, nxdomain int
	firewall          map[decision]*int

	// What the last record of the host counted for. Most records follow one like them.
	last         *hourActivity
	lastHour     int64
	lastDecision decision
	lastDecided  *int
}

// decide counts records by what DNS Firewall and we decided.
func (h *hostActivity) decide(d decision, records int) {
	if h.lastDecided == nil || h.lastDecision != d {
		if h.firewall[d] == nil {
			h.firewall[d] = new(int)
		}
		h.lastDecision, h.lastDecided = d, h.firewall[d]
	}
	*h.lastDecided += records
}

// decision is the action of DNS Firewall on a record, and our verdict.
type decision struct {
	action  string
	verdict verdict.Verdict
}

// vpcHour is one hour of a VPC, in hours since 1970 UTC.
type vpcHour struct {
	account, vpc string
	hour         int64
}

// hourActivity sums up the records of one hour. hosts holds the addresses of the hosts with a
// malicious query.
type hourActivity struct {
	records verdictCounts
	hosts   map[string]struct{}
}

// verdictCounts counts records by verdict. It is faster than a map.
type verdictCounts struct{ malicious, allowed, clean, unknown int }

// add counts records with a verdict.
func (c *verdictCounts) add(v verdict.Verdict, records int) {
	switch v {
	case verdict.Malicious:
		c.malicious += records
	case verdict.Allowed:
		c.allowed += records
	case verdict.Clean:
		c.clean += records
	default:
		c.unknown += records
	}
}

// merge adds other counts.
func (c *verdictCounts) merge(other verdictCounts) {
	c.malicious += other.malicious
	c.allowed += other.allowed
	c.clean += other.clean
	c.unknown += other.unknown
}

// total returns the number of records, whatever their verdict.
func (c *verdictCounts) total() int { return c.malicious + c.allowed + c.clean + c.unknown }

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
	host.decide(decision{action(o.FirewallAction.Decode(&a.scratch)), v}, 1)

	a.scratch = o.AppendTime(a.scratch[:0])
	at, ok := a.parser.parse(a.scratch)
	if !ok {
		a.undated++
		return
	}
	hour := host.last
	if hour == nil || host.lastHour != at {
		hour = a.hour(vpcHour{host.host.Account, host.host.VPC, at})
		host.last, host.lastHour = hour, at
	}
	if hour == nil {
		a.omitted++
		return
	}
	hour.records.add(v, 1)
	if v == verdict.Malicious {
		hour.hosts[host.host.Address] = struct{}{}
	}
}

// action returns the action of DNS Firewall in upper case.
func action(text []byte) string {
	for _, known := range []string{"BLOCK", "ALERT", "ALLOW"} {
		if bytes.EqualFold(text, []byte(known)) {
			return known // saves an allocation for each record
		}
	}
	if len(text) == 0 {
		return noAction
	}
	return strings.ToUpper(string(text))
}

// hostOf returns the activity of the host of an object, or nil if there are too many hosts.
// It allocates the strings of a host only once.
func (a *activity) hostOf(o *resolverlog.Object) *hostActivity {
	a.scratch = a.scratch[:0]
	for _, member := range [][]byte{o.AccountID.Raw(), o.VPCID.Raw(), o.SourceAddr.Raw()} {
		a.scratch = append(append(a.scratch, member...), '"') // raw text has no unescaped quote
	}
	host := a.known[string(a.scratch)]
	if host == nil {
		key := string(a.scratch)
		host = a.host(HostOf(o))
		if host != nil {
			a.known[key] = host
		}
	}
	return host
}

func (a *activity) host(h Host) *hostActivity {
	known := a.hosts[h]
	if known == nil && len(a.hosts) < maxActive {
		known = &hostActivity{host: h, firewall: map[decision]*int{}}
		a.hosts[h] = known
	}
	return known
}

func (a *activity) hour(h vpcHour) *hourActivity {
	known := a.hours[h]
	if known == nil && len(a.hours) < maxActive {
		known = &hourActivity{hosts: map[string]struct{}{}}
		a.hours[h] = known
	}
	return known
}

// merge adds the counts of other.
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
			to.decide(decision, *count)
		}
	}
	for key, from := range other.hours {
		a.mergeHour(key, from)
	}
}

func (a *activity) mergeHour(at vpcHour, from *hourActivity) {
	to := a.hour(at)
	if to == nil {
		a.omitted += from.records.total()
		return
	}
	to.records.merge(from.records)
	maps.Copy(to.hosts, from.hosts)
}

// minQueries is the number of records that a host must have to be listed with its NXDOMAIN
// rate; with fewer, the rate means little. It is the default of the named query too.
const minQueries = 100

func (a *activity) print(out io.Writer) {
	a.printNXDOMAIN(out)
	a.printFirewall(out)
	a.printTimeline(out)
	printGaps(out, a.days())
	if a.undated > 0 {
		fmt.Fprintf(out, "\n%s logged queries have no readable query_timestamp and are left out of hours and days\n", thousands(a.undated))
	}
	if a.omitted > 0 {
		fmt.Fprintf(out, "\n%s more logged queries of other hosts or hours are not listed\n", thousands(a.omitted))
	}
}

// printNXDOMAIN prints the NXDOMAIN rates of hosts, the highest first.
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
	rows := make([][]string, len(hosts))
	for i, h := range hosts {
		rows[i] = []string{h.host.Address, h.host.VPC, thousands(h.records), thousands(h.nxdomain), fmt.Sprintf("%.1f", h.share())}
	}
	title := fmt.Sprintf("NXDOMAIN rate by host (%d or more queries)", minQueries)
	printRows(out, title, []term.Column{term.Text("Host"), term.Text("VPC").Spare(), term.Number("Queries"),
		term.Number("NXDOMAIN"), term.Number("Percent")}, rows)
}

// share returns the percentage of records with NXDOMAIN.
func (h *hostActivity) share() float64 { return 100 * float64(h.nxdomain) / float64(h.records) }

// printFirewall compares the actions of DNS Firewall with our verdicts. It prints nothing if
// DNS Firewall did nothing.
func (a *activity) printFirewall(out io.Writer) {
	type count struct{ records, hosts int }
	counts, acted := map[decision]count{}, false
	for _, host := range a.hosts {
		for decision, records := range host.firewall {
			c := counts[decision]
			counts[decision] = count{c.records + *records, c.hosts + 1}
			acted = acted || decision.action != noAction
		}
	}
	if !acted {
		return
	}

	var rows [][]string
	for _, d := range slices.SortedFunc(maps.Keys(counts), func(a, b decision) int {
		return cmp.Or(cmp.Compare(a.action, b.action), cmp.Compare(counts[b].records, counts[a].records), cmp.Compare(a.verdict, b.verdict))
	}) {
		rows = append(rows, []string{d.action, string(d.verdict), thousands(counts[d].records), thousands(counts[d].hosts)})
	}
	printRows(out, "DNS Firewall actions and verdicts", []term.Column{term.Word("Action"), term.Rating("Verdict"),
		term.Number("Queries"), term.Number("Hosts")}, rows)
}

// printTimeline prints the hours of each VPC, or the days if there are too many hours.
func (a *activity) printTimeline(out io.Writer) {
	title, layout, hours := "Queries by hour and VPC", "2006-01-02T15:04Z", a.hours
	if len(hours) > maxRows {
		title, layout, hours = "Queries by day and VPC", time.DateOnly, a.days()
	}
	var rows [][]string
	for _, at := range slices.SortedFunc(maps.Keys(hours), func(a, b vpcHour) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.account, b.account), cmp.Compare(a.vpc, b.vpc))
	}) {
		h := hours[at]
		rows = append(rows, []string{at.time().Format(layout), at.vpc, thousands(h.records.total()), thousands(h.records.malicious),
			thousands(h.records.allowed), thousands(h.records.unknown), thousands(len(h.hosts))})
	}
	printRows(out, title, []term.Column{term.Word("Time"), term.Text("VPC"), term.Number("Queries"),
		term.Number("Malicious"), term.Number("Allowed"), term.Number("Unknown"), term.Number("Malicious hosts").Spare()}, rows)
}

func (h vpcHour) time() time.Time { return time.Unix(h.hour*int64(time.Hour/time.Second), 0).UTC() }

const dayHours = 24

// days sums up the hours of each day. The key of a day is its first hour.
func (a *activity) days() map[vpcHour]*hourActivity {
	byDay := newActivity()
	for at, hour := range a.hours {
		at.hour -= at.hour % dayHours
		byDay.mergeHour(at, hour)
	}
	return byDay.hours
}

// gap is a run of days on which a VPC logged nothing. start and end are hours; end is
// exclusive.
type gap struct {
	vpc        vpcHour // its hour is unset
	start, end int64
}

// printGaps prints the days without logs for each VPC, and for all VPCs together, between the
// first and the last day that has any. A VPC that never logged cannot show up.
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
		next := period[0] // the day that is expected
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
	var rows [][]string
	for _, g := range gaps {
		rows = append(rows, []string{vpcHour{hour: g.start}.time().Format(time.DateOnly),
			vpcHour{hour: g.end - dayHours}.time().Format(time.DateOnly), thousands(int((g.end - g.start) / dayHours)), g.vpc.vpc})
	}
	printRows(out, "Days without logs (* means all VPCs together)", []term.Column{term.Word("From"), term.Word("To"),
		term.Number("Days"), term.Text("VPC")}, rows)
}
