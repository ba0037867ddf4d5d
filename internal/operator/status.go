package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// Status is the state of the index and the feeds at a point in time.
type Status struct {
	At      time.Time     `json:"at"`
	Current *CurrentIndex `json:"current"` // nil if no index was published yet
	// PointerProblem says why the index pointer is not valid. It is empty if it is.
	PointerProblem string       `json:"pointer_problem,omitempty"`
	Generations    []Generation `json:"generations"`
	Feeds          []FeedStatus `json:"feeds"`
	ManualEntries  int          `json:"own_edits"` // entries of the feed manual in the current index
	// IndexError and FeedsError say why the index or the feeds could not be read. Their members
	// are then empty.
	IndexError string `json:"index_error,omitempty"`
	FeedsError string `json:"feeds_error,omitempty"`
}

// CurrentIndex describes the current index.
type CurrentIndex struct {
	Generation uint64     `json:"generation"`
	Highest    uint64     `json:"highest"`
	RenewedAt  time.Time  `json:"renewed_at"`
	Pinned     bool       `json:"pinned"`
	Pin        *index.Pin `json:"pin,omitempty"`
	Object     string     `json:"object"`
	Entries    int        `json:"entries"`
	// Gone means that the index object was deleted, so that no transformer can load it.
	Gone bool `json:"gone,omitempty"`
}

// FeedStatus is the state of one feed. Entries to MaxAge describe its accepted list.
type FeedStatus struct {
	ID         indicator.FeedID `json:"id"`
	Action     string           `json:"action,omitempty"` // block or allow; empty without an accepted list
	Entries    int              `json:"entries"`
	Key        string           `json:"key,omitempty"` // in the list bucket
	Version    string           `json:"version,omitempty"`
	AcceptedAt *time.Time       `json:"accepted_at,omitempty"`
	MaxAge     string           `json:"max_age,omitempty"`
	Expired    bool             `json:"expired"`                 // older than its maxAge, so left out of the index
	Missing    *time.Time       `json:"missing_since,omitempty"` // when its last list was deleted
	Served     *int             `json:"served_entries"`          // in the current index; null if the feed is not in it
	Current    bool             `json:"served_is_accepted"`      // the current index has the accepted list
	// LeftOut is the key of the report why the accepted list is not in the index although it
	// was published since; it is in the list bucket.
	LeftOut string   `json:"left_out_report,omitempty"`
	Last    LastList `json:"last"`
	// EndedRuns is how many runs ended while they read the newest list.
	EndedRuns int        `json:"ended_runs,omitempty"`
	Fetch     *LastFetch `json:"fetch,omitempty"` // only for feeds with a URL
	Table     string     `json:"table"`           // "in order", or the change that is in progress
}

// LastList is the outcome of importing the newest list.
type LastList struct {
	Outcome list.Outcome `json:"outcome,omitempty"`
	Reason  string       `json:"reason,omitempty"`
	Version string       `json:"version,omitempty"`
	At      *time.Time   `json:"at,omitempty"`
	Report  string       `json:"report,omitempty"` // key in the list bucket
}

