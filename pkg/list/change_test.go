package list

// These tests are in the package because no list format has all scopes, ends and exceptions.

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// changeTime is when the lists of these tests are compared.
var changeTime = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// readLines makes a list of entries that are written as "value" or "value,days", where days is
// when the entry ends. An exception begins with !, then = means that an entry matches one name
// and * that it matches the names under it.
func readLines(t testing.TB, kind indicator.Action, lines ...string) *List {
	t.Helper()
	b := newBuilder(0)
	for _, line := range lines {
		value, days, ends := strings.Cut(line, ",")
		entry := indicator.Indicator{Scope: indicator.ScopeSubtree, Action: kind, Severity: indicator.SeverityHigh}
		if rest, found := strings.CutPrefix(value, "!"); found {
			value, entry.Action = rest, indicator.ActionAllow
		}
		if rest, found := strings.CutPrefix(value, "="); found {
			value, entry.Scope = rest, indicator.ScopeName
		} else if rest, found := strings.CutPrefix(value, "*"); found {
			value, entry.Scope = rest, indicator.ScopeUnder
		}
		if _, err := indicator.ParseBlock(value); err == nil {
			entry.Scope = indicator.ScopeCIDR
		}
		if ends {
			var n int
			if _, err := fmt.Sscan(days, &n); err != nil {
				t.Fatal(err)
			}
			entry.ExpiresAt = changeTime.Add(time.Duration(n) * 24 * time.Hour)
		}
		if err := entry.SetValue(value); err != nil {
			t.Fatal(err)
		}
		if err := b.add(&entry); err != nil {
			t.Fatal(err)
		}
	}
	l, _ := b.build()
	return &l
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		before, after string
		want          string // before, now, kept, gone, new
	}{
		{"the same", "a.example b.example", "a.example b.example", "2 2 2 0 0"},
		{"one more", "a.example", "a.example b.example", "1 2 1 0 1"},
		{"one less", "a.example b.example", "b.example", "2 1 1 1 0"},
		{"others", "a.example b.example", "c.example d.example", "2 2 0 2 2"},
		{"exceptions", "a.example b.example", "!a.example !b.example", "2 0 0 2 0"},
		{"entries and their exceptions", "a.example b.example", "a.example !a.example b.example !b.example", "2 0 0 2 0"},
		{"an exception for the name alone", "a.example", "a.example !=a.example", "1 1 0 1 0"},
		{"an exception that matches less", "=a.example", "=a.example !*a.example", "1 1 1 0 0"},
		{"an exception above", "b.a.example", "b.a.example !a.example", "1 1 1 0 0"}, // it is less specific
		{"exceptions before", "a.example !a.example", "b.example", "0 1 0 0 1"},
		{"entries that have ended", "a.example b.example,9", "a.example,0 b.example,-9", "2 0 0 2 0"},
		{"entries had ended", "a.example b.example,0 c.example,-9", "a.example", "1 1 1 0 0"},
		{"entries end soon", "a.example", "a.example,1", "1 1 0 1 0"},
		{"entries end later", "a.example", "a.example,30", "1 1 1 0 0"},
		{"entries last longer than before", "a.example,1", "a.example,2", "1 1 1 0 0"},
		{"entries end as before", "a.example,1", "a.example,1", "1 1 1 0 0"},
		{"entries end sooner than before", "a.example,3", "a.example,2", "1 1 0 1 0"},
		{"an exception that has ended", "a.example", "a.example !a.example,-1", "1 1 1 0 0"},
		{"a wider scope", "=a.example", "a.example", "1 1 1 0 0"},
		{"a narrower scope", "a.example", "=a.example", "1 1 0 1 0"},
		{"another scope", "*a.example", "=a.example", "1 1 0 1 1"},
		{"two scopes for one", "a.example", "=a.example *a.example", "1 2 1 0 0"},
		{"an entry above", "b.a.example c.a.example", "a.example", "2 1 2 0 1"},
		{"an entry above that matches one name", "b.a.example", "=a.example", "1 1 0 1 1"},
		{"an entry above with an exception", "b.a.example c.a.example", "a.example !b.a.example", "2 1 1 1 1"},
		{"an exception between", "c.b.a.example", "a.example !b.a.example", "1 1 0 1 1"},
		{"an entry above that ends", "b.a.example", "a.example,1", "1 1 0 1 1"},
		{"addresses", "192.0.2.1 192.0.2.2", "192.0.2.2", "2 1 1 1 0"},
		{"a block for addresses", "192.0.2.1 192.0.2.2 198.51.100.1 2001:db8::1", "192.0.2.0/24 2001:db8::/48", "4 2 3 1 2"},
		{"a part of a block", "192.0.2.0/24", "192.0.2.0/25", "1 1 0 1 1"},
		{"all addresses for a block", "192.0.2.0/24", "0.0.0.0/0", "1 1 1 0 1"},
		{"an exception between blocks", "192.0.2.1", "192.0.2.0/24 !192.0.2.0/25", "1 1 0 1 1"},
		{"an exception for a block", "192.0.2.0/24", "192.0.2.0/24 !192.0.2.0/24", "1 0 0 1 0"},
		{"the order of values", "10.example 9.example a-b.example a.example", "9.example a.example", "4 2 2 2 0"},
		{"nothing before", "", "a.example", "0 1 0 0 1"},
		{"nothing after", "a.example", "", "1 0 0 1 0"},
	} {
		before := readLines(t, indicator.ActionBlock, strings.Fields(test.before)...)
		after := readLines(t, indicator.ActionBlock, strings.Fields(test.after)...)
		c := Compare(before, after, indicator.ActionBlock, changeTime)
		if got := fmt.Sprint(c.Before, c.Now, c.Kept, c.Gone, c.New); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if c.Accepted != before.Len() || c.Entries != after.Len() {
			t.Errorf("%s: %d and %d entries, want %d and %d", test.name, c.Accepted, c.Entries, before.Len(), after.Len())
		}
	}
}

