// Package loader keeps the current index of a store loaded. A function asks it for the index
// with each invocation. The loader polls the store for a newer one, at most once per interval,
// loads it beside the old one, verifies it, and swaps the two. If anything fails, the old
// index stays in service.
package loader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
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
	// MaxPoll is the time limit of one poll of the store, including the download of a new
	// index. It is longer than any invocation waits, because a poll continues while other
	// invocations are served.
	MaxPoll = time.Minute
	// firstRetry is the pause after a failed poll. The pause doubles with each failure, up
	// to the poll interval.
	firstRetry = time.Second
)

// Loaded is an index in service, with its pointer.
type Loaded struct {
	Index   *index.Index
	Current index.Current
	etag    string // of the pointer
}

// Age returns the time since a publish last renewed the index.
func (l *Loaded) Age(now time.Time) time.Duration { return now.Sub(l.Current.RenewedAt) }

// Metrics returns the generation and the age of the index in service: none without an index.
func (l *Loaded) Metrics(now time.Time) []emf.Metric {
	if l == nil {
		return nil
	}
	return []emf.Metric{
		{Name: metric.IndexGeneration, Unit: emf.None, Value: float64(l.Current.Generation)},
		metric.Seconds(metric.IndexAge, l.Age(now)),
	}
}

// Config configures a [Loader]. All fields are required.
type Config struct {
	Store    Store
	Clock    func() time.Time
	Interval time.Duration // between polls
	Wait     time.Duration // how long invocations wait for a poll, counted from its start
	Bounds   reach.Bounds  // that an index must keep
	Log      *slog.Logger
}

// Loader keeps the index in service. It is safe for concurrent use.
type Loader struct {
	config Config

	inService atomic.Pointer[Loaded]
	failures  atomic.Int64 // failed polls since the last report

	mu          sync.Mutex
	running     *poll     // nil if none is running
	due         time.Time // when the next poll is due
	failedInRow int       // consecutive polls that failed or found no index
}

// New returns a loader. It does not use the store before the first [Loader.Get].
func New(config Config) *Loader { return &Loader{config: config} }

// TakeFailures returns the number of failed polls since the last call.
func (l *Loader) TakeFailures() int { return int(l.failures.Swap(0)) }

// poll is one poll of the store.
type poll struct {
	started time.Time // system time, used only to measure how long invocations wait
	done    chan struct{}
}

// Get returns the index in service, or nil if there is none. If a poll is due, Get starts
// it. It waits for a running poll for at most atMost.
func (l *Loader) Get(ctx context.Context, atMost time.Duration) *Loaded {
	if p := l.currentPoll(); p != nil {
		timer := time.NewTimer(min(atMost, l.config.Wait-time.Since(p.started)))
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
func (l *Loader) currentPoll() *poll {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil && !l.config.Clock().Before(l.due) {
		l.running = &poll{time.Now(), make(chan struct{})}
		go l.run(l.running)
	}
	return l.running
}

func (l *Loader) run(p *poll) {
	ctx, cancel := context.WithTimeout(context.Background(), MaxPoll)
	defer cancel()
	err := l.refreshSafely(ctx)
	if err != nil && !errors.Is(err, ErrNoIndex) {
		l.failures.Add(1)
		l.config.Log.Error("polling for an index failed", "error", err)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	pause := l.config.Interval
	if err == nil {
		l.failedInRow = 0
	} else {
		const maxDoublings = 16
		pause = min(pause, firstRetry<<min(l.failedInRow, maxDoublings))
		l.failedInRow++
	}

	l.running, l.due = nil, l.config.Clock().Add(pause)
	close(p.done)
}

// refreshSafely converts a panic into an error, because a panic on this goroutine would end
// the process.
func (l *Loader) refreshSafely(ctx context.Context) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("loading an index: panic: %v", problem)
		}
	}()
	return l.refresh(ctx)
}

// refresh puts a newer index into service if there is one.
func (l *Loader) refresh(ctx context.Context) error {
	next := Loaded{}
	previous := l.inService.Load()
	if previous != nil {
		next = *previous
	}

	var err error
	next.Current, next.etag, err = l.config.Store.Current(ctx, next.etag)
	switch {
	case errors.Is(err, ErrNotModified):
		return nil
	case errors.Is(err, ErrNoIndex) && previous != nil:
		return errors.New("reading the index pointer: it was deleted")
	case err == nil:
		err = next.Current.Check(l.config.Clock())
	}
	if err != nil {
		return fmt.Errorf("reading the index pointer: %w", err)
	}

	if previous == nil || previous.Current.Object != next.Current.Object {
		if next.Index, err = l.load(ctx, &next.Current); err != nil {
			return fmt.Errorf("loading %s: %w", next.Current.Object, err)
		}
	}

	l.inService.Store(&next)
	return nil
}

// load fetches and verifies the index that a pointer names.
func (l *Loader) load(ctx context.Context, current *index.Current) (*index.Index, error) {
	data, err := l.config.Store.Object(ctx, current.Object)
	if err != nil {
		return nil, err
	}
	return current.Open(data, l.config.Bounds)
}
