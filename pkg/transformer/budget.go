package transformer

import (
	"context"
	"time"
)

const (
	// markingShare is the share of the remaining time for lookups. The rest is for writing
	// the response and returning it to Firehose.
	markingShare = 0.8
	// expandingShare is the share of the time for lookups in which compressed records are
	// expanded. The rest is for the other records, which take no longer than their size
	// suggests.
	expandingShare = 0.5
	// waitingShare is the share of the remaining time that may be spent waiting for an index.
	waitingShare = 0.5
	// recordsPerCheck is the number of records between two checks of the clock.
	recordsPerCheck = 64
)

// budget is the time that an invocation has.
type budget struct {
	clock   func() time.Time
	limited bool
	left    time.Duration // at the start of the invocation
	end     time.Time     // when lookups must end
	expand  time.Time     // when expanding must end
	count   int
	spent   bool
}

func newBudget(ctx context.Context, clock func() time.Time) budget {
	b := budget{clock: clock}
	deadline, limited := ctx.Deadline()
	if limited {
		now := clock()
		b.limited = true
		b.left = deadline.Sub(now)
		b.end = now.Add(time.Duration(float64(b.left) * markingShare))
	}
	return b
}

// waiting returns how long the invocation may wait for an index.
func (b *budget) waiting() time.Duration {
	if !b.limited {
		return maxPoll
	}
	return time.Duration(float64(b.left) * waitingShare)
}

// begin starts the time for the records of the invocation.
func (b *budget) begin() {
	if b.limited {
		now := b.clock()
		b.expand = now.Add(time.Duration(float64(b.end.Sub(now)) * expandingShare))
	}
}

// mayExpand reports whether there is time left to expand a compressed record. Such records can
// take long, so it looks at the clock each time.
func (b *budget) mayExpand() bool {
	return !b.limited || !b.spent && !b.clock().After(b.expand)
}

// isSpent reports whether there is no time left for lookups. It must be called for each
// record. Once it returns true, it always does.
func (b *budget) isSpent() bool {
	if b.limited && !b.spent && b.count%recordsPerCheck == 0 {
		b.spent = b.clock().After(b.end)
	}
	b.count++
	return b.spent
}
