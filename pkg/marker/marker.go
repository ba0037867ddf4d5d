// Package marker implements the function that marks the log objects which Resolver writes to
// S3. The notifications of a queue go in; for each version of a log object, one object with
// marked records comes out, under the same prefix and with the same lines as Firehose writes
// them, and the answer says which notifications must come again.
//
// The key of an object follows from the version of the log object, and an object is never
// overwritten. So a notification that comes twice, two functions at the same time, and a
// retry after a crash write nothing twice. An object is read and written as a stream, so
// memory does not depend on its size.
//
// A line that cannot be marked is set aside as Firehose sets records aside, and the rest of
// the object is marked. An object that is not gzip, or that is cut off, fails its notification
// and writes nothing: after its retries, the queue keeps it in the dead-letter queue. An object
// that is gone is counted, because no retry brings it back.
package marker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Errors of invocations.
var (
	errEvent    = errors.New("not an event of a queue, and not a task of a backfill")
	errNotReady = errors.New("no index is available")
	errNoTime   = errors.New("no time left to start the object")
	errPanicked = errors.New("panic while marking")
)

// Config configures a [Marker]. Index, Logs, Output and Layout are required.
type Config struct {
	Index  loader.Store
	Logs   Logs
	Output Output
	Layout *Layout
	// Alerts gets the matches of each object. Default: nobody is told of matches.
	Alerts Queue
	// Settings says how records are marked.
	Settings settings.MarkerFunction
	// Log receives failures. It never receives content of records. Default: nothing is logged.
	Log *slog.Logger
	// Metrics receives lines in Embedded Metric Format. Default: no metrics are written.
	Metrics io.Writer

	clock func() time.Time // tests set it; default: time.Now
}

// Marker answers the events of a queue. It is safe for concurrent use.
type Marker struct {
	config  Config
	indexes *loader.Loader
	metrics *metric.Writer
	jobs    sync.Pool // of *job
}

// New returns a marker. It does not use its ports before the first event.
func New(config Config) (*Marker, error) {
	if config.Index == nil || config.Logs == nil || config.Output == nil || config.Layout == nil {
		return nil, errors.New("creating a marker: an index, logs, an output and a layout are required")
	}
	if config.clock == nil {
		config.clock = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	settings.Fill(&config.Settings)
	m := &Marker{
		config: config,
		indexes: loader.New(loader.Config{
			Store: config.Index, Clock: config.clock, Log: config.Log,
			Interval: config.Settings.Transformer.PollInterval.Std(), Wait: config.Settings.ColdStartWait.Std(),
			Bounds: reach.NewBounds(config.Settings.ReachBounds),
		}),
		metrics: metric.NewWriter(config.Metrics, config.Settings.Stack, config.clock),
	}
	m.jobs.New = func() any {
		return &job{logs: config.Logs, output: config.Output, layout: config.Layout, marker: verdict.NewMarker(nil, verdict.Options{})}
	}
	return m, nil
}

// answer is the answer to an event of a queue: the messages that must come again.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type answer struct {
	Failures []failedMessage `json:"batchItemFailures"`
}

type failedMessage struct {
	ID string `json:"itemIdentifier"`
}

// Invoke answers an event of a queue. It returns an error only for something else: a message
// that fails is in the answer, because an error would fail the whole batch.
func (m *Marker) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var batch struct {
		Records []message `json:"Records"`
	}
	if err := json.Unmarshal(event, &batch); err != nil || batch.Records == nil {
		return nil, errors.Join(errEvent, err)
	}

	run := m.begin(ctx, alert.OriginS3)
	defer run.end()
	reply := answer{Failures: []failedMessage{}}
	for _, sent := range batch.Records {
		if err := run.markMessage(&sent); err != nil {
			reply.Failures = append(reply.Failures, failedMessage{sent.ID})
			m.config.Log.Warn("notification failed", "message", sent.ID, "error", err)
		}
	}
	return json.Marshal(reply)
}

// run is the work of one invocation, with one index.
type run struct {
	*Marker
	ctx   context.Context //nolint:containedctx // of the invocation
	job   *job
	end   func()
	index *loader.Loaded // nil if there is none
	last  time.Time      // when the last object may start; zero if there is no limit
	// origin is where the matches of the invocation are from, "" if nobody is told.
	origin alert.Origin
	tally  tally
}

// tally counts the objects of an invocation.
type tally struct {
	marked, skipped, missing, failed, unreadable int
	alertRows, alertRowsCut, alertsFailed        int
	lag                                          time.Duration // of the latest object
	objects                                      verdict.Counts
}

