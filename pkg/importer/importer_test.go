package importer_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// handle runs an importer, which must succeed.
func (w *world) handle(t *testing.T, triggers ...importer.Trigger) *process {
	t.Helper()
	p := w.process()
	if err := p.importer(t).Handle(context.Background(), triggers...); err != nil {
		t.Fatalf("handling %v: %v", triggers, err)
	}
	return p
}

func keys(keys ...string) (triggers []importer.Trigger) {
	for _, key := range keys {
		triggers = append(triggers, importer.Trigger{Key: key})
	}
	return triggers
}

// scheduled is the trigger of the hourly publish.
func scheduled() importer.Trigger { return importer.Trigger{} }

// served returns the content of the index that CURRENT names as sorted lines, one per entry. It
// fails the test if the index is not complete.
func (w *world) served(t *testing.T) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.etag == 0 {
		return "no index"
	}
	data, found := w.indexes[w.current.Object]
	if !found {
		t.Fatalf("CURRENT names %q, which does not exist", w.current.Object)
	}
	opened, err := index.Open(data)
	if err != nil {
		t.Fatalf("CURRENT names an index that does not open: %v", err)
	}
	info := opened.Info()
	if info.ContentHash != w.current.ContentHash || info.Generation != w.current.Generation {
		t.Fatalf("CURRENT says generation %d of content %s, the index %d of %s",
			w.current.Generation, w.current.ContentHash, info.Generation, info.ContentHash)
	}
	var lines []string
	for stored, err := range opened.All() {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %v %v %s", stored.Feed, stored.Action, stored.Scope, stored.Value()))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// tabled returns the content of the table in the format of served.
func (w *world) tabled() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for key, entry := range w.written {
		feed, _, _ := strings.Cut(key, "#")
		lines = append(lines, fmt.Sprintf("%s %v %v %s", feed, entry.Action, entry.Scope, entry.Value()))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func lines(texts ...string) string { return strings.Join(texts, "\n") }

func wantEqual(t *testing.T, what, got, want string) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func (w *world) report(t *testing.T, key string) (report list.Report) {
	t.Helper()
	text, found := w.objects["reports/"+key+".json"]
	if !found {
		t.Fatalf("no report %q", key)
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if _, found := w.objects["reports/"+key+".txt"]; !found {
		t.Errorf("report %q has no text", key)
	}
	return report
}

// edit returns an entry as somebody adds it to the table by hand.
func edit(t *testing.T, action indicator.Action, scope indicator.Scope, name string) snapshot.Entry {
	t.Helper()
	parsed, err := domainname.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Entry{Indicator: indicator.Indicator{
		Name: parsed, Scope: scope, Action: action,
		Severity: indicator.DefaultSeverity, Confidence: indicator.DefaultConfidence,
	}}
}

func (w *world) edit(entry snapshot.Entry) {
	w.written[rowKey(indicator.ManualFeed, &entry)] = entry
}

func TestImporter_Handle_firstList(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/example/list.txt", "evil.example\nworse.example\n198.51.100.7\n")
	p := w.handle(t, keys("feeds/example/list.txt")...)

	want := lines(
		"example block cidr 198.51.100.7",
		"example block subtree evil.example",
		"example block subtree worse.example",
	)
	wantEqual(t, "served", w.served(t), want)
	wantEqual(t, "table", w.tabled(), want)
	accepted := w.state["example"].Accepted
	wantFeeds := []index.CurrentFeed{{
		ID: "example", VersionID: "v1", Count: 3,
		Snapshot: snapshot.NameOf(accepted.Snapshot), Bytes: accepted.Cost.IndexBytes,
	}}
	if diff := gocmp.Diff(wantFeeds, w.current.Feeds); diff != "" {
		t.Error(diff)
	}
	if w.current.Generation != 1 || w.current.Highest != 1 || w.current.Pinned {
		t.Errorf("CURRENT is %+v", w.current)
	}
	if _, found := w.indexes[index.ManifestKey(1)]; !found {
		t.Error("no manifest of generation 1")
	}
	if _, found := w.objects[accepted.Snapshot]; !found || !strings.HasPrefix(accepted.Snapshot, "accepted/example/v1.") {
		t.Errorf("no accepted snapshot %q", accepted.Snapshot)
	}
	if report := w.report(t, "example/v1"); report.Outcome != list.OutcomeAccepted || report.Names != 3 {
		t.Errorf("report is %+v", report)
	}
	if p.counts["ImportAccepted"] != 1 || p.counts["IndexPublished"] != 1 || p.counts["NamesAdded"] != 3 || p.counts["Generation"] != 1 {
		t.Errorf("metrics are %v", p.counts)
	}
}

func TestImporter_Handle_newestObjectWins(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/zzz.txt", "old.example\n")
	w.put("feeds/f/", "")
	w.put("feeds/f/aaa.txt", "new.example\n")
	w.put("feeds/f/later/", "")
	w.handle(t, keys("feeds/f/zzz.txt")...) // the event is for the older one
	wantEqual(t, "served", w.served(t), "f block subtree new.example")

	w.uploads["feeds/f/bbb.txt"] = []upload{{
		object: storage.Object{Key: "feeds/f/bbb.txt", Version: "same-second", Size: 1,
			LastModified: w.uploads["feeds/f/aaa.txt"][0].object.LastModified},
		body: []byte("tie.example\n"),
	}}
	w.handle(t, keys("feeds/f/bbb.txt")...)
	wantEqual(t, "served after a tie", w.served(t), "f block subtree tie.example")
}

func TestImporter_Handle_repeatedEventIsCheap(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	before := w.current
	w.pass(time.Minute)
	p := w.handle(t, keys("feeds/f/list.txt", "feeds/f/list.txt")...)
	for _, call := range p.Calls {
		if name, _, _ := strings.Cut(call, " "); !slices.Contains([]string{"Row", "Rows", "List", "Head", "Feed"}, name) {
			t.Errorf("a repeated event made the call %q", call)
		}
	}
	if diff := gocmp.Diff(before, w.current); diff != "" {
		t.Errorf("a repeated event moved CURRENT: %s", diff)
	}
}

func TestImporter_Handle_sameContentOnlyRenews(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "a.example\nb.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	w.put("feeds/f/list.txt", "# another order\nb.example\na.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	if w.current.Generation != 1 || w.current.Feeds[0].VersionID != "v2" {
		t.Errorf("CURRENT is %+v, want generation 1 of v2", w.current)
	}
	w.pass(time.Hour)
	w.handle(t, scheduled())
	if w.current.Generation != 1 || !w.current.RenewedAt.Equal(w.now) {
		t.Errorf("CURRENT is %+v, want generation 1 renewed at %v", w.current, w.now)
	}
}

func TestImporter_Handle_deletedFeed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/stays/list.txt", "stays.example\n")
	w.put("feeds/goes/one.txt", "goes.example\n")
	w.put("feeds/goes/two.txt", "goes.example\nalso.example\n")
	w.handle(t, keys("feeds/stays/list.txt", "feeds/goes/two.txt")...)

	w.remove("feeds/goes/two.txt")
	w.handle(t, keys("feeds/goes/two.txt")...)
	wantEqual(t, "served while an older object is left", w.served(t),
		lines("goes block subtree goes.example", "stays block subtree stays.example"))

	w.remove("feeds/goes/one.txt")
	w.handle(t, keys("feeds/goes/one.txt")...)
	wantEqual(t, "served", w.served(t), "stays block subtree stays.example")
	wantEqual(t, "table", w.tabled(), "stays block subtree stays.example")
	if _, found := w.state["goes"]; found {
		t.Error("the row of the deleted feed still exists")
	}
}

func TestImporter_Handle_allowFeedAndListKey(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put(listKey, "evil.example\nfine.example\n")
	w.put(listKey+".bak", "backup.example\n") // another key with the same prefix
	w.put("allow/ours/list.txt", "fine.example\n")
	w.handle(t, keys(listKey, "allow/ours/list.txt")...)
	wantEqual(t, "served", w.served(t), lines(
		"default block subtree evil.example",
		"default block subtree fine.example",
		"ours allow subtree fine.example",
	))
	opened, err := index.Open(w.indexes[w.current.Object])
	if err != nil {
		t.Fatal(err)
	}
	var query domainname.Query
	var match index.Match
	if err := query.Set([]byte("www.fine.example.")); err != nil {
		t.Fatal(err)
	}
	if opened.Match(&query, &match); match.Outcome != index.Allowed {
		t.Errorf("www.fine.example is %v, want allowed", match.Outcome)
	}
}

func TestImporter_Handle_feedInBothFolders(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "evil.example\n")
	w.put("allow/f/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	wantEqual(t, "served without an accepted list", w.served(t), "no index")
	for _, version := range []string{"f/v1", "f/v2"} {
		if report := w.report(t, version); report.Outcome != list.OutcomeRefused ||
			report.Refusals[0].Code != list.RefusedFeedConflict {
			t.Errorf("report %q is %+v", version, report)
		}
	}

	w.remove("allow/f/list.txt")
	w.handle(t, keys("allow/f/list.txt")...)
	w.put("allow/f/list.txt", "good.example\n")
	w.put("feeds/f/list.txt", "evil.example\nmore.example\n")
	p := w.handle(t, keys("allow/f/list.txt")...)
	wantEqual(t, "served with an accepted list", w.served(t),
		lines("f block subtree evil.example", "f block subtree more.example"))
	if p.counts["ImportRejected"] != 1 {
		t.Errorf("metrics are %v", p.counts)
	}
}

func TestImporter_Handle_reservedAndBadFeedIDs(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/manual/list.txt", "evil.example\n")
	w.put("feeds/Not An ID/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/manual/list.txt", "feeds/Not An ID/list.txt", "reports/x/y.json", "feeds/loose.txt")...)
	wantEqual(t, "served", w.served(t), "no index")
	if report := w.report(t, "manual/v1"); report.Refusals[0].Code != list.RefusedFeedConflict {
		t.Errorf("report is %+v", report)
	}
}

