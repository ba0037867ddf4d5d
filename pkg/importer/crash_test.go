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
)

// The tests of this file enumerate: something happens at the first call of a run, at
// the second, and so on to the last. What must hold is said once, in wantSound and
// wantFinished.

// crashScene is a world with three feeds in order, and what then happens to each: one
// changes in every way and by more than a batch of table rows, one is new, one goes.
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

// proof is set for the whole enumeration: every call, every pair, every order. Without
// it the tests take every so many of the larger ones, and in short mode, which is for the
// slow race detector, few of all.
var proof = os.Getenv("RESOLVERWATCH_PROOF") != ""

// everyCall yields the numbers of calls, from 1.
func everyCall(calls int) func(yield func(int) bool) { return every(1, calls) }

// every yields the numbers up to n, from 1: all of them for a proof, else one in step.
func every(step, n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for at := 1; at <= n; at++ {
			if isTaken(step, at) && !yield(at) {
				return
			}
		}
	}
}

// isTaken reports whether a number, from 1, is one that every yields.
func isTaken(step, number int) bool {
	switch {
	case proof:
		step = 1
	case testing.Short():
		step *= 13
	}
	return number%step == 1%step
}

// wantSound checks what must hold at every moment, in the middle of a run too.
func wantSound(t *testing.T, w *world, allowed ...string) {
	t.Helper()
	if served := w.served(t); !slices.Contains(allowed, served) {
		t.Fatalf("served is neither the old nor the new list: %.200s...", served)
	}
	for id, row := range w.state {
		if _, found := w.objects[row.Accepted.Snapshot]; !found && row.Accepted.Snapshot != "" {
			t.Fatalf("the row of %q names %q, which is not there", id, row.Accepted.Snapshot)
		}
	}
}

// wantFinished checks what must hold when nothing is left to do.
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
	for id, row := range w.state {
		if row.Table != (table.SyncState{Snapshot: row.Accepted.Snapshot}) || row.Last.Outcome == list.OutcomeDeleted {
			t.Fatalf("the row of %q is not in order: %+v", id, row)
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
	calls := begin.clone().handle(t, triggers...).calls
	kills := 0
	for at := range everyCall(len(calls)) {
		for _, afterCall := range []bool{false, true} {
			kills++
			w := begin.clone()
			killed := w.process().die(at, afterCall)
			err := killed.importer(t).Handle(context.Background(), triggers...)
			if !errors.Is(err, errKilled) && at < len(calls) && !isSweep(killed.calls, at) {
				t.Fatalf("killed at %q, the run ended with %v", killed.calls[at-1], err)
			}
			wantSound(t, w, before, after)
			w.pass(time.Minute) // Lambda tries again after one
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

// isSweep reports whether a call belongs to the sweeping of old indexes and snapshots,
// whose failure is left to the next publish.
func isSweep(calls []string, at int) bool {
	call := calls[at-1]
	return call == "Indexes" || call == "Manifest" || strings.HasPrefix(call, "Delete ") || call == "List accepted/" ||
		at > 1 && calls[at-2] == "List accepted/" // the rows, read for the sweep
}

// A run that was killed and is never tried again is finished by the scheduled publish.
func TestEnumeration_scheduledRunFinishes(t *testing.T) {
	t.Parallel()
	begin, triggers, _, after := crashScene(t)
	calls := begin.clone().handle(t, triggers...).calls
	accepted := 0 // the calls up to the last move of a row before the publish
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
	t.Logf("%d kills that nobody tries again, 0 unfinished after the scheduled run", kills)
}

// A killed retry is a second accident: the state that the first left must not matter.
func TestEnumeration_killedTwice(t *testing.T) {
	t.Parallel()
	begin, triggers, before, after := crashScene(t)
	calls := len(begin.clone().handle(t, triggers...).calls)
	pairs := 0
	for first := range every(9, calls) {
		for second := range every(9, calls) {
			pairs++
			w := begin.clone()
			_ = w.process().die(first, true).importer(t).Handle(context.Background(), triggers...)
			w.pass(time.Minute)
			_ = w.process().die(second, true).importer(t).Handle(context.Background(), triggers...)
			wantSound(t, w, before, after)
			w.pass(time.Minute)
			w.handle(t, triggers...)
			wantFinished(t, w, after)
		}
	}
	t.Logf("%d pairs of kills, 0 broken", pairs)
}

// A run that was killed leaves another feed's import alone: what is published then holds
// the killed feed's old list or its new one, whole, and the other's new one.
func TestEnumeration_otherFeedAfterAKill(t *testing.T) {
	t.Parallel()
	begin := newWorld()
	begin.put("feeds/b/list.txt", numbered("old", 60))
	begin.handle(t, keys("feeds/b/list.txt")...)
	begin.put("feeds/b/list.txt", numbered("new", 60))
	begin.put("feeds/a/list.txt", "a.example\n")
	triggers := keys("feeds/b/list.txt")
	calls := len(begin.clone().handle(t, triggers...).calls)
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
	t.Logf("%d calls of one feed's import, killed before and after each, another feed imported then: 0 halves", calls)
}

// An SDK sends a request again when the reply is lost. Of a conditional write the
// second answer is a refusal of what the first one did.
func TestEnumeration_lostReplyAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, triggers, _, after := crashScene(t)
	calls := len(begin.clone().handle(t, triggers...).calls)
	for at := range everyCall(calls) {
		w := begin.clone()
		p := w.process()
		p.at, p.twice = at, true
		if err := p.importer(t).Handle(context.Background(), triggers...); err != nil {
			t.Fatalf("call %d %q was made twice: %v", at, p.calls[at-1], err)
		}
		wantFinished(t, w, after)
		if w.current.Generation != begin.current.Generation+1 || p.counts["IndexPublished"] != 1 {
			t.Errorf("call %d %q was made twice: generation %d", at, p.calls[at-1], w.current.Generation)
		}
	}
	t.Logf("%d calls, the reply to each lost: 0 broken", calls)
}

// Two importers run for the same events: one stands still before each of its calls in
// turn while the other runs from its beginning to its end.
func TestEnumeration_overtakenAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, triggers, _, after := crashScene(t)
	calls := len(begin.clone().handle(t, triggers...).calls)
	for at := range everyCall(calls) {
		w := begin.clone()
		slow := w.process()
		slow.at = at
		slow.before = func() error { w.handle(t, triggers...); return nil }
		if err := slow.importer(t).Handle(context.Background(), triggers...); err != nil {
			t.Fatalf("overtaken at call %d %q: %v", at, slow.calls[at-1], err)
		}
		wantFinished(t, w, after)
	}
}

// The same, but the other importer was sent off by a newer list of the same feed, or by
// a list of another feed. Nothing of what either did may be lost.
func TestEnumeration_overtakenByNewerList(t *testing.T) {
	t.Parallel()
	begin, triggers, _, _ := crashScene(t)
	for _, key := range []string{"feeds/changes/newer.txt", "feeds/other/list.txt"} {
		list := numbered("stays", 50) + numbered("newest", 300)
		done := begin.clone()
		done.put(key, list)
		done.handle(t, append(keys(key), triggers...)...)
		after := done.served(t)
		calls := len(begin.clone().handle(t, triggers...).calls)
		for at := range every(5, calls) {
			w := begin.clone()
			slow := w.process()
			slow.at = at
			slow.before = func() error {
				w.put(key, list)
				w.handle(t, keys(key)...)
				return nil
			}
			if err := slow.importer(t).Handle(context.Background(), triggers...); err != nil {
				t.Fatalf("overtaken at call %d %q: %v", at, slow.calls[at-1], err)
			}
			wantFinished(t, w, after)
		}
	}
}

// Two importers with a list of another feed each: the first goes to one of its calls and
// stands still, the second goes to one of its own, the first goes to its end, the second
// follows. That is so for every pair of calls.
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
		calls[i] = len(begin.clone().handle(t, triggers[i]...).calls)
	}
	pairs := 0
	for number := range every(7, calls[0]*calls[1]) {
		pairs++
		pair := number - 1
		w := begin.clone()
		first, second := w.process(), w.process()
		first.at, second.at = 1+pair%calls[0], 1+pair/calls[0]
		reached, goOn, done := make(chan bool), make(chan bool), make(chan error)
		first.before = func() error { close(reached); <-goOn; return nil }
		go func() { done <- first.importer(t).Handle(context.Background(), triggers[0]...) }()
		<-reached
		var firstErr error
		second.before = func() error { close(goOn); firstErr = <-done; return nil }
		if err := errors.Join(second.importer(t).Handle(context.Background(), triggers[1]...), firstErr); err != nil {
			t.Fatalf("interleaved at %q and %q: %v", first.calls[first.at-1], second.calls[second.at-1], err)
		}
		wantFinished(t, w, after)
	}
	t.Logf("%d times %d calls of two importers: %d pairs, 0 broken", calls[0], calls[1], pairs)
}

