package importer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

// The tests in this file show that a feed whose lists are too large does not keep the lists of
// other feeds from being published.

// categorized returns a list in which every entry has a category of its own.
func categorized(word string, rows int) string {
	var b strings.Builder
	b.WriteString("domain,category\n")
	for i := range rows {
		fmt.Fprintf(&b, "%s%d.example,c%d%s\n", word, i, i, strings.Repeat("x", 50))
	}
	return b.String()
}

// rated returns a list in which nearly every entry has its own combination of severity,
// confidence and category, so that no two names share a group of the index.
func rated(word string, rows int) string {
	var b strings.Builder
	b.WriteString("domain,confidence,severity,category\n")
	for i := range rows {
		fmt.Fprintf(&b, "%s%d.example,%d,%s,c%d\n", word, i, i%101, []string{"low", "medium", "high"}[i/101%3], i/303)
	}
	return b.String()
}

// wantServes checks which feeds the index has and whether the pointer was renewed.
func wantServes(t *testing.T, w *world, names map[string]bool) {
	t.Helper()
	served := w.served(t)
	for name, want := range names {
		if got := strings.Contains(served+"\n", " "+name+"\n"); got != want {
			t.Errorf("%s: served is %v, want %v", name, got, want)
		}
	}
	if age := w.now.Sub(w.current.RenewedAt); age > time.Hour {
		t.Errorf("the pointer was last renewed %v ago", age)
	}
	if size := len(w.indexes[w.current.Object]); size > w.maxBytes {
		t.Errorf("the index has %d bytes, a transformer can load %d", size, w.maxBytes)
	}
}

// Whatever makes a list expensive counts when it is imported: it is refused, and the other
// feeds are imported and renewed as if it were not there.
func TestImporter_Handle_expensiveList(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, list string
		maxBytes   int
	}{
		{"many names", numbered("bad", 30_000), 150_000},
		{"a category for each name", categorized("bad", 3_000), 150_000},
		{"a group for each name", rated("bad", 6_000), 80_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.maxBytes = tc.maxBytes
			w.put("feeds/good/list.txt", "evil.example\n")
			w.handle(t, keys("feeds/good/list.txt")...)
			w.put("feeds/bad/list.csv", tc.list)
			w.handle(t, keys("feeds/bad/list.csv")...)
			if report := w.report(t, "bad/v2"); report.Outcome != list.OutcomeRefused || report.Refusals[0].Code != list.RefusedIndexTooLarge {
				t.Errorf("the report is %v %v", report.Outcome, report.Refusals)
			}
			w.put("feeds/good/list.txt", "evil.example\nnew.example\n")
			w.handle(t, keys("feeds/good/list.txt")...)
			w.pass(8 * 24 * time.Hour)
			w.handle(t, scheduled())
			wantServes(t, w, map[string]bool{"new.example": true, "bad1.example": false})
		})
	}
}

// acceptedTogether returns a world in which two lists were accepted that fit only one at a
// time, because neither run saw the list of the other.
func acceptedTogether(t *testing.T) (w *world, triggers []importer.Trigger) {
	t.Helper()
	w = newWorld()
	w.maxBytes = 280_000
	w.put("feeds/good/list.txt", numbered("good", 50))
	w.put("feeds/grows/list.csv", categorized("old", 20))
	w.handle(t, keys("feeds/good/list.txt", "feeds/grows/list.csv")...)
	w.parameters["grows"] = `{"force":"it grows"}`
	w.put("feeds/grows/list.csv", categorized("huge", 4_000))
	w.put("feeds/grows2/list.csv", categorized("second", 1_500))
	w.put("feeds/good/list.txt", numbered("good", 50)+"new.example\n")
	triggers = keys("feeds/grows/list.csv", "feeds/grows2/list.csv", "feeds/good/list.txt")
	limit := w.maxBytes
	w.maxBytes = 1 << 30
	begin := w.clone()
	calls := begin.handle(t, triggers...).Calls
	at := 0
	for i, call := range calls {
		if call == "Current" && at == 0 {
			at = i + 1
		}
	}
	err := w.process().die(at, false).importer(t).Handle(context.Background(), triggers...)
	if !errors.Is(err, killable.ErrKilled) {
		t.Fatalf("error %v", err)
	}
	for _, id := range []indicator.FeedID{"grows", "grows2", "good"} {
		if row := w.state[id]; row.Accepted.Snapshot == "" || row.InSync() {
			t.Fatalf("the list of %q is not accepted", id)
		}
	}
	w.maxBytes = limit
	return w, triggers
}

