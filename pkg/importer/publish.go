package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// errNothingBlocks means that the index would have no block entry. Such an index would call
// every name clean, so the old index keeps serving until it is stale.
var errNothingBlocks = errors.New("the index would have no block entry: every feed was deleted, " +
	"is older than its maxAge, or has only entries that have ended; upload newer lists")

// errPinnedGone means that the pointer is pinned to an index that does not exist any more.
// A publish must not choose another one.
var errPinnedGone = errors.New("the index of the pinned generation does not exist any more: " +
	"run `rollback --to` with another generation, or `publish --unpin`")

// publisher builds the index, writes it and moves CURRENT to it.
type publisher struct {
	pointer    index.Pointer
	indexes    Indexes
	rows       table.FeedRows
	assembler  *assembler
	indicators *indicatorWriter
	sweeper    *sweeper
	maxBytes   int
	metrics    *metrics
	log        *slog.Logger
	now        func() time.Time
}

// publish makes the index that serves match the feed rows. If it already does, or if it is
// pinned, publish only renews the pointer.
func (p *publisher) publish(ctx context.Context) error {
	return storage.Retry("moving the index pointer", func() error { return p.publishOnce(ctx) })
}

// publishOnce publishes, or returns [storage.ErrConflict] if another importer moved the
// pointer in the meantime.
func (p *publisher) publishOnce(ctx context.Context) error {
	// CURRENT is read before the rows, and moved only if it is still the same. So the rows
	// are at least as new as those that the index before was built from.
	current, etag, err := p.pointer.Current(ctx)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		if current, err = p.newPointer(ctx); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("reading the index pointer: %w", err)
	}

	next, content, err := p.prepare(ctx, current)
	if err != nil || next.Generation == 0 {
		return err
	}
	if err := index.MoveCurrent(ctx, p.pointer, next, etag); err != nil {
		return fmt.Errorf("moving the index pointer: %w", err)
	}

	p.metrics.put(emf.Metric{Name: metricGeneration, Unit: emf.None, Value: float64(next.Generation)})
	if err := p.finish(ctx, current, next); err != nil {
		return err
	}
	p.indicators.update(ctx, next.Generation, content)
	return nil
}

// newPointer returns a pointer to start from if there is none: before the first publish, or
// after somebody deleted it. Generation numbers are never used twice.
func (p *publisher) newPointer(ctx context.Context) (index.Current, error) {
	objects, err := p.indexes.Indexes(ctx)
	if err != nil {
		return index.Current{}, fmt.Errorf("listing indexes: %w", err)
	}
	highest := uint64(0)
	for _, object := range objects {
		if generation, _, ok := index.ParseObjectKey(object.Key); ok && generation > highest {
			highest = generation
		}
	}
	if highest > 0 {
		p.log.WarnContext(ctx, "index pointer is missing, writing a new one", "highest", highest)
	}
	return index.Current{Highest: highest}, nil
}

// prepare returns the pointer that follows current, and the content of its index. If there
// is a new index, prepare writes it. The content is nil if current is pinned. Before the
// first block list is accepted, the pointer has no generation.
func (p *publisher) prepare(ctx context.Context, current index.Current) (index.Current, *indexContent, error) {
	next := current
	next.RenewedAt = p.now()
	if current.Generation > 0 {
		// An earlier run may have ended after it moved the pointer.
		if err := p.writeManifest(ctx, current); err != nil {
			return next, nil, err
		}
	}

	rows, err := p.rows.Rows(ctx)
	if err != nil {
		return next, nil, fmt.Errorf("reading the feed rows: %w", err)
	}
	p.measureFeeds(rows)
	if current.Pinned {
		if gone, err := p.isGone(ctx, &current); gone || err != nil {
			return index.Current{}, nil, cmp.Or(err, errPinnedGone)
		}
		return next, nil, nil
	}

	sources, err := p.assembler.sources(ctx, rows)
	if err != nil {
		return next, nil, err
	}
	built, err := p.assembler.build(ctx, sources, current.Highest+1)
	if err != nil {
		return next, nil, err
	}
	p.measureIndex(built)
	next.Feeds = built.feeds
	content := &indexContent{sources: sources, at: built.at}
	switch {
	case built.info.ContentHash == current.ContentHash:
		if gone, err := p.isGone(ctx, &current); !gone || err != nil {
			return next, content, err
		}
	case built.blocks == 0 && current.Generation == 0:
		return index.Current{}, nil, nil
	case built.blocks == 0 && !isRemovedForReason(rows):
		return index.Current{}, nil, errNothingBlocks
	}
	next, err = p.writeIndex(ctx, next, built)
	return next, content, err
}

