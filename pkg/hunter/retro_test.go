package hunter_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/hunter"
)

// published returns the event of a publish of a stack.
func published(stack, at string) string {
	return fmt.Sprintf(`{"version":"0","source":"resolverwatch","detail-type":"Index published","time":%q,`+
		`"detail":{"stack":%q,"generation":7,"entries":10,"added":3,"removed":0,"at":%q}}`, at, stack, at)
}

// aPublish is the event of a publish of the stack of the tests.
var aPublish = published("Resolverwatch", noon.Format(time.RFC3339))

const (
	aSchedule    = `{"query":"retro-hunt"}`
	retroColumns = "account_id|vpc_id|srcaddr|indicator|scope"
)

// A publish starts a retro-hunt, but not within a day of the last one. A publish that comes too
// early waits for the next schedule; a schedule with nothing to do is a success.
func TestHunter_Invoke_retroHunt(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(retroColumns)
	for i, step := range []struct {
		pass      time.Duration
		event     string // at the time of the step
		ran       bool
		succeeded float64
	}{
		{0, aSchedule, false, 1},
		{0, aPublish, true, 1},
		{time.Hour, aSchedule, false, 1},
		{time.Hour, aPublish, false, 0},
		{time.Hour, aPublish, false, 0},
		{22 * time.Hour, aSchedule, true, 1}, // for the publishes that came too early
		{time.Hour, aSchedule, false, 1},
		{48 * time.Hour, aSchedule, false, 1},
		{0, aPublish, true, 1},
		{0, published("another-stack", "2026-11-30T12:00:00Z"), false, 0},
		{48 * time.Hour, strings.Replace(aPublish, `"added":3`, `"added":0`, 1), false, 0},
		{0, strings.Replace(aPublish, `"added":3,`, ``, 1), true, 1}, // their number is not known
	} {
		w.pass(step.pass)
		before := len(w.ran)
		p := w.invoke(t, fmt.Sprint(i), strings.ReplaceAll(step.event, noon.Format(time.RFC3339), w.now.Format(time.RFC3339)))
		if ran := len(w.ran) > before; ran != step.ran || p.counts["HuntSucceeded"] != step.succeeded ||
			p.counts["HuntSucceeded retro-hunt"] != step.succeeded {
			t.Errorf("step %d: ran %v, counted %v", i, ran, p.counts)
		}
	}
}

// A retro-hunt looks for entries since the last complete one, so none is missed however long ago
// that was; the first one takes the whole look-back.
func TestHunter_Invoke_retroHuntPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(retroColumns)
	for i, step := range []struct {
		pass        time.Duration
		since, from string
	}{
		{0, "2026-10-31T12:00:00Z", "2026-10-31T12:00:00Z"},
		{24 * time.Hour, "2026-11-30T10:00:00Z", "2026-11-01T12:00:00Z"},      // the look-back of all hunts
		{72 * time.Hour, "2026-12-01T11:00:00Z", "2026-11-04T12:00:00Z"},      // an hour before the last one
		{60 * 24 * time.Hour, "2027-01-03T12:00:00Z", "2027-01-03T12:00:00Z"}, // not before the logs
	} {
		w.pass(step.pass)
		w.invoke(t, fmt.Sprint(i), published("Resolverwatch", w.now.Format(time.RFC3339)))
		want := fmt.Sprintf("SELECT from_iso8601_timestamp('%s') from_iso8601_timestamp('%s') ", step.since, step.from)
		if got := w.ran[i]; !strings.Contains(got, want) {
			t.Errorf("step %d: ran %s, want %s", i, got, want)
		}
	}
}