func TestImporter_Handle_refusedListKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	w.put("feeds/f/list.txt", "<!DOCTYPE html><html>503</html>")
	p := w.handle(t, keys("feeds/f/list.txt")...)
	wantEqual(t, "served", w.served(t), "f block subtree evil.example")
	if p.counts["ImportRejected"] != 1 || p.counts["ImportAccepted"] != 0 {
		t.Errorf("metrics are %v", p.counts)
	}
	report := w.report(t, "f/v2")
	if report.Outcome != list.OutcomeRefused || report.Refusals[0].Code != list.RefusedUnreadable {
		t.Errorf("report is %+v", report)
	}
	row := w.state["f"]
	if row.Accepted.Version != "v1" || row.Last.Version != "v2" || row.Last.Outcome != list.OutcomeRefused {
		t.Errorf("row is %+v", row)
	}
}

func TestImporter_Handle_force(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	for _, tc := range []struct {
		name    string
		force   func(w *world, u *upload)
		trigger string
		want    string // the recorded reason
	}{
		{name: "none", force: func(*world, *upload) {}},
		{name: "metadata is not a tag", force: func(_ *world, u *upload) {
			u.object.Metadata = map[string]string{list.ForceKey: "half was retired"}
		}},
		{name: "tag", want: "agreed", force: func(_ *world, u *upload) {
			u.tags = map[string]string{list.ForceKey: "agreed"}
		}},
		{name: "settings", want: "a rolling list", force: func(w *world, _ *upload) {
			w.parameters["f"] = `{"force":"a rolling list"}`
		}},
		{name: "blanks are not a reason", force: func(w *world, u *upload) {
			u.object.Metadata = map[string]string{list.ForceKey: " "}
			u.tags = map[string]string{list.ForceKey: "\t"}
			w.parameters["f"] = `{"force":" "}`
		}, trigger: "  "},
		{name: "trigger", want: "on the phone", force: func(*world, *upload) {}, trigger: "on the phone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.put(key, numbered("name", 3_000))
			w.handle(t, keys(key)...)
			tc.force(w, w.put(key, numbered("name", 1_500)))
			w.handle(t, importer.Trigger{Key: key, Force: tc.trigger})
			report := w.report(t, "f/v2")
			accepted := w.state["f"].Accepted.Version
			if report.Refusals[0].Code != list.RefusedShrink || report.Force != tc.want {
				t.Errorf("refusals %v forced by %q, want shrink forced by %q", report.Refusals, report.Force, tc.want)
			}
			if wantVersion := map[bool]string{true: "v1", false: "v2"}[tc.want == ""]; accepted != wantVersion {
				t.Errorf("accepted is %q, want %q", accepted, wantVersion)
			}
		})
	}
}

