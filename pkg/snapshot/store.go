package snapshot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Objects is where snapshots are kept.
type Objects interface {
	// Create writes an object that is never written again; [storage.ErrExists].
	Create(ctx context.Context, key string, body []byte) error
	// Read returns an object, or [storage.ErrNotFound].
	Read(ctx context.Context, key string) (io.ReadCloser, error)
}

// Store keeps snapshots.
type Store struct {
	objects Objects
	log     *slog.Logger
}

// NewStore returns a store of the snapshots in objects. The log takes what is lost.
func NewStore(objects Objects, log *slog.Logger) *Store { return &Store{objects, log} }

// Create keeps a list and returns its key, and how many of its entries the snapshot
// under the key base has too: they keep the time when they were added.
//
// No key is ever used twice, so that a sweep deletes what it saw and nothing newer: a
// run that was cut off leaves its snapshot to the sweep and writes another.
func (s *Store) Create(ctx context.Context, head Head, entries *list.List, base string) (key string, kept int, err error) {
	before, err := s.OpenReplaced(ctx, base)
	if err != nil {
		return "", 0, err
	}
	defer before.Close()
	body, kept, err := write(head, entries, before)
	if err != nil {
		return "", 0, err
	}
	const enough = 12 // of 5 bits a letter
	key = KeyStem(head.Feed, head.Version) + "." + strings.ToLower(rand.Text()[:enough])
	err = s.objects.Create(ctx, key, body)
	if err != nil && !errors.Is(err, storage.ErrExists) { // the reply to a first try was lost
		return "", 0, fmt.Errorf("writing a snapshot: %w", err)
	}
	return key, kept, nil
}

// KeyStem returns what all keys of snapshots of one version of a list begin with: all but
// their ending, which is a dot and a word that no other has.
func KeyStem(feed indicator.FeedID, version string) string {
	return settings.AcceptedPrefix + string(feed) + "/" + version
}

// StemOf returns the key of a snapshot without its ending; see [KeyStem].
func StemOf(key string) string { return key[:max(0, strings.LastIndexByte(key, '.'))] }

// Open opens a snapshot. Of no snapshot the reader is nil, which has no entries.
func (s *Store) Open(ctx context.Context, key string) (*Reader, error) {
	if key == "" {
		return nil, nil
	}
	body, err := s.objects.Read(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot %q: %w", key, err)
	}
	snapshot, err := open(body)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot %q: %w", key, err)
	}
	return snapshot, nil
}

// OpenReplaced opens a snapshot that is about to be replaced. What of it is lost counts
// as empty, so that a new list is not kept out by the loss of an old one: added_at then
// begins anew, and table rows of entries that are gone stay.
func (s *Store) OpenReplaced(ctx context.Context, key string) (*Reader, error) {
	forgive := func(err error) { s.log.WarnContext(ctx, "an accepted list is lost", "key", key, "why", err) }
	snapshot, err := s.Open(ctx, key)
	if IsLost(err) {
		forgive(err)
		return nil, nil
	}
	if snapshot != nil {
		snapshot.forgive = forgive
	}
	return snapshot, err
}

// IsLost reports whether an error means that a snapshot is gone or damaged.
func IsLost(err error) bool {
	return errors.Is(err, storage.ErrNotFound) || errors.Is(err, errSnapshot)
}
