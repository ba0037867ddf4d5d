package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// RollbackPlan is a change of the current generation that was verified and can be carried out.
type RollbackPlan struct {
	From   index.Current // the current generation
	To     index.Current // the manifest of the generation to roll back to
	Effect Effect
}

// Effect counts the entries that a rollback changes.
type Effect struct {
	Added   int `json:"gained"` // only in the new index
	Removed int `json:"lost"`   // only in the old index
	Changed int `json:"rated"`  // in both, with a different category, severity or confidence
	// The first entries of each kind.
	SampleAdded   []string `json:"sample_gained,omitempty"`
	SampleRemoved []string `json:"sample_lost,omitempty"`
	// Unknown says why the indexes cannot be compared: the current index is gone or damaged.
	Unknown error `json:"-"`
}

// maxSamples limits each kind of samples.
const maxSamples = 10

// PlanRollback plans a rollback to generation to, or to the newest older generation if to is
// 0. A newer generation is possible too, in case an earlier rollback went too far. The index
// is fetched and verified.
func (o *Operator) PlanRollback(ctx context.Context, to uint64) (*RollbackPlan, error) {
	current, _, err := o.current(ctx)
	if err != nil {
		return nil, err
	}
	if to == current.Generation {
		return nil, fmt.Errorf("generation %d is already current", to)
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
		return plan, nil //nolint:nilerr // a broken current index is a good reason to roll back
	}
	plan.Effect, err = effectOf(served, target)
	return plan, err
}

// before returns the newest kept generation that is older than the current one.
func (o *Operator) before(ctx context.Context, current *index.Current) (uint64, error) {
	kept, err := o.listKept(ctx)
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

// errOvertaken means that another generation was published after the rollback was planned.
var errOvertaken = errors.New("another generation was published in the meantime: check the status and try again")

// Rollback replaces the pointer as planned and pins it, so that the importer only renews it.
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

// Unpin lets the importer publish newer generations again. It returns the pin that it removed,
// or nil if the pointer was not pinned.
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
