package table

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
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

// Entries is the list for everyone else to ask, and for own edits.
type Entries interface {
	// Write makes all changes, of which no two concern one key, or returns an error
	// after any part of them. Changes are idempotent.
	Write(ctx context.Context, feed indicator.FeedID, changes []snapshot.Change) error
	// Entries yields the entries of a feed in any order. An entry that cannot be read
	// is yielded as an *EntryError and does not end the iteration.
	Entries(ctx context.Context, feed indicator.FeedID) iter.Seq2[snapshot.Entry, error]
}

// EntryError is a table row that is no entry: somebody's own edit went wrong.
type EntryError struct {
	Name, Sort string // its key
	Err        error
}

func (e *EntryError) Error() string {
	return "table row " + e.Name + " " + e.Sort + ": " + e.Err.Error()
}

func (e *EntryError) Unwrap() error { return e.Err }

// Syncer brings the table to the accepted lists of feeds.
type Syncer struct {
	Rows      FeedRows
	Entries   Entries
	Snapshots *snapshot.Store
	Now       func() time.Time
	Log       *slog.Logger
	Changed   func(rows int) // is called after each batch
}

// IsLater reports whether an error of [Syncer.Sync] means that another run has to finish
// or finishes the work.
func IsLater(err error) bool { return errors.Is(err, errTableTime) || errors.Is(err, errTableBusy) }

// Sync brings the table to the accepted list of a feed, from wherever an earlier
// run left it. The row of a feed that was taken away goes with its last entry.
func (s *Syncer) Sync(ctx context.Context, id indicator.FeedID) error {
	for {
		row, err := s.Rows.Row(ctx, id)
		if err != nil {
			return fmt.Errorf("reading the row of feed %q: %w", id, err)
		}
		if row.InSync() {
			return s.forgetFeed(ctx, row)
		}
		if isEnding(ctx) {
			return errTableTime
		}
		if err := s.followList(ctx, id); err != nil {
			return fmt.Errorf("bringing the table of feed %q in order: %w", id, err)
		}
	}
}

// forgetFeed removes the row of a feed that was taken away.
func (s *Syncer) forgetFeed(ctx context.Context, row FeedRow) error {
	if row.Revision == 0 || row.Last.Outcome != list.OutcomeDeleted {
		return nil
	}
	err := s.Rows.DeleteRow(ctx, row)
	if errors.Is(err, storage.ErrConflict) {
		return nil // it was deleted by another run, or the feed is back
	}
	return err
}

// followList makes the changes from the list that the table holds to its target.
func (s *Syncer) followList(ctx context.Context, id indicator.FeedID) error {
	lease := tableLease{s: s, id: id, owner: rand.Text()}
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
	_, err = lease.change(ctx, func(table *SyncState) {
		held := table.Target
		if held == noSnapshot {
			held = ""
		}
		*table = SyncState{Snapshot: held}
	})
	return err
}

