package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/keyprefix"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// errKilled is the error of every call after the process was killed.
var errKilled = errors.New("killed")

// world is an output bucket and a stream in memory. It can end the process at a call.
type world struct {
	objects map[string][]byte
	sent    []string
	refuse  map[string]int // how often the stream refuses a record
	puts    int

	calls, killAt int
	killAfter     bool
}

func newWorld() *world { return &world{objects: map[string][]byte{}, refuse: map[string]int{}} }

func (w *world) call() (effective bool, err error) {
	w.calls++
	if w.killAt == 0 || w.calls < w.killAt {
		return true, nil
	}
	return w.calls == w.killAt && w.killAfter, errKilled
}

func compressed(text string) string {
	var packed bytes.Buffer
	packer := gzip.NewWriter(&packed)
	_, _ = packer.Write([]byte(text))
	_ = packer.Close()
	return packed.String()
}

func etag(data []byte) string {
	sum := md5.Sum(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (w *world) List(_ context.Context, prefix string, each func(storage.Object) error) error {
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if strings.HasPrefix(key, prefix) {
			o := storage.Object{Key: key, ETag: etag(w.objects[key]), Size: int64(len(w.objects[key])), LastModified: noon}
			if err := each(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) Open(_ context.Context, key, tag string) (io.ReadCloser, error) {
	data, found := w.objects[key]
	if !found || etag(data) != tag {
		return nil, storage.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (w *world) Create(_ context.Context, key, _ string, body []byte) error {
	effective, err := w.call()
	if !effective {
		return err
	}
	if _, found := w.objects[key]; found {
		return errors.Join(err, storage.ErrExists)
	}
	w.objects[key] = body
	return err
}

func (w *world) Replace(_ context.Context, key, tag string, body io.ReadSeeker) (string, error) {
	effective, err := w.call()
	if !effective {
		return "", err
	}
	before, found := w.objects[key]
	if found != (tag != "") || found && etag(before) != tag {
		return "", errors.Join(err, storage.ErrConflict)
	}
	data, readErr := io.ReadAll(body)
	w.objects[key] = data
	return etag(data), errors.Join(err, readErr)
}

func (w *world) Put(_ context.Context, records [][]byte) ([]error, error) {
	effective, err := w.call()
	if !effective {
		return nil, err
	}
	w.puts++
	problems := make([]error, len(records))
	for i, record := range records {
		if w.refuse[string(record)] > 0 {
			w.refuse[string(record)]--
			problems[i] = errors.New("ServiceUnavailableException")
			continue
		}
		w.sent = append(w.sent, string(record))
	}
	return problems, err
}

const failedPrefix = "delivery-failures/"

// setAside stores an object of failed records.
func (w *world) setAside(t testing.TB, name string, records ...string) {
	t.Helper()
	var body []byte
	for _, record := range records {
		line, err := json.Marshal(map[string]any{"attemptsMade": 4, "errorCode": "Lambda.FunctionError", "rawData": []byte(record)})
		if err != nil {
			t.Fatal(err)
		}
		body = append(append(body, line...), '\n')
	}
	w.objects[failedPrefix+"processing-failed/2026/11/30/"+name] = body
}

func (w *world) toStream(t testing.TB) (*Report, error) {
	t.Helper()
	return start(t.Context(), Config{Bucket: w, Prefix: failedPrefix}, newToStream(w, unlimited, 0))
}

func record(i int) string { return fmt.Sprintf(`{"query_name":"host-%d.example."}`, i) }

func records(n int) (all []string) {
	for i := range n {
		all = append(all, record(i))
	}
	return all
}

// under returns the keys with a prefix.
func (w *world) under(prefix string) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// All records come back in batches, in their order, and a second replay sends nothing.
func TestToStream(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.setAside(t, "a", records(1200)...)
	w.setAside(t, "b", record(5000))
	got, err := w.toStream(t)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.sent, append(records(1200), record(5000))) || w.puts != 4 {
		t.Errorf("%d records in %d batches", len(w.sent), w.puts)
	}
	if got.Objects != 2 || got.Records != 1201 || got.Quarantined != 0 {
		t.Errorf("report: %+v", got)
	}
	if again, err := w.toStream(t); err != nil || again.DoneBefore != 2 || again.Records != 0 || len(w.sent) != 1201 {
		t.Errorf("again: %+v, error %v", again, err)
	}
	w.setAside(t, "a", record(7)) // another version of the object
	if again, err := w.toStream(t); err != nil || again.Records != 1 || w.sent[len(w.sent)-1] != record(7) {
		t.Errorf("new version: %+v, error %v", again, err)
	}
}

// What a line may look like, what is sent for it, and what goes into the quarantine.
func TestToStream_lines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line string
		record     string // becomes rawData if line is empty
		want       string
		code       string // in the quarantine
	}{
		{name: "a record", record: record(1), want: record(1)},
		{name: "a marked record", record: `{"verdict":"clean","query_name":"a.example","index_generation":7}`, want: `{"query_name":"a.example"}` + "\n"},
		{
			name: "several marked records", record: `{"query_name":"a.example","verdict":"clean"}` + "\n" + `{"query_name":"b.example","verdict":"clean"}`,
			want: `{"query_name":"a.example"}` + "\n" + `{"query_name":"b.example"}` + "\n",
		},
		{name: "a compressed record", record: compressed(record(1)), want: compressed(record(1))},
		{name: "of a failed conversion", line: `{"attemptsMade":1,"lastErrorCode":"DataFormatConversion.ParseError","rawData":"e30=","dataCatalogTable":{}}`, want: "{}"},
		{name: "other cases of letters", line: `{"ErrorCode":"x","RawData":"e30="}`, want: "{}"},
		{name: "a marked record between others", record: `{"query_name":"a.example"}{"query_name":"b.example","verdict":"clean"}`,
			want: `{"query_name":"a.example"}` + "\n" + `{"query_name":"b.example"}` + "\n"},
		{name: "a blank record", record: " \r\n", want: " \r\n"},
		{name: "members with our names in another case", record: `{"query_name":"a.example","Verdict":"clean"}`, code: "Replay.UnreadableRecord"},
		{name: "a mark without a verdict", record: `{"query_name":"a.example","threat":{}}`, code: "Replay.UnreadableRecord"},
		{name: "a compressed record that nothing reads", record: compressed(`{"query_name":`), code: "Replay.UnreadableRecord"},
		{name: "no record", line: `{"errorCode":"x"}`, code: "Replay.NoRecord"},
		{name: "not base64", line: `{"rawData":"%"}`, code: "Replay.NoRecord"},
		{name: "not JSON", line: `x`, code: "Replay.NoRecord"},
		{name: "a record that nothing reads", record: `{"query_name":`, code: "Replay.UnreadableRecord"},
		{name: "too large", record: `{"query_name":"a.example","x":"` + strings.Repeat("y", maxRecordBytes) + `"}`, code: "Replay.TooLarge"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if tt.line == "" {
				w.setAside(t, "a", tt.record)
			} else {
				w.objects[failedPrefix+"a"] = []byte(tt.line + "\n\n")
			}
			report, err := w.toStream(t)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(w.sent, "+"); got != tt.want {
				t.Errorf("sent %.200q, want %q", got, tt.want)
			}
			kept := w.under(quarantinePrefix)
			if (len(kept) == 1) != (tt.code != "") || report.Quarantined != len(kept) {
				t.Fatalf("quarantine: %q, report %+v", kept, report)
			}
			if tt.code != "" && !strings.Contains(string(w.objects[kept[0]]), tt.code) {
				t.Errorf("quarantine: %.200s", w.objects[kept[0]])
			}
		})
	}
}

// A record that the stream refuses is sent three times, alone. Then it goes into the quarantine,
// from where a later replay can bring it back.
func TestToStream_refused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.setAside(t, "a", records(4)...)
	w.refuse[record(1)], w.refuse[record(2)] = 2, 3
	got, err := w.toStream(t)
	if err != nil || got.Records != 3 || got.Quarantined != 1 || w.puts != 3 {
		t.Errorf("%+v in %d batches, error %v", got, w.puts, err)
	}
	if want := []string{record(0), record(3), record(1)}; !slices.Equal(w.sent, want) {
		t.Errorf("sent %q, want %q", w.sent, want)
	}
	if _, err := start(t.Context(), Config{Bucket: w, Prefix: quarantinePrefix}, newToStream(w, unlimited, 0)); err != nil {
		t.Fatal(err)
	}
	if last := w.sent[len(w.sent)-1]; last != record(2) || len(w.sent) != 4 {
		t.Errorf("sent %q", w.sent)
	}
}

// The process is killed at every call and the replay is started again. Each record comes back; at
// most one batch comes back twice.
func TestToStream_killed(t *testing.T) {
	t.Parallel()
	fill := func(w *world) {
		w.setAside(t, "a", records(maxBatchRecords*2+7)...)
		w.setAside(t, "b", "x", record(9000))
	}
	whole := newWorld()
	fill(whole)
	if _, err := whole.toStream(t); err != nil {
		t.Fatal(err)
	}
	for kill := 1; kill <= whole.calls; kill++ {
		for _, after := range []bool{false, true} {
			w := newWorld()
			fill(w)
			w.killAt, w.killAfter = kill, after
			if _, err := w.toStream(t); !errors.Is(err, errKilled) {
				t.Fatalf("killed at call %d: error %v", kill, err)
			}
			w.killAt = 0
			if _, err := w.toStream(t); err != nil {
				t.Fatalf("after the kill at call %d: %v", kill, err)
			}
			extra := len(w.sent) - len(whole.sent)
			if extra < 0 || extra > maxBatchRecords {
				t.Errorf("killed at call %d: %d records more", kill, extra)
			}
			slices.Sort(w.sent)
			if got, want := slices.Compact(w.sent), slices.Sorted(slices.Values(whole.sent)); !slices.Equal(got, want) {
				t.Errorf("killed at call %d: %d different records, want %d", kill, len(got), len(want))
			}
			if !slices.Equal(w.under(quarantinePrefix), whole.under(quarantinePrefix)) {
				t.Errorf("killed at call %d: quarantine %q", kill, w.under(quarantinePrefix))
			}
		}
	}
}

// A dry run counts the same and changes nothing.
func TestReplay_dryRun(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(Config, *world) (*Report, error){
		"stream":  func(c Config, w *world) (*Report, error) { return ToStream(t.Context(), c, w, 0) },
		"objects": func(c Config, _ *world) (*Report, error) { return ToObjects(t.Context(), c, newIndex(t), layout(t)) },
	} {
		w := newWorld()
		w.setAside(t, "a", record(0), "x", record(1))
		before := maps.Clone(w.objects)
		got, err := run(Config{Bucket: w, Prefix: failedPrefix, DryRun: true}, w)
		if err != nil || got.Records != 2 || got.Quarantined != 1 || got.Objects != 1 {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
		if len(w.sent) > 0 || !maps.EqualFunc(before, w.objects, bytes.Equal) {
			t.Errorf("%s: %d sent, objects %q", name, len(w.sent), w.under(""))
		}
	}
}

func layout(t testing.TB) keyprefix.Prefix {
	t.Helper()
	marked, _, err := keyprefix.Parse("dns/!{timestamp:yyyy/MM/dd}/", "failed/!{firehose:error-output-type}/")
	if err != nil {
		t.Fatal(err)
	}
	return marked
}

// newIndex returns an index of evil.example.
func newIndex(t testing.TB) *index.Index {
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
	return x
}

func unpack(t testing.TB, data []byte) string {
	t.Helper()
	text, _, err := expanded(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// Failed records become one marked object, in the folder of the day, once.
func TestToObjects(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.setAside(t, "a", `{"query_name":"www.evil.example"}`, "x", `{"query_name":"a.example","verdict":"unknown","verdict_reason":"no_index"}`,
		compressed(`{"query_name":"packed.evil.example"}`), "")
	for range 2 {
		if _, err := ToObjects(t.Context(), Config{Bucket: w, Prefix: failedPrefix}, newIndex(t), layout(t)); err != nil {
			t.Fatal(err)
		}
	}
	keys := w.under("dns/2026/11/30/replay_20261130T1200Z_")
	if len(keys) != 1 || len(w.under("dns/")) != 1 || len(w.under(quarantinePrefix)) != 1 {
		t.Fatalf("objects %q", w.under(""))
	}
	text := unpack(t, w.objects[keys[0]])
	if strings.Count(text, "\n") != 3 || !strings.Contains(text, "packed.evil.example") || !strings.Contains(text, `"verdict":"malicious"`) || !strings.Contains(text, `"verdict":"clean"`) {
		t.Errorf("got %s", text)
	}
}

// Records that were unknown for want of an index are marked again in their place. The others, and
// the objects without such records, keep their bytes.
func TestFromUnknown(t *testing.T) {
	t.Parallel()
	const (
		noIndex = `{"query_name":"www.evil.example","verdict":"unknown","verdict_reason":"no_index"}` + "\n"
		stale   = `{"query_name":"a.example","verdict":"unknown","verdict_reason":"stale_index","index_generation":3}` + "\n"
		badName = `{"query_name":"a..example","verdict":"unknown","verdict_reason":"bad_name","index_generation":3}` + "\n"
		clean   = `{"query_name":"b.example", "verdict":"clean","index_generation":3}` + "\n"
	)
	w := newWorld()
	w.objects["dns/1"], w.objects["dns/2"] = []byte(noIndex+clean+stale+badName), []byte(clean)
	got, err := FromUnknown(t.Context(), Config{Bucket: w, Prefix: "dns/"}, newIndex(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Report{Objects: 2, Bytes: got.Bytes, Records: 2, Unchanged: 3, Changed: 1}, got); diff != "" {
		t.Error(diff)
	}
	lines := strings.SplitAfter(unpack(t, w.objects["dns/1"]), "\n")
	if len(lines) != 5 || lines[1] != clean || lines[3] != badName ||
		!strings.Contains(lines[0], `"verdict":"malicious"`) || !strings.Contains(lines[2], `"verdict":"clean","index_generation":7`) {
		t.Errorf("got %q", lines)
	}
	if string(w.objects["dns/2"]) != clean || len(w.objects) != 2 {
		t.Errorf("objects %q", w.under(""))
	}
	if again, err := FromUnknown(t.Context(), Config{Bucket: w, Prefix: "dns/"}, newIndex(t)); err != nil || again.Changed != 0 {
		t.Errorf("again: %+v, error %v", again, err)
	}
}

// An object stays compressed or not, because Athena goes by its name.
func TestFromUnknown_compression(t *testing.T) {
	t.Parallel()
	const unknown = `{"query_name":"www.evil.example","verdict":"unknown","verdict_reason":"no_index"}` + "\n"
	w := newWorld()
	w.objects["dns/packed.json.gz"], w.objects["dns/plain"] = []byte(compressed(unknown)), []byte(unknown)
	if got, err := FromUnknown(t.Context(), Config{Bucket: w, Prefix: "dns/"}, newIndex(t)); err != nil || got.Changed != 2 {
		t.Fatalf("%+v, error %v", got, err)
	}
	for key, want := range map[string]bool{"dns/packed.json.gz": true, "dns/plain": false} {
		text := unpack(t, w.objects[key])
		if compressed := string(w.objects[key]) != text; compressed != want || !strings.Contains(text, `"verdict":"malicious"`) {
			t.Errorf("%s: compressed %v: %q", key, compressed, text)
		}
	}
}

// Only objects that were written in the given time are replayed.
func TestReplay_times(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, until time.Time
		want        int
	}{{want: 1}, {from: noon, want: 1}, {from: noon.Add(1)}, {until: noon}, {until: noon.Add(1), want: 1}} {
		w := newWorld()
		w.setAside(t, "a", record(0))
		got, err := ToStream(t.Context(), Config{Bucket: w, Prefix: failedPrefix, From: tt.from, Until: tt.until}, w, 0)
		if err != nil || got.Objects != tt.want {
			t.Errorf("%v to %v: %+v, error %v", tt.from, tt.until, got, err)
		}
	}
}
