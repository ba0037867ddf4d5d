package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// importReport holds the results of a child process.
type importReport struct{ First, Changed, Same importFigures }

// importFigures are the results of one import.
type importFigures struct {
	Names, ChangedNames int
	CPU                 float64 // seconds of processor time, to the last row

	// Until CURRENT was replaced.
	PublishedSeconds, PublishedCPU, PublishedMiB float64
	IndexBytes, SnapshotBytes, IndicatorBytes    int
	Generations                                  int

	Rows, Batches, Refused, WriteUnits int
}

// importAlone imports a list into in-memory services, then the list with its first 1 %
// replaced by as many new names, and then the same list again.
func importAlone(path string, out io.Writer) error {
	b := &importBench{objects: map[string][]byte{}, indexes: map[string][]byte{}, table: newMemoryTable()}
	var report importReport
	var err error
	if report.First, err = b.run(path); err != nil {
		return err
	}
	report.First.ChangedNames = report.First.Names
	changed, lines, err := changedList(path)
	if err != nil {
		return err
	}
	if report.Changed, err = b.run(changed); err != nil {
		return err
	}
	report.Changed.ChangedNames = lines
	if report.Same, err = b.run(changed); err != nil {
		return err
	}
	if have := b.table.rows(); have != report.Same.Names {
		return fmt.Errorf("the table has %d rows of %d names", have, report.Same.Names)
	}
	return json.NewEncoder(out).Encode(report)
}

// changedList writes a copy of a list in which the first 1 % of the lines are replaced by
// as many new ones. It returns how many names differ.
func changedList(path string) (changed string, names int, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", 0, err
	}
	lines := bytes.SplitAfter(text, []byte{'\n'})
	gone := len(lines) / 100
	list := bytes.Join(lines[gone:], nil)
	for i := range gone {
		list = fmt.Appendf(list, "new%d.bench.example\n", i)
	}
	changed = path + ".changed"
	return changed, 2 * gone, os.WriteFile(changed, list, 0o600)
}

// importBench provides the services of an importer in memory. Only the list is a file,
// because it would be a stream from S3.
type importBench struct {
	path      string
	version   int
	objects   map[string][]byte
	current   *index.Current
	etag      int
	indexes   map[string][]byte
	table     *memoryTable
	published func()

	indicators   []byte // the last published indicators
	indicatorsOf uint64
}

// run imports a list.
func (b *importBench) run(path string) (f importFigures, err error) {
	b.path = path
	b.version++
	table := awstable.NewTable(b.table, "bench")
	im, err := importer.New(importer.Config{
		Lists: b, Archive: b, Settings: b, Rows: table, Entries: table,
		Pointer: benchIndexStore{b}, Indexes: benchIndexStore{b}, Indicators: benchIndexStore{b},
		Guards: list.Guards{Guards: settings.DefaultGuards()}, MaxIndexBytes: 1 << 30,
	})
	if err != nil {
		return f, err
	}
	b.table.counts = tableCounts{}
	before := uint64(0)
	if b.current != nil {
		before = b.current.Generation
	}
	start, startCPU := time.Now(), cpuTime()
	b.published = func() {
		f.PublishedSeconds, f.PublishedCPU = time.Since(start).Seconds(), (cpuTime() - startCPU).Seconds()
		f.PublishedMiB = peakMemory(os.Getpid()) / (1 << 20)
	}
	if err := im.Handle(context.Background(), importer.Trigger{Feed: "bench"}); err != nil {
		return f, err
	}
	f.CPU = (cpuTime() - startCPU).Seconds()
	f.Rows, f.Batches, f.Refused, f.WriteUnits = b.table.counts.rows, b.table.counts.batches, b.table.counts.refused, b.table.counts.units
	f.Names, f.IndexBytes = b.current.Feeds[0].Count, len(b.indexes[b.current.Object])
	f.IndicatorBytes = len(b.indicators)
	f.Generations = int(b.current.Generation - before)
	for key, body := range b.objects {
		if strings.HasPrefix(key, fmt.Sprintf("%sbench/%d.", settings.AcceptedPrefix, b.version)) {
			f.SnapshotBytes = len(body)
		}
	}
	return f, nil
}

func (b *importBench) object() (storage.Object, error) {
	info, err := os.Stat(b.path)
	if err != nil {
		return storage.Object{}, err
	}
	return storage.Object{Key: settings.BlockPrefix + "bench/list", Version: fmt.Sprint(b.version), Size: info.Size()}, nil
}

func (b *importBench) List(_ context.Context, prefix string) ([]storage.Object, error) {
	object, err := b.object()
	if err == nil && strings.HasPrefix(object.Key, prefix) {
		return []storage.Object{object}, nil
	}
	return nil, err
}

func (b *importBench) Head(context.Context, string) (storage.Object, error) { return b.object() }

func (b *importBench) Open(context.Context, string, string) (io.ReadCloser, error) {
	return os.Open(b.path)
}

func (b *importBench) Tags(context.Context, string, string) (map[string]string, error) {
	return nil, errors.New("a list of the bench was refused")
}

func (b *importBench) Create(_ context.Context, key string, body []byte) error {
	b.objects[key] = body
	return nil
}

func (b *importBench) Replace(context.Context, string, string, []byte) error { return nil }

func (b *importBench) Read(_ context.Context, key string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.objects[key])), nil
}

func (b *importBench) Delete(_ context.Context, key string) error {
	delete(b.objects, key)
	return nil
}

func (b *importBench) Feed(context.Context, indicator.FeedID) ([]byte, error) {
	return nil, storage.ErrNotFound
}

// benchIndexStore is the index bucket of an importBench.
type benchIndexStore struct{ *importBench }

func (s benchIndexStore) Current(context.Context) (index.Current, string, error) {
	if s.current == nil {
		return index.Current{}, "", storage.ErrNotFound
	}
	return *s.current, fmt.Sprint(s.etag), nil
}

func (s benchIndexStore) SwapCurrent(_ context.Context, next index.Current, _ string) error {
	s.current = &next
	s.etag++
	s.published()
	return nil
}

func (s benchIndexStore) Create(_ context.Context, key string, body []byte) error {
	s.indexes[key] = body
	return nil
}

func (s benchIndexStore) Indicators(context.Context) (uint64, string, error) {
	if s.indicators == nil {
		return 0, "", storage.ErrNotFound
	}
	return s.indicatorsOf, "etag", nil
}

func (s benchIndexStore) SwapIndicators(_ context.Context, generation uint64, _ string, body []byte) error {
	s.indicators, s.indicatorsOf = body, generation
	return nil
}

func (s benchIndexStore) Manifest(context.Context, uint64) (index.Current, error) {
	return index.Current{}, storage.ErrNotFound
}

func (s benchIndexStore) Object(_ context.Context, key string) ([]byte, error) {
	body, found := s.indexes[key]
	if !found {
		return nil, storage.ErrNotFound
	}
	return body, nil
}

func (s benchIndexStore) Indexes(context.Context) (stored []storage.Object, err error) {
	for key, body := range s.indexes {
		stored = append(stored, storage.Object{Key: key, Size: int64(len(body)), LastModified: time.Now()})
	}
	return stored, nil
}

func (s benchIndexStore) Delete(context.Context, string) error { return nil }
