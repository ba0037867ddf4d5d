package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// assembler builds an index from accepted lists and manual entries.
type assembler struct {
	snapshots *snapshot.Store
	entries   table.Entries
	metrics   *metrics
	log       *slog.Logger
	now       func() time.Time
}

// source is a feed that goes into an index.
type source struct {
	id        indicator.FeedID
	version   string
	vetoesAll bool
	// each calls add for every entry until add fails. An entry is valid during the call.
	each func(ctx context.Context, add func(*snapshot.Entry) error) error
}

// builtIndex is a new index that was verified.
type builtIndex struct {
	at     time.Time
	data   []byte
	info   index.Info
	feeds  []index.CurrentFeed
	blocks int // number of block entries
}

// lostError reports an accepted snapshot that cannot be read any more.
type lostError struct {
	feed indicator.FeedID
	err  error
}

func (e *lostError) Error() string {
	return fmt.Sprintf("feed %q: the accepted list is lost and the feed's newest list cannot replace it; "+
		"upload a list of the feed again: %v", e.feed, e.err)
}

func (e *lostError) Unwrap() error { return e.err }

// sources returns what goes into the index: the manual entries, and the accepted lists of
// all feeds that have not expired.
func (a *assembler) sources(ctx context.Context, rows []table.FeedRow) ([]source, error) {
	var sources []source
	for _, row := range rows {
		switch {
		case row.Accepted.Snapshot == "":
		case row.Accepted.Expired(a.now()):
			a.metrics.put(count(metricFeedExpired, 1))
			a.log.WarnContext(ctx, "feed is left out because it is older than its maxAge",
				"feed", row.ID, "accepted", row.Accepted.At, "max_age", row.Accepted.MaxAge)
		default:
			sources = append(sources, a.snapshotSource(&row))
		}
	}

	manual, err := a.manualSource(ctx)
	if err != nil {
		return nil, err
	}
	if manual != nil {
		sources = append(sources, *manual)
	}
	slices.SortFunc(sources, func(a, b source) int { return strings.Compare(string(a.id), string(b.id)) })
	return sources, nil
}

// snapshotSource returns the accepted list of a feed.
func (a *assembler) snapshotSource(row *table.FeedRow) source {
	accepted, id := row.Accepted, row.ID
	return source{
		id:        id,
		version:   accepted.Version,
		vetoesAll: accepted.Action == indicator.ActionAllow,
		each: func(ctx context.Context, add func(*snapshot.Entry) error) error {
			reader, err := a.snapshots.Open(ctx, accepted.Snapshot)
			if snapshot.IsLost(err) {
				return &lostError{id, err}
			}
			if err != nil {
				return fmt.Errorf("feed %q: %w", id, err)
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
					return &lostError{id, fmt.Errorf("reading %q: %w", accepted.Snapshot, err)}
				}
				if err != nil {
					return fmt.Errorf("feed %q: reading %q: %w", id, accepted.Snapshot, err)
				}
			}
		},
	}
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
			a.metrics.put(count(metricBadEdits, 1))
			a.log.WarnContext(ctx, "manual entry is left out", "name", bad.Name, "entry", bad.Sort, "why", bad.Err)
		case err != nil:
			return nil, fmt.Errorf("reading the manual entries: %w", err)
		case matchesCanary(&entry.Indicator):
			a.metrics.put(count(metricBadEdits, 1))
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
		id:        indicator.ManualFeed,
		vetoesAll: true,
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

// build merges the sources into an index and verifies it.
func (a *assembler) build(ctx context.Context, sources []source, generation uint64) (*builtIndex, error) {
	now, builder, check := a.now(), index.NewBuilder(), newSelfCheck()
	built := &builtIndex{at: now}
	for _, s := range sources {
		builder.Feed(s.id, s.vetoesAll)
		count := 0
		err := s.each(ctx, func(entry *snapshot.Entry) error {
			if hasEnded(&entry.Indicator, now) {
				return nil
			}
			count++
			if entry.Action == indicator.ActionBlock {
				built.blocks++
			}
			check.note(&entry.Indicator)
			return builder.Add(s.id, &entry.Indicator)
		})
		if err != nil {
			return nil, fmt.Errorf("building the index: %w", err)
		}
		built.feeds = append(built.feeds, index.CurrentFeed{ID: s.id, VersionID: s.version, Count: count})
	}

	a.dropOverreach(ctx, builder, sources, check, built)

	var err error
	if built.data, err = builder.Build(index.Options{Generation: generation, BuiltAt: now}); err != nil {
		return nil, err
	}
	opened, err := index.Open(built.data)
	if err == nil {
		err = check.run(opened)
	}
	if err != nil {
		return nil, fmt.Errorf("verifying the index: %w", err)
	}
	built.info = opened.Info()
	return built, nil
}

func hasEnded(entry *indicator.Indicator, now time.Time) bool {
	return !entry.ExpiresAt.IsZero() && !entry.ExpiresAt.After(now)
}
