package importer

import (
	"context"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Bounds of what an entry takes in an index beside its text: its share of the filters,
// of the front coding and of the tables.
const indexBytesPerEntry = 32

// judgeSize refuses a list with which the index would be larger than what a
// transformer loads. Only where an upper bound leaves doubt an index is built.
func (im *Importer) judgeSize(ctx context.Context, j *judgement) error {
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feed rows: %w", err)
	}
	bound := j.list.Bytes() + int64(j.list.Len())*indexBytesPerEntry
	var others []FeedRow
	for _, row := range rows {
		if row.ID != j.report.Feed {
			others = append(others, row)
			bound += row.Accepted.Bytes + int64(row.Accepted.Entries)*indexBytesPerEntry
		}
	}
	if bound <= int64(im.maxBytes) {
		return nil
	}
	sources, err := im.sources(ctx, others)
	if err != nil {
		return err
	}
	trial, err := im.build(ctx, append(sources, listSource(j)), 1)
	if err != nil {
		return err
	}
	if len(trial.data) > im.maxBytes {
		j.report.Refusals = append(j.report.Refusals, Refusal{
			Code: RefusedIndexTooLarge,
			What: fmt.Sprintf("with this list the index has %d bytes, and a transformer loads at most %d",
				len(trial.data), im.maxBytes),
			Todo: "give the transformer more memory, or take feeds away",
		})
	}
	return nil
}

// listSource is a list that is not accepted yet.
func listSource(j *judgement) source {
	return source{
		id:        j.report.Feed,
		vetoesAll: j.settings.Action == indicator.ActionAllow,
		each: func(_ context.Context, add func(*Entry) error) error {
			for found := range j.list.All() {
				if err := add(&Entry{Indicator: *found}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
