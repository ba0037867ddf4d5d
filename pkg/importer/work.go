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
)

// work is what a run looks at: each feed once, in the order of the triggers.
type work struct {
	feeds    []indicator.FeedID
	requests map[indicator.FeedID]*request
	all      bool // look at all feeds, and publish whatever comes of it
}

// add takes a feed into the work and returns what is asked of it.
func (w *work) add(id indicator.FeedID) *request {
	if w.requests[id] == nil {
		w.feeds = append(w.feeds, id)
		w.requests[id] = &request{id: id}
	}
	return w.requests[id]
}

func (im *Importer) handle(ctx context.Context, triggers []Trigger) error {
	work := im.plan(ctx, triggers)
	var problems []error
	if work.all {
		problems = append(problems, im.addAll(ctx, &work))
	}
	if len(work.feeds) == 0 && !work.all {
		return nil
	}
	problems = append(problems, im.importFeeds(ctx, &work))
	// What a run accepted and did not publish shows in its table: that comes last.
	behind, err := im.behind(ctx, &work)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	if behind || work.all {
		if err := im.publishWhole(ctx); err != nil {
			return errors.Join(append(problems, fmt.Errorf("publishing: %w", err))...)
		}
	}
	return errors.Join(append(problems, im.syncTables(ctx, work.feeds))...)
}

// plan finds out which feeds the triggers speak of.
func (im *Importer) plan(ctx context.Context, triggers []Trigger) work {
	work := work{requests: map[indicator.FeedID]*request{}}
	for _, trigger := range triggers {
		id, found := trigger.Feed, trigger.Feed != ""
		switch {
		case isGuardList(trigger.Key):
			work.all = true
			continue
		case trigger.Key != "":
			var err error
			if id, found, err = FeedOf(trigger.Key, im.legacyKey); err != nil {
				im.metrics.put(count(MetricImportRejected, 1))
			}
			if !found {
				im.log.WarnContext(ctx, "object belongs to no feed", "key", trigger.Key, "why", err)
				continue
			}
		}
		if !found {
			work.all = true
			continue
		}
		asked := work.add(id)
		asked.asked = asked.asked || trigger.Feed != ""
		asked.force = cmp.Or(trigger.Force, asked.force)
	}
	return work
}

// addAll takes in every feed that has a list or a row, so that no event is missed for
// longer than it takes to the next scheduled run. Folders that are no feeds were told of
// by their event.
func (im *Importer) addAll(ctx context.Context, work *work) error {
	triggered := len(work.feeds)
	for _, prefix := range []string{BlockPrefix, AllowPrefix, im.legacyKey} {
		if prefix == "" {
			continue // there is no legacy key
		}
		objects, err := im.lists.List(ctx, prefix)
		if err != nil {
			return fmt.Errorf("listing %q: %w", prefix, err)
		}
		for _, object := range objects {
			if id, found, err := FeedOf(object.Key, im.legacyKey); found && err == nil {
				work.add(id)
			}
		}
	}
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feed rows: %w", err)
	}
	for _, row := range rows {
		work.add(row.ID).refetch = row.Fetch.due(im.now())
	}
	// Servers that failed come last, since they may take their time once more.
	turn := func(id indicator.FeedID) int {
		if work.requests[id].refetch {
			return 1
		}
		return 0
	}
	slices.SortFunc(work.feeds[triggered:], func(a, b indicator.FeedID) int {
		return cmp.Or(turn(a)-turn(b), cmp.Compare(a, b))
	})
	return nil
}

// errNoTime means that feeds are left for another run, so that this one can publish
// what it has.
var errNoTime = errors.New("the time of this run is over")

// importFeeds looks at each feed of the work. A run that has a deadline spends half of
// its time on that.
func (im *Importer) importFeeds(ctx context.Context, work *work) error {
	guards, err := im.findGuards(ctx)
	if err != nil {
		return err
	}
	deadline, limited := ctx.Deadline()
	middle := time.Now().Add(time.Until(deadline) / 2)
	var problems []error
	for i, id := range work.feeds {
		if limited && i > 0 && time.Now().After(middle) {
			problems = append(problems, fmt.Errorf("%w: %d feeds are not looked at", errNoTime, len(work.feeds)-i))
			break
		}
		asked := work.requests[id]
		asked.guards = guards
		if err := im.guarded(ctx, asked, im.fetchFeed); err != nil {
			problems = append(problems, fmt.Errorf("fetching feed %q: %w", id, err))
		}
		if err := im.guarded(ctx, asked, im.importFeed); err != nil {
			problems = append(problems, fmt.Errorf("importing feed %q: %w", id, err))
		}
	}
	return errors.Join(problems...)
}

// guarded makes an error of a panic. Lists are input of strangers: what one of them
// brings about in a parser must not end the run, which other feeds and the index need.
func (im *Importer) guarded(ctx context.Context, r *request, work func(context.Context, *request) error) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			im.log.ErrorContext(ctx, "panic", "feed", r.id, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	return work(ctx, r)
}

// publishWhole publishes. A feed whose accepted list is lost is read from its newest list
// again, so that it does not keep the lists of all others from being published.
func (im *Importer) publishWhole(ctx context.Context) error {
	for {
		err := im.publish(ctx)
		var lost *lostError
		if !errors.As(err, &lost) {
			return err
		}
		before, rowErr := im.rows.Row(ctx, lost.feed)
		guards, guardErr := im.findGuards(ctx)
		if again := errors.Join(rowErr, guardErr); again != nil {
			return errors.Join(err, again)
		}
		im.log.ErrorContext(ctx, "accepted list is lost and read anew", "feed", lost.feed, "why", lost.err)
		if again := im.importFeed(ctx, &request{id: lost.feed, guards: guards, lost: before.Accepted.Snapshot}); again != nil {
			return errors.Join(err, again)
		}
		after, rowErr := im.rows.Row(ctx, lost.feed)
		if rowErr != nil || after.Accepted.Snapshot == before.Accepted.Snapshot {
			return errors.Join(err, rowErr)
		}
	}
}

// behind reports whether a feed of the run has a list that the table does not hold.
func (im *Importer) behind(ctx context.Context, work *work) (bool, error) {
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the feed rows: %w", err)
	}
	return slices.ContainsFunc(rows, func(row FeedRow) bool {
		return work.requests[row.ID] != nil && !row.tableInOrder()
	}), nil
}
