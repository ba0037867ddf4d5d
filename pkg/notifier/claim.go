package notifier

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// claim is a match whose row this notifier owns, so that it has to send the alert.
type claim struct {
	*match
	sent   Sent   // as the claim stored it
	id     string // of the alert
	failed bool   // a target does not have the alert
}

// hasAlert reports whether a target has the alert.
func (c *claim) hasAlert(target string) bool { return slices.Contains(c.sent.Delivered, target) }

func (c *claim) deliver(target string) { c.sent.Delivered = append(c.sent.Delivered, target) }

// ledger claims and marks the rows of the table.
type ledger struct {
	table    Table
	alerting settings.Alerting
	log      *slog.Logger
	now      func() time.Time
	workers  int
}

// decision is what a notifier does with a match.
type decision int

const (
	decisionSend  decision = iota // a new window begins
	decisionAgain                 // the alert of the window was not sent by its owner
	decisionCount                 // the alert of the window was sent
	decisionWait                  // another notifier is sending it
)

// decide compares times only. A row that DynamoDB should have deleted has a window that is
// over, so it decides the same as a row that is gone.
func decide(row Sent, found bool, now time.Time, window time.Duration) decision {
	isOwned := found && !row.LeaseUntil.Before(now)
	isOver := !found || !row.WindowFrom.Add(window).After(now)
	switch {
	case isOver && !isOwned:
		return decisionSend
	case !isOver && !row.SentAt.IsZero():
		return decisionCount
	case isOwned:
		return decisionWait
	default:
		return decisionAgain
	}
}

// claimed is the result of claiming matches.
type claimed struct {
	mu     sync.Mutex
	own    []*claim // to be sent
	repeat []*match // to be counted
	busy   []*match // owned by another notifier
	failed int      // that the table did not take, or that there was no time for
}

// claimAll decides about matches and claims those that must be reported. The messages of matches
// that the table did not take, or that there was no time for, are marked as failed.
func (l *ledger) claimAll(ctx context.Context, b *batch, matches []*match, until time.Time) *claimed {
	out := &claimed{}
	for chunk := range slices.Chunk(matches, readSize) {
		if l.now().After(until) {
			l.log.ErrorContext(ctx, "no time left", "matches", len(chunk))
			out.fail(b, chunk...)
			continue
		}
		rows, err := l.table.Sent(ctx, keysOf(chunk))
		if err != nil {
			l.log.ErrorContext(ctx, "reading the table failed", "why", err)
			out.fail(b, chunk...)
			continue
		}

		group := errgroup.Group{}
		group.SetLimit(l.workers)
		for _, m := range chunk {
			row, found := rows[m.key]
			group.Go(func() error {
				l.claimOne(ctx, out, b, m, row, found)
				return nil
			})
		}
		_ = group.Wait()
	}
	slices.SortFunc(out.own, func(a, b *claim) int { return compareMatches(a.match, b.match) })
	slices.SortFunc(out.repeat, compareMatches)
	return out
}

// readSize is the number of rows that are read at once, which is the limit of DynamoDB.
const readSize = 100

func keysOf(matches []*match) []string {
	keys := make([]string, len(matches))
	for i, m := range matches {
		keys[i] = m.key
	}
	return keys
}

func (b *batch) failMatches(matches []*match) {
	for _, m := range matches {
		b.fail(m)
	}
}

// fail counts matches that nobody is reported about now.
func (c *claimed) fail(b *batch, matches ...*match) {
	b.failMatches(matches)
	c.failed += len(matches)
}

func (l *ledger) claimOne(ctx context.Context, out *claimed, b *batch, m *match, row Sent, found bool) {
	now := l.now()
	choice := decide(row, found, now, window(&l.alerting, m))
	var taken *claim
	var err error
	if choice == decisionSend || choice == decisionAgain {
		taken, err = l.take(ctx, m, row, choice, now)
	}

	out.mu.Lock()
	defer out.mu.Unlock()
	switch {
	case errors.Is(err, storage.ErrConflict): // another notifier was faster
		out.busy = append(out.busy, m)
	case err != nil:
		l.log.ErrorContext(ctx, "claiming an alert failed", "key", m.key, "why", err)
		out.fail(b, m)
	case taken != nil:
		out.own = append(out.own, taken)
	case choice == decisionCount:
		out.repeat = append(out.repeat, m)
	default:
		out.busy = append(out.busy, m)
	}
}

