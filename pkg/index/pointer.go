package index

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Pointer stores CURRENT.
type Pointer interface {
	// Current returns the pointer and its etag, or [storage.ErrNotFound].
	Current(ctx context.Context) (current Current, etag string, err error)
	// SwapCurrent replaces the pointer that has this etag, or creates it if etag is empty.
	// If the stored etag differs, it returns [storage.ErrConflict].
	SwapCurrent(ctx context.Context, next Current, etag string) error
}

// MoveCurrent replaces the pointer that has this etag. It returns [storage.ErrConflict] if
// another writer moved the pointer since it was read.
func MoveCurrent(ctx context.Context, pointer Pointer, next Current, etag string) error {
	return storage.Swap(
		func() error { return pointer.SwapCurrent(ctx, next, etag) },
		func() (Current, error) {
			stored, _, err := pointer.Current(ctx)
			return stored, err
		},
		func(stored Current) bool { return stored.same(&next) },
	)
}

// ErrOtherIndex means that an index file is not the one that the pointer names.
var ErrOtherIndex = errors.New("another index than the pointer names")

// Open opens an index file and verifies that it is the one that c names, that its blocks do
// not cover more of the public address space than the bounds say, and that it does not call a name
// of [Canaries] malicious. If it is another file, the error wraps [ErrOtherIndex].
func (c *Current) Open(data []byte, bounds reach.Bounds) (*Index, error) {
	x, err := Open(data)
	if err != nil {
		return nil, err
	}

	info := x.Info()
	if info.Checksum != c.Hash || info.Generation != c.Generation || info.ContentHash != c.ContentHash {
		return nil, fmt.Errorf("%w: it has generation %d and checksum %s, the pointer says %d and %s",
			ErrOtherIndex, info.Generation, info.Checksum, c.Generation, c.Hash)
	}

	if err := x.checkReachQuickly(bounds); err != nil {
		return nil, err
	}

	for _, canary := range Canaries() {
		if err := x.checkCanary(canary); err != nil {
			return nil, err
		}
	}
	return x, nil
}
