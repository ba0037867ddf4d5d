package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

const (
	// keptGenerations is how many generations are kept for a rollback.
	keptGenerations = 10
	// keptFor is the minimum age at which an object is deleted. A transformer that read the
	// pointer before it moved must still find the index, and a run that wrote a snapshot must
	// still find it when the feed's row names it.
	keptFor = 24 * time.Hour
)

// sweeper deletes indexes and snapshots that are not needed any more.
type sweeper struct {
	indexes Indexes
	lists   Lists
	archive Archive
	rows    table.FeedRows
	now     func() time.Time
}

// sweep deletes index objects that no rollback needs, then snapshots that nothing needs. The
// pointer moved from before to current.
func (s *sweeper) sweep(ctx context.Context, before, current index.Current) error {
	kept, err := s.sweepIndexes(ctx, current)
	if err != nil {
		return err
	}
	return s.sweepSnapshots(ctx, kept, slices.Concat(before.Feeds, current.Feeds))
}

// sweepIndexes returns the generations whose index objects are kept.
func (s *sweeper) sweepIndexes(ctx context.Context, current index.Current) ([]uint64, error) {
	objects, err := s.indexes.Indexes(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing indexes: %w", err)
	}

	// Count generations, not objects: importers that were killed or overtaken leave extra
	// objects of their generation.
	var generations []uint64
	for _, object := range objects {
		if generation, _, ok := index.ParseObjectKey(object.Key); ok {
			generations = append(generations, generation)
		}
	}
	slices.Sort(generations)
	generations = slices.Compact(generations)
	newest := generations[max(0, len(generations)-keptGenerations):]

	var kept []uint64
	var problems []error
	for _, object := range objects {
		generation, _, ok := index.ParseObjectKey(object.Key)
		if !ok || slices.Contains(newest, generation) || object.Key == current.Object || s.isYoung(object.LastModified) {
			kept = append(kept, generation)
			continue
		}
		problems = append(problems, s.indexes.Delete(ctx, object.Key))
	}
	return kept, errors.Join(problems...)
}

func (s *sweeper) isYoung(written time.Time) bool { return s.now().Sub(written) < keptFor }

// sweepSnapshots deletes snapshots that no row names, that are in none of the kept
// generations, and that are not of the served feeds. A publish may fall back to the last
// ones, and a renewed pointer names newer versions than the manifest of its generation.
func (s *sweeper) sweepSnapshots(ctx context.Context, kept []uint64, served []index.CurrentFeed) error {
	snapshots, err := s.lists.List(ctx, settings.AcceptedPrefix)
	if err != nil {
		return fmt.Errorf("listing %q: %w", settings.AcceptedPrefix, err)
	}
	snapshots = slices.DeleteFunc(snapshots, func(object storage.Object) bool { return s.isYoung(object.LastModified) })
	if len(snapshots) == 0 {
		return nil
	}

	// The rows are read after the listing. A row moves only to a snapshot that was just
	// written, so no row will ever name an old snapshot that none names now.
	named, err := s.namedSnapshots(ctx)
	if err != nil {
		return err
	}
	published, err := s.publishedStems(ctx, kept)
	if err != nil {
		return err
	}
	for _, feed := range served {
		published[snapshot.KeyStem(feed.ID, feed.VersionID)] = true
	}

	var problems []error
	for _, object := range snapshots {
		if !named[object.Key] && !published[snapshot.StemOf(object.Key)] {
			problems = append(problems, s.archive.Delete(ctx, object.Key))
		}
	}
	return errors.Join(problems...)
}

// namedSnapshots returns the keys that the feed rows name.
func (s *sweeper) namedSnapshots(ctx context.Context) (map[string]bool, error) {
	rows, err := s.rows.Rows(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the feed rows: %w", err)
	}
	named := map[string]bool{}
	for _, row := range rows {
		named[row.Accepted.Snapshot], named[row.Table.Snapshot], named[row.Table.Target] = true, true, true
		for _, key := range row.High.Snapshots() {
			named[key] = true
		}
	}
	return named, nil
}

// publishedStems returns the key stems of the snapshots that are in some generations.
func (s *sweeper) publishedStems(ctx context.Context, generations []uint64) (map[string]bool, error) {
	stems := map[string]bool{}
	for _, generation := range generations {
		manifest, err := s.indexes.Manifest(ctx, generation)
		if errors.Is(err, storage.ErrNotFound) {
			continue // an importer that was overtaken left an index without a manifest
		}
		if err != nil {
			return nil, fmt.Errorf("reading the manifest of generation %d: %w", generation, err)
		}
		for _, feed := range manifest.Feeds {
			stems[snapshot.KeyStem(feed.ID, feed.VersionID)] = true
		}
	}
	return stems, nil
}