// If the index of all accepted lists is too large, the list that grew most is left out. The
// list of this feed that was published before keeps serving.
func TestImporter_Handle_leavesOutWhatGrewMost(t *testing.T) {
	t.Parallel()
	w, _ := acceptedTogether(t)
	w.pass(time.Hour)
	p := w.handle(t, scheduled())
	want := map[string]bool{
		"new.example": true, "second1.example": true, // published
		"old1.example": true, "huge1.example": false, // left out
	}
	wantServes(t, w, want)
	if p.counts["FeedsLeftOut"] != 1 || p.counts["IndexPublished"] != 1 {
		t.Errorf("metrics are %v", p.counts)
	}
	if report := w.report(t, "grows/v3.left-out"); report.Outcome != list.OutcomeLeftOut ||
		report.Refusals[0].Code != list.RefusedIndexTooLarge || !strings.Contains(string(report.Text()), "keeps serving") {
		t.Errorf("the report is %s", report.Text())
	}
	if tabled := w.tabled(); !strings.Contains(tabled, "old1.example") || strings.Contains(tabled, "huge1.example") {
		t.Error("the table does not follow the index")
	}

	// Later publishes count it, but do not report it again. They keep the snapshot of the list
	// that serves, although no row names it.
	delete(w.objects, "reports/grows/v3.left-out.json")
	for day := range 15 {
		w.pass(24 * time.Hour)
		w.put("feeds/good/list.txt", numbered("good", 50)+fmt.Sprintf("new.example\nday%d.example\n", day))
		p = w.handle(t, scheduled())
	}
	want["day14.example"] = true
	wantServes(t, w, want)
	if _, again := w.objects["reports/grows/v3.left-out.json"]; again || p.counts["FeedsLeftOut"] != 1 {
		t.Errorf("reported again: %v, metrics are %v", again, p.counts)
	}

	// As soon as there is room, the accepted list is published.
	w.maxBytes = 1 << 30
	p = w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"huge1.example": true, "old1.example": false, "second1.example": true})
	wantFinished(t, w, w.served(t))
	if p.counts["FeedsLeftOut"] != 0 {
		t.Errorf("metrics are %v", p.counts)
	}
}

// If the snapshot of the list that serves is lost as well, the entries of the feed are taken
// from the index that serves.
func TestImporter_Handle_leftOutWithoutASnapshot(t *testing.T) {
	t.Parallel()
	w, _ := acceptedTogether(t)
	for _, feed := range w.current.Feeds {
		delete(w.objects, "accepted/"+string(feed.ID)+"/"+feed.VersionID+"."+feed.Snapshot)
	}
	w.pass(time.Hour)
	w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"new.example": true, "old1.example": true, "huge1.example": false})
}

// If a transformer loses memory, no list has grown. The largest block feed is left out, but
// neither an allow feed nor the last block feed.
func TestImporter_Handle_lowerLimit(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/large/list.txt", numbered("large", 9_000))
	w.put("feeds/small/list.txt", numbered("small", 3_000))
	w.put("allow/ours/list.txt", numbered("ours", 12_000))
	w.handle(t, keys("feeds/large/list.txt", "feeds/small/list.txt", "allow/ours/list.txt")...)
	whole := len(w.indexes[w.current.Object])

	w.maxBytes = whole * 3 / 4
	w.pass(time.Hour)
	p := w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"small1.example": true, "ours1.example": true, "large1.example": false})
	if report := w.report(t, "large/v1.left-out"); report.Outcome != list.OutcomeLeftOut || p.counts["FeedsLeftOut"] != 1 {
		t.Errorf("the report is %s, metrics are %v", report.Text(), p.counts)
	}

	w.maxBytes = 1_000
	before := w.current
	w.pass(time.Hour)
	p = w.process()
	err := p.importer(t).Handle(context.Background(), scheduled())
	if err == nil || !strings.Contains(err.Error(), "larger than a transformer can load") || p.counts["ImportFailed"] != 1 {
		t.Errorf("error %v, metrics are %v", err, p.counts)
	}
	if w.current.Object != before.Object || !w.current.RenewedAt.Equal(w.now) {
		t.Errorf("the old index is not renewed: %+v", w.current)
	}
}

// buildBytes returns the memory that building an index of all accepted lists may take.
func (w *world) buildBytes() (total int64) {
	for _, row := range w.state {
		total += row.Accepted.Cost.BuildBytes
	}
	return total
}

// An index that takes more memory than the importer has would end every run, and nothing would be
// published any more. As with an index that is too large, what grew most is left out.
func TestImporter_Handle_littleMemory(t *testing.T) {
	t.Parallel()
	w, _ := acceptedTogether(t)
	w.maxBytes = 1 << 30
	w.guards.Memory = w.buildBytes() - 1
	w.pass(time.Hour)
	p := w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"new.example": true, "second1.example": true, "old1.example": true, "huge1.example": false})
	if report := w.report(t, "grows/v3.left-out"); !strings.Contains(string(report.Text()), "MiB of memory, and the importer has") || p.counts["FeedsLeftOut"] != 1 {
		t.Errorf("the report is %s, metrics are %v", report.Text(), p.counts)
	}

	w.guards.Memory = w.buildBytes()
	w.pass(time.Hour)
	w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"huge1.example": true, "old1.example": false, "second1.example": true})
}

