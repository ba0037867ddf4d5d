package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// The next scheduled run makes up for a lost event.
func TestImporter_Handle_lostEvents(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/known/list.txt", "old.example\n")
	w.handle(t, keys("feeds/known/list.txt")...)
	w.put("feeds/known/list.txt", "new.example\n")
	w.put("feeds/unknown/list.txt", "evil.example\n")
	w.put(listKey, "legacy.example\n")
	w.put("feeds/Not An ID/list.txt", "evil.example\n")
	w.handle(t, scheduled())
	wantEqual(t, "served", w.served(t), lines(
		"default block subtree legacy.example", "known block subtree new.example", "unknown block subtree evil.example"))
}

// A refusal is reported once. The scheduled run reads the list again only if something that the
// refusal depends on has changed.
func TestImporter_Handle_refusedListIsCheckedOnce(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	begin := newWorld()
	begin.put(key, numbered("name", 3_000))
	begin.handle(t, keys(key)...)
	begin.put(key, numbered("name", 1_500))
	begin.handle(t, keys(key)...)
	for _, tc := range []struct {
		name             string
		change           func(w *world)
		trigger          importer.Trigger
		opened, accepted bool
	}{
		{"nothing", func(*world) {}, scheduled(), false, false},
		{"the event once more", func(*world) {}, importer.Trigger{Key: key}, false, false},
		{"requested by id", func(*world) {}, importer.Trigger{Feed: "f"}, true, false},
		{"a tag", func(w *world) {
			w.uploads[key][1].tags = map[string]string{list.ForceKey: "agreed"}
		}, scheduled(), true, true},
		{"a setting", func(w *world) { w.parameters["f"] = `{"force":"agreed"}` }, scheduled(), true, true},
		{"another setting", func(w *world) { w.parameters["f"] = `{"severity":"high"}` }, scheduled(), true, false},
		{"a threshold", func(w *world) { w.guards.ShrinkEntries = 2_000 }, scheduled(), true, true},
		{"a guard list", func(w *world) { w.put("guards/protected/ours.txt", "ours.example\n") }, scheduled(), true, false},
	} {
		w := begin.clone()
		w.uploads[key] = slices.Clone(w.uploads[key])
		tc.change(w)
		p := w.handle(t, tc.trigger)
		opened := slices.Contains(p.Calls, "Open")
		accepted := w.state["f"].Accepted.Version == "v2"
		if opened != tc.opened || accepted != tc.accepted {
			t.Errorf("%s: opened is %v, accepted is %v", tc.name, opened, accepted)
		}
	}
}

func TestImporter_Handle_nothingChangedWritesNothing(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, numbered("name", 2_000))
	w.handle(t, keys(key)...)
	w.put(key, numbered("name", 2_000)) // a new version with the same bytes
	p := w.handle(t, keys(key)...)
	if slices.Contains(p.Calls, "Write") || p.counts["NamesAdded"]+p.counts["NamesRemoved"] != 0 || w.current.Generation != 1 {
		t.Errorf("generation %d, calls %v, metrics %v", w.current.Generation, p.Calls, p.counts)
	}
}

func TestImporter_Handle_listAges(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/old/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/old/list.txt")...)
	w.pass(3 * time.Hour)
	w.put("feeds/young/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/young/list.txt")...)
	w.pass(time.Hour)
	p := w.handle(t, scheduled())
	for feed, want := range map[string]float64{"": 4*3600 + 1, "old": 4*3600 + 1, "young": 3600} {
		if got := p.listAges[feed]; got != want {
			t.Errorf("ListAge of %q is %v, want %v", feed, got, want)
		}
	}

	for i := range 60 {
		w.put(fmt.Sprintf("feeds/f%02d/list.txt", i), "evil.example\n")
	}
	if p := w.handle(t, scheduled()); len(p.listAges) != 1+50 {
		t.Errorf("%d ages are counted, want the oldest and 50 feeds", len(p.listAges))
	}
}

func TestImporter_Handle_sweepsOldSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/steady/list.txt", "steady.example\n")
	w.handle(t, keys("feeds/steady/list.txt")...)
	for day := range 15 {
		w.pass(24 * time.Hour)
		w.put("feeds/f/list.txt", fmt.Sprintf("day%d.example\n", day))
		w.handle(t, keys("feeds/f/list.txt")...)
	}
	var versions []string
	for key := range w.objects {
		if name, found := strings.CutPrefix(key, "accepted/"); found {
			versions = append(versions, name[:strings.LastIndexByte(name, '.')])
		}
	}
	slices.Sort(versions)
	// The snapshots of the ten kept generations, and the one that a row still names.
	want := []string{"steady/v1"}
	for version := 7; version <= 16; version++ {
		want = append(want, fmt.Sprintf("f/v%d", version))
	}
	slices.Sort(want)
	wantEqual(t, "accepted lists", strings.Join(versions, "\n"), strings.Join(want, "\n"))
}
