// Package transformer implements the function that Firehose calls. It takes the bytes of a
// transformation event and returns the bytes of the response, with every log record marked
// by pkg/verdict.
//
// Firehose requires one answer for each record id, in order, with the result `Ok`,
// `Dropped` or `ProcessingFailed` and a `data` member. If an answer is malformed, the whole
// batch fails. So the transformer always answers: a record that cannot be read fails alone,
// and a record without log objects is dropped. Only two cases are errors: an invocation with
// something other than a Firehose event, and a missing index if the settings require one.
// Without an index, without time or with an old index, records are still delivered as
// `unknown`: marks can be added later, but a lost log cannot be recovered.
//
// A record never costs its neighbours their room or their time. Room in the response is kept
// for each record, shared so that small records get all that they want; a longer one takes only
// the room that is left, with fewer members in its threats if that makes it fit. A compressed
// record is expanded only while there is time, and to a size that log text has; the records of
// an event together can exceed that by little.
//
// If alerts are on, one message about the matches of an event goes to a queue before the
// response, within a bound of time. The response is the same whatever becomes of the message.
//
// All records of an event are marked with the same index. The invocations themselves poll
// for a new index, at most once per poll interval.
//
// The contract: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
package transformer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// errNotReady reports an invocation without an index under [settings.FailureModeFail].
var errNotReady = errors.New("no index is available")

// maxIdleWorkers is the maximum number of workers that are kept. Lambda needs one.
const maxIdleWorkers = 4

// Config configures a [Transformer]. Only Store is required.
type Config struct {
	Store loader.Store
	// Settings says how records are marked. Unset fields have their defaults; IndexBucket is
	// not used.
	Settings settings.TransformerFunction
	// Alerts gets the matches of each invocation. Default: nobody is told of matches.
	Alerts Queue
	// Log receives failures. It never receives content of records. Default: nothing is
	// logged.
	Log *slog.Logger
	// Metrics receives one line in Embedded Metric Format for each invocation. Default: no
	// metrics are written.
	Metrics io.Writer

	// Tests set these. Concurrent invocations call them concurrently.
	clock  func() time.Time    // default: time.Now
	onMark func(*verdict.Mark) // see [verdict.Options]; default: nothing is called
}

// Transformer answers Firehose events. It is safe for concurrent use.
type Transformer struct {
	config  Config
	indexes *loader.Loader
	workers chan *worker // that are idle
	metrics *metric.Writer
}

// setDefaults sets the fields that are unset.
func (c *Config) setDefaults() {
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	settings.Fill(&c.Settings)
}

// New returns a transformer. It does not use the store before the first event.
func New(config Config) (*Transformer, error) {
	if config.Store == nil {
		return nil, errors.New("creating a transformer: a store is required")
	}

	if s := &config.Settings; s.PollInterval < 0 || s.ColdStartWait < 0 || s.MaxIndexAge < 0 {
		return nil, fmt.Errorf("creating a transformer: the poll interval %v, cold start wait %v and maximum index age %v must not be negative",
			s.PollInterval, s.ColdStartWait, s.MaxIndexAge)
	}

	config.setDefaults()
	return &Transformer{
		config: config,
		indexes: loader.New(loader.Config{
			Store:    config.Store,
			Clock:    config.clock,
			Interval: config.Settings.PollInterval.Std(),
			Wait:     config.Settings.ColdStartWait.Std(),
			Bounds:   reach.NewBounds(config.Settings.ReachBounds),
			Log:      config.Log,
		}),
		workers: make(chan *worker, maxIdleWorkers),
		metrics: metric.NewWriter(config.Metrics, config.Settings.Stack, config.clock),
	}, nil
}

// Invoke answers one event. It returns an error for something other than a Firehose event,
// and for an invocation without an index under [settings.FailureModeFail]. The caller
// owns the response, so concurrent invocations do not share its memory.
func (t *Transformer) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	// Marks make a response about a tenth longer than its event.
	const headroom = 8
	size := min(len(event)+len(event)/headroom, maxResponseBytes)
	return t.Append(ctx, make([]byte, 0, size), event)
}

// Append is like [Transformer.Invoke] but appends the response to dst, so that callers can
// reuse the memory of an earlier response. If there is an error, it returns dst unchanged.
func (t *Transformer) Append(ctx context.Context, dst, event []byte) ([]byte, error) {
	left := newBudget(ctx, t.config.clock)
	w := t.takeWorker()
	defer t.keepWorker(w)

	if err := w.events.parse(event); err != nil {
		return dst, err
	}

	inService := t.indexes.Get(ctx, left.waiting())
	if inService == nil && t.config.Settings.FailureMode == settings.FailureModeFail {
		return dst, errNotReady
	}

	w.reset(t.markerOptions(w, inService))
	out, err := w.answer(dst, &left)
	if err != nil {
		return dst, err
	}

	t.tell(ctx, w, inService, &left)
	t.report(w, inService)
	return out, nil
}

// takeWorker returns an idle worker, or a new one.
func (t *Transformer) takeWorker() *worker {
	select {
	case w := <-t.workers:
		return w
	default:
		return newWorker()
	}
}

// keepWorker keeps a worker for the next invocation. A sync.Pool would lose it with its memory
// in a garbage collection, and a function has one invocation at a time.
func (t *Transformer) keepWorker(w *worker) {
	w.release()
	select {
	case t.workers <- w:
	default:
	}
}

// markerOptions returns the index and the options of the marker for an invocation.
func (t *Transformer) markerOptions(w *worker, inService *loader.Loaded) (*index.Index, verdict.Options) {
	o := verdict.Options{
		SkipCNAMEs:    !t.config.Settings.CheckAnswers.Names(),
		SkipAddresses: !t.config.Settings.CheckAnswers.Addresses(),
		OnMark:        t.config.onMark,
	}
	if t.config.Alerts != nil {
		w.matches.Reset(t.config.clock())
		o.OnMatch = w.observe
	}
	if inService == nil {
		return nil, o
	}
	o.Stale = inService.Age(t.config.clock()) > t.config.Settings.MaxIndexAge.Std()
	return inService.Index, o
}

// report logs the failed records of an event and writes its metrics.
func (t *Transformer) report(w *worker, inService *loader.Loaded) {
	if w.stats.failed > 0 {
		t.config.Log.Warn("records failed", "records", w.stats.failed, "first", w.stats.firstID, "error", w.stats.firstError)
	}
	t.writeMetrics(&w.stats, w.marker.Counts(), inService)
}
