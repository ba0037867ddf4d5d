package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// sizeCheck refuses lists with which the index would be too large.
type sizeCheck struct {
	pointer   index.Pointer
	rows      table.FeedRows
	assembler *assembler
	maxBytes  int
}

// check refuses a list if, with it, a publish would need more memory than the importer has
// or the index would be larger than a transformer can load. It builds an index only if an
// estimate of the size is not enough to decide.
func (s *sizeCheck) check(ctx context.Context, c *candidate) error {
	rows, err := s.rows.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feed rows: %w", err)
	}
	feed, cost := c.report.Feed, list.Cost{IndexBytes: list.IndexOverhead}
	var others []table.FeedRow
	for _, row := range rows {
		if row.ID != feed && row.Accepted.Snapshot != "" {
			others = append(others, row)
			cost = cost.Add(costOf(&row.Accepted))
		}
	}

	refusals, leftOut := c.guards.CheckMemory(feed, &c.entries, cost)
	c.report.ReferencesLeftOut += leftOut
	if len(refusals) > 0 {
		c.report.Refusals = append(c.report.Refusals, refusals...)
		return nil
	}
	if cost.Add(c.entries.Cost()).IndexBytes <= int64(s.maxBytes) {
		return nil
	}
	return s.tryBuild(ctx, c, others)
}

// tryBuild refuses a list if it is what a publish would leave out, because the index is too
// large.
func (s *sizeCheck) tryBuild(ctx context.Context, c *candidate, others []table.FeedRow) error {
	current, _, err := s.pointer.Current(ctx)
	if err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, index.ErrCurrent) {
		return fmt.Errorf("reading the index pointer: %w", err)
	}
	manual, err := s.assembler.manualSource(ctx)
	if err != nil {
		return err
	}
	plan := s.assembler.newIndexPlan(append(s.assembler.sources(others), candidateSource(c)), manual, current.Feeds, s.maxBytes)
	var unusable *unusableError
	if _, err := plan.build(ctx, 1); err != nil && !errors.Is(err, errIndexTooLarge) && !errors.As(err, &unusable) {
		return err
	}

	if own := plan.find(c.report.Feed); own.use != useAccepted {
		c.report.Refusals = append(c.report.Refusals, list.Refusal{
			Code: list.RefusedIndexTooLarge,
			What: "with this list the index cannot be used: " + own.why.Error(),
			Todo: "give the transformer more memory, or remove feeds; then run " + list.PublishCommand(c.report.Feed),
		})
	}
	return nil
}

// costOf returns what an accepted list costs in an index. The rows of earlier versions do not
// say it.
func costOf(accepted *table.Acceptance) list.Cost {
	if accepted.Cost == (list.Cost{}) {
		return list.EstimateCost(accepted.Entries, accepted.Bytes)
	}
	return accepted.Cost
}

// candidateName stands for the name of a snapshot that is not written yet.
const candidateName = "candidate"

// candidateSource returns a list that is not accepted yet as a source of an index.
func candidateSource(c *candidate) source {
	return source{
		CurrentFeed: index.CurrentFeed{
			ID:        c.report.Feed,
			VersionID: c.report.Version,
			Snapshot:  candidateName,
			Bytes:     c.entries.Cost().IndexBytes,
			VetoesAll: c.settings.Action == indicator.ActionAllow,
		},
		buildBytes: c.entries.Cost().BuildBytes,
		each: func(_ context.Context, add func(*snapshot.Entry) error) error {
			for entry := range c.entries.All() {
				if err := add(&snapshot.Entry{Indicator: *entry}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
