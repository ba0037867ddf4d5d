package firehose

import (
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
