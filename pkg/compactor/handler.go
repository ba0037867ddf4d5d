package compactor

import (
	"context"
	"encoding/json"
)

// Handler is a function that compacts for the event [settings.CompactEvent], and does something else
// for other events.
type Handler struct {
	Compactor *Compactor // nil if no day is compacted
	Other     interface {
		Invoke(ctx context.Context, event []byte) ([]byte, error)
	}
}

// Invoke answers an event.
func (h *Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var kind struct {
		Compact bool `json:"compact"`
	}
	if err := json.Unmarshal(event, &kind); err == nil && kind.Compact && h.Compactor != nil {
		return h.Compactor.invoke(ctx)
	}
	return h.Other.Invoke(ctx, event)
}
