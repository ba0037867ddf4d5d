package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// assembler builds an index from accepted lists and manual entries.
type assembler struct {
	snapshots *snapshot.Store
	entries   table.Entries
	bounds    reach.Bounds
	memory    int64 // of the process; 0 means that it is not known
	metrics   *metric.Writer
	log       *slog.Logger
	now       func() time.Time
}

// source is a feed that goes into an index.
type source struct {
	index.CurrentFeed // its Count is set when the index is built
	// buildBytes is the memory that the list takes while the index is built.
	buildBytes int64
	// each calls add for every entry until add fails. An entry is valid during the call.
	each func(ctx context.Context, add func(*snapshot.Entry) error) error
}

// vetoesAll reports whether the allow entries of the feed veto the entries of all feeds.
func (s *source) vetoesAll() bool { return s.VetoesAll || s.ID == indicator.ManualFeed }

// builtIndex is a new index that was verified.
type builtIndex struct {
	at     time.Time
	data   []byte
	info   index.Info
	feeds  []index.CurrentFeed
	blocks int // number of block entries
	added  int // number of entries that their feed got after a given time

	sources []source // what it was built from, in the order of feeds
}

// note counts an entry.
func (b *builtIndex) note(entry *snapshot.Entry, since time.Time) {
	if entry.Action == indicator.ActionBlock {
		b.blocks++
	}
	if entry.AddedAt.After(since) {
		b.added++
	}
}

// lostError reports an accepted snapshot that cannot be read any more, or that is not the one
// that was accepted.
type lostError struct {
	feed indicator.FeedID
	err  error
}

// unusableError reports an index that no transformer would load.
type unusableError struct{ err error }

func (e *unusableError) Error() string { return "verifying the index: " + e.err.Error() }

func (e *unusableError) Unwrap() error { return e.err }

func (e *lostError) Error() string {
	return fmt.Sprintf("feed %q: the accepted list is lost and the feed's newest list cannot replace it; "+
		"upload a list of the feed again: %v", e.feed, e.err)
}

func (e *lostError) Unwrap() error { return e.err }

// sources returns the accepted lists of feeds that have not expired.
func (a *assembler) sources(rows []table.FeedRow) (sources []source) {
	for i := range rows {
		if row := &rows[i]; row.Accepted.Snapshot != "" && !row.Accepted.Expired(a.now()) {
			sources = append(sources, a.acceptedSource(row))
		}
	}
	return sources
}

// acceptedSource returns the accepted list of a feed.
func (a *assembler) acceptedSource(row *table.FeedRow) source {
	accepted := &row.Accepted
	cost := costOf(accepted)
	s := a.snapshotSource(accepted.Snapshot, index.CurrentFeed{
		ID:        row.ID,
		VersionID: accepted.Version,
		Snapshot:  snapshot.NameOf(accepted.Snapshot),
		Bytes:     cost.IndexBytes,
		VetoesAll: accepted.Action == indicator.ActionAllow,
	})
	s.buildBytes = cost.BuildBytes
	return s
}

// servedSource returns the list of a feed that the pointer names, as long as its snapshot is
// kept. Pointers of earlier versions do not name snapshots.
func (a *assembler) servedSource(served index.CurrentFeed) (source, bool) {
	if served.Snapshot == "" {
		return source{}, false
	}
	return a.snapshotSource(snapshot.KeyOf(served.ID, served.VersionID, served.Snapshot), served), true
}

// snapshotSource returns a feed whose entries are in a snapshot.
func (a *assembler) snapshotSource(key string, feed index.CurrentFeed) source {
	return source{
		CurrentFeed: feed,
		buildBytes:  servedBuildBytes(feed),
		each: func(ctx context.Context, add func(*snapshot.Entry) error) error {
			reader, err := a.snapshots.Open(ctx, key)
			if snapshot.IsLost(err) {
				return &lostError{feed.ID, err}
			}
			if err != nil {
				return fmt.Errorf("feed %q: %w", feed.ID, err)
			}
			defer reader.Close()

			for {
				entry, err := reader.Next()
				if err == nil && entry == nil {
					return nil
				}
				if err == nil {
					err = add(entry)
				}
				if snapshot.IsLost(err) {
					return &lostError{feed.ID, fmt.Errorf("reading %q: %w", key, err)}
				}
				if err != nil {
					return fmt.Errorf("feed %q: reading %q: %w", feed.ID, key, err)
				}
			}
		},
	}
}

