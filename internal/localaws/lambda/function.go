// Package lambda runs Lambda functions on this machine. It starts the compiled `bootstrap`
// binaries as child processes, serves them Lambda's Runtime API (2018-06-01), and enforces
// AWS's limits on payloads, time and concurrency. Errors have the names that AWS uses.
//
// Like an execution environment, a process serves one invocation at a time and is reused for
// the next one. It sees the variables that Lambda sets and those in [Config], but none of the
// parent process. Memory is not limited.
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

// Limits of the service, in bytes. Payloads are counted as transmitted, including base64.
const (
	maxRequestBytes  = 6 << 20
	maxResponseBytes = 6<<20 + 100
	maxEventBytes    = 1 << 20 // payload of an asynchronous invocation
	maxVariableBytes = 4 << 10 // all environment variables together
)

// initLimit is the time that a process has to request its first invocation.
const initLimit = 10 * time.Second

// Errors of invocations, in addition to [*FunctionError].
var (
	// ErrThrottled is TooManyRequestsException: all environments are busy.
	ErrThrottled = errors.New("the concurrency limit of the function is reached")
	// errTooLarge is RequestTooLargeException: the payload exceeds the limit.
	errTooLarge = errors.New("the payload is larger than Lambda allows")
	// ErrClosed is returned after [Function.Close].
	ErrClosed = errors.New("the function is closed")
)

// FunctionError reports that the function was invoked and failed: it returned an error, exited,
// timed out, or returned a response that is too large.
type FunctionError struct {
	Type    string `json:"errorType"` // "Sandbox.Timedout", "Runtime.ExitError", or the function's own type
	Message string `json:"errorMessage"`
}

// Error returns the type and the message.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Config describes a function.
type Config struct {
	// Name is the function's name. Required.
	Name string
	// Binary is the path of the executable that implements the Runtime API, compiled for this
	// machine. Required.
	Binary string
	// Environment holds the variables of the function, at most 4 KB. Names that Lambda
	// reserves are refused.
	Environment map[string]string
	// AccessKey becomes AWS_ACCESS_KEY_ID and so identifies the role of the function.
	AccessKey string
	// MemoryMB becomes AWS_LAMBDA_FUNCTION_MEMORY_SIZE but is not enforced. 0 means 128.
	MemoryMB int
	// Timeout ends an invocation. 0 means 3 s; the maximum is 15 min.
	Timeout time.Duration
	// Concurrency is the maximum number of processes. 0 means 10.
	Concurrency int
	// RetryDelays are the pauses before each retry of a failed asynchronous invocation. Nil
	// means 1 min and 2 min, as on AWS.
	RetryDelays []time.Duration
	// OnFailure, if set, is called for each event that failed on every try.
	OnFailure func(event []byte, err error)
	// Logs receives the output of the processes and a line for each invocation. If nil, they
	// are discarded.
	Logs io.Writer
}

// Function is a function that can be invoked. It is safe for concurrent use. Call
// [Function.Close] to stop it.
type Function struct {
	config Config
	slots  chan struct{} // holds an element for each invocation that may start

	ctx    context.Context // canceled by Close
	cancel context.CancelFunc

	mu      sync.Mutex
	idle    []*environment
	running map[*environment]bool
	closed  bool
	events  sync.WaitGroup // asynchronous invocations in progress
}

// New returns a function. No process starts before the first invocation.
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
		problems = append(problems, fmt.Errorf("environment: must be at most %d bytes, got %d", maxVariableBytes, size))
	}
	return errors.Join(problems...)
}

// ARN returns the ARN of the function.
func (f *Function) ARN() string {
	return "arn:aws:lambda:us-east-1:000000000000:function:" + f.config.Name
}

// Wait blocks until no asynchronous invocation is in progress or waiting for a retry. It
// returns the error of ctx if that ends first.
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

// Close kills all processes, so that invocations in progress fail.
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

// lineWriter serializes writes, so that the output of processes does not mix within a write.
type lineWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// invocation is a call that a process handles.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	result   chan result // buffered, so that the first result is kept
}

type result struct {
	payload []byte
	err     error
}

// finish sets the result of the invocation. Later results are ignored.
func (i *invocation) finish(r result) {
	select {
	case i.result <- r:
	default:
	}
}

// Invoke runs the function with payload and returns its response. Its errors are
// [*FunctionError], [ErrThrottled], [ErrClosed], that of ctx, and one for a payload that is
// too large. If ctx ends, the process is killed.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxRequestBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errTooLarge, len(payload), maxRequestBytes)
	}
	select {
	case <-f.slots:
	default:
		return nil, ErrThrottled
	}
	defer func() { f.slots <- struct{}{} }()
	return f.run(ctx, payload)
}

// InvokeAsync queues an event and returns immediately. Failed events are retried after each of
// the RetryDelays, and throttled events wait. Its errors are [ErrClosed] and one for
// an event that is too large.
func (f *Function) InvokeAsync(event []byte) error {
	if len(event) > maxEventBytes {
		return fmt.Errorf("%w: %d bytes, at most %d in an event", errTooLarge, len(event), maxEventBytes)
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

// runEvent invokes the function with an event until it succeeds or no retries are left.
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

// run passes an invocation to a process. It replaces a process that exited while it was idle, for
// example after a response that was too large.
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

// environment returns an idle process, or a new one that is ready.
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
	f.mu.Unlock() // starting can take seconds
	err = e.waitReady(ctx)
	f.mu.Lock()
	if err != nil {
		delete(f.running, e)
		return nil, false, err
	}
	return e, true, nil
}

// release keeps a running process for the next invocation.
func (f *Function) release(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.hasExited() || f.closed {
		delete(f.running, e)
		return
	}
	f.idle = append(f.idle, e)
}

// report logs the line that Lambda writes after an invocation.
func (f *Function) report(call *invocation, took time.Duration, err error) {
	status := ""
	if failed := (*FunctionError)(nil); errors.As(err, &failed) {
		status = "\tStatus: error\tError Type: " + failed.Type
	}
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tMemory Size: %d MB%s\n",
		call.id, float64(took.Microseconds())/1000, f.config.MemoryMB, status)
	_, _ = io.WriteString(f.config.Logs, line) // logging is best effort
}
