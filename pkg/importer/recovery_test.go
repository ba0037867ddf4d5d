package importer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/table"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

// The tests in this file delete or damage objects of the importer, as a lifecycle rule of the
// user's bucket or a mistake would. The next scheduled run must recover.

// twoFeeds returns a world with two feeds that are imported.
func twoFeeds(t *testing.T) (w *world, served string) {
	t.Helper()
	w = newWorld()
	w.put("feeds/a/list.txt", numbered("first", 60))
	w.put("feeds/b/list.txt", numbered("second", 60))
	w.handle(t, keys("feeds/a/list.txt", "feeds/b/list.txt")...)
	return w, w.served(t)
}

func TestImporter_Handle_recovers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		harm func(w *world)
		want uint64 // the generation that serves afterwards
	}{
		{"the pointer deleted", func(w *world) { w.current, w.etag = index.Current{}, 0 }, 2},
		{"the pointer and the last manifest deleted", func(w *world) {
			w.current, w.etag = index.Current{}, 0
			delete(w.indexes, index.ManifestKey(1))
		}, 2},
		{"the index deleted", func(w *world) { delete(w.indexes, w.current.Object) }, 2},
		{"an accepted list deleted", func(w *world) { delete(w.objects, w.state["a"].Accepted.Snapshot) }, 1},
		{"all accepted lists deleted", func(w *world) {
			delete(w.objects, w.state["a"].Accepted.Snapshot)
			delete(w.objects, w.state["b"].Accepted.Snapshot)
		}, 1},
		{"an accepted list cut", func(w *world) {
			key := w.state["a"].Accepted.Snapshot
			w.objects[key] = w.objects[key][:len(w.objects[key])/2]
		}, 1},
		{"an accepted list overwritten", func(w *world) { w.objects[w.state["b"].Accepted.Snapshot] = []byte("oops") }, 1},
		{"all of it", func(w *world) {
			w.current, w.etag = index.Current{}, 0
			clear(w.objects)
			for key := range w.indexes {
				if _, _, isIndex := index.ParseObjectKey(key); !isIndex {
					delete(w.indexes, key)
				}
			}
		}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w, want := twoFeeds(t)
			tc.harm(w)
			w.pass(time.Hour)
			w.handle(t, scheduled())
			wantEqual(t, "served", w.served(t), want)
			wantEqual(t, "table", w.tabled(), want)
			if w.current.Generation != tc.want || w.current.Highest != tc.want || !w.current.RenewedAt.Equal(w.now) {
				t.Errorf("CURRENT is %+v, want generation %d, renewed now", w.current, tc.want)
			}
			if again := w.handle(t, scheduled()); again.counts["IndexPublished"]+again.counts["TableChanges"]+again.counts["ImportAccepted"] != 0 {
				t.Errorf("the next run does more: %v", again.counts)
			}
		})
	}
}

// A lost list of one feed must not block a new list of another.
func TestImporter_Handle_lostListOfAnotherFeed(t *testing.T) {
	t.Parallel()
	w, _ := twoFeeds(t)
	delete(w.objects, w.state["a"].Accepted.Snapshot)
	w.put("feeds/b/list.txt", "new.example\n")
	w.handle(t, keys("feeds/b/list.txt")...)
	if served := w.served(t); !strings.Contains(served, "b block subtree new.example") || !strings.Contains(served, "first") {
		t.Errorf("served is %.200s", served)
	}
}

// If a parser panics at one list, other lists are imported and the index is renewed.
func TestImporter_Handle_panic(t *testing.T) {
	t.Parallel()
	begin, _ := twoFeeds(t)
	begin.put("feeds/a/list.txt", "other.example\n")
	begin.put("feeds/b/list.txt", "new.example\n")
	calls := begin.clone().handle(t, scheduled()).Calls
	w := begin.clone()
	p := w.process()
	p.At = slices.Index(calls, "Open") + 1 // of the list of a
	p.Before = func() error { panic("index out of range") }
	err := p.importer(t).Handle(context.Background(), scheduled())
	if err == nil || err.Error() != `importing feed "a": panic: index out of range` {
		t.Errorf("error %v", err)
	}
	if served := w.served(t); !strings.Contains(served, "b block subtree new.example") || !strings.Contains(served, "first") {
		t.Errorf("served is %.200s", served)
	}
}

