package backfill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// Handler is the function that marks log objects. It answers four kinds of events: those of the
// queue, the request for a plan, the tasks of a plan, and the request to collect their results.
type Handler struct {
	Marker  *marker.Marker
	Planner *Planner
}

// kind has the members that tell the events apart.
type kind struct {
	Records json.RawMessage `json:"Records"`
	Action  string          `json:"action"`
	Objects json.RawMessage `json:"objects"`
}

// Invoke answers an event.
func (h *Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var k kind
	if err := json.Unmarshal(event, &k); err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	switch {
	case k.Action == actionCollect:
		return h.collect(ctx, event)
	case k.Action != "":
		return h.plan(ctx, event)
	case k.Objects != nil:
		return h.mark(ctx, event)
	case k.Records != nil:
		return h.Marker.Invoke(ctx, event)
	default:
		return nil, errors.New("an event must be of a queue, a request for a plan, or a task of a plan")
	}
}

// plan answers a request for a plan.
func (h *Handler) plan(ctx context.Context, event []byte) ([]byte, error) {
	var request Request
	if err := json.Unmarshal(event, &request); err != nil {
		return nil, fmt.Errorf("reading the request for a plan: %w", err)
	}
	plan, err := h.Planner.plan(ctx, &request)
	if err != nil {
		return nil, err
	}
	return json.Marshal(plan)
}

// mark runs a task of a plan.
func (h *Handler) mark(ctx context.Context, event []byte) ([]byte, error) {
	var task marker.Task
	if err := json.Unmarshal(event, &task); err != nil {
		return nil, fmt.Errorf("reading a task: %w", err)
	}
	result, err := h.Planner.storeResult(ctx, &task, h.Marker.MarkTask(ctx, &task))
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// collect adds up the results of a plan.
func (h *Handler) collect(ctx context.Context, event []byte) ([]byte, error) {
	var request struct {
		Plan Plan `json:"plan"`
	}
	if err := json.Unmarshal(event, &request); err != nil {
		return nil, fmt.Errorf("reading the plan whose results are collected: %w", err)
	}
	plan, err := h.Planner.collect(ctx, &request.Plan)
	if err != nil {
		return nil, err
	}
	return json.Marshal(plan)
}
