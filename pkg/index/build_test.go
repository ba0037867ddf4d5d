package index_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// randomEntries returns entries of a [world], many of them repeated.
func randomEntries(t testing.TB, number uint64, size int) (entries []fed) {
	t.Helper()
	w := world{rand.New(rand.NewPCG(number, 1))}
	for range size {
		entries = append(entries, w.entry(t))
	}
	return entries
}

func TestBuilder_Build_orderDoesNotMatter(t *testing.T) {
	t.Parallel()
	entries := randomEntries(t, 1, 400)
	want := build(t, entries)
	for number := range uint64(10) {
		rand.New(rand.NewPCG(number, 2)).Shuffle(len(entries), func(i, j int) {
			entries[i], entries[j] = entries[j], entries[i]
		})
		if !bytes.Equal(build(t, entries), want) {
			t.Fatalf("order %d gives different bytes", number)
		}
	}
}

func TestBuilder_Build_repeatsDoNotMatter(t *testing.T) {
	t.Parallel()
	entries := small(t)
	if !bytes.Equal(build(t, slices.Concat(entries, entries, entries)), build(t, entries)) {
		t.Error("repeated entries give different bytes")
	}
}

// The content hash covers everything except generation, seed and time.
func TestInfo_ContentHash(t *testing.T) {
	t.Parallel()
	base := parseAll(t, "a block subtree evil.example medium 50 malware", "b block subtree evil.example")
	same := func(o index.Options) string {
		return open(t, must(newBuilder(t, base).Build(o))(t)).Info().ContentHash
	}
	want := same(index.Options{Seed: 1})
	for _, o := range []index.Options{
		{Seed: 2}, {Seed: 1, Generation: 9}, {}, {Seed: 1, BuiltAt: time.Unix(1, 0)},
	} {
		if got := same(o); got != want {
			t.Errorf("%+v gives a different content hash", o)
		}
	}
	seen := map[string]string{want: "the base"}
	for _, other := range []string{
		"c block subtree evil.example", "a block name evil.example", "a allow subtree evil.example",
		"a block subtree evil.example high 50", "a block subtree evil.example medium 51",
		"a block subtree evil.example medium 50 bot", "a block subtree x.evil.example", "a block cidr 192.0.2.1/32",
		"a block cidr 192.0.2.1/31", "allow allow name fine.example",
	} {
		hash := open(t, build(t, append(slices.Clone(base), parse(t, other)))).Info().ContentHash
		if first, known := seen[hash]; known {
			t.Errorf("%s has the content hash of %s", other, first)
		}
		seen[hash] = other
	}
	b := newBuilder(t, base)
	b.Feed("b", true)
	if hash := open(t, must(b.Build(index.Options{Seed: 1}))(t)).Info().ContentHash; hash == want {
		t.Error("the content hash does not cover whether a feed vetoes all")
	}
}

// Entries that were merged away must not change the content hash.
func TestInfo_ContentHash_afterMerge(t *testing.T) {
	t.Parallel()
	merged := parseAll(t, "a block subtree evil.example high 50 bot", "a block subtree evil.example low 50 adware")
	if got, want := open(t, build(t, merged)).Info().ContentHash, open(t, build(t, merged[:1])).Info().ContentHash; got != want {
		t.Error("a repeat that changes nothing gives a different content hash")
	}
}

func TestBuilder_mergesLikeIndicators(outer *testing.T) {
	outer.Parallel()
	rapid.Check(outer, func(t *rapid.T) {
		name := parse(outer, "a block subtree evil.example").Name
		b := index.NewBuilder()
		b.Feed("a", false)
		var want *indicator.Indicator
		for range rapid.IntRange(1, 6).Draw(t, "repeats") {
			i := indicator.Indicator{
				Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock,
				Severity:   indicator.Severity(rapid.IntRange(1, 4).Draw(t, "severity")),
				Confidence: indicator.Confidence(rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "confidence")),
				Category:   indicator.Category(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "category")),
			}
			if err := b.Add("a", &i); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = &i
			} else {
				want.Merge(&i)
			}
		}
		file, err := b.Build(index.Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		x, err := index.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		for stored, err := range x.All() {
			if err != nil || stored.Indicator != *want {
				t.Fatalf("got %+v, %v, want %+v", stored.Indicator, err, *want)
			}
		}
	})
}

// A builder that adds all entries of an index builds the same index.
func TestIndex_All_roundTrip(t *testing.T) {
	t.Parallel()
	for size := range 60 {
		file := build(t, randomEntries(t, uint64(size), 5*size))
		x := open(t, file)
		b := index.NewBuilder()
		for _, f := range x.Info().Feeds {
			b.Feed(f.ID, f.VetoesAll)
		}
		for stored, err := range x.All() {
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Add(stored.Feed, &stored.Indicator); err != nil {
				t.Fatal(err)
			}
		}
		again := must(b.Build(index.Options{Generation: 7, Seed: seed}))(t)
		if !bytes.Equal(file, again) {
			t.Errorf("an index of %d entries is different after a round trip", 5*size)
		}
	}
}

