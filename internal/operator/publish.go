package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// ErrNotYet means that the importer was asked to publish but was not done in time. It
// continues in the background.
var ErrNotYet = errors.New("the importer has not published yet; it continues in the background, see its log and 'resolverwatch status'")

// Publish asks the importer to check all feeds and publish, or to check one feed. It returns
// the new pointer, or [ErrNotYet] after wait. It does not wait if wait is 0, nor for a single
// feed, because that is published only if its list changed.
func (o *Operator) Publish(ctx context.Context, feed indicator.FeedID, force string, wait time.Duration) (index.Current, error) {
	// The pointer may be missing or not valid: the publish repairs it if it can.
	current, before, err := o.Index.Current(ctx)
	if err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, index.ErrCurrent) {
		return index.Current{}, fmt.Errorf("reading the index pointer: %w", err)
	}
	if wait > 0 && current.RenewedAt.Equal(o.now()) {
		// A pointer that is renewed within the same second would have the same bytes and etag.
		time.Sleep(time.Second)
	}

	if feed != "" {
		if err := o.checkFeed(ctx, feed); err != nil {
			return index.Current{}, err
		}
	}
	if err := o.Publisher.Publish(ctx, feed, force); err != nil {
		return index.Current{}, fmt.Errorf("asking the importer to publish: %w", err)
	}
	if wait <= 0 || feed != "" {
		return index.Current{}, nil
	}
	return o.await(ctx, wait, func(_ context.Context, _ index.Current, etag string) (bool, error) {
		return etag != before, nil
	})
}

// unknownFeedError means that the importer has never seen a list of a feed.
type unknownFeedError struct {
	feed  indicator.FeedID
	known []indicator.FeedID
}

// Error says which feeds there are.
func (e *unknownFeedError) Error() string {
	if len(e.known) == 0 {
		return fmt.Sprintf("there is no feed %q, and no other: upload a list first", e.feed)
	}
	return fmt.Sprintf("there is no feed %q; the feeds are %s", e.feed, sighting.JoinFeeds(e.known))
}

// checkFeed returns an [unknownFeedError] unless the feed has a row. The importer makes a row for
// each list that it sees, refused ones included.
func (o *Operator) checkFeed(ctx context.Context, feed indicator.FeedID) error {
	rows, err := o.Feeds.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feeds: %w", err)
	}
	unknown := &unknownFeedError{feed: feed}
	for _, row := range rows {
		if row.ID == feed {
			return nil
		}
		unknown.known = append(unknown.known, row.ID)
	}
	slices.Sort(unknown.known)
	return unknown
}

// await reads the pointer until done returns true, or returns [ErrNotYet] after wait.
func (o *Operator) await(
	ctx context.Context, wait time.Duration, done func(context.Context, index.Current, string) (bool, error),
) (index.Current, error) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()

	for {
		current, etag, err := o.Index.Current(limited)
		finished := false
		if err == nil {
			finished, err = done(limited, current, etag)
		}
		switch {
		case ctx.Err() != nil:
			return current, ctx.Err()
		case limited.Err() != nil:
			return current, ErrNotYet
		case err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, index.ErrCurrent):
			return current, fmt.Errorf("waiting for the importer: %w", err)
		case finished:
			return current, nil
		}
		select {
		case <-limited.Done():
		case <-time.After(o.Pause):
		}
	}
}
