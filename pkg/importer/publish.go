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
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
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
	pointer    *pointerReader
	indexes    Indexes
	rows       table.FeedRows
	assembler  *assembler
	indicators *indicatorWriter
	reports    *reporter
	sweeper    *sweeper
	announcer  *announcer
	maxBytes   int
	metrics    *metric.Writer
	log        *slog.Logger
	now        func() time.Time
}

// feedSet is a set of feeds.
type feedSet map[indicator.FeedID]bool

// publication is what a publish writes: the pointer that follows the current one, and the
// index if it is a new one.
type publication struct {
	next    index.Current // without a generation before the first block list is accepted
	content *indexContent // nil if the index was not built
	added   int           // entries that are new since the last publish
	// leftOut are the feeds whose accepted lists are not in the index.
	leftOut feedSet
	// problem is why the index that serves stays in service.
	problem error
}

// publish makes the index that serves match the feed rows. If it already does, or if it is
// pinned, publish only renews the pointer. lost are feeds whose accepted lists are lost. It
// returns the feeds whose accepted lists it could not publish.
func (p *publisher) publish(ctx context.Context, lost feedSet) (leftOut feedSet, err error) {
	err = storage.Retry("moving the index pointer", func() (err error) {
		leftOut, err = p.publishOnce(ctx, lost)
		return err
	})
	return leftOut, err
}

// publishOnce publishes, or returns [storage.ErrConflict] if another importer moved the
// pointer in the meantime.
func (p *publisher) publishOnce(ctx context.Context, lost feedSet) (feedSet, error) {
	// CURRENT is read before the rows, and moved only if it is still the same. So the rows
	// are at least as new as those that the index before was built from.
	current, etag, err := p.pointer.read(ctx)
	if err != nil {
		return nil, err
	}

	planned, err := p.prepare(ctx, current, lost)
	if err != nil || planned.next.Generation == 0 {
		return planned.leftOut, err
	}
	if err := index.MoveCurrent(ctx, p.pointer.pointer, planned.next, etag); err != nil {
		return nil, fmt.Errorf("moving the index pointer: %w", err)
	}

	p.metrics.Put(emf.Metric{Name: metric.Generation, Unit: emf.None, Value: float64(planned.next.Generation)})
	p.indicators.update(ctx, planned.next.Generation, planned.content)
	if err := p.finish(ctx, current, planned); err != nil {
		return planned.leftOut, err
	}
	return planned.leftOut, planned.problem
}

// prepare returns what follows current. If there is a new index, prepare writes it.
func (p *publisher) prepare(ctx context.Context, current index.Current, lost feedSet) (publication, error) {
	planned := publication{next: current}
	planned.next.RenewedAt = p.now()
	if current.Generation > 0 {
		if err := p.completeEarlier(ctx, current); err != nil {
			return planned, err
		}
	}

	rows, err := p.rows.Rows(ctx)
	if err != nil {
		return planned, fmt.Errorf("reading the feed rows: %w", err)
	}
	p.measureFeeds(rows)
	if current.Pinned {
		if gone, err := p.isGone(ctx, &current); gone || err != nil {
			return publication{}, cmp.Or(err, errPinnedGone)
		}
		return planned, nil
	}

	plan, err := p.plan(ctx, rows, &current, lost)
	if err != nil {
		return planned, err
	}
	built, err := plan.build(ctx, current.Highest+1)
	if err != nil && !errors.Is(err, errIndexTooLarge) {
		return planned, err
	}
	if built == nil {
		// An index that nobody renews becomes stale for all feeds.
		p.log.ErrorContext(ctx, "index is too large, the old one is renewed", "generation", current.Generation)
		planned.leftOut, planned.problem = plan.changedFeeds(), errIndexTooLarge
		return planned, nil
	}
	if planned.leftOut, err = p.reportLeftOut(ctx, plan, rows, &current); err != nil {
		return planned, err
	}
	return p.follow(ctx, planned, built, &current, isRemovedForReason(rows))
}

// plan returns the plan of the next index.
func (p *publisher) plan(ctx context.Context, rows []table.FeedRow, current *index.Current, lost feedSet) (*indexPlan, error) {
	p.reportExpired(ctx, rows)
	kept, more := withinLimit(rows, current.Feeds)
	if more > 0 {
		p.metrics.Put(metric.Count(metric.FeedsOverLimit, more))
		p.log.ErrorContext(ctx, "there are more feeds than an index can have", "limit", index.MaxCurrentFeeds, "left_out", more)
	}
	manual, err := p.assembler.manualSource(ctx)
	if err != nil {
		return nil, err
	}
	plan := p.assembler.newIndexPlan(p.assembler.sources(kept), manual, current.Feeds, p.maxBytes)
	plan.publishedAt = current.RenewedAt
	plan.serving = &servingIndex{indexes: p.indexes, current: *current, now: p.now}
	for i := range plan.feeds {
		if feed := &plan.feeds[i]; lost[feed.accepted.ID] {
			plan.giveUp(feed, errLost)
		}
	}
	return plan, nil
}

