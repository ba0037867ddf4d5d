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
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// task is what a run does for one feed.
type task struct {
	id        indicator.FeedID
	force     string // the reason to override the guards, or to remove the feed at once
	byID      bool   // a trigger named the feed: fetch its URL, or check a refused list again
	triggered bool   // a trigger was about the feed
	guards    *guardSet

	refetch bool // the last fetch failed and is due again
	// attempted is when an earlier run began to read a list and came to no decision. That run
	// may have ended because of the list.
	attempted time.Time
	lost      string // the key of an accepted snapshot that cannot be read any more
}

// plan is what a run does: one task for each feed, in the order of the triggers.
type plan struct {
	feeds []indicator.FeedID
	tasks map[indicator.FeedID]*task
	all   bool // look at all feeds, and publish in any case

	established feedSet // feeds with an accepted list; nil if they are not known
}

// add returns the task of a feed. It adds one if the plan has none.
func (p *plan) add(id indicator.FeedID) *task {
	if p.tasks[id] == nil {
		p.feeds = append(p.feeds, id)
		p.tasks[id] = &task{id: id}
	}
	return p.tasks[id]
}

// rounds returns the feeds in two parts. The second part failed last time: servers that may be
// slow again, then lists that may end the run again. The list that was tried longest ago comes
// first, so that each of them gets its turn.
func (p *plan) rounds() [2][]indicator.FeedID {
	var rounds [2][]indicator.FeedID
	for _, id := range p.feeds {
		round := 0
		if t := p.tasks[id]; t.refetch || !t.attempted.IsZero() {
			round = 1
		}
		rounds[round] = append(rounds[round], id)
	}
	slices.SortStableFunc(rounds[1], func(a, b indicator.FeedID) int {
		return p.tasks[a].attempted.Compare(p.tasks[b].attempted)
	})
	return rounds
}

func (im *Importer) handle(ctx context.Context, triggers []Trigger) error {
	plan := im.newPlan(ctx, triggers)
	if len(plan.feeds) == 0 && !plan.all {
		return nil
	}

	problems := []error{im.complete(ctx, &plan)}
	var publishErr error
	var unsynced []indicator.FeedID
	publish := plan.all
	for round, feeds := range plan.rounds() {
		if len(feeds) == 0 && (!publish || round > 0) {
			continue
		}
		problems = append(problems, im.importFeeds(ctx, &plan, feeds))
		unsynced = append(unsynced, feeds...)

		// The second round may end the run, so the first one is published by then.
		var leftOut feedSet
		leftOut, publishErr = im.publishIf(ctx, publish, unsynced)
		if publish = publishErr != nil; publish {
			continue
		}
		problems = append(problems, im.syncTables(ctx, unsynced, leftOut))
		unsynced = nil
	}
	return errors.Join(append(problems, publishErr)...)
}

// publishIf publishes if it must, or if the table lacks the accepted list of one of the
// feeds. In this case an earlier run may have accepted a list and ended before it published,
// because the table is updated last.
func (im *Importer) publishIf(ctx context.Context, must bool, feeds []indicator.FeedID) (leftOut feedSet, err error) {
	behind, err := im.isBehind(ctx, feeds)
	if err != nil || !behind && !must {
		return nil, err
	}
	if leftOut, err = im.publish(ctx); err != nil {
		return leftOut, fmt.Errorf("publishing: %w", err)
	}
	return leftOut, nil
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
			if id, found, err = feedOf(trigger.Key, im.listKey); err != nil {
				im.metrics.Put(metric.Count(metric.ImportRejected, 1))
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
		task.triggered = true
		task.byID = task.byID || trigger.Feed != ""
		task.force = cmp.Or(trigger.Force, task.force)
	}
	return plan
}

// complete adds all feeds to a plan that needs them. It also adds what the rows know about
// the feeds of the plan.
func (im *Importer) complete(ctx context.Context, plan *plan) error {
	triggered := len(plan.feeds)
	var problems []error
	if plan.all {
		problems = append(problems, im.addListed(ctx, plan))
	}
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return errors.Join(append(problems, fmt.Errorf("reading the feed rows: %w", err))...)
	}

	plan.established = feedSet{}
	for _, row := range rows {
		if row.Accepted.Snapshot != "" {
			plan.established[row.ID] = true
		}
		if plan.all {
			plan.add(row.ID).refetch = isFetchDue(&row.Fetch, im.now())
		}
		if task := plan.tasks[row.ID]; task != nil {
			task.attempted = row.Attempt.At
		}
	}
	slices.Sort(plan.feeds[triggered:]) // the table returns its rows in any order
	return errors.Join(problems...)
}

// addListed adds every feed that has a list, so that the next scheduled run makes up for a
// lost event. It ignores folders whose names are not feed ids: those were reported when their
// events came in.
func (im *Importer) addListed(ctx context.Context, plan *plan) error {
	for _, prefix := range []string{settings.BlockPrefix, settings.AllowPrefix, im.listKey} {
		if prefix == "" {
			continue // there is no list key
		}
		objects, err := im.lists.List(ctx, prefix)
		if err != nil {
			return fmt.Errorf("listing %q: %w", prefix, err)
		}
		for _, object := range objects {
			if id, found, err := feedOf(object.Key, im.listKey); found && err == nil {
				plan.add(id)
			}
		}
	}
	return nil
}

