package notifier_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// The bounds of a slot of five minutes, as docs/alerts.md promises them.
const (
	slotAlerts   = 100
	slotStorms   = 20
	slotNotices  = 20
	slotFindings = 1000
)

// leftOver is what found no room in its slot.
type leftOver struct {
	Events, Notices struct {
		Tally struct{ Alerts, Records int }
	}
}

func (w *world) leftOver(t *testing.T) (left leftOver) {
	t.Helper()
	if text := w.states["backlog"].Text; text != nil {
		if err := json.Unmarshal(text, &left); err != nil {
			t.Fatal(err)
		}
	}
	return left
}

// sentRecords adds up the records that events report.
func (w *world) sentRecords(t *testing.T) (alerts, records int) {
	t.Helper()
	for _, d := range w.details(t, malicious) {
		alerts++
		records += d.Records + d.Window.Suppressed
	}
	for _, d := range w.details(t, storm) {
		alerts += d.Alerts
		records += d.Records
	}
	return alerts, records
}

// A million matches in a minute are at most 500 messages of 400 rows. The number of
// events is bounded, and events and backlog together count all rows.
func TestNotifier_storm(t *testing.T) {
	t.Parallel()
	messages, rowsEach, recordsEach := 500, 400, 5
	if testing.Short() {
		messages = 60
	}
	w := newWorld(t)
	var queue []message
	for n := range messages {
		m := alert.Message{}
		for i := range rowsEach {
			m.Rows = append(m.Rows, row(n*rowsEach+i, "evil.example", recordsEach, w.now))
		}
		queue = append(queue, newMessage(fmt.Sprint(n), m))
	}
	const perBatch = 30 // what fits into the 6 MB of an invocation
	counts := map[string]float64{}
	for batch := range slices.Chunk(queue, perBatch) {
		p := w.process()
		if kept := p.deliver(t, batch...); len(kept) > 0 {
			t.Fatalf("%d messages were not accepted", len(kept))
		}
		for name, n := range p.counts {
			counts[name] += n
		}
		w.pass(2 * time.Second)
	}

	singles, storms := len(w.details(t, malicious)), len(w.details(t, storm))
	if singles != slotAlerts || storms > slotStorms || len(w.notices) > slotNotices || len(w.hub.Findings()) != slotFindings {
		t.Errorf("%d events, %d storms, %d notices, %d findings", singles, storms, len(w.notices), len(w.hub.Findings()))
	}
	left := w.leftOver(t).Events.Tally
	alerts, records := w.sentRecords(t)
	if alerts+left.Alerts != messages*rowsEach || records+left.Records != messages*rowsEach*recordsEach {
		t.Errorf("%d alerts of %d records reported, %d of %d left over; want %d of %d in all",
			alerts, records, left.Alerts, left.Records, messages*rowsEach, messages*rowsEach*recordsEach)
	}
	if counts["AlertsSent"] != slotAlerts || counts["AlertsCapped"] != float64(messages*rowsEach-slotAlerts) ||
		counts["FindingsCapped"] != float64(messages*rowsEach-slotFindings) {
		t.Errorf("metrics %v", counts)
	}
	t.Logf("%d messages, %d rows, %d records in; %d events, %d storms, %d notices, %d findings out",
		messages, messages*rowsEach, messages*rowsEach*recordsEach, singles, storms, len(w.notices), len(w.hub.Findings()))
}

// More invocations than a slot has room for leave their counts over. The next slot reports them,
// even if nothing new is found.
func TestNotifier_stormLeavesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var first []alert.Row
	for host := range slotAlerts {
		first = append(first, row(host, "evil.example", 1, w.now))
	}
	w.process().deliver(t, newMessage("first", alert.Message{Rows: first}))
	const more = 30
	for n := range more {
		w.process().deliver(t, newMessage(fmt.Sprint(n), alert.Message{Rows: []alert.Row{row(1000+n, "evil.example", 2, w.now)}}))
		w.pass(time.Second)
	}

	left := w.leftOver(t)
	if n := len(w.details(t, storm)); n != slotStorms || left.Events.Tally.Alerts != more-slotStorms {
		t.Errorf("%d storms, %+v left over", n, left)
	}
	if len(w.notices) != slotNotices || left.Notices.Tally.Alerts != more+1-slotNotices {
		t.Errorf("%d notices, %+v left over", len(w.notices), left)
	}
	for _, row := range w.rows {
		if row.SentAt.IsZero() {
			t.Fatal("an alert is not settled")
		}
	}

	w.pass(5 * time.Minute)
	w.process().deliver(t, newMessage("repeat", alert.Message{Rows: first[:1]}))
	left = w.leftOver(t)
	alerts, records := w.sentRecords(t)
	if alerts != slotAlerts+more || records != slotAlerts+2*more || left.Events.Tally.Alerts+left.Notices.Tally.Alerts > 0 {
		t.Errorf("%d alerts, %d records reported in the end, %+v left over", alerts, records, left)
	}
	if len(w.notices) != slotNotices+1 {
		t.Errorf("%d notices in the end", len(w.notices))
	}
}

// In a storm, the worst matches get the events, and the event about the rest names the worst
// hosts.
func TestNotifier_stormWorstFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var rows []alert.Row
	for host := range 300 {
		r := row(host, "evil.example", 1+host%7, w.now)
		r.Severity = []string{"low", "medium", "high"}[host%3]
		if host >= 290 {
			r.Severity = "critical"
		}
		rows = append(rows, r)
	}
	w.process().deliver(t, newMessage("m", alert.Message{Rows: rows}))

	singles := map[string]int{}
	for _, d := range w.details(t, malicious) {
		singles[d.Severity]++
	}
	sent := w.details(t, storm)
	if singles["critical"] != 10 || singles["high"] != 90 || len(sent) != 1 {
		t.Fatalf("events by severity %v, %d storms", singles, len(sent))
	}
	if d := sent[0]; d.Alerts != 200 || d.Severities["high"]+d.Severities["medium"]+d.Severities["low"] != 200 ||
		len(d.Hosts) != 10 || d.Hosts[0].Severity != "high" {
		t.Errorf("storm %+v", d)
	}
	if got := w.notices[0].Subject; got != "Resolverwatch: storm of 300 alerts, worst critical" {
		t.Errorf("subject %q", got)
	}
}
