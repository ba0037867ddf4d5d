package importer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// absences handles feeds whose last list was deleted. Such a feed stays in the index for a
// grace period, because the deletion may be the first half of an upload, or a mistake. The
// scheduled run removes the feed when the grace period is over.
type absences struct {
	rows    table.FeedRows
	grace   time.Duration
	metrics *metric.Writer
	log     *slog.Logger
	now     func() time.Time
}

// handle handles a feed whose last list was deleted. With a reason the feed is removed at
// once, even if it is the last one.
func (a *absences) handle(ctx context.Context, row *table.FeedRow, force string) error {
	if row.Last.Outcome == list.OutcomeDeleted {
		return nil
	}
	if row.Accepted.Snapshot == "" || isReason(force) {
		return a.removeFeed(ctx, row, force)
	}

	since := row.Missing
	if since.IsZero() {
		since = a.now()
	}
	due := since.Add(a.grace)
	if due.After(a.now()) {
		a.log.WarnContext(ctx, "feed has no list, kept for the grace period", "feed", row.ID, "until", due)
		return a.note(ctx, row, since)
	}

	last, err := a.isLastBlockFeed(ctx, row)
	if err != nil {
		return err
	}
	if last {
		a.log.ErrorContext(ctx, "feed has no list, kept because it is the last block feed", "feed", row.ID,
			"remedy", `upload a list, or invoke the importer with {"feed":"<id>","force":"<reason>"} to remove the feed`)
		return a.note(ctx, row, since)
	}
	return a.removeFeed(ctx, row, "")
}

// isLastBlockFeed reports whether the index would have no block feed without this one.
func (a *absences) isLastBlockFeed(ctx context.Context, row *table.FeedRow) (bool, error) {
	if row.Accepted.Action != indicator.ActionBlock {
		return false, nil
	}
	rows, err := a.rows.Rows(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the feed rows: %w", err)
	}
	for _, other := range rows {
		if other.ID != row.ID && other.Accepted.Snapshot != "" && other.Accepted.Action == indicator.ActionBlock &&
			!other.Accepted.Expired(a.now()) {
			return false, nil
		}
	}
	return true, nil
}

// note records since when the feed has had no list.
func (a *absences) note(ctx context.Context, row *table.FeedRow, since time.Time) error {
	a.metrics.Put(metric.Count(metric.FeedMissing, 1))
	return a.setMissing(ctx, row, since)
}

// clear records that the feed has a list.
func (a *absences) clear(ctx context.Context, row *table.FeedRow) error {
	return a.setMissing(ctx, row, time.Time{})
}

func (a *absences) setMissing(ctx context.Context, row *table.FeedRow, since time.Time) error {
	if row.Missing.Equal(since) {
		return nil
	}
	_, err := table.ChangeRow(ctx, a.rows, row.ID, func(stored *table.FeedRow) error {
		if stored.Accepted != row.Accepted {
			return errDecideAgain
		}
		stored.Missing = since
		return nil
	})
	return err
}

// removeFeed removes a feed from the next index. force is the reason if the feed is removed
// before the end of its grace period.
func (a *absences) removeFeed(ctx context.Context, row *table.FeedRow, force string) error {
	_, err := table.ChangeRow(ctx, a.rows, row.ID, func(stored *table.FeedRow) error {
		if stored.Accepted != row.Accepted {
			return errDecideAgain
		}
		stored.Accepted, stored.Missing = table.Acceptance{}, time.Time{}
		stored.Last = table.Decision{Outcome: list.OutcomeDeleted, Reason: force, At: a.now()}
		return nil
	})
	if err != nil {
		return err
	}
	a.metrics.Put(metric.Count(metric.NamesRemoved, row.Accepted.Entries))
	a.log.WarnContext(ctx, "feed has no list and is removed", "feed", row.ID, "force", force)
	return nil
}
