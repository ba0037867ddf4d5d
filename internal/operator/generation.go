package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Generation is a published index that still exists and can be rolled back to.
type Generation struct {
	Generation  uint64    `json:"generation"`
	PublishedAt time.Time `json:"published_at"`
	Entries     int       `json:"entries"`
	Bytes       int64     `json:"bytes"`
	Feeds       int       `json:"feeds"`
	IsCurrent   bool      `json:"serves"`

	manifest index.Current
}

// listKept returns the kept generations, the newest first. It ignores index objects that
// were never published because another importer was faster.
func (o *Operator) listKept(ctx context.Context) ([]Generation, error) {
	current, _, err := o.current(ctx)
	if err != nil {
		return nil, err
	}
	return o.listKeptBefore(ctx, current)
}

// listKeptBefore returns the kept generations for a pointer that was read before.
func (o *Operator) listKeptBefore(ctx context.Context, current index.Current) ([]Generation, error) {
	objects, err := o.Index.Indexes(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing generations: %w", err)
	}

	var kept []Generation
	for _, object := range objects {
		number, _, ok := index.ParseObjectKey(object.Key)
		if !ok {
			continue
		}
		manifest, err := o.manifest(ctx, number, &current)
		if errors.Is(err, storage.ErrNotFound) || (err == nil && manifest.Object != object.Key) {
			continue
		}
		if errors.Is(err, index.ErrCurrent) {
			continue // somebody else wrote it
		}
		if err != nil {
			return nil, err
		}
		entries := 0
		for _, feed := range manifest.Feeds {
			entries += feed.Count
		}
		kept = append(kept, Generation{
			Generation:  number,
			PublishedAt: object.LastModified.UTC(),
			Entries:     entries,
			Bytes:       object.Size,
			Feeds:       len(manifest.Feeds),
			IsCurrent:   number == current.Generation,
			manifest:    manifest,
		})
	}
	slices.SortFunc(kept, func(a, b Generation) int { return cmp.Compare(b.Generation, a.Generation) })
	return kept, nil
}

// manifest returns the manifest of a generation. For the current generation this may be the
// pointer itself, because the importer writes the manifest after the pointer.
func (o *Operator) manifest(ctx context.Context, number uint64, current *index.Current) (index.Current, error) {
	manifest, err := o.Index.Manifest(ctx, number)
	if errors.Is(err, storage.ErrNotFound) && number == current.Generation {
		return *current, nil
	}
	if err != nil {
		return manifest, fmt.Errorf("reading the manifest of generation %d: %w", number, err)
	}
	return manifest, nil
}

// Open returns the index of a published generation; 0 means the current one.
func (o *Operator) Open(ctx context.Context, number uint64) (*index.Index, error) {
	current, _, err := o.current(ctx)
	if err != nil {
		return nil, err
	}
	if number == 0 || number == current.Generation {
		return o.openVerified(ctx, &current)
	}

	manifest, err := o.manifest(ctx, number, &current)
	if err != nil {
		return nil, o.explainMissing(ctx, number, err)
	}
	opened, err := o.openVerified(ctx, &manifest)
	return opened, o.explainMissing(ctx, number, err)
}

// explainMissing replaces [storage.ErrNotFound] by an error that lists the kept generations.
func (o *Operator) explainMissing(ctx context.Context, number uint64, err error) error {
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	kept, listErr := o.listKept(ctx)
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	return &missingError{Generation: number, Kept: kept}
}

// missingError means that a generation was never published, or is not kept any more.
type missingError struct {
	Generation uint64
	Kept       []Generation
}

func (e *missingError) Error() string {
	numbers := make([]string, len(e.Kept))
	for i, kept := range e.Kept {
		numbers[i] = fmt.Sprint(kept.Generation)
	}
	return fmt.Sprintf("generation %d is not kept; the kept generations are %s", e.Generation, strings.Join(numbers, ", "))
}

// Unwrap returns [storage.ErrNotFound].
func (e *missingError) Unwrap() error { return storage.ErrNotFound }
