package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// work is what a run looks at: each feed once, in the order of the triggers.
type work struct {
	feeds     []indicator.FeedID
	force     map[indicator.FeedID]string
	scheduled bool
}

func (im *Importer) handle(ctx context.Context, triggers []Trigger) error {
	work := im.plan(ctx, triggers)
	if len(work.feeds) == 0 && !work.scheduled {
		return nil
	}
	var problems []error
	for _, id := range work.feeds {
		if err := im.importFeed(ctx, id, work.force[id]); err != nil {
			problems = append(problems, fmt.Errorf("importing feed %q: %w", id, err))
		}
	}
	// What a run accepted and did not publish shows in its table: that comes last.
	behind, err := im.behind(ctx, &work)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	if behind || work.scheduled {
		if err := im.publish(ctx); err != nil {
			return errors.Join(append(problems, fmt.Errorf("publishing: %w", err))...)
		}
	}
	for _, id := range work.feeds {
		problems = append(problems, im.syncTable(ctx, id))
	}
	return errors.Join(problems...)
}

// plan finds out which feeds the triggers speak of.
func (im *Importer) plan(ctx context.Context, triggers []Trigger) work {
	work := work{force: map[indicator.FeedID]string{}}
	for _, trigger := range triggers {
		id, found := trigger.Feed, trigger.Feed != ""
		if trigger.Key != "" {
			var err error
			if id, found, err = FeedOf(trigger.Key, im.legacyKey); err != nil {
				im.metrics.put(count(MetricImportRejected, 1))
			}
			if !found {
				im.log.WarnContext(ctx, "object belongs to no feed", "key", trigger.Key, "why", err)
				continue
			}
		}
		switch _, known := work.force[id]; {
		case !found:
			work.scheduled = true
		case !known:
			work.feeds = append(work.feeds, id)
			fallthrough
		case trigger.Force != "":
			work.force[id] = trigger.Force
		}
	}
	return work
}

// behind reports whether a feed of the run has a list that the table does not hold. A
// scheduled run also takes over what other runs left undone.
func (im *Importer) behind(ctx context.Context, work *work) (bool, error) {
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the feed rows: %w", err)
	}
	behind := false
	for _, row := range rows {
		concerned := slices.Contains(work.feeds, row.ID)
		undone := !row.tableInOrder() || row.Last.Outcome == OutcomeDeleted
		if work.scheduled && !concerned && undone {
			work.feeds = append(work.feeds, row.ID)
		}
		behind = behind || concerned && !row.tableInOrder()
	}
	return behind, nil
}
