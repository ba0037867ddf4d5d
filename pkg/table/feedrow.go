// Package table keeps the DynamoDB table: a row for the state of each feed, and a row for
// each entry of the accepted lists and each manual entry. Feed rows are changed by
// compare-and-swap. A [Syncer] updates the rows of entries to the accepted lists.
package table

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// FeedRow is the state of a feed. A writer names the revision that it read, so if two
// importers change the row at once, one of them has to decide again.
type FeedRow struct {
	ID       indicator.FeedID
	Revision int64 // the number of changes; 0 means that the row is not stored

	Accepted Acceptance
	High     HighWater
	Last     Decision
	Table    SyncState
	Fetch    FetchState
	// Missing is since when the feed has had no list. It is zero if the feed has one.
	Missing time.Time
	// Attempt is an import that has not come to a decision yet, or that ended its run.
	Attempt Attempt
}

// Acceptance is the accepted list of a feed. The zero Acceptance means that there is none:
// no list was accepted yet, or the feed was removed.
type Acceptance struct {
	Action   indicator.Action
	Key      string // of the object
	Version  string
	Settings string // a fingerprint of how the list was read
	Snapshot string // the key of the snapshot
	Entries  int
	Bytes    int64       // the total length of all values
	Reach    reach.Reach // of its block entries; zero if an earlier release accepted the list
	// Cost is what the list costs in an index. It is zero in the rows of earlier versions.
	Cost list.Cost
	At   time.Time
	// Confirmed is when the server last confirmed that this is still its list. It is zero if
	// the server never did.
	Confirmed time.Time
	MaxAge    time.Duration // the age at which the feed leaves the index; 0 means never
}

// Current returns when the list was last known to be current.
func (a *Acceptance) Current() time.Time {
	if a.Confirmed.After(a.At) {
		return a.Confirmed
	}
	return a.At
}

// Expired reports whether the list is older than its MaxAge.
func (a *Acceptance) Expired(now time.Time) bool {
	return a.MaxAge > 0 && now.Sub(a.Current()) > a.MaxAge
}

// Decision is what was decided about the newest list of a feed.
type Decision struct {
	Version string
	Outcome list.Outcome
	Reason  string // the codes of the refusals, or why the feed was removed at once
	At      time.Time
	// Settings is a fingerprint of everything that a refusal depends on besides the list. The
	// list is not checked again until the list or the fingerprint changes.
	Settings string
}

// Attempt is noted before a list is read. Reading is the only part of a run that a list can
// make arbitrarily expensive, so a list may end its run. The zero Attempt means that the last
// one came to a decision.
type Attempt struct {
	Version  string
	Settings string // as in [Decision]
	Runs     int    // runs that began to read this version; the last one may not have ended
	At       time.Time
	// Until is when the last of these runs ends at the latest. It is zero if that is not known.
	Until time.Time
}

// EndedRuns returns how many runs certainly ended while they read the list.
func (a *Attempt) EndedRuns(now time.Time) int {
	if a.Until.After(now) {
		return a.Runs - 1
	}
	return a.Runs
}

// SyncState is how far the rows of entries have followed the accepted lists. While an update
// is under way or was interrupted, the rows are between Snapshot and Target. They must reach
// Target before they can follow a newer list, because a difference needs a known beginning.
type SyncState struct {
	Snapshot string // the content when the rows were last in sync; empty means no rows
	Target   string // what the rows are being updated to; empty if no update is under way
	Cursor   string // all changes up to this entry are made

	// Owner may change the rows, alone, until this time. Batch writes cannot be conditional,
	// so without a lease a slow writer could overwrite newer rows.
	Owner string
	Until time.Time
}

// FetchState is what is known about the URL of a feed. The zero FetchState means that the
// feed has no URL or was never fetched.
type FetchState struct {
	Source string // a fingerprint of the request; a new source starts with an empty state
	// Version is the object in which the list was stored. ETag and LastModified are headers
	// of the response. They are useful only while that object exists.
	Version            string
	ETag, LastModified string

	Outcome  fetch.Outcome // of the last fetch
	Reason   string
	At       time.Time
	RetryAt  time.Time // the server must not be asked before
	Failures int       // failed fetches since the last successful one
}

// DescribeTable describes how far the rows of entries have followed the accepted list.
func (r *FeedRow) DescribeTable() string {
	switch {
	case r.InSync():
		return "in order"
	case r.Table.Cursor != "":
		value, _, _ := strings.Cut(r.Table.Cursor, "\t")
		return "behind: changes are made up to " + value
	default:
		return "behind"
	}
}

// noSnapshot is the [SyncState] target of a feed that was removed.
const noSnapshot = "none"

// target returns what the rows of entries must be updated to.
func (r *FeedRow) target() string {
	if r.Accepted.Snapshot == "" {
		return noSnapshot
	}
	return r.Accepted.Snapshot
}

// InSync reports whether the rows of entries are those of the accepted list.
func (r *FeedRow) InSync() bool {
	return r.Table.Target == "" && r.Table.Snapshot == r.Accepted.Snapshot
}

// FeedRows stores feed rows. A read sees every earlier write.
type FeedRows interface {
	// Rows returns the rows of all feeds.
	Rows(ctx context.Context) ([]FeedRow, error)
	// Row returns the row of a feed. If there is none, its revision is 0.
	Row(ctx context.Context, id indicator.FeedID) (FeedRow, error)
	// PutRow stores row with the next revision. If the stored revision is not row.Revision,
	// it returns [storage.ErrConflict]. Revision 0 means that no row may be stored.
	PutRow(ctx context.Context, row FeedRow) error
	// DeleteRow deletes row. If the stored revision is not row.Revision, it returns
	// [storage.ErrConflict].
	DeleteRow(ctx context.Context, row FeedRow) error
}

// ChangeRow changes the row of a feed by compare-and-swap and returns it as it is stored. It
// calls change again with the new row if another writer was faster. An error of change ends
// ChangeRow, and nothing is stored.
func ChangeRow(ctx context.Context, rows FeedRows, id indicator.FeedID, change func(*FeedRow) error) (FeedRow, error) {
	var next FeedRow
	err := storage.Retry(fmt.Sprintf("changing the row of feed %q", id), func() error {
		row, err := rows.Row(ctx, id)
		if err != nil {
			return fmt.Errorf("reading the row of feed %q: %w", id, err)
		}
		row.ID = id
		if err := change(&row); err != nil {
			return err
		}

		next = row
		next.Revision++
		return storage.Swap(
			func() error { return rows.PutRow(ctx, row) },
			func() (FeedRow, error) { return rows.Row(ctx, id) },
			func(stored FeedRow) bool { return stored == next },
		)
	})
	return next, err
}
