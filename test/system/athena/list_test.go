package athena_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// list holds the entries of feeds, as lines of
//
//	feed action scope name-or-block category severity confidence added
//
// A feed that begins with "allow" vetoes all feeds.
type list string

type listed struct {
	feed      indicator.FeedID
	vetoesAll bool
	snapshot.Entry
}

func (l list) entries(t *testing.T) (entries []listed) {
	t.Helper()
	for line := range strings.Lines(string(l)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		entry := listed{feed: indicator.FeedID(fields[0]), vetoesAll: strings.HasPrefix(fields[0], "allow")}
		err := entry.parse(fields)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		entries = append(entries, entry)
	}
	return entries
}

func (e *listed) parse(fields []string) (err error) {
	e.Category = indicator.NewCategory(fields[4])
	if e.Action, err = indicator.ParseAction(fields[1]); err != nil {
		return err
	}
	if e.Severity, err = indicator.ParseSeverity(fields[5]); err != nil {
		return err
	}
	if e.Confidence, err = indicator.ParseConfidence(fields[6]); err != nil {
		return err
	}
	if e.AddedAt, err = time.Parse(time.DateOnly, fields[7]); err != nil {
		return err
	}
	if e.Scope, err = indicator.ParseAnyScope(fields[2]); err != nil {
		return err
	}
	return e.SetValue(fields[3])
}

// index builds the index that the transformer would load.
func (l list) index(t *testing.T, generation uint64) *index.Index {
	t.Helper()
	x, err := index.Open(l.indexFile(t, generation))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// bucket returns the objects of an index bucket with the list as its current index.
func (l list) bucket(t *testing.T, generation uint64) map[string][]byte {
	t.Helper()
	data := l.indexFile(t, generation)
	info := l.index(t, generation).Info()
	current := index.Current{Generation: generation, Highest: generation, Hash: info.Checksum, ContentHash: info.ContentHash,
		Object: index.ObjectKey(generation, info.Checksum), RenewedAt: time.Now().UTC()}
	text, err := current.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{index.CurrentKey: text, current.Object: data, index.ManifestKey(generation): text}
}

func (l list) indexFile(t *testing.T, generation uint64) []byte {
	t.Helper()
	builder := index.NewBuilder()
	for _, entry := range l.entries(t) {
		builder.Feed(entry.feed, entry.vetoesAll)
		if err := builder.Add(entry.feed, &entry.Indicator); err != nil {
			t.Fatal(err)
		}
	}
	data, err := builder.Build(index.Options{Generation: generation, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// published returns the object of published indicators.
func (l list) published(t *testing.T, generation uint64) []byte {
	t.Helper()
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, entry := range l.entries(t) {
		if err := encoder.Encode(table.NewIndicatorRow(generation, entry.feed, entry.vetoesAll, &entry.Entry)); err != nil {
			t.Fatal(err)
		}
	}
	return compress(t, lines.Bytes())
}
