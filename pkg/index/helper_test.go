package index_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// seed keeps the test files the same in each run.
const seed = 42

// fed is an entry with its feed.
type fed struct {
	feed indicator.FeedID
	indicator.Indicator
}

// vetoesAll reports whether a test feed vetoes every feed.
func vetoesAll(feed indicator.FeedID) bool { return strings.HasPrefix(string(feed), "allow") }

// parse reads an entry written as
//
//	feed action scope name-or-block [severity confidence category]
//
// A feed whose id starts with "allow" vetoes every feed.
func parse(t testing.TB, text string) fed {
	t.Helper()
	fields := strings.Fields(text)
	if len(fields) == 4 {
		fields = append(fields, "medium", "50")
	}
	if len(fields) == 6 {
		fields = append(fields, "")
	}
	e := fed{feed: indicator.FeedID(fields[0])}
	e.Action = must(indicator.ParseAction(fields[1]))(t)
	e.Severity = must(indicator.ParseSeverity(fields[4]))(t)
	e.Confidence = must(indicator.ParseConfidence(fields[5]))(t)
	e.Category = indicator.NewCategory(fields[6])
	if fields[2] == "cidr" {
		e.Scope, e.Block = indicator.ScopeCIDR, must(netip.ParsePrefix(fields[3]))(t)
		return e
	}
	e.Scope = must(indicator.ParseScope(fields[2]))(t)
	e.Name = must(domainname.Parse(fields[3]))(t)
	return e
}

func parseAll(t testing.TB, lines ...string) (entries []fed) {
	t.Helper()
	for _, line := range lines {
		entries = append(entries, parse(t, line))
	}
	return entries
}

// build declares the feeds of entries and returns their index file.
func build(t testing.TB, entries []fed) []byte {
	t.Helper()
	return must(newBuilder(t, entries).Build(index.Options{Generation: 7, Seed: seed}))(t)
}

func newBuilder(t testing.TB, entries []fed) *index.Builder {
	t.Helper()
	b := index.NewBuilder()
	for i := range entries {
		b.Feed(entries[i].feed, vetoesAll(entries[i].feed))
		if err := b.Add(entries[i].feed, &entries[i].Indicator); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func open(t testing.TB, file []byte) *index.Index {
	t.Helper()
	return must(index.Open(file))(t)
}

// query parses a name from a log.
func query(t testing.TB, name string) *domainname.Query {
	t.Helper()
	q := new(domainname.Query)
	if err := q.Set([]byte(name)); err != nil {
		t.Fatalf("query %q: %v", name, err)
	}
	return q
}

// must ends the test if there is an error.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
