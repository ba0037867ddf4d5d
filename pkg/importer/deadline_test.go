package importer_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A run that is about to end leaves the table to a later run. Readers of the index do not
// notice, because the index is published first.
func TestImporter_Handle_noTimeForTheTable(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, numbered("name", 300))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	p := w.process()
	if err := p.importer(t).Handle(ctx, keys(key)...); err != nil {
		t.Fatalf("no time for the table, but the run failed: %v", err)
	}
	if slices.Contains(p.Calls, "Write") || p.counts["TablesBehind"] != 1 || w.current.Generation != 1 {
		t.Errorf("generation %d, metrics %v, calls %v", w.current.Generation, p.counts, p.Calls)
	}
	p = w.handle(t, scheduled())
	wantFinished(t, w, w.served(t))
	if p.counts["TablesBehind"] != 0 || p.counts["TableChanges"] != 300 {
		t.Errorf("metrics of the next run: %v", p.counts)
	}
}

// If there is no time for some feeds, the feeds that were imported are published anyway.
func TestImporter_Handle_noTimeForAllFeeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, noTimeForAllFeeds)
}

func noTimeForAllFeeds(t *testing.T) {
	w := newWorld()
	w.put("feeds/a/list.txt", "a.example\n")
	w.put("feeds/b/list.txt", "b.example\n")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	p := w.process()
	p.Before = func() error { time.Sleep(1100 * time.Millisecond); return nil }
	p.At = 5 // during the first feed
	err := p.importer(t).Handle(ctx, keys("feeds/a/list.txt", "feeds/b/list.txt")...)
	if err == nil || !strings.Contains(err.Error(), "1 feeds are left to another run") {
		t.Errorf("error %v", err)
	}
	wantEqual(t, "served", w.served(t), "a block subtree a.example")
	w.handle(t, keys("feeds/a/list.txt", "feeds/b/list.txt")...) // the retry of Lambda
	wantFinished(t, w, lines("a block subtree a.example", "b block subtree b.example"))
}
