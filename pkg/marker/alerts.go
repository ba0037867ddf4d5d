package marker

import (
	"context"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// Queue takes the messages about matches. Its adapter is in pkg/awsio/queue.
type Queue interface {
	// Send sends a message. It must return when ctx ends, because Lambda freezes the process
	// after the response.
	Send(ctx context.Context, body []byte) error
}

// sendingTime is how long a message may take.
const sendingTime = 2 * time.Second

// tell sends one message about the matches of an object. If that fails, it is counted and logged,
// and nothing else: the marks are written, and a scheduled query finds them.
//
// The matches of an object that was marked before are told again, because the earlier process may
// have ended before it told them. The notifier recognises repeats.
func (r *run) tell() {
	if r.origin == "" || r.job.matches.Empty() {
		return
	}
	m := alert.Message{Origin: r.origin, Stack: r.config.Settings.Stack}
	if r.index != nil {
		m.Generation = r.index.Current.Generation
	}
	r.job.matches.Fill(&m)
	body := m.Encode()
	ctx, cancel := context.WithTimeout(r.ctx, sendingTime)
	defer cancel()
	if err := r.config.Alerts.Send(ctx, body); err != nil {
		r.tally.alertsFailed++
		r.config.Log.Warn("sending matches failed", "rows", len(m.Rows), "error", err)
		return
	}
	r.tally.alertRows += len(m.Rows)
	r.tally.alertRowsCut += m.TruncatedRows
}
