package transformer

import (
	"context"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// Errors of a [Store] that are no failures.
var (
	ErrNotModified = errors.New("index pointer is not modified")
	ErrNoIndex     = errors.New("no index is published")
)

// Store is where indexes come from; its adapter is in pkg/awsio. It is used by one
// goroutine at a time.
type Store interface {
	// Current returns the pointer to the index that is to serve, and the version of
	// the pointer. It returns [ErrNotModified] if that is etag, which is empty for the
	// first look, and [ErrNoIndex] if there is no pointer.
	Current(ctx context.Context, etag string) (current index.Current, newETag string, err error)
	// Object returns an index file. The caller keeps it for as long as it serves.
	Object(ctx context.Context, key string) ([]byte, error)
}
