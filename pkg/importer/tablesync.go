package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// tableBatch is how many changes are made between two notes of progress.
const tableBatch = 500

// syncTable brings the table to the accepted list of a feed, from wherever an earlier
// run left it. The row of a feed that was taken away goes with its last entry.
func (im *Importer) syncTable(ctx context.Context, id indicator.FeedID) error {
	for {
		row, err := im.rows.Row(ctx, id)
		if err != nil {
			return fmt.Errorf("reading the row of feed %q: %w", id, err)
		}
		if row.tableInOrder() {
			return im.forgetFeed(ctx, row)
		}
		err = im.followList(ctx, id)
		if errors.Is(err, errTableBusy) {
			im.log.InfoContext(ctx, "table is left to another run", "feed", id)
			return nil
		}
		if err != nil {
			return fmt.Errorf("bringing the table of feed %q in order: %w", id, err)
		}
	}
}

// forgetFeed removes the row of a feed that was taken away.
func (im *Importer) forgetFeed(ctx context.Context, row FeedRow) error {
	if row.Revision == 0 || row.Last.Outcome != OutcomeDeleted {
		return nil
	}
	err := im.rows.DeleteRow(ctx, row)
	if errors.Is(err, ErrConflict) {
		return nil // it was deleted by another run, or the feed is back
	}
	return err
}

// followList makes the changes from the list that the table holds to its target.
func (im *Importer) followList(ctx context.Context, id indicator.FeedID) error {
	lease := tableLease{im: im, id: id, owner: im.newOwner()}
	row, err := lease.take(ctx)
	if err != nil {
		return err
	}
	if err := lease.makeChanges(ctx, row); err != nil {
		return errors.Join(err, lease.release(ctx))
	}
	_, err = lease.change(ctx, func(table *TableState) {
		held := table.Target
		if held == noSnapshot {
			held = ""
		}
		*table = TableState{Snapshot: held}
	})
	return err
}

// makeChanges writes the difference that row's table still lacks.
func (l *tableLease) makeChanges(ctx context.Context, row FeedRow) error {
	before, err := l.im.readOldSnapshot(ctx, row.Table.Snapshot)
	if err != nil {
		return err
	}
	defer before.Close()
	after, err := l.im.readOldSnapshot(ctx, row.Table.Target)
	if err != nil {
		return err
	}
	defer after.Close()
	done, err := parseCursor(row.Table.Cursor)
	if err != nil {
		return err
	}
	until, batch := row.Table.Until, make([]Change, 0, tableBatch)
	flush := func() (err error) {
		until, err = l.write(ctx, batch, until)
		batch = batch[:0]
		return err
	}
	err = difference(before, after, func(change Change) error {
		if done != nil && change.Entry.Compare(done) <= 0 {
			return nil
		}
		if batch = append(batch, change); len(batch) < tableBatch {
			return nil
		}
		return flush()
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return flush()
}

// write makes changes before the lease ends and notes the progress. It returns the
// new end of the lease.
func (l *tableLease) write(ctx context.Context, batch []Change, until time.Time) (time.Time, error) {
	limited, cancel := context.WithTimeout(ctx, until.Sub(l.im.now())-leaseMargin)
	defer cancel()
	if err := l.im.table.Write(limited, l.id, batch); err != nil {
		return until, err
	}
	l.im.metrics.put(count(MetricTableChanges, len(batch)))
	last := &batch[len(batch)-1].Entry
	row, err := l.change(ctx, func(table *TableState) { table.Cursor = cursorOf(&last.Indicator) })
	return row.Table.Until, err
}
