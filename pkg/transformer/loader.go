package transformer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// Errors of a [Store] that are not failures.
var (
	ErrNotModified = errors.New("index pointer is not modified")
	ErrNoIndex     = errors.New("no index is published")
)

// Store provides index files. Its adapter is in pkg/awsio. It is used by one goroutine at a
// time.
type Store interface {
	// Current returns the index pointer and its ETag. It returns [ErrNotModified] if the
	// pointer still has etag, which is empty on the first call, and [ErrNoIndex] if there is
	// no pointer.
	Current(ctx context.Context, etag string) (current index.Current, newETag string, err error)
	// Object returns an index file. The caller keeps the bytes while it uses the index.
	Object(ctx context.Context, key string) ([]byte, error)
}

const (
	// maxPoll is the time limit of one poll of the store, including the download of a new
	// index. It is longer than any invocation waits, because a poll continues while other
	// invocations are served.
	maxPoll = time.Minute
	// firstRetry is the pause after a failed poll. The pause doubles with each failure, up
	// to the poll interval.
	firstRetry = time.Second
)

// loaded is an index in service.
type loaded struct {
	index   *index.Index
	current index.Current
	etag    string // of the pointer
}

// loader keeps the index in service and polls the store for a newer one. It loads a new
// index next to the old one and swaps them atomically. If anything fails, the old index
// stays in service.
type loader struct {
	store    Store
	clock    func() time.Time
	interval time.Duration // between polls
	wait     time.Duration // how long invocations wait for a poll, counted from its start
	bounds   reach.Bounds
	log      *slog.Logger

	inService atomic.Pointer[loaded]
	failures  atomic.Int64 // failed polls since the last report

	mu          sync.Mutex
	running     *poll     // nil if none is running
	due         time.Time // when the next poll is due
	failedInRow int       // consecutive polls that failed or found no index
}

// poll is one poll of the store.
type poll struct {
	started time.Time // system time, used only to measure how long invocations wait
	done    chan struct{}
}

// get returns the index in service, or nil if there is none. If a poll is due, get starts
// it. It waits for a running poll for at most atMost.
func (l *loader) get(ctx context.Context, atMost time.Duration) *loaded {
	if p := l.currentPoll(); p != nil {
		timer := time.NewTimer(min(atMost, l.wait-time.Since(p.started)))
		defer timer.Stop()
		select {
		case <-p.done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return l.inService.Load()
}

// currentPoll starts a poll if one is due, and returns the running poll, or nil if there is
// none. A poll does not belong to an invocation: if it takes longer than an invocation
// waits, later invocations use its result.
func (l *loader) currentPoll() *poll {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil && !l.clock().Before(l.due) {
		l.running = &poll{time.Now(), make(chan struct{})}
		go l.run(l.running)
	}
	return l.running
}

func (l *loader) run(p *poll) {
	ctx, cancel := context.WithTimeout(context.Background(), maxPoll)
	defer cancel()
	err := l.refreshSafely(ctx)
	if err != nil && !errors.Is(err, ErrNoIndex) {
		l.failures.Add(1)
		l.log.Error("polling for an index failed", "error", err)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	pause := l.interval
	if err == nil {
		l.failedInRow = 0
	} else {
		const maxDoublings = 16
		pause = min(pause, firstRetry<<min(l.failedInRow, maxDoublings))
		l.failedInRow++
	}

	l.running, l.due = nil, l.clock().Add(pause)
	close(p.done)
}

// refreshSafely converts a panic into an error, because a panic on this goroutine would end
// the process.
func (l *loader) refreshSafely(ctx context.Context) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("loading an index: panic: %v", problem)
		}
	}()
	return l.refresh(ctx)
}

// refresh puts a newer index into service if there is one.
func (l *loader) refresh(ctx context.Context) error {
	next := loaded{}
	previous := l.inService.Load()
	if previous != nil {
		next = *previous
	}

	var err error
	next.current, next.etag, err = l.store.Current(ctx, next.etag)
	switch {
	case errors.Is(err, ErrNotModified):
		return nil
	case errors.Is(err, ErrNoIndex) && previous != nil:
		return errors.New("reading the index pointer: it was deleted")
	case err == nil:
		err = next.current.Check(l.clock())
	}
	if err != nil {
		return fmt.Errorf("reading the index pointer: %w", err)
	}

	if previous == nil || previous.current.Object != next.current.Object {
		if next.index, err = l.load(ctx, &next.current); err != nil {
			return fmt.Errorf("loading %s: %w", next.current.Object, err)
		}
	}

	l.inService.Store(&next)
	return nil
}

// load fetches and verifies the index that a pointer names.
func (l *loader) load(ctx context.Context, current *index.Current) (*index.Index, error) {
	data, err := l.store.Object(ctx, current.Object)
	if err != nil {
		return nil, err
	}
	return current.Open(data, l.bounds)
}
