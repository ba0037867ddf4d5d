// Package transformer is what Firehose calls: the bytes of a transformation event go
// in, the bytes of the response come out, with every log record marked by pkg/verdict.
//
// Firehose takes an answer for each record id, once and in order, with a result of
// `Ok`, `Dropped` or `ProcessingFailed` and a `data` member; what it does not like
// costs the whole batch. So an answer is given whatever happens: a record that cannot
// be read fails alone, one without log objects is dropped, and only an event that is
// no event, or a missing index where the settings say so, is an error. Without an
// index, without time and with an old index, records are delivered all the same, as
// `unknown`: a mark can be made good later, a log that was not delivered cannot.
//
// All records of an event are marked with one index. The index is looked for by the
// invocations themselves, at most once in a poll interval.
//
// The contract: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
package transformer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// ErrNotReady reports an invocation that found no index, under
// [Config.FailWithoutIndex].
var ErrNotReady = errors.New("no index to mark with")

// Config says what a [Transformer] works with. Only Store is required.
type Config struct {
	Store Store
	// Clock tells the time. Default: time.Now.
	Clock func() time.Time
	// Poll is the time from one look for a newer index to the next. Default: 1 minute.
	Poll time.Duration
	// ColdStartWait is how long invocations wait for such a look. Default: 2 seconds.
	ColdStartWait time.Duration
	// MaxIndexAge is how long after its last renewal an index is stale. Default: 7 days.
	MaxIndexAge time.Duration
	// FailWithoutIndex makes an invocation without any index fail, so that Firehose
	// tries again. Default: its records are marked as unknown.
	FailWithoutIndex bool
	SkipCNAMEs       bool // see [verdict.Options]
	SkipAddresses    bool // see [verdict.Options]
	// OnMark is called for each log object; see [verdict.Options]. Concurrent
	// invocations call it concurrently. Default: nothing is called.
	OnMark func(*verdict.Mark)
	// Log takes failures, without anything out of a record. Default: they are not told.
	Log *slog.Logger
	// Metrics takes one line in Embedded Metric Format for each invocation, with Stack
	// as the dimension. Default: nothing is counted.
	Metrics io.Writer
	Stack   string
}

// Transformer answers Firehose events. It is safe for concurrent use.
type Transformer struct {
	config  Config
	indexes loader
	workers sync.Pool // of *worker
	metrics metrics
}

// New returns a transformer. It touches nothing before the first event.
func New(config Config) (*Transformer, error) {
	if config.Store == nil {
		return nil, errors.New("making a transformer: a store is required")
	}
	if config.Poll < 0 || config.ColdStartWait < 0 || config.MaxIndexAge < 0 {
		return nil, fmt.Errorf("making a transformer: poll %v, cold start wait %v and maximum index age %v must not be negative",
			config.Poll, config.ColdStartWait, config.MaxIndexAge)
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Poll == 0 {
		config.Poll = settings.DefaultPollInterval
	}
	if config.ColdStartWait == 0 {
		config.ColdStartWait = settings.DefaultColdStartWait
	}
	if config.MaxIndexAge == 0 {
		config.MaxIndexAge = settings.DefaultMaxIndexAge
	}
	return &Transformer{
		config: config,
		indexes: loader{
			store: config.Store, clock: config.Clock, poll: config.Poll,
			wait: config.ColdStartWait, log: config.Log,
		},
		workers: sync.Pool{New: func() any { return newWorker() }},
		metrics: metrics{out: config.Metrics, stack: config.Stack},
	}, nil
}

// Invoke answers one event. It returns an error that wraps [ErrEvent] for what is no
// event, and [ErrNotReady] if there is no index and that is to be an error. The
// answer is the caller's: invocations may run at the same time, so its memory is not
// used again.
func (t *Transformer) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	// Marks make an answer longer than its event, by about a tenth.
	const headroom = 8
	size := min(len(event)+len(event)/headroom, maxResponseBytes)
	return t.Append(ctx, make([]byte, 0, size), event)
}

// Append is [Transformer.Invoke] with the answer appended to dst, for callers that
// use the memory of the last answer again. On an error it returns dst as it was.
func (t *Transformer) Append(ctx context.Context, dst, event []byte) ([]byte, error) {
	left := newBudget(ctx, t.config.Clock)
	w := t.workers.Get().(*worker)
	defer func() {
		w.release()
		t.workers.Put(w)
	}()
	if err := w.events.parse(event); err != nil {
		return dst, err
	}
	inService := t.indexes.get(ctx, left.waiting())
	if inService == nil && t.config.FailWithoutIndex {
		return dst, ErrNotReady
	}
	w.reset(t.markerFor(inService))
	out, err := w.answer(dst, &left)
	if err != nil {
		return dst, err
	}
	t.report(w, inService)
	return out, nil
}

// markerFor returns what the records of an invocation are marked with.
func (t *Transformer) markerFor(inService *served) (*index.Index, verdict.Options) {
	o := verdict.Options{
		SkipCNAMEs: t.config.SkipCNAMEs, SkipAddresses: t.config.SkipAddresses,
		OnMark: t.config.OnMark,
	}
	if inService == nil {
		return nil, o
	}
	o.Stale = t.age(inService) > t.config.MaxIndexAge
	return inService.index, o
}

// age returns the time since a publish last confirmed an index.
func (t *Transformer) age(inService *served) time.Duration {
	return t.config.Clock().Sub(inService.current.RenewedAt)
}

// report tells what became of an event.
func (t *Transformer) report(w *worker, inService *served) {
	if w.stats.failed > 0 {
		t.config.Log.Warn("records failed", "records", w.stats.failed, "first", w.stats.firstID, "error", w.stats.firstError)
	}
	now := t.config.Clock()
	if inService == nil {
		t.metrics.write(now, &w.stats, w.marker.Counts(), nil, 0, t.indexes.failures.Swap(0))
		return
	}
	t.metrics.write(now, &w.stats, w.marker.Counts(), &inService.current, t.age(inService), t.indexes.failures.Swap(0))
}
