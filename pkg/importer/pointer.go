package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// plausibleGeneration bounds the generations that are taken from the names of index objects.
// One a second reaches it after 34,000 years. A higher number was made up.
const plausibleGeneration = 1 << 40

// pointerReader reads the pointer for a publish, and repairs what would keep every publish
// from working.
type pointerReader struct {
	pointer index.Pointer
	indexes Indexes
	metrics *metric.Writer
	log     *slog.Logger
	now     func() time.Time
}

// read returns the pointer to publish after. Without a pointer, or without one that can be
// continued, it has no generation.
//
// Numbers out of range and times in the future are repaired, and counted, because otherwise
// no generation could follow, or no transformer would notice that publishes have stopped.
// Any other defect is an error: somebody must decide whether an earlier version of the
// pointer is still good.
func (r *pointerReader) read(ctx context.Context) (current index.Current, etag string, err error) {
	current, etag, err = r.pointer.Current(ctx)
	if err == nil {
		err = current.Check(r.now())
	}
	if err == nil && current.Highest == index.MaxGeneration {
		err = fmt.Errorf("%w: highest %d: no generation is left", index.ErrCurrent, current.Highest)
	}

	switch {
	case errors.Is(err, storage.ErrNotFound):
		current, err = r.start(ctx)
		return current, "", err
	case errors.Is(err, index.ErrCurrent):
		current, err = r.repair(ctx, current, err)
	}
	if err != nil {
		return current, etag, fmt.Errorf("reading the index pointer: %w", err)
	}
	return current, etag, nil
}

// start returns a pointer to start from if there is none: before the first publish, or after
// somebody deleted it. Generation numbers are never used twice.
func (r *pointerReader) start(ctx context.Context) (index.Current, error) {
	highest, err := r.highest(ctx)
	if err != nil {
		return index.Current{}, err
	}
	if highest > 0 {
		r.log.WarnContext(ctx, "index pointer is missing, writing a new one", "highest", highest)
	}
	return index.Current{Highest: highest}, nil
}

// repair returns the pointer with its numbers and its time corrected, or the error that was
// found in it.
func (r *pointerReader) repair(ctx context.Context, broken index.Current, why error) (index.Current, error) {
	r.metrics.Put(metric.Count(metric.PointerInvalid, 1))
	repaired := broken
	if broken.RenewedAt.After(r.now()) {
		repaired.RenewedAt = r.now()
	}
	if broken.Generation == 0 || broken.Generation > broken.Highest || broken.Highest >= index.MaxGeneration {
		highest, err := r.highest(ctx)
		if err != nil {
			return broken, err
		}
		for _, number := range []uint64{broken.Generation, broken.Highest} {
			if number <= plausibleGeneration {
				highest = max(highest, number)
			}
		}
		repaired.Highest = highest
		if broken.Generation == 0 || broken.Generation > highest {
			repaired = index.Current{Highest: highest} // it names no index that was published
		}
	}

	isPointer := broken.Object != "" // and not some other text
	if !isPointer || repaired.Generation > 0 && repaired.Check(r.now()) != nil {
		r.log.ErrorContext(ctx, "index pointer is not valid", "why", why)
		return broken, why
	}
	r.log.ErrorContext(ctx, "index pointer is not valid, repairing it", "why", why,
		"generation", repaired.Generation, "highest", repaired.Highest, "was_pinned", broken.Pinned)
	return repaired, nil
}

// highest returns the highest generation of an index object.
func (r *pointerReader) highest(ctx context.Context) (highest uint64, err error) {
	objects, err := r.indexes.Indexes(ctx)
	if err != nil {
		return 0, fmt.Errorf("listing indexes: %w", err)
	}
	for _, object := range objects {
		generation, _, ok := index.ParseObjectKey(object.Key)
		if ok && generation <= plausibleGeneration {
			highest = max(highest, generation)
		}
	}
	return highest, nil
}
