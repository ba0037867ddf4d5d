package importer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/table"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

// runKilledBy runs an import and kills it when it opens a list, as a list does that takes
// more memory than there is. It returns the process, and whether the list was opened.
func (w *world) runKilledBy(t *testing.T, key string, triggers ...importer.Trigger) (*process, bool) {
	t.Helper()
	p := w.process()
	p.killedBy = key
	err := p.importer(t).Handle(context.Background(), triggers...)
	if p.Killed() != errors.Is(err, killable.ErrKilled) {
		t.Fatalf("killed is %v, error %v", p.Killed(), err)
	}
	return p, p.Killed()
}

// poisoned returns a world in which the list of one feed kills every run that opens it, and
// the events of two other lists were lost. The names of their feeds come before and after.
func poisoned(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	w.put("feeds/a/list.txt", "a.example\n")
	w.put("feeds/bad/list.txt", "old.example\n")
	w.put("feeds/z/list.txt", "z.example\n")
	w.handle(t, scheduled())
	w.put("feeds/a/list.txt", "a.example\nnewa.example\n")
	w.put("feeds/bad/list.txt", "kills.example\n")
	w.put("feeds/z/list.txt", "z.example\nnewz.example\n")
	return w
}

const poison = "feeds/bad/list.txt"

// A list that kills its importer does so twice. Then it is set aside with its reason. From the
// second run on, everything else is imported, published and renewed before it is read.
func TestImporter_Handle_listThatEndsRuns(t *testing.T) {
	t.Parallel()
	w := poisoned(t)
	for run := range 6 {
		w.pass(time.Hour)
		p, killed := w.runKilledBy(t, poison, scheduled())
		if killed != (run < 2) {
			t.Fatalf("run %d: killed is %v", run+1, killed)
		}
		if run == 0 {
			continue
		}
		wantServes(t, w, map[string]bool{"newa.example": true, "newz.example": true, "old.example": true, "kills.example": false})
		if want := map[bool]float64{true: 1}[run == 2]; p.counts["ImportRejected"] != want {
			t.Errorf("run %d: metrics are %v", run+1, p.counts)
		}
	}
	row := w.state["bad"]
	if row.Last.Outcome != list.OutcomeRefused || row.Last.Reason != string(list.RefusedSetAside) || row.Attempt.Runs != 2 {
		t.Errorf("the row is %+v", row)
	}
	if report := w.report(t, "bad/"+row.Last.Version); !strings.Contains(string(report.Text()), "2 runs of the importer ended while they read this version") {
		t.Errorf("the report is %s", report.Text())
	}
	wantFinished(t, w, w.served(t))

	// A new version is read.
	w.put(poison, "old.example\nfine.example\n")
	w.handle(t, keys(poison)...)
	wantServes(t, w, map[string]bool{"fine.example": true})
	if attempt := w.state["bad"].Attempt; attempt != (table.Attempt{}) {
		t.Errorf("the attempt is %+v", attempt)
	}
}

// The event of such a list, and Lambda's retries of it, concern this feed alone.
func TestImporter_Handle_eventOfAListThatEndsRuns(t *testing.T) {
	t.Parallel()
	w := poisoned(t)
	for run := range 4 {
		if _, killed := w.runKilledBy(t, poison, keys(poison)...); killed != (run < 2) {
			t.Errorf("run %d: killed is %v", run+1, killed)
		}
		w.pass(time.Minute)
	}
	w.handle(t, scheduled())
	wantServes(t, w, map[string]bool{"newa.example": true, "newz.example": true, "old.example": true})
}

