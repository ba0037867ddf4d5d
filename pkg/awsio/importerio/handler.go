// Package importerio gives the importer its buckets, its table, its parameters, and the
// events that it runs for.
package importerio

import (
	"context"
	"log/slog"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
)

// Handler is the importer as Lambda invokes it.
type Handler struct {
	Importer   *importer.Importer
	ListBucket string
	Log        *slog.Logger
}

// Invoke does what an event asks for. An error makes Lambda try again.
func (h *Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	triggers, err := DecodeTriggers(event, h.ListBucket)
	if err == nil {
		err = h.Importer.Handle(ctx, triggers...)
	}
	if err != nil {
		h.Log.ErrorContext(ctx, "import is cut off", "why", err)
		return nil, err
	}
	return []byte("null"), nil
}
