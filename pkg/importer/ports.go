package importer

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Errors of the ports. Adapters translate, so that no core knows an SDK.
var (
	// ErrNotFound means that there is no such object, version or parameter.
	ErrNotFound = errors.New("not found")
	// ErrExists means that an object which is written once is there already.
	ErrExists = errors.New("exists already")
	// ErrConflict means that what was read has changed since: read again, decide again.
	ErrConflict = errors.New("changed by another writer")
)

// Object is the current object of a key in the list bucket.
type Object struct {
	Key          string
	Version      string // names these bytes for good; empty in listings
	Size         int64
	LastModified time.Time
	Metadata     map[string]string // of the user, keys in lower case; empty in listings
}

// Lists is the list bucket as its users fill it.
type Lists interface {
	// List returns the current objects whose keys begin with prefix, in any order.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Head returns the current object of a key with its version, or [ErrNotFound].
	Head(ctx context.Context, key string) (Object, error)
	// Open returns the bytes of one version, or [ErrNotFound].
	Open(ctx context.Context, key, version string) (io.ReadCloser, error)
	// Tags returns the tags of one version.
	Tags(ctx context.Context, key, version string) (map[string]string, error)
}

// Archive is where the importer keeps accepted lists and reports.
type Archive interface {
	// Create writes an object that is never written again; [ErrExists].
	Create(ctx context.Context, key string, body []byte) error
	// Replace writes an object, whatever stood there.
	Replace(ctx context.Context, key, contentType string, body []byte) error
	// Read returns an object, or [ErrNotFound].
	Read(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes an object; one that is gone is no error.
	Delete(ctx context.Context, key string) error
}

// Settings holds the settings of feeds.
type Settings interface {
	// Feed returns the JSON settings of a feed, or [ErrNotFound] if it has none.
	Feed(ctx context.Context, id indicator.FeedID) ([]byte, error)
}

// FeedRows holds the state of feeds. Reads see every earlier write.
type FeedRows interface {
	// Rows returns the rows of all feeds.
	Rows(ctx context.Context) ([]FeedRow, error)
	// Row returns the row of a feed, of revision 0 if there is none.
	Row(ctx context.Context, id indicator.FeedID) (FeedRow, error)
	// PutRow stores row as the revision after row.Revision, which must be the stored
	// one (0: none is stored); [ErrConflict].
	PutRow(ctx context.Context, row FeedRow) error
	// DeleteRow removes the row, whose revision must be the stored one; [ErrConflict].
	DeleteRow(ctx context.Context, row FeedRow) error
}

// Change is one row of the table to write or to delete.
type Change struct {
	Entry  Entry
	Delete bool
}

// Table is the list for everyone else to ask, and for own edits.
type Table interface {
	// Write makes all changes, of which no two concern one key, or returns an error
	// after any part of them. Changes are idempotent.
	Write(ctx context.Context, feed indicator.FeedID, changes []Change) error
	// Entries yields the entries of a feed in any order. An entry that cannot be read
	// is yielded as an *EntryError and does not end the iteration.
	Entries(ctx context.Context, feed indicator.FeedID) iter.Seq2[Entry, error]
}

// EntryError is a table row that is no entry: somebody's own edit went wrong.
type EntryError struct {
	Name, Sort string // its key
	Err        error
}

func (e *EntryError) Error() string {
	return "table row " + e.Name + " " + e.Sort + ": " + e.Err.Error()
}

func (e *EntryError) Unwrap() error { return e.Err }

// StoredIndex is an index object as a listing shows it.
type StoredIndex struct {
	Key          string
	Size         int64 // bytes
	LastModified time.Time
}

// Indicators is the object of published indicators, beside the index.
type Indicators interface {
	// Indicators returns the generation of the object and its etag, or [ErrNotFound].
	Indicators(ctx context.Context) (generation uint64, etag string, err error)
	// SwapIndicators replaces the object that etag names ("": none yet); [ErrConflict].
	SwapIndicators(ctx context.Context, generation uint64, etag string, body []byte) error
}

// IndexStore is the index bucket.
type IndexStore interface {
	// Current returns the pointer and its etag, or [ErrNotFound].
	Current(ctx context.Context) (current index.Current, etag string, err error)
	// SwapCurrent replaces the pointer that etag names ("": none yet); [ErrConflict].
	SwapCurrent(ctx context.Context, next index.Current, etag string) error
	// Create writes an object that is never written again; [ErrExists].
	Create(ctx context.Context, key string, body []byte) error
	// Manifest returns what was published as a generation, or [ErrNotFound].
	Manifest(ctx context.Context, generation uint64) (index.Current, error)
	// Indexes returns all index objects, in any order.
	Indexes(ctx context.Context) ([]StoredIndex, error)
	// Delete removes an index object; one that is gone is no error.
	Delete(ctx context.Context, key string) error
}
