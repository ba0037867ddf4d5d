package importer

import (
	"context"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// reportLeftOut reports the feeds whose accepted lists are not in the index that a plan
// built. Every publish counts and logs them, but only the first one writes a report.
func (p *publisher) reportLeftOut(
	ctx context.Context, plan *indexPlan, rows []table.FeedRow, current *index.Current,
) (leftOut feedSet, err error) {
	leftOut = feedSet{}
	for _, row := range rows {
		feed := plan.find(row.ID)
		if feed == nil || feed.use == useAccepted {
			continue
		}
		leftOut[row.ID] = true
		p.log.ErrorContext(ctx, "accepted list is left out of the index", "feed", row.ID,
			"version", row.Accepted.Version, "serves", feed.use.String(), "why", feed.why)

		wasPublished := current.RenewedAt.After(row.Accepted.At)
		if wasPublished && feed.hasChanged() {
			continue // the publish that wrote current left it out too
		}
		if err := p.reports.leaveOut(ctx, &row, feed.why); err != nil {
			return leftOut, err
		}
	}
	p.metrics.Put(metric.Count(metric.FeedsLeftOut, len(leftOut)))
	return leftOut, nil
}

// leaveOut writes a report that the accepted list of a feed is left out of the index.
func (r *reporter) leaveOut(ctx context.Context, row *table.FeedRow, why error) error {
	report := r.newReport(row, &storage.Object{Key: row.Accepted.Key, Version: row.Accepted.Version})
	report.Outcome, report.Names = list.OutcomeLeftOut, row.Accepted.Entries
	refusal := list.Refusal{
		Code: list.RefusedIndexTooLarge,
		What: why.Error(),
		Todo: "give the transformer and the importer more memory, remove feeds, or upload a smaller list",
	}
	if errors.Is(why, errLost) {
		refusal.Code, refusal.Todo = list.RefusedLost, "upload a list of the feed again"
	}
	report.Refusals = list.Refusals{refusal}
	return r.write(ctx, report)
}
