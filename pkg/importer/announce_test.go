package importer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
)

// describeEvents returns the events of a world, one text for each.
func describeEvents(w *world) (texts []string) {
	for _, e := range w.told {
		added, removed := "?", "?"
		if e.Added != nil {
			added, removed = fmt.Sprint(*e.Added), fmt.Sprint(*e.Removed)
		}
		texts = append(texts, fmt.Sprintf("%s %d: %d entries, %s added, %s removed", e.Stack, e.Generation, e.Entries, added, removed))
	}
	return texts
}

// Each publish with changes sends an event with the numbers of entries that came and went. A
// publish without changes sends none.
func TestImporter_Handle_events(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/a/list.txt", numbered("stays", 50)+numbered("goes", 3))
	w.handle(t, keys("feeds/a/list.txt")...)
	w.pass(time.Hour)
	w.handle(t, scheduled())
	w.put("feeds/a/list.txt", numbered("stays", 50)+numbered("comes", 2))
	w.handle(t, keys("feeds/a/list.txt")...)
	w.pass(time.Minute)
	w.handle(t, keys("feeds/a/list.txt")...) // the same event again
	w.put("feeds/a/list.txt", numbered("stays", 50))
	w.handle(t, keys("feeds/a/list.txt")...)
	want := []string{
		"dns 1: 53 entries, 53 added, 0 removed",
		"dns 2: 52 entries, 2 added, 3 removed",
		"dns 3: 50 entries, 0 added, 2 removed",
	}
	if diff := cmp.Diff(want, describeEvents(w)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if at := w.told[1].At; at.Location() != time.UTC || at.IsZero() {
		t.Errorf("an event of %v", at)
	}
}

// If the bus fails, the run succeeds and the failure is counted.
func TestImporter_Handle_eventFails(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.noBus = true
	w.put("feeds/a/list.txt", "evil.example\n")
	p := w.handle(t, keys("feeds/a/list.txt")...)
	if p.counts["EventSendFailed"] != 1 || w.current.Generation != 1 || len(w.told) != 0 {
		t.Errorf("counted %v, generation %d, events %v", p.counts["EventSendFailed"], w.current.Generation, w.told)
	}
	if _, found := w.indexes["index/1.json"]; !found && len(w.indexes) < 2 {
		t.Errorf("no manifest: %d objects", len(w.indexes))
	}
}

// A run that moved the pointer and was killed before its event leaves the event to the next run,
// which does not know how many entries came and went.
func TestImporter_Handle_eventAfterAKill(t *testing.T) {
	t.Parallel()
	begin := newWorld()
	begin.put("feeds/a/list.txt", "evil.example\n")
	calls := begin.clone().handle(t, keys("feeds/a/list.txt")...).Calls
	for at, call := range calls {
		if call != "IndexPublished" {
			continue
		}
		w := begin.clone()
		_ = w.process().die(at+1, false).importer(t).Handle(context.Background(), keys("feeds/a/list.txt")...)
		if len(w.told) != 0 || w.current.Generation != 1 {
			t.Fatalf("killed at %q: events %v, generation %d", call, w.told, w.current.Generation)
		}
		w.pass(time.Hour)
		w.handle(t, scheduled())
		if diff := cmp.Diff([]string{"dns 1: 1 entries, ? added, ? removed"}, describeEvents(w)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		return
	}
	t.Fatalf("no event in %v", calls)
}

// Nobody is told if the setting is off, which is the default.
func TestImporter_Handle_noEvents(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := w.process()
	p.silent = true
	w.put("feeds/a/list.txt", "evil.example\n")
	if err := p.importer(t).Handle(t.Context(), keys("feeds/a/list.txt")...); err != nil {
		t.Fatal(err)
	}
	if len(w.told) != 0 || w.current.Generation != 1 {
		t.Errorf("events %v, generation %d", w.told, w.current.Generation)
	}
}

var _ importer.Events = events{}
