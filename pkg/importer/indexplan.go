package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// indexPlan says which list of each feed an index is built from. That is the accepted list,
// unless it is lost or the index could not be used with it. Then it is the list that the
// pointer names; if that is lost too, the entries of the feed in the index that serves; and
// only if there are none, nothing.
//
// One feed must not keep the others from being published. So if an index is too large, the
// plan gives up the accepted lists that grew most since the last publish. It does the same if
// building the index would take more memory than the importer has, which would end each run.
type indexPlan struct {
	assembler *assembler
	maxBytes  int
	feeds     []plannedFeed
	manual    *source
	size      int // of the first index that was built, in bytes
	// serving is the index that serves, or nil for a trial. In a trial, lost lists are passed
	// over; a publish tries to import them again.
	serving *servingIndex
	// publishedAt is when the index that serves was published or renewed.
	publishedAt time.Time
}

// plannedFeed is a feed in an [indexPlan].
type plannedFeed struct {
	accepted source
	served   *index.CurrentFeed // in the pointer; nil if the index does not have the feed
	use      use
	why      error // why the accepted list is not used
}

// use says which list of a feed is used.
type use uint8

const (
	useAccepted use = iota
	useServed
	useIndexed
	useNone
)

func (u use) String() string {
	return [...]string{"accepted list", "list published before", "entries of the index", "nothing"}[u]
}

// errIndexTooLarge means that no part of the feeds that can be given up makes the index
// small enough.
var errIndexTooLarge = errors.New("the index is larger than a transformer can load, or than the importer can build: " +
	"give them more memory, or remove feeds or manual entries")

// newIndexPlan plans an index of feeds, none of which has expired, and of the manual entries.
// served are the feeds of the pointer.
func (a *assembler) newIndexPlan(
	feeds []source, manual *source, served []index.CurrentFeed, maxBytes int,
) *indexPlan {
	plan := &indexPlan{assembler: a, maxBytes: maxBytes, manual: manual}
	for _, feed := range feeds {
		planned := plannedFeed{accepted: feed}
		if i := slices.IndexFunc(served, func(f index.CurrentFeed) bool { return f.ID == feed.ID }); i >= 0 {
			planned.served = &served[i]
		}
		plan.feeds = append(plan.feeds, planned)
	}
	return plan
}

// find returns a feed of the plan, or nil.
func (p *indexPlan) find(id indicator.FeedID) *plannedFeed {
	for i := range p.feeds {
		if p.feeds[i].accepted.ID == id {
			return &p.feeds[i]
		}
	}
	return nil
}

// build builds an index that a transformer can load, and gives up lists if it must. If an
// accepted list is lost, it returns a [*lostError], so that the list can be imported again.
// It returns errIndexTooLarge if it cannot make the index small enough.
func (p *indexPlan) build(ctx context.Context, generation uint64) (*builtIndex, error) {
	for {
		if need := p.buildBytes(); p.assembler.memory > 0 && need > p.assembler.memory {
			why := fmt.Errorf("building the index may need %d MiB of memory, and the importer has %d", need>>20, p.assembler.memory>>20)
			if !p.shrink(1, why) {
				return nil, errIndexTooLarge
			}
			continue
		}
		built, err := p.assembler.build(ctx, p.sources(), generation, p.publishedAt)
		if err != nil {
			if err := p.giveUpFor(err); err != nil {
				return nil, err
			}
			continue
		}
		p.size = cmp.Or(p.size, len(built.data))
		if len(built.data) <= p.maxBytes {
			return built, nil
		}
		why := fmt.Errorf("the index would have %d bytes, and a transformer can load %d", p.size, p.maxBytes)
		if !p.shrink(int64(len(built.data)-p.maxBytes), why) {
			return nil, errIndexTooLarge
		}
	}
}

// giveUpFor gives up the list because of which building the index failed. It returns the error if
// there is none, or if the list can be imported again.
func (p *indexPlan) giveUpFor(err error) error {
	var lost *lostError
	if errors.As(err, &lost) {
		feed := p.find(lost.feed)
		if feed.use == useAccepted && p.serving != nil {
			return err
		}
		p.giveUp(feed, lost)
		return nil
	}
	var unusable *unusableError
	if errors.As(err, &unusable) {
		if feed := p.grownMost(); feed != nil {
			p.giveUp(feed, unusable)
			return nil
		}
	}
	return err
}

// buildBytes returns the memory that building the index may take. Manual entries are few.
func (p *indexPlan) buildBytes() (total int64) {
	for _, s := range p.sources() {
		total += s.buildBytes
	}
	return total
}

