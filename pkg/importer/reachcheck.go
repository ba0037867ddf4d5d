package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// reachCheck refuses lists with which the blocks of all feeds cover too much of the public
// address space.
type reachCheck struct {
	rows      table.FeedRows
	assembler *assembler
	guards    *list.Guards
}

// check refuses a list if, with it, all feeds together reach too far. It reads the accepted
// lists only if the sum of their reaches is not enough to decide.
func (r *reachCheck) check(ctx context.Context, c *candidate) error {
	own := c.report.Reach
	if own == (reach.Reach{}) {
		return nil
	}
	rows, err := r.rows.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feed rows: %w", err)
	}

	sum := own
	var others []table.FeedRow
	for _, row := range rows {
		if row.ID != c.report.Feed {
			others = append(others, row)
			sum = sum.Plus(row.Accepted.Reach)
		}
	}
	if !sum.Exceeds(r.assembler.bounds.Total) {
		return nil
	}

	all, err := r.measure(ctx, append(r.assembler.sources(others), candidateSource(c)))
	if err != nil {
		return err
	}
	c.report.Refusals = append(c.report.Refusals, r.guards.RefuseTotalReach(c.report.Feed, own, all)...)
	return nil
}

// measure returns the reach of some feeds and of the manual entries.
func (r *reachCheck) measure(ctx context.Context, sources []source) (reach.Reach, error) {
	manual, err := r.assembler.manualSource(ctx)
	if err != nil {
		return reach.Reach{}, err
	}
	if manual != nil {
		sources = append(sources, *manual)
	}

	var all reach.Set
	for _, s := range sources {
		err := s.each(ctx, func(entry *snapshot.Entry) error {
			if blocksAddresses(&entry.Indicator) {
				all.Add(entry.Block)
			}
			return nil
		})
		var lost *lostError
		if errors.As(err, &lost) {
			continue // the publish decides what to do about that feed
		}
		if err != nil {
			return reach.Reach{}, fmt.Errorf("measuring the blocks of all feeds: %w", err)
		}
	}
	return all.Reach(), nil
}

func blocksAddresses(entry *indicator.Indicator) bool {
	return entry.Scope == indicator.ScopeCIDR && entry.Action == indicator.ActionBlock
}

// dropOverreach leaves the address blocks of feeds that reach too far out of an index, out of its
// counts and out of their sources. A list that reaches too far is refused, so this happens only to
// lists that an earlier release accepted, to manual entries, and if several feeds grow at once.
// Without it no reader would load the index, and no feed would be published.
func (a *assembler) dropOverreach(
	ctx context.Context, builder *index.Builder, sources []source, check *selfCheck, built *builtIndex,
) {
	for _, over := range builder.DropOverreach(a.bounds) {
		a.metrics.Put(metric.Count(metric.BlocksLeftOut, over.Entries))
		a.log.ErrorContext(ctx, "address blocks of feed are left out", "feed", over.Feed, "entries", over.Entries,
			"reach", over.Reach.String(), "bound", over.Bound.String())
		check.forgetBlocks()
		built.blocks -= over.Entries
		for i := range sources { // built.feeds has the same order
			if sources[i].ID == over.Feed {
				sources[i] = sources[i].withoutBlocks()
				built.feeds[i].Count -= over.Entries
			}
		}
	}
}

// withoutBlocks returns the source without its block entries on addresses.
func (s source) withoutBlocks() source {
	each := s.each
	s.each = func(ctx context.Context, add func(*snapshot.Entry) error) error {
		return each(ctx, func(entry *snapshot.Entry) error {
			if blocksAddresses(&entry.Indicator) {
				return nil
			}
			return add(entry)
		})
	}
	return s
}
