package importer_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/table"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

// The tests in this file enumerate: something happens at the first call of a run, at the second,
// and so on until the last. wantSound and wantFinished check what must hold.

// crashScene returns a world with imported feeds, and the triggers of three changes: one list
// changes by more than a batch of table rows, one is new, and one is deleted. before and after
// are what the index contains before and after the run.
func crashScene(t *testing.T) (w *world, triggers []importer.Trigger, before, after string) {
	t.Helper()
	w = newWorld()
	w.put("feeds/changes/list.txt", numbered("gone", 250)+numbered("stays", 50))
	w.put("feeds/goes/list.txt", "left.example\n")
	w.edit(edit(t, indicator.ActionAllow, indicator.ScopeSubtree, "fine.example"))
	w.handle(t, keys("feeds/changes/list.txt", "feeds/goes/list.txt")...)
	before = w.served(t)

	w.put("feeds/changes/list.txt", numbered("stays", 50)+numbered("comes", 300))
	w.put("allow/new/list.txt", "ours.example\n")
	w.remove("feeds/goes/list.txt")
	triggers = keys("feeds/changes/list.txt", "allow/new/list.txt", "feeds/goes/list.txt")
	done := w.clone()
	done.handle(t, triggers...)
	return w, triggers, before, done.served(t)
}

// proof turns on the full enumeration: every call, every pair and every order. Without it the
// larger tests take a sample. In short mode, which is for the race detector, all tests do.
var proof = os.Getenv("RESOLVERWATCH_PROOF") != ""

// everyCall yields the numbers of calls, from 1.
func everyCall(calls int) func(yield func(int) bool) { return every(1, calls) }

// every yields the numbers from 1 to n: all of them for a proof, otherwise one in step.
func every(step, n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for at := 1; at <= n; at++ {
			if isTaken(step, at) && !yield(at) {
				return
			}
		}
	}
}

// isTaken reports whether every yields a number.
func isTaken(step, number int) bool {
	switch {
	case proof:
		step = 1
	case testing.Short():
		step *= 13
	}
	return number%step == 1%step
}

// wantSound checks what must hold at every moment, even during a run.
func wantSound(t *testing.T, w *world, allowed ...string) {
	t.Helper()
	if served := w.served(t); !slices.Contains(allowed, served) {
		t.Fatalf("served is neither the old list nor the new one: %.200s...", served)
	}
	for id, row := range w.state {
		if _, found := w.objects[row.Accepted.Snapshot]; !found && row.Accepted.Snapshot != "" {
			t.Fatalf("the row of %q names %q, which does not exist", id, row.Accepted.Snapshot)
		}
	}
}

// wantFinished checks what must hold after a run that succeeded.
func wantFinished(t *testing.T, w *world, want string) {
	t.Helper()
	if served := w.served(t); served != want {
		t.Fatalf("served is not the new list: %.200s...", served)
	}
	if tabled := w.tabled(); tabled != want {
		t.Fatalf("the table is not the new list: %.200s...", tabled)
	}
	if w.published(t) != want || w.indicatorsOf != w.current.Generation {
		t.Fatalf("the published indicators, of generation %d, are not the new list: %.200s...", w.indicatorsOf, w.published(t))
	}
	if !slices.ContainsFunc(w.told, func(e importer.Published) bool { return e.Generation == w.current.Generation }) {
		t.Fatalf("no event of generation %d: %+v", w.current.Generation, w.told)
	}
	for id, row := range w.state {
		if row.Table != (table.SyncState{Snapshot: row.Accepted.Snapshot}) || row.Last.Outcome == list.OutcomeDeleted {
			t.Fatalf("the row of %q is not finished: %+v", id, row)
		}
	}
	for generation := range w.current.Generation {
		if _, found := w.indexes[index.ManifestKey(generation+1)]; !found {
			t.Fatalf("no manifest of generation %d", generation+1)
		}
	}
}

