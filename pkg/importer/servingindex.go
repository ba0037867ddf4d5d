package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// servingIndex is the index that the pointer names. It replaces the snapshots of feeds that
// are lost. It is read only if it is needed.
type servingIndex struct {
	indexes Indexes
	current index.Current
	now     func() time.Time
	opened  *index.Index
}

// source returns the entries of a feed in the index. They have no references and no times,
// and they do not end, because an index has none of these.
func (s *servingIndex) source(feed index.CurrentFeed) source {
	return source{
		CurrentFeed: feed,
		buildBytes:  servedBuildBytes(feed),
		each: func(ctx context.Context, add func(*snapshot.Entry) error) error {
			if err := s.open(ctx, feed.ID); err != nil {
				return err
			}
			for stored, err := range s.opened.All() {
				if err != nil {
					return &lostError{feed.ID, err}
				}
				if stored.Feed != feed.ID {
					continue
				}
				if err := add(&snapshot.Entry{Indicator: stored.Indicator, AddedAt: s.now()}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// open reads the index for a feed. An index that does not exist, or is not the one of the
// pointer, cannot replace the list of the feed.
func (s *servingIndex) open(ctx context.Context, feed indicator.FeedID) error {
	if s.opened != nil {
		return nil
	}
	data, err := s.indexes.Object(ctx, s.current.Object)
	if errors.Is(err, storage.ErrNotFound) {
		return &lostError{feed, err}
	}
	if err != nil {
		return fmt.Errorf("reading the index of generation %d: %w", s.current.Generation, err)
	}
	// If its blocks reach too far by now, they are left out of the next index.
	if s.opened, err = s.current.Open(data, reach.NoBounds()); err != nil {
		return &lostError{feed, err}
	}
	return nil
}
