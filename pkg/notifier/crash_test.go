package notifier_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// The tests in this file enumerate: something happens at the first call of a run, at the second,
// and so on until the last. wantAllSent checks what must hold in the end.

// proof turns on the full enumeration: every pair and every order. Without it the larger tests
// take a sample. In short mode, which is for the race detector, all tests do.
var proof = os.Getenv("RESOLVERWATCH_PROOF") != ""

// every yields the numbers from 1 to n: all of them for a proof, otherwise one in step.
func every(step, n int) func(yield func(int) bool) {
	switch {
	case proof:
		step = 1
	case testing.Short():
		step *= 7
	}
	return func(yield func(int) bool) {
		for at := 1; at <= n; at += step {
			if !yield(at) {
				return
			}
		}
	}
}

// crashScene returns a world in which one match was reported a short time ago and another one
// before the current window, and a batch of messages. The names that begin with "new" must be
// reported once, "lately" must not be reported again, and "again" must.
func crashScene(t *testing.T) (*world, []message) {
	t.Helper()
	w := newWorld(t)
	at := w.now
	w.process().deliver(t, newMessage("before", alert.Message{Rows: []alert.Row{row(1, "again.example", 1, at)}}))
	w.pass(window)
	w.process().deliver(t, newMessage("lately", alert.Message{Rows: []alert.Row{row(1, "lately.example", 1, at)}}))
	w.pass(5 * time.Minute)

	at = w.now
	tunnel := row(3, "new-tunnel.example", 100, at)
	tunnel.Scope = "tunnels"
	return w.clone(t), []message{
		newMessage("m1", alert.Message{Rows: []alert.Row{
			row(1, "new1.example", 1, at), row(2, "new1.example", 2, at), row(1, "lately.example", 4, at),
		}}),
		newMessage("m2", alert.Message{Rows: []alert.Row{
			row(1, "new1.example", 8, at), row(1, "again.example", 16, at), row(1, "lately.example", 32, at),
		}}),
		newMessage("m3", alert.Message{TruncatedRows: 5, TruncatedRecords: 50, Rows: []alert.Row{row(4, "new2.example", 64, at)}}),
		newMessage("m4", alert.Message{Origin: alert.OriginHunt, Query: "tunnels", Rows: []alert.Row{tunnel}}),
	}
}

// crashAlerts is the number of alerts that the scene must lead to.
const crashAlerts = 5

// wantAllSent checks that every match was reported to every target, always with the same id, and
// that nothing else was reported. With once, nothing was reported twice. With mayIgnore, an import may
// have been ignored because it came twice.
func wantAllSent(t *testing.T, w *world, once bool, mayIgnore ...bool) {
	t.Helper()
	ids, times := map[string][]string{}, 0
	for _, d := range append(w.details(t, malicious), w.details(t, behaviour)...) {
		times++
		if !slices.Contains(ids[d.MatchID], d.ID) {
			ids[d.MatchID] = append(ids[d.MatchID], d.ID)
		}
		if d.Indicator.Value == "lately.example" {
			t.Fatal("a repeat within the window was reported")
		}
	}
	for match, list := range ids {
		if len(list) != 1 {
			t.Fatalf("match %s was reported with the ids %v", match, list)
		}
	}
	if len(ids) != crashAlerts || once && times != crashAlerts {
		t.Fatalf("%d matches were reported %d times, want %d", len(ids), times, crashAlerts)
	}

	storms := w.details(t, storm)
	if len(storms) == 0 || storms[0].CutRows != 5 {
		t.Fatalf("rows that did not fit were reported as %+v", storms)
	}
	var notices strings.Builder
	for _, notice := range w.notices {
		notices.WriteString(notice.Body)
	}
	for _, host := range []string{"10.0.0.2 ", "10.0.0.3 ", "10.0.0.4 ", "10.0.0.5 ", "5 more alerts"} {
		if !strings.Contains(notices.String(), host) {
			t.Fatalf("no notice has %q: %s", host, &notices)
		}
	}
	if n := len(w.hub.Findings()); n != crashAlerts || w.hub.Ignored() > 0 && !slices.Contains(mayIgnore, true) {
		t.Fatalf("%d findings, want %d; %d updates were not later than the finding", n, crashAlerts, w.hub.Ignored())
	}
}

// wantSuppressed checks that the repeats of a match are counted: all of them, and more only if a
// message was delivered again.
func wantSuppressed(t *testing.T, w *world, least, most int) {
	t.Helper()
	for _, row := range w.rows {
		if row.CreatedAt.Equal(time.Date(2030, 1, 1, 1, 0, 0, 0, time.UTC)) && (row.Suppressed < least || row.Suppressed > most) {
			t.Fatalf("%d repeats counted, want %d to %d", row.Suppressed, least, most)
		}
	}
}

func TestEnumeration_undisturbed(t *testing.T) {
	t.Parallel()
	w, messages := crashScene(t)
	if kept := w.process().deliver(t, messages...); len(kept) > 0 {
		t.Fatalf("kept %v", kept)
	}
	wantAllSent(t, w, true)
	wantSuppressed(t, w, 36, 36)
	if len(w.notices) != 1 || len(w.details(t, storm)) != 1 {
		t.Errorf("%d notices, %d storms", len(w.notices), len(w.details(t, storm)))
	}
}

func TestEnumeration_killedAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, messages := crashScene(t)
	p := begin.clone(t).process()
	p.deliver(t, messages...)
	kills := 0
	for at := range every(1, len(p.Calls)) {
		for _, afterCall := range []bool{false, true} {
			kills++
			w := begin.clone(t)
			kept := w.process().die(at, afterCall).deliver(t, messages...)
			w.drain(t, kept)
			wantAllSent(t, w, false)
			wantSuppressed(t, w, 36, 72)
		}
	}
	t.Logf("%d calls, %d kills, 0 matches lost, 0 ids changed", len(p.Calls), kills)
}

