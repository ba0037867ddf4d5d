package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Goals of an import of a million names: it must be done long before Lambda's time and
// memory are.
const (
	goalImportSeconds = 60
	goalImportMB      = 512
)

// benchImporter measures a whole import, from the event to the last table row, against
// services that answer at once; and the same again for a list of which 1 % changed. The
// floor is reading the list alone.
func benchImporter(r *report) error {
	names, err := indexNames(r)
	if err != nil {
		return err
	}
	const count = 1_000_000
	list := names.list[:min(len(names.list), count)]
	text := []byte(strings.Join(list, "\n") + "\n")
	changed := []byte(strings.Join(list[len(list)/100:], "\n") + "\nnew.example\n")

	floor := cpuSeconds(func() { _, _, err = readWhole(text) })
	if err != nil {
		return err
	}
	b := &importBench{objects: map[string][]byte{}, indexes: map[string][]byte{}}
	first, peak, err := b.run(text)
	if err != nil {
		return err
	}
	second, _, err := b.run(changed)
	if err != nil {
		return err
	}
	r.info("names", float64(len(list)), "")
	r.info("read, guarded, sorted, merged", floor, "s CPU")
	r.atMost("first import, all of it", first, "s CPU", goalImportSeconds)
	r.info("first import / reading alone", first/floor, "")
	r.info("import with 1 % changed", second, "s CPU")
	r.info("table rows written by it", float64(b.written), "")
	r.atMost("largest heap of the first import", peak, "MB", goalImportMB)
	r.info("accepted snapshot", float64(b.snapshotBytes())/float64(len(list)), "B/name")
	r.info("published indicators", float64(len(b.indicators))/float64(len(list)), "B/name")
	return nil
}

func readWhole(text []byte) (importer.List, importer.ListReport, error) {
	return importer.ReadList(bytes.NewReader(text), importer.FeedSettings{},
		importer.Guards{Guards: settings.DefaultGuards()}, importer.Hooks{})
}

// importBench is the services of an importer, in memory.
type importBench struct {
	list    []byte
	version int
	objects map[string][]byte
	row     importer.FeedRow
	written int
	current *index.Current
	indexes map[string][]byte
	// indicators are those that were published last.
	indicators []byte
}

// run imports a list. It returns the CPU seconds and the megabytes of heap by which it
// grew at its largest.
func (b *importBench) run(text []byte) (seconds, megabytes float64, err error) {
	b.list, b.written = text, 0
	b.version++
	im, err := importer.New(importer.Config{
		Lists: b, Archive: b, Settings: b, Rows: b, Table: b, Index: benchIndexStore{b}, Indicators: benchIndexStore{b},
		Guards: importer.Guards{Guards: settings.DefaultGuards()}, MaxIndexBytes: 1 << 30,
	})
	if err != nil {
		return 0, 0, err
	}
	runtime.GC()
	stop, peak := make(chan bool), make(chan float64)
	go watchHeap(stop, peak)
	seconds = cpuSeconds(func() { err = im.Handle(context.Background(), importer.Trigger{Feed: "bench"}) })
	close(stop)
	return seconds, <-peak, err
}

func watchHeap(stop <-chan bool, peak chan<- float64) {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	base, largest := stats.HeapInuse, stats.HeapInuse
	for {
		select {
		case <-stop:
			peak <- float64(largest-base) / 1e6
			return
		case <-time.After(20 * time.Millisecond):
			runtime.ReadMemStats(&stats)
			largest = max(largest, stats.HeapInuse)
		}
	}
}

func (b *importBench) snapshotBytes() int {
	return len(b.objects[importer.AcceptedPrefix+"bench/"+fmt.Sprint(b.version)])
}

func (b *importBench) object() importer.Object {
	return importer.Object{Key: importer.BlockPrefix + "bench/list", Version: fmt.Sprint(b.version), Size: int64(len(b.list))}
}

func (b *importBench) List(_ context.Context, prefix string) ([]importer.Object, error) {
	if strings.HasPrefix(b.object().Key, prefix) {
		return []importer.Object{b.object()}, nil
	}
	return nil, nil
}

func (b *importBench) Head(context.Context, string) (importer.Object, error) { return b.object(), nil }

func (b *importBench) Open(context.Context, string, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.list)), nil
}

func (b *importBench) Tags(context.Context, string, string) (map[string]string, error) {
	return nil, errors.New("a list of the bench was refused")
}

func (b *importBench) Create(_ context.Context, key string, body []byte) error {
	b.objects[key] = body
	return nil
}

func (b *importBench) Replace(context.Context, string, string, []byte) error { return nil }

func (b *importBench) Delete(_ context.Context, key string) error {
	delete(b.objects, key)
	return nil
}

func (b *importBench) Read(_ context.Context, key string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.objects[key])), nil
}

func (b *importBench) Feed(context.Context, indicator.FeedID) ([]byte, error) {
	return nil, importer.ErrNotFound
}

func (b *importBench) Rows(context.Context) ([]importer.FeedRow, error) {
	return []importer.FeedRow{b.row}, nil
}

func (b *importBench) Row(context.Context, indicator.FeedID) (importer.FeedRow, error) {
	return b.row, nil
}

func (b *importBench) PutRow(_ context.Context, row importer.FeedRow) error {
	row.Revision++
	b.row = row
	return nil
}

func (b *importBench) DeleteRow(context.Context, importer.FeedRow) error { return nil }

func (b *importBench) Write(_ context.Context, _ indicator.FeedID, changes []importer.Change) error {
	b.written += len(changes)
	return nil
}

func (b *importBench) Entries(context.Context, indicator.FeedID) iter.Seq2[importer.Entry, error] {
	return func(func(importer.Entry, error) bool) {}
}

// benchIndexStore is the index bucket of an importBench.
type benchIndexStore struct{ *importBench }

func (s benchIndexStore) Current(context.Context) (index.Current, string, error) {
	if s.current == nil {
		return index.Current{}, "", importer.ErrNotFound
	}
	return *s.current, "etag", nil
}

func (s benchIndexStore) SwapCurrent(_ context.Context, next index.Current, _ string) error {
	s.current = &next
	return nil
}

func (s benchIndexStore) Create(_ context.Context, key string, body []byte) error {
	s.indexes[key] = body
	return nil
}

func (s benchIndexStore) Indicators(context.Context) (uint64, string, error) {
	if s.indicators == nil {
		return 0, "", importer.ErrNotFound
	}
	return s.current.Generation - 1, "etag", nil
}

func (s benchIndexStore) SwapIndicators(_ context.Context, _ uint64, _ string, body []byte) error {
	s.indicators = body
	return nil
}

func (s benchIndexStore) Manifest(context.Context, uint64) (index.Current, error) {
	return index.Current{}, importer.ErrNotFound
}

func (s benchIndexStore) Indexes(context.Context) ([]importer.StoredIndex, error) { return nil, nil }

func (s benchIndexStore) Delete(context.Context, string) error { return nil }
