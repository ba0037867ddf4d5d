package backfill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// stored is the bucket of the output, which has the manifests and results too.
type stored struct{ *bucket }

func (s stored) Objects(ctx context.Context, prefix, after string, each func(marker.Object) error) error {
	keys := slices.Concat(s.keys, slices.Collect(maps.Keys(s.manifests)))
	slices.Sort(keys)
	return (&bucket{keys: keys}).Objects(ctx, prefix, after, each)
}

// newRun returns a planner that has planned a day of 72 objects in two tasks.
func newRun(t *testing.T) (*Planner, *bucket, *Plan, []marker.Task) {
	t.Helper()
	p, logs, output := newPlanner(t)
	output.manifests = logs.manifests
	p.Output = stored{output}
	plan, err := p.plan(t.Context(), day())
	if err != nil {
		t.Fatal(err)
	}
	return p, output, plan, tasks(t, output.manifests[plan.Manifest])
}

// end stores the result of a task of which some objects failed.
func end(t *testing.T, p *Planner, task *marker.Task, failed int) {
	t.Helper()
	result := &marker.TaskResult{Marked: len(task.Objects) - failed, Failed: failed}
	for _, o := range task.Objects[:failed] {
		result.Errors = append(result.Errors, marker.ObjectError{Key: o.Key, Error: "damaged"})
	}
	if _, err := p.storeResult(t.Context(), task, result); err != nil {
		t.Fatal(err)
	}
}

// The failures of all tasks are counted and listed. A task without a result failed. If a task
// ran twice, the better result counts, in any order.
func TestPlanner_collect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		first, second []int // failures in each result of the two tasks, which have 64 and 8 objects
		failed        int
		tooMany       bool
	}{
		{"all marked", []int{0}, []int{0}, 0, false},
		{"one object failed", []int{1}, []int{0}, 1, false},
		{"as many as are tolerated", []int{7}, []int{3}, 10, false},
		{"one more", []int{7}, []int{4}, 11, true},
		{"a small task did not end", []int{0}, nil, 8, false},
		{"a large task did not end", nil, []int{0}, 64, true},
		{"no task ended", nil, nil, 72, true},
		{"a task was run again", []int{20, 2}, []int{0}, 2, false},
		{"a task was run again, and its first run ended last", []int{2, 20}, []int{0}, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, output, plan, run := newRun(t)
			for i, results := range [][]int{tt.first, tt.second} {
				for _, failed := range results {
					end(t, p, &run[i], failed)
				}
			}
			for range 2 { // collecting can be repeated
				got, err := p.collect(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				listed := bytes.Count(output.manifests[failedKey("r1", 1)], []byte{'\n'})
				if sum := got.Tally; sum.Objects != 72 || sum.Failed != tt.failed || listed != tt.failed || sum.TooMany != tt.tooMany ||
					len(sum.First) != min(tt.failed, maxFirst) || (sum.Message == "") != (tt.failed == 0) {
					t.Errorf("got %+v and %d listed objects", sum, listed)
				}
			}
		})
	}
}

// The wording of the message, which is the cause of a failed execution.
func TestPlanner_collect_message(t *testing.T) {
	t.Parallel()
	p, _, plan, run := newRun(t)
	end(t, p, &run[0], 1)
	end(t, p, &run[1], 0)
	got, err := p.collect(t.Context(), plan)
	const want = "1 of 72 log objects were not marked, 10 are tolerated; s3://out/backfill/r1/failed-*.jsonl list them"
	if err != nil || got.Tally.Message != want {
		t.Errorf("got %+v and error %v", got.Tally, err)
	}
}

