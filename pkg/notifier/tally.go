package notifier

import (
	"cmp"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Bounds of the hosts that a sum of alerts names.
const (
	stormHosts  = 10
	noticeHosts = 50
)

// tally sums alerts up. It is the middle of an event about a storm, and is stored for digests.
type tally struct {
	Alerts     int            `json:"alerts"`
	Records    int            `json:"records"`
	Severities map[string]int `json:"severities"` // alerts by severity
	// CutRows and CutRecords did not fit into messages, so nothing but their number is known.
	CutRows    int        `json:"truncated_rows"`
	CutRecords int        `json:"truncated_records"`
	Hosts      []hostLine `json:"hosts"` // the worst
}

// hostLine sums up the alerts about one host. The texts about an indicator are those of the
// worst alert.
type hostLine struct {
	AccountID string `json:"account_id"`
	VPCID     string `json:"vpc_id"`
	SrcAddr   string `json:"srcaddr"`
	Instance  string `json:"instance,omitempty"`

	Severity  string    `json:"severity"`
	Alerts    int       `json:"alerts"`
	Records   int       `json:"records"`
	Indicator string    `json:"indicator"`
	Category  string    `json:"category,omitempty"`
	Firewall  string    `json:"firewall"`
	Query     string    `json:"query,omitempty"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// newTally sums claims up, with all their hosts.
func newTally(claims []*claim, cuts []cut) *tally {
	t := &tally{Severities: map[string]int{}}
	hosts := map[[3]string]int{}
	for _, c := range claims {
		line := newHostLine(c)
		t.Alerts++
		t.Records += line.Records
		t.Severities[line.Severity]++
		host := line.host()
		place, found := hosts[host]
		if !found {
			hosts[host] = len(t.Hosts)
			t.Hosts = append(t.Hosts, line)
			continue
		}
		t.Hosts[place].add(&line)
	}
	for _, c := range cuts {
		t.CutRows += c.rows
		t.CutRecords += c.records
	}
	slices.SortFunc(t.Hosts, compareHosts)
	return t
}

func newHostLine(c *claim) hostLine {
	return hostLine{
		AccountID: bounded(c.row.AccountID, maxWord),
		VPCID:     bounded(c.row.VPCID, maxWord),
		SrcAddr:   bounded(c.row.SrcAddr, maxWord),
		Instance:  bounded(c.row.Instance, maxWord),
		Severity:  severityOf(c.row.Severity).String(),
		Alerts:    1,
		Records:   c.row.Records + c.sent.Suppressed,
		Indicator: bounded(c.row.Indicator, maxText),
		Category:  bounded(c.row.Category, maxWord),
		Firewall:  firewallOf(c.row.Firewall),
		Query:     c.query,
		FirstSeen: c.row.FirstSeen.UTC(),
		LastSeen:  c.row.LastSeen.UTC(),
	}
}

func (l *hostLine) host() [3]string { return [3]string{l.AccountID, l.VPCID, l.SrcAddr} }

// add adds another line about the same host. The first line of the worst severity stays.
func (l *hostLine) add(more *hostLine) {
	alerts, records := l.Alerts+more.Alerts, l.Records+more.Records
	first, last := l.FirstSeen, l.LastSeen
	if rank(more.Severity) > rank(l.Severity) {
		*l = *more
	}
	if more.FirstSeen.Before(first) {
		first = more.FirstSeen
	}
	if more.LastSeen.After(last) {
		last = more.LastSeen
	}
	l.Alerts, l.Records, l.FirstSeen, l.LastSeen = alerts, records, first, last
}

// compareHosts puts the worst host first.
func compareHosts(a, b hostLine) int {
	return cmp.Or(
		cmp.Compare(rank(b.Severity), rank(a.Severity)),
		cmp.Compare(b.Records, a.Records),
		cmp.Compare(a.AccountID, b.AccountID),
		cmp.Compare(a.VPCID, b.VPCID),
		cmp.Compare(a.SrcAddr, b.SrcAddr),
	)
}

// isEmpty reports whether a sum counts nothing.
func (t *tally) isEmpty() bool { return t.Alerts == 0 && t.CutRows == 0 && t.CutRecords == 0 }

// add adds another sum. The result names at most limit hosts, the worst.
func (t *tally) add(more *tally, limit int) {
	t.count(more, 1)
	places := map[[3]string]int{}
	for i := range t.Hosts {
		places[t.Hosts[i].host()] = i
	}
	for i := range more.Hosts {
		line := more.Hosts[i]
		if place, found := places[line.host()]; found {
			t.Hosts[place].add(&line)
		} else {
			t.Hosts = append(t.Hosts, line)
		}
	}
	slices.SortFunc(t.Hosts, compareHosts)
	t.Hosts = t.Hosts[:min(len(t.Hosts), limit)]
}

// subtract takes off a sum that was reported. The hosts go too, because alerts about them may have
// been added since.
func (t *tally) subtract(sent *tally) {
	t.count(sent, -1)
	t.Hosts = nil
}

func (t *tally) count(more *tally, sign int) {
	if t.Severities == nil {
		t.Severities = map[string]int{}
	}
	t.Alerts = max(t.Alerts+sign*more.Alerts, 0)
	t.Records = max(t.Records+sign*more.Records, 0)
	t.CutRows = max(t.CutRows+sign*more.CutRows, 0)
	t.CutRecords = max(t.CutRecords+sign*more.CutRecords, 0)
	for severity, n := range more.Severities {
		t.Severities[severity] = max(t.Severities[severity]+sign*n, 0)
	}
}

// worst returns the worst severity.
func (t *tally) worst() string {
	for severity := indicator.SeverityCritical; severity >= indicator.SeverityLow; severity-- {
		if t.Severities[severity.String()] > 0 {
			return severity.String()
		}
	}
	return indicator.DefaultSeverity.String()
}
