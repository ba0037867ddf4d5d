package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Prefix is the folder of the index bucket that holds all objects of this package.
// CurrentKey is the key of the pointer to the index in service.
const (
	Prefix     = settings.IndexPrefix
	CurrentKey = Prefix + "CURRENT"
)

// objectSuffix is the file name extension of index files.
const objectSuffix = ".rwx"

// Limits of a pointer.
const (
	maxCurrentBytes   = 1 << 20 // 1 MiB
	maxVersionIDBytes = 1024    // the limit of S3
	maxSnapshotBytes  = 128

	// MaxCurrentFeeds is how many feeds a pointer has room for, besides the manual entries,
	// whatever their ids and versions are.
	MaxCurrentFeeds = 500
	// MaxGeneration is the highest generation. Most readers of JSON have no larger integers.
	MaxGeneration = 1<<53 - 1
	// maxClockSkew is how far the clock of a writer may be ahead of that of a reader.
	maxClockSkew = 5 * time.Minute
)

// Lengths of the hashes, in hexadecimal digits.
const (
	checksumDigits    = 2 * checksumBytes
	contentHashDigits = 64
)

// ErrCurrent reports a pointer that is malformed or contradicts itself.
var ErrCurrent = errors.New("invalid index pointer")

// Current names the index file in service. Generations only increase: Highest is the last
// one that was assigned, which is higher than Generation after a rollback.
type Current struct {
	Generation  uint64 `json:"generation"`
	Highest     uint64 `json:"highest"`
	Object      string `json:"object"`       // key of the index file
	Hash        string `json:"hash"`         // [Info.Checksum] of the index
	ContentHash string `json:"content_hash"` // [Info.ContentHash] of the index
	// RenewedAt is when a publish last confirmed that this index matches the feeds.
	RenewedAt time.Time `json:"renewed_at"`
	// Pinned keeps publishes from moving the pointer after a rollback. Pin says who pinned
	// it.
	Pinned bool          `json:"pinned"`
	Pin    *Pin          `json:"pin,omitempty"`
	Feeds  []CurrentFeed `json:"feeds"`
}

// Pin says who pinned a pointer, when, and optionally why.
type Pin struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// same reports whether two pointers are equal.
func (c *Current) same(other *Current) bool {
	return c.Generation == other.Generation && c.Highest == other.Highest && c.Object == other.Object &&
		c.Pinned == other.Pinned && c.Pin.same(other.Pin) && c.RenewedAt.Equal(other.RenewedAt) &&
		slices.Equal(c.Feeds, other.Feeds)
}

func (p *Pin) same(other *Pin) bool {
	if p == nil || other == nil {
		return p == other
	}
	return p.By == other.By && p.Reason == other.Reason && p.At.Equal(other.At)
}

// CurrentFeed is a list that the index was built from.
type CurrentFeed struct {
	ID        indicator.FeedID `json:"id"`
	VersionID string           `json:"versionId"` // version of the list object; empty for manual entries
	Count     int              `json:"count"`     // number of entries
	// Snapshot is the last part of the key of the accepted list, and Bytes is what the list
	// costs in an index at most. VetoesAll is set for an allow list. These are not set for
	// manual entries, nor by earlier versions.
	Snapshot  string `json:"snapshot,omitempty"`
	Bytes     int64  `json:"bytes,omitempty"`
	VetoesAll bool   `json:"vetoes_all,omitempty"`
}

// ObjectKey returns the key of the index file of a generation.
func ObjectKey(generation uint64, checksum string) string {
	return fmt.Sprintf("%s%d-%s%s", Prefix, generation, checksum, objectSuffix)
}

// ParseObjectKey is the inverse of [ObjectKey]. ok is false for other keys.
func ParseObjectKey(key string) (generation uint64, checksum string, ok bool) {
	name, isObject := strings.CutSuffix(strings.TrimPrefix(key, Prefix), objectSuffix)
	number, checksum, _ := strings.Cut(name, "-")
	generation, err := strconv.ParseUint(number, 10, 64)
	if !isObject || err != nil || !isHex(checksum, checksumDigits) || ObjectKey(generation, checksum) != key {
		return 0, "", false
	}
	return generation, checksum, true
}