// isGone reports whether the index object that a pointer names does not exist. Readers that
// start would have no index, so it is not enough to renew the pointer.
func (p *publisher) isGone(ctx context.Context, current *index.Current) (bool, error) {
	objects, err := p.indexes.Indexes(ctx)
	if err != nil {
		return false, fmt.Errorf("listing indexes: %w", err)
	}
	gone := !slices.ContainsFunc(objects, func(object storage.Object) bool { return object.Key == current.Object })
	if gone {
		p.log.ErrorContext(ctx, "index object of the pointer does not exist", "generation", current.Generation,
			"object", current.Object, "pinned", current.Pinned)
	}
	return gone, nil
}

// isRemovedForReason reports whether somebody gave a reason for removing a feed.
func isRemovedForReason(rows []table.FeedRow) bool {
	return slices.ContainsFunc(rows, func(row table.FeedRow) bool {
		return row.Last.Outcome == list.OutcomeDeleted && row.Last.Reason != ""
	})
}

// writeIndex writes a new generation and returns the pointer to it.
func (p *publisher) writeIndex(ctx context.Context, next index.Current, built *builtIndex) (index.Current, error) {
	if len(built.data) > p.maxBytes {
		return next, fmt.Errorf("the index has %d bytes and a transformer can load %d: "+
			"give it more memory, or remove feeds", len(built.data), p.maxBytes)
	}
	next.Highest++
	next.Generation, next.Hash, next.ContentHash = next.Highest, built.info.Checksum, built.info.ContentHash
	next.Object = index.ObjectKey(next.Generation, next.Hash)
	err := p.indexes.Create(ctx, next.Object, built.data)
	if err != nil && !errors.Is(err, storage.ErrExists) { // the key contains the hash, so the bytes are the same
		return next, fmt.Errorf("writing the index: %w", err)
	}
	return next, nil
}

// finish does what follows the move of the pointer: it writes the manifest and sweeps. A
// failed sweep is left to the next publish.
func (p *publisher) finish(ctx context.Context, before, current index.Current) error {
	if current.Generation == before.Generation {
		return nil
	}
	if err := p.writeManifest(ctx, current); err != nil {
		return err
	}
	p.metrics.put(count(metricPublished, 1))
	p.log.InfoContext(ctx, "index published", "generation", current.Generation, "object", current.Object,
		"feeds", len(current.Feeds))
	if err := p.sweeper.sweep(ctx, current); err != nil {
		p.log.WarnContext(ctx, "sweep of old indexes and snapshots failed", "why", err)
	}
	return nil
}

// writeManifest keeps a copy of the pointer as it was when a generation was published.
func (p *publisher) writeManifest(ctx context.Context, published index.Current) error {
	published.Pinned, published.Pin = false, nil
	text, err := published.Encode()
	if err != nil {
		return fmt.Errorf("encoding a manifest: %w", err)
	}
	err = p.indexes.Create(ctx, index.ManifestKey(published.Generation), text)
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("writing a manifest: %w", err)
	}
	return nil
}

// measureIndex counts how large the index is.
func (p *publisher) measureIndex(built *builtIndex) {
	entries := 0
	for _, feed := range built.feeds {
		entries += feed.Count
	}
	p.metrics.put(count(metricIndexEntries, entries),
		emf.Metric{Name: metricIndexBytes, Unit: emf.Bytes, Value: float64(len(built.data))})
}

// measureFeeds counts how old the list of each feed is, and how old the oldest one is. An
// alarm on these ages is the only way to notice that nobody updates a feed any more.
func (p *publisher) measureFeeds(rows []table.FeedRow) {
	now := p.now()
	oldest, measured := now, 0
	slices.SortFunc(rows, func(a, b table.FeedRow) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, row := range rows {
		if row.Accepted.Snapshot == "" {
			continue
		}
		current := row.Accepted.Current()
		if current.Before(oldest) {
			oldest = current
		}
		if measured++; measured <= maxFeedMetrics {
			p.metrics.putForFeed(row.ID, seconds(metricListAge, now.Sub(current)))
		}
	}
	p.metrics.put(seconds(metricListAge, now.Sub(oldest)))
}