// numbered returns a list of n names.
func numbered(word string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d.example\n", word, i)
	}
	return b.String()
}

// In a bucket without versioning, an upload of the same bytes has the same version, even with
// other tags. Overriding a refusal must work there too.
func TestImporter_Handle_forceForTheSameVersion(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, numbered("name", 3_000))
	w.handle(t, keys(key)...)
	refused := w.put(key, numbered("name", 1_500))
	w.handle(t, keys(key)...)
	refused.object.Metadata = map[string]string{list.ForceKey: "half was retired"}
	w.handle(t, keys(key)...)
	if row := w.state["f"]; row.Accepted.Version != "v1" || row.Last.Outcome != list.OutcomeRefused {
		t.Errorf("with metadata the row is %+v", row)
	}
	refused.tags = map[string]string{list.ForceKey: "half was retired"}
	w.handle(t, keys(key)...)
	if row := w.state["f"]; row.Accepted.Version != "v2" || row.Last.Outcome != list.OutcomeForced {
		t.Errorf("the row is %+v", row)
	}
}

func TestImporter_Handle_addedAt(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	added := func() string {
		var lines []string
		for _, entry := range w.written {
			lines = append(lines, fmt.Sprintf("%s day %.0f", entry.Value(),
				entry.AddedAt.Sub(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)).Hours()/24))
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	for _, step := range []struct{ list, want string }{
		{"a.example\nb.example\n", lines("a.example day 1", "b.example day 1")},
		{"a.example\nc.example\n", lines("a.example day 1", "c.example day 2")},
		{"a.example\nb.example\n", lines("a.example day 1", "b.example day 3")}, // the second list lacked b
	} {
		w.pass(24 * time.Hour)
		w.put(key, step.list)
		w.handle(t, keys(key)...)
		wantEqual(t, "added_at", added(), step.want)
	}
}

func TestImporter_Handle_onlyChangedRowsAreWritten(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, numbered("name", 2_000))
	w.handle(t, keys(key)...)
	w.put(key, numbered("name", 1_999)+"new.example\n")
	if p := w.handle(t, keys(key)...); p.counts["TableChanges"] != 2 {
		t.Errorf("metrics are %v, want 2 table changes", p.counts)
	}
}

