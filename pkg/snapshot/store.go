package snapshot

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
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

// content says what the object of a snapshot contains. The last part of a key has it, after a
// random word: `<word>-<size>-<SHA-256>`.
type content struct {
	size int64
	hash [sha256.Size]byte
}

func newContent(body []byte) *content { return &content{int64(len(body)), sha256.Sum256(body)} }

func (c *content) String() string { return fmt.Sprintf("%d-%x", c.size, c.hash) }

// contentOf returns the content of a key. It is nil for the keys of earlier versions, which
// do not have it. Feeds get new keys when their lists are next read.
func contentOf(key string) *content {
	words := strings.Split(key[len(StemOf(key)):], "-")
	if len(words) != 3 {
		return nil
	}
	var c content
	size, err := strconv.ParseInt(words[1], 10, 64)
	n, hashErr := hex.Decode(c.hash[:], []byte(words[2]))
	if err != nil || hashErr != nil || n != len(c.hash) {
		return nil
	}
	c.size = size
	return &c
}

// Kept counts the entries that two lists have in common.
type Kept struct {
	Entries int
	Changed int // those that are not the same in all their fields
}

// Create writes a snapshot of a list. It returns the key of the snapshot, and which of its
// entries are also in the snapshot with the key base. Those keep their AddedAt.
//
// The key contains the size and the hash of the object. So a feed row that names the key also
// says what the snapshot contains, and no other object counts as it. Every key is used only
// once. So a sweep deletes only objects that it listed, and a run that was killed leaves its
// snapshot to the sweep, while the next run writes another one.
func (s *Store) Create(ctx context.Context, head Head, entries *list.List, base string) (key string, kept Kept, err error) {
	before, err := s.OpenReplaced(ctx, base)
	if err != nil {
		return "", Kept{}, err
	}
	defer before.Close()
	body, kept, err := write(head, entries, before)
	if err != nil {
		return "", Kept{}, err
	}

	word := strings.ToLower(rand.Text()[:randomLetters])
	key = KeyStem(head.Feed, head.Version) + "." + word + "-" + newContent(body).String()
	err = s.objects.Create(ctx, key, body)
	if err != nil && !errors.Is(err, storage.ErrExists) { // the reply to an earlier attempt was lost
		return "", Kept{}, fmt.Errorf("writing a snapshot: %w", err)
	}
	return key, kept, nil
}

// KeyStem returns the common part of all keys of snapshots of one version of a list. A dot,
// a random word, the size and the hash of the object follow it.
func KeyStem(feed indicator.FeedID, version string) string {
	return settings.AcceptedPrefix + string(feed) + "/" + version
}

// StemOf returns the stem of a key; see [KeyStem].
func StemOf(key string) string { return key[:max(0, strings.LastIndexByte(key, '.'))] }

// NameOf returns the part of a key after its stem. It is at most 97 bytes long.
func NameOf(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// KeyOf returns the key that has a stem and a name.
func KeyOf(feed indicator.FeedID, version, name string) string {
	return KeyStem(feed, version) + "." + name
}

// Open opens a snapshot. With an empty key the reader is nil; a nil reader has no entries.
//
// Others may write to the bucket that holds the snapshots. So Open compares size and hash
// before anything is decompressed or parsed, and the reader compares them again at the end, in
// case the object was replaced in between.
func (s *Store) Open(ctx context.Context, key string) (*Reader, error) {
	if key == "" {
		return nil, nil
	}
	reader, err := s.open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot %q: %w", key, err)
	}
	return reader, nil
}

func (s *Store) open(ctx context.Context, key string) (*Reader, error) {
	want := contentOf(key)
	body, err := s.objects.Read(ctx, key)
	if err != nil || want == nil {
		return openIf(body, want, err)
	}
	err = newObjectReader(body, want).verify()
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	body, err = s.objects.Read(ctx, key)
	return openIf(body, want, err)
}

func openIf(body io.ReadCloser, want *content, err error) (*Reader, error) {
	if err != nil {
		return nil, err
	}
	return open(newObjectReader(body, want))
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