// errLost is why the accepted list of a feed is not used if it is lost.
var errLost = errors.New("the accepted list is lost, and the feed's newest list cannot replace it")

// follow decides whether the index that was built replaces the one of the pointer. removed
// says whether somebody gave a reason for removing a feed.
func (p *publisher) follow(
	ctx context.Context, planned publication, built *builtIndex, current *index.Current, removed bool,
) (publication, error) {
	p.measureIndex(built)
	planned.content, planned.added = &indexContent{sources: built.sources, at: built.at}, built.added
	switch {
	case built.info.ContentHash == current.ContentHash:
		planned.next.Feeds = built.feeds
		if gone, err := p.isGone(ctx, current); !gone || err != nil {
			return planned, err
		}
	case built.blocks == 0 && current.Generation == 0:
		return publication{leftOut: planned.leftOut}, nil
	case built.blocks == 0 && !removed:
		return publication{leftOut: planned.leftOut}, errNothingBlocks
	}
	planned.next.Feeds = built.feeds
	var err error
	planned.next, err = p.writeIndex(ctx, planned.next, built)
	return planned, err
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
	next.Highest++
	next.Generation, next.Hash, next.ContentHash = next.Highest, built.info.Checksum, built.info.ContentHash
	next.Object = index.ObjectKey(next.Generation, next.Hash)
	err := p.indexes.Create(ctx, next.Object, built.data)
	if err != nil && !errors.Is(err, storage.ErrExists) { // the key contains the hash, so the bytes are the same
		return next, fmt.Errorf("writing the index: %w", err)
	}
	return next, nil
}

// finish does what follows the move of the pointer: it sends the event, writes the manifest and
// sweeps. If the run ends before the manifest is written, the next publish finds none and sends
// the event again. A failed sweep is left to the next publish.
func (p *publisher) finish(ctx context.Context, before index.Current, planned publication) error {
	current := planned.next
	if current.Generation == before.Generation {
		return nil
	}
	p.announcer.announce(ctx, &before, &current, planned.added)
	if err := p.writeManifest(ctx, current); err != nil {
		return err
	}
	p.metrics.Put(metric.Count(metric.IndexPublished, 1))
	p.log.InfoContext(ctx, "index published", "generation", current.Generation, "object", current.Object,
		"feeds", len(current.Feeds))
	if err := p.sweeper.sweep(ctx, before, current); err != nil {
		p.log.WarnContext(ctx, "sweep of old indexes and snapshots failed", "why", err)
	}
	return nil
}

// completeEarlier sends the event and writes the manifest of the generation that serves, if the
// run that published it ended before it could.
func (p *publisher) completeEarlier(ctx context.Context, current index.Current) error {
	_, err := p.indexes.Manifest(ctx, current.Generation)
	if err == nil {
		return nil
	}
	if errors.Is(err, storage.ErrNotFound) {
		p.announcer.announce(ctx, &current, &current, -1)
	}
	return p.writeManifest(ctx, current)
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
	p.metrics.Put(metric.Count(metric.IndexEntries, entries),
		emf.Metric{Name: metric.IndexBytes, Unit: emf.Bytes, Value: float64(len(built.data))})
}

// maxFeedMetrics is how many feeds, in the order of their ids, have a ListAge of their own.
// The age of the oldest list covers the other feeds.
const maxFeedMetrics = 50

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
			p.metrics.PutFor(emf.Dimension{Name: settings.MetricDimensionFeed, Value: string(row.ID)},
				metric.Seconds(metric.ListAge, now.Sub(current)))
		}
	}
	p.metrics.Put(metric.Seconds(metric.ListAge, now.Sub(oldest)))
}

// reportExpired counts the feeds that are older than their maxAge.
func (p *publisher) reportExpired(ctx context.Context, rows []table.FeedRow) {
	for _, row := range rows {
		if row.Accepted.Snapshot != "" && row.Accepted.Expired(p.now()) {
			p.metrics.Put(metric.Count(metric.FeedExpired, 1))
			p.log.WarnContext(ctx, "feed is left out because it is older than its maxAge",
				"feed", row.ID, "accepted", row.Accepted.At, "max_age", row.Accepted.MaxAge)
		}
	}
}
