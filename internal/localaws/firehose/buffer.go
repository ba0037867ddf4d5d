package firehose

import (
	"maps"
	"sync"
	"time"
)

// sized is what a buffer holds.
type sized interface{ size() int }

// buffer collects items until they reach limit bytes or the first has waited for
// interval, then hands them to flush. flush is called with the buffer locked: one
// that blocks makes those who add wait.
type buffer[T sized] struct {
	limit    int
	interval time.Duration
	exact    bool // flush before an item that would pass the limit, not after it
	flush    func([]T)

	mu    sync.Mutex
	items []T
	bytes int
	round int // counts flushes, so that a late timer does not cut the next round short
	timer *time.Timer
}

func (b *buffer[T]) add(items ...T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, item := range items {
		if b.exact && b.bytes+item.size() > b.limit {
			b.release()
		}
		if len(b.items) == 0 {
			round := b.round
			b.timer = time.AfterFunc(b.interval, func() { b.expire(round) })
		}
		b.items = append(b.items, item)
		b.bytes += item.size()
		if b.bytes >= b.limit {
			b.release()
		}
	}
}

// expire flushes what has waited for the interval.
func (b *buffer[T]) expire(round int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.round == round {
		b.release()
	}
}

// drain flushes what is there.
func (b *buffer[T]) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release()
}

func (b *buffer[T]) release() {
	if len(b.items) == 0 {
		return
	}
	b.timer.Stop()
	b.round++
	items := b.items
	b.items, b.bytes = nil, 0
	b.flush(items)
}

// Metrics counts records.
type Metrics struct {
	IncomingRecords  int
	DeliveredRecords int            // transformed, in an object under Prefix
	DroppedRecords   int            // dropped by the function
	FailedRecords    map[string]int // by error code, in an object under ErrorOutputPrefix
	BackedUpRecords  int            // as they came, in an object of the backup
	Objects          int            // those of the backup included
	Invocations      int            // of the processor, retries included
}

// Failed returns the number of failed records.
func (m Metrics) Failed() int {
	total := 0
	for _, count := range m.FailedRecords {
		total += count
	}
	return total
}

// Pending returns the number of records that are on their way.
func (m Metrics) Pending() int {
	return m.IncomingRecords - m.DeliveredRecords - m.DroppedRecords - m.Failed()
}

// counters are Metrics that many may count in.
type counters struct {
	mu  sync.Mutex
	now Metrics
}

// accept counts an incoming record and returns its number, from 1.
func (c *counters) accept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.IncomingRecords++
	return c.now.IncomingRecords
}

func (c *counters) add(change func(*Metrics)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.FailedRecords == nil {
		c.now.FailedRecords = map[string]int{}
	}
	change(&c.now)
}

func (c *counters) read() Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	snapshot := c.now
	snapshot.FailedRecords = maps.Clone(c.now.FailedRecords)
	return snapshot
}

// delivered counts the records of an object that is stored.
func (c *counters) delivered(items []output) {
	c.add(func(m *Metrics) {
		m.Objects++
		for _, item := range items {
			if item.code != "" {
				m.FailedRecords[item.code]++
			} else {
				m.DeliveredRecords++
			}
		}
	})
}

// backedUp counts the records of an object of the backup.
func (c *counters) backedUp(items []output) {
	c.add(func(m *Metrics) {
		m.Objects++
		m.BackedUpRecords += len(items)
	})
}
