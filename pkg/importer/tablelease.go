package importer

import (
	"context"
	"errors"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	// leaseTime is how long a writer has the table of a feed to itself after a note of
	// progress. It is shorter than the minute after which Lambda tries a killed
	// invocation again, so that the retry finds the table free.
	leaseTime = 45 * time.Second
	// leaseMargin is how long before the end of its lease a writer stops: what is on
	// the wire then must have arrived when the next one starts. It also bounds how far
	// two clocks may be apart.
	leaseMargin = 10 * time.Second
)

// errTableBusy means that another run is at the table of a feed. It goes on until the
// table holds the newest accepted list, or is cut off and finished by a later run.
var errTableBusy = errors.New("another run is bringing the table of the feed in order")

// tableLease is the right of one run to write the table of a feed.
type tableLease struct {
	im    *Importer
	id    indicator.FeedID
	owner string
}

// take begins the lease, and the work if none is under way; [errTableBusy].
func (l *tableLease) take(ctx context.Context) (FeedRow, error) {
	return l.im.changeRow(ctx, l.id, func(row *FeedRow) error {
		table, now := &row.Table, l.im.now()
		if table.Owner != "" && table.Until.After(now) {
			return errTableBusy
		}
		table.Owner, table.Until = l.owner, now.Add(leaseTime)
		if table.Target == "" {
			table.Target, table.Cursor = row.target(), ""
		}
		return nil
	})
}

// change renews the lease and changes the state of the table. A lease that ran out and
// was taken by another run is [errTableBusy], even if that run is done.
func (l *tableLease) change(ctx context.Context, change func(*TableState)) (FeedRow, error) {
	return l.im.changeRow(ctx, l.id, func(row *FeedRow) error {
		if row.Table.Owner != l.owner {
			return errTableBusy
		}
		row.Table.Until = l.im.now().Add(leaseTime)
		change(&row.Table)
		return nil
	})
}

// release ends the lease early, so that a retry need not wait for its end. It speaks
// even after ctx ended.
func (l *tableLease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, err := l.change(ctx, func(table *TableState) { table.Owner, table.Until = "", time.Time{} })
	if errors.Is(err, errTableBusy) {
		return nil
	}
	return err
}