func TestIndex_All(t *testing.T) {
	t.Parallel()
	x := open(t, build(t, parseAll(t,
		"b block subtree x.evil.example", "a block subtree evil.example", "a block name evil-x.example",
		"b block cidr 2001:db8::/32", "a block cidr 192.0.2.9/32", "a block cidr 192.0.2.0/24",
		"b allow name evil.example", "a block name evil.example", "a block name example",
	)))
	var got []string
	for stored, err := range x.All() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Join([]string{
			string(stored.Feed), stored.Action.String(), stored.Scope.String(), stored.Value()}, " "))
	}
	want := []string{ // a name directly before the names under it
		"a block name example", "a block name evil.example", "a block subtree evil.example",
		"b allow name evil.example", "b block subtree x.evil.example", "a block name evil-x.example",
		"a block cidr 192.0.2.0/24", "a block cidr 192.0.2.9", "b block cidr 2001:db8::/32",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for range x.All() {
		break // stopping early must not panic
	}
}

func TestIndex_Info(t *testing.T) {
	t.Parallel()
	builtAt := time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)
	b := newBuilder(t, small(t))
	b.Feed("empty", false)
	file := must(b.Build(index.Options{Generation: 12, Seed: 99, BuiltAt: builtAt}))(t)
	info := open(t, file).Info()
	if info.FormatVersion != 1 || info.Generation != 12 || info.Seed != 99 || !info.BuiltAt.Equal(builtAt) {
		t.Errorf("got %+v", info)
	}
	if info.Names != 6 || info.Addresses != 2 || info.Bytes != len(file) || len(info.Checksum) != 32 {
		t.Errorf("got %d names, %d addresses, %d bytes, checksum %s", info.Names, info.Addresses, info.Bytes, info.Checksum)
	}
	feeds := []index.FeedInfo{
		{ID: "a", Names: 2, Addresses: 1, Reach: reach.Reach{IPv4: 256}}, {ID: "allow", VetoesAll: true, Names: 1},
		{ID: "b", Names: 3, Addresses: 1, Reach: reach.Reach{IPv6: 1}}, {ID: "empty"},
	}
	if !slices.Equal(info.Feeds, feeds) {
		t.Errorf("got feeds %+v, want %+v", info.Feeds, feeds)
	}
	if !open(t, build(t, nil)).Info().BuiltAt.IsZero() {
		t.Error("an unset build time is not zero")
	}
}

func TestBuilder_Build_randomSeed(t *testing.T) {
	t.Parallel()
	seeds := map[uint64]bool{0: true}
	for range 3 {
		info := open(t, must(newBuilder(t, small(t)).Build(index.Options{}))(t)).Info()
		if seeds[info.Seed] {
			t.Errorf("seed %d is repeated", info.Seed)
		}
		seeds[info.Seed] = true
	}
}

func TestBuilder_Add_errors(t *testing.T) {
	t.Parallel()
	name := parse(t, "a block subtree evil.example").Indicator
	block := parse(t, "a block cidr 192.0.2.0/24").Indicator
	tests := []struct {
		name   string
		feed   indicator.FeedID
		change func(i *indicator.Indicator)
		base   indicator.Indicator
		want   string
	}{
		{"undeclared feed", "b", func(*indicator.Indicator) {}, name, `feed "b" is not declared`},
		{"no name", "a", func(i *indicator.Indicator) { i.Name = domainname.Name{} }, name, "either a name or a block"},
		{"both", "a", func(i *indicator.Indicator) { i.Block = netip.MustParsePrefix("192.0.2.0/24") }, name, "either a name or a block"},
		{"cidr name", "a", func(i *indicator.Indicator) { i.Scope = indicator.ScopeCIDR }, name, "have scope cidr"},
		{"named block", "a", func(i *indicator.Indicator) { i.Scope = indicator.ScopeSubtree }, block, "have scope cidr"},
		{"no scope", "a", func(i *indicator.Indicator) { i.Scope = 0 }, name, "is invalid"},
		{"unknown scope", "a", func(i *indicator.Indicator) { i.Scope = 17 }, name, "is invalid"},
		{"no action", "a", func(i *indicator.Indicator) { i.Action = 0 }, name, "is invalid"},
		{"unknown action", "a", func(i *indicator.Indicator) { i.Action = 18 }, name, "is invalid"},
		{"no severity", "a", func(i *indicator.Indicator) { i.Severity = 0 }, name, "is invalid"},
		{"unknown severity", "a", func(i *indicator.Indicator) { i.Severity = 20 }, name, "is invalid"},
		{"confidence over 100", "a", func(i *indicator.Indicator) { i.Confidence = 101 }, name, "is invalid"},
		{"long category", "a", func(i *indicator.Indicator) {
			i.Category = indicator.Category(strings.Repeat("x", 256))
		}, name, "longer than"},
	}
	for _, test := range tests {
		b := index.NewBuilder()
		b.Feed("a", false)
		entry := test.base
		test.change(&entry)
		if err := b.Add(test.feed, &entry); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestBuilder_Build_errors(t *testing.T) {
	t.Parallel()
	b := index.NewBuilder()
	b.Feed("Not A Feed", false)
	if _, err := b.Build(index.Options{}); err == nil || !strings.Contains(err.Error(), "Not A Feed") {
		t.Errorf("got %v, want an error about the feed id", err)
	}
	b = newBuilder(t, small(t))
	if _, err := b.Build(index.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(index.Options{}); !errors.Is(err, index.ErrBuilt) {
		t.Errorf("second build: got %v, want ErrBuilt", err)
	}
	if err := b.Add("a", &small(t)[0].Indicator); !errors.Is(err, index.ErrBuilt) {
		t.Errorf("adding after the build: got %v, want ErrBuilt", err)
	}
}
