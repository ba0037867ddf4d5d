package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// task is what a run does for one feed.
type task struct {
	id     indicator.FeedID
	force  string // the reason to override the guards, or to remove the feed at once
	byID   bool   // a trigger named the feed: fetch its URL, or check a refused list again
	guards *guardSet

	refetch bool   // the last fetch failed and is due again
	lost    string // the key of an accepted snapshot that cannot be read any more
}

// plan is what a run does: one task for each feed, in the order of the triggers.
type plan struct {
	feeds []indicator.FeedID
	tasks map[indicator.FeedID]*task
	all   bool // look at all feeds, and publish in any case
}

// add returns the task of a feed. It adds one if the plan has none.
func (p *plan) add(id indicator.FeedID) *task {
	if p.tasks[id] == nil {
		p.feeds = append(p.feeds, id)
		p.tasks[id] = &task{id: id}
	}
	return p.tasks[id]
}

func (im *Importer) handle(ctx context.Context, triggers []Trigger) error {
	plan := im.newPlan(ctx, triggers)
	var problems []error
	if plan.all {
		problems = append(problems, im.addAll(ctx, &plan))
	}
	if len(plan.feeds) == 0 && !plan.all {
		return nil
	}
	problems = append(problems, im.importFeeds(ctx, &plan))

	// A row whose table is behind may mean that an earlier run accepted a list and ended
	// before it published, because the table is updated last.
	behind, err := im.isBehind(ctx, &plan)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	if behind || plan.all {
		if err := im.publish(ctx); err != nil {
			return errors.Join(append(problems, fmt.Errorf("publishing: %w", err))...)
		}
	}
	return errors.Join(append(problems, im.syncTables(ctx, plan.feeds))...)
}

// newPlan turns triggers into a plan.
func (im *Importer) newPlan(ctx context.Context, triggers []Trigger) plan {
	plan := plan{tasks: map[indicator.FeedID]*task{}}
	for _, trigger := range triggers {
		id, found := trigger.Feed, trigger.Feed != ""
		switch {
		case isGuardList(trigger.Key):
			plan.all = true
			continue
		case trigger.Key != "":
			var err error
			if id, found, err = feedOf(trigger.Key, im.legacyKey); err != nil {
				im.metrics.put(count(metricImportRejected, 1))
			}
			if !found {
				im.log.WarnContext(ctx, "object belongs to no feed", "key", trigger.Key, "why", err)
				continue
			}
		}
		if !found {
			plan.all = true
			continue
		}

		task := plan.add(id)
		task.byID = task.byID || trigger.Feed != ""
		task.force = cmp.Or(trigger.Force, task.force)
	}
	return plan
}

// addAll adds every feed that has a list or a row, so that the next scheduled run makes up
// for a lost event. It ignores folders whose names are not feed ids: those were reported
// when their events came in.
func (im *Importer) addAll(ctx context.Context, plan *plan) error {
	triggered := len(plan.feeds)
	for _, prefix := range []string{settings.BlockPrefix, settings.AllowPrefix, im.legacyKey} {
		if prefix == "" {
			continue // there is no legacy key
		}
		objects, err := im.lists.List(ctx, prefix)
		if err != nil {
			return fmt.Errorf("listing %q: %w", prefix, err)
		}
		for _, object := range objects {
			if id, found, err := feedOf(object.Key, im.legacyKey); found && err == nil {
				plan.add(id)
			}
		}
	}

	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feed rows: %w", err)
	}
	for _, row := range rows {
		plan.add(row.ID).refetch = isFetchDue(&row.Fetch, im.now())
	}

	// Feeds whose servers failed come last, because they may be slow again.
	order := func(id indicator.FeedID) int {
		if plan.tasks[id].refetch {
			return 1
		}
		return 0
	}
	slices.SortFunc(plan.feeds[triggered:], func(a, b indicator.FeedID) int {
		return cmp.Or(order(a)-order(b), cmp.Compare(a, b))
	})
	return nil
}