// If an accepted list is lost and cannot be imported again, the run reports it. The feed keeps
// its entries of the index that serves, and the other feeds are published.
func TestImporter_Handle_lostList(t *testing.T) {
	t.Parallel()
	w, want := twoFeeds(t)
	delete(w.objects, w.state["a"].Accepted.Snapshot)
	w.put("feeds/a/list.txt", "<html>")
	err := w.process().importer(t).Handle(context.Background(), keys("feeds/a/list.txt")...)
	if err != nil {
		t.Fatalf("a refused list is an error: %v", err)
	}
	p := w.process()
	err = p.importer(t).Handle(context.Background(), scheduled())
	if err == nil || !strings.Contains(err.Error(), `feed "a": the accepted list is lost`) || !strings.Contains(err.Error(), "upload a list") {
		t.Errorf("error %v", err)
	}
	if p.counts["SnapshotsLost"] != 1 || p.counts["FeedsLeftOut"] != 1 || p.counts["ImportFailed"] != 1 {
		t.Errorf("metrics are %v", p.counts)
	}
	wantEqual(t, "served", w.served(t), want)

	w.put("feeds/b/list.txt", numbered("second", 60)+"more.example\n")
	w.pass(time.Hour)
	if err = w.process().importer(t).Handle(context.Background(), scheduled()); err == nil {
		t.Error("the list is still lost, but there is no error")
	}
	wantEqual(t, "served with a new list of the other feed", w.served(t),
		strings.Replace(want, "b block subtree second0.example", "b block subtree more.example\nb block subtree second0.example", 1))
	if !w.current.RenewedAt.Equal(w.now) {
		t.Errorf("renewed at %v, now is %v", w.current.RenewedAt, w.now)
	}

	w.put("feeds/a/list.txt", "other.example\n")
	w.handle(t, scheduled())
	if served := w.served(t); !strings.Contains(served, "other.example") || strings.Contains(served, "first") {
		t.Errorf("served is %.200s", served)
	}
}

// If the list that the table is being updated to is lost, the table must keep its rows.
func TestImporter_Handle_lostTarget(t *testing.T) {
	t.Parallel()
	w, _ := twoFeeds(t)
	w.put("feeds/a/list.txt", numbered("first", 40)+numbered("third", 60))
	done := w.clone()
	calls := done.handle(t, keys("feeds/a/list.txt")...).Calls
	writes := 0
	for at, call := range calls {
		if call != "Write" {
			continue
		}
		if writes++; writes != 2 {
			continue
		}
		_ = w.process().die(at+1, false).importer(t).Handle(context.Background(), keys("feeds/a/list.txt")...)
	}
	target := w.state["a"].Table.Target
	if target == "" {
		t.Fatal("the table is in sync: nothing was interrupted")
	}
	delete(w.objects, target)
	w.pass(time.Hour)
	p := w.process()
	if err := p.importer(t).Handle(context.Background(), scheduled()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "served", w.served(t), done.served(t))
	for row := range strings.Lines(done.tabled()) {
		if !strings.Contains(w.tabled()+"\n", row) {
			t.Errorf("the table lacks %s", row)
		}
	}
	if state := w.state["a"].Table; state != (table.SyncState{Snapshot: w.state["a"].Accepted.Snapshot}) {
		t.Errorf("the table is left at %+v", state)
	}
}