// errNoTime means that this run leaves feeds to another run, so that it has time to
// publish the lists that it accepted.
var errNoTime = errors.New("no time left in this run")

// importFeeds runs the tasks of some feeds. If the context has a deadline, importFeeds stops
// when half of the time that is left is used up.
func (im *Importer) importFeeds(ctx context.Context, plan *plan, feeds []indicator.FeedID) error {
	guards, err := im.findGuards(ctx)
	if err != nil {
		return err
	}
	deadline, limited := ctx.Deadline()
	middle := time.Now().Add(time.Until(deadline) / 2)

	var problems []error
	over := 0
	for i, id := range feeds {
		if limited && i > 0 && time.Now().After(middle) {
			problems = append(problems, fmt.Errorf("%w: %d feeds are left to another run", errNoTime, len(feeds)-i))
			break
		}

		task := plan.tasks[id]
		task.guards = guards
		if plan.isOverLimit(id) {
			over++
			problems = append(problems, im.refuseFeed(ctx, task))
			continue
		}
		problems = append(problems, im.importFeed(ctx, plan, task))
	}
	im.reportOverLimit(ctx, over)
	return errors.Join(problems...)
}

// importFeed runs the task of one feed.
func (im *Importer) importFeed(ctx context.Context, plan *plan, task *task) error {
	var problems []error
	if im.fetcher != nil {
		if err := im.catchPanic(ctx, task, im.fetcher.run); err != nil {
			problems = append(problems, fmt.Errorf("fetching feed %q: %w", task.id, err))
		}
	}
	if err := im.catchPanic(ctx, task, im.acceptor.run); err != nil {
		problems = append(problems, fmt.Errorf("importing feed %q: %w", task.id, err))
	}
	return errors.Join(append(problems, im.noteEstablished(ctx, plan, task.id))...)
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

// publish publishes the index. If the accepted snapshot of a feed is lost, or is not the one
// that was accepted, publish imports the feed again. If that does not help, the index is
// published without this list: the other feeds must not wait for it. It returns the feeds
// whose accepted lists are not in the index.
func (im *Importer) publish(ctx context.Context) (feedSet, error) {
	given := feedSet{}
	var problems []error
	for {
		leftOut, err := im.publisher.publish(ctx, given)
		var lost *lostError
		if !errors.As(err, &lost) || given[lost.feed] {
			return leftOut, errors.Join(append(problems, err)...)
		}
		restored, restoreErr := im.restore(ctx, lost)
		if !restored {
			given[lost.feed] = true
			problems = append(problems, err, restoreErr)
		}
	}
}

// restore imports a feed again whose accepted snapshot is lost, and reports whether it has
// another snapshot now.
func (im *Importer) restore(ctx context.Context, lost *lostError) (bool, error) {
	before, rowErr := im.rows.Row(ctx, lost.feed)
	guards, guardErr := im.findGuards(ctx)
	if err := errors.Join(rowErr, guardErr); err != nil {
		return false, err
	}

	im.metrics.Put(metric.Count(metric.SnapshotsLost, 1))
	im.log.ErrorContext(ctx, "accepted list is lost, importing it again", "feed", lost.feed, "why", lost.err)
	again := &task{id: lost.feed, guards: guards, lost: before.Accepted.Snapshot}
	if err := im.catchPanic(ctx, again, im.acceptor.run); err != nil {
		return false, fmt.Errorf("importing feed %q: %w", lost.feed, err)
	}
	after, err := im.rows.Row(ctx, lost.feed)
	return err == nil && after.Accepted.Snapshot != before.Accepted.Snapshot, err
}

// isBehind reports whether the table lacks the accepted list of one of some feeds.
func (im *Importer) isBehind(ctx context.Context, feeds []indicator.FeedID) (bool, error) {
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the feed rows: %w", err)
	}
	return slices.ContainsFunc(rows, func(row table.FeedRow) bool {
		return !row.InSync() && slices.Contains(feeds, row.ID)
	}), nil
}

// syncTables updates the table to the accepted lists of some feeds, except those that the
// index left out. It is not an error if there is no time to finish: the index is already
// published, and an immediate retry would only meet the same slow table.
func (im *Importer) syncTables(ctx context.Context, ids []indicator.FeedID, leftOut feedSet) error {
	var problems []error
	behind := 0
	for _, id := range ids {
		if leftOut[id] {
			continue
		}
		err := im.syncer.Sync(ctx, id)
		if table.IsLater(err) {
			behind++
			im.log.InfoContext(ctx, "table is left to another run", "feed", id, "why", err)
			continue
		}
		problems = append(problems, err)
	}
	im.metrics.Put(metric.Count(metric.TablesBehind, behind))
	return errors.Join(problems...)
}
