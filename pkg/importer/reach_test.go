package importer_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
)

// widest returns n of the widest blocks that a list may have, from number first on.
func widest(first, n int) string {
	var b strings.Builder
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&b, "%d.%d.0.0/16\n", i>>8, i&255)
	}
	return b.String()
}

// serving opens the index that serves as a reader does.
func (w *world) serving(t *testing.T) *index.Index {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	x, err := w.current.Open(w.indexes[w.current.Object], reach.NewBounds(w.guards.ReachBounds))
	if err != nil {
		t.Fatalf("a reader does not open the index that serves: %v", err)
	}
	return x
}

// isMalicious reports whether the index that serves calls an address malicious.
func (w *world) isMalicious(t *testing.T, address string) bool {
	t.Helper()
	var m index.Match
	return w.serving(t).MatchAddr(netip.MustParseAddr(address), &m) && m.Outcome == index.Malicious
}

// importList imports a list of a feed and returns the outcome.
func (w *world) importList(t *testing.T, id indicator.FeedID, text string) list.Outcome {
	t.Helper()
	key := "feeds/" + string(id) + "/list.txt"
	w.put(key, text)
	w.handle(t, keys(key)...)
	return w.state[id].Last.Outcome
}

// No list marks a large part of the Internet, however small its blocks are, and a reason does
// not change that.
func TestImporter_refusesReach(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		in   string
		want list.Outcome
	}{
		{"every block", widest(0, 65536), list.OutcomeRefused},
		{"one block too many", widest(2816, 257), list.OutcomeRefused},
		{"as many as allowed", widest(2816, 256), list.OutcomeAccepted},
		{"many IPv6 networks", numberedLines("2600:%x::/32\n", 257), list.OutcomeRefused},
	} {
		w := newWorld()
		w.importList(t, "good", "evil.example\n")
		w.put("feeds/bad/list.txt", test.in)
		w.handle(t, keys("feeds/bad/list.txt")...)
		forced := keys("feeds/bad/list.txt")
		forced[0].Force = "because"
		w.handle(t, forced...)
		if got := w.state["bad"].Last.Outcome; got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		w.serving(t)
		if served := w.served(t); !strings.Contains(served, "good block subtree evil.example") {
			t.Errorf("%s: the other feed does not serve: %s", test.name, served)
		}
	}
}

// Twenty feeds may each reach as far as a feed may. If too many do, the next one is refused.
func TestImporter_refusesTotalReach(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range 32 {
		if got := w.importList(t, indicator.FeedID(fmt.Sprintf("f%d", i)), widest(2816+256*i, 256)); got != list.OutcomeAccepted {
			t.Fatalf("feed %d: %s", i, got)
		}
	}
	if got := w.importList(t, "again", widest(2816, 200)); got != list.OutcomeAccepted {
		t.Errorf("blocks that other feeds have too: %s", got)
	}
	if got := w.importList(t, "more", "198.51.0.0/16\n"); got != list.OutcomeRefused || w.state["more"].Last.Reason != "address_reach" {
		t.Errorf("a block too many: %s for %q", got, w.state["more"].Last.Reason)
	}
	if got := w.importList(t, "more", "198.51.100.0/24\nevil.example\n"); got != list.OutcomeRefused {
		t.Errorf("a smaller block too many: %s", got)
	}
	if got := w.importList(t, "more", "evil.example\n"); got != list.OutcomeAccepted {
		t.Errorf("no block: %s", got)
	}
	w.serving(t)
}

// acceptUnguarded replaces the snapshot of a feed, as if an earlier release had accepted a list.
func (w *world) acceptUnguarded(t *testing.T, id indicator.FeedID, text string) {
	t.Helper()
	entries, _, _ := list.Read(strings.NewReader(text), list.Options{}, w.guards, list.Hooks{}) // its refusals do not matter
	store := snapshot.NewStore(archive{w.process()}, slog.New(slog.DiscardHandler))
	row := w.state[id]
	key, _, err := store.Create(context.Background(), snapshot.Head{Feed: id, Version: "old"}, &entries, "")
	if err != nil {
		t.Fatal(err)
	}
	row.Accepted.Snapshot, row.Accepted.Entries = key, entries.Len()
	w.state[id] = row
}

