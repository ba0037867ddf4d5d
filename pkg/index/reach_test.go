package index_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// reachOf measures the block entries of a feed on addresses, or of all feeds if feed is empty.
func reachOf(entries []fed, feed indicator.FeedID) reach.Reach {
	var set reach.Set
	for _, e := range entries {
		if e.Block.IsValid() && e.Action == indicator.ActionBlock && (feed == "" || e.feed == feed) {
			set.Add(e.Block)
		}
	}
	return set.Reach()
}

// reachesTooFar reports whether a feed or all feeds together exceed their bound.
func reachesTooFar(entries []fed) bool {
	return reachOf(entries, "").Exceeds(reach.DefaultBounds().Total) ||
		slices.ContainsFunc(entries, func(e fed) bool { return reachOf(entries, e.feed).Exceeds(reach.DefaultBounds().Feed) })
}

// selfCheck is SelfCheck for random entries. They often reach too far, which the check must
// report, and which is not an error of the caller.
func selfCheck(x *index.Index, entries []fed, samples int, canaries ...string) error {
	err := x.SelfCheck(samples, reach.DefaultBounds(), canaries...)
	var far *index.ReachError
	switch isFar := errors.As(err, &far); {
	case isFar != reachesTooFar(entries):
		return fmt.Errorf("reach of %v: SelfCheck returns %w", reachOf(entries, ""), err)
	case isFar:
		return nil
	default:
		return err
	}
}

// everyBlock returns entries for n blocks of 16 bits, from 11.0.0.0 on.
func everyBlock(t testing.TB, feed string, first, n int) (entries []fed) {
	t.Helper()
	for i := first; i < first+n; i++ {
		entries = append(entries, parse(t, fmt.Sprintf("%s block cidr %d.%d.0.0/16", feed, 11+i>>8, i&255)))
	}
	return entries
}

// An index whose blocks cover too much of the address space is refused by the check of the
// importer and by every reader, whatever the size of the blocks is.
func TestIndex_reachIsBounded(t *testing.T) {
	t.Parallel()
	var wide, twenty, many []fed
	for i := range 20 {
		twenty = append(twenty, everyBlock(t, fmt.Sprintf("f%d", i), 256*i, 256)...)
	}
	for i := range 33 {
		many = append(many, everyBlock(t, fmt.Sprintf("f%d", i), 256*i, 256)...)
	}
	for i := range 257 {
		wide = append(wide, parse(t, fmt.Sprintf("a block cidr 2600:%x::/32", i)))
	}
	for _, test := range []struct {
		name    string
		entries []fed
		feed    indicator.FeedID // whose bound is exceeded
		far     bool
	}{
		{name: "no addresses", entries: parseAll(t, "a block subtree evil.example")},
		{name: "some addresses", entries: small(t)},
		{name: "the bound of a feed", entries: everyBlock(t, "a", 0, 256)},
		{name: "an address more", entries: append(everyBlock(t, "a", 0, 256), parse(t, "a block cidr 192.0.2.1/32")), feed: "a", far: true},
		{name: "an address more in another feed", entries: append(everyBlock(t, "a", 0, 256), parse(t, "b block cidr 192.0.2.1/32"))},
		{name: "the same blocks in two feeds", entries: append(everyBlock(t, "a", 0, 256), everyBlock(t, "b", 0, 256)...)},
		{name: "private blocks", entries: parseAll(t, "a block cidr 10.0.0.0/8", "a block cidr fc00::/7")},
		{name: "IPv6", entries: wide, feed: "a", far: true},
		{name: "twenty feeds", entries: twenty},
		{name: "many feeds", entries: many, far: true},
		{name: "the Internet", entries: everyBlock(t, "a", 0, 200<<8), far: true},
	} {
		file := build(t, test.entries)
		x := open(t, file)
		info := x.Info()
		current := index.Current{Generation: info.Generation, Hash: info.Checksum, ContentHash: info.ContentHash}
		_, opening := current.Open(file, reach.DefaultBounds())
		for what, err := range map[string]error{"SelfCheck": x.SelfCheck(10, reach.DefaultBounds(), index.Canaries()...), "Open": opening} {
			var far *index.ReachError
			if errors.As(err, &far) != test.far || err != nil && !test.far || test.far && far.Feed != test.feed {
				t.Errorf("%s: %s: got %v, want too far: %v, feed %q", test.name, what, err, test.far, test.feed)
			}
		}
		if want := reachOf(test.entries, ""); info.Reach != want {
			t.Errorf("%s: the file says %v, want %v", test.name, info.Reach, want)
		}
		for _, feed := range info.Feeds {
			if want := reachOf(test.entries, feed.ID); feed.Reach != want {
				t.Errorf("%s: the file says %v about feed %s, want %v", test.name, feed.Reach, feed.ID, want)
			}
		}
	}
}

