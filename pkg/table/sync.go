package table

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// A writer stores its progress after each batch of changes. Batches are small at first and
// when the table is slow, so that progress is stored well before a lease or a run ends. They
// are larger when the table is fast, because storing progress is a write too.
const (
	firstBatch = 25
	maxBatch   = 2_000
	fastBatch  = time.Second
	slowBatch  = 5 * time.Second
)

// runMargin is how long before the end of a run the work on the table stops.
const runMargin = 15 * time.Second

const (
	// leaseTime is how long a writer may change the rows of a feed alone after it stored its
	// progress. It is shorter than the minute after which Lambda retries a killed invocation,
	// so that the lease has ended by then.
	leaseTime = 45 * time.Second
	// leaseMargin is how long before the end of its lease a writer stops, so that requests on
	// the way arrive before the next writer starts. It also bounds the clock skew between two
	// writers.
	leaseMargin = 10 * time.Second
)

var (
	// errTableTime means that the run ends before the rows are in sync. The next run continues
	// from the stored progress.
	errTableTime = errors.New("no time left in this run, a later run continues")
	// errTableBusy means that another run has the lease. It continues until the rows are in sync;
	// if it is killed, a later run does.
	errTableBusy = errors.New("another run is updating the table rows of the feed")
	// errNewTarget means that the target was lost and the rows have a new target.
	errNewTarget = errors.New("the target is lost")
)

// IsLater reports whether an error of [Syncer.Sync] means that another run does the work.
func IsLater(err error) bool { return errors.Is(err, errTableTime) || errors.Is(err, errTableBusy) }

// Syncer updates the rows of entries to the accepted lists. All fields must be set.
type Syncer struct {
	Rows      FeedRows
	Entries   Entries
	Snapshots *snapshot.Store
	Now       func() time.Time
	Log       *slog.Logger
	Changed   func(rows int) // called after each batch
}

// Sync updates the rows of a feed's entries to its accepted list. It continues where an
// earlier run stopped. If the feed was removed, Sync deletes the feed row after the last
// entry. See [IsLater] for the errors.
func (s *Syncer) Sync(ctx context.Context, id indicator.FeedID) error {
	for {
		row, err := s.Rows.Row(ctx, id)
		if err != nil {
			return fmt.Errorf("reading the row of feed %q: %w", id, err)
		}
		if row.InSync() {
			return s.deleteRemoved(ctx, row)
		}
		if isEnding(ctx) {
			return errTableTime
		}
		if err := s.followTarget(ctx, id); err != nil {
			return fmt.Errorf("updating the table rows of feed %q: %w", id, err)
		}
	}
}

// deleteRemoved deletes the row of a feed that was removed.
func (s *Syncer) deleteRemoved(ctx context.Context, row FeedRow) error {
	if row.Revision == 0 || row.Last.Outcome != list.OutcomeDeleted {
		return nil
	}
	err := s.Rows.DeleteRow(ctx, row)
	if errors.Is(err, storage.ErrConflict) {
		return nil // another run deleted it, or the feed has a list again
	}
	return err
}

// followTarget makes the changes from the current content of the rows to their target.
func (s *Syncer) followTarget(ctx context.Context, id indicator.FeedID) error {
	l := lease{Syncer: s, id: id, owner: rand.Text()}
	row, err := l.take(ctx)
	if err != nil {
		return err
	}
	if err := l.makeChanges(ctx, row); err != nil {
		err = errors.Join(err, l.release(ctx))
		if errors.Is(err, errNewTarget) {
			return nil // Sync looks at the row again
		}
		return err
	}

	_, err = l.change(ctx, func(state *SyncState) {
		content := state.Target
		if content == noSnapshot {
			content = ""
		}
		*state = SyncState{Snapshot: content}
	})
	return err
}

// lease is the right of one run to change the rows of a feed's entries.
type lease struct {
	*Syncer
	id    indicator.FeedID
	owner string
}

// take takes the lease. If no update is under way, it starts one. It returns errTableBusy if
// another run has the lease.
func (l *lease) take(ctx context.Context) (FeedRow, error) {
	return ChangeRow(ctx, l.Rows, l.id, func(row *FeedRow) error {
		state, now := &row.Table, l.Now()
		if state.Owner != "" && state.Until.After(now) {
			return errTableBusy
		}
		state.Owner, state.Until = l.owner, now.Add(leaseTime)
		if state.Target == "" {
			state.Target, state.Cursor = row.target(), ""
		}
		return nil
	})
}