// makeChanges writes the difference that row's table still lacks.
func (l *tableLease) makeChanges(ctx context.Context, row FeedRow) error {
	before, err := l.s.Snapshots.OpenReplaced(ctx, row.Table.Snapshot)
	if err != nil {
		return err
	}
	defer before.Close()
	after, err := l.openTarget(ctx, row.Table.Target)
	if snapshot.IsLost(err) && row.Table.Target != row.target() {
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
	until, batch, size := row.Table.Until, []snapshot.Change(nil), firstBatch
	flush := func() (err error) {
		if isEnding(ctx) {
			return errTableTime
		}
		began := time.Now()
		until, err = l.write(ctx, batch, until)
		batch, size = batch[:0], nextBatch(size, time.Since(began))
		return err
	}
	err = snapshot.Difference(before, after, func(change snapshot.Change) error {
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

// openTarget opens the snapshot that the table is brought to.
func (l *tableLease) openTarget(ctx context.Context, target string) (*snapshot.Reader, error) {
	if target == noSnapshot {
		target = ""
	}
	return l.s.Snapshots.Open(ctx, target)
}

// errAimedAnew ends work whose target is lost.
var errAimedAnew = errors.New("the table is brought to a newer list, since the one that it was brought to is lost")

// aimAnew gives up a target that is lost. What the table holds is not known then: all of
// the new target is written, and rows of entries that are gone stay.
func (l *tableLease) aimAnew(ctx context.Context, why error) error {
	l.s.Log.WarnContext(ctx, errAimedAnew.Error(), "feed", l.id, "why", why)
	_, err := ChangeRow(ctx, l.s.Rows, l.id, func(row *FeedRow) error {
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
func (l *tableLease) write(ctx context.Context, batch []snapshot.Change, until time.Time) (time.Time, error) {
	left := until.Sub(l.s.Now()) - leaseMargin
	if left < leaseMargin { // long lists of which little changed take their time to read
		row, err := l.change(ctx, func(*SyncState) {})
		if err != nil {
			return until, err
		}
		left = row.Table.Until.Sub(l.s.Now()) - leaseMargin
	}
	limited, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	if err := l.s.Entries.Write(limited, l.id, batch); err != nil {
		return until, err
	}
	l.s.Changed(len(batch))
	last := &batch[len(batch)-1].Entry
	row, err := l.change(ctx, func(table *SyncState) { table.Cursor = cursorOf(&last.Indicator) })
	return row.Table.Until, err
}

// cursorOf returns the text that stands for the place of an entry in the order.
func cursorOf(e *indicator.Indicator) string {
	return strings.Join([]string{e.Value(), e.Scope.String(), e.Action.String()}, "\t")
}

// parseCursor returns an entry at the place that a cursor stands for, or nil for "".
func parseCursor(cursor string) (*indicator.Indicator, error) {
	if cursor == "" {
		return nil, nil
	}
	var place indicator.Indicator
	value, rest, _ := strings.Cut(cursor, "\t")
	scope, action, _ := strings.Cut(rest, "\t")
	var errs [3]error
	place.Scope, errs[0] = indicator.ParseAnyScope(scope)
	place.Action, errs[1] = indicator.ParseAction(action)
	errs[2] = place.SetValue(value)
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, fmt.Errorf("reading the cursor %q of the table: %w", cursor, err)
	}
	return &place, nil
}

const (
	// leaseTime is how long a writer has the table of a feed to itself after a note of
	// progress. It is shorter than the minute after which Lambda tries a killed
	// invocation again, so that the retry finds the table free.
	leaseTime = 45 * time.Second
	// leaseMargin is how long before the end of its lease a writer stops: what is on
	// the wire then must have arrived when the next one starts. It also bounds how far
	// two clocks may be apart.
	leaseMargin = 10 * time.Second
)

// errTableBusy means that another run is at the table of a feed. It goes on until the
// table holds the newest accepted list, or is cut off and finished by a later run.
var errTableBusy = errors.New("another run is bringing the table of the feed in order")

// tableLease is the right of one run to write the table of a feed.
type tableLease struct {
	s     *Syncer
	id    indicator.FeedID
	owner string
}

// take begins the lease, and the work if none is under way; [errTableBusy].
func (l *tableLease) take(ctx context.Context) (FeedRow, error) {
	return ChangeRow(ctx, l.s.Rows, l.id, func(row *FeedRow) error {
		table, now := &row.Table, l.s.Now()
		if table.Owner != "" && table.Until.After(now) {
			return errTableBusy
		}
		table.Owner, table.Until = l.owner, now.Add(leaseTime)
		if table.Target == "" {
			table.Target, table.Cursor = row.target(), ""
		}
		return nil
	})
}

// change renews the lease and changes the state of the table. A lease that ran out and
// was taken by another run is [errTableBusy], even if that run is done.
func (l *tableLease) change(ctx context.Context, change func(*SyncState)) (FeedRow, error) {
	return ChangeRow(ctx, l.s.Rows, l.id, func(row *FeedRow) error {
		if row.Table.Owner != l.owner {
			return errTableBusy
		}
		row.Table.Until = l.s.Now().Add(leaseTime)
		change(&row.Table)
		return nil
	})
}

// release ends the lease early, so that a retry need not wait for its end. It speaks
// even after ctx ended.
func (l *tableLease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, err := l.change(ctx, func(table *SyncState) { table.Owner, table.Until = "", time.Time{} })
	if errors.Is(err, errTableBusy) {
		return nil
	}
	return err
}