// Entries that veto do not count, and do not make room for others.
func TestIndex_reachOfAllowEntries(t *testing.T) {
	t.Parallel()
	x := open(t, build(t, parseAll(t, "a block cidr 192.0.2.0/24", "a allow cidr 192.0.2.0/25", "allow allow cidr 20.0.0.0/6")))
	if got, want := x.Info().Reach, (reach.Reach{IPv4: 256}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// sectionLengths is the offset of the lengths of sections in the documented header, and the
// number of sections of earlier writers.
const (
	sectionLengths  = 88
	earlierSections = 11
)

// withoutReach returns the file that an earlier writer would have made.
func withoutReach(file []byte) []byte {
	align := func(n int) int { return (n + 63) &^ 63 }
	lengths := file[sectionLengths:]
	end := 192
	for i := range earlierSections {
		end = align(end + int(binary.LittleEndian.Uint64(lengths[8*i:])))
	}
	earlier := append(bytes.Clone(file[:end]), make([]byte, 16)...)
	clear(earlier[sectionLengths+8*earlierSections:][:8])
	reseal(earlier)
	return earlier
}

// A reader opens files of the release before, which have no reach, and measures it itself.
func TestOpen_withoutReach(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		entries []fed
		far     bool
	}{
		"few":    {small(t), false},
		"a feed": {everyBlock(t, "a", 0, 300), false}, // no bound for a feed was known
		"all":    {everyBlock(t, "a", 0, 200<<8), true},
	} {
		file := withoutReach(build(t, test.entries))
		info := open(t, file).Info()
		current := index.Current{Generation: info.Generation, Hash: info.Checksum, ContentHash: info.ContentHash}
		_, err := current.Open(file, reach.DefaultBounds())
		var far *index.ReachError
		if errors.As(err, &far) != test.far || err != nil && !test.far {
			t.Errorf("%s: got %v, want too far: %v", name, err, test.far)
		}
		if info.Reach != (reach.Reach{}) {
			t.Errorf("%s: the reach is %v, want that it is unknown", name, info.Reach)
		}
	}
}

// The release before reads new files: it looks for eleven sections in order and ignores the
// rest. Everything that it reads has the bytes that its own writer would write.
func TestBuild_readableByReleaseBefore(t *testing.T) {
	t.Parallel()
	earlier := must(os.ReadFile(filepath.Join("testdata", "version1.rwx")))(t)
	file := must(os.ReadFile(filepath.Join("testdata", "version1-reach.rwx")))(t)
	if !bytes.Equal(withoutReach(file), earlier) {
		t.Error("without the reach, the file differs from that of the release before")
	}
	if diff := cmp.Diff(open(t, earlier).Info().ContentHash, open(t, file).Info().ContentHash); diff != "" {
		t.Errorf("the content has changed: %s", diff)
	}
}

// A file that says less than its blocks cover is corrupt.
func TestIndex_SelfCheck_wrongReach(t *testing.T) {
	t.Parallel()
	file := build(t, parseAll(t, "a block cidr 192.0.2.0/24"))
	section := len(file) - 16 - 64
	if got := binary.LittleEndian.Uint64(file[section:]); got != 256 {
		t.Fatalf("the section begins with %d, want the reach", got)
	}
	for _, at := range []int{section, section + 8, section + 16, section + 24} {
		changed := bytes.Clone(file)
		changed[at]++
		reseal(changed)
		if err := open(t, changed).SelfCheck(1, reach.DefaultBounds()); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("byte %d changed: got %v, want ErrCorrupt", at-section, err)
		}
	}
}

