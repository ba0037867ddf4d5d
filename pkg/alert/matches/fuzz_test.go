package matches_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/alert/matches"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// The collector agrees with one that keeps everything in maps.
func FuzzCollector(f *testing.F) {
	f.Add([]byte("abc"))
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x10\x11\x12\x13\x14\x15\xff\xfe\x80\x81"))
	var many []byte // more different matches than a message has rows
	for i := range 12_000 {
		many = append(many, byte(i*i>>3^i*89))
	}
	f.Add(many)
	f.Add([]byte(strings.Repeat("The quick brown fox jumps over the lazy dog", 30)))
	x := newIndex(f, "botnet critical name beacon.botnet.example", "urls medium subtree botnet.example", "own high cidr 203.0.113.0/24", "low low subtree low.example")
	var c matches.Collector
	f.Fuzz(func(t *testing.T, data []byte) {
		c.Reset(now)
		slow := slowCollector{rows: map[string]*slowRow{}}
		marker := verdict.NewMarker(x, verdict.Options{OnMark: func(m *verdict.Mark) {
			c.Add(m)
			slow.add(m)
		}})
		for ; len(data) >= 3; data = data[3:] {
			c.NextRecord()
			_, _ = marker.Mark(nil, fuzzedRecord(data[0], data[1], data[2])) // every record can be marked
		}
		var got alert.Message
		c.Fill(&got)
		want := slow.message()
		slow.takeDetails(&want, &got)
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("message (-slow +got):\n%s", diff)
		}
	})
}

// fuzzedRecord makes a record of three bytes.
func fuzzedRecord(host, name, rest byte) []byte {
	names := []string{"a.test", "beacon.botnet.example", "botnet.example", "x.botnet.example", "low.example", "y.low.example", "b\\u006ftnet.example"}
	answers := []string{`[]`, `[{"Type":"A","Rdata":"203.0.113.9"}]`, `[{"Type":"CNAME","Rdata":"a.test"},{"Type":"CNAME","Rdata":"beacon.botnet.example"}]`}
	firewall := []string{``, `,"firewall_rule_action":"BLOCK"`, `,"firewall_rule_action":"ALERT"`, `,"firewall_rule_action":"other"`}
	text, _ := json.Marshal(fmt.Sprintf("10.0.%d.1", host)) // a string can always be written
	return fmt.Appendf(nil, `{"account_id":"%d","vpc_id":"vpc-%d","srcaddr":%s,"query_name":"%s","query_timestamp":"2026-11-%02dT1%d:%02d:%02dZ",`+
		`"answers":%s,"region":"r-%d","srcids":{"instance":"i-%d"}%s}`,
		host%3, host%2, text, names[int(name)%len(names)], 28+rest%3, rest%3, rest%61, rest%59, answers[int(name)/7%len(answers)], rest%4, rest%5, firewall[rest%4])
}

// slowCollector collects marks in the obvious way.
type slowCollector struct {
	rows  map[string]*slowRow
	order int
}

type slowRow struct {
	alert.Row
	severity indicator.Severity
	order    int
	// seen are the details of all records with this severity. With more matches than a message
	// has rows, those of any of them may be told: the collector does not look at the first record
	// of a match that cannot become a row.
	seen []alert.Row
}

// detailsOf returns what can differ between the records of a match.
func detailsOf(r alert.Row) alert.Row {
	r.Records, r.FirstSeen, r.LastSeen, r.Firewall = 0, time.Time{}, time.Time{}, ""
	return r
}

// takeDetails gives the rows of a slow message the details of the collector's rows, where they are
// those of one of the records.
func (s *slowCollector) takeDetails(slow, got *alert.Message) {
	if len(s.rows) <= alert.MaxRows {
		return // then they are those of the first record
	}
	for i := range min(len(slow.Rows), len(got.Rows)) {
		want, told := &slow.Rows[i], detailsOf(got.Rows[i])
		for _, seen := range s.rows[want.ID()].seen {
			if gocmp.Equal(seen, told, cmpopts.EquateEmpty()) {
				seen.Records, seen.FirstSeen, seen.LastSeen, seen.Firewall = want.Records, want.FirstSeen, want.LastSeen, want.Firewall
				*want = seen
				break
			}
		}
	}
}

func (s *slowCollector) add(m *verdict.Mark) {
	if m.Verdict != verdict.Malicious {
		return
	}
	o, match := m.Object, &m.Threat.Match
	seen, err := time.Parse(time.RFC3339, string(o.QueryTimestamp.Append(nil)))
	if err != nil || seen.After(now) {
		seen = now
	}
	r := slowRow{severity: match.Severity, Row: alert.Row{
		AccountID: string(o.AccountID.Append(nil)), Region: string(o.Region.Append(nil)), VPCID: string(o.VPCID.Append(nil)),
		SrcAddr: string(o.SourceAddr.Append(nil)), Instance: string(o.Instance.Append(nil)), Indicator: string(match.Indicator),
		Scope: match.Scope.String(), Matched: string(m.Threat.Matched), Part: m.Threat.Part.String(), Category: string(match.Category),
		Severity: match.Severity.String(), Confidence: int(match.Confidence), FirstSeen: seen, LastSeen: seen, Records: 1,
	}}
	if action := string(o.FirewallAction.Append(nil)); action == "ALERT" || action == "BLOCK" {
		r.Firewall = action
	}
	for _, feed := range match.Feeds {
		r.Feeds = append(r.Feeds, string(feed))
	}

	r.seen = []alert.Row{detailsOf(r.Row)}
	earlier := s.rows[r.ID()]
	if earlier == nil {
		s.order++
		r.order = s.order
		s.rows[r.ID()] = &r
		return
	}
	merged := *earlier
	if r.severity > earlier.severity {
		merged = r
		merged.order = earlier.order
	} else if r.severity == earlier.severity {
		merged.seen = append(merged.seen, r.seen...)
	}
	merged.Records = earlier.Records + 1
	if rank := []string{"", "ALERT", "BLOCK"}; slices.Index(rank, earlier.Firewall) < slices.Index(rank, r.Firewall) {
		merged.Firewall = earlier.Firewall
	} else {
		merged.Firewall = r.Firewall
	}
	merged.FirstSeen, merged.LastSeen = earlier.FirstSeen, earlier.LastSeen
	if seen.Before(merged.FirstSeen) {
		merged.FirstSeen = seen
	}
	if seen.After(merged.LastSeen) {
		merged.LastSeen = seen
	}
	s.rows[r.ID()] = &merged
}

func (s *slowCollector) message() (m alert.Message) {
	var rows []*slowRow
	for _, r := range s.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *slowRow) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.Records, a.Records), cmp.Compare(a.order, b.order))
	})
	for i, r := range rows {
		if i < alert.MaxRows {
			m.Rows = append(m.Rows, r.Row)
			continue
		}
		m.TruncatedRows++
		m.TruncatedRecords += r.Records
	}
	return m
}
