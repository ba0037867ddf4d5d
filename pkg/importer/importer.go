// Package importer decides which lists count and publishes them. It is triggered by an
// event; it leaves an accepted snapshot, a published index and an updated table.
//
// An event is only a hint. The importer itself looks for the newest object of a feed, so
// events may be lost, repeated or out of order.
//
// A run reads the list, applies the guards, writes the accepted snapshot and moves the
// feed's row to it. Then it builds an index from the snapshots that all rows name,
// verifies it, writes it and moves the pointer CURRENT. The table is updated last.
//
// One feed never keeps the others from being published. A feed whose list ended a run is
// imported after the others are published, and after two runs the list is set aside. A feed
// whose snapshot is lost or makes the index too large keeps the list that was published
// before.
//
// # Invariants
//
//   - CURRENT names a complete index that was verified. CURRENT moves only by a
//     conditional write, and the feed rows are read after CURRENT. So if two importers
//     publish at once, one of them has to decide again, and no generation is built from
//     older rows than the one before it.
//   - No generation contains part of a list: a snapshot is written completely before a
//     row names it, and it is never written again. The row also says what the snapshot
//     contains, so a snapshot that somebody replaced does not count.
//   - If the importer is killed at any call, the old index keeps serving, and the next run
//     completes the work. If only the reply to a call was lost, the next run recognises
//     that the call was made.
//   - The table follows the index. No verdict depends on the table.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// Config configures an [Importer]. The ports without a default, and MaxIndexBytes, are
// required.
type Config struct {
	Lists    Lists
	Archive  Archive
	Settings Settings
	Rows     table.FeedRows
	Entries  table.Entries
	Pointer  index.Pointer
	Indexes  Indexes
	// Indicators stores the entries of the index for SQL queries.
	//
	// Default: they are not published.
	Indicators Indicators
	// Events receives an event for each new generation, if Announce is set.
	//
	// Default: no events are sent.
	Events   Events
	Announce bool
	// Fetch fetches the lists of feeds that have a URL.
	//
	// Default: all lists are uploaded.
	Fetch FetchPorts
	// SecretPins say which secret of which feed may be sent to which host: see
	// [settings.PinSecrets].
	//
	// Default: no secret is sent, so feeds with a secret are not fetched.
	SecretPins []string
	// Log receives events with feed ids and keys, never with the content of a list.
	//
	// Default: nothing is logged.
	Log *slog.Logger
	// Metrics receives lines in the Embedded Metric Format, with Stack as the dimension.
	//
	// Default: nothing is counted.
	Metrics io.Writer
	Stack   string
	// Now is the clock.
	//
	// Default: [time.Now].
	Now func() time.Time
	// ListKey is the key of the single list that is the feed "default": the setting
	// importer.listKey.
	ListKey string
	Guards  list.Guards
	// DeletionGrace is how long a feed stays in the index after its last list was deleted.
	//
	// Default: the feed is removed at once.
	DeletionGrace time.Duration
	// MaxIndexBytes is the size of the largest index that a transformer can load.
	MaxIndexBytes int
}

// Importer imports lists and publishes the index. It is safe for concurrent use, and
// several processes may run importers for the same feeds.
type Importer struct {
	lists    Lists
	rows     table.FeedRows
	listKey  string
	guards   list.Guards
	maxBytes int

	fetcher   *fetchStep // nil if all lists are uploaded
	acceptor  *acceptor
	publisher *publisher
	syncer    *table.Syncer

	metrics *metric.Writer
	log     *slog.Logger
	now     func() time.Time
}

// New returns an importer. The error joins everything that is missing in c.
func New(c Config) (*Importer, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configuring the importer: %w", err)
	}
	c.setDefaults()

	metrics := metric.NewWriter(c.Metrics, c.Stack, c.Now)
	snapshots := snapshot.NewStore(c.Archive, c.Log)
	reports := &reporter{archive: c.Archive, metrics: metrics, log: c.Log, now: c.Now}
	assembler := &assembler{
		snapshots: snapshots,
		entries:   c.Entries,
		bounds:    reach.NewBounds(c.Guards.ReachBounds),
		memory:    c.Guards.Memory,
		metrics:   metrics,
		log:       c.Log,
		now:       c.Now,
	}
	return &Importer{
		lists:     c.Lists,
		rows:      c.Rows,
		listKey:   c.ListKey,
		guards:    c.Guards,
		maxBytes:  c.MaxIndexBytes,
		fetcher:   c.newFetchStep(reports, metrics),
		acceptor:  c.newAcceptor(snapshots, assembler, reports, metrics),
		publisher: c.newPublisher(assembler, reports, metrics),
		syncer: &table.Syncer{
			Rows:      c.Rows,
			Entries:   c.Entries,
			Snapshots: snapshots,
			Now:       c.Now,
			Log:       c.Log,
			Changed:   func(rows int) { metrics.Put(metric.Count(metric.TableChanges, rows)) },
		},
		metrics: metrics,
		log:     c.Log,
		now:     c.Now,
	}, nil
}

