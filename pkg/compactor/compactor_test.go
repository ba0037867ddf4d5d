package compactor

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// late is a log of a day that was copied.
var late = time.Date(2026, 11, 8, 0, 0, 0, 0, time.UTC)

// story is a week: days are closed and copied, and one of them gets another log.
func (w *world) story() {
	w.t.Helper()
	w.hours(60)
	w.addLog(late, "late", w.now)
	w.late[layout.logs(late)+"late"] = true
	w.hours(80)
}

// wantEnd fails the test if a day was left out, or the late log is missing.
func (w *world) wantEnd() {
	w.t.Helper()
	clear(w.late)
	w.check()
	for _, partition := range []string{"2026/11/06", "2026/11/07", "2026/11/08", "2026/11/09", "2026/11/12"} {
		if !w.copied(partition) {
			w.t.Fatalf("%s is not copied in the view %q", partition, w.view)
		}
	}
	if w.copied("2026/11/05") || len(w.state.Open) > 0 {
		w.t.Errorf("the view is %q, open days are %v", w.view, w.state.Open)
	}
}

// Each closed day is copied once, also one without logs, and a day with late logs once more.
func TestCompactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.story()
	w.wantEnd()
	want := []string{"2026/11/06", "2026/11/07", "2026/11/08", "2026/11/10", "2026/11/11", "2026/11/08", "2026/11/12"}
	slices.Sort(want)
	got := slices.Sorted(slices.Values(w.done))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("copied days (-want +got):\n%s", diff)
	}
}

// A run is killed at each of its calls, before and after the call took effect, and its statement
// writes the rest later. The view has each row once at all times, and the work is done in the end.
func TestCompactor_killed(t *testing.T) {
	t.Parallel()
	whole := newWorld(t)
	whole.story()
	calls := len(whole.process.Calls)
	if calls < 100 {
		t.Fatalf("the story has only %d calls", calls)
	}
	for at := 1; at <= calls; at++ {
		for _, after := range []bool{false, true} {
			w := newWorld(t)
			w.process.Die(at, after)
			w.story()
			w.hours(60)
			w.wantEnd()
			if t.Failed() {
				t.Fatalf("killed at call %d, %s; after its effect: %v", at, whole.process.Calls[at-1], after)
			}
		}
	}
}

// A reply that is lost, so that the call is made again, changes nothing but the time.
func TestCompactor_lostReply(t *testing.T) {
	t.Parallel()
	whole := newWorld(t)
	whole.story()
	for at := range whole.process.Calls {
		if whole.process.Calls[at] == "copy" {
			continue // Athena refuses a folder that is not empty, and that is a failure
		}
		w := newWorld(t)
		w.process.At, w.process.Twice = at+1, true
		w.story()
		w.hours(60)
		w.wantEnd()
	}
}

// A statement that fails half way is tried again a day later, and no other day before it.
func TestCompactor_fails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fails = func(partition string) bool { return partition == "2026/11/06" && w.now.Before(begin.Add(30*time.Hour)) }
	w.hours(1)
	if got := strings.Count(strings.Join(w.process.Calls, " "), "copy"); got != 1 {
		t.Fatalf("%d statements in the first run", got)
	}
	w.hours(23)
	if got := strings.Count(strings.Join(w.process.Calls, " "), "copy"); got != 1 {
		t.Errorf("%d statements in the first day", got)
	}
	w.hours(30)
	if len(w.done) == 0 || w.done[0] != "2026/11/06" {
		t.Errorf("copied %v", w.done)
	}
}

// While a run copies, another one does nothing, and the loser of a race ends without an error.
func TestCompactor_twoRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inner := w.compactor()
	raced := &racing{world: w, run: func() {
		if answer, err := inner.invoke(t.Context()); err != nil || bytes.Contains(answer, []byte("2026-11-06")) {
			t.Errorf("the second run: %s, %v", answer, err)
		}
	}}
	outer := New(Config{Athena: raced, Ledger: w, Objects: w, Bucket: "out", Layout: layout, now: func() time.Time { return w.now }})
	for range 2 {
		if _, err := outer.invoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Hour)
	}
	w.hours(20)
	if got := strings.Count(strings.Join(w.done, " "), "2026/11/06"); got != 1 {
		t.Errorf("copied %v", w.done)
	}
}

// racing runs something while a statement runs.
type racing struct {
	*world
	run func()
}

func (r *racing) Do(ctx context.Context, sql string) (int64, error) {
	if strings.HasPrefix(sql, "UNLOAD") {
		r.run()
	}
	return r.world.Do(ctx, sql)
}

