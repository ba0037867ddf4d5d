package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

const listKey = "config/all-malicious-domains.txt"

// world is everything that outlives a process: the buckets, the table and the clock.
type world struct {
	mu       sync.Mutex
	now      time.Time
	guards   list.Guards
	maxBytes int
	grace    time.Duration

	uploads    map[string][]upload // the current version of a key is the last one
	serial     int
	parameters map[indicator.FeedID]string // settings of feeds
	objects    map[string][]byte           // in the archive
	ages       map[string]time.Time        // of objects in the archive and of indexes
	state      map[indicator.FeedID]table.FeedRow
	written    map[string]snapshot.Entry // rows of the table, by feed and row key
	badEdits   []*table.EntryError

	sites   map[string]site   // by URL
	secrets map[string]string // by ARN
	pins    []string          // of the deployment

	current index.Current
	etag    int // 0 = there is no pointer

	indicators     []byte // the object of published indicators
	indicatorsOf   uint64 // the generation of the object
	indicatorsETag int    // 0 = there is none
	indexes        map[string][]byte
	noTable        bool // drop the rows of entries

	told  []importer.Published // the events on the bus
	noBus bool                 // the bus fails
}

type upload struct {
	object storage.Object
	body   []byte
	tags   map[string]string
}

func newWorld() *world {
	return &world{
		now:        time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
		guards:     list.Guards{Guards: settings.DefaultGuards()},
		maxBytes:   1 << 30,
		uploads:    map[string][]upload{},
		parameters: map[indicator.FeedID]string{},
		objects:    map[string][]byte{},
		state:      map[indicator.FeedID]table.FeedRow{},
		written:    map[string]snapshot.Entry{},
		sites:      map[string]site{},
		indexes:    map[string][]byte{},
		ages:       map[string]time.Time{},
	}
}

// clone copies the world, so that a test can continue in several ways.
func (w *world) clone() *world {
	return &world{
		now: w.now, guards: w.guards, maxBytes: w.maxBytes, grace: w.grace, serial: w.serial, badEdits: w.badEdits,
		uploads: maps.Clone(w.uploads), parameters: maps.Clone(w.parameters), objects: maps.Clone(w.objects),
		state: maps.Clone(w.state), written: maps.Clone(w.written), sites: maps.Clone(w.sites), secrets: w.secrets,
		indicators: w.indicators, indicatorsOf: w.indicatorsOf, indicatorsETag: w.indicatorsETag,
		current: w.current, etag: w.etag, indexes: maps.Clone(w.indexes), ages: maps.Clone(w.ages),
		told: slices.Clone(w.told), noBus: w.noBus,
	}
}

// put uploads a list, one second after the last change.
func (w *world) put(key, body string) *upload {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	w.now = w.now.Add(time.Second)
	object := storage.Object{
		Key: key, Version: fmt.Sprintf("v%d", w.serial), Size: int64(len(body)), LastModified: w.now,
	}
	w.uploads[key] = append(slices.Clone(w.uploads[key]), upload{object: object, body: []byte(body)})
	return &w.uploads[key][len(w.uploads[key])-1]
}

// remove deletes a key with all its versions.
func (w *world) remove(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.uploads, key)
}

// pass advances the clock.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// process is a process that runs an importer in a world. It records its calls. At one of them it
// can be killed, lose the reply, or pause.
type process struct {
	*world
	killable.Process
	mu       sync.Mutex
	counts   map[string]float64 // metrics by name, added up
	listAges map[string]float64 // the last ListAge, by feed; "" is the oldest

	asked  []fetch.Request // requests to sites
	silent bool            // send no events

	killedBy string // the key of a list that kills the process when it is opened
	kill     func() // instead of dying

	pointerText []byte // what the first read of the pointer decodes instead
}

func (w *world) process() *process {
	return &process{world: w, counts: map[string]float64{}, listAges: map[string]float64{}}
}

