package firehose

import (
	"maps"
	"sync"
)

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
