package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

const (
	// keptGenerations is how many generations a rollback can choose from.
	keptGenerations = 10
	// keptFor is how long an index object stays in any case: a transformer that read
	// the pointer before it moved must still find the object.
	keptFor = 24 * time.Hour
)

// sweepIndexes deletes index objects that no rollback needs.
func (im *Importer) sweepIndexes(ctx context.Context, current index.Current) error {
	objects, err := im.index.Indexes(ctx)
	if err != nil {
		return fmt.Errorf("listing indexes: %w", err)
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
	oldest := generations[max(0, len(generations)-keptGenerations):]
	var problems []error
	for _, object := range objects {
		generation, _, ok := index.ParseObjectKey(object.Key)
		kept := !ok || slices.Contains(oldest, generation) || object.Key == current.Object ||
			im.now().Sub(object.LastModified) < keptFor
		if !kept {
			problems = append(problems, im.index.Delete(ctx, object.Key))
		}
	}
	return errors.Join(problems...)
}
