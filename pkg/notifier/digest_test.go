package notifier_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func (p *process) sendDigest(t *testing.T) error {
	t.Helper()
	_, err := p.notifier(t).Invoke(context.Background(), []byte(`{"digest":true}`))
	return err
}

// With a digest, notices wait for the schedule. Events and findings do not.
func TestNotifier_digest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.digest = settings.DigestHourly
	send := func(host int) {
		w.process().deliver(t, newMessage("m", alert.Message{Rows: []alert.Row{row(host, "evil.example", 1, w.now)}}))
	}
	want := func(subjects ...string) {
		t.Helper()
		got := []string{}
		for _, notice := range w.notices {
			got = append(got, notice.Subject)
		}
		if diff := cmp.Diff(append([]string{}, subjects...), got); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
	}

	send(1)
	w.pass(50 * time.Minute)
	send(2)
	if len(w.events) != 2 || len(w.hub.Findings()) != 2 {
		t.Errorf("%d events, %d findings", len(w.events), len(w.hub.Findings()))
	}
	w.process().sendDigest(t) // the hour is not over
	want()

	w.pass(15 * time.Minute)
	send(3) // belongs to the next hour
	w.process().sendDigest(t)
	want("Resolverwatch: summary of 2 alerts, worst high")
	w.process().sendDigest(t)
	want("Resolverwatch: summary of 2 alerts, worst high")
	w.pass(3 * time.Hour)
	w.process().sendDigest(t)
	want("Resolverwatch: summary of 2 alerts, worst high", "Resolverwatch: summary of 1 alert, worst high")
	w.pass(24 * time.Hour)
	w.process().sendDigest(t) // nothing was found
	if len(w.notices) != 2 || w.notices[1].Kind != "digest" {
		t.Errorf("%d notices, %+v", len(w.notices), w.notices[1])
	}
}

// A digest that fails or is killed is sent by the next schedule. Alerts that are added while it
// is sent are reported as well.
func TestEnumeration_digestAtEveryCall(t *testing.T) {
	t.Parallel()
	begin := newWorld(t)
	begin.digest = settings.DigestDaily
	for range 3 {
		begin.process().deliver(t, newMessage("m", alert.Message{Rows: []alert.Row{row(len(begin.rows), "evil.example", 1, begin.now)}}))
		begin.pass(time.Hour)
	}
	begin.pass(time.Hour)
	p := begin.clone(t).process()
	if err := p.sendDigest(t); err != nil {
		t.Fatal(err)
	}
	for at := range every(1, len(p.Calls)) {
		for _, afterCall := range []bool{false, true} {
			w := begin.clone(t)
			_ = w.process().die(at, afterCall).sendDigest(t)
			w.pass(24 * time.Hour)
			if err := w.process().sendDigest(t); err != nil {
				t.Fatal(err)
			}
			var bodies strings.Builder
			for _, notice := range w.notices {
				bodies.WriteString(notice.Body)
			}
			for _, host := range []string{"10.0.0.1 ", "10.0.0.2 ", "10.0.0.3 "} {
				if !strings.Contains(bodies.String(), host) {
					t.Fatalf("killed at call %d, no digest has %q", at, host)
				}
			}
			w.pass(24 * time.Hour)
			sent := len(w.notices)
			if _ = w.process().sendDigest(t); len(w.notices) != sent {
				t.Fatalf("killed at call %d, the digest is sent again and again", at)
			}
		}
	}
	t.Logf("%d calls, killed before and after each, 0 alerts lost", len(p.Calls))
}

func TestNotifier_digestFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.digest = settings.DigestHourly
	w.process().deliver(t, newMessage("m", alert.Message{Rows: []alert.Row{row(1, "evil.example", 1, w.now)}}))
	w.pass(2 * time.Hour)
	for _, call := range []string{"States", "Publish"} {
		w.broken[call] = errors.New("service unavailable")
		if err := w.process().sendDigest(t); err == nil {
			t.Errorf("%s fails, but the digest does not", call)
		}
		delete(w.broken, call)
	}
	if err := w.process().sendDigest(t); err != nil || len(w.notices) != 1 {
		t.Errorf("%v, %d notices", err, len(w.notices))
	}
}

const testAlert = "0123456789abcdef0123456789abcdef"

// A test alert reaches every target, marked as a test. What each said is stored for a day.
func TestNotifier_testAlert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.digest = settings.DigestDaily // a test does not wait for a digest
	if kept := w.process().deliver(t, newMessage("m", alert.Message{Origin: alert.OriginHunt, Test: testAlert})); len(kept) > 0 {
		t.Error("the message is not done")
	}
	want := notifier.TestOutcome{At: w.now, ExpiresAt: w.now.Add(24 * time.Hour), Bus: "ok", Topic: "ok", Hub: "ok"}
	if diff := cmp.Diff(want, w.tests["test#"+testAlert]); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if sent := w.details(t, malicious); len(sent) != 1 || !sent[0].Test || sent[0].ID != testAlert {
		t.Errorf("events %+v", sent)
	}
	if len(w.notices) != 1 || w.notices[0].Subject != "Resolverwatch: test alert, nothing was found" || w.notices[0].Kind != "test" {
		t.Errorf("notices %+v", w.notices)
	}
	finding := w.hub.Findings()["resolverwatch/eu-west-1/test/"+testAlert]
	if finding.Sample == nil || !*finding.Sample || finding.RecordState != "ARCHIVED" || finding.FindingProviderFields.Severity.Label != "INFORMATIONAL" {
		t.Errorf("finding %+v", finding)
	}
	if len(w.rows) > 0 || len(w.states) > 0 {
		t.Errorf("the test left %d rows and %d states", len(w.rows), len(w.states))
	}
}

// A target that fails is a result of the test. Only if the result cannot be stored, the test is
// repeated.
func TestNotifier_testAlert_fails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := newMessage("m", alert.Message{Test: testAlert})
	w.broken["Put"], w.broken["Publish"], w.broken["Import"] = errors.New("bus\x1b"), errors.New("topic"), errors.New("hub")
	if kept := w.process().deliver(t, m); len(kept) > 0 {
		t.Error("the message is not done")
	}
	if got := w.tests["test#"+testAlert]; got.Bus != `bus\x1b` || got.Topic != "topic" || got.Hub != "hub" {
		t.Errorf("outcome %+v", got)
	}
	w.broken["PutTest"] = errors.New("table")
	if kept := w.process().deliver(t, m); len(kept) != 1 {
		t.Error("the message is done, but its outcome is not stored")
	}
}
