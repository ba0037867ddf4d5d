//go:build e2e

package machine

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// timeout ends an invocation. The planner uses a share of it.
const timeout = 15 * time.Minute

// function serves the core of the marker as Lambda does, and keeps its answers but those that
// collect results.
type function struct {
	t       *testing.T
	handler *backfill.Handler
	// tick is what each look at the clock of the planner takes: 0 for no time at all.
	tick  time.Duration
	looks atomic.Int64

	mu sync.Mutex
	// lose says which tasks end without an answer, as if the function were out of memory.
	lose    func(*marker.Task) bool
	plans   []backfill.Plan
	results []marker.TaskResult
	limit   int // tasks that may run at the same time
	running int
	most    int
}

// now is the clock of the planner. It starts again with each invocation, because the deadline
// does too.
func (f *function) now() time.Time {
	return time.Now().Add(f.tick * time.Duration(f.looks.Add(1)-1))
}

// ServeHTTP answers an invocation. Kumo does not report a failure as a function error, so the test
// fails.
func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Errorf("reading an event: %v", err)
		return
	}
	f.looks.Store(0)
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	f.count(+1)
	answer, err := f.invoke(ctx, event)
	f.count(-1)
	if err != nil {
		f.t.Errorf("the function failed: %v", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // kumo fails the task if it gets no answer
}

// lost is the answer of a task that ended without one: the emulator does not report it as a
// function error, so the state machine must see that nothing was marked.
const lost = `{"marked":0,"skipped":0,"missing":0,"failed":0,"blocked":true}`

// invoke answers an event.
func (f *function) invoke(ctx context.Context, event []byte) ([]byte, error) {
	var task struct {
		Action string `json:"action"`
		marker.Task
	}
	if err := json.Unmarshal(event, &task); err != nil {
		return nil, err
	}
	if f.lose != nil && task.Objects != nil && f.lose(&task.Task) {
		return []byte(lost), nil
	}
	answer, err := f.handler.Invoke(ctx, event)
	if err == nil && task.Action != "collect" {
		err = f.keep(answer)
	}
	return answer, err
}

// count counts the invocations that run.
func (f *function) count(change int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running += change
	f.most = max(f.most, f.running)
}

// keep keeps an answer: that of a plan has a run.
func (f *function) keep(answer []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var plan backfill.Plan
	if err := json.Unmarshal(answer, &plan); err != nil || plan.Run != "" {
		f.plans = append(f.plans, plan)
		return err
	}
	var result marker.TaskResult
	err := json.Unmarshal(answer, &result)
	f.results = append(f.results, result)
	return err
}

// work is what executions did.
type work struct {
	Plans, Planned           int // manifests, and the objects in them
	Tasks, BadTasks          int // tasks, and those with an object that failed
	Marked, Skipped, Missing int // objects
	Failed                   int
}

// take returns what was done since the last call. It fails the test if more tasks ran at the same
// time than the definition allows.
func (f *function) take() work {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	done := work{Plans: len(f.plans), Tasks: len(f.results)}
	for _, plan := range f.plans {
		done.Planned += plan.Objects
	}
	for _, result := range f.results {
		done.Marked += result.Marked
		done.Skipped += result.Skipped
		done.Missing += result.Missing
		done.Failed += result.Failed
		if result.Failed > 0 {
			done.BadTasks++
		}
	}
	if f.most > f.limit {
		f.t.Errorf("%d tasks ran at the same time, want at most %d", f.most, f.limit)
	}
	f.plans, f.results, f.most = nil, nil, 0
	return done
}
