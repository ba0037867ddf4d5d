package importer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// graceful is a world with a grace of a day and two feeds, whose lists lie under keys.
func graceful(t *testing.T) (w *world, keyOfA, keyOfB string) {
	t.Helper()
	w = newWorld()
	w.grace = 24 * time.Hour
	w.put("feeds/a/list.txt", "a.example\n")
	w.put("feeds/b/list.txt", "b.example\n")
	w.handle(t, keys("feeds/a/list.txt", "feeds/b/list.txt")...)
	return w, "feeds/a/list.txt", "feeds/b/list.txt"
}

const (
	onlyA = "a block subtree a.example"
	onlyB = "b block subtree b.example"
)

func TestImporter_Handle_deletedFeedCountsForAGrace(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	w.remove(key)
	p := w.handle(t, keys(key)...)
	wantEqual(t, "served after the deletion", w.served(t), lines(onlyA, onlyB))
	if p.counts["FeedMissing"] != 1 {
		t.Errorf("metrics are %v", p.counts)
	}
	since := w.now
	w.pass(23 * time.Hour)
	w.handle(t, scheduled())
	wantEqual(t, "served an hour before its end", w.served(t), lines(onlyA, onlyB))
	if got := w.state["a"].Missing; !got.Equal(since) {
		t.Errorf("missing since %v, want %v", got, since)
	}
	w.pass(time.Hour)
	p = w.handle(t, scheduled())
	wantEqual(t, "served after the grace", w.served(t), onlyB)
	wantEqual(t, "table", w.tabled(), onlyB)
	if _, found := w.state["a"]; found || p.counts["NamesRemoved"] != 1 {
		t.Errorf("the row is there: %v, metrics are %v", found, p.counts)
	}
}

func TestImporter_Handle_feedThatComesBackStays(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	accepted := w.uploads[key]
	for name, back := range map[string]func(w *world){
		"the same version":  func(w *world) { w.uploads[key] = accepted }, // a delete marker is taken away
		"another upload":    func(w *world) { w.put(key, "a.example\n") },
		"under another key": func(w *world) { w.put("feeds/a/other.txt", "a.example\n") },
		"a refused list":    func(w *world) { w.put(key, "<html>") },
	} {
		t.Run(name, func(t *testing.T) {
			w := w.clone()
			w.remove(key)
			w.handle(t, keys(key)...)
			w.pass(20 * time.Hour)
			back(w)
			w.handle(t, keys(key)...)
			w.pass(20 * time.Hour)
			w.handle(t, scheduled())
			wantEqual(t, "served", w.served(t), lines(onlyA, onlyB))
			if !w.state["a"].Missing.IsZero() {
				t.Errorf("row is %+v", w.state["a"])
			}
		})
	}
}

// Nothing would be marked without the last block feed: it goes only for a reason.
func TestImporter_Handle_lastFeedStays(t *testing.T) {
	t.Parallel()
	w, keyOfA, keyOfB := graceful(t)
	w.put("allow/ours/list.txt", "fine.example\n")
	w.handle(t, keys("allow/ours/list.txt")...)
	w.remove(keyOfA)
	w.remove(keyOfB)
	w.handle(t, keys(keyOfA, keyOfB)...)
	w.pass(48 * time.Hour)
	w.handle(t, scheduled())
	const ours = "ours allow subtree fine.example"
	wantEqual(t, "served after the grace of both", w.served(t), lines(onlyB, ours))
	w.pass(48 * time.Hour)
	p := w.handle(t, scheduled())
	wantEqual(t, "served two days later", w.served(t), lines(onlyB, ours))
	if p.counts["FeedMissing"] != 1 {
		t.Errorf("metrics are %v", p.counts)
	}
	w.handle(t, importer.Trigger{Feed: "b", Force: "moved to another stack"})
	wantEqual(t, "served after a reason was given", w.served(t), ours)
	w.pass(time.Hour)
	w.handle(t, scheduled())
	wantEqual(t, "served an hour later", w.served(t), ours)
}