// If the importer loses memory, no list has grown. The largest block feed is left out, but not the
// last one.
func TestImporter_Handle_lessMemory(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/large/list.txt", numbered("large", 3_000))
	w.put("feeds/small/list.txt", numbered("small", 1_000))
	w.handle(t, keys("feeds/large/list.txt", "feeds/small/list.txt")...)

	w.guards.Memory = w.buildBytes() - 1
	w.pass(time.Hour)
	w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"small1.example": true, "large1.example": false})

	w.guards.Memory = 1
	w.pass(time.Hour)
	p := w.process()
	if err := p.importer(t).Handle(context.Background(), scheduled()); err == nil || !w.current.RenewedAt.Equal(w.now) {
		t.Errorf("nothing can be built: error %v, the index was renewed at %v", err, w.current.RenewedAt)
	}
}

// If the list of one feed is left out, the lists of other feeds are still accepted.
func TestImporter_Handle_leftOutListDoesNotCount(t *testing.T) {
	t.Parallel()
	w, _ := acceptedTogether(t)
	w.handle(t, scheduled())
	w.put("feeds/third/list.csv", categorized("third", 200))
	w.handle(t, keys("feeds/third/list.csv")...)
	if row := w.state["third"]; row.Last.Outcome != list.OutcomeAccepted {
		t.Errorf("the row is %+v", row)
	}
	wantServes(t, w, map[string]bool{"third1.example": true, "old1.example": true, "huge1.example": false})
}

// A publish that leaves out a list can be killed at every call.
func TestEnumeration_leavesOutKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	begin, triggers := acceptedTogether(t)
	done := begin.clone()
	calls := done.handle(t, triggers...).Calls
	before, after := begin.served(t), done.served(t)
	for at := range every(9, len(calls)) {
		for _, afterCall := range []bool{false, true} {
			w := begin.clone()
			_ = w.process().die(at, afterCall).importer(t).Handle(context.Background(), triggers...)
			wantSound(t, w, before, after)
			w.pass(time.Minute)
			w.handle(t, triggers...)
			wantEqual(t, "served", w.served(t), after)
			wantEqual(t, "table", w.tabled(), done.tabled())
		}
	}
	t.Logf("%d calls, 0 broken", len(calls))
}

// New feeds are refused when there are as many as a pointer has room for. Those that have a
// list stay, whatever their names are.
func TestImporter_Handle_tooManyFeeds(t *testing.T) {
	t.Parallel()
	const more = 5
	w := newWorld()
	w.put("feeds/zzz-first/list.txt", "first.example\n")
	w.handle(t, scheduled())
	for i := range index.MaxCurrentFeeds + more - 1 {
		w.put(fmt.Sprintf("feeds/f%04d/list.txt", i), "evil.example\n")
	}
	p := w.handle(t, scheduled())
	if len(w.current.Feeds) != index.MaxCurrentFeeds || p.counts["FeedsOverLimit"] != more {
		t.Errorf("%d feeds are published, metrics are %v", len(w.current.Feeds), p.counts)
	}
	wantServes(t, w, map[string]bool{"first.example": true})
	if len(w.state) != index.MaxCurrentFeeds {
		t.Errorf("there are %d rows", len(w.state))
	}

	// Its event gets a report.
	last := fmt.Sprintf("f%04d", index.MaxCurrentFeeds+more-2)
	version := w.uploads["feeds/"+last+"/list.txt"][0].object.Version
	p = w.handle(t, keys("feeds/"+last+"/list.txt")...)
	if report := w.report(t, last+"/"+version); report.Refusals[0].Code != list.RefusedTooManyFeeds || p.counts["ImportRejected"] != 1 {
		t.Errorf("the report is %+v, metrics are %v", report, p.counts)
	}

	// A feed that has a list is updated, and a feed that goes makes room.
	w.put("feeds/zzz-first/list.txt", "first.example\nnew.example\n")
	w.remove("feeds/f0000/list.txt")
	w.handle(t, keys("feeds/zzz-first/list.txt", "feeds/f0000/list.txt")...)
	p = w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"new.example": true})
	if len(w.current.Feeds) != index.MaxCurrentFeeds || p.counts["FeedsOverLimit"] != more-1 {
		t.Errorf("%d feeds are published, metrics are %v", len(w.current.Feeds), p.counts)
	}
}

// A list with the same names and other references is reported as a change.
func TestImporter_Handle_referencesChange(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for round := range 2 {
		var b strings.Builder
		b.WriteString("domain,reference\n")
		for i := range 60 {
			fmt.Fprintf(&b, "bad%d.example,https://r.example/%d/%d\n", i, round, i)
		}
		w.pass(time.Hour)
		w.put("feeds/f/list.csv", b.String())
		p := w.handle(t, keys("feeds/f/list.csv")...)
		if p.counts["NamesAdded"]+p.counts["NamesChanged"] != p.counts["TableChanges"] {
			t.Errorf("round %d: metrics are %v", round, p.counts)
		}
	}
	if report := w.report(t, "f/v2"); report.Changed != 60 || !strings.Contains(string(report.Text()), "0 added, 0 removed, 60 changed") {
		t.Errorf("the report is %s", report.Text())
	}
}