func TestEnumeration_killedAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, triggers, before, after := crashScene(t)
	calls := begin.clone().handle(t, triggers...).Calls
	kills := 0
	for at := range everyCall(len(calls)) {
		for _, afterCall := range []bool{false, true} {
			kills++
			w := begin.clone()
			killed := w.process().die(at, afterCall)
			err := killed.importer(t).Handle(context.Background(), triggers...)
			if !errors.Is(err, killable.ErrKilled) && at < len(calls) && !isSweep(killed.Calls, at) {
				t.Fatalf("killed at %q, the run ended with %v", killed.Calls[at-1], err)
			}
			wantSound(t, w, before, after)
			w.pass(time.Minute) // Lambda retries after a minute
			w.handle(t, triggers...)
			wantFinished(t, w, after)
		}
	}
	t.Logf("%d calls, %d of them batches of table rows: %d kills, 0 broken", len(calls), countOf(calls, "Write"), kills)
}

func countOf(calls []string, call string) (n int) {
	for _, c := range calls {
		if c == call {
			n++
		}
	}
	return n
}

// isSweep reports whether a call belongs to the sweep of old indexes and snapshots. A failed
// sweep is left to the next publish.
func isSweep(calls []string, at int) bool {
	call := calls[at-1]
	return call == "Indexes" || call == "Manifest" || strings.HasPrefix(call, "Delete ") || call == "List accepted/" ||
		at > 1 && calls[at-2] == "List accepted/" // the sweep reads the rows after that
}

// If a killed run is not retried, the scheduled run finishes its work.
func TestEnumeration_scheduledRunFinishes(t *testing.T) {
	t.Parallel()
	begin, triggers, _, after := crashScene(t)
	calls := begin.clone().handle(t, triggers...).Calls
	accepted := 0 // the number of calls until all lists are accepted
	for i, call := range calls {
		if call == "Current" && accepted == 0 {
			accepted = i + 1
		}
	}
	kills := 0
	for at := range everyCall(len(calls)) {
		if at < accepted {
			continue
		}
		kills++
		w := begin.clone()
		_ = w.process().die(at, false).importer(t).Handle(context.Background(), triggers...)
		w.pass(time.Hour)
		w.handle(t, scheduled())
		wantFinished(t, w, after)
	}
	t.Logf("%d kills without a retry, 0 unfinished after the scheduled run", kills)
}

// If the retry is killed as well, the state that the first run left must not matter. If both
// were killed while they imported the same list, it is set aside and the other changes are
// published. Somebody who asks for the list gets it.
func TestEnumeration_killedTwice(t *testing.T) {
	t.Parallel()
	begin, triggers, before, after := crashScene(t)
	calls := len(begin.clone().handle(t, triggers...).Calls)
	allowed := []string{before, after}
	for i := range triggers {
		// A list that failed once is read after the others are published.
		others := begin.clone()
		others.handle(t, slices.Concat(triggers[:i:i], triggers[i+1:])...)
		allowed = append(allowed, others.served(t))
	}
	pairs, setAside := 0, 0
	for first := range every(9, calls) {
		for second := range every(9, calls) {
			pairs++
			w := begin.clone()
			_ = w.process().die(first, true).importer(t).Handle(context.Background(), triggers...)
			w.pass(time.Minute)
			_ = w.process().die(second, true).importer(t).Handle(context.Background(), triggers...)
			wantSound(t, w, allowed...)
			w.pass(time.Minute)
			w.handle(t, triggers...)
			for id, row := range w.state {
				if row.Last.Reason == string(list.RefusedSetAside) {
					setAside++
					wantFinished(t, w, w.served(t))
					wantSound(t, w, allowed...)
					w.handle(t, importer.Trigger{Feed: id})
				}
			}
			wantFinished(t, w, after)
		}
	}
	t.Logf("%d pairs of kills, 0 broken; %d set a list aside until it was asked for", pairs, setAside)
}

