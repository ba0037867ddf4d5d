package transformer

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Queue takes the messages about matches. Its adapter is in pkg/awsio/queue.
type Queue interface {
	// Send sends a message. It must return when ctx ends, and leave no work behind: Lambda
	// freezes the process after the response, and the memory of the body is used again.
	Send(ctx context.Context, body []byte) error
}

// errNoTimeToSend reports matches that were not sent because the invocation is about to end.
var errNoTimeToSend = errors.New("no time left to send the matches")

// alertStats counts what was told about the matches of an event.
type alertStats struct {
	rows, cut int // hosts and indicators in the message, and those that it only counts
	records   int // log objects that the message is about
	failed    int // messages that were lost
	broken    int // marks whose collection panicked
}

// sent returns the number of rows that arrived.
func (s *alertStats) sent() int {
	if s.failed > 0 {
		return 0
	}
	return s.rows
}

// collect collects a mark. It never fails the record that is being marked.
func (w *worker) collect(m *verdict.Mark) {
	defer func() {
		if recover() != nil {
			w.stats.alerts.broken++
		}
	}()
	w.matches.Add(m)
}

// tell sends one message about the matches of an event. If that fails, it is counted and
// logged, and nothing else.
func (t *Transformer) tell(ctx context.Context, w *worker, inService *loader.Loaded, left *budget) {
	stats := &w.stats.alerts
	if t.config.Alerts == nil || w.matches.Empty() && stats.broken == 0 {
		return
	}

	var err error
	if !w.matches.Empty() {
		err = t.send(ctx, w, inService, left)
	}
	if err == nil && stats.broken > 0 {
		err = fmt.Errorf("collecting %d marks: %w", stats.broken, errPanicked)
	}
	if err != nil {
		stats.failed++
		t.config.Log.Warn("sending matches failed", "rows", stats.rows, "records", stats.records, "error", err)
	}
}

// send sends the message. It converts a panic into an error.
func (t *Transformer) send(ctx context.Context, w *worker, inService *loader.Loaded, left *budget) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: %T", errPanicked, problem)
		}
	}()

	m := alert.Message{Origin: alert.OriginFirehose, Stack: t.config.Settings.Stack}
	if inService != nil {
		m.Generation = inService.Current.Generation
	}
	w.matches.Fill(&m)
	w.message = m.AppendEncode(w.message[:0])

	stats := &w.stats.alerts
	stats.rows, stats.cut, stats.records = len(m.Rows), m.TruncatedRows, m.TruncatedRecords
	for i := range m.Rows {
		stats.records += m.Rows[i].Records
	}

	limit := left.sending()
	if limit <= 0 {
		return errNoTimeToSend
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return t.config.Alerts.Send(ctx, w.message)
}
