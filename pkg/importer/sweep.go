package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

const (
	// keptGenerations is how many generations a rollback can choose from.
	keptGenerations = 10
	// keptFor is how long an object stays in any case: a transformer that read the
	// pointer before it moved must still find the index, and a run that wrote a snapshot
	// must still find it when the feed's row names it.
	keptFor = 24 * time.Hour
)

// sweep deletes index objects that no rollback needs, and accepted lists that nothing
// needs any more.
func (im *Importer) sweep(ctx context.Context, current index.Current) error {
	kept, err := im.sweepIndexes(ctx, current)
	if err != nil {
		return err
	}
	return im.sweepSnapshots(ctx, kept)
}

// sweepIndexes returns the generations whose objects stay.
func (im *Importer) sweepIndexes(ctx context.Context, current index.Current) ([]uint64, error) {
	objects, err := im.index.Indexes(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing indexes: %w", err)
	}
	// Killed and outrun importers leave objects of their generation behind: what is
	// kept is counted in generations, not in objects.
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
		if !ok || slices.Contains(newest, generation) || object.Key == current.Object || im.isYoung(object.LastModified) {
			kept = append(kept, generation)
			continue
		}
		problems = append(problems, im.index.Delete(ctx, object.Key))
	}
	return kept, errors.Join(problems...)
}

func (im *Importer) isYoung(written time.Time) bool { return im.now().Sub(written) < keptFor }

// sweepSnapshots deletes accepted lists that no row names and that went into none of
// the kept generations.
func (im *Importer) sweepSnapshots(ctx context.Context, kept []uint64) error {
	snapshots, err := im.lists.List(ctx, AcceptedPrefix)
	if err != nil {
		return fmt.Errorf("listing %q: %w", AcceptedPrefix, err)
	}
	snapshots = slices.DeleteFunc(snapshots, func(s Object) bool { return im.isYoung(s.LastModified) })
	if len(snapshots) == 0 {
		return nil
	}
	// The rows are read after the listing: a row moves only to a snapshot that was just
	// written, so what no row names now no row will name.
	needed, err := im.neededSnapshots(ctx)
	if err != nil {
		return err
	}
	versions, err := im.keptVersions(ctx, kept)
	if err != nil {
		return err
	}
	var problems []error
	for _, snapshot := range snapshots {
		version := snapshot.Key[:max(0, strings.LastIndexByte(snapshot.Key, '.'))]
		if !needed[snapshot.Key] && !versions[version] {
			problems = append(problems, im.archive.Delete(ctx, snapshot.Key))
		}
	}
	return errors.Join(problems...)
}

// neededSnapshots returns the keys that the feed rows name.
func (im *Importer) neededSnapshots(ctx context.Context) (map[string]bool, error) {
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the feed rows: %w", err)
	}
	needed := map[string]bool{}
	for _, row := range rows {
		needed[row.Accepted.Snapshot], needed[row.Table.Snapshot], needed[row.Table.Target] = true, true, true
	}
	return needed, nil
}

// keptVersions returns the keys, without their endings, of the accepted lists that went
// into some generations.
func (im *Importer) keptVersions(ctx context.Context, generations []uint64) (map[string]bool, error) {
	versions := map[string]bool{}
	for _, generation := range generations {
		manifest, err := im.index.Manifest(ctx, generation)
		if errors.Is(err, ErrNotFound) {
			continue // an importer that was outrun left its index behind, and no manifest
		}
		if err != nil {
			return nil, fmt.Errorf("reading the manifest of generation %d: %w", generation, err)
		}
		for _, feed := range manifest.Feeds {
			versions[AcceptedPrefix+string(feed.ID)+"/"+feed.VersionID] = true
		}
	}
	return versions, nil
}
