package firehose

import (
	"maps"
	"sync"
	"time"
)

// sized is an item of a buffer.
type sized interface{ size() int }

// buffer collects items until they reach limit bytes or the first has waited for interval, then
// passes them to flush. flush is called with the buffer locked, so add blocks while flush does.
type buffer[T sized] struct {
	limit    int
	interval time.Duration
	exact    bool // flush before an item that would exceed the limit, not after it
	flush    func([]T)

	mu    sync.Mutex
	items []T
	bytes int
	round int // number of flushes, so that a late timer does not flush the next round
	timer *time.Timer
}

// add adds items and flushes the buffer when it is full.
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

// expire flushes the buffer if it still holds the items of round.
func (b *buffer[T]) expire(round int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.round == round {
		b.release()
	}
}

// drain flushes the buffer.
func (b *buffer[T]) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release()
}

// release flushes the buffer. The caller holds the lock.
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
	deliveredRecords int            // stored under Prefix
	DroppedRecords   int            // dropped by the function
	failedRecords    map[string]int // stored under ErrorOutputPrefix, by error code
	backedUpRecords  int            // stored in the backup
	objects          int            // including those of the backup
}

// failed returns the number of failed records.
func (m Metrics) failed() int {
	total := 0
	for _, count := range m.failedRecords {
		total += count
	}
	return total
}

// Pending returns the number of records that are still being processed.
func (m Metrics) Pending() int {
	return m.IncomingRecords - m.deliveredRecords - m.DroppedRecords - m.failed()
}

// counters hold Metrics for concurrent updates.
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

// add applies change to the metrics.
func (c *counters) add(change func(*Metrics)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.failedRecords == nil {
		c.now.failedRecords = map[string]int{}
	}
	change(&c.now)
}

// read returns a copy of the metrics.
func (c *counters) read() Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	snapshot := c.now
	snapshot.failedRecords = maps.Clone(c.now.failedRecords)
	return snapshot
}

// delivered counts the records in a stored object.
func (c *counters) delivered(items []output) {
	c.add(func(m *Metrics) {
		m.objects++
		for _, item := range items {
			if item.code != "" {
				m.failedRecords[item.code]++
			} else {
				m.deliveredRecords++
			}
		}
	})
}

// backedUp counts the records in an object of the backup.
func (c *counters) backedUp(items []output) {
	c.add(func(m *Metrics) {
		m.objects++
		m.backedUpRecords += len(items)
	})
}
