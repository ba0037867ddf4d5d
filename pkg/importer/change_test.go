package importer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// stixBundle returns a bundle with n names that have more properties.
func stixBundle(n int, properties string) string {
	objects := numberedLines(`{"type":"indicator","pattern_type":"stix","pattern":"[domain-name:value = 'bad%d.example']"`+
		strings.ReplaceAll(properties, "%", "%%")+`},`, n)
	return `{"type":"bundle","objects":[` + strings.TrimSuffix(objects, ",") + `]}`
}

// A list that keeps its length and loses what it blocks is refused, whatever takes the place of the
// entries that are gone.
func TestImporter_comparesEntries(t *testing.T) {
	t.Parallel()
	names := numberedLines("bad%d.example\n", 5000)
	rules := numberedLines("||bad%d.example^\n", 5000)
	from := func(text string, line int) string { return strings.Join(strings.SplitAfter(text, "\n")[line:], "") }
	for _, test := range []struct {
		name          string
		first, second string
		want          list.Outcome
	}{
		{"an ordinary day", names, from(names, 200) + numberedLines("new%d.example\n", 300), list.OutcomeAccepted},
		{"a fifth is replaced", names, from(names, 1000) + numberedLines("new%d.example\n", 1000), list.OutcomeAccepted},
		{"a little more is replaced", names, from(names, 1001) + numberedLines("new%d.example\n", 1001), list.OutcomeRefused},
		{"all names are replaced", names, numberedLines("harmless%d.example\n", 5000), list.OutcomeRefused},
		{"and there are more of them", names, numberedLines("harmless%d.example\n", 9000), list.OutcomeRefused},
		{"rules become exceptions", rules, numberedLines("@@||bad%d.example^\n", 5000), list.OutcomeRefused},
		{"an exception for each rule", rules, rules + numberedLines("@@||bad%d.example^\n", 5000), list.OutcomeRefused},
		{"exceptions are added", rules, rules + numberedLines("@@||good%d.example^\n", 4000), list.OutcomeAccepted},
		{"exceptions are replaced", rules + numberedLines("@@||good%d.example^\n", 4000), rules, list.OutcomeAccepted},
		{"entries that have ended", stixBundle(5000, ""), stixBundle(5000, `,"valid_until":"2029-01-01T00:00:00Z"`), list.OutcomeRefused},
		{"entries that end in an hour", stixBundle(5000, ""), stixBundle(5000, `,"valid_until":"2030-01-01T01:00:00Z"`), list.OutcomeRefused},
		{"entries that end next year", stixBundle(5000, ""), stixBundle(5000, `,"valid_until":"2031-01-01T00:00:00Z"`), list.OutcomeAccepted},
		{"entries without an end", stixBundle(5000, `,"valid_until":"2030-01-02T00:00:00Z"`), stixBundle(5000, ""), list.OutcomeAccepted},
		{"the same names with less under them", names, numberedLines("0.0.0.0 bad%d.example\n", 5000), list.OutcomeRefused},
		{"the same names with more under them", numberedLines("0.0.0.0 bad%d.example\n", 5000), names, list.OutcomeAccepted},
		{"one name for many", numberedLines("host%d.bad.example\n", 5000), "bad.example\n" + numberedLines("new%d.example\n", 4500), list.OutcomeAccepted},
		{"one name for all", numberedLines("host%d.bad.example\n", 5000), "bad.example\n", list.OutcomeRefused}, // far fewer entries
		{"one name for many, with exceptions", numberedLines("||host%d.bad.example^\n", 5000),
			"||bad.example^\n" + numberedLines("@@||host%d.bad.example^\n||new%[1]d.example^\n", 4900), list.OutcomeRefused},
		{"addresses are replaced", numberedLines("2001:db8::%x\n", 3000), numberedLines("2001:db8:1::%x\n", 3000), list.OutcomeRefused},
		{"a block for addresses", numberedLines("2001:db8::%x\n", 3000), "2001:db8::/48\n" + numberedLines("2001:db8:1::%x\n", 2500), list.OutcomeAccepted},
	} {
		w := newWorld()
		w.importList(t, "other", "evil.example\n")
		if got := w.importList(t, "x", test.first); got != list.OutcomeAccepted {
			t.Fatalf("%s: the first list is %s for %q", test.name, got, w.state["x"].Last.Reason)
		}
		serving := w.served(t)
		got := w.importList(t, "x", test.second)
		if got != test.want {
			t.Errorf("%s: %s for %q, want %s", test.name, got, w.state["x"].Last.Reason, test.want)
		}
		if got == list.OutcomeRefused && (w.served(t) != serving || w.state["x"].Last.Reason != "shrink") {
			t.Errorf("%s: refused for %q; the previous list serves: %v", test.name, w.state["x"].Last.Reason, w.served(t) == serving)
		}
	}
}

