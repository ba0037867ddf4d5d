package sighting

import (
	"bytes"
	"maps"
	"strings"
	"time"

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
