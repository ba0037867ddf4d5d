package marker

import (
	"context"
	"io"
)

// Logs are the log objects.
type Logs interface {
	// Open returns the bytes of a version of an object. It returns [storage.ErrNotFound] if the
	// version is gone.
	Open(ctx context.Context, o *Object) (io.ReadCloser, error)
}

// Output is the bucket of the marked logs.
type Output interface {
	// Begin starts an object. Nothing is visible under the key before the upload is complete.
	Begin(ctx context.Context, key string) Upload
	// Exists reports whether there is an object.
	Exists(ctx context.Context, key string) (bool, error)
}

// Upload is an object that is being written.
type Upload interface {
	io.Writer
	// Complete makes the object visible. It returns [storage.ErrExists] if the key exists, and
	// then it has written nothing.
	Complete(ctx context.Context) error
	// Abort frees what was sent. It must be called if the upload is not complete; after
	// Complete it does nothing.
	Abort(ctx context.Context) error
}