func TestImporter_Handle_manualEntries(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "evil.example\nfine.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	w.edit(edit(t, indicator.ActionAllow, indicator.ScopeSubtree, "fine.example"))
	w.edit(edit(t, indicator.ActionBlock, indicator.ScopeSubtree, "zip")) // no guard applies
	// No transformer would load an index with one of these.
	w.edit(edit(t, indicator.ActionBlock, indicator.ScopeName, "com"))
	w.edit(edit(t, indicator.ActionBlock, indicator.ScopeUnder, "com"))
	w.edit(edit(t, indicator.ActionBlock, indicator.ScopeSubtree, "amazonaws.com"))
	w.badEdits = []*table.EntryError{{Name: "no name!", Sort: "manual#block#name", Err: domainname.ErrOctet}}
	p := w.handle(t, scheduled())
	wantEqual(t, "served", w.served(t), lines(
		"f block subtree evil.example",
		"f block subtree fine.example",
		"manual allow subtree fine.example",
		"manual block subtree zip",
	))
	if p.counts["BadTableEdits"] != 4 {
		t.Errorf("metrics are %v", p.counts)
	}
}

func TestImporter_Handle_pinned(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	w.current.Pinned = true
	w.put("feeds/f/list.txt", "other.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	wantEqual(t, "served while pinned", w.served(t), "f block subtree evil.example")
	if !w.current.RenewedAt.Equal(w.now) {
		t.Errorf("renewed at %v, want %v", w.current.RenewedAt, w.now)
	}
	w.current.Pinned = false
	w.handle(t, scheduled())
	wantEqual(t, "served", w.served(t), "f block subtree other.example")
}

func TestImporter_Handle_rolledBackNumbersAreNotReused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "one.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	first := w.current
	w.put("feeds/f/list.txt", "two.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	first.Highest = w.current.Highest // as after a rollback that was unpinned
	w.current = first
	w.handle(t, scheduled())
	if w.current.Generation != 3 {
		t.Errorf("generation %d, want 3", w.current.Generation)
	}
}

func TestImporter_Handle_expiry(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.parameters["old"] = `{"maxAge":"7d"}`
	w.put("feeds/old/list.txt", "old.example\n")
	w.put("feeds/new/list.csv", "domain,expires_at\nstays.example,\nends.example,2030-01-02T00:00:00Z\n")
	w.handle(t, keys("feeds/old/list.txt", "feeds/new/list.csv")...)
	all := lines("new block subtree ends.example", "new block subtree stays.example", "old block subtree old.example")
	wantEqual(t, "served", w.served(t), all)
	w.pass(25 * time.Hour)
	w.handle(t, scheduled())
	wantEqual(t, "served a day later", w.served(t),
		lines("new block subtree stays.example", "old block subtree old.example"))
	w.pass(7 * 24 * time.Hour)
	p := w.handle(t, scheduled())
	wantEqual(t, "served a week later", w.served(t), "new block subtree stays.example")
	wantEqual(t, "table", w.tabled(), all)
	if p.counts["FeedExpired"] != 1 {
		t.Errorf("metrics are %v", p.counts)
	}
}

func TestImporter_Handle_indexOfExpiredFeedsIsNotPublished(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.parameters["f"] = `{"maxAge":"1d"}`
	w.put("feeds/f/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	renewed := w.current.RenewedAt
	w.pass(48 * time.Hour)
	if err := w.process().importer(t).Handle(context.Background(), scheduled()); err == nil {
		t.Error("an index without entries was published")
	}
	wantEqual(t, "served", w.served(t), "f block subtree evil.example")
	if !w.current.RenewedAt.Equal(renewed) {
		t.Error("the pointer to an expired list was renewed")
	}
}

func TestImporter_Handle_changedSettings(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, "evil.example\n")
	w.handle(t, keys(key)...)
	w.parameters["f"] = `{"scope":"name","severity":"high"}`
	w.handle(t, keys(key)...)
	wantEqual(t, "served", w.served(t), "f block name evil.example")
	wantEqual(t, "table", w.tabled(), "f block name evil.example")

	w.parameters["f"] = `{"scpoe":"name"}`
	w.handle(t, keys(key)...)
	report := w.report(t, "f/v1")
	if report.Outcome != list.OutcomeRefused || !strings.Contains(report.Refusals[0].What, `the nearest is "scope"`) {
		t.Errorf("report is %+v", report)
	}
	wantEqual(t, "served with bad settings", w.served(t), "f block name evil.example")
}

func TestImporter_Handle_indexTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.maxBytes = 20_000
	w.put("feeds/a/list.txt", numbered("first", 300))
	w.handle(t, keys("feeds/a/list.txt")...)
	w.put("feeds/b/list.txt", numbered("second", 3_000))
	w.handle(t, keys("feeds/b/list.txt")...)
	if report := w.report(t, "b/v2"); report.Outcome != list.OutcomeRefused ||
		report.Refusals[0].Code != list.RefusedIndexTooLarge {
		t.Errorf("report is %+v", report)
	}
	w.put("feeds/c/list.txt", numbered("third", 500)) // above the estimate, but it fits
	w.handle(t, keys("feeds/c/list.txt")...)
	if report := w.report(t, "c/v3"); report.Outcome != list.OutcomeAccepted {
		t.Errorf("report is %+v", report)
	}
}

