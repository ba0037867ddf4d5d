package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// errNothingBlocks means that the index would have no block entry. It would call
// everything clean, so the old one is left to serve, and to become stale in time.
var errNothingBlocks = errors.New("no block entry would be left in the index: every feed is gone, " +
	"older than its maxAge, or has only entries that ended; upload newer lists")

// errPinnedGone means that readers that start have no index, and that it is not for a
// publish to choose another.
var errPinnedGone = errors.New("the index of the pinned generation is gone: " +
	"`rollback --to` another, or let publishing go on by `publish --unpin`")

// publish makes the index that is served equal to what the feed rows say, or renews it
// if it is already or must stay as it is.
func (im *Importer) publish(ctx context.Context) error {
	for range maxRounds {
		// CURRENT is read before the rows, and moved only from what was read: the rows
		// are then at least as new as those that the index before was built from.
		current, etag, err := im.index.Current(ctx)
		switch {
		case errors.Is(err, ErrNotFound):
			if current, err = im.noPointer(ctx); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("reading the index pointer: %w", err)
		}
		next, list, err := im.nextIndex(ctx, current)
		if err != nil || next.Generation == 0 {
			return err
		}
		err = im.moveCurrent(ctx, next, etag)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("moving the index pointer: %w", err)
		}
		im.metrics.put(emf.Metric{Name: MetricGeneration, Unit: emf.None, Value: float64(next.Generation)})
		if err := im.finishPublish(ctx, current, next); err != nil {
			return err
		}
		im.publishIndicators(ctx, next.Generation, list)
		return nil
	}
	return fmt.Errorf("moving the index pointer: %w %d times", ErrConflict, maxRounds)
}

// nextIndex returns the pointer that is to follow current, whose index is written, and
// the list that the index is made of, which is nil while current is pinned. The pointer
// is without a generation if there is nothing to publish yet.
func (im *Importer) nextIndex(ctx context.Context, current index.Current) (index.Current, *publishedList, error) {
	next := current
	next.RenewedAt = im.now()
	if current.Generation > 0 {
		// A run that was cut off after it moved the pointer owes the manifest.
		if err := im.writeManifest(ctx, current); err != nil {
			return next, nil, err
		}
	}
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return next, nil, fmt.Errorf("reading the feed rows: %w", err)
	}
	im.measureFeeds(rows)
	if current.Pinned {
		if gone, err := im.isGone(ctx, &current); gone || err != nil {
			return index.Current{}, nil, cmp.Or(err, errPinnedGone)
		}
		return next, nil, nil
	}
	sources, err := im.sources(ctx, rows)
	if err != nil {
		return next, nil, err
	}
	built, err := im.build(ctx, sources, current.Highest+1)
	if err != nil {
		return next, nil, err
	}
	im.measureIndex(built)
	next.Feeds = built.feeds
	list := &publishedList{sources: sources, at: built.at}
	switch {
	case built.info.ContentHash == current.ContentHash:
		if gone, err := im.isGone(ctx, &current); !gone || err != nil {
			return next, list, err
		}
	case built.blocks == 0 && current.Generation == 0:
		return index.Current{}, nil, nil // there is nothing to publish yet
	case built.blocks == 0 && !goneOnPurpose(rows):
		return index.Current{}, nil, errNothingBlocks
	}
	next, err = im.writeIndex(ctx, next, built)
	return next, list, err
}

// goneOnPurpose reports whether somebody gave a reason for taking a feed away.
func goneOnPurpose(rows []FeedRow) bool {
	return slices.ContainsFunc(rows, func(row FeedRow) bool {
		return row.Last.Outcome == OutcomeDeleted && row.Last.Reason != ""
	})
}

// writeIndex writes a new generation.
func (im *Importer) writeIndex(ctx context.Context, next index.Current, built *built) (index.Current, error) {
	if len(built.data) > im.maxBytes {
		return next, fmt.Errorf("the index has %d bytes and a transformer loads at most %d: "+
			"give it more memory, or take feeds away", len(built.data), im.maxBytes)
	}
	next.Highest++
	next.Generation, next.Hash, next.ContentHash = next.Highest, built.info.Checksum, built.info.ContentHash
	next.Object = index.ObjectKey(next.Generation, next.Hash)
	err := im.index.Create(ctx, next.Object, built.data)
	if err != nil && !errors.Is(err, ErrExists) { // the key holds the hash: what exists is the same
		return next, fmt.Errorf("writing the index: %w", err)
	}
	return next, nil
}

// moveCurrent swaps the pointer. That it did not hold what was expected is no conflict
// if it holds what was to be written: then the reply to a first try was lost.
func (im *Importer) moveCurrent(ctx context.Context, next index.Current, etag string) error {
	err := im.index.SwapCurrent(ctx, next, etag)
	if !errors.Is(err, ErrConflict) {
		return err
	}
	stored, _, readErr := im.index.Current(ctx)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	if stored.Same(&next) {
		return nil
	}
	return err
}

// finishPublish does what may come after the pointer moved: the manifest, and the
// sweeping. A sweep that goes wrong is tried again by the next publish.
func (im *Importer) finishPublish(ctx context.Context, before, now index.Current) error {
	if now.Generation == before.Generation {
		return nil
	}
	if err := im.writeManifest(ctx, now); err != nil {
		return err
	}
	im.metrics.put(count(MetricPublished, 1))
	im.log.InfoContext(ctx, "index published", "generation", now.Generation, "object", now.Object,
		"feeds", len(now.Feeds))
	if err := im.sweep(ctx, now); err != nil {
		im.log.WarnContext(ctx, "old indexes or accepted lists stay for now", "why", err)
	}
	return nil
}

// writeManifest keeps what CURRENT said about a generation when it was published.
func (im *Importer) writeManifest(ctx context.Context, published index.Current) error {
	published.Pinned, published.Pin = false, nil
	text, err := published.Encode()
	if err != nil {
		return fmt.Errorf("encoding a manifest: %w", err)
	}
	err = im.index.Create(ctx, index.ManifestKey(published.Generation), text)
	if err != nil && !errors.Is(err, ErrExists) {
		return fmt.Errorf("writing a manifest: %w", err)
	}
	return nil
}