// The entries of a run that failed are looked for again. The repeats of the same event may do it at
// once; the schedule waits for a day, because a failed run may have cost as much as a complete one.
// Until then it writes no success.
func TestHunter_Invoke_retroHuntFails(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(retroColumns, "111122223333|vpc-1|10.0.0.1|evil.example|name")
	for range 2 {
		p := w.process("1")
		p.failSend = errors.New("access denied")
		if _, err := p.invoke(t, aPublish); err == nil {
			t.Fatal("no error")
		}
		w.pass(time.Minute)
	}
	if len(w.ran) != 2 {
		t.Errorf("the same invocation ran %d queries", len(w.ran))
	}
	w.pass(time.Hour)
	if p := w.invoke(t, "2", aSchedule); len(w.ran) != 2 || len(p.counts) != 0 {
		t.Errorf("ran %d queries, counted %v", len(w.ran), p.counts)
	}
	w.pass(24 * time.Hour)
	w.now = noon.Add(24 * time.Hour)
	if w.invoke(t, "3", aSchedule); len(w.ran) != 3 || !strings.Contains(w.ran[2], "'2026-11-01T12:00:00Z') from_iso8601_timestamp('2026-11-01T12:00:00Z')") {
		t.Errorf("ran %q", w.ran)
	}
}

// Many invocations for one publish run one query.
func TestHunter_Invoke_retroHuntsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(retroColumns, "111122223333|vpc-1|10.0.0.1|evil.example|name")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := w.process(fmt.Sprint(i)).invoke(t, aPublish); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(w.ran) != 1 || len(w.sent) != 1 {
		t.Errorf("ran %d queries, sent %d messages", len(w.ran), len(w.sent))
	}
}

// Two invocations run for one publish. Before one of its calls, each of them in turn, the first
// pauses until the second has run completely. One query is run.
func TestEnumeration_overtakenRetroHunt(t *testing.T) {
	t.Parallel()
	begin := newWorld()
	begin.result = result(retroColumns, "111122223333|vpc-1|10.0.0.1|evil.example|name")
	calls := begin.clone().invoke(t, "1", aPublish).Calls
	for at := range calls {
		w := begin.clone()
		slow := w.process("1")
		slow.At = at + 1
		slow.Before = func() error { w.invoke(t, "2", aPublish); return nil }
		if _, err := slow.invoke(t, aPublish); err != nil {
			t.Fatalf("overtaken at call %d %q: %v", at+1, slow.Calls[at], err)
		}
		if len(w.ran) != 1 || len(w.ids(t)) != 1 {
			t.Errorf("overtaken at call %d %q: ran %d queries, %d findings", at+1, slow.Calls[at], len(w.ran), len(w.ids(t)))
		}
	}
	t.Logf("%d calls, 0 repeated queries", len(calls))
}

// A killed run keeps others away for a day, like every other run. Then the schedule makes up for it.
func TestHunter_Invoke_claimOfAKilledRun(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(retroColumns)
	killed := w.process("1").die(3, false) // after the claim, at reading the query
	if _, err := killed.invoke(t, aPublish); err == nil || killed.Calls[2] != "Query" {
		t.Fatalf("calls %v, error %v", killed.Calls, err)
	}
	w.pass(time.Minute)
	if w.invoke(t, "2", aPublish); len(w.ran) != 0 {
		t.Error("another invocation ran while the claim was valid")
	}
	w.pass(15 * time.Minute)
	if p := w.invoke(t, "3", aSchedule); len(w.ran) != 0 || p.counts["HuntSucceeded"] != 0 {
		t.Errorf("the schedule ran %d queries within the day, counted %v", len(w.ran), p.counts)
	}
	w.pass(24 * time.Hour)
	if w.invoke(t, "4", aSchedule); len(w.ran) != 1 {
		t.Error("the schedule did not run a day later")
	}
	if stored := w.runs["retro-hunt"]; stored.Owner != "" || !stored.WaitingFor.IsZero() || stored.RanAt != w.now {
		t.Errorf("stored %+v", stored)
	}
}

