package hunter

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Run is what is known about the runs of a hunt that must not run too often.
type Run struct {
	Revision int64     // the number of changes; 0 means that the row is not stored
	RanAt    time.Time // when the last complete run began
	TriedAt  time.Time // when the last run began
	// WaitingFor is the time of the newest publish that needs a run. It is zero if none does.
	WaitingFor time.Time
	// Owner is the invocation that runs the hunt, until LeaseUntil at most. After a failed run it
	// stays, so that its repeat can continue.
	Owner      string
	LeaseUntil time.Time
}

// isBusy reports whether another invocation runs the hunt. Lambda repeats an event only after the
// attempt before it has ended, so the same invocation can continue at once.
func (r *Run) isBusy(owner string, now time.Time) bool {
	return r.Owner != owner && now.Before(r.LeaseUntil)
}

// isEarly reports whether a run began within the last day. One that failed counts too, because it
// may have cost as much; only Lambda's repeats of the same invocation can continue it.
func (r *Run) isEarly(owner string, now time.Time) bool {
	return r.Owner != owner && now.Sub(r.TriedAt) < settings.RetroHuntInterval
}

// Why a retro-hunt is not run.
const (
	skippedBusy  = "another invocation runs it"
	skippedEarly = "it ran within the last day"
	skippedRetry = "it failed within the last day"
	skippedIdle  = "no publish is waiting for it"
)

// retroHunt looks for the newest indicators in older logs, unless that was done within the last
// day. An event that comes too early is kept: the next schedule runs the hunt.
func (h *Hunter) retroHunt(ctx context.Context, asked request) (outcome, error) {
	owner, now := cmp.Or(h.config.RequestID(ctx), rand.Text()), h.config.Now()
	var publishedAt time.Time
	if asked.publish != nil {
		publishedAt = asked.at
	}
	last, skipped, err := h.begin(ctx, owner, now, publishedAt)
	if err != nil {
		return outcome{Query: asked.query}, err
	}
	if skipped != "" {
		return h.skip(ctx, asked, skipped)
	}

	done, err := h.hunt(ctx, asked, newRetroPeriod(asked.at, last.RanAt, &h.config.Settings))
	ranAt := last.TriedAt
	if err != nil {
		ranAt = time.Time{}
	}
	return done, errors.Join(err, h.end(ctx, owner, ranAt))
}

// skip returns the outcome of a run that is not needed. A schedule that finds nothing to do is a
// success: it shows that the hunter works.
func (h *Hunter) skip(ctx context.Context, asked request, why string) (outcome, error) {
	if asked.publish == nil && (why == skippedEarly || why == skippedIdle) {
		h.report(ctx, &outcome{Query: asked.query, known: true}, nil)
	}
	return outcome{Skipped: why}, nil
}

// begin claims a run of the retro-hunt, or says why there is none. publishedAt is the time of the
// publish that asks for it, or zero for a schedule.
func (h *Hunter) begin(ctx context.Context, owner string, now, publishedAt time.Time) (claimed Run, skipped string, err error) {
	err = storage.Retry("claiming a run of the retro-hunt", func() error {
		run, err := h.config.Runs.Run(ctx, settings.QueryRetroHunt)
		if err != nil {
			return fmt.Errorf("reading when the retro-hunt ran: %w", err)
		}

		before := run
		run.wait(publishedAt)
		switch skipped = ""; {
		case run.isBusy(owner, now):
			skipped = skippedBusy
		case run.isEarly(owner, now) && run.RanAt.Equal(run.TriedAt):
			skipped = skippedEarly
		case run.isEarly(owner, now):
			skipped = skippedRetry
		case run.WaitingFor.IsZero():
			skipped = skippedIdle
		default:
			run.Owner, run.LeaseUntil, run.TriedAt = owner, now.Add(settings.HunterTimeout), now
		}
		claimed = run
		if run == before {
			return nil
		}
		return h.putRun(ctx, run)
	})
	return claimed, skipped, err
}

// wait notes that a publish needs a run, unless the last run began after it. That one may be under
// way, or have failed; then it is waited for already.
func (r *Run) wait(publishedAt time.Time) {
	if publishedAt.After(r.TriedAt) && publishedAt.After(r.WaitingFor) {
		r.WaitingFor = publishedAt
	}
}

// endTime is how long it may take to give up a claim. The time of the invocation may be over.
const endTime = 5 * time.Second

// end gives up a claim. ranAt is when a complete run began, or zero after a failed one.
func (h *Hunter) end(ctx context.Context, owner string, ranAt time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	return storage.Retry("ending a run of the retro-hunt", func() error {
		run, err := h.config.Runs.Run(ctx, settings.QueryRetroHunt)
		if err != nil {
			return fmt.Errorf("reading when the retro-hunt ran: %w", err)
		}
		if run.Owner != owner || run.LeaseUntil.IsZero() {
			return nil // the claim ended, or this is a repeat of a write whose reply was lost
		}
		run.LeaseUntil = time.Time{}
		if !ranAt.IsZero() {
			run.RanAt, run.Owner = ranAt, ""
			if !run.WaitingFor.After(ranAt) {
				run.WaitingFor = time.Time{}
			}
		}
		return h.putRun(ctx, run)
	})
}

func (h *Hunter) putRun(ctx context.Context, run Run) error {
	if err := h.config.Runs.PutRun(ctx, settings.QueryRetroHunt, run); err != nil {
		return fmt.Errorf("storing when the retro-hunt ran: %w", err)
	}
	return nil
}
