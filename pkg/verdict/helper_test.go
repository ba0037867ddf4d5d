package verdict_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// generation is the generation of every index in these tests.
const generation = 7

// newIndex builds an index from entries in the form
//
//	feed action scope name-or-block [category severity confidence]
//
// A feed whose id starts with "allow" vetoes every feed.
func newIndex(t testing.TB, entries ...string) *index.Index {
	t.Helper()
	b := index.NewBuilder()
	for _, text := range entries {
		fields := append(strings.Fields(text), "malware", "medium", "50")
		feed := indicator.FeedID(fields[0])
		b.Feed(feed, strings.HasPrefix(fields[0], "allow"))
		entry, err := parseEntry(fields)
		if err != nil {
			t.Fatalf("entry %q: %v", text, err)
		}
		if err := b.Add(feed, entry); err != nil {
			t.Fatal(err)
		}
	}
	data, err := b.Build(index.Options{Generation: generation, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func parseEntry(fields []string) (*indicator.Indicator, error) {
	i := &indicator.Indicator{Category: indicator.NewCategory(fields[4])}
	var err error
	if i.Action, err = indicator.ParseAction(fields[1]); err != nil {
		return nil, err
	}
	if i.Severity, err = indicator.ParseSeverity(fields[5]); err != nil {
		return nil, err
	}
	if i.Confidence, err = indicator.ParseConfidence(fields[6]); err != nil {
		return nil, err
	}
	if i.Scope, err = indicator.ParseAnyScope(fields[2]); err != nil {
		return nil, err
	}
	err = i.SetValue(fields[3])
	return i, err
}

// quote returns text as a JSON string.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text) + `"`
}