// A publish that comes during a run is not part of it, so it waits for the next one.
func TestHunter_Invoke_publishDuringARetroHunt(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(retroColumns)
	slow := w.process("1")
	slow.At = 4 // running the query
	slow.Before = func() error {
		w.pass(time.Minute)
		w.invoke(t, "2", aPublish) // the same one again
		if stored := w.runs["retro-hunt"]; stored.WaitingFor.After(noon) {
			t.Errorf("a repeated event waits: %+v", stored)
		}
		w.invoke(t, "3", published("Resolverwatch", w.now.Format(time.RFC3339)))
		return nil
	}
	if _, err := slow.invoke(t, aPublish); err != nil || slow.Calls[3] != "Run" {
		t.Fatalf("calls %v, error %v", slow.Calls, err)
	}
	if stored := w.runs["retro-hunt"]; stored.RanAt != noon || stored.WaitingFor != noon.Add(time.Minute) {
		t.Errorf("stored %+v", stored)
	}
	w.pass(24 * time.Hour)
	if w.invoke(t, "4", aSchedule); len(w.ran) != 2 || w.runs["retro-hunt"].WaitingFor != (time.Time{}) {
		t.Errorf("ran %d queries, stored %+v", len(w.ran), w.runs["retro-hunt"])
	}
}

// A hunt is killed before and after each of its calls, and repeated by Lambda with the same
// event and the same id. Each finding arrives at least once, with the same id, and the end is the
// same as without a kill. A call whose reply is lost changes nothing.
func TestEnumeration_killedAtEveryCall(t *testing.T) {
	t.Parallel()
	for event, columns := range map[string]string{
		`{"query":"tunnels","at":"2026-11-30T12:00:00Z"}`: tunnelColumns,
		aPublish: retroColumns + "|a|b|c|d",
	} {
		begin := newWorld()
		rows := tunnelRows(900)
		if columns != tunnelColumns {
			for i := range rows {
				rows[i] = fmt.Sprintf("111122223333|vpc-1|10.0.%d.%d|evil.example|subtree|||1|", i/250, i%250)
			}
		}
		begin.result = result(columns, rows...)
		done := begin.clone()
		calls := done.invoke(t, "1", event).Calls
		want := done.ids(t)
		if len(want) != 900 {
			t.Fatalf("%d findings", len(want))
		}
		for at := range calls {
			for _, how := range []string{"before", "after", "twice"} {
				w := begin.clone()
				p := w.process("1")
				if p.At = at + 1; how == "twice" {
					p.Twice = true
				} else {
					p.die(at+1, how == "after")
				}
				_, err := p.invoke(t, event)
				if how != "twice" {
					if err == nil || p.counts["HuntSucceeded"] != 0 {
						t.Fatalf("killed %s %q: error %v, counted %v", how, p.Calls[at], err, p.counts)
					}
					w.pass(time.Minute) // Lambda repeats the event after a minute
					p = w.invoke(t, "1", event)
				} else if err != nil {
					t.Fatalf("%q was made twice: %v", p.Calls[at], err)
				}
				wantSameEnd(t, w, done, p, fmt.Sprintf("%s %q", how, calls[at]))
			}
		}
		t.Logf("%d calls, killed before and after each, and each made twice: 0 findings lost", len(calls))
	}
}

// wantSameEnd checks that a world ended like another one that nothing happened to.
func wantSameEnd(t *testing.T, w, done *world, p *process, what string) {
	t.Helper()
	got, want := strings.Join(w.ids(t), " "), strings.Join(done.ids(t), " ")
	if got != want {
		t.Fatalf("%s: %d findings, want %d", what, len(w.ids(t)), len(done.ids(t)))
	}
	// A run that was killed after its last call is complete, so its repeat runs nothing.
	if slices.Contains(p.Calls, "Run") && p.counts["HuntSucceeded"] != 1 {
		t.Fatalf("%s: the last run counted %v", what, p.counts)
	}
	for name, run := range w.runs {
		if run.Owner != "" || !run.LeaseUntil.IsZero() || run.RanAt.IsZero() || run.WaitingFor != (hunter.Run{}).WaitingFor {
			t.Fatalf("%s: the row of %s is %+v", what, name, run)
		}
	}
}