// A feed that was delisted and comes back is new: what a retro-hunt looks for begins anew.
func TestImporter_Handle_addedAtAfterADelisting(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	added := func() time.Time { return w.written["a#block#subtree a.example"].AddedAt }
	first := added()
	w.remove(key)
	w.handle(t, keys(key)...)
	w.put(key, "a.example\n")
	w.handle(t, keys(key)...)
	if !added().Equal(first) {
		t.Errorf("added at %v within the grace, want %v", added(), first)
	}
	w.remove(key)
	w.handle(t, keys(key)...)
	w.pass(25 * time.Hour)
	w.handle(t, scheduled())
	w.put(key, "a.example\n")
	w.handle(t, keys(key)...)
	if !added().Equal(w.now) {
		t.Errorf("added at %v after the grace, want %v", added(), w.now)
	}
}

func TestImporter_Handle_reasonEndsTheGrace(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	w.remove(key)
	w.handle(t, importer.Trigger{Feed: "a", Force: "retired"})
	wantEqual(t, "served", w.served(t), onlyB)
}

// A feed whose every list was refused has nothing to count on.
func TestImporter_Handle_refusedFeedGoesAtOnce(t *testing.T) {
	t.Parallel()
	w, _, _ := graceful(t)
	w.put("feeds/bad/list.txt", "<html>")
	w.handle(t, keys("feeds/bad/list.txt")...)
	w.remove("feeds/bad/list.txt")
	w.handle(t, keys("feeds/bad/list.txt")...)
	if row, found := w.state["bad"]; found {
		t.Errorf("its row is still there: %+v", row)
	}
}

// Old versions that a lifecycle rule takes away are not the current object.
func TestImporter_Handle_expiredOldVersionsChangeNothing(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	w.put(key, "a.example\nnewer.example\n")
	w.handle(t, keys(key)...)
	want := w.served(t)
	w.uploads[key] = w.uploads[key][1:]
	w.handle(t, keys(key)...)
	wantEqual(t, "served", w.served(t), want)
}

// When the newest of several lists is deleted, an older one comes to light. If it is much
// shorter, somebody made a mistake.
func TestImporter_Handle_olderShorterListIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/2029.txt", numbered("old", 100))
	w.put("feeds/f/2030.txt", numbered("name", 3_000))
	w.handle(t, keys("feeds/f/2030.txt")...)
	want := w.served(t)
	w.remove("feeds/f/2030.txt")
	w.handle(t, keys("feeds/f/2030.txt")...)
	wantEqual(t, "served", w.served(t), want)
	if report := w.report(t, "f/v1"); report.Refusals[0].Code != list.RefusedShrink {
		t.Errorf("report is %+v", report)
	}
}

// However an index comes to block nothing, it is not published: everything would be
// called clean.
func TestImporter_Handle_nothingBlocksIsNotClean(t *testing.T) {
	t.Parallel()
	const ends = "feeds/f/list.csv"
	w := newWorld()
	w.put(ends, "domain,expires_at\nevil.example,2030-01-02T00:00:00Z\n")
	w.handle(t, keys(ends)...)
	want := w.served(t)
	w.pass(48 * time.Hour)
	err := w.process().importer(t).Handle(context.Background(), scheduled())
	if err == nil || !strings.Contains(err.Error(), "would have no block entry") {
		t.Errorf("error %v", err)
	}
	wantEqual(t, "served", w.served(t), want)
	w.edit(edit(t, indicator.ActionBlock, indicator.ScopeName, "own.example"))
	w.handle(t, scheduled())
	wantEqual(t, "served with an own edit", w.served(t), "manual block name own.example")
}

func TestImporter_Handle_allowFeedAloneIsNotPublished(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("allow/ours/list.txt", "fine.example\n")
	w.handle(t, keys("allow/ours/list.txt")...)
	wantEqual(t, "served", w.served(t), "no index")
	w.put("feeds/f/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	wantEqual(t, "served with a block feed", w.served(t),
		lines("f block subtree evil.example", "ours allow subtree fine.example"))
}
