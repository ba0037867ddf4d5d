package transformer

import (
	"context"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/loader"
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
	// sendingShare is the share of the time that then remains for sending the matches.
	sendingShare = 0.5
	// maxSending bounds it, because Firehose waits, and the queue may hang.
	maxSending = 500 * time.Millisecond
	// recordsPerCheck is the number of records between two checks of the clock.
	recordsPerCheck = 64
)

// budget is the time that an invocation has.
type budget struct {
	clock   func() time.Time
	limited bool
	left    time.Duration // at the start of the invocation
	last    time.Time     // when the invocation must end
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
		b.left, b.last = deadline.Sub(now), deadline
		b.end = now.Add(time.Duration(float64(b.left) * markingShare))
	}
	return b
}

// waiting returns how long the invocation may wait for an index.
func (b *budget) waiting() time.Duration {
	if !b.limited {
		return loader.MaxPoll
	}
	return time.Duration(float64(b.left) * waitingShare)
}

// sending returns how long the invocation may try to send the matches. It is zero or less if
// there is no time.
func (b *budget) sending() time.Duration {
	if !b.limited {
		return maxSending
	}
	return min(maxSending, time.Duration(float64(b.last.Sub(b.clock()))*sendingShare))
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
