package operator

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/backfill"
)

// planned answers requests with plans, and states of an execution, one after the other.
type planned struct {
	Backfills
	plans    []backfill.Plan
	requests []backfill.Request
	states   []BackfillState
}

func (p *planned) Plan(_ context.Context, request *backfill.Request) (*backfill.Plan, error) {
	p.requests = append(p.requests, *request)
	plan := p.plans[0]
	p.plans = p.plans[1:]
	return &plan, nil
}

func (p *planned) State(context.Context, string) (*BackfillState, error) {
	state := p.states[0]
	p.states = p.states[1:]
	return &state, nil
}

// A dry run adds up all parts of a plan, and writes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	p := &planned{plans: []backfill.Plan{
		{Tasks: 2, Objects: 150, Bytes: 10, Marked: 1, Continue: "key", Part: 1},
		{Tasks: 1, Objects: 7, Bytes: 5, NotLogs: 3, Part: 2},
	}}
	got, err := DryRun(t.Context(), p, backfill.Request{Run: "r"})
	if err != nil || *got != (backfill.Plan{Run: "r", Tasks: 3, Objects: 157, Bytes: 15, Marked: 1, NotLogs: 3}) {
		t.Errorf("got %+v and error %v", got, err)
	}
	if last := p.requests[1]; !last.DryRun || last.Continue != "key" || last.Part != 1 {
		t.Errorf("the second request is %+v", last)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		states []BackfillState
		want   error
	}{
		{"succeeds", []BackfillState{{Status: "RUNNING"}, {Status: "RUNNING", Succeeded: 1}, {Status: "SUCCEEDED"}}, nil},
		{"succeeds with all objects", []BackfillState{{Status: "SUCCEEDED", Tally: &backfill.Tally{Objects: 72}}}, nil},
		{"succeeds without an object", []BackfillState{{Status: "SUCCEEDED", Tally: &backfill.Tally{Objects: 72, Failed: 1}}}, errObjects},
		{"fails", []BackfillState{{Status: "RUNNING"}, {Status: "FAILED", Cause: "ObjectsFailed"}}, errBackfill},
		{"is stopped", []BackfillState{{Status: "ABORTED"}}, errBackfill},
	} {
		seen := 0
		state, err := Follow(t.Context(), &planned{states: tt.states}, "r", time.Microsecond, func(*BackfillState) { seen++ })
		if !errors.Is(err, tt.want) || seen != len(tt.states) || *state != tt.states[len(tt.states)-1] {
			t.Errorf("%s: state %+v after %d, error %v", tt.name, state, seen, err)
		}
	}
}
