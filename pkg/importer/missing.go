package importer

import (
	"context"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// A feed whose last list was deleted counts on for a grace: an upload that begins with
// a deletion, or a clean-up that went too far, must not open the door meanwhile. The
// scheduled run takes the feed away when the grace is over.

// miss acts on that no list of a feed is left. A reason makes the feed go at once, even
// if it is the last one.
func (im *Importer) miss(ctx context.Context, row *FeedRow, force string) error {
	if row.Last.Outcome == OutcomeDeleted {
		return nil
	}
	if row.Accepted.Snapshot == "" || isReason(force) {
		return im.delist(ctx, row, force)
	}
	since := row.Missing
	if since.IsZero() {
		since = im.now()
	}
	due := since.Add(im.grace)
	if due.After(im.now()) {
		im.log.WarnContext(ctx, "feed has no list any more and counts on for now", "feed", row.ID, "until", due)
		return im.noteMissing(ctx, row, since)
	}
	last, err := im.isLastBlockFeed(ctx, row)
	if err != nil {
		return err
	}
	if last {
		im.log.ErrorContext(ctx, "feed has no list any more and counts on, since without it nothing would be "+
			`marked; to take it away all the same, invoke with {"feed":"<id>","force":"<reason>"}`, "feed", row.ID)
		return im.noteMissing(ctx, row, since)
	}
	return im.delist(ctx, row, "")
}

// isLastBlockFeed reports whether the index would have no block feed without this one.
func (im *Importer) isLastBlockFeed(ctx context.Context, row *FeedRow) (bool, error) {
	if row.Accepted.Action != indicator.ActionBlock {
		return false, nil
	}
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the feed rows: %w", err)
	}
	for _, other := range rows {
		if other.ID != row.ID && other.Accepted.Snapshot != "" && other.Accepted.Action == indicator.ActionBlock &&
			!other.Accepted.Expired(im.now()) {
			return false, nil
		}
	}
	return true, nil
}

// noteMissing notes since when no list is left.
func (im *Importer) noteMissing(ctx context.Context, row *FeedRow, since time.Time) error {
	im.metrics.put(count(MetricFeedMissing, 1))
	return im.setMissing(ctx, row, since)
}

// found notes that there is a list again.
func (im *Importer) found(ctx context.Context, row *FeedRow) error {
	return im.setMissing(ctx, row, time.Time{})
}

func (im *Importer) setMissing(ctx context.Context, row *FeedRow, since time.Time) error {
	if row.Missing.Equal(since) {
		return nil
	}
	_, err := im.changeRow(ctx, row.ID, func(stored *FeedRow) error {
		if stored.Accepted != row.Accepted {
			return errDecideAgain
		}
		stored.Missing = since
		return nil
	})
	return err
}

// delist takes a feed out of what is published next, for a reason if it goes before its
// time.
func (im *Importer) delist(ctx context.Context, row *FeedRow, force string) error {
	_, err := im.changeRow(ctx, row.ID, func(stored *FeedRow) error {
		if stored.Accepted != row.Accepted {
			return errDecideAgain
		}
		stored.Accepted, stored.Missing = Acceptance{}, time.Time{}
		stored.Last = Judgement{Outcome: OutcomeDeleted, Reason: force, At: im.now()}
		return nil
	})
	if err != nil {
		return err
	}
	im.metrics.put(count(MetricNamesRemoved, row.Accepted.Entries))
	im.log.WarnContext(ctx, "feed has no list any more and is taken away", "feed", row.ID, "force", force)
	return nil
}