// A publish does not choose another index while the pointer is pinned, so it must fail if the
// pinned index does not exist.
func TestImporter_Handle_pinnedIndexGone(t *testing.T) {
	t.Parallel()
	w, _ := twoFeeds(t)
	w.current.Pinned = true
	delete(w.indexes, w.current.Object)
	err := w.process().importer(t).Handle(context.Background(), scheduled())
	if err == nil || !strings.Contains(err.Error(), "publish --unpin") {
		t.Errorf("error %v", err)
	}
	w.current.Pinned = false
	w.handle(t, scheduled())
	if w.current.Generation != 2 {
		t.Errorf("CURRENT is %+v", w.current)
	}
}

func TestEnumeration_recoveryKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, want := twoFeeds(t)
	delete(begin.objects, begin.state["a"].Accepted.Snapshot)
	delete(begin.indexes, begin.current.Object)
	begin.pass(time.Hour)
	calls := begin.clone().handle(t, scheduled()).Calls
	for at := range everyCall(len(calls)) {
		for _, after := range []bool{false, true} {
			w := begin.clone()
			err := w.process().die(at, after).importer(t).Handle(context.Background(), scheduled())
			if !errors.Is(err, killable.ErrKilled) && at < len(calls) && !isSweep(calls, at) {
				t.Fatalf("killed at %q, the run ended with %v", calls[at-1], err)
			}
			w.pass(time.Minute)
			w.handle(t, scheduled())
			wantFinished(t, w, want)
		}
	}
	t.Logf("%d calls, %d kills, 0 broken", len(calls), 2*len(calls))
}

// rewriteSnapshot replaces the accepted snapshot of a feed by one with other entries, as
// somebody can who may write to the list bucket.
func (w *world) rewriteSnapshot(t *testing.T, feed indicator.FeedID, from, to string) {
	t.Helper()
	key := w.state[feed].Accepted.Snapshot
	reader, err := zstd.NewReader(bytes.NewReader(w.objects[key]))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	text, err := io.ReadAll(reader)
	if err != nil || !bytes.Contains(text, []byte(from)) {
		t.Fatalf("%s is not in %s, error %v", from, key, err)
	}
	var out bytes.Buffer
	writer, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = writer.Write(bytes.ReplaceAll(text, []byte(from), []byte(to)))
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	w.objects[key] = out.Bytes()
}

// A snapshot that is not the one that was accepted never serves, in whatever way it differs. The
// feed is imported again, and the other feeds do not notice.
func TestImporter_Handle_changedSnapshot(t *testing.T) {
	t.Parallel()
	for _, to := range []string{
		"www.changed.example", "github.io", "co.uk", "com",
		"first0.example", // the entry is there twice
	} {
		for _, refused := range []bool{false, true} { // whether the newest list of the feed can replace it
			w, want := twoFeeds(t)
			w.rewriteSnapshot(t, "a", "first1.example", to)
			if refused {
				w.put("feeds/a/list.txt", "<html>")
			}
			w.put("feeds/b/list.txt", numbered("second", 60)+"more.example\n")
			p := w.process()
			err := p.importer(t).Handle(context.Background(), keys("feeds/b/list.txt")...)
			if (err != nil) != refused || p.counts["SnapshotsLost"] != 1 {
				t.Errorf("%s, refused is %v: error %v, metrics are %v", to, refused, err, p.counts)
			}
			wantEqual(t, "served", w.served(t),
				strings.Replace(want, "b block subtree second0.example", "b block subtree more.example\nb block subtree second0.example", 1))
		}
	}
}

// The table does not take rows out of a snapshot that was changed either.
func TestImporter_Handle_changedTarget(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/a/list.txt", numbered("first", 60))
	calls := w.clone().handle(t, keys("feeds/a/list.txt")...).Calls
	write := slices.Index(calls, "Write") + 1
	_ = w.process().die(write, false).importer(t).Handle(context.Background(), keys("feeds/a/list.txt")...)
	w.rewriteSnapshot(t, "a", "first1.example", "www.changed.example")
	w.pass(time.Hour)
	w.handle(t, scheduled())
	if tabled := w.tabled(); strings.Contains(tabled, "changed") || !strings.Contains(tabled, "first1.example") {
		t.Errorf("the table is %.300s", tabled)
	}
}