// sources returns what the index is built from.
func (p *indexPlan) sources() (sources []source) {
	for i := range p.feeds {
		feed := &p.feeds[i]
		switch feed.use {
		case useAccepted:
			sources = append(sources, feed.accepted)
		case useServed:
			served, _ := p.assembler.servedSource(*feed.served)
			sources = append(sources, served)
		case useIndexed:
			sources = append(sources, p.serving.source(*feed.served))
		case useNone:
		}
	}
	if p.manual != nil {
		sources = append(sources, *p.manual)
	}
	return sources
}

// giveUp replaces the list of a feed by the next one that may be used.
func (p *indexPlan) giveUp(feed *plannedFeed, why error) {
	before := feed.use
	feed.use, feed.why = useNone, why
	if feed.served == nil {
		return
	}
	if before == useAccepted && feed.hasChanged() {
		if _, ok := p.assembler.servedSource(*feed.served); ok {
			feed.use = useServed
			return
		}
	}
	if before != useIndexed && p.serving != nil {
		feed.use = useIndexed
	}
}

// shrink makes the index smaller by at least some bytes, as far as that can be estimated. It
// gives up the accepted lists that grew most. If none has grown, the limit is lower than it
// was, and it leaves out the largest block feed. Allow feeds stay, because without them
// names would be reported that are allowed.
func (p *indexPlan) shrink(bytes int64, why error) bool {
	feed := p.grownMost()
	if feed == nil {
		if feed = p.largestBlockFeed(); feed == nil {
			return false
		}
		feed.use, feed.why = useNone, why
		return true
	}
	for ; feed != nil && bytes > 0; feed = p.grownMost() {
		bytes -= feed.growth()
		p.giveUp(feed, why)
	}
	return true
}

// grownMost returns the feed whose accepted list grew most since it was published, or nil if
// no list has changed.
func (p *indexPlan) grownMost() (most *plannedFeed) {
	for i := range p.feeds {
		feed := &p.feeds[i]
		if feed.use == useAccepted && feed.hasChanged() && (most == nil || feed.growth() > most.growth()) {
			most = feed
		}
	}
	return most
}

// largestBlockFeed returns the block feed that costs most, or nil if it is the last one. An
// index without a block feed would call every name clean.
func (p *indexPlan) largestBlockFeed() (largest *plannedFeed) {
	blocking := 0
	for i := range p.feeds {
		feed := &p.feeds[i]
		if feed.use == useNone || feed.accepted.VetoesAll {
			continue
		}
		blocking++
		if largest == nil || feed.accepted.Bytes > largest.accepted.Bytes {
			largest = feed
		}
	}
	if blocking <= 1 {
		return nil
	}
	return largest
}

// changedFeeds returns the feeds whose accepted lists the pointer does not name.
func (p *indexPlan) changedFeeds() feedSet {
	changed := feedSet{}
	for i := range p.feeds {
		if feed := &p.feeds[i]; feed.hasChanged() {
			changed[feed.accepted.ID] = true
		}
	}
	return changed
}

// hasChanged reports whether the accepted list is not the one that the pointer names.
func (f *plannedFeed) hasChanged() bool {
	return f.served == nil || f.served.VersionID != f.accepted.VersionID ||
		f.served.Snapshot != "" && f.served.Snapshot != f.accepted.Snapshot
}

// growth returns how many bytes the accepted list costs more than the one that the pointer
// names.
func (f *plannedFeed) growth() int64 {
	const usual = 50 // bytes per entry; pointers of earlier versions do not say it
	switch {
	case f.served == nil:
		return f.accepted.Bytes
	case f.served.Bytes == 0:
		return f.accepted.Bytes - usual*int64(f.served.Count)
	default:
		return f.accepted.Bytes - f.served.Bytes
	}
}

// withinLimit returns the rows of the feeds that a pointer has room for, and how many more
// there are. Feeds that are served come first.
func withinLimit(rows []table.FeedRow, served []index.CurrentFeed) (kept []table.FeedRow, more int) {
	known := map[indicator.FeedID]int{}
	for _, feed := range served {
		known[feed.ID] = -1
	}
	for _, row := range rows {
		if row.Accepted.Snapshot != "" {
			kept = append(kept, row)
		}
	}
	slices.SortFunc(kept, func(a, b table.FeedRow) int {
		return cmp.Or(known[a.ID]-known[b.ID], cmp.Compare(a.ID, b.ID))
	})
	more = max(0, len(kept)-index.MaxCurrentFeeds)
	return kept[:len(kept)-more], more
}