// newFetchStep returns nil if all lists are uploaded.
func (c *Config) newFetchStep(reports *reporter, metrics *metric.Writer) *fetchStep {
	if c.Fetch == (FetchPorts{}) {
		return nil
	}
	return &fetchStep{
		FetchPorts: c.Fetch,
		lists:      c.Lists,
		settings:   c.Settings,
		rows:       c.Rows,
		guards:     c.Guards,
		reports:    reports,
		metrics:    metrics,
		log:        c.Log,
		now:        c.Now,
		pins:       c.SecretPins,
	}
}

func (c *Config) newAcceptor(
	snapshots *snapshot.Store, assembler *assembler, reports *reporter, metrics *metric.Writer,
) *acceptor {
	return &acceptor{
		lists:     c.Lists,
		settings:  c.Settings,
		rows:      c.Rows,
		snapshots: snapshots,
		reports:   reports,
		size:      &sizeCheck{pointer: c.Pointer, rows: c.Rows, assembler: assembler, maxBytes: c.MaxIndexBytes},
		attempts:  &attempts{rows: c.Rows, log: c.Log, now: c.Now},
		reach:     &reachCheck{rows: c.Rows, assembler: assembler, guards: &c.Guards},
		absences:  &absences{rows: c.Rows, grace: c.DeletionGrace, metrics: metrics, log: c.Log, now: c.Now},
		listKey:   c.ListKey,
		metrics:   metrics,
		log:       c.Log,
	}
}

func (c *Config) newPublisher(assembler *assembler, reports *reporter, metrics *metric.Writer) *publisher {
	return &publisher{
		pointer:    &pointerReader{pointer: c.Pointer, indexes: c.Indexes, metrics: metrics, log: c.Log, now: c.Now},
		indexes:    c.Indexes,
		rows:       c.Rows,
		assembler:  assembler,
		indicators: &indicatorWriter{store: c.Indicators, pointer: c.Pointer, metrics: metrics, log: c.Log},
		reports:    reports,
		sweeper:    &sweeper{indexes: c.Indexes, lists: c.Lists, archive: c.Archive, rows: c.Rows, now: c.Now},
		announcer:  c.newAnnouncer(metrics),
		maxBytes:   c.MaxIndexBytes,
		metrics:    metrics,
		log:        c.Log,
		now:        c.Now,
	}
}

func (c *Config) newAnnouncer(metrics *metric.Writer) *announcer {
	a := &announcer{stack: c.Stack, metrics: metrics, log: c.Log}
	if c.Announce {
		a.events = c.Events
	}
	return a
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
		{"entries", c.Entries == nil},
		{"pointer", c.Pointer == nil},
		{"indexes", c.Indexes == nil},
	} {
		if port.missing {
			problems = append(problems, fmt.Errorf("%s: must be set", port.name))
		}
	}

	if c.Fetch != (FetchPorts{}) && (c.Fetch.Fetcher == nil || c.Fetch.Secrets == nil || c.Fetch.Inbox == nil) {
		problems = append(problems, errors.New("fetch: set all of its ports or none"))
	}
	if c.MaxIndexBytes <= 0 {
		problems = append(problems, fmt.Errorf("max index bytes %d: must be above 0", c.MaxIndexBytes))
	}
	return errors.Join(problems...)
}

func (c *Config) setDefaults() {
	clock := c.Now
	if clock == nil {
		clock = time.Now
	}
	// Stored times have no fractions of a second.
	c.Now = func() time.Time { return clock().UTC().Truncate(time.Second) }
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = io.Discard
	}
}

// Trigger says why the importer runs. At most one of Key and Feed is set. If neither is,
// the importer looks at all feeds and publishes.
type Trigger struct {
	Key  string           // an object in the list bucket that changed
	Feed indicator.FeedID // a feed to look at
	// Force is the reason to override the guards in this run. A feed without any list is
	// removed at once if Force is set.
	Force string
}

// Handle runs the importer for some triggers. A refused list is not an error: it is
// reported, and another attempt would refuse it again. After an error the caller should
// try again; the work that was completed is kept.
func (im *Importer) Handle(ctx context.Context, triggers ...Trigger) error {
	if err := im.handle(ctx, triggers); err != nil {
		im.metrics.Put(metric.Count(metric.ImportFailed, 1))
		return err
	}
	return nil
}
