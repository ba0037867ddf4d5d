// Package operator is what a person does to a deployed list: ask how it stands, go back
// to an older generation, let publishing go on, and allow a name by hand.
//
// What changes is written by the operator alone where it must work when the importer
// does not: a rollback moves the pointer CURRENT itself. Building an index is left to
// the importer, which is asked to publish: so an operator needs to read the index, to
// write one object of it, and to edit rows, but neither to read lists nor to write
// indexes, and two ways to build an index can never differ.
package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// Index is the index bucket. Its errors are those of [importer.Indexes].
type Index interface {
	index.Pointer
	// Manifest returns what was published as a generation, or [storage.ErrNotFound].
	Manifest(ctx context.Context, generation uint64) (index.Current, error)
	// Indexes returns all index objects that are kept, in any order.
	Indexes(ctx context.Context) ([]importer.StoredIndex, error)
	// Object returns an index object, or [storage.ErrNotFound].
	Object(ctx context.Context, key string) ([]byte, error)
}

// Feeds holds the state of feeds.
type Feeds interface {
	Rows(ctx context.Context) ([]table.FeedRow, error)
}

// Edits are the entries that somebody made by hand.
type Edits interface {
	// Put stores an edit and returns the one that it replaces, if any.
	Put(ctx context.Context, edit Edit) (before *Edit, err error)
	// Remove takes the edit of a key away and returns it, nil if there is none.
	Remove(ctx context.Context, edit Edit) (before *Edit, err error)
	// All returns every edit that can be read, in any order, and an error for the others.
	All(ctx context.Context) ([]Edit, error)
}

// Edit is an entry of the feed `manual`, with who made it and why.
type Edit struct {
	snapshot.Entry
	By, Reason string
}

// Publisher asks the importer to work.
type Publisher interface {
	// Publish returns when the importer was told, not when it is done: to look at all
	// feeds and publish, or at one feed if it is named, there against the guards for a
	// reason.
	Publish(ctx context.Context, feed indicator.FeedID, force string) error
}

// Operator acts on one deployment. Methods need only the ports that they speak of.
type Operator struct {
	Index     Index
	Feeds     Feeds
	Edits     Edits
	Publisher Publisher
	// By is who acts, for the record.
	By string
	// Now is the clock.
	Now func() time.Time
	// Pause is how long to wait between two looks at the pointer.
	Pause time.Duration
}

// errNothingPublished means that there is no index yet.
var errNothingPublished = errors.New("nothing was published yet: upload a list")

// current returns the pointer, or [errNothingPublished].
func (o *Operator) current(ctx context.Context) (index.Current, string, error) {
	current, etag, err := o.Index.Current(ctx)
	if errors.Is(err, storage.ErrNotFound) {
		return current, "", errNothingPublished
	}
	if err != nil {
		return current, "", fmt.Errorf("reading the index pointer: %w", err)
	}
	return current, etag, nil
}

// now is the clock to the second, so that it survives being stored.
func (o *Operator) now() time.Time { return o.Now().UTC().Truncate(time.Second) }

// updateCurrent changes the pointer by change, which may refuse what it finds.
func (o *Operator) updateCurrent(ctx context.Context, change func(*index.Current) error) (next index.Current, err error) {
	err = storage.Retry("moving the index pointer", func() error {
		var etag string
		next, etag, err = o.current(ctx)
		if err != nil {
			return err
		}
		if err := change(&next); err != nil {
			return err
		}
		if err := index.MoveCurrent(ctx, o.Index, next, etag); err != nil {
			return fmt.Errorf("moving the index pointer: %w", err)
		}
		return nil
	})
	return next, err
}

// openVerified returns the index of a pointer or manifest, verified against it.
func (o *Operator) openVerified(ctx context.Context, published *index.Current) (*index.Index, error) {
	data, err := o.Index.Object(ctx, published.Object)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("the index of generation %d is gone: %w", published.Generation, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading generation %d: %w", published.Generation, err)
	}
	opened, err := published.Open(data)
	if err == nil {
		err = importer.VerifyIndex(opened)
	}
	if err != nil {
		return nil, fmt.Errorf("the index of generation %d cannot serve: %w", published.Generation, err)
	}
	return opened, nil
}
