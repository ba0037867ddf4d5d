package importer

import (
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// FeedRow is the state of a feed. Whoever changes it names the revision that was
// read, so that of two importers one decides again.
type FeedRow struct {
	ID       indicator.FeedID
	Revision int64 // counts changes; 0 = not stored

	Accepted Acceptance
	Last     Judgement
	Table    TableState
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

// current returns when the list was last known to be the one of its feed.
func (a *Acceptance) current() time.Time {
	if a.Confirmed.After(a.At) {
		return a.Confirmed
	}
	return a.At
}

// Expired reports whether the feed has had no list for longer than it counts.
func (a *Acceptance) Expired(now time.Time) bool {
	return a.MaxAge > 0 && now.Sub(a.current()) > a.MaxAge
}

// Outcome is how a list was judged. The words stand in rows, reports and logs.
type Outcome string

// Outcomes of an import.
const (
	OutcomeAccepted Outcome = "accepted"
	OutcomeForced   Outcome = "forced"  // accepted against a guard, for a recorded reason
	OutcomeRefused  Outcome = "refused" // the previous list goes on serving
	OutcomeDeleted  Outcome = "deleted" // no list is left
)

// Judgement is how the last list was judged, for whoever asks for the status.
type Judgement struct {
	Version string
	Outcome Outcome
	Reason  string // the codes of the refusals, or why a feed was taken away at once
	At      time.Time
	// Settings is the fingerprint of what a refusal rests on: while it and the list
	// stay the same, judging again would refuse again.
	Settings string
}

// TableState is how far the table has followed the accepted lists. While work is
// under way or cut off, the table lies between Snapshot and Target, and it must reach
// Target before it can follow a newer list: a difference is only known from a place
// that is known.
type TableState struct {
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
	case r.tableInOrder():
		return "in order"
	case r.Table.Cursor != "":
		value, _, _ := strings.Cut(r.Table.Cursor, "\t")
		return "behind: changes are made up to " + value
	default:
		return "behind"
	}
}

// noSnapshot is the [TableState] target of a feed that was taken away.
const noSnapshot = "none"

// target returns what the table must be brought to.
func (r *FeedRow) target() string {
	if r.Accepted.Snapshot == "" {
		return noSnapshot
	}
	return r.Accepted.Snapshot
}

// tableInOrder reports whether the table holds the accepted list, whole.
func (r *FeedRow) tableInOrder() bool {
	return r.Table.Target == "" && r.Table.Snapshot == r.Accepted.Snapshot
}
