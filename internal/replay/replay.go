// Package replay brings records back that were not marked: those that Firehose or the marker
// set aside, and those that were delivered with the verdict unknown. Objects of the output
// bucket go in. Records go back into the delivery stream, or marked objects come out.
//
// A replay can be ended and started again. What is done with an object is kept in a ledger, by
// the version of the object, so a second replay takes only what is new.
package replay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Bucket is the output bucket, as a replay uses it.
type Bucket interface {
	// List calls each for the objects under prefix, in the order of their keys.
	List(ctx context.Context, prefix string, each func(storage.Object) error) error
	// Open returns the bytes of an object that still has this ETag, or [storage.ErrNotFound].
	Open(ctx context.Context, key, etag string) (io.ReadCloser, error)
	// Create writes an object that is written only once, or returns [storage.ErrExists].
	Create(ctx context.Context, key, contentType string, body []byte) error
	// Replace replaces an object that still has this ETag, or returns [storage.ErrConflict]. The
	// ETag "" means that there is no object. It returns the new ETag.
	Replace(ctx context.Context, key, etag string, body io.ReadSeeker) (newETag string, err error)
}

// Folders of the output bucket for what a replay writes. They are outside the folders of logs.
const (
	ledgerPrefix     = "replay/ledger/"
	quarantinePrefix = "replay/quarantine/"
)

// Config configures a replay.
type Config struct {
	Bucket Bucket
	// Prefix begins the keys of the objects to replay.
	Prefix string
	// From and Until bound the times at which the objects were written. The zero times do not.
	From, Until time.Time
	// DryRun counts and changes nothing.
	DryRun bool
	// Progress is called after each object, and with [ToStream] after each batch. Default: nothing.
	Progress func(*Report)
}

// Report counts what a replay did.
type Report struct {
	Objects     int   `json:"objects"`      // that were replayed
	DoneBefore  int   `json:"done_before"`  // objects that an earlier replay finished
	Bytes       int64 `json:"bytes"`        // of the objects, as stored
	Records     int   `json:"records"`      // that came back
	Unchanged   int   `json:"unchanged"`    // of marked objects: records that stay as they are
	Quarantined int   `json:"quarantined"`  // records that cannot come back, see Quarantine
	Changed     int   `json:"changed"`      // objects that were rewritten
	ChangedAway int   `json:"changed_away"` // objects that changed or went while they were read
	// Quarantine is the folder of the records that cannot come back, "" if there are none.
	Quarantine string `json:"quarantine,omitempty"`
}

// mode is a way to replay an object.
type mode interface {
	// replay replays an object, from a line of it that the ledger names.
	replay(ctx context.Context, r *run, o *storage.Object) error
}

// run is one replay.
type run struct {
	Config
	id     string // of this replay, in the ledgers
	report Report
}

// start replays all objects in a mode.
func start(ctx context.Context, config Config, m mode) (*Report, error) {
	r := &run{Config: config, id: rand.Text()}
	err := config.Bucket.List(ctx, config.Prefix, func(o storage.Object) error {
		if !r.isWanted(&o) {
			return nil
		}
		if err := m.replay(ctx, r, &o); err != nil {
			return fmt.Errorf("replaying %q: %w", o.Key, err)
		}
		r.progress()
		return nil
	})
	return &r.report, err
}

// isWanted reports whether an object is within the times of the replay, and not a folder.
func (r *run) isWanted(o *storage.Object) bool {
	return !strings.HasSuffix(o.Key, "/") &&
		(r.From.IsZero() || !o.LastModified.Before(r.From)) && (r.Until.IsZero() || o.LastModified.Before(r.Until))
}

func (r *run) progress() {
	if r.Progress != nil {
		r.Progress(&r.report)
	}
}

// identity returns a text for keys that stands for the version of an object.
func identity(o *storage.Object) string {
	const digits = 32
	sum := sha256.Sum256([]byte(o.Key + "\n" + strings.Trim(o.ETag, `"`)))
	return hex.EncodeToString(sum[:])[:digits]
}

// quarantine writes records that cannot come back, in the form in which Firehose sets records
// aside. The line of the first one makes the key, so a repeat writes the same object.
func (r *run) quarantine(ctx context.Context, o *storage.Object, records []failed) error {
	if len(records) == 0 {
		return nil
	}
	r.report.Quarantined += len(records)
	r.report.Quarantine = quarantinePrefix
	if r.DryRun {
		return nil
	}
	var body []byte
	for i := range records {
		body = records[i].append(body)
	}
	key := fmt.Sprintf("%s%s-%d.json", quarantinePrefix, identity(o), records[0].line)
	if err := r.Bucket.Create(ctx, key, "application/x-ndjson", body); err != nil && !errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("writing to the quarantine: %w", err)
	}
	return nil
}
