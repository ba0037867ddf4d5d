package marker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// One object becomes one object, in the folder of the day in its name.
func TestMarker_Invoke(t *testing.T) {
	t.Parallel()
	w := newWorld()
	m := w.start(t, nil)
	if failed := invoke(t, m, notify(t, w.put(t, 55, "v1", evil, clean))); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if got, want := w.verdicts(t), "malicious clean"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for key := range w.written {
		if !strings.HasPrefix(key, "dns-query-logs/2026/11/30/vpc-0a1b_111122223333_20261130T1155Z_") || !strings.HasSuffix(key, ".json.gz") {
			t.Errorf("key %q", key)
		}
		if _, err := ParseKey(key); err == nil {
			t.Errorf("the marker would mark its own object %q", key)
		}
	}
}

// What comes in, and what becomes of it. A message that fails is the only one that fails.
func TestMarker_Invoke_objects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		data []byte
		want string // verdicts of this object
		fail bool
	}{
		{name: "no lines", data: pack(t, "")},
		{name: "no final line end", data: pack(t, evil), want: "malicious"},
		{name: "lines of CR and LF, and blank ones", data: pack(t, evil+"\r\n\r\n\n"+clean+"\r\n"), want: "malicious clean"},
		{name: "two members of gzip", data: append(pack(t, evil+"\n"), pack(t, clean+"\n")...), want: "malicious clean"},
		{name: "a line cut in a member of gzip", data: append(pack(t, evil[:9]), pack(t, evil[9:]+"\n")...), want: "malicious"},
		{
			name: "lines that cannot be read", data: pack(t, "x\n"+evil+"\n{\"query_name\"\n"),
			want: "Resolverwatch.UnreadableRecord Resolverwatch.UnreadableRecord malicious",
		},
		{name: "nothing can be read", data: pack(t, "no log\n"), want: "Resolverwatch.UnreadableRecord"},
		{name: "long lines", data: pack(t, `{"query_name":"evil.example","x":"`+strings.Repeat("y", 3*blockBytes)+"\"}\n"+clean), want: "malicious clean"},
		{name: "a line without end", data: pack(t, strings.Repeat("y", maxLineBytes+1)), fail: true},
		{name: "not gzip", data: []byte(evil + "\n"), fail: true},
		{name: "empty", fail: true},
		{name: "cut off", data: pack(t, strings.Repeat(evil+"\n", 1000))[:60], fail: true},
		{name: "cut before the checksum", data: func() []byte { p := pack(t, evil); return p[:len(p)-8] }(), fail: true},
		{name: "damaged", data: func() []byte { p := pack(t, evil); p[len(p)-5] ^= 1; return p }(), fail: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			before, object, after := w.put(t, 1, "a", clean), w.put(t, 2, "b"), w.put(t, 3, "c", clean)
			w.logs[object.Key+" b"] = tt.data
			failed := invoke(t, w.start(t, nil), notify(t, before, object, after))
			if want := []string{"m1"}; tt.fail != slices.Equal(failed, want) {
				t.Errorf("failed: %v", failed)
			}
			neighbours := 0
			for key := range w.written {
				if strings.Contains(key, "T1101Z") || strings.Contains(key, "T1103Z") {
					neighbours++
					delete(w.written, key)
				}
			}
			if got := w.verdicts(t); got != tt.want || neighbours != 2 {
				t.Errorf("got %q and %d neighbours, want %q", got, neighbours, tt.want)
			}
			if w.open != 0 {
				t.Errorf("%d uploads were not ended", w.open)
			}
		})
	}
}

// A line that is set aside reads like a record that Firehose set aside, and names its place.
func TestMarker_Invoke_failedLine(t *testing.T) {
	t.Parallel()
	w := newWorld()
	o := w.put(t, 55, "v1", evil, `{"query_name":`)
	invoke(t, w.start(t, nil), notify(t, o))
	for key, text := range w.written {
		if strings.HasSuffix(key, ".gz") {
			continue
		}
		if want := "delivery-failures/processing-failed/2026/11/30/"; !strings.HasPrefix(key, want) {
			t.Errorf("key %q, want it under %q", key, want)
		}
		var got failedLine
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		at := noon.Add(-5 * time.Minute).UnixMilli()
		want := failedLine{
			AttemptsMade: 1, ArrivalTimestamp: at, AttemptEnding: at, ErrorCode: "Resolverwatch.UnreadableRecord",
			ErrorMessage: got.ErrorMessage, RawData: []byte(`{"query_name":`), SourceBucket: "logs", SourceKey: o.Key, SourceETag: "v1", Line: 2,
		}
		if diff := cmp.Diff(want, got); diff != "" || got.ErrorMessage == "" {
			t.Error(diff)
		}
	}
}