// The failures of all parts are added up, and the objects that were marked before count as marked.
func TestPlanner_collect_parts(t *testing.T) {
	t.Parallel()
	p, output, _, _ := newRun(t)
	p.maxTasks = 1
	name := logKey("111122223333", "vpc-0a", midnight)
	parsed, err := marker.ParseKey(name)
	if err != nil {
		t.Fatal(err)
	}
	output.keys = []string{p.Layout.Keys(&marker.Object{Bucket: "logs", Key: name, ETag: name[len(name)-20:]}, parsed).Marked}
	request, failed := day(), 0
	for request.Run = "r2"; request != nil; {
		plan, err := p.plan(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks(t, output.manifests[plan.Manifest]) {
			end(t, p, &task, 1)
			failed++
		}
		if plan, err = p.collect(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		if request = plan.Next; request == nil && (plan.Tally.Objects != 72 || plan.Tally.Failed != failed || plan.Part < 2 || plan.Tally.TooMany) {
			t.Errorf("got %+v after %d parts, want %d failed", plan.Tally, plan.Part, failed)
		}
	}
}

func TestTolerated(t *testing.T) {
	t.Parallel()
	for objects, want := range map[int]int{0: 0, 1: 0, 2: 1, 10: 5, 20: 10, 72: 10, 1000: 10, 2500: 25, 1_000_000: 10_000} {
		if got := tolerated(objects); got != want {
			t.Errorf("of %d objects %d may fail, want %d", objects, got, want)
		}
	}
}

// The list of a part and the answers stay small, however many objects fail and however long their
// errors are.
func TestPlanner_collect_bounds(t *testing.T) {
	t.Parallel()
	p, output, plan, _ := newRun(t)
	var manifest []byte
	for i := range 30 {
		task := marker.Task{Run: "r1", Part: 1}
		for range maxTaskObjects {
			task.Objects = append(task.Objects, marker.Object{Bucket: "logs", Key: strings.Repeat("k", 100), ETag: string(rune('a' + i))})
		}
		line, err := json.Marshal(&task)
		if err != nil {
			t.Fatal(err)
		}
		manifest = append(append(manifest, line...), '\n')
		result := &marker.TaskResult{Failed: len(task.Objects)}
		for _, o := range task.Objects {
			result.Errors = append(result.Errors, marker.ObjectError{Key: o.Key, Error: strings.Repeat("e", 5000)})
		}
		answer, err := p.storeResult(t.Context(), &task, result)
		if err != nil || len(answer.Errors) != maxFirst || len(answer.Errors[0].Error) != maxErrorText || len(result.Errors) != maxTaskObjects {
			t.Fatalf("the answer has %d errors, and error %v", len(answer.Errors), err)
		}
	}
	output.manifests[plan.Manifest] = manifest
	got, err := p.collect(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	listed := bytes.Count(output.manifests[failedKey("r1", 1)], []byte{'\n'})
	if err != nil || got.Tally.Failed != 3000 || listed != maxListed || len(text) > 10_000 {
		t.Errorf("%d failed, %d listed, an answer of %d bytes", got.Tally.Failed, listed, len(text))
	}
}

func TestHandler_Invoke_collect(t *testing.T) {
	t.Parallel()
	p, _, plan, run := newRun(t)
	end(t, p, &run[0], 0)
	end(t, p, &run[1], 0)
	h := &Handler{Planner: p}
	for name, change := range map[string]func(*Plan){
		"no run":              func(p *Plan) { p.Run = "" },
		"another folder":      func(p *Plan) { p.Run = "../r1" },
		"no tally":            func(p *Plan) { p.Tally = nil },
		"a part never begun":  func(p *Plan) { p.Part = 7 },
		"another run's names": func(p *Plan) { p.Run = "r9" },
	} {
		changed := *plan
		change(&changed)
		event, _ := json.Marshal(map[string]any{"action": "collect", "plan": changed}) // it always encodes
		if answer, err := h.Invoke(t.Context(), event); err == nil {
			t.Errorf("%s: got %s", name, answer)
		}
	}
	event, _ := json.Marshal(map[string]any{"action": "collect", "plan": plan})
	answer, err := h.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var got Plan
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan, &got); diff != "" {
		t.Errorf("nothing failed, so the plan is the same:\n%s", diff)
	}
}

// A task that cannot store its result fails: its objects would count as marked otherwise.
func TestPlanner_storeResult_fails(t *testing.T) {
	t.Parallel()
	p, _, _, run := newRun(t)
	p.Manifests = broken{}
	if _, err := p.storeResult(t.Context(), &run[0], &marker.TaskResult{}); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	run[0].Run = "../index"
	if _, err := p.storeResult(t.Context(), &run[0], &marker.TaskResult{}); err == nil || errors.Is(err, errBroken) {
		t.Errorf("error %v for a run that is not a name", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{ Manifests }

func (broken) Write(context.Context, string, []byte) error { return errBroken }