func TestBuilder_DropOverreach(t *testing.T) {
	t.Parallel()
	names := parseAll(t, "a block subtree evil.example", "a allow cidr 20.0.0.0/8", "b block cidr 192.0.2.0/24")
	many := slices.Clone(names)
	for i := range 33 {
		many = append(many, everyBlock(t, fmt.Sprintf("f%02d", i), 256*i, 255)...)
	}
	for _, test := range []struct {
		name    string
		entries []fed
		want    []indicator.FeedID
	}{
		{"within the bounds", append(everyBlock(t, "a", 0, 256), names...), nil},
		{"a feed", append(everyBlock(t, "a", 0, 257), names...), []indicator.FeedID{"a"}},
		{"the Internet", append(everyBlock(t, "a", 0, 200<<8), names...), []indicator.FeedID{"a"}},
		{"two feeds", slices.Concat(everyBlock(t, "a", 0, 257), everyBlock(t, "c", 0, 300), names), []indicator.FeedID{"a", "c"}},
		{"all feeds together", append(many, everyBlock(t, "f32", 33*256, 1)...), []indicator.FeedID{"f32"}},
	} {
		b := newBuilder(t, test.entries)
		var got []indicator.FeedID
		for _, over := range b.DropOverreach(reach.DefaultBounds()) {
			got = append(got, over.Feed)
			if over.Entries == 0 {
				t.Errorf("%s: nothing of feed %s is dropped", test.name, over.Feed)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
			continue
		}
		x := open(t, must(b.Build(index.Options{Seed: seed}))(t))
		if err := x.SelfCheck(1000, reach.DefaultBounds(), index.Canaries()...); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		var m index.Match
		if !x.Match(query(t, "www.evil.example"), &m) || !x.MatchAddr(netip.MustParseAddr("192.0.2.1"), &m) {
			t.Errorf("%s: entries of other kinds or feeds are gone", test.name)
		}
	}
}

// The bounds are those of the caller, in every place where an index is checked.
func TestIndex_reachOfOtherBounds(t *testing.T) {
	t.Parallel()
	entries := append(everyBlock(t, "a", 0, 257), everyBlock(t, "b", 300, 2)...)
	bounds := func(feed, total uint64) reach.Bounds {
		return reach.Bounds{Feed: reach.Reach{IPv4: feed << 16}, Total: reach.Reach{IPv4: total << 16}}
	}
	for _, test := range []struct {
		name   string
		bounds reach.Bounds
		far    bool
		feed   indicator.FeedID   // whose bound is exceeded
		drop   []indicator.FeedID // by the builder
	}{
		{"none", reach.NoBounds(), false, "", nil},
		{"the defaults", reach.DefaultBounds(), true, "a", []indicator.FeedID{"a"}},
		{"just enough", bounds(257, 259), false, "", nil},
		{"a feed too far", bounds(256, 259), true, "a", []indicator.FeedID{"a"}},
		{"two feeds too far", bounds(1, 259), true, "a", []indicator.FeedID{"a", "b"}},
		{"together too far", bounds(257, 258), true, "", []indicator.FeedID{"a"}},
		{"a total below the bound of a feed", bounds(1000, 258), true, "", []indicator.FeedID{"a"}},
		{"nothing is allowed", bounds(0, 0), true, "", []indicator.FeedID{"a", "b"}},
	} {
		file := build(t, entries)
		x := open(t, file)
		info := x.Info()
		current := index.Current{Generation: info.Generation, Hash: info.Checksum, ContentHash: info.ContentHash}
		_, opening := current.Open(file, test.bounds)
		for what, err := range map[string]error{"SelfCheck": x.SelfCheck(10, test.bounds), "Open": opening} {
			var far *index.ReachError
			if errors.As(err, &far) != test.far || err != nil && !test.far || test.far && far.Feed != test.feed {
				t.Errorf("%s: %s: got %v, want too far: %v, feed %q", test.name, what, err, test.far, test.feed)
			}
		}

		var dropped []indicator.FeedID
		b := newBuilder(t, entries)
		for _, over := range b.DropOverreach(test.bounds) {
			dropped = append(dropped, over.Feed)
		}
		if diff := cmp.Diff(test.drop, dropped); diff != "" {
			t.Errorf("%s: dropped: %s", test.name, diff)
		}
		if err := open(t, must(b.Build(index.Options{Seed: seed}))(t)).SelfCheck(10, test.bounds); err != nil {
			t.Errorf("%s: the index without them: %v", test.name, err)
		}
	}
}