// A killed run does not affect the import of another feed. The index then contains either the
// complete old list or the complete new list of the first feed, and the new list of the other.
func TestEnumeration_otherFeedAfterAKill(t *testing.T) {
	t.Parallel()
	begin := newWorld()
	begin.put("feeds/b/list.txt", numbered("old", 60))
	begin.handle(t, keys("feeds/b/list.txt")...)
	begin.put("feeds/b/list.txt", numbered("new", 60))
	begin.put("feeds/a/list.txt", "a.example\n")
	triggers := keys("feeds/b/list.txt")
	calls := len(begin.clone().handle(t, triggers...).Calls)
	var allowed []string
	for _, handled := range []bool{false, true} {
		w := begin.clone()
		if handled {
			w.handle(t, triggers...)
		}
		w.handle(t, keys("feeds/a/list.txt")...)
		allowed = append(allowed, w.served(t))
	}
	for at := range everyCall(calls) {
		for _, afterCall := range []bool{false, true} {
			w := begin.clone()
			_ = w.process().die(at, afterCall).importer(t).Handle(context.Background(), triggers...)
			w.handle(t, keys("feeds/a/list.txt")...)
			wantSound(t, w, allowed...)
			w.pass(time.Minute)
			w.handle(t, triggers...)
			wantFinished(t, w, allowed[1])
		}
	}
	t.Logf("%d calls of one feed's import, killed before and after each, then another feed imported: 0 partial lists", calls)
}

// An SDK repeats a request if the reply is lost. If the request was a conditional write, the
// second reply is a conflict with the first one.
func TestEnumeration_lostReplyAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, triggers, _, after := crashScene(t)
	calls := len(begin.clone().handle(t, triggers...).Calls)
	for at := range everyCall(calls) {
		w := begin.clone()
		p := w.process()
		p.At, p.Twice = at, true
		if err := p.importer(t).Handle(context.Background(), triggers...); err != nil {
			t.Fatalf("call %d %q was made twice: %v", at, p.Calls[at-1], err)
		}
		wantFinished(t, w, after)
		if w.current.Generation != begin.current.Generation+1 || p.counts["IndexPublished"] != 1 {
			t.Errorf("call %d %q was made twice: generation %d", at, p.Calls[at-1], w.current.Generation)
		}
	}
	t.Logf("%d calls, the reply to each lost: 0 broken", calls)
}

// Two importers run for the same events. Before one of its calls, each of them in turn, the first
// importer pauses until the second has run completely.
func TestEnumeration_overtakenAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, triggers, _, after := crashScene(t)
	calls := len(begin.clone().handle(t, triggers...).Calls)
	for at := range everyCall(calls) {
		w := begin.clone()
		slow := w.process()
		slow.At = at
		slow.Before = func() error { w.handle(t, triggers...); return nil }
		if err := slow.importer(t).Handle(context.Background(), triggers...); err != nil {
			t.Fatalf("overtaken at call %d %q: %v", at, slow.Calls[at-1], err)
		}
		wantFinished(t, w, after)
	}
}

// As above, but the second importer is triggered by a newer list of the same feed or by a list
// of another feed. No change may be lost.
func TestEnumeration_overtakenByNewerList(t *testing.T) {
	t.Parallel()
	begin, triggers, _, _ := crashScene(t)
	for _, key := range []string{"feeds/changes/newer.txt", "feeds/other/list.txt"} {
		list := numbered("stays", 50) + numbered("newest", 300)
		done := begin.clone()
		done.put(key, list)
		done.handle(t, append(keys(key), triggers...)...)
		after := done.served(t)
		calls := len(begin.clone().handle(t, triggers...).Calls)
		for at := range every(5, calls) {
			w := begin.clone()
			slow := w.process()
			slow.At = at
			slow.Before = func() error {
				w.put(key, list)
				w.handle(t, keys(key)...)
				return nil
			}
			if err := slow.importer(t).Handle(context.Background(), triggers...); err != nil {
				t.Fatalf("overtaken at call %d %q: %v", at, slow.Calls[at-1], err)
			}
			wantFinished(t, w, after)
		}
	}
}