// change renews the lease and changes the state. If another run took the lease after it
// ended, change returns errTableBusy, even if that run has finished.
func (l *lease) change(ctx context.Context, change func(*SyncState)) (FeedRow, error) {
	return ChangeRow(ctx, l.Rows, l.id, func(row *FeedRow) error {
		if row.Table.Owner != l.owner {
			return errTableBusy
		}
		row.Table.Until = l.Now().Add(leaseTime)
		change(&row.Table)
		return nil
	})
}

// release ends the lease early, so that a retry does not have to wait. It works even if ctx
// has ended.
func (l *lease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, err := l.change(ctx, func(state *SyncState) { state.Owner, state.Until = "", time.Time{} })
	if errors.Is(err, errTableBusy) {
		return nil
	}
	return err
}

// makeChanges makes the changes that are still to be made.
func (l *lease) makeChanges(ctx context.Context, row FeedRow) error {
	before, err := l.Snapshots.OpenReplaced(ctx, row.Table.Snapshot)
	if err != nil {
		return err
	}
	defer before.Close()
	after, err := l.openTarget(ctx, row.Table.Target)
	if err != nil {
		return l.handleTargetError(ctx, row, err)
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

// handleTargetError replaces a lost target if the row has a newer list. Otherwise it returns err:
// a lost target must not count as empty, because all rows would be deleted.
func (l *lease) handleTargetError(ctx context.Context, row FeedRow, err error) error {
	if snapshot.IsLost(err) && row.Table.Target != row.target() {
		return l.replaceTarget(ctx, err)
	}
	return err
}

// openTarget opens the snapshot of a target.
func (l *lease) openTarget(ctx context.Context, target string) (*snapshot.Reader, error) {
	if target == noSnapshot {
		target = ""
	}
	return l.Snapshots.Open(ctx, target)
}

// replaceTarget replaces a lost target by the accepted list. The content of the rows is then
// unknown, so all entries of the new target are written, and rows of entries that are gone
// remain.
func (l *lease) replaceTarget(ctx context.Context, why error) error {
	l.Log.WarnContext(ctx, "table target is lost, using the accepted list", "feed", l.id, "why", why)
	_, err := ChangeRow(ctx, l.Rows, l.id, func(row *FeedRow) error {
		if row.Table.Owner != l.owner {
			return errTableBusy
		}
		row.Table.Snapshot, row.Table.Target, row.Table.Cursor = "", row.target(), ""
		return nil
	})
	return cmp.Or(err, errNewTarget)
}

// write makes changes before the lease ends, stores the progress and returns the new end of
// the lease.
func (l *lease) write(ctx context.Context, batch []snapshot.Change, until time.Time) (time.Time, error) {
	left := until.Sub(l.Now()) - leaseMargin
	if left < leaseMargin { // reading long lists with few changes takes time
		row, err := l.change(ctx, func(*SyncState) {})
		if err != nil {
			return until, err
		}
		left = row.Table.Until.Sub(l.Now()) - leaseMargin
	}

	limited, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	if err := l.Entries.Write(limited, l.id, batch); err != nil {
		return until, err
	}
	l.Changed(len(batch))
	last := &batch[len(batch)-1].Entry
	row, err := l.change(ctx, func(state *SyncState) { state.Cursor = cursorOf(&last.Indicator) })
	return row.Table.Until, err
}

// nextBatch returns the size of the batch that follows one that took this long.
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

// isEnding reports whether ctx has ended or is about to end.
func isEnding(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && time.Until(deadline) < runMargin
}

// cursorOf returns the position of an entry in the order of entries as a text.
func cursorOf(e *indicator.Indicator) string {
	return strings.Join([]string{e.Value(), e.Scope.String(), e.Action.String()}, "\t")
}

// parseCursor returns an entry with the position of a cursor, or nil for an empty cursor.
func parseCursor(cursor string) (*indicator.Indicator, error) {
	if cursor == "" {
		return nil, nil
	}
	var position indicator.Indicator
	value, rest, _ := strings.Cut(cursor, "\t")
	scope, action, _ := strings.Cut(rest, "\t")
	var errs [3]error
	position.Scope, errs[0] = indicator.ParseAnyScope(scope)
	position.Action, errs[1] = indicator.ParseAction(action)
	errs[2] = position.SetValue(value)
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, fmt.Errorf("reading the cursor %q of the table: %w", cursor, err)
	}
	return &position, nil
}
