package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// maxRounds bounds how often a decision is made again because somebody else was
// faster. Importers are few, so that many rounds mean that something else is wrong.
const maxRounds = 10

// changeRow reads the row of a feed, changes it and stores it, again from the start
// for as long as another writer is faster. It returns the row as stored.
func (im *Importer) changeRow(
	ctx context.Context, id indicator.FeedID, change func(*FeedRow) error,
) (FeedRow, error) {
	for range maxRounds {
		row, err := im.rows.Row(ctx, id)
		if err != nil {
			return row, fmt.Errorf("reading the row of feed %q: %w", id, err)
		}
		row.ID = id
		if err := change(&row); err != nil {
			return row, err
		}
		stored, err := im.putRow(ctx, row)
		if !errors.Is(err, ErrConflict) {
			return stored, err
		}
	}
	return FeedRow{}, fmt.Errorf("changing the row of feed %q: %w %d times", id, ErrConflict, maxRounds)
}

// putRow stores a row and returns it as stored. A conflict with a row that is just
// the same is none: it is the answer to a request that was sent again because the
// first reply was lost.
func (im *Importer) putRow(ctx context.Context, row FeedRow) (FeedRow, error) {
	err := im.rows.PutRow(ctx, row)
	row.Revision++
	if !errors.Is(err, ErrConflict) {
		return row, err
	}
	stored, readErr := im.rows.Row(ctx, row.ID)
	if readErr != nil {
		return row, readErr
	}
	if stored == row {
		return row, nil
	}
	return row, err
}
