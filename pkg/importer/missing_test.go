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

// graceful returns a world with two feeds and a grace period of one day, and the keys of the
// two lists.
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

func TestImporter_Handle_deletedFeedIsKeptForTheGracePeriod(t *testing.T) {
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
	wantEqual(t, "served an hour before the end", w.served(t), lines(onlyA, onlyB))
	if got := w.state["a"].Missing; !got.Equal(since) {
		t.Errorf("missing since %v, want %v", got, since)
	}
	w.pass(time.Hour)
	p = w.handle(t, scheduled())
	wantEqual(t, "served after the grace period", w.served(t), onlyB)
	wantEqual(t, "table", w.tabled(), onlyB)
	if _, found := w.state["a"]; found || p.counts["NamesRemoved"] != 1 {
		t.Errorf("the row exists: %v, metrics are %v", found, p.counts)
	}
}

func TestImporter_Handle_feedWithANewListIsKept(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	accepted := w.uploads[key]
	for name, back := range map[string]func(w *world){
		"the same version":  func(w *world) { w.uploads[key] = accepted }, // a delete marker is removed
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

// Without the last block feed nothing would match, so it is removed only for a reason.
func TestImporter_Handle_lastFeedIsKept(t *testing.T) {
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
	wantEqual(t, "served after the grace period of both", w.served(t), lines(onlyB, ours))
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

// A feed that was removed and has a list again is new: its entries get a new added_at, which
// retro-hunts rely on.
func TestImporter_Handle_addedAtAfterARemoval(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	added := func() time.Time { return w.written["a#block#subtree a.example"].AddedAt }
	first := added()
	w.remove(key)
	w.handle(t, keys(key)...)
	w.put(key, "a.example\n")
	w.handle(t, keys(key)...)
	if !added().Equal(first) {
		t.Errorf("added at %v within the grace period, want %v", added(), first)
	}
	w.remove(key)
	w.handle(t, keys(key)...)
	w.pass(25 * time.Hour)
	w.handle(t, scheduled())
	w.put(key, "a.example\n")
	w.handle(t, keys(key)...)
	if !added().Equal(w.now) {
		t.Errorf("added at %v after the grace period, want %v", added(), w.now)
	}
}

func TestImporter_Handle_reasonEndsTheGracePeriod(t *testing.T) {
	t.Parallel()
	w, key, _ := graceful(t)
	w.remove(key)
	w.handle(t, importer.Trigger{Feed: "a", Force: "retired"})
	wantEqual(t, "served", w.served(t), onlyB)
}

// A feed whose lists were all refused has no entries to keep.
func TestImporter_Handle_refusedFeedIsRemovedAtOnce(t *testing.T) {
	t.Parallel()
	w, _, _ := graceful(t)
	w.put("feeds/bad/list.txt", "<html>")
	w.handle(t, keys("feeds/bad/list.txt")...)
	w.remove("feeds/bad/list.txt")
	w.handle(t, keys("feeds/bad/list.txt")...)
	if row, found := w.state["bad"]; found {
		t.Errorf("its row still exists: %+v", row)
	}
}

// If a lifecycle rule deletes old versions, the current object stays the same.
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

// If the newest of several lists is deleted, an older one is the newest. If that one is much
// shorter, the deletion was probably a mistake.
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

// An index without block entries is never published, because every name would be clean.
func TestImporter_Handle_indexWithoutBlocksIsNotPublished(t *testing.T) {
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
	wantEqual(t, "served with a manual entry", w.served(t), "manual block name own.example")
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