// ManifestKey returns the key of the manifest of a generation. The manifest stays when the
// index file is deleted.
func ManifestKey(generation uint64) string { return fmt.Sprintf("%s%d.json", Prefix, generation) }

// DecodeCurrent decodes a pointer. It ignores unknown members, so that a reader keeps
// working while a newer writer is deployed. The error wraps [ErrCurrent]. If the pointer can
// be decoded but is not valid, it is returned together with the error.
func DecodeCurrent(data []byte) (Current, error) {
	if len(data) > maxCurrentBytes {
		return Current{}, fmt.Errorf("%w: has %d bytes, at most %d are allowed", ErrCurrent, len(data), maxCurrentBytes)
	}
	var c Current
	var number *json.UnmarshalTypeError // a number out of range, for example
	if err := json.Unmarshal(data, &c); errors.As(err, &number) {
		return c, fmt.Errorf("%w: %w", ErrCurrent, err)
	} else if err != nil {
		return Current{}, fmt.Errorf("%w: %w", ErrCurrent, err)
	}
	err := c.Validate()
	return c, err
}

// Encode returns c as JSON with a final newline. It returns the error of
// [Current.Validate] if c is invalid, so that every encoded pointer can be decoded.
func (c *Current) Encode() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCurrent, err)
	}
	if len(data) >= maxCurrentBytes {
		return nil, fmt.Errorf("%w: has %d bytes, at most %d are allowed", ErrCurrent, len(data)+1, maxCurrentBytes)
	}
	return append(data, '\n'), nil
}

// Validate returns all problems of c as one error that wraps [ErrCurrent].
func (c *Current) Validate() error {
	var problems []error
	complain := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Generation == 0 || c.Generation > c.Highest {
		complain("generation %d: must be in [1, highest], highest is %d", c.Generation, c.Highest)
	}

	if c.Highest > MaxGeneration {
		complain("highest %d: must not be above %d", c.Highest, uint64(MaxGeneration))
	}

	if !isHex(c.Hash, checksumDigits) {
		complain("hash %.80q: must have %d lower-case hexadecimal digits", c.Hash, checksumDigits)
	} else if want := ObjectKey(c.Generation, c.Hash); c.Object != want {
		complain("object %.120q: must be %q, which follows from generation and hash", c.Object, want)
	}

	if !isHex(c.ContentHash, contentHashDigits) {
		complain("content_hash %.80q: must have %d lower-case hexadecimal digits", c.ContentHash, contentHashDigits)
	}

	if c.RenewedAt.IsZero() {
		complain("renewed_at: must be set")
	}

	problems = append(problems, checkFeeds(c.Feeds)...)
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCurrent, errors.Join(problems...))
}

// Check returns the error of [Current.Validate], or an error that also wraps [ErrCurrent] if
// the pointer was renewed in the future. Such a pointer would never become stale.
func (c *Current) Check(now time.Time) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if c.RenewedAt.After(now.Add(maxClockSkew)) {
		return fmt.Errorf("%w: renewed_at %s: is in the future, now is %s",
			ErrCurrent, c.RenewedAt.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

func checkFeeds(feeds []CurrentFeed) (problems []error) {
	seen := make(map[indicator.FeedID]bool, len(feeds))
	for _, f := range feeds {
		if _, err := indicator.NewFeedID(string(f.ID)); err != nil {
			problems = append(problems, err)
		}
		if seen[f.ID] {
			problems = append(problems, fmt.Errorf("feed %q: is listed twice", f.ID))
		}
		if f.Count < 0 || len(f.VersionID) > maxVersionIDBytes {
			problems = append(problems, fmt.Errorf("feed %q: count %d must not be negative, "+
				"versionId must have at most %d bytes", f.ID, f.Count, maxVersionIDBytes))
		}
		if len(f.Snapshot) > maxSnapshotBytes || f.Bytes < 0 {
			problems = append(problems, fmt.Errorf("feed %q: snapshot must have at most %d bytes, "+
				"bytes %d must not be negative", f.ID, maxSnapshotBytes, f.Bytes))
		}
		seen[f.ID] = true
	}
	return problems
}

func isHex(text string, digits int) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(text) == digits
}
