// Package importer keeps the served index equal to what the feeds say: an event comes
// in, an accepted snapshot, a published index and an updated table come out.
//
// An event is a hint. The importer looks for itself which object of a feed is the
// newest, so events may be lost, repeated and out of order.
//
// One run reads the list, guards, writes the accepted snapshot, moves the feed's row
// to it, builds an index out of the snapshots that all rows name, verifies it, writes
// it, moves the pointer CURRENT, and last brings the table to the new snapshot.
//
// # What holds at every moment
//
//   - CURRENT names a whole index that was verified. It moves on only by a write that
//     names what was read before, and feed rows are read after it: of two importers
//     one decides again, and no generation falls behind the rows that an earlier one
//     was built from.
//   - No generation holds a part of a list: snapshots are written whole before a row
//     names them, and never again.
//   - Killed at any call, the old index serves on and the same event, or any later
//     run, completes the work. A call that was made and whose reply was lost is
//     recognised as done.
//   - The table follows; no verdict is taken from it.
package importer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// ForceKey is the name of the metadata, or tag, of a list object whose value is the
// reason why guards are overridden for it.
const ForceKey = "resolverwatch-force"

// Config is what an [Importer] works with. Ports and MaxIndexBytes are required.
type Config struct {
	Lists    Lists
	Archive  Archive
	Settings Settings
	Rows     FeedRows
	Table    Table
	Index    IndexStore
	// Indicators takes the entries that went into an index, for SQL to ask.
	//
	// Default: they are not published.
	Indicators Indicators
	// Fetch gets the lists of feeds that have a URL.
	//
	// Default: all lists are uploaded.
	Fetch FetchPorts
	// Log takes what happens, with feed ids and keys, never with what a list says.
	//
	// Default: it is not told.
	Log *slog.Logger
	// Metrics takes lines in Embedded Metric Format, with Stack as the dimension.
	//
	// Default: nothing is counted.
	Metrics io.Writer
	Stack   string
	// Now is the clock.
	//
	// Default: [time.Now].
	Now func() time.Time
	// LegacyKey is the one list that is the feed "default" wherever it lies.
	LegacyKey string
	Guards    Guards
	// DeletionGrace is how long a feed counts whose last list was deleted.
	//
	// Default: not at all.
	DeletionGrace time.Duration
	// MaxIndexBytes bounds the index by what a transformer can load.
	MaxIndexBytes int
}

// Importer is the use case. It is safe for concurrent use, and beside importers in
// other processes.
type Importer struct {
	lists     Lists
	archive   Archive
	settings  Settings
	rows      FeedRows
	table     Table
	index     IndexStore
	published Indicators // nil if they are not
	fetch     FetchPorts
	metrics   *metrics
	log       *slog.Logger
	now       func() time.Time // in UTC, to the second, so that it survives being stored
	legacyKey string
	guards    Guards
	grace     time.Duration
	maxBytes  int
}

// New returns an importer. The error joins what is missing in c.
func New(c Config) (*Importer, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configuring the importer: %w", err)
	}
	clock := c.Now
	if clock == nil {
		clock = time.Now
	}
	now := func() time.Time { return clock().UTC().Truncate(time.Second) }
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = io.Discard
	}
	return &Importer{
		lists:     c.Lists,
		archive:   c.Archive,
		settings:  c.Settings,
		rows:      c.Rows,
		table:     c.Table,
		index:     c.Index,
		published: c.Indicators,
		fetch:     c.Fetch,
		metrics:   &metrics{out: c.Metrics, stack: c.Stack, now: now},
		log:       c.Log,
		now:       now,
		legacyKey: c.LegacyKey,
		guards:    c.Guards,
		grace:     c.DeletionGrace,
		maxBytes:  c.MaxIndexBytes,
	}, nil
}

func (c *Config) validate() error {
	var problems []error
	for _, port := range []struct {
		name    string
		missing bool
	}{
		{"lists", c.Lists == nil},
		{"archive", c.Archive == nil},
		{"settings", c.Settings == nil},
		{"rows", c.Rows == nil},
		{"table", c.Table == nil},
		{"index", c.Index == nil},
	} {
		if port.missing {
			problems = append(problems, fmt.Errorf("%s: must be set", port.name))
		}
	}
	if c.Fetch != (FetchPorts{}) && (c.Fetch.Fetcher == nil || c.Fetch.Secrets == nil || c.Fetch.Inbox == nil) {
		problems = append(problems, errors.New("fetch: must be set whole or not at all"))
	}
	if c.MaxIndexBytes <= 0 {
		problems = append(problems, fmt.Errorf("max index bytes %d: must be above 0", c.MaxIndexBytes))
	}
	return errors.Join(problems...)
}

// newOwner returns a word that no other run has.
func (im *Importer) newOwner() string { return rand.Text() }

// Trigger is why the importer runs.
type Trigger struct {
	Key  string           // an object in the list bucket changed; or
	Feed indicator.FeedID // a feed should be looked at; or neither: look at all, and publish
	// Force is the reason why guards are overridden for this run, and why a feed that
	// has no list any more goes at once.
	Force string
}

// Handle does what the triggers ask for. Lists that are refused are no error: they are
// reported, and trying again would refuse them again. An error means that the run is
// to be tried again; what it completed stays.
func (im *Importer) Handle(ctx context.Context, triggers ...Trigger) error {
	if err := im.handle(ctx, triggers); err != nil {
		im.metrics.put(count(MetricImportFailed, 1))
		return err
	}
	return nil
}