// LastFetch is the outcome of fetching the feed's URL.
type LastFetch struct {
	Outcome  string    `json:"outcome"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
	Failures int       `json:"failures"` // since the last successful fetch
}

// Status reads the pointer, the kept generations and the feeds. It returns what it could read,
// with an error about the rest.
func (o *Operator) Status(ctx context.Context) (*Status, error) {
	s := &Status{At: o.now(), Generations: []Generation{}, Feeds: []FeedStatus{}}
	current, indexErr := o.indexStatus(ctx, s)
	feedsErr := o.feedsStatus(ctx, s, &current)
	s.IndexError, s.FeedsError = o.words(indexErr), o.words(feedsErr)
	return s, errors.Join(indexErr, feedsErr)
}

// indexStatus reads the pointer and the kept generations.
func (o *Operator) indexStatus(ctx context.Context, s *Status) (index.Current, error) {
	current, _, err := o.current(ctx)
	if err == nil {
		err = current.Check(s.At)
	}
	if errors.Is(err, index.ErrCurrent) {
		s.PointerProblem = err.Error()
	} else if err != nil && !errors.Is(err, errNothingPublished) {
		return index.Current{}, err
	}
	if current.Object != "" {
		s.Current = &CurrentIndex{
			Generation: current.Generation,
			Highest:    current.Highest,
			RenewedAt:  current.RenewedAt,
			Pinned:     current.Pinned,
			Pin:        current.Pin,
			Object:     current.Object,
		}
		for _, feed := range current.Feeds {
			s.Current.Entries += feed.Count
			if feed.ID == indicator.ManualFeed {
				s.ManualEntries = feed.Count
			}
		}
		generations, err := o.listKeptBefore(ctx, current)
		if err != nil {
			return current, err
		}
		s.Generations = generations
		s.Current.Gone = !slices.ContainsFunc(s.Generations, func(g Generation) bool { return g.IsCurrent })
	}
	return current, nil
}

// feedsStatus reads the feeds.
func (o *Operator) feedsStatus(ctx context.Context, s *Status, current *index.Current) error {
	rows, err := o.Feeds.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feeds: %w", err)
	}
	slices.SortFunc(rows, func(a, b table.FeedRow) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for i := range rows {
		s.Feeds = append(s.Feeds, newFeedStatus(&rows[i], current, s.At))
	}
	return nil
}

// staleAfter is the time without a publish after which the importer is in trouble: it publishes
// every hour, and queries are marked unknown (stale_index) in the end.
const staleAfter = 6 * time.Hour

// Problems returns what is wrong with the index and the feeds.
func (s *Status) Problems() []string {
	var all []string
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}

	add(s.IndexError != "", "the index could not be read")
	add(s.FeedsError != "", "the feeds could not be read")
	add(s.PointerProblem != "", "the index pointer is not valid")
	add(s.Current == nil && s.PointerProblem == "" && s.IndexError == "", "no index was published yet")
	if c := s.Current; c != nil {
		add(c.Gone, "the index object of generation %d is gone", c.Generation)
		add(s.At.Sub(c.RenewedAt) > staleAfter, "the index was not renewed for %d h", int(s.At.Sub(c.RenewedAt).Hours()))
	}
	for i := range s.Feeds {
		f := &s.Feeds[i]
		add(f.Last.Outcome == list.OutcomeRefused, "feed %s: its newest list was refused", f.ID)
		add(f.Fetch != nil && f.Fetch.Failures > 0, "feed %s: fetches fail", f.ID)
		add(f.Missing != nil, "feed %s: its list was deleted", f.ID)
		add(f.Expired, "feed %s: its list is older than its maxAge", f.ID)
		add(f.LeftOut != "", "feed %s: its accepted list is left out of the index", f.ID)
	}
	return all
}

func newFeedStatus(row *table.FeedRow, current *index.Current, now time.Time) FeedStatus {
	f := FeedStatus{
		ID:         row.ID,
		Entries:    row.Accepted.Entries,
		Key:        row.Accepted.Key,
		Version:    row.Accepted.Version,
		AcceptedAt: orNil(row.Accepted.At),
		Missing:    orNil(row.Missing),
		Last: LastList{
			Outcome: row.Last.Outcome,
			Reason:  row.Last.Reason,
			Version: row.Last.Version,
			At:      orNil(row.Last.At),
		},
		EndedRuns: row.Attempt.EndedRuns(now),
		Table:     row.DescribeTable(),
	}

	if row.Last.Version != "" {
		f.Last.Report = list.ReportKey(row.ID, row.Last.Version) + ".txt"
	}
	if !row.Fetch.At.IsZero() {
		f.Fetch = &LastFetch{string(row.Fetch.Outcome), row.Fetch.Reason, row.Fetch.At, row.Fetch.Failures}
	}
	if row.Accepted.Snapshot != "" {
		f.Action = row.Accepted.Action.String()
	}
	if row.Accepted.MaxAge > 0 {
		f.MaxAge, f.Expired = row.Accepted.MaxAge.String(), row.Accepted.Expired(now)
	}
	for _, served := range current.Feeds {
		if served.ID == row.ID {
			f.Served, f.Current = &served.Count, served.VersionID == row.Accepted.Version
		}
	}
	wasPublished := f.AcceptedAt != nil && current.RenewedAt.After(row.Accepted.At) && !current.Pinned
	if wasPublished && !f.Current && !f.Expired {
		f.LeftOut = list.LeftOutKey(row.ID, row.Accepted.Version) + ".txt"
	}
	return f
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
