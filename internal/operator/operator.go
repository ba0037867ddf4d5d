// Package operator implements what a person does with a deployed stack: show its status, roll
// back to an older generation, resume publishing, and allow a name by hand.
//
// A rollback writes the pointer CURRENT directly, because it must work even if the importer
// does not. Everything else that changes the index asks the importer to publish. So an
// operator may read the index bucket, write one object in it, and edit rows of the table,
// but can neither read lists nor write indexes, and indexes are built in only one place.
package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// Index is the index bucket. Its methods return the errors of [importer.Indexes].
type Index interface {
	index.Pointer
	// Manifest returns the pointer that a generation was published with, or
	// [storage.ErrNotFound].
	Manifest(ctx context.Context, generation uint64) (index.Current, error)
	// Indexes returns all index objects, in any order.
	Indexes(ctx context.Context) ([]storage.Object, error)
	// Object returns an index object, or [storage.ErrNotFound].
	Object(ctx context.Context, key string) ([]byte, error)
}

// Feeds is the state of the feeds.
type Feeds interface {
	// Rows returns the rows of all feeds, in any order.
	Rows(ctx context.Context) ([]table.FeedRow, error)
}

// Edits are the entries that were added by hand.
type Edits interface {
	// Put stores an edit and returns the edit that it replaces, or nil.
	Put(ctx context.Context, edit Edit) (before *Edit, err error)
	// Remove removes the edit with the key of edit and returns it, or nil if there is none.
	Remove(ctx context.Context, edit Edit) (before *Edit, err error)
	// All returns every edit that can be read, in any order, and an error about the others.
	All(ctx context.Context) ([]Edit, error)
}

// Edit is an entry of the feed manual. By names the person who added it.
type Edit struct {
	snapshot.Entry
	By, Reason string
}

// Publisher is the importer, which publishes on request.
type Publisher interface {
	// Publish asks the importer to check all feeds and publish. If feed is not empty, the
	// importer checks only this feed and, if force gives a reason, overrides its guards.
	// Publish does not wait for the importer.
	Publish(ctx context.Context, feed indicator.FeedID, force string) error
}

// Operator acts on one deployed stack. A field may be nil if no called method needs it.
type Operator struct {
	Index     Index
	Feeds     Feeds
	Edits     Edits
	Publisher Publisher
	// By is the name that is stored with every change.
	By string
	// Words returns the text of an error for people. If nil, it is that of the error.
	Words func(error) string
	// Now returns the current time.
	Now func() time.Time
	// Pause is the time between two reads of the pointer while waiting.
	Pause time.Duration
}

// errNothingPublished means that there is no index yet.
var errNothingPublished = errors.New("no index was published yet: upload a list")

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

// words returns the text of an error for people, or "" for nil.
func (o *Operator) words(err error) string {
	switch {
	case err == nil:
		return ""
	case o.Words == nil:
		return err.Error()
	}
	return o.Words(err)
}

// now returns the current time in full seconds, which is what the table can store.
func (o *Operator) now() time.Time { return o.Now().UTC().Truncate(time.Second) }

// updateCurrent replaces the pointer by compare and swap. change may return an error to stop.
func (o *Operator) updateCurrent(ctx context.Context, change func(*index.Current) error) (next index.Current, err error) {
	err = storage.Retry("replacing the index pointer", func() error {
		var etag string
		next, etag, err = o.current(ctx)
		if err != nil {
			return err
		}
		if err := change(&next); err != nil {
			return err
		}
		if err := index.MoveCurrent(ctx, o.Index, next, etag); err != nil {
			return fmt.Errorf("replacing the index pointer: %w", err)
		}
		return nil
	})
	return next, err
}

// openVerified returns the index of a pointer or manifest, after checking that they match. It knows
// no bounds for address blocks, because they are settings of the functions: transformers do not
// load an index that exceeds theirs, and keep the one that they serve.
func (o *Operator) openVerified(ctx context.Context, published *index.Current) (*index.Index, error) {
	data, err := o.Index.Object(ctx, published.Object)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("the index of generation %d is gone: %w", published.Generation, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading generation %d: %w", published.Generation, err)
	}
	opened, err := published.Open(data, reach.NoBounds())
	if err == nil {
		err = importer.VerifyIndex(opened, reach.NoBounds())
	}
	if err != nil {
		return nil, fmt.Errorf("the index of generation %d cannot be used: %w", published.Generation, err)
	}
	return opened, nil
}