// Two importers import lists of two feeds. The first pauses before one of its calls. The second
// runs to one of its own calls and pauses while the first finishes. Then the second finishes.
// This is repeated for every pair of calls.
func TestEnumeration_interleavedAtEveryPairOfCalls(t *testing.T) {
	t.Parallel()
	begin := newWorld()
	begin.put("feeds/a/list.txt", "first.example\n")
	begin.put("feeds/b/list.txt", "first.example\nother.example\n")
	begin.handle(t, keys("feeds/a/list.txt")...)
	begin.put("feeds/a/list.txt", "second.example\n")
	triggers := [2][]importer.Trigger{keys("feeds/a/list.txt"), keys("feeds/b/list.txt")}
	after := lines("a block subtree second.example", "b block subtree first.example", "b block subtree other.example")
	var calls [2]int
	for i := range calls {
		calls[i] = len(begin.clone().handle(t, triggers[i]...).Calls)
	}
	pairs := 0
	for number := range every(7, calls[0]*calls[1]) {
		pairs++
		pair := number - 1
		w := begin.clone()
		first, second := w.process(), w.process()
		first.At, second.At = 1+pair%calls[0], 1+pair/calls[0]
		reached, resume, done := make(chan bool), make(chan bool), make(chan error)
		first.Before = func() error { close(reached); <-resume; return nil }
		go func() { done <- first.importer(t).Handle(context.Background(), triggers[0]...) }()
		<-reached
		var firstErr error
		second.Before = func() error { close(resume); firstErr = <-done; return nil }
		if err := errors.Join(second.importer(t).Handle(context.Background(), triggers[1]...), firstErr); err != nil {
			t.Fatalf("interleaved at %q and %q: %v", first.Calls[first.At-1], second.Calls[second.At-1], err)
		}
		wantFinished(t, w, after)
	}
	t.Logf("%d times %d calls of two importers: %d pairs, 0 broken", calls[0], calls[1], pairs)
}

func TestImporter_Handle_tableUpdateContinues(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, numbered("name", 2_000))
	calls := w.clone().handle(t, keys(key)...).Calls
	last := 0
	for i, call := range calls {
		if call == "Write" {
			last = i + 1
		}
	}
	killed := w.process().die(last, false)
	_ = killed.importer(t).Handle(context.Background(), keys(key)...)
	w.pass(time.Minute)
	retry := w.handle(t, keys(key)...)
	if before, after := killed.counts["TableChanges"], retry.counts["TableChanges"]; before < 1_000 || before+after != 2_000 {
		t.Errorf("%v changes were stored before the kill and %v after it, want 2,000 in total", before, after)
	}
}

// A slow writer whose lease has ended must not overwrite the rows of a newer run.
func TestImporter_Handle_slowWriterStops(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	begin := newWorld()
	begin.put(key, numbered("name", 2_000))
	calls := begin.clone().handle(t, keys(key)...).Calls
	notes := 0
	for i := range calls[1:] {
		if calls[i] != "Write" || calls[i+1] == "Write" {
			continue
		}
		notes++
		w := begin.clone()
		slow := w.process()
		slow.At = i + 2 // the call after a batch stores the progress
		slow.Before = func() error {
			w.pass(10 * time.Minute)
			w.put(key, "only.example\n").tags = map[string]string{list.ForceKey: "test"}
			w.handle(t, keys(key)...)
			return nil
		}
		if err := slow.importer(t).Handle(context.Background(), keys(key)...); err != nil {
			t.Fatal(err)
		}
		wantFinished(t, w, "f block subtree only.example")
	}
	if notes < 5 {
		t.Errorf("progress was stored %d times in %d calls", notes, len(calls))
	}
}

// Comparing long lists with few changes may take longer than a lease. The writer then renews the
// lease instead of failing because it has no time left.
func TestImporter_Handle_slowReaderRenewsItsLease(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	begin := newWorld()
	begin.put(key, numbered("name", 60))
	for _, slow := range []time.Duration{30 * time.Second, 40 * time.Second, 10 * time.Minute} {
		w := begin.clone()
		p := w.process()
		for i, call := range begin.clone().handle(t, keys(key)...).Calls {
			if call == "Write" && p.At == 0 {
				p.At = i // the call before the first batch opens the list
			}
		}
		p.Before = func() error { w.pass(slow); return nil }
		if err := p.importer(t).Handle(context.Background(), keys(key)...); err != nil {
			t.Errorf("after %v: %v", slow, err)
			continue
		}
		wantEqual(t, "table", w.tabled(), w.served(t))
	}
}

// Several importers run at once, for the race detector.
func TestImporter_Handle_concurrent(t *testing.T) {
	t.Parallel()
	begin, triggers, _, after := crashScene(t)
	done := make(chan error)
	const importers = 4
	for i := range importers {
		go func() {
			done <- begin.process().importer(t).Handle(context.Background(), triggers[i%len(triggers)], triggers[(i+1)%len(triggers)])
		}()
	}
	for range importers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	begin.pass(time.Hour)
	begin.handle(t, scheduled())
	wantFinished(t, begin, after)
}
