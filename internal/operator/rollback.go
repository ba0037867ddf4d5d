package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// Rollback is a change of the generation that serves, verified and ready.
type RollbackPlan struct {
	From   index.Current // that serves
	To     index.Current // the manifest of the one that is to serve
	Effect Effect
}

// Effect is what changes for readers of the index, in entries.
type Effect struct {
	Added   int `json:"gained"` // only the new one has them
	Removed int `json:"lost"`   // only the old one
	Changed int `json:"rated"`  // both, with another category, severity or confidence
	// Samples are the first of each.
	SampleAdded   []string `json:"sample_gained,omitempty"`
	SampleRemoved []string `json:"sample_lost,omitempty"`
	// Unknown is why the two cannot be compared: the one that serves is gone or damaged.
	Unknown error `json:"-"`
}

// maxSamples bounds each kind of samples of an [Effect].
const maxSamples = 10

// PlanRollback looks for a generation that can serve in place of the current one: the
// newest that is older, or the one of a number, which may be newer if an earlier
// rollback went too far. Its index is fetched and verified whole.
func (o *Operator) PlanRollback(ctx context.Context, to uint64) (*RollbackPlan, error) {
	current, _, err := o.current(ctx)
	if err != nil {
		return nil, err
	}
	if to == current.Generation {
		return nil, fmt.Errorf("generation %d serves already", to)
	}
	if to == 0 {
		if to, err = o.before(ctx, &current); err != nil {
			return nil, err
		}
	}
	manifest, err := o.manifest(ctx, to, &current)
	if err != nil {
		return nil, o.explainMissing(ctx, to, err)
	}
	target, err := o.openVerified(ctx, &manifest)
	if err != nil {
		return nil, o.explainMissing(ctx, to, err)
	}
	plan := &RollbackPlan{From: current, To: manifest}
	served, err := o.openVerified(ctx, &current)
	if err != nil {
		plan.Effect.Unknown = err
		return plan, nil //nolint:nilerr // that the one that serves is broken is all the more reason to go back
	}
	plan.Effect, err = effectOf(served, target)
	return plan, err
}

// before returns the newest kept generation that is older than the current one.
func (o *Operator) before(ctx context.Context, current *index.Current) (uint64, error) {
	kept, err := o.Generations(ctx)
	if err != nil {
		return 0, err
	}
	for _, g := range kept {
		if g.Generation < current.Generation {
			return g.Generation, nil
		}
	}
	return 0, fmt.Errorf("no generation before %d is kept", current.Generation)
}

func effectOf(before, after *index.Index) (e Effect, err error) {
	err = index.Diff(before, after, func(kind index.ChangeKind, s *index.Stored) error {
		switch kind {
		case index.Added:
			e.Added++
			e.SampleAdded = sample(e.SampleAdded, s)
		case index.Removed:
			e.Removed++
			e.SampleRemoved = sample(e.SampleRemoved, s)
		default:
			e.Changed++
		}
		return nil
	})
	return e, err
}

func sample(samples []string, s *index.Stored) []string {
	if len(samples) == maxSamples {
		return samples
	}
	return append(samples, fmt.Sprintf("%s (%s, %s, %s)", s.Value(), s.Feed, s.Action, s.Scope))
}

// errOvertaken means that another generation was published since a plan was made.
var errOvertaken = errors.New("another generation was published meanwhile: look again")

// Rollback moves the pointer as planned and pins it, so that publishes only renew it.
func (o *Operator) Rollback(ctx context.Context, plan *RollbackPlan, reason string) (index.Current, error) {
	return o.updateCurrent(ctx, func(current *index.Current) error {
		if current.Object != plan.From.Object {
			return errOvertaken
		}
		current.Generation, current.Object = plan.To.Generation, plan.To.Object
		current.Hash, current.ContentHash = plan.To.Hash, plan.To.ContentHash
		current.Feeds, current.RenewedAt = plan.To.Feeds, o.now()
		current.Pinned, current.Pin = true, &index.Pin{By: o.By, At: o.now(), Reason: reason}
		return nil
	})
}

// Unpin lets publishes move the pointer again, and returns who had pinned it; nil if
// nobody had.
func (o *Operator) Unpin(ctx context.Context) (*index.Pin, error) {
	current, _, err := o.current(ctx)
	if err != nil || !current.Pinned {
		return nil, err
	}
	pin := current.Pin
	if pin == nil {
		pin = &index.Pin{}
	}
	_, err = o.updateCurrent(ctx, func(current *index.Current) error {
		current.Pinned, current.Pin = false, nil
		return nil
	})
	return pin, err
}
