package index_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

func TestIndex_SelfCheck(t *testing.T) {
	t.Parallel()
	for size := range 40 {
		entries := randomEntries(t, uint64(size), size*size)
		x := open(t, build(t, entries))
		for _, samples := range []int{0, 1, 10, 1 << 20} {
			if err := selfCheck(x, entries, samples, "canary.invalid"); err != nil {
				t.Errorf("%d entries, %d samples: %v", size*size, samples, err)
			}
		}
	}
}

func TestIndex_SelfCheck_canaries(t *testing.T) {
	t.Parallel()
	x := open(t, build(t, parseAll(t,
		"b block subtree example", "a block cidr 192.0.2.0/24", "c block subtree www.example",
		"a block name fine.test", "allow allow name fine.test",
	)))
	tests := []struct {
		canary, indicator string // without an indicator, the check must pass
		feeds             []indicator.FeedID
	}{
		{canary: "www.example", indicator: "www.example", feeds: []indicator.FeedID{"b", "c"}},
		{canary: "example", indicator: "example", feeds: []indicator.FeedID{"b"}},
		{canary: "192.0.2.7", indicator: "192.0.2.0/24", feeds: []indicator.FeedID{"a"}},
		{canary: "198.51.100.1"},
		{canary: "test"},
		{canary: "fine.test"}, // listed and vetoed
		{canary: "."},
	}
	for _, test := range tests {
		err := x.SelfCheck(10, reach.DefaultBounds(), test.canary)
		var canary *index.CanaryError
		switch {
		case test.indicator == "" && err != nil:
			t.Errorf("%s: %v", test.canary, err)
		case test.indicator != "" && (!errors.As(err, &canary) || canary.Canary != test.canary ||
			canary.Indicator != test.indicator || !slices.Equal(canary.Feeds, test.feeds)):
			t.Errorf("%s: got %v, want a match of %s in %v", test.canary, err, test.indicator, test.feeds)
		}
	}
	if err := x.SelfCheck(10, reach.DefaultBounds(), "no..name"); err == nil {
		t.Error("a canary that is not a name passes")
	}
}

// Open trusts the checksum for the names, but SelfCheck reads them: if a byte of the names
// is wrong and the checksum matches, SelfCheck must fail.
func TestIndex_SelfCheck_findsDamage(t *testing.T) {
	t.Parallel()
	file := build(t, parseAll(t, "a block subtree evil.example", "a block subtree worse.example"))
	for _, text := range []string{"evil", "worse"} {
		damaged := bytes.Clone(file)
		// Change the last occurrence, because the directory can contain the start of the name too.
		damaged[bytes.LastIndex(damaged, []byte(text))]--
		reseal(damaged)
		x := open(t, damaged)
		if err := x.SelfCheck(10, reach.DefaultBounds()); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%q changed: got %v, want ErrCorrupt", text, err)
		}
	}
}

// Canaries must not repeat: if a list could contain them, no reader would load an index any
// more.
func TestCanaries(t *testing.T) {
	t.Parallel()
	first, second := index.Canaries(), index.Canaries()
	for _, canary := range first {
		if _, err := domainname.Parse(canary); err != nil {
			t.Error(err)
		}
		if canary != "com" && slices.Contains(second, canary) {
			t.Errorf("%s is repeated", canary)
		}
	}
}
