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
)

// Errors of a [Store] that are no failures.
var (
	ErrNotModified = errors.New("index pointer is not modified")
	ErrNoIndex     = errors.New("no index is published")
)

// Store is where indexes come from; its adapter is in pkg/awsio. It is used by one
// goroutine at a time.
type Store interface {
	// Current returns the pointer to the index that is to serve, and the version of
	// the pointer. It returns [ErrNotModified] if that is etag, which is empty for the
	// first look, and [ErrNoIndex] if there is no pointer.
	Current(ctx context.Context, etag string) (current index.Current, newETag string, err error)
	// Object returns an index file. The caller keeps it for as long as it serves.
	Object(ctx context.Context, key string) ([]byte, error)
}

const (
	// maxLook bounds one look at the store, the download of a new index included. It
	// is longer than any invocation waits: a look goes on while others are served.
	maxLook = time.Minute
	// firstRetry is how long after a look that found no index the next is due; the
	// time doubles with each failure, up to the poll interval.
	firstRetry = time.Second
)

// served is an index in service.
type served struct {
	index   *index.Index
	current index.Current
	etag    string // of the pointer
}

// loader keeps the index that serves and looks for a newer one. A new one is loaded
// beside the old one and takes its place at once; when anything goes wrong, the old
// one stays.
type loader struct {
	store Store
	clock func() time.Time
	poll  time.Duration // from one look to the next
	wait  time.Duration // how long invocations wait for a look, from its start
	log   *slog.Logger

	inService atomic.Pointer[served]
	failures  atomic.Int64 // looks that failed, ever

	mu    sync.Mutex
	on    *look     // nil if none is going on
	due   time.Time // when to look again
	inRow int       // looks without an index to show for it
}

// look is one look at the store.
type look struct {
	started time.Time // of the machine's clock: it measures waiting, nothing else
	done    chan struct{}
}

// get returns the index that serves, nil if there is none, after looking for a newer
// one if that is due. It waits for at most that long.
func (l *loader) get(ctx context.Context, atMost time.Duration) *served {
	if on := l.look(); on != nil {
		patience := time.NewTimer(min(atMost, l.wait-time.Since(on.started)))
		defer patience.Stop()
		select {
		case <-on.done:
		case <-patience.C:
		case <-ctx.Done():
		}
	}
	return l.inService.Load()
}

// look returns the look that is going on, after beginning one if that is due; nil
// if there is none. The look belongs to no invocation: one that takes longer than an
// invocation waits is of use to those that follow.
func (l *loader) look() *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on == nil && !l.clock().Before(l.due) {
		on := &look{time.Now(), make(chan struct{})}
		l.on = on
		go l.run(on)
	}
	return l.on
}

func (l *loader) run(on *look) {
	ctx, cancel := context.WithTimeout(context.Background(), maxLook)
	defer cancel()
	err := l.guard(ctx)
	if err != nil && !errors.Is(err, ErrNoIndex) {
		l.failures.Add(1)
		l.log.Error("looking for an index", "error", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	pause := l.poll
	if err == nil {
		l.inRow = 0
	} else {
		const maxDoublings = 16
		pause = min(pause, firstRetry<<min(l.inRow, maxDoublings))
		l.inRow++
	}
	l.on, l.due = nil, l.clock().Add(pause)
	close(on.done)
}

// guard makes an error of a panic, which on this goroutine would end the process.
func (l *loader) guard(ctx context.Context) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("loading an index: panic: %v", problem)
		}
	}()
	return l.refresh(ctx)
}

// refresh puts a newer index into service, if there is one.
func (l *loader) refresh(ctx context.Context) error {
	next := served{}
	before := l.inService.Load()
	if before != nil {
		next = *before
	}
	var err error
	next.current, next.etag, err = l.store.Current(ctx, next.etag)
	switch {
	case errors.Is(err, ErrNotModified):
		return nil
	case errors.Is(err, ErrNoIndex) && before != nil:
		return errors.New("reading the index pointer: it is gone")
	case err != nil:
		return fmt.Errorf("reading the index pointer: %w", err)
	}
	if before == nil || before.current.Object != next.current.Object {
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
	return current.Open(data)
}