func TestMarker_Invoke_events(t *testing.T) {
	t.Parallel()
	w := newWorld()
	o := w.put(t, 55, "v1", evil)
	fromS3 := func(key string) string {
		return fmt.Sprintf(`{"Records":[{"s3":{"bucket":{"name":"logs"},"object":{"key":%q,"eTag":"v1","versionId":"v1"}}}]}`, key)
	}
	unversioned := o
	unversioned.Version = "null"
	message := func(body string) []byte {
		event, _ := json.Marshal(map[string]any{"Records": []any{map[string]string{"messageId": "m0", "body": body}}})
		return event
	}
	for name, tt := range map[string]struct {
		event []byte
		want  string
		fail  bool
	}{
		"EventBridge":                 {event: notify(t, o), want: "malicious"},
		"a bucket without versions":   {event: notify(t, unversioned), want: "malicious"},
		"notification of S3":          {event: message(fromS3(o.Key)), want: "malicious"},
		"with an encoded key":         {event: message(fromS3(strings.ReplaceAll(o.Key, "/", "%2F"))), want: "malicious"},
		"test event of S3":            {event: message(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"logs"}`)},
		"an object that is gone":      {event: notify(t, Object{Bucket: "logs", Key: o.Key, Version: "v0", ETag: "v0"})},
		"an object that is not a log": {event: notify(t, Object{Bucket: "logs", Key: "aws-logs-write-test", Version: "v0", ETag: "v0"}), fail: true},
		"another event":               {event: message(`{"source":"aws.ec2","detail-type":"Object Created"}`), fail: true},
		"not JSON":                    {event: message(`x`), fail: true},
		"no bucket":                   {event: notify(t, Object{Key: o.Key, Version: "v1", ETag: "e"}), fail: true},
		"no ETag":                     {event: notify(t, Object{Bucket: "logs", Key: o.Key, Version: "v1"}), fail: true},
		"no messages":                 {event: []byte(`{"Records":[]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := newWorld()
			mine.logs = w.logs
			failed := invoke(t, mine.start(t, nil), tt.event)
			if got := mine.verdicts(t); got != tt.want || (len(failed) > 0) != tt.fail {
				t.Errorf("got %q and failed %v, want %q and %v", got, failed, tt.want, tt.fail)
			}
		})
	}
	for _, event := range []string{``, `{}`, `[]`, `{"Records":null}`} {
		if _, err := w.start(t, nil).Invoke(context.Background(), []byte(event)); !errors.Is(err, errEvent) {
			t.Errorf("%q: error %v", event, err)
		}
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	good := logKeyOf(7)
	got, err := ParseKey("some/folder/" + good)
	if want := (Name{"111122223333", "vpc-0a1b", noon.Add(-53 * time.Minute)}); err != nil || got != want {
		t.Errorf("got %v and error %v, want %v", got, err, want)
	}
	for _, tt := range []struct{ name, from, to string }{
		{"another VPC in the name", "vpc-0a1b_", "vpc-0c_"},
		{"another account in the name", "_111122223333_", "_222233334444_"},
		{"a day that does not exist", "/2026/11/30/", "/2026/02/30/"},
		{"a time that does not exist", "T1107Z", "T1167Z"},
		{"not compressed", ".log.gz", ".log"},
		{"a folder", logKey.FindString(good), "AWSLogs/111122223333/vpcdnsquerylogs/"},
		{"another service", "vpcdnsquerylogs/", "vpcflowlogs/"},
		{"no folder of AWS", "AWSLogs/", "xAWSLogs/"},
		{"an object of the marker", ".log.gz", ".json.gz"},
	} {
		key := strings.Replace(good, tt.from, tt.to, 1)
		var not *notLogError
		if _, err := ParseKey(key); !errors.As(err, &not) || key == good {
			t.Errorf("%s: %q gives error %v", tt.name, key, err)
		}
	}
}

// Without an index, the settings say whether records are marked unknown or come again.
func TestMarker_Invoke_noIndex(t *testing.T) {
	t.Parallel()
	w := newWorld()
	o := w.put(t, 55, "v1", evil)
	if failed := invoke(t, w.start(t, failWithoutIndex), notify(t, o)); len(failed) != 1 || len(w.written) != 0 {
		t.Errorf("failed %v, written %d", failed, len(w.written))
	}
	mark := func(c *Config) { failWithoutIndex(c); c.Settings.Transformer.FailureMode = settings.FailureModeMark }
	if failed := invoke(t, w.start(t, mark), notify(t, o)); len(failed) != 0 || w.verdicts(t) != "unknown" {
		t.Errorf("failed %v, verdicts %s", failed, w.verdicts(t))
	}
}

// Objects are not started in the last part of an invocation.
func TestMarker_Invoke_time(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var log bytes.Buffer
	now := noon
	m := w.start(t, func(c *Config) {
		c.clock, c.Log = func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil))
	})
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Hour))
	defer cancel()
	first, second := w.put(t, 1, "a", clean), w.put(t, 2, "b", clean)
	deadline, _ := ctx.Deadline()
	r := m.begin(ctx, "")
	if err := r.markObject(&first); err != nil {
		t.Error(err)
	}
	now = now.Add(time.Duration(float64(deadline.Sub(noon))*startShare) + time.Second)
	if err := r.markObject(&second); !errors.Is(err, errNoTime) {
		t.Errorf("error %v", err)
	}
	if _, err := w.start(t, nil).Invoke(ctx, notify(t, second)); err != nil || len(w.written) != 2 {
		t.Errorf("error %v, %d objects", err, len(w.written))
	}
}

