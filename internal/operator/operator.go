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
)

// Index is the index bucket. Its errors are those of [importer.IndexStore].
type Index interface {
	// Current returns the pointer and its etag, or [importer.ErrNotFound].
	Current(ctx context.Context) (current index.Current, etag string, err error)
	// SwapCurrent replaces the pointer that etag names; [importer.ErrConflict].
	SwapCurrent(ctx context.Context, next index.Current, etag string) error
	// Manifest returns what was published as a generation, or [importer.ErrNotFound].
	Manifest(ctx context.Context, generation uint64) (index.Current, error)
	// Indexes returns all index objects that are kept, in any order.
	Indexes(ctx context.Context) ([]importer.StoredIndex, error)
	// Object returns an index object, or [importer.ErrNotFound].
	Object(ctx context.Context, key string) ([]byte, error)
}

// Feeds holds the state of feeds.
type Feeds interface {
	Rows(ctx context.Context) ([]importer.FeedRow, error)
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
	importer.Entry
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

// ErrNothingPublished means that there is no index yet.
var ErrNothingPublished = errors.New("nothing was published yet: upload a list")

// current returns the pointer, or [ErrNothingPublished].
func (o *Operator) current(ctx context.Context) (index.Current, string, error) {
	current, etag, err := o.Index.Current(ctx)
	if errors.Is(err, importer.ErrNotFound) {
		return current, "", ErrNothingPublished
	}
	if err != nil {
		return current, "", fmt.Errorf("reading the index pointer: %w", err)
	}
	return current, etag, nil
}

// now is the clock to the second, so that it survives being stored.
func (o *Operator) now() time.Time { return o.Now().UTC().Truncate(time.Second) }

// maxTries bounds how often the pointer is moved again because somebody was faster.
const maxTries = 5

// move changes the pointer by change, which may refuse what it finds.
func (o *Operator) move(ctx context.Context, change func(*index.Current) error) (index.Current, error) {
	for range maxTries {
		next, etag, err := o.current(ctx)
		if err != nil {
			return next, err
		}
		if err := change(&next); err != nil {
			return next, err
		}
		err = o.Index.SwapCurrent(ctx, next, etag)
		if !errors.Is(err, importer.ErrConflict) {
			if err != nil {
				err = fmt.Errorf("moving the index pointer: %w", err)
			}
			return next, err
		}
		// Either somebody was faster, or the reply to a first try was lost.
		if stored, _, readErr := o.current(ctx); readErr == nil && stored.Same(&next) {
			return next, nil
		}
	}
	return index.Current{}, fmt.Errorf("moving the index pointer: %w %d times", importer.ErrConflict, maxTries)
}

// open returns the index of a pointer or manifest, verified against it.
func (o *Operator) open(ctx context.Context, of *index.Current) (*index.Index, error) {
	data, err := o.Index.Object(ctx, of.Object)
	if errors.Is(err, importer.ErrNotFound) {
		return nil, fmt.Errorf("the index of generation %d is gone: %w", of.Generation, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading generation %d: %w", of.Generation, err)
	}
	opened, err := importer.VerifyIndex(data)
	if err != nil {
		return nil, fmt.Errorf("the index of generation %d is damaged: %w", of.Generation, err)
	}
	info := opened.Info()
	if info.Checksum != of.Hash || info.Generation != of.Generation || info.ContentHash != of.ContentHash {
		return nil, fmt.Errorf("the index of generation %d is another one: it says generation %d and checksum %s, not %s",
			of.Generation, info.Generation, info.Checksum, of.Hash)
	}
	return opened, nil
}
