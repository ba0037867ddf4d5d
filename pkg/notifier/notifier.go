// Package notifier reports matches to people and programs. Messages of package alert come in
// from a queue; events on a bus, notices of a topic and findings of Security Hub go out.
//
// # What it promises
//
//   - Each match is reported at least once. A message leaves the queue only after all its rows were
//     reported, or belong to an alert that was sent. A table keeps what was sent.
//   - A host and an indicator are reported once in a window. Repeats are counted.
//   - An alert that is sent again after a failure has the same id, so that consumers can drop the
//     repeat.
//   - Five minutes bring at most a fixed number of events, notices and findings. The others are
//     counted in one event about a storm.
//   - Names and other texts of attackers never become keys, subjects, or attributes of messages,
//     and are never logged.
//
// # How it keeps them
//
// A notifier claims a row of the table before it sends, for the time of a lease, and marks the
// row when everything was sent. If it dies in between, the lease ends, the queue delivers the
// message again, and the next notifier sends the alert again. Every write to the table is
// conditional on the revision that was read, so two notifiers never claim the same row. The
// times in rows decide. Nothing depends on whether DynamoDB has deleted an expired row.
package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Bounds of a slot. Alerts beyond them are counted in an event about a storm, and findings in a
// metric.
const (
	slotLength  = 5 * time.Minute
	maxAlerts   = 100  // events with one match each
	maxStorms   = 20   // events about storms
	maxNotices  = 20   // notices, so that a mailbox stays usable
	maxFindings = 1000 // Security Hub allows 100 findings in a request and 10 requests in a second
)

const (
	// lease is the time for which a notifier owns a row. It is longer than the function can
	// run, so the owner of a row whose lease is over no longer runs.
	lease = settings.NotifierTimeout + time.Minute
	// keptFor is how long a row stays in the table after the last match.
	keptFor = 30 * 24 * time.Hour
	// defaultWorkers is the number of rows that are written at once. A new table of DynamoDB takes
	// about 4,000 writes a second.
	defaultWorkers = 16
	// busyTries and busyWait bound the wait for a row that another notifier owns.
	busyTries = 3
	busyWait  = 2 * time.Second
)

// Config configures a notifier.
type Config struct {
	Settings settings.NotifierFunction
	Table    Table
	Bus      Bus
	Topic    Topic // nil = no notices
	Hub      Hub   // nil = no findings

	// Log gets events without any content of messages. Default: nothing is logged.
	Log *slog.Logger
	// Metrics gets lines in the Embedded Metric Format. Default: no metrics.
	Metrics io.Writer
	// Now is the clock. Default: [time.Now].
	Now func() time.Time
	// Sleep waits for a row that another notifier owns. Default: a timer.
	Sleep func(context.Context, time.Duration)
	// Workers is the number of rows that are written at once. Default: 16.
	Workers int
}

// Notifier handles the events of a Lambda function. It is safe for concurrent use.
type Notifier struct {
	Config
	metrics  *metric.Writer
	ledger   ledger
	composer composer
}

// composer writes events, notices and findings.
type composer struct {
	settings settings.NotifierFunction
	home     home
	now      func() time.Time
}

// New returns a notifier. The settings must be valid.
func New(config Config) (*Notifier, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Sleep == nil {
		config.Sleep = sleep
	}
	if config.Workers <= 0 {
		config.Workers = defaultWorkers
	}

	n := &Notifier{Config: config, metrics: metric.NewWriter(config.Metrics, config.Settings.Stack, config.Now)}
	n.ledger = ledger{
		table: config.Table, alerting: config.Settings.Alerting, log: config.Log, now: n.now, workers: config.Workers,
	}
	n.composer = composer{settings: config.Settings, now: n.now}
	if config.Hub != nil {
		var err error
		if n.composer.home, err = parseProduct(config.Settings.ProductARN); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// now returns the time in the precision of the table.
func (n *Notifier) now() time.Time { return n.Now().UTC().Truncate(time.Millisecond) }

// invocation has the members of all events that invoke the notifier: messages of SQS, and the
// schedule of the digest.
type invocation struct {
	Records []record `json:"Records"`
	Digest  bool     `json:"digest"`
}

// record is a message of SQS.
type record struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
}

var errUnknownEvent = errors.New(`unknown event: must have messages of SQS in "Records", or be {"digest":true}`)

// Invoke handles an event. For messages of SQS it returns the ids of those that must be
// delivered again. It returns an error only if the event is not known, or if a digest could not
// be sent.
func (n *Notifier) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var in invocation
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, fmt.Errorf("decoding the event: %w", err)
	}
	switch {
	case in.Digest:
		return []byte("null"), n.sendDigest(ctx)
	case len(in.Records) > 0:
		return n.answer(n.handle(ctx, in.Records)), nil
	default:
		return nil, errUnknownEvent
	}
}

// answer returns the partial response for a batch of SQS, as described in "Implementing partial
// batch responses" of Lambda's developer guide.
func (n *Notifier) answer(failed []string) []byte {
	type failure struct {
		ID string `json:"itemIdentifier"`
	}
	out := struct {
		Failures []failure `json:"batchItemFailures"`
	}{Failures: []failure{}}
	for _, id := range failed {
		out.Failures = append(out.Failures, failure{id})
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(fmt.Errorf("encoding message ids: %w", err))
	}
	return text
}
