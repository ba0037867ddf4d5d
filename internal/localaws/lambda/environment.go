package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// environment is one process of a function with the Runtime API that it alone talks
// to.
type environment struct {
	function *Function
	process  *exec.Cmd
	api      *http.Server

	ready  chan struct{} // closed when the process first asks for work
	work   chan *invocation
	exited chan struct{} // closed when the process has ended
	failed error         // how it ended; set before exited is closed
	once   sync.Once     // closes ready

	mu        sync.Mutex
	current   *invocation // what the process works on
	initError *FunctionError
}

// start runs the function's binary.
func start(f *Function) (*environment, error) {
	listener, err := (&net.ListenConfig{}).Listen(f.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{function: f, ready: make(chan struct{}), work: make(chan *invocation), exited: make(chan struct{})}
	e.api = &http.Server{Handler: e.routes(), ReadHeaderTimeout: initLimit}
	binary, err := filepath.Abs(f.config.Binary)
	if err != nil {
		return nil, err
	}
	e.process = exec.Command(binary) //nolint:gosec,noctx // the binary is the caller's choice; stop ends it
	e.process.Dir = filepath.Dir(binary)
	e.process.Env = variables(&f.config, listener.Addr().String())
	e.process.Stdout, e.process.Stderr = f.config.Logs, f.config.Logs
	e.process.WaitDelay = time.Second // for grandchildren that hold the pipes
	separate(e.process)
	if err := e.process.Start(); err != nil {
		_ = listener.Close()
		return nil, err
	}
	go func() { _ = e.api.Serve(listener) }() // always ErrServerClosed, by wait
	go e.wait()
	return e, nil
}

// wait notes the end of the process.
func (e *environment) wait() {
	e.failed = e.process.Wait()
	close(e.exited)
	_ = e.api.Close() // nobody else talks to it
}

// stop ends the process and returns when it has ended.
func (e *environment) stop() {
	_ = e.process.Process.Kill() // it may have ended by itself
	<-e.exited
}

func (e *environment) ended() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// waitReady returns when the process asks for work; if it does not, it is ended.
func (e *environment) waitReady(ctx context.Context) error {
	limit := time.NewTimer(initLimit)
	defer limit.Stop()
	select {
	case <-e.ready:
		return nil
	case <-e.exited:
		return e.exitError()
	case <-limit.C:
		e.stop()
		return &FunctionError{"Sandbox.Timedout", fmt.Sprintf("Init phase timed out after %v", initLimit)}
	case <-ctx.Done():
		e.stop()
		return ctx.Err()
	}
}

// serve gives call to the process and waits for its result. taken is false if the
// process ended before it asked for more work.
func (e *environment) serve(ctx context.Context, call *invocation) (taken bool, answer result) {
	timeout := e.function.config.Timeout
	call.deadline = time.Now().Add(timeout)
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case e.work <- call:
	case <-e.exited:
		return false, result{err: e.exitError()}
	case <-ctx.Done():
		e.stop()
		return false, result{err: ctx.Err()}
	}
	select {
	case answer = <-call.result:
	case <-e.exited:
		answer = result{err: e.exitError()}
		call.finish(answer) // unless the result came first:
		answer = <-call.result
	case <-limit.C:
		e.stop()
		answer = result{err: &FunctionError{"Sandbox.Timedout",
			fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", call.id, timeout.Seconds())}}
	case <-ctx.Done():
		e.stop()
		answer = result{err: ctx.Err()}
	}
	return true, answer
}

// exitError says how the process ended: in its own words if it gave any.
func (e *environment) exitError() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.initError != nil {
		return e.initError
	}
	how := "Runtime exited without providing a reason"
	if e.failed != nil {
		how = "Runtime exited with error: " + e.failed.Error()
	}
	return &FunctionError{"Runtime.ExitError", how}
}

// reserved reports whether Lambda sets the variable itself, so that a function's
// configuration must not.
func reserved(name string) bool {
	switch name {
	case "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "_HANDLER", "_X_AMZN_TRACE_ID":
		return true
	}
	return strings.HasPrefix(name, "AWS_LAMBDA_")
}

// variables returns the environment of a process.
func variables(c *Config, api string) []string {
	all := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=" + c.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", c.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + c.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=local",
		"_HANDLER=bootstrap",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(c.Binary),
		"AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + c.AccessKey,
		"AWS_SECRET_ACCESS_KEY=local",
		"AWS_SESSION_TOKEN=local",
		"AWS_EC2_METADATA_DISABLED=true",
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
		"PATH=/usr/local/bin:/usr/bin:/bin",
	}
	for name, value := range c.Environment {
		all = append(all, name+"="+value)
	}
	return all
}

// routes is the Runtime API that one process talks to.
func (e *environment) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.invocationError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.initFailed)
	return mux
}

// next answers with the next invocation, as soon as there is one.
func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	e.once.Do(func() { close(e.ready) })
	var call *invocation
	select {
	case call = <-e.work:
	case <-e.exited:
		return
	case <-r.Context().Done():
		return
	}
	e.mu.Lock()
	e.current = call
	e.mu.Unlock()
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Lambda-Runtime-Aws-Request-Id", call.id)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(call.deadline.UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", e.function.ARN())
	_, _ = w.Write(call.payload) // a process that is gone is noticed by its end
}

// response takes the function's answer. One that is too large is refused, and the
// invocation has failed.
func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	call := e.take(w, r)
	if call == nil {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponseBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		call.finish(result{err: &FunctionError{"Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponseBytes)}})
		send(w, http.StatusRequestEntityTooLarge, &FunctionError{"RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxResponseBytes)})
		return
	}
	if err != nil {
		return // the process ended: its end is the result
	}
	call.finish(result{payload: body})
	w.WriteHeader(http.StatusAccepted)
}

// invocationError takes the error that the function returned.
func (e *environment) invocationError(w http.ResponseWriter, r *http.Request) {
	call := e.take(w, r)
	if call == nil {
		return
	}
	call.finish(result{err: readError(r)})
	w.WriteHeader(http.StatusAccepted)
}

// initFailed takes the reason why the process will not start working.
func (e *environment) initFailed(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.initError = readError(r)
	e.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// take returns the current invocation if the request is about it.
func (e *environment) take(w http.ResponseWriter, r *http.Request) *invocation {
	e.mu.Lock()
	defer e.mu.Unlock()
	call := e.current
	if call == nil || call.id != r.PathValue("id") {
		send(w, http.StatusBadRequest, &FunctionError{"InvalidRequestID", "Invalid request ID"})
		return nil
	}
	e.current = nil
	return call
}

func readError(r *http.Request) *FunctionError {
	failed := &FunctionError{Type: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponseBytes))
	if err == nil && json.Unmarshal(body, failed) != nil {
		failed.Message = string(body)
	}
	if failed.Type == "" {
		failed.Type = "Runtime.Unknown"
	}
	return failed
}

// send answers with JSON.
func send(w http.ResponseWriter, status int, content any) {
	text, err := json.Marshal(content)
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client went away: nobody is left to tell
}