// A list that an earlier release accepted costs its feed the address blocks, and no other feed
// anything.
func TestImporter_leavesOutOverreach(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.importList(t, "good", "evil.example\n192.0.2.0/24\n")
	w.importList(t, "wide", "worse.example\n")
	w.acceptUnguarded(t, "wide", "worse.example\n"+widest(2816, 300))
	generation := w.current.Generation
	w.importList(t, "good", "evil.example\nnew.example\n192.0.2.0/24\n")
	p := w.handle(t, scheduled())
	if w.current.Generation == generation {
		t.Error("nothing was published")
	}
	want := "good block cidr 192.0.2.0/24\ngood block subtree evil.example\ngood block subtree new.example\nwide block subtree worse.example"
	if got := w.served(t); got != want {
		t.Errorf("served:\n%s\nwant:\n%s", got, want)
	}
	if p.counts["BlocksLeftOut"] != 300 {
		t.Errorf("BlocksLeftOut is %v, want 300", p.counts["BlocksLeftOut"])
	}
	for _, feed := range w.current.Feeds {
		if want := map[indicator.FeedID]int{"good": 3, "wide": 1}[feed.ID]; feed.Count != want {
			t.Errorf("CURRENT says that feed %s has %d entries, want %d", feed.ID, feed.Count, want)
		}
	}
}

// The bounds are settings. A deployment that raises them publishes what the defaults refuse, and one
// that lowers them leaves the blocks out that it published before.
func TestImporter_reachSettings(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.importList(t, "good", "evil.example\n192.0.2.0/24\n")
	if got := w.importList(t, "wide", "worse.example\n"+widest(2816, 300)); got != list.OutcomeRefused {
		t.Errorf("by default: %s, want refused", got)
	}

	w.guards.MaxFeedIPv4 = 300 << 16
	w.handle(t, scheduled())
	if got := w.state["wide"].Last.Outcome; got != list.OutcomeAccepted || !w.isMalicious(t, "11.1.2.3") {
		t.Errorf("with a higher bound, the list is looked at again: %s", got)
	}

	w.guards.MaxTotalIPv4 = 300<<16 + 255
	if got := w.importList(t, "good", "evil.example\n192.0.2.0/25\n198.51.100.0/24\n"); got != list.OutcomeRefused {
		t.Errorf("above a lower bound for all feeds: %s, want refused", got)
	}

	w.guards.MaxFeedIPv4, w.guards.MaxTotalIPv4 = 256, 1<<20
	w.handle(t, scheduled())
	want := "good block cidr 192.0.2.0/24\ngood block subtree evil.example\nwide block subtree worse.example"
	if got := w.served(t); got != want {
		t.Errorf("with a lower bound:\n%s\nwant:\n%s", got, want)
	}
}

// Manual entries have no guard. If their blocks reach too far, they are left out, because no
// reader would load the index.
func TestImporter_leavesOutManualOverreach(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.importList(t, "good", "evil.example\n")
	for _, block := range []string{"20.0.0.0/8", "21.0.0.0/16"} {
		entry := snapshot.Entry{Indicator: indicator.Indicator{
			Scope: indicator.ScopeCIDR, Action: indicator.ActionBlock, Severity: indicator.SeverityHigh, Confidence: 50,
		}}
		if err := entry.SetValue(block); err != nil {
			t.Fatal(err)
		}
		w.written[rowKey(indicator.ManualFeed, &entry)] = entry
	}
	w.handle(t, scheduled())
	if w.isMalicious(t, "20.1.2.3") {
		t.Error("the blocks serve")
	}
	if !strings.Contains(w.served(t), "evil.example") {
		t.Error("the feed does not serve")
	}
}

// numberedLines repeats a format with a running number.
func numberedLines(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