// take claims a row. A row can only be claimed when the lease of the last claim is over. So the
// time of a claim is later than all claims before it, and Security Hub accepts it as the time of an
// update.
func (l *ledger) take(ctx context.Context, m *match, row Sent, choice decision, now time.Time) (*claim, error) {
	if row.CreatedAt.IsZero() {
		row.CreatedAt, row.FirstSeen = now, m.row.FirstSeen
	}
	if choice == decisionSend {
		if !row.SentAt.IsZero() {
			row.SentBefore = row.SentAt
		}
		row.WindowFrom, row.SentAt, row.Delivered = now, time.Time{}, nil
	}
	row.LeaseUntil = now.Add(lease)
	l.see(&row, m, now)
	if err := l.table.PutSent(ctx, m.key, row); err != nil {
		return nil, err
	}
	row.Revision++
	row.Delivered = slices.Clone(row.Delivered)
	return &claim{match: m, sent: row, id: alertID(m.key, row.WindowFrom)}, nil
}

// see moves the times of a row to those of a match.
func (l *ledger) see(row *Sent, m *match, now time.Time) {
	if m.row.LastSeen.After(row.LastSeen) {
		row.LastSeen = m.row.LastSeen
	}
	row.ExpiresAt = now.Add(max(keptFor, 2*window(&l.alerting, m)))
}

// markAll stores which targets have the alerts. If it fails, the messages are delivered again
// and the alerts are sent again, with the same ids.
func (l *ledger) markAll(ctx context.Context, b *batch, claims []*claim) {
	var mu sync.Mutex
	group := errgroup.Group{}
	group.SetLimit(l.workers)
	for _, c := range claims {
		group.Go(func() error {
			err := l.mark(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				l.log.ErrorContext(ctx, "marking an alert as sent failed", "key", c.key, "why", err)
			}
			if err != nil || c.failed {
				b.fail(c.match)
			}
			return nil
		})
	}
	_ = group.Wait()
}

// mark stores what happened to a claim. If a target does not have the alert, the lease ends now,
// so that the next delivery can claim the row.
func (l *ledger) mark(ctx context.Context, c *claim) error {
	row, reported := c.sent, c.sent.Suppressed
	return storage.Retry("marking "+c.key, func() error {
		row.Delivered, row.LeaseUntil = c.sent.Delivered, l.now()
		if !c.failed {
			row.SentAt = row.LeaseUntil
			row.Records += c.row.Records
			row.Suppressed = max(row.Suppressed-reported, 0)
		}
		err := l.table.PutSent(ctx, c.key, row)
		if !errors.Is(err, storage.ErrConflict) {
			return err
		}

		rows, readErr := l.table.Sent(ctx, []string{c.key})
		stored, found := rows[c.key]
		switch {
		case readErr != nil:
			return readErr
		case !found || !stored.WindowFrom.Equal(c.sent.WindowFrom):
			return nil // the row expired, or its next window has begun
		case stored.Revision == row.Revision+1 && stored.LeaseUntil.Equal(row.LeaseUntil):
			return nil // only the reply of the write was lost
		}
		row = stored
		return err
	})
}

// countAll adds repeats to their rows. It comes last, for messages that are done, so that a
// message that is delivered again is not counted twice.
func (l *ledger) countAll(ctx context.Context, b *batch, repeats []*match) (counted int) {
	var mu sync.Mutex
	group := errgroup.Group{}
	group.SetLimit(l.workers)
	records := make([]int, len(repeats))
	for i, m := range repeats {
		records[i] = b.done(m)
	}
	for i, m := range repeats {
		if records[i] == 0 {
			continue
		}
		group.Go(func() error {
			err := l.count(ctx, m, records[i])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				l.log.ErrorContext(ctx, "counting a repeat failed", "key", m.key, "why", err)
				b.fail(m)
				return nil
			}
			counted++
			return nil
		})
	}
	_ = group.Wait()
	return counted
}

func (l *ledger) count(ctx context.Context, m *match, records int) error {
	return storage.Retry("counting a repeat of "+m.key, func() error {
		rows, err := l.table.Sent(ctx, []string{m.key})
		row, found := rows[m.key]
		if err != nil || !found { // without a row the next match is reported
			return err
		}
		row.Records += records
		row.Suppressed += records
		l.see(&row, m, l.now())
		return l.table.PutSent(ctx, m.key, row)
	})
}
