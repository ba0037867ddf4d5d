//go:build e2e

package machine

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/resolverwatch/resolverwatch/pkg/backfill"
)

// request asks for a backfill of the day.
func request(run string) *backfill.Request {
	return &backfill.Request{Action: backfill.ActionPlan, Run: run, From: day, Until: day.Add(24 * time.Hour)}
}

// run runs a backfill to its end. It fails the test if the status or the work differ.
func (w *world) run(t *testing.T, name string, status types.ExecutionStatus, want work) {
	t.Helper()
	w.machine.wait(t, w.machine.start(t, request(name)), status)
	if got := w.take(); got != want {
		t.Errorf("%s: got %+v, want %+v", name, got, want)
	}
}

func all(int) bool { return true }

// Every object is marked once, and a second backfill finds nothing to do.
func TestBackfill(t *testing.T) {
	w := newWorld(t, "all")
	w.run(t, "first", types.ExecutionStatusSucceeded, work{Plans: 1, Planned: objects, Tasks: tasks, Marked: objects})
	w.run(t, "second", types.ExecutionStatusSucceeded, work{Plans: 1})
	w.checkMarked(t, all)
}

// The threshold counts tasks. So 1 % of the objects pass if they are in 1 % of the tasks, as after
// a fault of some minutes, and fail the backfill if they are in many. All other objects are marked,
// because kumo does not stop the other tasks. A backfill under another name takes what is left, and
// one of a single task fails if the objects are still broken.
func TestBackfill_brokenObjects(t *testing.T) {
	const broken = objects / 100
	for _, tt := range []struct {
		name     string
		isBroken func(number int) bool
		badTasks int
		status   types.ExecutionStatus
	}{
		{"in-one-task", func(number int) bool { return number/perTask == 40 }, 1, types.ExecutionStatusSucceeded},
		{"in-many-tasks", func(number int) bool { return number%100 == 50 }, broken, types.ExecutionStatusFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.name)
			putBroken := func(cutOff bool) {
				for number := range w.keys {
					if tt.isBroken(number) {
						if err := w.put(number, cutOff); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			t.Cleanup(func() { putBroken(false) })
			putBroken(true)
			w.run(t, "first", tt.status, work{
				Plans: 1, Planned: objects, Tasks: tasks, BadTasks: tt.badTasks, Marked: objects - broken, Failed: broken,
			})
			w.checkMarked(t, func(number int) bool { return !tt.isBroken(number) })
			w.run(t, "second", types.ExecutionStatusFailed, work{Plans: 1, Planned: broken, Tasks: 1, BadTasks: 1, Failed: broken})
			putBroken(false)
			w.run(t, "third", types.ExecutionStatusSucceeded, work{Plans: 1, Planned: broken, Tasks: 1, Marked: broken})
			w.checkMarked(t, all)
		})
	}
}

// A plan that runs out of time continues, in the same execution.
func TestBackfill_continues(t *testing.T) {
	w := newWorld(t, "continued")
	const perPlan = 800 // objects
	w.tick = timeout * 7 / 10 / perPlan
	w.machine.wait(t, w.machine.start(t, request("first")), types.ExecutionStatusSucceeded)
	if got := w.take(); got.Plans < 3 || got.Planned != objects || got.Marked != objects || got.Skipped+got.Failed+got.Missing > 0 {
		t.Errorf("got %+v, want %d objects in 3 plans or more", got, objects)
	}
	w.checkMarked(t, all)
}

// Two backfills at the same time plan the same objects. Each object is marked by one of them.
func TestBackfill_atTheSameTime(t *testing.T) {
	w := newWorld(t, "two")
	w.limit *= 2
	first, second := w.machine.start(t, request("first")), w.machine.start(t, request("second"))
	w.machine.wait(t, first, types.ExecutionStatusSucceeded)
	w.machine.wait(t, second, types.ExecutionStatusSucceeded)
	if got := w.take(); got.Marked != objects || got.Marked+got.Skipped != got.Planned || got.Failed+got.Missing > 0 {
		t.Errorf("got %+v, want %d marked objects, and the others skipped", got, objects)
	}
	w.checkMarked(t, all)
}