// The process is killed at every call, before or after the call took effect, and the messages
// come again in another order, more than once. Every object is written once, with the bytes of
// a run without faults, and no upload is left behind by a process that survives.
func TestMarker_Invoke_killed(t *testing.T) {
	t.Parallel()
	build := func() (*world, []Object) {
		w := newWorld()
		return w, []Object{
			w.put(t, 1, "a", evil, clean), w.put(t, 1, "b", clean), w.put(t, 2, "c", "x", evil), w.put(t, 3, "d", "y"),
			{Bucket: "logs", Key: logKeyOf(4), ETag: "gone"},
		}
	}
	whole, objects := build()
	if failed := invoke(t, whole.start(t, nil), notify(t, objects...)); len(failed) > 0 {
		t.Fatal(failed)
	}
	for kill := 1; kill <= whole.calls; kill++ {
		for _, after := range []bool{false, true} {
			w, objects := build()
			w.killAt, w.killAfter = kill, after
			invoke(t, w.start(t, nil), notify(t, objects...))
			w.killAt = 0
			rand.New(rand.NewPCG(uint64(kill), 1)).Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
			for range 2 {
				if failed := invoke(t, w.start(t, nil), notify(t, append(objects, objects...)...)); len(failed) > 0 {
					t.Fatalf("killed at call %d: then failed %v", kill, failed)
				}
			}
			if !maps.EqualFunc(w.written, whole.written, bytes.Equal) {
				t.Errorf("killed at call %d, after it: %v: objects differ: %v", kill, after, slices.Sorted(maps.Keys(w.written)))
			}
		}
	}
}

// The metrics count each object and each record once, whatever comes twice.
func TestMarker_Invoke_metrics(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var out bytes.Buffer
	m := w.start(t, func(c *Config) { c.Metrics = &out })
	marked, missing := w.put(t, 55, "v1", evil, clean, "x"), Object{Bucket: "logs", Key: logKeyOf(4), ETag: "gone"}
	broken := w.put(t, 56, "v2")
	w.logs[broken.Key+" v2"] = pack(t, strings.Repeat(evil+"\n", 1000))[:60]
	invoke(t, m, notify(t, marked, marked, missing, broken))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"ObjectsMarked": 1, "ObjectsSkipped": 1, "ObjectMissing": 1, "ObjectsFailed": 1, "UnreadableLines": 1,
		"Malicious": 1, "Clean": 1, "Unknown": 0, "SourceLag": 300, "IndexGeneration": 7, "IndexAge": 0,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