// A list for which the process has too little memory must be refused. Otherwise the run would be
// killed at every attempt, and no other feed could be imported.
func TestImporter_Handle_tooLittleMemory(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.guards.Memory = 850_000
	w.put("feeds/a/list.txt", numbered("first", 3_000))
	w.put("feeds/b/list.txt", numbered("second", 3_000))
	w.put("feeds/c/list.txt", numbered("third", 6_000))
	w.handle(t, scheduled())
	if got := w.state["a"].Last.Outcome; got != list.OutcomeAccepted {
		t.Errorf("a list that fits is %s", got)
	}
	for report, want := range map[string]list.RefusalCode{
		"b/v2": list.RefusedIndexTooLarge, // with the other list
		"c/v3": list.RefusedTooLarge,      // on its own
	} {
		got := w.report(t, report)
		if got.Outcome != list.OutcomeRefused || got.Refusals[0].Code != want || !strings.Contains(got.Refusals[0].Todo, "memory") {
			t.Errorf("report is %+v, want %s", got, want)
		}
	}
	// With more memory the lists are checked again automatically.
	w.guards.Memory = 1 << 30
	w.handle(t, scheduled())
	if b, c := w.state["b"].Last.Outcome, w.state["c"].Last.Outcome; b != list.OutcomeAccepted || c != list.OutcomeAccepted {
		t.Errorf("with more memory: %s and %s", b, c)
	}
}

