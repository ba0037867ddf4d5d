package importer

import (
	"context"
	"io"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Lists is the list bucket as its users fill it.
type Lists interface {
	// List returns the current objects whose keys begin with prefix, in any order.
	List(ctx context.Context, prefix string) ([]storage.Object, error)
	// Head returns the current object of a key with its version, or [storage.ErrNotFound].
	Head(ctx context.Context, key string) (storage.Object, error)
	// Open returns the bytes of one version, or [storage.ErrNotFound].
	Open(ctx context.Context, key, version string) (io.ReadCloser, error)
	// Tags returns the tags of one version.
	Tags(ctx context.Context, key, version string) (map[string]string, error)
}

// Archive is where the importer keeps snapshots and reports.
type Archive interface {
	// Create writes an object that is written only once, or returns [storage.ErrExists].
	Create(ctx context.Context, key string, body []byte) error
	// Replace writes an object, whether or not the key exists.
	Replace(ctx context.Context, key, contentType string, body []byte) error
	// Read returns an object, or [storage.ErrNotFound].
	Read(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes an object. It succeeds even if the object does not exist.
	Delete(ctx context.Context, key string) error
}

// Settings stores the settings of feeds.
type Settings interface {
	// Feed returns the JSON settings of a feed, or [storage.ErrNotFound] if it has none.
	Feed(ctx context.Context, id indicator.FeedID) ([]byte, error)
}

// Indexes stores index objects and manifests. The pointer to the index that serves is an
// [index.Pointer].
type Indexes interface {
	// Create writes an object that is written only once, or returns [storage.ErrExists].
	Create(ctx context.Context, key string, body []byte) error
	// Manifest returns the pointer as it was when a generation was published, or
	// [storage.ErrNotFound].
	Manifest(ctx context.Context, generation uint64) (index.Current, error)
	// Object returns an index object, or [storage.ErrNotFound].
	Object(ctx context.Context, key string) ([]byte, error)
	// Indexes returns all index objects, in any order.
	Indexes(ctx context.Context) ([]storage.Object, error)
	// Delete removes an index object. It succeeds even if the object does not exist.
	Delete(ctx context.Context, key string) error
}

// Indicators stores the object with the published indicators.
type Indicators interface {
	// Indicators returns the generation and the etag of the object, or
	// [storage.ErrNotFound].
	Indicators(ctx context.Context) (generation uint64, etag string, err error)
	// SwapIndicators replaces the object that has this etag, or creates it if etag is
	// empty. If the stored etag differs, it returns [storage.ErrConflict].
	SwapIndicators(ctx context.Context, generation uint64, etag string, body []byte) error
}

// FetchPorts are the ports that feeds with a URL need. Either all are set or none.
type FetchPorts struct {
	Fetcher Fetcher
	Secrets Secrets
	Inbox   Inbox
}

// Fetcher downloads lists; [fetch.Fetcher] implements it.
type Fetcher interface {
	Fetch(ctx context.Context, request fetch.Request) fetch.Result
}

// Secrets stores the secrets that the servers of feeds ask for.
type Secrets interface {
	// Secret returns the text of a secret, or one member if the secret is a JSON object.
	// Errors must not contain any part of the secret.
	Secret(ctx context.Context, arn, member string) (string, error)
}

// Inbox is the list bucket as a place to upload to.
type Inbox interface {
	// Put writes an object with metadata, which is ASCII, and returns its version.
	Put(ctx context.Context, key string, body io.ReadSeeker, metadata map[string]string) (version string, err error)
}
