// Package hunter runs named queries of the Athena workgroup on a schedule and sends what they
// find to the notifier. An event of EventBridge goes in; rows leave in messages of package alert.
//
// A run asks for a period that is longer than its interval, so that records that arrive late are
// found by a later run. Most findings are therefore found several times. Each has an identity of
// its own, see [alert.Row.ID], and the notifier reports it once. So a run may be repeated at any
// time: Lambda repeats an event after an error, with the same period and the same identities.
//
// The text of a query is the one in the workgroup. Resolverwatch puts it there, and users may
// add queries of their own, so a schedule of theirs works like one of ours.
//
// # Failures
//
//   - Rows are sent before a run counts as successful. A run that is killed, or that cannot send
//     everything, writes no HuntSucceeded, so an alarm on that metric notices whatever went wrong.
//   - A query that takes too long is stopped. One that scans more than the limit of the workgroup
//     is cancelled by Athena, and the error says so. Such a run is not repeated, because each
//     repeat costs the same again.
//   - Rows beyond the bound are counted, and so is a row that has no identity; the others are sent.
package hunter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Athena is the workgroup of the stack.
type Athena interface {
	// Query returns the text of a named query, or [storage.ErrNotFound].
	Query(ctx context.Context, name string) (string, error)
	// Run runs SQL and returns the first rows of the result, at most most. If ctx ends, it stops
	// the query. The result is never nil: after an error it has the bytes that were scanned.
	Run(ctx context.Context, sql string, most int) (*Result, error)
}

// Result is the result of a query.
type Result struct {
	Columns []string
	Rows    [][]*string // nil is NULL
	More    int         // rows that were not read
	Bytes   int64       // bytes that Athena scanned, which it bills
}

// Queue is the queue of the notifier.
type Queue interface {
	Send(ctx context.Context, body []byte) error
}

// Runs keeps when hunts ran that must not run too often. A writer names the revision that it
// read, so if two hunters write at once, one of them has to decide again.
type Runs interface {
	// Run returns what is stored about a hunt. If nothing is, its revision is 0.
	Run(ctx context.Context, hunt string) (Run, error)
	// PutRun stores run with the revision after run.Revision. If the stored one does not have
	// run.Revision, it returns [storage.ErrConflict].
	PutRun(ctx context.Context, hunt string, run Run) error
}

// Config configures a [Hunter]. Athena and Runs are required.
type Config struct {
	Athena Athena
	Runs   Runs
	// Queue receives the rows.
	//
	// Default: rows are only counted.
	Queue Queue
	// Settings has the look-back, the bound of rows and the stack. Unset fields have their
	// defaults; the names of resources are not used.
	Settings settings.HunterFunction
	// Log receives events with the names of queries, never with the content of a row.
	//
	// Default: nothing is logged.
	Log *slog.Logger
	// Metrics receives lines in the Embedded Metric Format.
	//
	// Default: nothing is counted.
	Metrics io.Writer
	// Now is the clock.
	//
	// Default: [time.Now].
	Now func() time.Time
	// RequestID returns the id of an invocation. A repeat of an event by Lambda has the same id.
	//
	// Default: a random id, so that a repeat waits until the claim of a killed run ends.
	RequestID func(context.Context) string
}

// Hunter runs scheduled queries. It is safe for concurrent use, and several processes may run
// the same query.
type Hunter struct {
	config  Config
	metrics *metric.Writer
}

// New returns a hunter.
func New(c Config) (*Hunter, error) {
	if c.Athena == nil || c.Runs == nil {
		return nil, errors.New("creating a hunter: a workgroup and a table of runs are required")
	}
	settings.Fill(&c.Settings)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.RequestID == nil {
		c.RequestID = func(context.Context) string { return "" }
	}
	clock := c.Now
	if clock == nil {
		clock = time.Now
	}
	// Stored times and parameters of queries have no fractions of a second.
	c.Now = func() time.Time { return clock().UTC().Truncate(time.Second) }
	return &Hunter{config: c, metrics: metric.NewWriter(c.Metrics, c.Settings.Stack, c.Now)}, nil
}

// outcome is what a run did. It is the answer to the invocation.
type outcome struct {
	Query   string `json:"query"`
	Skipped string `json:"skipped,omitempty"` // why nothing was run
	Rows    int    `json:"rows"`              // sent, or counted if there is no queue
	Cut     int    `json:"rows_cut"`
	Bad     int    `json:"rows_without_identity"`
	Bytes   int64  `json:"bytes_scanned"`
	// Failed is why a run failed that is not repeated.
	Failed string `json:"failed,omitempty"`

	known bool // the workgroup has the query, so its name may be a dimension
}

// ErrLimit reports a query that Athena cancelled because it scanned more than the workgroup allows.
var ErrLimit = errors.New("the query scans more than its workgroup allows")

// Other errors that a repeat would only meet again.
var (
	errTooSlow     = errors.New("the query has no result in time")
	errNotDeployed = errors.New("the query is not in the workgroup")
	errParameters  = errors.New("its parameters are wrong")
)

