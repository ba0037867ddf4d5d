package compactor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

const (
	// checkedDays is how many days a check looks at: the newest ones, and as many older ones, which
	// take turns.
	checkedDays = 35
	// copyMargin is how much earlier than its copy the newest log of a day must be. A statement lists
	// the logs when it begins, and writes the copy within a quarter of an hour.
	copyMargin = time.Hour
)

// check looks for days that got logs after they were copied.
func (c *Compactor) check(ctx context.Context, state *State, done *outcome) error {
	var late []time.Time
	for _, day := range state.toCheck() {
		if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < reserve {
			c.config.Log.WarnContext(ctx, "check for late logs was cut short", "at", day.Format(time.DateOnly))
			break
		}
		isLate, err := c.isLate(ctx, day)
		if err != nil {
			return fmt.Errorf("looking for late logs: %w", err)
		}
		if isLate && !slices.Contains(state.Open, day) {
			late = append(late, day)
		}
	}
	state.CheckedAt = c.config.now()
	state.reopen(late)
	done.Late = len(late)
	return c.put(ctx, state)
}

// toCheck returns the days of a check, the newest first, and moves the cursor.
func (s *State) toCheck() []time.Time {
	var days []time.Time
	add := func(from time.Time) time.Time {
		for at := from; len(days)%checkedDays < checkedDays; at = at.Add(-day) {
			if at.Before(s.From) {
				return time.Time{}
			}
			if days = append(days, at); len(days)%checkedDays == 0 {
				return at.Add(-day)
			}
		}
		return time.Time{}
	}
	if s.From.IsZero() {
		return nil
	}
	older := add(s.Until.Add(-day))
	if older.IsZero() {
		s.Cursor = older
		return days
	}
	if s.Cursor.IsZero() || s.Cursor.After(older) {
		s.Cursor = older
	}
	s.Cursor = add(s.Cursor)
	return days
}

// isLate reports whether a day has logs that may not be in its copy. A day without a copy had no
// logs when it was copied.
func (c *Compactor) isLate(ctx context.Context, day time.Time) (bool, error) {
	logs, err := c.times(ctx, c.config.Layout.logs(day))
	if err != nil || logs.newest.IsZero() {
		return false, err
	}
	copies, err := c.times(ctx, c.config.Layout.copies(day))
	switch late := copies.oldest.IsZero() || logs.newest.After(copies.oldest.Add(-copyMargin)); {
	case err != nil || !late:
		return false, err
	case !copies.oldest.IsZero() && logs.oldest.After(closedAt(day)):
		// The logs that were copied are gone. Copying what is left would lose them.
		c.config.Log.WarnContext(ctx, "late logs are left out, because the other logs of the day are gone", "day", day.Format(time.DateOnly))
		return false, nil
	}
	return true, nil
}

// times are when the objects of a folder were written. They are zero if it has none.
type times struct{ oldest, newest time.Time }

func (c *Compactor) times(ctx context.Context, folder string) (found times, err error) {
	err = c.config.Objects.List(ctx, folder, func(o storage.Object) error {
		if o.Size == 0 {
			return nil
		}
		if found.oldest.IsZero() || o.LastModified.Before(found.oldest) {
			found.oldest = o.LastModified
		}
		if o.LastModified.After(found.newest) {
			found.newest = o.LastModified
		}
		return nil
	})
	return found, err
}