func TestImporter_Handle_tableWorkGoesOnWhereItWasCutOff(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, numbered("name", 2_000))
	calls := w.clone().handle(t, keys(key)...).calls
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
		t.Errorf("%v changes were noted before the accident and %v after, want 2,000 together", before, after)
	}
}

// A slow writer whose lease ran out must not undo what a newer run wrote since.
func TestImporter_Handle_slowWriterStops(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	begin := newWorld()
	begin.put(key, numbered("name", 2_000))
	calls := begin.clone().handle(t, keys(key)...).calls
	notes := 0
	for i := range calls[1:] {
		if calls[i] != "Write" || calls[i+1] == "Write" {
			continue
		}
		notes++
		w := begin.clone()
		slow := w.process()
		slow.at = i + 2 // the call after a batch: its note of progress
		slow.before = func() error {
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
		t.Errorf("%d notes of progress in %d calls", notes, len(calls))
	}
}

// Long lists of which little changed take longer to compare than a lease lasts: the writer
// renews it, instead of having no time left to write.
func TestImporter_Handle_slowReaderRenewsItsLease(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	begin := newWorld()
	begin.put(key, numbered("name", 60))
	for _, slow := range []time.Duration{30 * time.Second, 40 * time.Second, 10 * time.Minute} {
		w := begin.clone()
		p := w.process()
		for i, call := range begin.clone().handle(t, keys(key)...).calls {
			if call == "Write" && p.at == 0 {
				p.at = i // the call before the first batch: its list is opened
			}
		}
		p.before = func() error { w.pass(slow); return nil }
		if err := p.importer(t).Handle(context.Background(), keys(key)...); err != nil {
			t.Errorf("after %v: %v", slow, err)
			continue
		}
		wantEqual(t, "table", w.tabled(), w.served(t))
	}
}

// Importers in any number at once, by the race detector's eyes.
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
