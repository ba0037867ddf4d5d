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

// Objects stores the objects of snapshots.
type Objects interface {
	// Create writes an object that is written only once, or returns [storage.ErrExists].
	Create(ctx context.Context, key string, body []byte) error
	// Read returns an object, or [storage.ErrNotFound].
	Read(ctx context.Context, key string) (io.ReadCloser, error)
}

// Store stores snapshots.
type Store struct {
	objects Objects
	log     *slog.Logger
}

// NewStore returns a store that keeps snapshots in objects and logs lost snapshots.
func NewStore(objects Objects, log *slog.Logger) *Store { return &Store{objects, log} }

// randomLetters is the length of the random word in a key: 60 bits.
const randomLetters = 12

// Create writes a snapshot of a list. It returns the key of the snapshot, and how many of its
// entries are also in the snapshot with the key base. Those keep their AddedAt.
//
// Every key is used only once. So a sweep deletes only objects that it listed, and a run
// that was killed leaves its snapshot to the sweep, while the next run writes another one.
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

	key = KeyStem(head.Feed, head.Version) + "." + strings.ToLower(rand.Text()[:randomLetters])
	err = s.objects.Create(ctx, key, body)
	if err != nil && !errors.Is(err, storage.ErrExists) { // the reply to an earlier attempt was lost
		return "", 0, fmt.Errorf("writing a snapshot: %w", err)
	}
	return key, kept, nil
}

// KeyStem returns the common part of all keys of snapshots of one version of a list. A dot
// and a random word follow it.
func KeyStem(feed indicator.FeedID, version string) string {
	return settings.AcceptedPrefix + string(feed) + "/" + version
}

// StemOf returns the stem of a key; see [KeyStem].
func StemOf(key string) string { return key[:max(0, strings.LastIndexByte(key, '.'))] }

// Open opens a snapshot. With an empty key the reader is nil; a nil reader has no entries.
func (s *Store) Open(ctx context.Context, key string) (*Reader, error) {
	if key == "" {
		return nil, nil
	}
	body, err := s.objects.Read(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot %q: %w", key, err)
	}
	reader, err := open(body)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot %q: %w", key, err)
	}
	return reader, nil
}

// OpenReplaced opens a snapshot that is about to be replaced. If it is lost, or from where it
// is damaged, it counts as empty, so that a lost list does not prevent a new one from being
// accepted. Entries then get a new AddedAt, and table rows of entries that are gone are not
// deleted.
func (s *Store) OpenReplaced(ctx context.Context, key string) (*Reader, error) {
	onDamage := func(err error) { s.log.WarnContext(ctx, "accepted list is lost", "key", key, "why", err) }
	reader, err := s.Open(ctx, key)
	if IsLost(err) {
		onDamage(err)
		return nil, nil
	}
	if reader != nil {
		reader.onDamage = onDamage
	}
	return reader, err
}

// IsLost reports whether an error means that a snapshot does not exist or is damaged.
func IsLost(err error) bool { return errors.Is(err, storage.ErrNotFound) || errors.Is(err, errDamaged) }
