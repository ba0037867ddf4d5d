package transformer

import (
	"context"
	"time"
)

const (
	// markingShare of the time left is for looking names up; the rest is for writing
	// the answer, which must get back to Firehose.
	markingShare = 0.8
	// waitingShare of the time left may go by with waiting for an index.
	waitingShare = 0.5
	// recordsPerCheck is how many records go by between two looks at the clock.
	recordsPerCheck = 64
)

// budget is the time that an invocation has.
type budget struct {
	clock   func() time.Time
	limited bool
	left    time.Duration // at the start
	end     time.Time     // of looking up
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
		return maxLook
	}
	return time.Duration(float64(b.left) * waitingShare)
}

// isSpent is asked for each record and reports whether there is no time left to look
// anything up. Once it is so, it stays so.
func (b *budget) isSpent() bool {
	if b.limited && !b.spent && b.count%recordsPerCheck == 0 {
		b.spent = b.clock().After(b.end)
	}
	b.count++
	return b.spent
}
