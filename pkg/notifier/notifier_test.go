package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
)

// wantAlerts compares the events about single matches with "name records+suppressed".
func (w *world) wantAlerts(t *testing.T, want ...string) {
	t.Helper()
	got := []string{}
	for _, d := range w.details(t, malicious) {
		got = append(got, fmt.Sprintf("%s %d+%d", d.Indicator.Value, d.Records, d.Window.Suppressed))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// A host and an indicator are reported once in a window. The next alert has the number of the
// records in between.
func TestNotifier_window(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := func(records int, after time.Duration) *process {
		w.pass(after)
		p := w.process()
		if kept := p.deliver(t, newMessage("m", alert.Message{Rows: []alert.Row{row(1, "evil.example", records, w.now)}})); len(kept) > 0 {
			t.Fatal("the message was not accepted")
		}
		return p
	}

	if p := send(2, 0); p.counts["AlertsSent"] != 1 || p.counts["FindingsImported"] != 1 {
		t.Errorf("metrics of the first alert: %v", p.counts)
	}
	if p := send(3, 10*time.Minute); p.counts["AlertsSent"] != 0 || p.counts["AlertsSuppressed"] != 1 {
		t.Errorf("metrics of a repeat: %v", p.counts)
	}
	send(4, 40*time.Minute)
	w.wantAlerts(t, "evil.example 2+0")
	send(5, 10*time.Minute) // the window is over
	w.wantAlerts(t, "evil.example 2+0", "evil.example 5+7")
	send(6, time.Minute)
	send(7, window)
	w.wantAlerts(t, "evil.example 2+0", "evil.example 5+7", "evil.example 7+6")

	sent := w.details(t, malicious)
	if sent[0].Window.SentBefore || !sent[1].Window.SentBefore || sent[0].ID == sent[1].ID || sent[0].MatchID != sent[1].MatchID {
		t.Errorf("windows %+v", sent)
	}
	if len(w.notices) != 3 || len(w.hub.Findings()) != 1 || w.hub.Requests() != 3 || w.hub.Ignored() != 0 {
		t.Errorf("%d notices, %d findings by %d requests, %d ignored", len(w.notices), len(w.hub.Findings()), w.hub.Requests(), w.hub.Ignored())
	}
	for _, finding := range w.hub.Findings() {
		if *finding.CreatedAt != "2030-01-01T00:00:00.000Z" || *finding.FirstObservedAt != "2030-01-01T00:00:00.000Z" ||
			*finding.UpdatedAt != "2030-01-01T02:01:00.000Z" || finding.ProductFields["resolverwatch/Records"] != "27" {
			t.Errorf("created %s, first seen %s, updated %s, %v", *finding.CreatedAt, *finding.FirstObservedAt, *finding.UpdatedAt, finding.ProductFields)
		}
	}
}

// A row that DynamoDB has not deleted yet decides the same as a row that is gone.
func TestNotifier_expiredRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := newMessage("m", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}})
	w.process().deliver(t, m)
	w.pass(100 * 24 * time.Hour)
	w.process().deliver(t, m)
	clear(w.rows)
	w.pass(time.Minute)
	w.process().deliver(t, m)
	w.wantAlerts(t, "evil.example 1+0", "evil.example 1+0", "evil.example 1+0")
}

// The rows of a batch are merged before the table is asked.
func TestNotifier_mergesBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.process()
	p.deliver(t,
		newMessage("m1", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now), row(2, "evil.example", 2, w.now)}}),
		newMessage("m2", alert.Message{Rows: []alert.Row{row(1, "evil.example", 3, w.now)}}),
		newMessage("m3", alert.Message{Rows: []alert.Row{row(1, "evil.example", 5, w.now)}}))
	w.wantAlerts(t, "evil.example 2+0", "evil.example 9+0")
	if n := len(w.notices); n != 1 {
		t.Errorf("%d notices of one batch", n)
	}
	if got := w.notices[0].Subject; got != "Resolverwatch: 2 hosts, worst high" {
		t.Errorf("subject %q", got)
	}
}

// A finding of a scheduled query is reported again after seven days, and is not the alert of the
// stream. Behaviours have a type of their own.
func TestNotifier_hunts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tunnel := row(1, "tunnel.example", 100, w.now)
	tunnel.Scope, tunnel.Matched, tunnel.Details = "tunnels", "", map[string]string{"names": "812"}
	messages := []message{
		newMessage("m1", alert.Message{Origin: alert.OriginHunt, Query: "retro-hunt", Rows: []alert.Row{row(1, "evil.example", 1, w.now)}}),
		newMessage("m2", alert.Message{Origin: alert.OriginHunt, Query: "tunnels", Rows: []alert.Row{tunnel}}),
		newMessage("m3", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}}),
	}
	for _, pass := range []time.Duration{0, 6 * 24 * time.Hour, 23 * time.Hour, 2 * time.Hour} {
		w.pass(pass)
		if kept := w.process().deliver(t, messages...); len(kept) > 0 {
			t.Fatal(w.logs.String())
		}
	}

	queries := map[string]int{}
	for _, d := range append(w.details(t, malicious), w.details(t, behaviour)...) {
		queries[d.Query]++
	}
	if diff := cmp.Diff(map[string]int{"": 4, "retro-hunt": 2, "tunnels": 2}, queries); diff != "" {
		t.Errorf("alerts by query (-want +got):\n%s", diff)
	}
	if n := len(w.hub.Findings()); n != 3 {
		t.Errorf("%d findings, want 3", n)
	}
	for key := range w.rows {
		if strings.Contains(key, "example") {
			t.Errorf("key %q has a name", key)
		}
	}
}