// Steps that are small enough one by one add up within a week.
func TestImporter_refusesSlowSlide(t *testing.T) {
	t.Parallel()
	const start = 10_000
	slide := func(w *world, every time.Duration, steps int) (refused int) {
		entries := start
		for step := range steps {
			w.pass(every)
			entries -= 900 // less than a tenth at first
			if w.importList(t, "x", numberedLines("bad%d.example\n", entries)) == list.OutcomeRefused {
				return step + 1
			}
		}
		return 0
	}

	for _, test := range []struct {
		every time.Duration
		want  int // the step that is refused; 0 if none is
	}{
		{time.Hour, 3},
		{24 * time.Hour, 3},
		{3 * 24 * time.Hour, 3},
		{9 * 24 * time.Hour, 0},
	} {
		w := newWorld()
		w.importList(t, "x", numberedLines("bad%d.example\n", start))
		if got := slide(w, test.every, 4); got != test.want {
			t.Errorf("a step every %v: step %d is refused, want %d", test.every, got, test.want)
		}
	}
}

// Names that are replaced little by little do not get around the guards either.
func TestImporter_refusesSlowReplacement(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		every time.Duration
		share int // of the names that each list replaces, in percent
		want  int // the step that is refused; 0 if none is
	}{
		{time.Hour, 19, 5},
		{24 * time.Hour, 19, 5},
		{36 * time.Hour, 19, 5},
		{24 * time.Hour, 9, 0}, // a list that changes fast
		{8 * 24 * time.Hour, 19, 0},
	} {
		const length = 10_000
		names := func(first int) string {
			var b strings.Builder
			for i := first; i < first+length; i++ {
				fmt.Fprintf(&b, "bad%d.example\n", i)
			}
			return b.String()
		}
		w := newWorld()
		w.importList(t, "x", names(0))
		refused := 0
		for step := 1; step <= 9 && refused == 0; step++ {
			w.pass(test.every)
			w.handle(t, scheduled())
			if w.importList(t, "x", names(step*test.share*length/100)) == list.OutcomeRefused {
				refused = step
			}
		}
		if refused != test.want {
			t.Errorf("%d %% every %v: step %d is refused, want %d", test.share, test.every, refused, test.want)
		}
	}
}

// A reason accepts the loss once. Later lists are compared with the rest.
func TestImporter_forceResetsHighWater(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.importList(t, "x", numberedLines("bad%d.example\n", 10_000))
	const left = 3000
	if got := w.importList(t, "x", numberedLines("bad%d.example\n", left)); got != list.OutcomeRefused {
		t.Fatalf("70 %% are gone: %s", got)
	}
	forced := keys("feeds/x/list.txt")
	forced[0].Force = "the feed was split"
	w.handle(t, forced...)
	if got := w.state["x"].Last.Outcome; got != list.OutcomeForced {
		t.Fatalf("with a reason: %s", got)
	}
	if got := w.importList(t, "x", numberedLines("bad%d.example\n", left+10)); got != list.OutcomeAccepted {
		t.Errorf("the next list: %s for %q", got, w.state["x"].Last.Reason)
	}
}

// If only the settings of a feed change, its publisher removed nothing, so the entries need not be
// the same.
func TestImporter_comparesOtherSettingsByCount(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.importList(t, "x", numberedLines("www.bad%d.example\n", 5000))
	for _, settings := range []string{`{"scope":"name"}`, `{"registrable":true}`, `{"scope":"subtree"}`} {
		w.parameters["x"] = settings
		w.handle(t, keys("feeds/x/list.txt")...)
		if row := w.state["x"]; row.Last.Outcome != list.OutcomeAccepted {
			t.Errorf("%s: %s for %q", settings, row.Last.Outcome, row.Last.Reason)
		}
	}
}

// A list that was accepted by an earlier release, without a high-water mark, is compared by its
// entries, and from then on also with the mark.
func TestImporter_startsHighWater(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.importList(t, "x", numberedLines("bad%d.example\n", 10_000))
	row := w.state["x"]
	row.High = table.HighWater{}
	w.state["x"] = row
	for step, entries := range []int{8_500, 8_001, 7_400} {
		want := list.OutcomeAccepted
		if entries < 8_000 {
			want = list.OutcomeRefused
		}
		if got := w.importList(t, "x", numberedLines("bad%d.example\n", entries)); got != want {
			t.Errorf("step %d: %s, want %s", step, got, want)
		}
	}
}

// If the accepted list is lost, its number of entries is still known.
func TestImporter_comparesWithLostList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		entries int
		want    list.Outcome
	}{{4_500, list.OutcomeAccepted}, {3_000, list.OutcomeRefused}} {
		w := newWorld()
		w.importList(t, "x", numberedLines("bad%d.example\n", 5000))
		delete(w.objects, w.state["x"].Accepted.Snapshot)
		w.put("feeds/x/list.txt", numberedLines("bad%d.example\n", test.entries))
		_ = w.process().importer(t).Handle(context.Background(), keys("feeds/x/list.txt")...) // a lost list can be an error
		if got := w.state["x"].Last.Outcome; got != test.want {
			t.Errorf("%d entries: %s, want %s", test.entries, got, test.want)
		}
	}
}

// Reports say what has changed.
func TestImporter_reportsChange(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.importList(t, "x", "a.example\nb.example\nc.example\n192.0.2.0/24\n")
	w.importList(t, "x", "a.example\nb.example\nd.example\n192.0.2.0/24\n")
	row := w.state[indicator.FeedID("x")]
	text := string(w.objects[list.ReportKey("x", row.Last.Version)+".txt"])
	for _, want := range []string{"in effect 4 (before: 4): 3 kept, 1 gone, 1 new", "reach     256 IPv4 addresses"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	if t.Failed() {
		t.Log(fmt.Sprint(row))
	}
}
