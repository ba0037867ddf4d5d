package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/gzip"
)

// publishedList is what an index was made of.
type publishedList struct {
	sources []source
	at      time.Time // when it was read: entries that had ended then are not in it
}

// publishIndicators makes the object of published indicators that of a generation. It
// follows the pointer: what goes wrong is counted, and mended by the next publish, of
// which there is one an hour. No verdict depends on it. A rollback does not change it.
func (im *Importer) publishIndicators(ctx context.Context, generation uint64, list *publishedList) {
	if im.published == nil || list == nil {
		return
	}
	if err := im.replaceIndicators(ctx, generation, list); err != nil {
		im.metrics.put(count(MetricIndicatorsStale, 1))
		im.log.WarnContext(ctx, "the published indicators stay behind the index for now", "generation", generation, "why", err)
	}
}

// replaceIndicators writes the object, unless it has the generation. The pointer is read
// after the object: of two importers the one whose generation serves writes last, since
// the other finds the object changed, or the pointer moved on.
func (im *Importer) replaceIndicators(ctx context.Context, generation uint64, list *publishedList) error {
	var body []byte
	for range maxRounds {
		stored, etag, err := im.published.Indicators(ctx)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("looking at the published indicators: %w", err)
		}
		if stored == generation {
			return nil
		}
		current, _, err := im.index.Current(ctx)
		if err != nil {
			return fmt.Errorf("reading the index pointer: %w", err)
		}
		if current.Generation != generation {
			return nil
		}
		if body == nil {
			if body, err = list.encode(ctx, generation); err != nil {
				return err
			}
		}
		err = im.published.SwapIndicators(ctx, generation, etag, body)
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("replacing the published indicators: %w %d times", ErrConflict, maxRounds)
}

// encode returns the rows as gzip of JSON lines.
func (l *publishedList) encode(ctx context.Context, generation uint64) ([]byte, error) {
	var out bytes.Buffer
	// Rows of a sorted list repeat each other: the fastest level takes a third of the time
	// of the usual one, and little more room.
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("writing the published indicators: %w", err)
	}
	lines := json.NewEncoder(compressed)
	lines.SetEscapeHTML(false)
	for _, s := range l.sources {
		err := s.each(ctx, func(entry *Entry) error {
			if hasEnded(&entry.Indicator, l.at) {
				return nil
			}
			return lines.Encode(NewIndicatorRow(generation, s.id, s.vetoesAll, entry))
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