// The logs that were copied are gone: what came late cannot be copied again without them.
func TestCompactor_logsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hours(40)
	day := time.Date(2026, 11, 6, 0, 0, 0, 0, time.UTC)
	w.files = slices.DeleteFunc(w.files, func(f file) bool { return strings.HasPrefix(f.key, layout.logs(day)) })
	w.addLog(day, "late", w.now)
	w.late[layout.logs(day)+"late"] = true
	before := w.read()[layout.logs(day)+"0"]
	w.hours(80)
	if after := w.read()[layout.logs(day)+"0"]; before != 1 || after != 1 {
		t.Errorf("the copied row is %d times in the view, and was %d times", after, before)
	}
}

// A copy that somebody deleted is made again.
func TestCompactor_copyDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hours(40)
	for i := range w.files {
		w.late[w.files[i].key] = true
	}
	w.files = slices.DeleteFunc(w.files, func(f file) bool { return strings.HasPrefix(f.key, "compacted/2026/11/06/") })
	w.hours(80)
	clear(w.late)
	w.check()
}

// A check looks at the newest days, and at as many older ones, which take turns.
func TestState_toCheck(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, days := range []int{0, 1, 34, 35, 36, 70, 100, 365} {
		s := State{}
		if days > 0 {
			s.From, s.Until = from, from.Add(time.Duration(days)*day)
		}
		seen := map[time.Time]bool{}
		for range 11 { // 365 days are 35 and 10 times 33
			checked := s.toCheck()
			if len(checked) > 2*checkedDays || len(checked) < min(days, checkedDays) {
				t.Fatalf("%d days: checked %d", days, len(checked))
			}
			for i, at := range checked[:min(days, checkedDays)] {
				if want := s.Until.Add(-time.Duration(i+1) * day); !at.Equal(want) {
					t.Fatalf("%d days: checked %v, want %v", days, at, want)
				}
			}
			for _, at := range checked {
				seen[at] = true
			}
		}
		if len(seen) != days {
			t.Errorf("%d days: checked %d of them in 11 checks", days, len(seen))
		}
	}
}

// The metrics of a run say what it did.
func TestCompactor_metrics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*world)
		want   []string
	}{
		"copied": {func(*world) {}, []string{metric.DaysCompacted + `":1`, metric.CompactionFailed + `":0`, metric.CompactionBehind + `":0`}},
		"failed": {func(w *world) { w.fails = func(string) bool { return true } }, []string{metric.DaysCompacted + `":0`, metric.CompactionFailed + `":1`}},
		"behind": {func(w *world) {
			w.state = State{From: begin.Truncate(day).Add(-9 * day), Until: begin.Truncate(day).Add(-8 * day)}
		},
			[]string{metric.DaysCompacted + `":1`, metric.CompactionBehind + `":5`}},
	} {
		w := newWorld(t)
		tt.change(w)
		var out bytes.Buffer
		c := New(Config{Athena: w, Ledger: w, Objects: w, Bucket: "out", Layout: layout, Metrics: &out, now: func() time.Time { return w.now }})
		if _, err := c.invoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: the metrics %s do not have %s", name, &out, want)
			}
		}
	}
}

// Other events go to the other function, and so does the event of the schedule if no day is copied.
func TestHandler(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := &Handler{Compactor: w.compactor(), Other: other{}}
	answer, err := h.Invoke(t.Context(), []byte(settings.CompactEvent))
	if err != nil || !bytes.Contains(answer, []byte(`"day":"2026-11-06"`)) {
		t.Errorf("got %s, %v", answer, err)
	}
	for _, event := range []string{`{"query":"tunnels"}`, `no JSON`, `{"compact":false}`} {
		if _, err := h.Invoke(t.Context(), []byte(event)); !errors.Is(err, errOther) {
			t.Errorf("%s: %v", event, err)
		}
	}
	if _, err := (&Handler{Other: other{}}).Invoke(t.Context(), []byte(settings.CompactEvent)); !errors.Is(err, errOther) {
		t.Error(err)
	}
}

var errOther = errors.New("other")

type other struct{}

func (other) Invoke(context.Context, []byte) ([]byte, error) { return nil, errOther }

// A ledger that cannot be read is an error, so that the run is repeated.
func TestCompactor_noLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.process.At, w.process.Before = 1, func() error { return storage.ErrNotFound }
	if answer, err := w.compactor().invoke(t.Context()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("got %s, %v", answer, err)
	}
}
