package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// maxEndedRuns is how many runs a version of a list may end. One may have ended for another
// reason. After two the version is set aside.
const maxEndedRuns = 2

// attempts notes in the row of a feed that its list is about to be read. A run that is killed
// by the list, because it takes too much memory or time, cannot report anything; the note is
// what the next run finds.
type attempts struct {
	rows table.FeedRows
	log  *slog.Logger
	now  func() time.Time
}

// errSetAside means that a list ended too many runs.
var errSetAside = errors.New("the list ended too many runs")

// begin notes an attempt. If the list must not be read again, and nobody asked for it, begin
// reports that it is set aside, and the refusal is in the report.
func (a *attempts) begin(ctx context.Context, c *candidate) (setAside bool, err error) {
	now := a.now()
	until := time.Time{}
	if deadline, limited := ctx.Deadline(); limited {
		until = now.Add(time.Until(deadline)).Truncate(time.Second)
	}

	_, err = table.ChangeRow(ctx, a.rows, c.report.Feed, func(row *table.FeedRow) error {
		attempt := &row.Attempt
		switch {
		case !c.isAttempt(attempt):
			*attempt = table.Attempt{Version: c.report.Version, Settings: c.refusalFingerprint, Runs: 1, Until: until}
		case attempt.EndedRuns(now) >= maxEndedRuns && !c.requested:
			return errSetAside
		case attempt.Until.After(now): // another run may be reading it
			if until.After(attempt.Until) {
				attempt.Until = until
			}
		default:
			attempt.Runs++
			attempt.Until = until
		}
		attempt.At = now
		return nil
	})
	c.begun = err == nil
	if !errors.Is(err, errSetAside) {
		return false, err
	}
	c.report.Refusals = list.Refusals{{
		Code: list.RefusedSetAside,
		What: fmt.Sprintf("%d runs of the importer ended while they read this version", maxEndedRuns),
		Todo: "split the list into several feeds, or give the importer more memory or time; " +
			"to have this version read once more, run " + list.PublishCommand(c.report.Feed),
	}}
	return true, nil
}

// cancel removes the note of an attempt that failed for another reason than the list.
func (a *attempts) cancel(ctx context.Context, c *candidate) {
	if !c.begun || ctx.Err() != nil {
		return // nothing was read, or the time of the run ended while it was
	}
	_, err := table.ChangeRow(ctx, a.rows, c.report.Feed, func(row *table.FeedRow) error {
		if !c.isAttempt(&row.Attempt) {
			return nil
		}
		if row.Attempt.Runs--; row.Attempt.Runs == 0 {
			row.Attempt = table.Attempt{}
		}
		return nil
	})
	if err != nil {
		a.log.WarnContext(ctx, "note of an import stays", "feed", c.report.Feed, "why", err)
	}
}

// isAttempt reports whether an attempt is about the list as it would be read now.
func (c *candidate) isAttempt(attempt *table.Attempt) bool {
	return attempt.Version == c.report.Version && attempt.Settings == c.refusalFingerprint
}

// end removes the note of an attempt that came to a decision. A version that was set aside
// keeps it.
func (c *candidate) end(row *table.FeedRow) {
	if c.isAttempt(&row.Attempt) && c.report.Refusals.Codes() != string(list.RefusedSetAside) {
		row.Attempt = table.Attempt{}
	}
}