// The entries of an allow feed are those that allow.
func TestCompare_allowFeed(t *testing.T) {
	t.Parallel()
	before := readLines(t, indicator.ActionAllow, "a.example", "b.example", "c.example")
	after := readLines(t, indicator.ActionAllow, "b.example", "d.example,-1")
	c := Compare(before, after, indicator.ActionAllow, changeTime)
	if got, want := fmt.Sprint(c.Before, c.Now, c.Kept, c.Gone, c.New), "3 1 1 2 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	blocks := readLines(t, indicator.ActionBlock, "a.example", "b.example", "c.example")
	c = Compare(before, blocks, indicator.ActionAllow, changeTime)
	if c.Gone != 3 {
		t.Errorf("an allow list became a block list: %d are gone, want 3", c.Gone)
	}
}

// matches is a slow and independent model: what a list does with a name or an address. The
// deepest block entry counts unless an exception is at least as deep.
func matches(entries []*indicator.Indicator, observed string, now time.Time) bool {
	deepest, vetoed := -1, -1
	address, err := netip.ParseAddr(observed)
	for _, e := range entries {
		depth := -1
		switch {
		case !e.ExpiresAt.IsZero() && !e.ExpiresAt.After(now):
		case e.Scope == indicator.ScopeCIDR:
			if err == nil && e.Block.Contains(address) {
				depth = e.Block.Bits()
			}
		case err == nil:
		case e.Name.String() == observed && e.Scope.Covers(0), strings.HasSuffix(observed, "."+e.Name.String()) && e.Scope.Covers(1):
			depth = 1 + strings.Count(e.Name.String(), ".")
		}
		if e.Action == indicator.ActionAllow {
			vetoed = max(vetoed, depth)
		} else {
			deepest = max(deepest, depth)
		}
	}
	return deepest > vetoed
}

func copied(l *List) (entries []*indicator.Indicator) {
	for e := range l.All() {
		entry := *e
		entries = append(entries, &entry)
	}
	return entries
}

