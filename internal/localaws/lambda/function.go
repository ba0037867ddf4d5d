// Package lambda runs Lambda functions on this machine: the really built `bootstrap`
// binaries, as child processes behind Lambda's Runtime API (2018-06-01), with AWS's
// limits on payloads, time and concurrency and AWS's names for what goes wrong.
//
// A process serves one invocation at a time and is kept for the next, as an
// execution environment is. It sees the variables that Lambda sets and those of its
// configuration, nothing of the parent's environment. Memory is not limited, and
// nothing is billed.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Limits of the service, in bytes. Both payloads are counted as they travel, with
// their base64.
const (
	maxRequestBytes  = 6 << 20
	maxResponseBytes = 6<<20 + 100
	maxEventBytes    = 1 << 20 // of an asynchronous invocation
	maxVariableBytes = 4 << 10 // of all environment variables
)

// initLimit is how long a process may take to ask for its first invocation.
const initLimit = 10 * time.Second

// Errors of invocations, beside [*FunctionError].
var (
	// ErrThrottled is TooManyRequestsException: all environments are busy.
	ErrThrottled = errors.New("the function's concurrency is used up")
	// ErrTooLarge is RequestTooLargeException: the payload is over the limit.
	ErrTooLarge = errors.New("the payload is larger than Lambda takes")
	// ErrClosed is the answer after [Function.Close].
	ErrClosed = errors.New("the function is closed")
)

// FunctionError says that the function was invoked and failed: it returned an error,
// ended, took too long, or answered too much.
type FunctionError struct {
	Type    string `json:"errorType"` // as AWS has it: "Sandbox.Timedout", "Runtime.ExitError", or the function's own
	Message string `json:"errorMessage"`
}

// Error returns type and message.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Config describes a function.
type Config struct {
	// Name is the function's name. Required.
	Name string
	// Binary is the path of the executable that implements the Runtime API, built
	// for this machine. Required.
	Binary string
	// Environment are the function's own variables, at most 4 KB; names that Lambda
	// reserves are refused.
	Environment map[string]string
	// AccessKey names the function's role: it becomes AWS_ACCESS_KEY_ID.
	AccessKey string
	// MemoryMB is told to the function, and no more; 0 is 128.
	MemoryMB int
	// Timeout ends an invocation; 0 is 3 s, at most 15 min.
	Timeout time.Duration
	// Concurrency is the most processes at a time; 0 is 10.
	Concurrency int
	// RetryDelays are the pauses before each further try of a failed asynchronous
	// invocation; nil is 1 min and 2 min, as in AWS.
	RetryDelays []time.Duration
	// OnFailure, if set, is told of an event that failed every try.
	OnFailure func(event []byte, err error)
	// Logs receives what the processes print, and a line for each invocation; nil
	// drops it.
	Logs io.Writer
}

// Function is a function that can be invoked. It is safe for concurrent use and must
// be closed.
type Function struct {
	config Config
	slots  chan struct{} // one element for each process that may still start

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	idle    []*environment
	running map[*environment]bool
	closed  bool
	events  sync.WaitGroup // asynchronous invocations under way
}

// New checks the configuration. No process starts before the first invocation.
func New(config Config) (*Function, error) {
	if config.MemoryMB == 0 {
		config.MemoryMB = 128
	}
	if config.Timeout == 0 {
		config.Timeout = 3 * time.Second
	}
	if config.Concurrency == 0 {
		config.Concurrency = 10
	}
	if config.RetryDelays == nil {
		config.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute}
	}
	if config.Logs == nil {
		config.Logs = io.Discard
	}
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("function %q: %w", config.Name, err)
	}
	config.Logs = &lineWriter{to: config.Logs}
	f := &Function{config: config, slots: make(chan struct{}, config.Concurrency), running: map[*environment]bool{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	for range config.Concurrency {
		f.slots <- struct{}{}
	}
	return f, nil
}

func (c *Config) validate() error {
	var problems []error
	if c.Name == "" {
		problems = append(problems, errors.New("name: must not be empty"))
	}
	if info, err := os.Stat(c.Binary); err != nil {
		problems = append(problems, fmt.Errorf("binary: %w", err))
	} else if info.IsDir() {
		problems = append(problems, fmt.Errorf("binary: %s is a folder", c.Binary))
	}
	if c.Timeout < 0 || c.Timeout > 15*time.Minute {
		problems = append(problems, fmt.Errorf("timeout: must be in (0, 15m], got %v", c.Timeout))
	}
	size := 0
	for name, value := range c.Environment {
		size += len(name) + len(value)
		if reserved(name) {
			problems = append(problems, fmt.Errorf("environment: %s is reserved by Lambda", name))
		}
	}
	if size > maxVariableBytes {
		problems = append(problems, fmt.Errorf("environment: %d bytes, at most %d fit", size, maxVariableBytes))
	}
	return errors.Join(problems...)
}

// Name returns the function's name.
func (f *Function) Name() string { return f.config.Name }

// ARN returns the function's name in AWS's long form.
func (f *Function) ARN() string {
	return "arn:aws:lambda:us-east-1:000000000000:function:" + f.config.Name
}

// Wait returns when no asynchronous invocation is under way or waits for a retry, or
// with the context's error.
func (f *Function) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		f.events.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends every process and fails the invocations under way.
func (f *Function) Close() error {
	f.mu.Lock()
	f.closed = true
	environments := make([]*environment, 0, len(f.running))
	for e := range f.running {
		environments = append(environments, e)
	}
	f.mu.Unlock()
	f.cancel()
	for _, e := range environments {
		e.stop()
	}
	f.events.Wait()
	return nil
}

// lineWriter keeps the output of processes from mixing inside a write.
type lineWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

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