// A version that was set aside is read again if somebody asks for it, or if what it was read
// with has changed.
func TestImporter_Handle_setAsideListIsReadAgain(t *testing.T) {
	t.Parallel()
	begin := poisoned(t)
	for range 3 {
		begin.pass(time.Hour)
		begin.runKilledBy(t, poison, scheduled())
	}
	for _, tc := range []struct {
		name    string
		change  func(w *world)
		trigger importer.Trigger
		want    bool
	}{
		{"the next hour", func(*world) {}, scheduled(), false},
		{"its event once more", func(*world) {}, importer.Trigger{Key: poison}, false},
		{"asked for", func(*world) {}, importer.Trigger{Feed: "bad"}, true},
		{"with a reason", func(*world) {}, importer.Trigger{Feed: "bad", Force: "it was the network"}, true},
		{"more memory", func(w *world) { w.guards.Memory = 1 << 30 }, scheduled(), true},
		{"another setting", func(w *world) { w.parameters["bad"] = `{"severity":"high"}` }, scheduled(), true},
	} {
		w := begin.clone()
		tc.change(w)
		w.handle(t, tc.trigger)
		if got := strings.Contains(w.served(t), "kills.example"); got != tc.want {
			t.Errorf("%s: read is %v, want %v", tc.name, got, tc.want)
		}
	}

	// If it ends that run too, it is not read again by itself.
	w := begin.clone()
	if _, killed := w.runKilledBy(t, poison, importer.Trigger{Feed: "bad"}); !killed {
		t.Error("the list was not read")
	}
	w.pass(time.Hour)
	if _, killed := w.runKilledBy(t, poison, scheduled()); killed {
		t.Error("the list was read again")
	}
}

// An error of S3 or of the table is not the fault of the list, however often it comes.
func TestImporter_Handle_errorsDoNotSetAside(t *testing.T) {
	t.Parallel()
	begin := poisoned(t)
	calls := begin.clone().handle(t, keys(poison)...).Calls
	failed := errors.New("service unavailable")
	for at := range everyCall(len(calls)) {
		w := begin.clone()
		for range 4 {
			p := w.process()
			p.At, p.Before = at, func() error { return failed }
			_ = p.importer(t).Handle(context.Background(), keys(poison)...)
			w.pass(time.Minute)
		}
		w.handle(t, keys(poison)...)
		if !strings.Contains(w.served(t), "kills.example") {
			t.Fatalf("after four errors of %q the list is not imported: %+v", calls[at-1], w.state["bad"].Last)
		}
	}
}

// A run that still has time may be reading the list. It has not ended because of it.
func TestImporter_Handle_runsAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := poisoned(t)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	for range 5 {
		p := w.process()
		p.killedBy = poison
		if err := p.importer(t).Handle(ctx, keys(poison)...); !errors.Is(err, killable.ErrKilled) {
			t.Fatalf("error %v", err)
		}
		w.pass(time.Minute)
	}
	for run, want := range []bool{true, false} {
		w.pass(20 * time.Minute)
		p := w.process()
		p.killedBy = poison
		if err := p.importer(t).Handle(ctx, keys(poison)...); errors.Is(err, killable.ErrKilled) != want {
			t.Errorf("run %d: error %v", run, err)
		}
	}
}

// A list that makes a parser panic is set aside too, so that runs do not fail for ever.
func TestImporter_Handle_panicsSetAside(t *testing.T) {
	t.Parallel()
	w := poisoned(t)
	for run := range 4 {
		w.pass(time.Hour)
		p := w.process()
		p.killedBy, p.kill = poison, func() { panic("index out of range") }
		err := p.importer(t).Handle(context.Background(), scheduled())
		if (err != nil) != (run < 2) {
			t.Errorf("run %d: error %v", run+1, err)
		}
		wantServes(t, w, map[string]bool{"newa.example": true, "newz.example": true, "old.example": true})
	}
}

// If a feed has a new list every hour and each of them ends the run, other lists that came to no
// decision still get their turn.
func TestImporter_Handle_everyVersionEndsItsRun(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"a", "z"} {
		w := poisoned(t)
		w.runKilledBy(t, "feeds/"+other+"/list.txt", keys("feeds/"+other+"/list.txt")...)
		for hour := range 3 {
			w.pass(time.Hour)
			w.put(poison, fmt.Sprintf("kills%d.example\n", hour))
			if _, killed := w.runKilledBy(t, poison, scheduled()); !killed {
				t.Fatalf("hour %d: the new list was not read", hour)
			}
		}
		w.pass(time.Hour)
		w.put(poison, "killsagain.example\n")
		w.runKilledBy(t, poison, scheduled())
		wantServes(t, w, map[string]bool{"newa.example": true, "newz.example": true, "old.example": true})
	}
}
