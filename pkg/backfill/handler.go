package backfill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// Handler is the function that marks log objects. It answers three kinds of events: those of
// the queue, the request for a plan, and the tasks of a plan.
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
	case k.Action != "":
		var request Request
		if err := json.Unmarshal(event, &request); err != nil {
			return nil, fmt.Errorf("reading the request for a plan: %w", err)
		}
		plan, err := h.Planner.plan(ctx, &request)
		if err != nil {
			return nil, err
		}
		return json.Marshal(plan)
	case k.Objects != nil:
		var task marker.Task
		if err := json.Unmarshal(event, &task); err != nil {
			return nil, fmt.Errorf("reading a task: %w", err)
		}
		return json.Marshal(h.Marker.MarkTask(ctx, &task))
	case k.Records != nil:
		return h.Marker.Invoke(ctx, event)
	default:
		return nil, errors.New("an event must be of a queue, a request for a plan, or a task of a plan")
	}
}
