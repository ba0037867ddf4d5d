package importer

import (
	"context"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
)

// Events tells others that an index was published.
type Events interface {
	IndexPublished(ctx context.Context, published Published) error
}

// Published describes a new generation. It is the detail of an event, so members may be added but
// not changed.
type Published struct {
	Stack      string `json:"stack"`
	Generation uint64 `json:"generation"`
	Entries    int    `json:"entries"`
	// Added and Removed count entries since the last publish. They are not known if another run
	// moved the pointer and ended before it could tell.
	Added   *int      `json:"added,omitempty"`
	Removed *int      `json:"removed,omitempty"`
	At      time.Time `json:"at"`
}

// announcer sends an event after each publish of a new generation.
type announcer struct {
	events  Events // nil if events are off
	stack   string
	metrics *metric.Writer
	log     *slog.Logger
}

// announceTime is how long an event may take. The index serves already, and the run has more to
// do.
const announceTime = 3 * time.Second

// announce sends the event of a generation. added is how many of its entries are new since
// before, or a negative number if that is not known. A failure is counted: the next publish sends
// an event too.
func (a *announcer) announce(ctx context.Context, before, current *index.Current, added int) {
	if a.events == nil {
		return
	}
	published := Published{
		Stack:      a.stack,
		Generation: current.Generation,
		Entries:    entryCount(current),
		At:         current.RenewedAt,
	}
	if added >= 0 {
		// An entry can be new in the index but older than the last publish, if a pin or its size
		// kept its list out.
		added = max(added, published.Entries-entryCount(before))
		removed := entryCount(before) + added - published.Entries
		published.Added, published.Removed = &added, &removed
	}

	ctx, cancel := context.WithTimeout(ctx, announceTime)
	defer cancel()
	if err := a.events.IndexPublished(ctx, published); err != nil {
		a.metrics.Put(metric.Count(metric.EventSendFailed, 1))
		a.log.WarnContext(ctx, "event about a new index was not sent", "generation", current.Generation, "why", err)
	}
}

func entryCount(c *index.Current) (entries int) {
	for _, feed := range c.Feeds {
		entries += feed.Count
	}
	return entries
}