// startShare is the share of the time of an invocation in which objects are started.
const startShare = 0.6

// begin prepares an invocation, whose matches have this origin.
func (m *Marker) begin(ctx context.Context, origin alert.Origin) *run {
	r := &run{Marker: m, ctx: ctx, job: m.jobs.Get().(*job)}
	if m.config.Alerts != nil {
		r.origin = origin
	}
	wait := loader.MaxPoll
	if deadline, limited := ctx.Deadline(); limited {
		left := deadline.Sub(m.config.clock())
		r.last = m.config.clock().Add(time.Duration(float64(left) * startShare))
		wait = left / 2
	}
	r.index = m.indexes.Get(ctx, wait)
	r.end = func() {
		r.writeMetrics()
		r.job.matches.Reset(time.Time{})
		m.jobs.Put(r.job)
	}
	return r
}

// resetMarker prepares the marker for an object, with the index of the invocation.
func (r *run) resetMarker() {
	options := verdict.Options{
		SkipCNAMEs:    !r.config.Settings.Transformer.CheckAnswers.Names(),
		SkipAddresses: !r.config.Settings.Transformer.CheckAnswers.Addresses(),
	}
	r.job.matches.Reset(r.config.clock())
	if r.origin != "" {
		options.OnMatch = r.job.matches.Add
	}
	if r.index == nil {
		r.job.marker.Reset(nil, options)
		return
	}
	options.Stale = r.index.Age(r.config.clock()) > r.config.Settings.MaxIndexAge.Std()
	r.job.marker.Reset(r.index.Index, options)
}

// writeMetrics writes the metrics of the invocation.
func (r *run) writeMetrics() {
	list := []emf.Metric{
		metric.Count(metric.ObjectsMarked, r.tally.marked),
		metric.Count(metric.ObjectsSkipped, r.tally.skipped),
		metric.Count(metric.ObjectMissing, r.tally.missing),
		metric.Count(metric.ObjectsFailed, r.tally.failed),
		metric.Count(metric.UnreadableLines, r.tally.unreadable),
		metric.Count(metric.IndexLoadFailed, r.indexes.TakeFailures()),
	}
	if r.tally.alertRows+r.tally.alertsFailed > 0 {
		list = append(list,
			metric.Count(metric.AlertRows, r.tally.alertRows),
			metric.Count(metric.AlertRowsCut, r.tally.alertRowsCut),
			metric.Count(metric.AlertSendFailed, r.tally.alertsFailed))
	}
	if r.tally.marked > 0 {
		list = append(list, metric.Seconds(metric.SourceLag, r.tally.lag))
	}
	list = append(list, r.tally.objects.Metrics()...)
	r.metrics.Put(append(list, r.index.Metrics(r.config.clock())...)...)
}

// markMessage marks the objects that a message is about.
func (r *run) markMessage(sent *message) error {
	objects, err := objectsOf(sent.Body)
	if err != nil {
		r.tally.failed++
		return err
	}
	var problems []error
	for i := range objects {
		problems = append(problems, r.markObject(&objects[i]))
	}
	return errors.Join(problems...)
}

// markObject marks one object, unless there is no time left for it.
func (r *run) markObject(o *Object) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: %T", errPanicked, problem) // the text could contain a part of a record
		}
		if err != nil {
			r.tally.failed++
			err = fmt.Errorf("marking %q in bucket %q: %w", o.Key, o.Bucket, err)
		}
	}()

	name, err := ParseKey(o.Key)
	switch {
	case err != nil:
		return err
	case !r.last.IsZero() && r.config.clock().After(r.last):
		return errNoTime
	case r.index == nil && r.config.Settings.Transformer.FailureMode == settings.FailureModeFail:
		return errNotReady
	}
	r.resetMarker()
	became, unreadable, err := r.job.mark(r.ctx, o, name)
	if err != nil {
		return err
	}
	r.tell()
	counts := r.job.marker.Counts()
	r.tally.add(became, unreadable, r.config.clock().Sub(name.Time), &counts)
	return nil
}

// add counts an object that did not fail. The records of one that was marked before were counted
// then.
func (t *tally) add(became outcome, unreadable int, lag time.Duration, counts *verdict.Counts) {
	switch became {
	case outcomeMarked:
		t.marked++
		t.objects.Add(counts)
		t.unreadable += unreadable
		t.lag = max(t.lag, lag)
	case outcomeSkipped:
		t.skipped++
	case outcomeMissing:
		t.missing++
	}
}
