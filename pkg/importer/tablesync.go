package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Changes between two notes of progress. Few at first and whenever the table is slow,
// so that a note is made well before a lease or a run ends; more where it is fast, since
// every note is a write too.
const (
	firstBatch = 25
	maxBatch   = 2_000
	fastBatch  = time.Second
	slowBatch  = 5 * time.Second
)

// tableMargin is how long before the end of a run the work at the table stops.
const tableMargin = 15 * time.Second

// errTableTime means that the run ends before the table is in order. Nothing is lost:
// the next run goes on where this one stopped.
var errTableTime = errors.New("the time of this run is over, a later one goes on with the table")

// syncTables brings the table to the accepted lists of feeds. That there was no time to
// finish is no error: readers of the index have all, and a retry at once would only
// meet the same slow table.
func (im *Importer) syncTables(ctx context.Context, ids []indicator.FeedID) error {
	var problems []error
	behind := 0
	for _, id := range ids {
		err := im.syncTable(ctx, id)
		if errors.Is(err, errTableTime) || errors.Is(err, errTableBusy) {
			behind++
			im.log.InfoContext(ctx, "table is left to another run", "feed", id, "why", err)
			continue
		}
		problems = append(problems, err)
	}
	im.metrics.put(count(MetricTablesBehind, behind))
	return errors.Join(problems...)
}

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
		if isEnding(ctx) {
			return errTableTime
		}
		if err := im.followList(ctx, id); err != nil {
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
		err = errors.Join(err, lease.release(ctx))
		if errors.Is(err, errAimedAnew) {
			return nil // and is looked at again
		}
		return err
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
	after, err := l.im.readSnapshot(ctx, row.Table.Target)
	if isLost(err) && row.Table.Target != row.target() {
		return l.aimAnew(ctx, err)
	}
	if err != nil {
		return err // what is lost must not count as empty: all rows would go
	}
	defer after.Close()
	done, err := parseCursor(row.Table.Cursor)
	if err != nil {
		return err
	}
	until, batch, size := row.Table.Until, []Change(nil), firstBatch
	flush := func() (err error) {
		if isEnding(ctx) {
			return errTableTime
		}
		began := time.Now()
		until, err = l.write(ctx, batch, until)
		batch, size = batch[:0], nextBatch(size, time.Since(began))
		return err
	}
	err = difference(before, after, func(change Change) error {
		if done != nil && change.Entry.Compare(done) <= 0 {
			return nil
		}
		if batch = append(batch, change); len(batch) < size {
			return nil
		}
		return flush()
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return flush()
}

// errAimedAnew ends work whose target is lost.
var errAimedAnew = errors.New("the table is brought to a newer list, since the one that it was brought to is lost")

// aimAnew gives up a target that is lost. What the table holds is not known then: all of
// the new target is written, and rows of entries that are gone stay.
func (l *tableLease) aimAnew(ctx context.Context, why error) error {
	l.im.log.WarnContext(ctx, errAimedAnew.Error(), "feed", l.id, "why", why)
	_, err := l.im.changeRow(ctx, l.id, func(row *FeedRow) error {
		if row.Table.Owner != l.owner {
			return errTableBusy
		}
		row.Table.Snapshot, row.Table.Target, row.Table.Cursor = "", row.target(), ""
		return nil
	})
	return cmp.Or(err, errAimedAnew)
}

// nextBatch returns how many changes to make after a batch that took so long.
func nextBatch(size int, took time.Duration) int {
	switch {
	case took > slowBatch:
		return max(firstBatch, size/2)
	case took < fastBatch:
		return min(maxBatch, size*2)
	default:
		return size
	}
}

// isEnding reports whether ctx is about to end.
func isEnding(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && time.Until(deadline) < tableMargin
}

// write makes changes before the lease ends and notes the progress. It returns the
// new end of the lease.
func (l *tableLease) write(ctx context.Context, batch []Change, until time.Time) (time.Time, error) {
	left := until.Sub(l.im.now()) - leaseMargin
	if left < leaseMargin { // long lists of which little changed take their time to read
		row, err := l.change(ctx, func(*TableState) {})
		if err != nil {
			return until, err
		}
		left = row.Table.Until.Sub(l.im.now()) - leaseMargin
	}
	limited, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	if err := l.im.table.Write(limited, l.id, batch); err != nil {
		return until, err
	}
	l.im.metrics.put(count(MetricTableChanges, len(batch)))
	last := &batch[len(batch)-1].Entry
	row, err := l.change(ctx, func(table *TableState) { table.Cursor = cursorOf(&last.Indicator) })
	return row.Table.Until, err
}