// The second delivery is killed as well, at every call.
func TestEnumeration_killedTwice(t *testing.T) {
	t.Parallel()
	begin, messages := crashScene(t)
	p := begin.clone(t).process()
	p.deliver(t, messages...)
	pairs := 0
	for first := range every(3, len(p.Calls)) {
		for second := range every(3, len(p.Calls)) {
			pairs++
			w := begin.clone(t)
			kept := w.process().die(first, true).deliver(t, messages...)
			w.pass(visibility)
			kept = w.process().die(second, first%2 == 0).deliver(t, kept...)
			w.drain(t, kept)
			wantAllSent(t, w, false)
		}
	}
	t.Logf("%d pairs of kills, 0 matches lost, 0 ids changed", pairs)
}

// An SDK repeats a request if the reply is lost. If the request was a conditional write, the
// second reply is a conflict with the first one.
func TestEnumeration_lostReplyAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, messages := crashScene(t)
	p := begin.clone(t).process()
	p.deliver(t, messages...)
	for at := range every(1, len(p.Calls)) {
		w := begin.clone(t)
		again := w.process()
		again.At, again.Twice = at, true
		kept := again.deliver(t, messages...)
		w.drain(t, kept)
		isImport := again.Calls[at-1] == "Import" // the same update twice, of which the hub ignores one
		wantAllSent(t, w, false, isImport)
	}
	t.Logf("%d calls with a lost reply, 0 matches lost, 0 ids changed", len(p.Calls))
}

// Every call fails once, as it does if a service is not available for a moment.
func TestEnumeration_failureAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, messages := crashScene(t)
	p := begin.clone(t).process()
	p.deliver(t, messages...)
	for at := range every(1, len(p.Calls)) {
		w := begin.clone(t)
		failing := w.process()
		failing.At, failing.Before = at, func() error { return fmt.Errorf("call %d is not available", at) }
		w.drain(t, failing.deliver(t, messages...))
		wantAllSent(t, w, false)
		wantSuppressed(t, w, 36, 72)
	}
	t.Logf("%d calls that fail once, 0 matches lost, 0 ids changed", len(p.Calls))
}

// SQS delivers a message more than once, and in any order.
func TestEnumeration_anyOrder(t *testing.T) {
	t.Parallel()
	begin, messages := crashScene(t)
	orders := 0
	permute(messages, func(order []message) {
		orders++
		w := begin.clone(t)
		for i, m := range order {
			kept := w.process().deliver(t, m)
			w.pass(time.Second)
			kept = append(kept, w.process().deliver(t, order[:i+1]...)...) // all again
			if len(kept) > 0 {
				t.Fatalf("kept %v", kept)
			}
			w.pass(time.Second)
		}
		wantAllSent(t, w, true)
	})
	t.Logf("%d orders with repeats, each match reported once", orders)
}

func permute(list []message, each func([]message)) {
	var step func(n int)
	step = func(n int) {
		if n == len(list) {
			each(slices.Clone(list))
			return
		}
		for i := n; i < len(list); i++ {
			list[n], list[i] = list[i], list[n]
			step(n + 1)
			list[n], list[i] = list[i], list[n]
		}
	}
	step(0)
}

// A second notifier handles the same messages while the first one waits in a call. Each match is
// reported once, because only one of them can claim its row.
func TestEnumeration_twoNotifiersAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, messages := crashScene(t)
	p := begin.clone(t).process()
	p.deliver(t, messages...)
	for at := range every(1, len(p.Calls)) {
		for _, afterCall := range []bool{false, true} {
			w := begin.clone(t)
			var kept []message
			second := func() error {
				kept = append(kept, w.process().deliver(t, messages...)...)
				return nil
			}
			first := w.process()
			first.At = at
			if afterCall {
				first.After = second
			} else {
				first.Before = second
			}
			kept = append(kept, first.deliver(t, messages...)...)
			w.drain(t, kept)
			wantAllSent(t, w, true)
		}
	}
	t.Logf("%d calls with a second notifier before and after each, each match reported once", len(p.Calls))
}

// Two notifiers run at the same time on many batches. Each match is reported once.
func TestNotifier_concurrent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const batches, hosts = 20, 30
	var mu sync.Mutex
	var kept []message
	var group sync.WaitGroup
	for worker := range 2 {
		group.Go(func() {
			for n := range batches {
				var rows []alert.Row
				for host := range hosts {
					rows = append(rows, row((host+n*worker)%hosts, "evil.example", 1, w.now))
				}
				left := w.process().deliver(t, newMessage(fmt.Sprint(worker, n), alert.Message{Rows: rows}))
				mu.Lock()
				kept = append(kept, left...)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	w.drain(t, kept)

	ids, sent, repeats := map[string]bool{}, 0, 0
	for _, d := range w.details(t, malicious) {
		ids[d.ID] = true
		sent += d.Records
	}
	for _, row := range w.rows {
		repeats += row.Suppressed
	}
	if len(ids) != hosts || len(w.events) != hosts {
		t.Errorf("%d events with %d ids, want %d", len(w.events), len(ids), hosts)
	}
	if sum := sent + repeats; sum < 2*batches*hosts || sum > 2*batches*hosts+hosts*len(kept) {
		t.Errorf("%d records reported and %d counted, want %d in all", sent, repeats, 2*batches*hosts)
	}
}