// An entry counts as kept if the new list matches everything that the entry matches by itself.
func TestCompare_likeMatching(t *testing.T) {
	t.Parallel()
	values := []string{"a.example", "b.a.example", "c.b.a.example", "d.a.example", "e.example", "192.0.2.1", "192.0.2.0/25", "192.0.2.0/24", "192.0.2.200"}
	line := rapid.Custom(func(t *rapid.T) string {
		value := rapid.SampledFrom(values).Draw(t, "value")
		if value[0] > '9' {
			value = rapid.SampledFrom([]string{"", "=", "*"}).Draw(t, "scope") + value
		}
		value = rapid.SampledFrom([]string{"", "", "!"}).Draw(t, "action") + value
		return value + rapid.SampledFrom([]string{"", "", ",-1", ",30"}).Draw(t, "end")
	})
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(line, 0, 8)
		before := readLines(t, indicator.ActionBlock, lines.Draw(rt, "before")...)
		after := readLines(t, indicator.ActionBlock, lines.Draw(rt, "after")...)
		old, latest := copied(before), copied(after)

		var want Change
		for _, e := range old {
			value := e.Value()
			alone := []*indicator.Indicator{e}
			for _, other := range old {
				if other.Action == indicator.ActionAllow && other.Value() == value {
					alone = append(alone, other)
				}
			}
			var observed []string // what the entry matches in spite of exceptions
			candidates := []string{value, "x." + value}
			if e.Scope == indicator.ScopeCIDR {
				candidates = []string{e.Block.Addr().String()}
			}
			for _, o := range candidates {
				if matches(alone, o, changeTime) {
					observed = append(observed, o)
				}
			}
			if e.Action != indicator.ActionBlock || len(observed) == 0 {
				continue
			}
			want.Before++
			// Exceptions that are deeper than the entry do not make it go.
			relevant := slices.DeleteFunc(slices.Clone(latest), func(n *indicator.Indicator) bool {
				return isDeeper(n, e)
			})
			if slices.ContainsFunc(observed, func(o string) bool { return !matches(relevant, o, changeTime) }) {
				want.Gone++
			} else {
				want.Kept++
			}
		}
		got := Compare(before, after, indicator.ActionBlock, changeTime)
		got.Accepted, got.Entries, got.Now, got.New = 0, 0, 0, 0
		if diff := gocmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// isDeeper reports whether n lies under e.
func isDeeper(n, e *indicator.Indicator) bool {
	if n.Scope == indicator.ScopeCIDR || e.Scope == indicator.ScopeCIDR {
		return n.Scope == e.Scope && n.Block.Bits() > e.Block.Bits()
	}
	return strings.HasSuffix(n.Name.String(), "."+e.Name.String())
}

func TestGuards_Compare_entries(t *testing.T) {
	t.Parallel()
	guards := Guards{Guards: settings.DefaultGuards()}
	for _, test := range []struct {
		name string
		in   Change
		want string
	}{
		{"the first list", Change{Entries: 100_000, Now: 100_000, New: 100_000}, ""},
		{"an ordinary day", Change{Accepted: 20_000, Entries: 20_200, Before: 20_000, Now: 20_200, Kept: 19_500, Gone: 500, New: 700}, ""},
		{"a fifth is replaced", Change{Accepted: 20_000, Entries: 20_000, Before: 20_000, Now: 20_000, Kept: 16_000, Gone: 4_000, New: 4_000}, ""},
		{"more than a fifth is replaced", Change{Accepted: 20_000, Entries: 20_000, Before: 20_000, Now: 20_000, Kept: 15_999, Gone: 4_001, New: 4_001}, "shrink"},
		{"most had ended", Change{Accepted: 20_000, Entries: 5_000, Before: 5_000, Now: 5_000, Kept: 5_000}, ""},
		{"a short list is replaced", Change{Accepted: 1_000, Entries: 1_000, Before: 1_000, Now: 1_000, Gone: 1_000, New: 1_000}, ""},
		{"a slow slide", Change{Accepted: 18_000, Entries: 15_900, Before: 18_000, Now: 15_900, Kept: 15_900, Gone: 2_100, Highest: 20_000}, "shrink"},
		{"a slow slide within the bound", Change{Accepted: 18_000, Entries: 16_000, Before: 18_000, Now: 16_000, Kept: 16_000, Gone: 2_000, Highest: 20_000}, ""},
		{"a slide that is steep too is refused once", Change{Accepted: 18_000, Entries: 900, Before: 18_000, Now: 900, Kept: 900, Gone: 17_100, Highest: 20_000}, "shrink"},
		{"growth of exceptions", Change{Accepted: 10_000, Entries: 20_001, Before: 10_000, Now: 10_000, Kept: 10_000}, "growth"},
	} {
		refusals := guards.Compare(test.in)
		if got := refusals.Codes(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestChange_ByCount(t *testing.T) {
	t.Parallel()
	c := Change{Accepted: 10, Entries: 9, Before: 8, Now: 7, Kept: 1, Gone: 7, New: 6, Highest: 12}.ByCount()
	if diff := gocmp.Diff(Change{Accepted: 10, Entries: 9, Before: 8, Now: 7, Kept: 7, Gone: 1, Highest: 12}, c); diff != "" {
		t.Error(diff)
	}
}
