package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
)

// The number of feeds is limited, because the pointer names each of them. Anybody who may
// upload a list can add a feed by adding a folder. Feeds with an accepted list stay; new ones
// are refused while there are too many.

// isOverLimit reports whether there is no room for a feed.
func (p *plan) isOverLimit(id indicator.FeedID) bool {
	return p.established != nil && !p.established[id] && len(p.established) >= index.MaxCurrentFeeds
}

// noteEstablished counts a new feed if its list was accepted.
func (im *Importer) noteEstablished(ctx context.Context, plan *plan, id indicator.FeedID) error {
	if plan.established == nil || plan.established[id] {
		return nil
	}
	row, err := im.rows.Row(ctx, id)
	if err != nil {
		return fmt.Errorf("reading the row of feed %q: %w", id, err)
	}
	if row.Accepted.Snapshot != "" {
		plan.established[id] = true
	}
	return nil
}

// reportOverLimit counts the feeds for which there is no room.
func (im *Importer) reportOverLimit(ctx context.Context, over int) {
	if over == 0 {
		return
	}
	im.metrics.Put(metric.Count(metric.FeedsOverLimit, over))
	im.log.ErrorContext(ctx, "there are more feeds than an index can have", "limit", index.MaxCurrentFeeds, "refused", over)
}

// refuseFeed reports the newest lists of a feed for which there is no room. It does so only
// for feeds that a trigger is about, and it stores no row: both would cost as much as the
// feeds are many.
func (im *Importer) refuseFeed(ctx context.Context, t *task) error {
	if !t.triggered {
		return nil
	}
	err := im.acceptor.refuseFeed(ctx, t.id)
	if err != nil && !errors.Is(err, errDecideAgain) {
		return fmt.Errorf("refusing feed %q: %w", t.id, err)
	}
	return nil
}

func (a *acceptor) refuseFeed(ctx context.Context, id indicator.FeedID) error {
	found, err := newestLists(ctx, a.lists, id, a.listKey)
	if err != nil {
		return err
	}
	row, err := a.rows.Row(ctx, id)
	if err != nil {
		return fmt.Errorf("reading the row: %w", err)
	}
	row.ID = id
	for i := range found {
		report := a.reports.newReport(&row, &found[i].Object)
		report.Refusals = list.Refusals{{
			Code: list.RefusedTooManyFeeds,
			What: fmt.Sprintf("%d feeds have accepted lists, and an index cannot have more", index.MaxCurrentFeeds),
			Todo: "put the list into the folder of another feed, or remove feeds; then run " + list.PublishCommand(id),
		}}
		if err := a.reports.refuse(ctx, report); err != nil {
			return err
		}
	}
	return nil
}
