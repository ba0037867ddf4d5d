//go:build e2e

package machine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// request asks for a backfill of the day.
func request(run string) *backfill.Request {
	return &backfill.Request{Action: backfill.ActionPlan, Run: run, From: day, Until: day.Add(24 * time.Hour)}
}

// run runs a backfill to its end. It fails the test if the status or the work differ. If the
// backfill succeeds, it must say how many of all objects failed.
func (w *world) run(t *testing.T, name string, status types.ExecutionStatus, want work) {
	t.Helper()
	output := w.machine.wait(t, w.machine.start(t, request(name)), status)
	if got := w.take(); got != want {
		t.Errorf("%s: got %+v, want %+v", name, got, want)
	}
	if status != types.ExecutionStatusSucceeded {
		return
	}
	var plan backfill.Plan
	if err := json.Unmarshal([]byte(output), &plan); err != nil {
		t.Fatalf("%v in the output %s", err, output)
	}
	if plan.Tally == nil || plan.Tally.Objects != objects || plan.Tally.Failed != want.Failed || plan.Tally.TooMany {
		t.Errorf("%s: the output is %+v, want %d of %d failed", name, plan.Tally, want.Failed, objects)
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

// A backfill tolerates 1 % of the objects, wherever they are, and fails if one more is broken. All
// other objects are marked. A backfill under another name takes what is left, and ends in the same
// way for as long as the objects are broken, because those that are marked count as well.
func TestBackfill_brokenObjects(t *testing.T) {
	const percent = objects / 100
	for _, tt := range []struct {
		name     string
		isBroken func(number int) bool
		broken   int
		badTasks int
		status   types.ExecutionStatus
	}{
		{"one", func(number int) bool { return number == 7 }, 1, 1, types.ExecutionStatusSucceeded},
		{"a-task", func(number int) bool { return number/perTask == 40 }, percent, 1, types.ExecutionStatusSucceeded},
		{"many-tasks", func(number int) bool { return number%100 == 50 }, percent, percent, types.ExecutionStatusSucceeded},
		{"too-many", func(number int) bool { return number%100 == 50 || number == 7 }, percent + 1, percent + 1, types.ExecutionStatusFailed},
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
				Plans: 1, Planned: objects, Tasks: tasks, BadTasks: tt.badTasks, Marked: objects - tt.broken, Failed: tt.broken,
			})
			w.checkMarked(t, func(number int) bool { return !tt.isBroken(number) })
			left := (tt.broken + perTask - 1) / perTask
			w.run(t, "second", tt.status, work{Plans: 1, Planned: tt.broken, Tasks: left, BadTasks: left, Failed: tt.broken})
			putBroken(false)
			w.run(t, "third", types.ExecutionStatusSucceeded, work{Plans: 1, Planned: tt.broken, Tasks: left, Marked: tt.broken})
			w.checkMarked(t, all)
		})
	}
}

// The objects of tasks that end without a result count as failed: one task of 100 is tolerated, and
// two are not. More than 10 tasks end the map as well. A second backfill marks what is left.
func TestBackfill_tasksThatDoNotEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		lost   int
		status types.ExecutionStatus
	}{
		"one-lost":    {1, types.ExecutionStatusSucceeded},
		"two-lost":    {2, types.ExecutionStatusFailed},
		"eleven-lost": {11, types.ExecutionStatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, name)
			left := map[string]bool{}
			for number := range tt.lost {
				left[w.keys[number*perTask]] = true
			}
			w.lose = func(task *marker.Task) bool { return left[task.Objects[0].Key] }
			output := w.machine.wait(t, w.machine.start(t, request("first")), tt.status)
			want := work{Plans: 1, Planned: objects, Tasks: tasks - tt.lost, Marked: objects - tt.lost*perTask}
			if got := w.take(); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if failed := fmt.Sprintf(`"failed":%d,`, perTask); tt.status == types.ExecutionStatusSucceeded && !strings.Contains(output, failed) {
				t.Errorf("the output %s does not have %s", output, failed)
			}
			w.lose = nil
			w.run(t, "second", types.ExecutionStatusSucceeded,
				work{Plans: 1, Planned: tt.lost * perTask, Tasks: tt.lost, Marked: tt.lost * perTask})
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