func TestImporter_Handle_sweepsOldIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for day := range 15 {
		w.pass(24 * time.Hour)
		w.put("feeds/f/list.txt", fmt.Sprintf("day%d.example\n", day))
		w.handle(t, keys("feeds/f/list.txt")...)
	}
	var generations, manifests []uint64
	for key := range w.indexes {
		if generation, _, ok := index.ParseObjectKey(key); ok {
			generations = append(generations, generation)
		} else {
			manifests = append(manifests, 0)
		}
	}
	slices.SortFunc(generations, cmp.Compare)
	if diff := gocmp.Diff([]uint64{6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, generations); diff != "" {
		t.Errorf("remaining index objects: %s", diff)
	}
	if len(manifests) != 15 {
		t.Errorf("%d manifests remain, want all 15", len(manifests))
	}
}

func TestImporter_Handle_youngIndexesAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range 15 {
		w.put("feeds/f/list.txt", fmt.Sprintf("minute%d.example\n", i))
		w.handle(t, keys("feeds/f/list.txt")...)
	}
	if len(w.indexes) != 30 {
		t.Errorf("%d objects remain, want 15 indexes and 15 manifests", len(w.indexes))
	}
}

func TestNew_missingPorts(t *testing.T) {
	t.Parallel()
	_, err := importer.New(importer.Config{})
	for _, want := range []string{"lists: must be set", "indexes: must be set", "max index bytes 0: must be above 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}
