package importer

import (
	"context"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// indexBytesPerEntry is an upper bound of the size of an entry in an index without its text. It
// covers the entry's share of the filters, the front coding and the tables.
const indexBytesPerEntry = 32

// sizeCheck refuses lists with which the index would be too large.
type sizeCheck struct {
	rows      table.FeedRows
	assembler *assembler
	maxBytes  int
}

// check refuses a list if, with it, a publish would need more memory than the importer has
// or the index would be larger than a transformer can load. It builds an index only if an
// estimate of the size is not enough to decide.
func (s *sizeCheck) check(ctx context.Context, c *candidate) error {
	rows, err := s.rows.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feed rows: %w", err)
	}
	feed := c.report.Feed
	entries, text := c.entries.Len(), c.entries.Bytes()
	var others []table.FeedRow
	for _, row := range rows {
		if row.ID != feed {
			others = append(others, row)
			entries, text = entries+row.Accepted.Entries, text+row.Accepted.Bytes
		}
	}

	if refusals := c.guards.CheckMemory(feed, &c.entries, entries, text); len(refusals) > 0 {
		c.report.Refusals = append(c.report.Refusals, refusals...)
		return nil
	}
	if text+int64(entries)*indexBytesPerEntry <= int64(s.maxBytes) {
		return nil
	}

	sources, err := s.assembler.sources(ctx, others)
	if err != nil {
		return err
	}
	trial, err := s.assembler.build(ctx, append(sources, candidateSource(c)), 1)
	if err != nil {
		return err
	}
	if len(trial.data) > s.maxBytes {
		c.report.Refusals = append(c.report.Refusals, list.Refusal{
			Code: list.RefusedIndexTooLarge,
			What: fmt.Sprintf("with this list the index has %d bytes, and a transformer can load %d",
				len(trial.data), s.maxBytes),
			Todo: "give the transformer more memory, or remove feeds; then run " + list.PublishCommand(feed),
		})
	}
	return nil
}

// candidateSource returns a list that is not accepted yet as a source of an index.
func candidateSource(c *candidate) source {
	return source{
		id:        c.report.Feed,
		vetoesAll: c.settings.Action == indicator.ActionAllow,
		each: func(_ context.Context, add func(*snapshot.Entry) error) error {
			for entry := range c.entries.All() {
				if err := add(&snapshot.Entry{Indicator: *entry}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