func (p *process) importer(t *testing.T) *importer.Importer {
	t.Helper()
	im, err := importer.New(importer.Config{
		Lists: lists{p}, Archive: archive{p}, Settings: feedSettings{p}, Rows: feedRows{p},
		Entries: entryRows{p},
		Pointer: indexStore{p}, Indexes: indexStore{p}, Indicators: indicators{p}, Metrics: p, ListKey: listKey,
		Events: events{p}, Announce: !p.silent, Stack: "dns",
		Fetch:      importer.FetchPorts{Fetcher: fetcher{p, t.TempDir()}, Secrets: secrets{p}, Inbox: inbox{p}},
		SecretPins: p.pins,
		Guards:     p.guards, MaxIndexBytes: p.maxBytes, DeletionGrace: p.grace,
		Now: func() time.Time {
			p.world.mu.Lock()
			defer p.world.mu.Unlock()
			return p.now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// die kills the process at a call, either before or after the call changes the world.
func (p *process) die(at int, after bool) *process {
	p.Die(at, after)
	return p
}

// call makes a call: it applies the effect to the world.
func (p *process) call(name string, effect func() error) error {
	return p.Call(name, func() error {
		p.world.mu.Lock()
		defer p.world.mu.Unlock()
		return effect()
	})
}

// Write receives the lines of metrics.
func (p *process) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var members map[string]any
	if err := json.Unmarshal(line, &members); err != nil {
		return 0, err
	}
	if age, found := members["ListAge"]; found {
		feed, _ := members["Feed"].(string)
		p.listAges[feed] = age.(float64)
	}
	for name, value := range members {
		if number, ok := value.(float64); ok {
			p.counts[name] += number
		}
	}
	return len(line), nil
}

type lists struct{ *process }

func (l lists) List(_ context.Context, prefix string) (objects []storage.Object, err error) {
	err = l.call("List "+prefix, func() error {
		for key, versions := range l.uploads {
			if strings.HasPrefix(key, prefix) {
				object := versions[len(versions)-1].object
				object.Version, object.Metadata = "", nil
				objects = append(objects, object)
			}
		}
		for key, body := range l.objects {
			if strings.HasPrefix(key, prefix) {
				objects = append(objects, storage.Object{Key: key, Size: int64(len(body)), LastModified: l.ages[key]})
			}
		}
		return nil
	})
	return objects, err
}

func (l lists) Head(_ context.Context, key string) (object storage.Object, err error) {
	err = l.call("Head", func() error {
		versions := l.uploads[key]
		if len(versions) == 0 {
			return storage.ErrNotFound
		}
		object = versions[len(versions)-1].object
		return nil
	})
	return object, err
}

func (l lists) find(key, version string) (*upload, error) {
	for _, upload := range l.uploads[key] {
		if upload.object.Version == version {
			return &upload, nil
		}
	}
	return nil, storage.ErrNotFound
}

func (l lists) Open(_ context.Context, key, version string) (body io.ReadCloser, err error) {
	if key == l.killedBy {
		if l.kill != nil {
			l.kill()
		}
		l.Kill()
	}
	err = l.call("Open", func() error {
		found, err := l.find(key, version)
		if err == nil {
			body = io.NopCloser(bytes.NewReader(found.body))
		}
		return err
	})
	return body, err
}

func (l lists) Tags(_ context.Context, key, version string) (tags map[string]string, err error) {
	err = l.call("Tags", func() error {
		found, err := l.find(key, version)
		if err == nil {
			tags = found.tags
		}
		return err
	})
	return tags, err
}

type archive struct{ *process }

func (a archive) Create(_ context.Context, key string, body []byte) error {
	return a.call("Create "+key, func() error {
		if _, found := a.objects[key]; found {
			return storage.ErrExists
		}
		a.objects[key], a.ages[key] = slices.Clone(body), a.now
		return nil
	})
}

func (a archive) Delete(_ context.Context, key string) error {
	return a.call("Delete "+key, func() error {
		delete(a.objects, key)
		return nil
	})
}

func (a archive) Replace(_ context.Context, key, _ string, body []byte) error {
	return a.call("Replace "+key, func() error {
		a.objects[key], a.ages[key] = slices.Clone(body), a.now
		return nil
	})
}

func (a archive) Read(_ context.Context, key string) (body io.ReadCloser, err error) {
	err = a.call("Read "+key, func() error {
		found, ok := a.objects[key]
		if !ok {
			return storage.ErrNotFound
		}
		body = io.NopCloser(bytes.NewReader(found))
		return nil
	})
	return body, err
}

type feedSettings struct{ *process }

func (s feedSettings) Feed(_ context.Context, id indicator.FeedID) (text []byte, err error) {
	err = s.call("Feed", func() error {
		found, ok := s.parameters[id]
		if !ok {
			return storage.ErrNotFound
		}
		text = []byte(found)
		return nil
	})
	return text, err
}

type feedRows struct{ *process }

func (r feedRows) Rows(context.Context) (rows []table.FeedRow, err error) {
	err = r.call("Rows", func() error {
		rows = slices.Collect(maps.Values(r.state))
		return nil
	})
	return rows, err
}

func (r feedRows) Row(_ context.Context, id indicator.FeedID) (row table.FeedRow, err error) {
	err = r.call("Row", func() error {
		row = r.state[id]
		return nil
	})
	return row, err
}

func (r feedRows) PutRow(_ context.Context, row table.FeedRow) error {
	return r.call("PutRow", func() error {
		if r.state[row.ID].Revision != row.Revision {
			return storage.ErrConflict
		}
		row := row
		row.Revision++
		r.state[row.ID] = row
		return nil
	})
}

func (r feedRows) DeleteRow(_ context.Context, row table.FeedRow) error {
	return r.call("DeleteRow", func() error {
		if r.state[row.ID].Revision != row.Revision {
			return storage.ErrConflict
		}
		delete(r.state, row.ID)
		return nil
	})
}

type entryRows struct{ *process }

func rowKey(feed indicator.FeedID, e *snapshot.Entry) string {
	return fmt.Sprintf("%s#%v#%v %s", feed, e.Action, e.Scope, e.Value())
}

// Write makes a call for every 25 changes, which is the batch size of DynamoDB. It may fail after
// some of the changes.
func (tb entryRows) Write(ctx context.Context, feed indicator.FeedID, changes []snapshot.Change) error {
	for batch := range slices.Chunk(changes, 25) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := tb.call("Write", func() error {
			for _, change := range batch {
				if tb.noTable {
					break
				}
				if change.Delete {
					delete(tb.written, rowKey(feed, &change.Entry))
				} else {
					tb.written[rowKey(feed, &change.Entry)] = change.Entry
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (tb entryRows) Entries(_ context.Context, feed indicator.FeedID) iter.Seq2[snapshot.Entry, error] {
	return func(yield func(snapshot.Entry, error) bool) {
		var entries []snapshot.Entry
		err := tb.call("Entries", func() error {
			entries = nil // drop the entries of a lost reply
			for key, entry := range tb.written {
				if strings.HasPrefix(key, string(feed)+"#") {
					entries = append(entries, entry)
				}
			}
			return nil
		})
		if err != nil {
			yield(snapshot.Entry{}, err)
			return
		}
		for _, entry := range entries {
			if !yield(entry, nil) {
				return
			}
		}
		for _, bad := range tb.badEdits {
			if !yield(snapshot.Entry{}, bad) {
				return
			}
		}
	}
}

type indicators struct{ *process }

func (i indicators) Indicators(context.Context) (generation uint64, etag string, err error) {
	err = i.call("Indicators", func() error {
		if i.indicatorsETag == 0 {
			return storage.ErrNotFound
		}
		generation, etag = i.indicatorsOf, fmt.Sprint(i.indicatorsETag)
		return nil
	})
	return generation, etag, err
}

func (i indicators) SwapIndicators(_ context.Context, generation uint64, etag string, body []byte) error {
	return i.call("SwapIndicators", func() error {
		if want := fmt.Sprint(i.indicatorsETag); want != etag && (i.indicatorsETag != 0 || etag != "") {
			return storage.ErrConflict
		}
		i.indicators, i.indicatorsOf = slices.Clone(body), generation
		i.indicatorsETag++
		return nil
	})
}

type events struct{ *process }

func (e events) IndexPublished(ctx context.Context, published importer.Published) error {
	return e.call("IndexPublished", func() error {
		if _, limited := ctx.Deadline(); !limited {
			return errors.New("the time of the event is not bounded")
		}
		if e.noBus {
			return errors.New("the bus fails")
		}
		e.told = append(e.told, published)
		return nil
	})
}

type indexStore struct{ *process }

func (s indexStore) Current(context.Context) (current index.Current, etag string, err error) {
	err = s.call("Current", func() error {
		if s.etag == 0 {
			return storage.ErrNotFound
		}
		current, etag = s.current, fmt.Sprint(s.etag)
		if text := s.pointerText; text != nil {
			s.pointerText = nil
			current, err = index.DecodeCurrent(text)
			return err
		}
		current.Feeds = slices.Clone(current.Feeds)
		return nil
	})
	return current, etag, err
}

func (s indexStore) SwapCurrent(_ context.Context, next index.Current, etag string) error {
	return s.call("SwapCurrent", func() error {
		if want := fmt.Sprint(s.etag); want != etag && (s.etag != 0 || etag != "") {
			return storage.ErrConflict
		}
		s.etag++
		s.current = next
		return next.Validate()
	})
}

func (s indexStore) Create(_ context.Context, key string, body []byte) error {
	return s.call("Create "+key, func() error {
		if _, found := s.indexes[key]; found {
			return storage.ErrExists
		}
		s.indexes[key], s.ages[key] = slices.Clone(body), s.now
		return nil
	})
}

func (s indexStore) Manifest(_ context.Context, generation uint64) (manifest index.Current, err error) {
	err = s.call("Manifest", func() error {
		text, found := s.indexes[index.ManifestKey(generation)]
		if !found {
			return storage.ErrNotFound
		}
		manifest, err = index.DecodeCurrent(text)
		return err
	})
	return manifest, err
}

func (s indexStore) Object(_ context.Context, key string) (body []byte, err error) {
	err = s.call("Object", func() error {
		found, ok := s.indexes[key]
		if !ok {
			return storage.ErrNotFound
		}
		body = slices.Clone(found)
		return nil
	})
	return body, err
}

func (s indexStore) Indexes(context.Context) (stored []storage.Object, err error) {
	err = s.call("Indexes", func() error {
		for key := range s.indexes {
			if _, _, ok := index.ParseObjectKey(key); ok {
				stored = append(stored, storage.Object{Key: key, LastModified: s.ages[key]})
			}
		}
		return nil
	})
	return stored, err
}

func (s indexStore) Delete(_ context.Context, key string) error {
	return s.call("Delete "+key, func() error {
		delete(s.indexes, key)
		return nil
	})
}
