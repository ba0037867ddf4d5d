package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// source is a feed on its way into an index.
type source struct {
	id        indicator.FeedID
	version   string
	vetoesAll bool
	// each calls add for every entry, until add fails. The entry is valid during the call.
	each func(ctx context.Context, add func(*Entry) error) error
}

// built is a new index that was verified.
type built struct {
	at     time.Time
	data   []byte
	info   index.Info
	feeds  []index.CurrentFeed
	blocks int // block entries
}

// sources returns what goes into the index: the accepted lists of all feeds that are
// young enough, and own edits.
func (im *Importer) sources(ctx context.Context, rows []FeedRow) ([]source, error) {
	var sources []source
	for _, row := range rows {
		switch {
		case row.Accepted.Snapshot == "":
		case row.Accepted.Expired(im.now()):
			im.metrics.put(count(MetricFeedExpired, 1))
			im.log.WarnContext(ctx, "feed is left out, it is older than its maxAge",
				"feed", row.ID, "accepted", row.Accepted.At, "max_age", row.Accepted.MaxAge)
		default:
			sources = append(sources, im.snapshotSource(&row))
		}
	}
	edits, err := im.manualSource(ctx)
	if err != nil {
		return nil, err
	}
	if edits != nil {
		sources = append(sources, *edits)
	}
	slices.SortFunc(sources, func(a, b source) int { return strings.Compare(string(a.id), string(b.id)) })
	return sources, nil
}

func (im *Importer) snapshotSource(row *FeedRow) source {
	accepted, id := row.Accepted, row.ID
	return source{
		id:        id,
		version:   accepted.Version,
		vetoesAll: accepted.Action == indicator.ActionAllow,
		each: func(ctx context.Context, add func(*Entry) error) error {
			snapshot, err := im.readSnapshot(ctx, accepted.Snapshot)
			if isLost(err) {
				return &lostError{id, err}
			}
			if err != nil {
				return fmt.Errorf("feed %q: %w", id, err)
			}
			defer snapshot.Close()
			for {
				entry, err := snapshot.Next()
				if err == nil && entry == nil {
					return nil
				}
				if err == nil {
					err = add(entry)
				}
				if isLost(err) {
					return &lostError{id, fmt.Errorf("reading %q: %w", accepted.Snapshot, err)}
				}
				if err != nil {
					return fmt.Errorf("feed %q: reading %q: %w", id, accepted.Snapshot, err)
				}
			}
		},
	}
}

// manualSource returns the own edits in the table, or nil if there are none. Whoever
// edits by hand knows why: no guard speaks here, and allow entries veto every feed. Only
// what no transformer would load is left out, since with it nothing newer would serve.
func (im *Importer) manualSource(ctx context.Context) (*source, error) {
	var edits []Entry
	for entry, err := range im.table.Entries(ctx, indicator.ManualFeed) {
		var bad *EntryError
		switch {
		case errors.As(err, &bad):
			im.metrics.put(count(MetricBadEdits, 1))
			im.log.WarnContext(ctx, "own edit is left out", "name", bad.Name, "entry", bad.Sort, "why", bad.Err)
		case err != nil:
			return nil, fmt.Errorf("reading own edits: %w", err)
		case marksCanary(&entry.Indicator):
			im.metrics.put(count(MetricBadEdits, 1))
			im.log.WarnContext(ctx, "own edit is left out", "name", entry.Value(), "entry", entry.Scope.String(),
				"why", "with it no transformer would load the index: it marks all of .com, .invalid or amazonaws.com")
		default:
			edits = append(edits, entry)
		}
	}
	if len(edits) == 0 {
		return nil, nil
	}
	return &source{
		id:        indicator.ManualFeed,
		vetoesAll: true,
		each: func(_ context.Context, add func(*Entry) error) error {
			for i := range edits {
				if err := add(&edits[i]); err != nil {
					return fmt.Errorf("feed %q: %w", indicator.ManualFeed, err)
				}
			}
			return nil
		},
	}, nil
}

// build merges the sources into an index and verifies it.
func (im *Importer) build(ctx context.Context, sources []source, generation uint64) (*built, error) {
	now, builder, check := im.now(), index.NewBuilder(), newSelfCheck()
	made := &built{at: now}
	for _, s := range sources {
		builder.Feed(s.id, s.vetoesAll)
		count := 0
		err := s.each(ctx, func(entry *Entry) error {
			if hasEnded(&entry.Indicator, now) {
				return nil
			}
			count++
			if entry.Action == indicator.ActionBlock {
				made.blocks++
			}
			check.note(&entry.Indicator)
			return builder.Add(s.id, &entry.Indicator)
		})
		if err != nil {
			return nil, fmt.Errorf("building the index: %w", err)
		}
		made.feeds = append(made.feeds, index.CurrentFeed{ID: s.id, VersionID: s.version, Count: count})
	}
	var err error
	if made.data, err = builder.Build(index.Options{Generation: generation, BuiltAt: now}); err != nil {
		return nil, err
	}
	if made.info, err = check.run(made.data); err != nil {
		return nil, fmt.Errorf("verifying the index: %w", err)
	}
	return made, nil
}

func hasEnded(entry *indicator.Indicator, now time.Time) bool {
	return !entry.ExpiresAt.IsZero() && !entry.ExpiresAt.After(now)
}
