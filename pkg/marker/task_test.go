package marker

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// Of the objects of a task, the failures are counted, and what is marked is skipped without being
// read.
func TestMarker_MarkTask(t *testing.T) {
	t.Parallel()
	w := newWorld()
	broken := w.put(t, 3, "c")
	w.logs[broken.Key+" c"] = []byte("no gzip")
	task := Task{Run: "r1", Objects: []Object{
		w.put(t, 1, "a", evil, clean), w.put(t, 2, "b", clean), broken,
		{Bucket: "logs", Key: logKeyOf(4), ETag: "gone"}, {Bucket: "logs", Key: "notes.txt", ETag: "n"},
	}}
	invoke(t, w.start(t, nil), notify(t, task.Objects[1]))
	calls := w.calls
	got := w.start(t, nil).MarkTask(t.Context(), &task)
	if len(got.Errors) != 2 || got.Errors[0].Key != broken.Key || got.Errors[0].Error == "" {
		t.Errorf("errors: %v", got.Errors)
	}
	got.Errors = nil
	if diff := cmp.Diff(&TaskResult{Marked: 1, Skipped: 1, Missing: 1, Failed: 2}, got); diff != "" {
		t.Error(diff)
	}
	if want := 4 + 3 + 1; w.calls-calls != want { // looked for, read, written
		t.Errorf("%d calls, want %d", w.calls-calls, want)
	}
	if got, want := w.verdicts(t), "malicious clean clean"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A task is blocked if nothing could be marked, and no object is the cause.
func TestMarker_MarkTask_blocked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		objects func(t *testing.T, w *world) []Object
		noIndex bool
		want    bool
	}{
		{"no objects", func(*testing.T, *world) []Object { return nil }, false, false},
		{"one whole object", func(t *testing.T, w *world) []Object { return []Object{w.put(t, 1, "a", clean)} }, false, false},
		{"only damaged objects", func(t *testing.T, w *world) []Object {
			cut, notGzip, garbled := w.put(t, 1, "a", clean), w.put(t, 2, "b", clean), w.put(t, 3, "c", clean)
			data := w.logs[cut.Key+" a"]
			w.logs[cut.Key+" a"] = data[:len(data)-9]
			w.logs[notGzip.Key+" b"] = []byte("no gzip")
			w.logs[garbled.Key+" c"][10] = 0xff // the type of the first block
			return []Object{cut, notGzip, garbled, {Bucket: "logs", Key: "notes.txt", ETag: "n"}}
		}, false, false},
		{"no index", func(t *testing.T, w *world) []Object {
			return []Object{w.put(t, 1, "a", clean), w.put(t, 2, "b", clean)}
		}, true, true},
		{"no index, and an object that is not a log", func(t *testing.T, w *world) []Object {
			return []Object{w.put(t, 1, "a", clean), {Bucket: "logs", Key: "notes.txt", ETag: "n"}}
		}, true, false},
	} {
		w := newWorld()
		objects := tt.objects(t, w)
		var change func(*Config)
		if tt.noIndex {
			change = failWithoutIndex
		}
		m := w.start(t, change)
		got := m.MarkTask(t.Context(), &Task{Objects: objects})
		if got.Blocked != tt.want || got.Failed != len(got.Errors) {
			t.Errorf("%s: got %+v, want blocked = %v", tt.name, got, tt.want)
		}
	}
}

// queue keeps the messages about matches.
type queue struct {
	messages []*alert.Message
	err      error
}

func (q *queue) Send(_ context.Context, body []byte) error {
	m, err := alert.Decode(body)
	if err != nil {
		return err
	}
	if q.err == nil {
		q.messages = append(q.messages, m)
	}
	return q.err
}

// The matches of each object are told, also if it was marked before the process ended without
// telling them. Those of a backfill are told only if that is asked for. A queue that fails changes
// nothing but a metric.
func TestMarker_alerts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		run    func(*testing.T, *Marker, Object)
		origin alert.Origin // "" if nobody is told
		times  int
	}{
		{"events", func(t *testing.T, m *Marker, o Object) { invoke(t, m, notify(t, o)) }, alert.OriginS3, 1},
		{"an event twice", func(t *testing.T, m *Marker, o Object) { invoke(t, m, notify(t, o, o)) }, alert.OriginS3, 2},
		{"a backfill", func(t *testing.T, m *Marker, o Object) { m.MarkTask(t.Context(), &Task{Objects: []Object{o}}) }, "", 0},
		{"a backfill that tells", func(t *testing.T, m *Marker, o Object) {
			m.MarkTask(t.Context(), &Task{Objects: []Object{o}, Alert: true})
		}, alert.OriginBackfill, 1},
	} {
		for _, fails := range []bool{false, true} {
			w, q := newWorld(), &queue{}
			if fails {
				q.err = errKilled
			}
			var out bytes.Buffer
			m := w.start(t, func(c *Config) { c.Alerts, c.Metrics = q, &out })
			tt.run(t, m, w.put(t, 55, "v1", evil, clean, evil))
			if w.verdicts(t) != "malicious clean malicious" {
				t.Errorf("%s: marked %s", tt.name, w.verdicts(t))
			}
			want := tt.times
			if fails {
				want = 0
			}
			if len(q.messages) != want || strings.Contains(out.String(), `"AlertSendFailed":0`) == fails && tt.times > 0 {
				t.Errorf("%s, failing %v: %d messages, metrics %s", tt.name, fails, len(q.messages), &out)
			}
			for _, got := range q.messages {
				if got.Origin != tt.origin || got.Generation != 7 || len(got.Rows) != 1 || got.Rows[0].Records != 2 {
					t.Errorf("%s: message %+v", tt.name, got)
				}
			}
		}
	}
}