// A message that is not ours ends in the dead-letter queue, and the others of its batch are
// handled. The log does not quote it.
func TestNotifier_badMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := newMessage("good", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}})
	bad := []message{
		{"text", "secret.example"},
		{"list", `["secret.example"]`},
		newMessage("version", alert.Message{Version: 2, Rows: []alert.Row{row(1, "secret.example", 1, w.now)}}),
		newMessage("query", alert.Message{Origin: alert.OriginHunt, Query: "secret.example#", Rows: []alert.Row{row(1, "secret.example", 1, w.now)}}),
		newMessage("test", alert.Message{Test: "secret.example"}),
	}
	kept := w.process().deliver(t, append([]message{good}, bad...)...)
	if diff := cmp.Diff(bad, kept, cmp.AllowUnexported(message{})); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	w.wantAlerts(t, "evil.example 1+0")
	if log := w.logs.String(); strings.Contains(log, "secret") || strings.Count(log, "message refused") != len(bad) {
		t.Errorf("log:\n%s", log)
	}
}

func TestNotifier_unknownEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, text := range []string{"", "[]", "{}", `{"Records":[]}`, `{"digest":false}`} {
		if _, err := w.process().notifier(t).Invoke(context.Background(), []byte(text)); err == nil {
			t.Errorf("event %q was accepted", text)
		}
	}
}

// If a call fails, the other targets get the alert and the message is delivered again. Only the
// target that failed gets the alert then.
func TestNotifier_faults(t *testing.T) {
	t.Parallel()
	broken := errors.New("service unavailable")
	for _, tc := range []struct {
		call                     string
		metric                   string
		events, notices, imports int // while the call fails
	}{
		{call: "Sent", metric: "EventsFailed"},
		{call: "PutSent", metric: "EventsFailed"},
		{call: "States", metric: "NoticesFailed"},
		{call: "PutState", metric: "NoticesFailed"},
		{call: "Put", metric: "EventsFailed", notices: 1, imports: 1},
		{call: "Publish", metric: "NoticesFailed", events: 1, imports: 1},
		{call: "Import", metric: "FindingsFailed", events: 1, notices: 1},
	} {
		t.Run(tc.call, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.broken[tc.call] = broken
			m := newMessage("m", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}})
			p := w.process()
			if kept := p.deliver(t, m); len(kept) != 1 {
				t.Error("the message is done")
			}
			if len(w.events) != tc.events || len(w.notices) != tc.notices || len(w.hub.Findings()) != tc.imports {
				t.Errorf("%d events, %d notices, %d findings", len(w.events), len(w.notices), len(w.hub.Findings()))
			}
			if tc.metric != "" && p.counts[tc.metric] == 0 {
				t.Errorf("metric %s: %v", tc.metric, p.counts)
			}

			delete(w.broken, tc.call)
			w.drain(t, []message{m})
			if len(w.events) != 1 || len(w.notices) != 1 || w.hub.Requests() != 1 || len(w.hub.Findings()) != 1 {
				t.Errorf("in the end %d events, %d notices, %d findings by %d requests",
					len(w.events), len(w.notices), len(w.hub.Findings()), w.hub.Requests())
			}
		})
	}
}

// While a target fails for longer than a window, the other targets get the alert of every window.
func TestNotifier_lastingFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broken["Import"] = errors.New("denied")
	for range 3 {
		m := newMessage("m", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}})
		w.process().deliver(t, m)
		w.pass(visibility)
		w.process().deliver(t, m)
		w.pass(window)
	}
	if len(w.events) != 3 || len(w.notices) != 3 {
		t.Errorf("%d events, %d notices", len(w.events), len(w.notices))
	}
}

// A finding that Security Hub will never accept is counted, and its message is done.
func TestNotifier_refusedFinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broken["Import"] = fmt.Errorf("InvalidInput: %w", notifier.ErrRefused)
	p := w.process()
	if kept := p.deliver(t, newMessage("m", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}})); len(kept) > 0 {
		t.Error("the message is delivered again")
	}
	if p.counts["FindingsFailed"] != 1 || p.counts["FindingsImported"] != 0 {
		t.Errorf("metrics %v", p.counts)
	}
}

// With little time left, rows that were not claimed wait for the next delivery.
func TestNotifier_outOfTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Minute))
	defer cancel()
	m := newMessage("m", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}})
	answer, err := w.process().notifier(t).Invoke(ctx, event(m))
	if err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"m"}]}` || len(w.events) > 0 {
		t.Errorf("%s, %v, %d events", answer, err, len(w.events))
	}
	w.drain(t, []message{m})
	w.wantAlerts(t, "evil.example 1+0")
}