// servedBuildBytes estimates the memory that a feed takes of which only the pointer is known.
func servedBuildBytes(feed index.CurrentFeed) int64 {
	return list.EstimateCost(feed.Count, feed.Bytes).BuildBytes
}

// manualSource returns the manual entries of the table, or nil if there are none. No guard
// is applied to them, and manual allow entries veto every feed. Only entries with which no
// transformer would load the index are left out, because they would block every newer
// index.
func (a *assembler) manualSource(ctx context.Context) (*source, error) {
	var entries []snapshot.Entry
	for entry, err := range a.entries.Entries(ctx, indicator.ManualFeed) {
		var bad *table.EntryError
		switch {
		case errors.As(err, &bad):
			a.metrics.Put(metric.Count(metric.BadTableEdits, 1))
			a.log.WarnContext(ctx, "manual entry is left out", "name", bad.Name, "entry", bad.Sort, "why", bad.Err)
		case err != nil:
			return nil, fmt.Errorf("reading the manual entries: %w", err)
		case matchesCanary(&entry.Indicator):
			a.metrics.Put(metric.Count(metric.BadTableEdits, 1))
			a.log.WarnContext(ctx, "manual entry is left out", "name", entry.Value(), "entry", entry.Scope.String(),
				"why", "it matches all of .com, .invalid or amazonaws.com, so no transformer would load the index")
		default:
			entries = append(entries, entry)
		}
	}
	if len(entries) == 0 {
		return nil, nil
	}

	return &source{
		CurrentFeed: index.CurrentFeed{ID: indicator.ManualFeed},
		each: func(_ context.Context, add func(*snapshot.Entry) error) error {
			for i := range entries {
				if err := add(&entries[i]); err != nil {
					return fmt.Errorf("feed %q: %w", indicator.ManualFeed, err)
				}
			}
			return nil
		},
	}, nil
}

// build merges the sources into an index and verifies it. It counts the entries that are newer
// than since.
func (a *assembler) build(ctx context.Context, sources []source, generation uint64, since time.Time) (*builtIndex, error) {
	now, builder, check := a.now(), index.NewBuilder(), newSelfCheck()
	built := &builtIndex{at: now}
	sources = slices.SortedFunc(slices.Values(sources), func(a, b source) int { return cmp.Compare(a.ID, b.ID) })
	for _, s := range sources {
		builder.Feed(s.ID, s.vetoesAll())
		feed := s.CurrentFeed
		feed.Count = 0
		err := s.each(ctx, func(entry *snapshot.Entry) error {
			if hasEnded(&entry.Indicator, now) {
				return nil
			}
			feed.Count++
			built.note(entry, since)
			check.note(&entry.Indicator)
			return builder.Add(s.ID, &entry.Indicator)
		})
		if err != nil {
			return nil, fmt.Errorf("building the index: %w", err)
		}
		built.feeds = append(built.feeds, feed)
	}
	built.sources = sources

	a.dropOverreach(ctx, builder, sources, check, built)

	var err error
	if built.data, err = builder.Build(index.Options{Generation: generation, BuiltAt: now}); err != nil {
		return nil, err
	}
	opened, err := index.Open(built.data)
	if err == nil {
		err = check.run(opened, a.bounds)
	}
	if err != nil {
		return nil, &unusableError{err}
	}
	built.info = opened.Info()
	return built, nil
}

func hasEnded(entry *indicator.Indicator, now time.Time) bool {
	return !entry.ExpiresAt.IsZero() && !entry.ExpiresAt.After(now)
}
