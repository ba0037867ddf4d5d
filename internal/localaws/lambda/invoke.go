package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
)

// invocation is one call on its way through a process.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	result   chan result // buffered: the first result counts
}

type result struct {
	payload []byte
	err     error
}

// finish gives the invocation its result; later ones are dropped.
func (i *invocation) finish(r result) {
	select {
	case i.result <- r:
	default:
	}
}

// Invoke runs the function with payload and returns its answer. The errors are
// [*FunctionError], [ErrThrottled], [ErrTooLarge], [ErrClosed] and the context's; if
// the context ends, so does the process.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxRequestBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(payload), maxRequestBytes)
	}
	select {
	case <-f.slots:
	default:
		return nil, ErrThrottled
	}
	defer func() { f.slots <- struct{}{} }()
	return f.run(ctx, payload)
}

// InvokeAsync queues an event, and returns at once. A failed try is repeated after
// each of the RetryDelays; throttled events wait. The errors are [ErrTooLarge] and
// [ErrClosed].
func (f *Function) InvokeAsync(event []byte) error {
	if len(event) > maxEventBytes {
		return fmt.Errorf("%w: %d bytes, at most %d in an event", ErrTooLarge, len(event), maxEventBytes)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.events.Go(func() {
		if err := f.runEvent(event); err != nil && f.config.OnFailure != nil {
			f.config.OnFailure(event, err)
		}
	})
	return nil
}

// runEvent tries an event until it succeeds or the tries are used up.
func (f *Function) runEvent(event []byte) error {
	for try := 0; ; try++ {
		select {
		case <-f.slots:
		case <-f.ctx.Done():
			return ErrClosed
		}
		_, err := f.run(f.ctx, event)
		f.slots <- struct{}{}
		if err == nil || try == len(f.config.RetryDelays) {
			return err
		}
		select {
		case <-time.After(f.config.RetryDelays[try]):
		case <-f.ctx.Done():
			return ErrClosed
		}
	}
}

// run gives an invocation to a process. One that ended while it was idle, as after
// an answer that was too large, is replaced and does not count against the call.
func (f *Function) run(ctx context.Context, payload []byte) ([]byte, error) {
	call := &invocation{id: uuid.NewString(), payload: payload, result: make(chan result, 1)}
	for {
		e, fresh, err := f.environment(ctx)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		taken, answer := e.serve(ctx, call)
		f.release(e)
		if !taken && !fresh && ctx.Err() == nil {
			continue
		}
		f.report(call, time.Since(start), answer.err)
		return answer.payload, answer.err
	}
}

// environment returns an idle process, or a fresh one that is ready.
func (f *Function) environment(ctx context.Context) (e *environment, fresh bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, false, ErrClosed
	}
	if last := len(f.idle) - 1; last >= 0 {
		e = f.idle[last]
		f.idle = f.idle[:last]
		return e, false, nil
	}
	if e, err = start(f); err != nil {
		return nil, false, fmt.Errorf("starting %s: %w", f.config.Binary, err)
	}
	f.running[e] = true
	f.mu.Unlock() // the process may take seconds
	err = e.waitReady(ctx)
	f.mu.Lock()
	if err != nil {
		delete(f.running, e)
		return nil, false, err
	}
	return e, true, nil
}

// release keeps a process that still runs for the next invocation.
func (f *Function) release(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.ended() || f.closed {
		delete(f.running, e)
		return
	}
	f.idle = append(f.idle, e)
}

// report writes the line that Lambda logs after an invocation.
func (f *Function) report(call *invocation, took time.Duration, err error) {
	status := ""
	if failed := (*FunctionError)(nil); errors.As(err, &failed) {
		status = "\tStatus: error\tError Type: " + failed.Type
	}
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tMemory Size: %d MB%s\n",
		call.id, float64(took.Microseconds())/1000, f.config.MemoryMB, status)
	_, _ = io.WriteString(f.config.Logs, line) // a log: there is nobody to tell
}