// isFinal reports whether a repeat would end with the same error and cost the same again.
func isFinal(err error) bool {
	for _, final := range []error{ErrLimit, errTooSlow, errNotDeployed, errParameters, errColumns} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// Invoke handles an event. If it returns an error, Lambda repeats the event. It returns no error if
// a repeat would only cost the same again; the metrics and the answer say that the run failed.
func (h *Hunter) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	asked, err := decodeEvent(event, h.config.Now())
	if err != nil {
		h.report(ctx, &outcome{}, err)
		return nil, err
	}

	var done outcome
	switch {
	case asked.query == settings.QueryRetroHunt && asked.publish != nil && asked.publish.isElsewhere(h.config.Settings.Stack):
		done.Skipped = "the event is about another stack"
	case asked.query == settings.QueryRetroHunt && asked.publish != nil && asked.publish.addsNothing():
		done.Skipped = "the publish has no new indicators"
	case asked.query == settings.QueryRetroHunt:
		done, err = h.retroHunt(ctx, asked)
	default:
		done, err = h.hunt(ctx, asked, newPeriod(asked.query, asked.at, &h.config.Settings))
	}
	done.Query = asked.query
	if done.Skipped == "" || err != nil {
		h.report(ctx, &done, err)
	} else {
		h.config.Log.InfoContext(ctx, "hunt was not needed", "query", asked.query, "why", done.Skipped)
	}
	if err != nil && !isFinal(err) {
		return nil, err
	}
	if err != nil {
		done.Failed = err.Error()
	}
	answer, err := json.Marshal(done)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	return answer, nil
}

// report counts a run and logs it.
func (h *Hunter) report(ctx context.Context, done *outcome, err error) {
	ended := metric.Count(metric.HuntSucceeded, 1)
	switch {
	case err != nil:
		ended = metric.Count(metric.HuntFailed, 1)
		h.config.Log.ErrorContext(ctx, "hunt failed", "query", done.Query, "bytes", done.Bytes, "why", err)
	case done.Bad > 0:
		ended = metric.Count(metric.HuntFailed, 1)
		h.config.Log.ErrorContext(ctx, "hunt found rows without identity", "query", done.Query, "rows", done.Bad,
			"bytes", done.Bytes)
	default:
		h.config.Log.InfoContext(ctx, "hunt ended", "query", done.Query, "rows", done.Rows, "rows_cut", done.Cut,
			"bytes", done.Bytes)
	}
	h.metrics.Put(ended,
		metric.Count(metric.HuntRows, done.Rows),
		metric.Count(metric.HuntRowsCut, done.Cut),
		emf.Metric{Name: metric.HuntBytesScanned, Unit: emf.Bytes, Value: float64(done.Bytes)})
	if done.known {
		h.metrics.PutFor(emf.Dimension{Name: settings.MetricDimensionQuery, Value: done.Query}, ended)
	}
}

// hunt runs a query for a period and sends its rows.
func (h *Hunter) hunt(ctx context.Context, asked request, period period) (done outcome, err error) {
	text, err := h.config.Athena.Query(ctx, asked.query)
	if errors.Is(err, storage.ErrNotFound) {
		return done, fmt.Errorf("query %q: %w: add it as a named query, or remove its schedule", asked.query, errNotDeployed)
	}
	if err != nil {
		return done, fmt.Errorf("query %q: %w", asked.query, err)
	}
	done.Query, done.known = asked.query, true
	sql, err := fill(text, period.parameters, asked.parameters, h.config.Now())
	if err != nil {
		return done, fmt.Errorf("query %q: %w", asked.query, err)
	}

	result, err := h.ask(ctx, sql)
	done.Bytes, done.Cut = result.Bytes, result.More
	if err != nil {
		return done, fmt.Errorf("query %q: %w", asked.query, err)
	}

	found, err := readFindings(asked.query, result, period)
	if err != nil {
		return done, fmt.Errorf("query %q: %w", asked.query, err)
	}
	done.Bad = found.bad
	done.Rows, err = h.send(ctx, asked.query, found.rows, result.More)
	done.Rows += found.listed
	if err != nil {
		return done, fmt.Errorf("query %q: %w", asked.query, err)
	}
	return done, nil
}

// reserve is the part of an invocation that is kept for the rows of a query.
const reserve = settings.HunterTimeout - settings.QueryTimeout

// ask runs SQL in the time that a query may take.
func (h *Hunter) ask(ctx context.Context, sql string) (*Result, error) {
	limit := settings.QueryTimeout
	if deadline, limited := ctx.Deadline(); limited {
		limit = min(limit, time.Until(deadline)-reserve)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result, err := h.config.Athena.Run(limited, sql, h.config.Settings.MaxRows)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: it was stopped after %v; choose a shorter look-back: %w", errTooSlow, limit.Round(time.Second), err)
	}
	return result, err
}

// fill returns the SQL of a query. It sets those of our parameters that the query has, and all
// that were asked for. A query of a user without our header has no parameters.
func fill(text string, ours, asked map[string]string, now time.Time) (string, error) {
	query, err := namedquery.Parse(text)
	switch {
	case err != nil && len(asked) > 0:
		return "", fmt.Errorf("%w: it takes none: %w", errParameters, err)
	case err != nil:
		return text, nil //nolint:nilerr // SQL that a user wrote
	}

	values := map[string]string{}
	for _, parameter := range query.Parameters {
		if value, given := ours[parameter.Name]; given {
			values[parameter.Name] = value
		}
	}
	for name, value := range asked {
		values[name] = value
	}
	sql, err := query.Fill(values)
	if err := errors.Join(err, query.Check(values, now)); err != nil {
		return "", fmt.Errorf("%w: %w", errParameters, err)
	}
	return sql, nil
}
