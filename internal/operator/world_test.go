package operator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// bucket is an index bucket in memory.
type bucket struct {
	current   index.Current
	etag      int
	objects   map[string][]byte
	manifests map[uint64]index.Current

	beforeSwap func()      // called once, at the start of the next swap
	lostReply  bool        // the next swap succeeds but returns a conflict
	onRead     func(n int) // called at the start of every read of the pointer
	reads      int
}

func (b *bucket) Current(context.Context) (index.Current, string, error) {
	b.reads++
	if b.onRead != nil {
		b.onRead(b.reads)
	}
	if b.etag == 0 {
		return index.Current{}, "", storage.ErrNotFound
	}
	return b.current, fmt.Sprint(b.etag), nil
}

func (b *bucket) SwapCurrent(_ context.Context, next index.Current, etag string) error {
	if before := b.beforeSwap; before != nil {
		b.beforeSwap = nil
		before()
	}
	if etag != fmt.Sprint(b.etag) {
		return storage.ErrConflict
	}
	b.etag++
	b.current = next
	if b.lostReply {
		b.lostReply = false
		return storage.ErrConflict
	}
	return next.Validate()
}

func (b *bucket) Manifest(_ context.Context, generation uint64) (index.Current, error) {
	manifest, found := b.manifests[generation]
	if !found {
		return manifest, storage.ErrNotFound
	}
	return manifest, nil
}

func (b *bucket) Indexes(context.Context) (stored []storage.Object, err error) {
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		stored = append(stored, storage.Object{Key: key, Size: int64(len(b.objects[key])), LastModified: start})
	}
	return stored, nil
}

func (b *bucket) Object(_ context.Context, key string) ([]byte, error) {
	data, found := b.objects[key]
	if !found {
		return nil, storage.ErrNotFound
	}
	return data, nil
}

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// publish publishes a generation with block entries.
func (b *bucket) publish(t *testing.T, names ...string) {
	t.Helper()
	b.publishIndex(t, func(builder *index.Builder) {
		for _, name := range names {
			entry := named(t, name, indicator.ScopeSubtree, indicator.ActionBlock)
			if err := builder.Add("f", &entry); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// publishIndex publishes a generation with the entries that add adds.
func (b *bucket) publishIndex(t *testing.T, add func(*index.Builder)) {
	t.Helper()
	generation := b.current.Highest + 1
	data, opened := build(t, generation, add)
	info := opened.Info()
	b.etag++
	b.current = index.Current{
		Generation: generation, Highest: generation, Object: index.ObjectKey(generation, info.Checksum),
		Hash: info.Checksum, ContentHash: info.ContentHash, RenewedAt: start,
		Feeds: []index.CurrentFeed{{ID: "f", VersionID: fmt.Sprint("v", generation), Count: info.Names}},
	}
	if b.objects == nil {
		b.objects, b.manifests = map[string][]byte{}, map[uint64]index.Current{}
	}
	b.objects[b.current.Object], b.manifests[generation] = data, b.current
}

func build(t *testing.T, generation uint64, add func(*index.Builder)) ([]byte, *index.Index) {
	t.Helper()
	builder := index.NewBuilder()
	builder.Feed("f", false)
	add(builder)
	data, err := builder.Build(index.Options{Generation: generation, BuiltAt: start})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := index.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return data, opened
}

// indexOf builds an index of entries. Allow entries veto every feed.
func indexOf(t *testing.T, entries ...*indicator.Indicator) *index.Index {
	t.Helper()
	_, opened := build(t, 1, func(builder *index.Builder) {
		builder.Feed(indicator.ManualFeed, true)
		for _, entry := range entries {
			feed := indicator.FeedID("f")
			if entry.Action == indicator.ActionAllow {
				feed = indicator.ManualFeed
			}
			if err := builder.Add(feed, entry); err != nil {
				t.Fatal(err)
			}
		}
	})
	return opened
}

func match(t *testing.T, x *index.Index, name string) index.Outcome {
	t.Helper()
	var query domainname.Query
	var m index.Match
	if err := query.Set([]byte(name)); err != nil {
		t.Fatal(err)
	}
	x.Match(&query, &m)
	return m.Outcome
}

func named(t *testing.T, text string, scope indicator.Scope, action indicator.Action) indicator.Indicator {
	t.Helper()
	name, err := domainname.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return indicator.Indicator{
		Name: name, Scope: scope, Action: action,
		Severity: indicator.DefaultSeverity, Confidence: indicator.DefaultConfidence,
	}
}

// operate returns an operator of a bucket, one day after start.
func operate(b *bucket) *Operator {
	return &Operator{
		Index: b, By: "somebody", Pause: time.Millisecond,
		Now: func() time.Time { return start.Add(24 * time.Hour) },
	}
}
