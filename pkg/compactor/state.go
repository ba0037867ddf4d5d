package compactor

import (
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// State is what is known about the copies. All days begin at midnight in UTC.
type State struct {
	Revision int64 `json:"-"` // the number of changes; 0 means that nothing is stored
	// From and Until bound the days that were copied: From included, Until not.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Open are days between them that got logs after they were copied. The view reads them from the
	// logs.
	Open []time.Time `json:"open,omitempty"`
	// OpenedAt is when the view began to read the open days from the logs. It is zero before.
	OpenedAt time.Time `json:"opened_at,omitzero"`
	// View is the statement that made the view.
	View string `json:"view,omitempty"`
	// NotBefore is when the next day may be copied: a run is under way, or one failed.
	NotBefore time.Time `json:"not_before,omitzero"`
	// CheckedAt is when days were last checked for late logs, and Cursor is the day up to which
	// older days were checked.
	CheckedAt time.Time `json:"checked_at,omitzero"`
	Cursor    time.Time `json:"cursor,omitzero"`
}

const (
	day = 24 * time.Hour
	// settle is how long after its end a day is closed. Firehose tries to deliver for 24 hours, and
	// the objects of Resolver come within hours.
	settle = 2 * day
	// maxStatement is longer than a statement can run in Athena: its quota can be raised to four
	// hours. A statement of a run that was killed writes no more after that, and a query that began
	// with an earlier view has ended.
	maxStatement = 5 * time.Hour
	// pause is the time after a failure. A statement that fails may have cost as much as one that
	// succeeds. It is longer than maxStatement, because one that was stopped may write for a while.
	pause = day
)

// due returns the day to copy, if there is one: the next one, or else one that is open.
func (s *State) due(now time.Time) (due time.Time, ok bool) {
	if now.Before(s.NotBefore) {
		return time.Time{}, false
	}
	due = s.Until
	if due.IsZero() {
		due = lastClosed(now) // older days stay as they are
	}
	if !due.After(lastClosed(now)) {
		return due, true
	}
	if len(s.Open) > 0 && !s.OpenedAt.IsZero() && !now.Before(s.OpenedAt.Add(maxStatement)) {
		return s.Open[0], true
	}
	return time.Time{}, false
}

// closedAt returns when a day is closed.
func closedAt(begin time.Time) time.Time { return begin.Add(day + settle) }

// lastClosed returns the newest day that is closed.
func lastClosed(now time.Time) time.Time { return now.Add(-day - settle).Truncate(day) }

// behind returns how many closed days are not copied.
func (s *State) behind(now time.Time) int {
	if s.Until.IsZero() {
		return len(s.Open)
	}
	return max(0, int(lastClosed(now).Add(day).Sub(s.Until)/day)) + len(s.Open)
}

// copied notes that a day was copied.
func (s *State) copied(copied time.Time) {
	s.NotBefore = time.Time{}
	if at := slices.Index(s.Open, copied); at >= 0 {
		s.Open = slices.Delete(slices.Clone(s.Open), at, at+1)
		return
	}
	if s.From.IsZero() {
		s.From = copied
	}
	s.Until = copied.Add(day)
}

// reopen notes that days got logs after they were copied. The view does not know it yet.
func (s *State) reopen(late []time.Time) {
	if len(late) == 0 {
		return
	}
	s.Open = append(slices.Clone(s.Open), late...)
	slices.SortFunc(s.Open, time.Time.Compare)
	s.Open, s.OpenedAt = slices.Compact(s.Open), time.Time{}
}

// view returns the days that the view reads from the copies.
func (s *State) view(layout *Layout) catalog.Copied {
	if s.From.IsZero() {
		return catalog.Copied{}
	}
	days := catalog.Copied{First: layout.partition(s.From), Last: layout.partition(s.Until.Add(-day))}
	for _, open := range s.Open {
		days.Except = append(days.Except, layout.partition(open))
	}
	return days
}
