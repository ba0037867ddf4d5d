package table

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// FeedRow is the state of a feed. Whoever changes it names the revision that was
// read, so that of two importers one decides again.
type FeedRow struct {
	ID       indicator.FeedID
	Revision int64 // counts changes; 0 = not stored

	Accepted Acceptance
	Last     Decision
	Table    SyncState
	Fetch    FetchState
	// Missing is since when no list of the feed is left; zero while there is one. The
	// feed counts on for a grace, because deleting is how uploads go wrong.
	Missing time.Time
}

// Acceptance is the list that a feed stands for. The zero Acceptance is a feed
// without one: none was accepted yet, or it was taken away.
type Acceptance struct {
	Action   indicator.Action
	Key      string // of the object
	Version  string
	Settings string // fingerprint of the settings that it was read with
	Snapshot string // key of the accepted snapshot
	Entries  int
	Bytes    int64 // of all values together
	At       time.Time
	// Confirmed is when the server of the list last said that it still is the one; zero
	// if it never did.
	Confirmed time.Time
	MaxAge    time.Duration // the feed leaves the index so long after that; 0 = never
}

// Current returns when the list was last known to be the one of its feed.
func (a *Acceptance) Current() time.Time {
	if a.Confirmed.After(a.At) {
		return a.Confirmed
	}
	return a.At
}

// Expired reports whether the feed has had no list for longer than it counts.
func (a *Acceptance) Expired(now time.Time) bool {
	return a.MaxAge > 0 && now.Sub(a.Current()) > a.MaxAge
}

// Decision is how the last list was judged, for whoever asks for the status.
type Decision struct {
	Version string
	Outcome list.Outcome
	Reason  string // the codes of the refusals, or why a feed was taken away at once
	At      time.Time
	// Settings is the fingerprint of what a refusal rests on: while it and the list
	// stay the same, judging again would refuse again.
	Settings string
}

// SyncState is how far the table has followed the accepted lists. While work is
// under way or cut off, the table lies between Snapshot and Target, and it must reach
// Target before it can follow a newer list: a difference is only known from a place
// that is known.
type SyncState struct {
	Snapshot string // what the table held when it was last in order; "" = nothing
	Target   string // what it is being brought to; "" = nothing under way
	Cursor   string // all changes up to this entry are made

	// Owner has the table of the feed to itself until then. Batch writes take no
	// condition, so a slow writer could otherwise undo a newer one.
	Owner string
	Until time.Time
}

// DescribeTable says in words how far the table of a feed is.
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

// noSnapshot is the [SyncState] target of a feed that was taken away.
const noSnapshot = "none"

// target returns what the table must be brought to.
func (r *FeedRow) target() string {
	if r.Accepted.Snapshot == "" {
		return noSnapshot
	}
	return r.Accepted.Snapshot
}

// InSync reports whether the table holds the accepted list, whole.
func (r *FeedRow) InSync() bool {
	return r.Table.Target == "" && r.Table.Snapshot == r.Accepted.Snapshot
}

// FetchState is what is known of the URL of a feed. The zero FetchState is of a feed that
// has none, or was never fetched.
type FetchState struct {
	Source string // fingerprint of what is asked for; another source begins anew
	// Version is the object that the list was stored as, and ETag and LastModified are
	// the server's marks of it. They are of use while that object is still there.
	Version            string
	ETag, LastModified string

	Outcome  fetch.Outcome // of the last fetch
	Reason   string
	At       time.Time
	RetryAt  time.Time // not to be asked before
	Failures int       // fetches since the last one that went well
}

// FeedRows holds the state of feeds. Reads see every earlier write.
type FeedRows interface {
	// Rows returns the rows of all feeds.
	Rows(ctx context.Context) ([]FeedRow, error)
	// Row returns the row of a feed, of revision 0 if there is none.
	Row(ctx context.Context, id indicator.FeedID) (FeedRow, error)
	// PutRow stores row as the revision after row.Revision, which must be the stored
	// one (0: none is stored); [storage.ErrConflict].
	PutRow(ctx context.Context, row FeedRow) error
	// DeleteRow removes the row, whose revision must be the stored one; [storage.ErrConflict].
	DeleteRow(ctx context.Context, row FeedRow) error
}

// ChangeRow reads the row of a feed, changes it and stores it, again from the start
// for as long as another writer is faster. It returns the row as stored.
func ChangeRow(ctx context.Context, rows FeedRows, id indicator.FeedID, change func(*FeedRow) error) (stored FeedRow, err error) {
	err = storage.Retry("changing the row of feed \""+string(id)+"\"", func() error {
		row, err := rows.Row(ctx, id)
		if err != nil {
			return fmt.Errorf("reading the row of feed %q: %w", id, err)
		}
		row.ID = id
		if err := change(&row); err != nil {
			return err
		}
		stored = row
		stored.Revision++
		return storage.Swap(
			func() error { return rows.PutRow(ctx, row) },
			func() (FeedRow, error) { return rows.Row(ctx, id) },
			func(found FeedRow) bool { return found == stored },
		)
	})
	return stored, err
}
