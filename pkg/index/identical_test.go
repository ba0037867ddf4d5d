package index_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// slowly builds the index of entries with the oracle.
func slowly(t testing.TB, entries []fed) []byte {
	t.Helper()
	var slow []index.SlowEntry
	for _, e := range entries {
		slow = append(slow, index.SlowEntry{Feed: e.feed, Indicator: e.Indicator})
	}
	return must(index.SlowBuild(slow, index.Options{Generation: 7, Seed: seed}))(t)
}

// compareWithOracle builds an index in all ways and compares it with that of the oracle.
func compareWithOracle(t testing.TB, entries []fed) {
	t.Helper()
	want := slowly(t, entries)
	if got := build(t, entries); !bytes.Equal(got, want) {
		t.Fatalf("the builder and the oracle give different bytes:\n%q\n%q", got, want)
	}
	if got := buildByFeed(t, entries); !bytes.Equal(got, want) {
		t.Fatalf("feed by feed, the builder and the oracle give different bytes:\n%q\n%q", got, want)
	}
}

// buildByFeed builds an index from entries that are sorted feed by feed, as the command does. Of
// each second feed, the names are taken back and added in another way.
func buildByFeed(t testing.TB, entries []fed) []byte {
	t.Helper()
	feeds := map[indicator.FeedID][]fed{}
	for _, e := range entries {
		feeds[e.feed] = append(feeds[e.feed], e)
	}
	b := index.NewBuilder()
	for number, feed := range slices.Sorted(maps.Keys(feeds)) {
		b.Feed(feed, vetoesAll(feed))
		names := must(b.FeedNames(feed))(t)
		keys := map[indicator.Key]bool{}
		for _, e := range feeds[feed] {
			if !e.Block.IsValid() {
				keys[e.Key()] = true
				check(t, names.Add(&e.Indicator))
			}
		}
		var taken []indicator.Indicator
		if len(feeds)%2 == number%2 {
			check(t, names.TakeBack(func(i *indicator.Indicator) error {
				taken = append(taken, *i)
				return nil
			}))
			clear(keys)
		}
		if got := must(names.Sort())(t); got != len(keys) {
			t.Errorf("feed %s has %d entries on names, want %d", feed, got, len(keys))
		}
		for i := range taken {
			check(t, b.Add(feed, &taken[i]))
		}
		for _, e := range feeds[feed] {
			if e.Block.IsValid() {
				check(t, b.Add(feed, &e.Indicator))
			}
		}
	}
	return must(b.Build(index.Options{Generation: 7, Seed: seed}))(t)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBuilder_Build_asTheOracle(t *testing.T) {
	t.Parallel()
	compareWithOracle(t, nil)
	compareWithOracle(t, small(t))
	for size := range 40 {
		compareWithOracle(t, randomEntries(t, uint64(size), size*size))
	}
}

// manyEntries returns entries on names that share labels, as in real lists, more of them than
// two goroutines need to sort. Some names are listed by several feeds.
func manyEntries(t testing.TB, count int) (entries []fed) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	for i := range count {
		name := fmt.Sprintf("%c%x.%s", 'a'+rune(r.IntN(26)), r.IntN(count), []string{"example", "com", "co.test", "hosting-of-many.test"}[r.IntN(4)])
		if r.IntN(3) == 0 {
			name = strings.Repeat("www.", 1+r.IntN(3)) + name
		}
		entries = append(entries, parse(t, fmt.Sprintf("f%d block %s %s %s %d c%d", i%3,
			[]string{"name", "subtree", "under"}[r.IntN(3)], name, []string{"low", "high"}[r.IntN(2)], r.IntN(2), r.IntN(3))))
	}
	return entries
}

// The bytes of an index depend neither on the number of processors nor on the order of the
// entries.
func TestBuilder_Build_sameOnOneAndTwoProcessors(t *testing.T) { //nolint:paralleltest // it sets GOMAXPROCS
	entries := manyEntries(t, 90_000)
	want := slowly(t, entries)
	for round, processors := range []int{1, 2, 2} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			if got := build(t, entries); !bytes.Equal(got, want) {
				t.Errorf("order %d on %d processors: other bytes than those of the oracle", round, processors)
			}
		}()
		rand.New(rand.NewPCG(uint64(round), 2)).Shuffle(len(entries), func(i, j int) {
			entries[i], entries[j] = entries[j], entries[i]
		})
	}
}

// FuzzBuilder compares the builder with the oracle. Each line is an entry: a feed, an action, a
// scope, a severity and a category as digits, then a name or a block.
func FuzzBuilder(f *testing.F) {
	f.Add("00011 evil.example\n00021 evil.example\n11211 www.evil.example\n20012 example")
	f.Add("0 a.b.c.d.test\n1 b.c.d.test\n0 d.test\n0 xd.test\n0 test\n0 192.0.2.0/24\n1 2001:db8::/32")
	f.Fuzz(func(t *testing.T, text string) {
		var entries []fed
		for line := range strings.Lines(text) {
			fields := strings.Fields(line)
			if len(fields) != 2 {
				continue
			}
			digit := func(i, below int) int {
				if i >= len(fields[0]) {
					return 0
				}
				return int(fields[0][i]) % below
			}
			e := fed{feed: []indicator.FeedID{"a", "b", "allow", "c"}[digit(0, 4)]}
			e.Action = []indicator.Action{indicator.ActionBlock, indicator.ActionAllow}[digit(1, 2)]
			e.Scope = []indicator.Scope{indicator.ScopeSubtree, indicator.ScopeName, indicator.ScopeUnder, indicator.ScopeCIDR}[digit(2, 4)]
			e.Severity = indicator.Severity(1 + digit(3, 4))
			e.Confidence = indicator.Confidence(digit(4, 3))
			e.Category = []indicator.Category{"", "bot", "adware"}[digit(4, 3)]
			if strings.ContainsAny(fields[1], "/:") {
				e.Scope = indicator.ScopeCIDR
			}
			if e.SetValue(fields[1]) != nil {
				continue
			}
			entries = append(entries, e)
		}
		compareWithOracle(t, entries)
	})
}
