package importer

import (
	"context"
	"fmt"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// noPointer returns the pointer that stands for none: before the first publish, or after
// somebody deleted it. Numbers that were given out are never used again.
func (im *Importer) noPointer(ctx context.Context) (index.Current, error) {
	objects, err := im.index.Indexes(ctx)
	if err != nil {
		return index.Current{}, fmt.Errorf("listing indexes: %w", err)
	}
	highest := uint64(0)
	for _, object := range objects {
		if generation, _, ok := index.ParseObjectKey(object.Key); ok && generation > highest {
			highest = generation
		}
	}
	if highest > 0 {
		im.log.WarnContext(ctx, "there are indexes and no pointer to one: it is made anew", "highest", highest)
	}
	return index.Current{Highest: highest}, nil
}

// isGone reports whether the index that a pointer names is not there. Then readers that
// start have none, and to renew the pointer would tell nobody.
func (im *Importer) isGone(ctx context.Context, current *index.Current) (bool, error) {
	objects, err := im.index.Indexes(ctx)
	if err != nil {
		return false, fmt.Errorf("listing indexes: %w", err)
	}
	gone := !slices.ContainsFunc(objects, func(object StoredIndex) bool { return object.Key == current.Object })
	if gone {
		im.log.ErrorContext(ctx, "the index that serves is gone", "generation", current.Generation,
			"object", current.Object, "pinned", current.Pinned)
	}
	return gone, nil
}
