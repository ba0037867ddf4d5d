package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// indexContent is what an index was built from.
type indexContent struct {
	sources []source
	at      time.Time // when the index was built; entries that had ended by then are left out
}

// indicatorWriter writes the published indicators: the entries of the index as rows that
// SQL can query.
type indicatorWriter struct {
	store   Indicators // nil if indicators are not published
	pointer index.Pointer
	metrics *metric.Writer
	log     *slog.Logger
}

// update makes the published indicators those of a generation. It runs after the pointer
// moved. A failure is counted and left to the next publish, which comes within the hour. No
// verdict depends on the indicators. A rollback does not change them.
func (w *indicatorWriter) update(ctx context.Context, generation uint64, content *indexContent) {
	if w.store == nil || content == nil {
		return
	}
	if err := w.replace(ctx, generation, content); err != nil {
		w.metrics.Put(metric.Count(metric.IndicatorsStale, 1))
		w.log.WarnContext(ctx, "published indicators are older than the index", "generation", generation, "why", err)
	}
}

// replace writes the object unless it already has the generation. The pointer is read after
// the object. So if two importers write at once, the one whose generation serves wins: the
// other finds that the object changed or that the pointer moved.
func (w *indicatorWriter) replace(ctx context.Context, generation uint64, content *indexContent) error {
	var body []byte
	return storage.Retry("replacing the published indicators", func() error {
		stored, etag, err := w.store.Indicators(ctx)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("looking at the published indicators: %w", err)
		}
		if stored == generation {
			return nil
		}

		current, _, err := w.pointer.Current(ctx)
		if err != nil {
			return fmt.Errorf("reading the index pointer: %w", err)
		}
		if current.Generation != generation {
			return nil
		}

		if body == nil {
			if body, err = content.encode(ctx, generation); err != nil {
				return err
			}
		}
		return w.store.SwapIndicators(ctx, generation, etag, body)
	})
}

// encode returns the rows as JSON lines, compressed with gzip.
func (c *indexContent) encode(ctx context.Context, generation uint64) ([]byte, error) {
	var out bytes.Buffer
	// The rows of a sorted list resemble each other: the fastest level takes a third of the
	// time of the default level, and the output is hardly larger.
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("writing the published indicators: %w", err)
	}
	lines := json.NewEncoder(compressed)
	lines.SetEscapeHTML(false)
	for _, s := range c.sources {
		err := s.each(ctx, func(entry *snapshot.Entry) error {
			if hasEnded(&entry.Indicator, c.at) {
				return nil
			}
			return lines.Encode(table.NewIndicatorRow(generation, s.ID, s.vetoesAll(), entry))
		})
		if err != nil {
			return nil, fmt.Errorf("writing the published indicators: %w", err)
		}
	}
	if err := compressed.Close(); err != nil {
		return nil, fmt.Errorf("writing the published indicators: %w", err)
	}
	return out.Bytes(), nil
}