// errNoTime means that this run leaves feeds to another run, so that it has time to
// publish the lists that it accepted.
var errNoTime = errors.New("no time left in this run")

// importFeeds runs all tasks of a plan. If the context has a deadline, importFeeds stops
// when half of the time is used up.
func (im *Importer) importFeeds(ctx context.Context, plan *plan) error {
	guards, err := im.findGuards(ctx)
	if err != nil {
		return err
	}
	deadline, limited := ctx.Deadline()
	middle := time.Now().Add(time.Until(deadline) / 2)

	var problems []error
	for i, id := range plan.feeds {
		if limited && i > 0 && time.Now().After(middle) {
			problems = append(problems, fmt.Errorf("%w: %d feeds are left to another run", errNoTime, len(plan.feeds)-i))
			break
		}

		task := plan.tasks[id]
		task.guards = guards
		if im.fetcher != nil {
			if err := im.catchPanic(ctx, task, im.fetcher.run); err != nil {
				problems = append(problems, fmt.Errorf("fetching feed %q: %w", id, err))
			}
		}
		if err := im.catchPanic(ctx, task, im.acceptor.run); err != nil {
			problems = append(problems, fmt.Errorf("importing feed %q: %w", id, err))
		}
	}
	return errors.Join(problems...)
}

// catchPanic runs one step of a task and converts a panic into an error. Lists are
// untrusted input: if one of them makes a parser panic, the other feeds must still be
// imported and the index must still be renewed.
func (im *Importer) catchPanic(ctx context.Context, t *task, step func(context.Context, *task) error) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			im.log.ErrorContext(ctx, "panic", "feed", t.id, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	return step(ctx, t)
}

func (im *Importer) findGuards(ctx context.Context) (*guardSet, error) {
	return findGuards(ctx, im.lists, &im.guards, im.maxBytes)
}

// publish publishes the index. If the accepted snapshot of a feed is lost, publish imports
// the feed again. Otherwise the lost snapshot would block all other feeds.
func (im *Importer) publish(ctx context.Context) error {
	for {
		err := im.publisher.publish(ctx)
		var lost *lostError
		if !errors.As(err, &lost) {
			return err
		}

		before, rowErr := im.rows.Row(ctx, lost.feed)
		guards, guardErr := im.findGuards(ctx)
		if readErr := errors.Join(rowErr, guardErr); readErr != nil {
			return errors.Join(err, readErr)
		}

		im.log.ErrorContext(ctx, "accepted list is lost, importing it again", "feed", lost.feed, "why", lost.err)
		again := &task{id: lost.feed, guards: guards, lost: before.Accepted.Snapshot}
		if importErr := im.acceptor.run(ctx, again); importErr != nil {
			return errors.Join(err, importErr)
		}
		after, rowErr := im.rows.Row(ctx, lost.feed)
		if rowErr != nil || after.Accepted.Snapshot == before.Accepted.Snapshot {
			return errors.Join(err, rowErr)
		}
	}
}

// isBehind reports whether the table lacks the accepted list of a feed in the plan.
func (im *Importer) isBehind(ctx context.Context, plan *plan) (bool, error) {
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the feed rows: %w", err)
	}
	return slices.ContainsFunc(rows, func(row table.FeedRow) bool {
		return plan.tasks[row.ID] != nil && !row.InSync()
	}), nil
}

// syncTables updates the table to the accepted lists of some feeds. It is not an error if
// there is no time to finish: the index is already published, and an immediate retry would
// only meet the same slow table.
func (im *Importer) syncTables(ctx context.Context, ids []indicator.FeedID) error {
	var problems []error
	behind := 0
	for _, id := range ids {
		err := im.syncer.Sync(ctx, id)
		if table.IsLater(err) {
			behind++
			im.log.InfoContext(ctx, "table is left to another run", "feed", id, "why", err)
			continue
		}
		problems = append(problems, err)
	}
	im.metrics.put(count(metricTablesBehind, behind))
	return errors.Join(problems...)
}
