package marker

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// noon is the time on the clock of each test.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

const (
	evil  = `{"query_name":"www.evil.example.","rcode":"NOERROR"}`
	clean = `{"query_name":"fine.example."}`
)

// logKeyOf returns the key of a log object of a minute of the day.
func logKeyOf(minute int) string {
	return fmt.Sprintf("AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a1b/2026/11/30/"+
		"vpc-0a1b_vpcdnsquerylogs_111122223333_20261130T11%02dZ_71584702.log.gz", minute)
}

// errKilled is the error of every call after the process was killed.
var errKilled = errors.New("killed")

// world has a bucket of logs and a bucket of marked logs in memory. It counts the calls that the
// marker makes, and can end the process at any of them, before or after the call took effect.
type world struct {
	logs    map[string][]byte // by identity
	written map[string][]byte // by key
	open    int               // uploads that were begun and neither completed nor aborted

	calls     int
	killAt    int  // the call that fails; 0 for none
	killAfter bool // the call takes effect before it fails
}

func newWorld() *world { return &world{logs: map[string][]byte{}, written: map[string][]byte{}} }

// call counts a call. It returns errKilled if the process does not survive it, with whether it
// took effect.
func (w *world) call() (effective bool, err error) {
	w.calls++
	if w.killAt == 0 || w.calls < w.killAt {
		return true, nil
	}
	return w.calls == w.killAt && w.killAfter, errKilled
}

func (w *world) Open(_ context.Context, o *Object) (io.ReadCloser, error) {
	if _, err := w.call(); err != nil {
		return nil, err
	}
	data, found := w.logs[o.Key+" "+o.identity()]
	if !found {
		return nil, storage.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (w *world) Exists(_ context.Context, key string) (bool, error) {
	_, err := w.call()
	return w.written[key] != nil, err
}

func (w *world) Begin(_ context.Context, key string) Upload {
	w.open++
	return &memoryUpload{world: w, key: key}
}

type memoryUpload struct {
	world *world
	key   string
	data  []byte
	ended bool
}

func (u *memoryUpload) Write(data []byte) (int, error) {
	u.data = append(u.data, data...)
	return len(data), nil
}

func (u *memoryUpload) Complete(context.Context) error {
	effective, err := u.world.call()
	if !effective {
		return err
	}
	u.end()
	if _, exists := u.world.written[u.key]; exists {
		return errors.Join(err, storage.ErrExists)
	}
	u.world.written[u.key] = u.data
	return err
}

func (u *memoryUpload) Abort(context.Context) error {
	u.end()
	return nil
}

func (u *memoryUpload) end() {
	if !u.ended {
		u.ended = true
		u.world.open--
	}
}

// put stores a log object with these lines and returns the notification about it.
func (w *world) put(t testing.TB, minute int, version string, lines ...string) Object {
	t.Helper()
	o := Object{Bucket: "logs", Key: logKeyOf(minute), Version: version, ETag: version}
	w.logs[o.Key+" "+o.identity()] = pack(t, strings.Join(lines, "\n")+"\n")
	return o
}

func pack(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	if _, err := packer.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := packer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// notify returns the event of a queue with one message for each object: EventBridge's.
func notify(t testing.TB, objects ...Object) []byte {
	t.Helper()
	var records []map[string]string
	for i, o := range objects {
		body := fmt.Sprintf(`{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":%q},`+
			`"object":{"key":%q,"size":1,"etag":%q,"version-id":%q}}}`, o.Bucket, o.Key, o.ETag, o.Version)
		records = append(records, map[string]string{"messageId": fmt.Sprint("m", i), "body": body})
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// indexStore is a [loader.Store] with one index, or none.
type indexStore struct {
	current index.Current
	object  []byte
}

func (s *indexStore) Current(_ context.Context, etag string) (index.Current, string, error) {
	switch {
	case s.object == nil:
		return index.Current{}, "", loader.ErrNoIndex
	case etag == "1":
		return index.Current{}, "", loader.ErrNotModified
	}
	return s.current, "1", nil
}

func (s *indexStore) Object(context.Context, string) ([]byte, error) { return s.object, nil }

// publish returns a store whose index lists evil.example.
func publish(t testing.TB) *indexStore {
	t.Helper()
	name, err := domainname.Parse("evil.example")
	if err != nil {
		t.Fatal(err)
	}
	b := index.NewBuilder()
	b.Feed("list", false)
	if err := b.Add("list", &indicator.Indicator{
		Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock, Severity: indicator.SeverityHigh, Confidence: 50,
	}); err != nil {
		t.Fatal(err)
	}
	object, err := b.Build(index.Options{Generation: 7, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	info := x.Info()
	return &indexStore{index.Current{
		Generation: 7, Highest: 7, Hash: info.Checksum, ContentHash: info.ContentHash,
		Object: index.ObjectKey(7, info.Checksum), RenewedAt: noon,
	}, object}
}

// start returns a marker in this world. change can modify its configuration.
func (w *world) start(t testing.TB, change func(*Config)) *Marker {
	t.Helper()
	preset := settings.Default[settings.MarkerFunction]()
	layout, err := NewLayout(preset.Delivery.Prefix, preset.Delivery.ErrorPrefix)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Index: publish(t), Logs: w, Output: w, Layout: layout, clock: func() time.Time { return noon }}
	if change != nil {
		change(&config)
	}
	m, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// invoke sends an event and returns the ids of the messages that failed.
func invoke(t testing.TB, m *Marker, event []byte) []string {
	t.Helper()
	reply, err := m.Invoke(context.Background(), event)
	if err != nil {
		t.Fatal(err)
	}
	var got answer
	if err := json.Unmarshal(reply, &got); err != nil || got.Failures == nil {
		t.Fatalf("%v in the answer %s", err, reply)
	}
	ids := []string{}
	for _, f := range got.Failures {
		ids = append(ids, f.ID)
	}
	return ids
}

// verdicts returns the verdicts of all marked records in the order of their keys, and the codes
// of the lines that were set aside.
func (w *world) verdicts(t testing.TB) string {
	t.Helper()
	var words []string
	for _, key := range slices.Sorted(maps.Keys(w.written)) {
		text := w.written[key]
		if strings.HasSuffix(key, ".gz") {
			reader, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(reader); err != nil {
				t.Fatal(err)
			}
		}
		for line := range bytes.Lines(text) {
			var record struct{ Verdict, ErrorCode string }
			if err := json.Unmarshal(line, &record); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			words = append(words, record.Verdict+record.ErrorCode)
		}
	}
	return strings.Join(words, " ")
}

// failWithoutIndex is a change of the configuration.
func failWithoutIndex(c *Config) {
	c.Index = &indexStore{}
	c.Settings.Transformer = settings.Transformer{FailureMode: settings.FailureModeFail}
	c.Settings.ColdStartWait = settings.Duration(time.Millisecond)
}
