package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/backfill"
)

// Backfills plans and runs backfills of a deployed stack.
type Backfills interface {
	// Plan asks the marker for a plan.
	Plan(ctx context.Context, request *backfill.Request) (*backfill.Plan, error)
	// Start starts the state machine, whose execution is named like the run. If there was such an
	// execution, it returns [storage.ErrExists].
	Start(ctx context.Context, request *backfill.Request) error
	// State returns the state of an execution.
	State(ctx context.Context, run string) (*BackfillState, error)
}

// BackfillState is how far a backfill is.
type BackfillState struct {
	Run string `json:"run"`
	// Status is as Step Functions says it: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
	Status string `json:"status"`
	// Tasks counts the tasks of all manifests so far, and Succeeded and Failed those that ended. A
	// task fails if it could not mark anything.
	Tasks     int64 `json:"tasks"`
	Succeeded int64 `json:"succeeded"`
	Failed    int64 `json:"failed"`
	// Cause says why a backfill did not succeed.
	Cause string `json:"cause,omitempty"`
	// Tally says how many objects were marked and which were not. It is nil unless the backfill
	// succeeded.
	Tally *backfill.Tally `json:"tally,omitempty"`
}

// runningStatus is the status of a backfill that has not ended.
const runningStatus = "RUNNING"

// errBackfill means that a backfill ended without success, and errObjects that it succeeded without
// some objects.
var (
	errBackfill = errors.New("the backfill did not succeed")
	errObjects  = errors.New("the backfill succeeded, but not for all log objects")
)

// DryRun returns the plans of a backfill together, without starting it.
func DryRun(ctx context.Context, b Backfills, request backfill.Request) (*backfill.Plan, error) {
	request.DryRun = true
	total := &backfill.Plan{Run: request.Run}
	for {
		plan, err := b.Plan(ctx, &request)
		if err != nil {
			return nil, err
		}
		total.Tasks += plan.Tasks
		total.Objects += plan.Objects
		total.Bytes += plan.Bytes
		total.Marked += plan.Marked
		total.NotLogs += plan.NotLogs
		if plan.Continue == "" {
			return total, nil
		}
		request.Continue, request.Part = plan.Continue, plan.Part
	}
}

// Follow calls each with the state of a backfill until it ends. The error wraps errBackfill if it
// does not succeed, and errObjects if it does, but some objects were not marked.
func Follow(ctx context.Context, b Backfills, run string, pause time.Duration, each func(*BackfillState)) (*BackfillState, error) {
	for {
		state, err := b.State(ctx, run)
		if err != nil {
			return nil, err
		}
		each(state)
		switch {
		case state.Status == "SUCCEEDED" && state.Tally != nil && state.Tally.Failed > 0:
			return state, fmt.Errorf("%w: %s", errObjects, state.Tally.Message)
		case state.Status == "SUCCEEDED":
			return state, nil
		case state.Status != runningStatus:
			return state, fmt.Errorf("%w: it is %s: %s", errBackfill, state.Status, state.Cause)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return state, ctx.Err()
		}
	}
}
