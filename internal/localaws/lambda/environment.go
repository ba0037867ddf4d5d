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

// environment is a process of a function, with its own Runtime API.
type environment struct {
	function *Function
	process  *exec.Cmd
	api      *http.Server

	ready  chan struct{} // closed when the process first requests an invocation
	work   chan *invocation
	exited chan struct{} // closed when the process has exited
	failed error         // error of the process; set before exited is closed
	once   sync.Once     // closes ready

	mu        sync.Mutex
	current   *invocation // the invocation that the process handles
	initError *FunctionError
}

// start runs the function's binary.
func start(f *Function) (*environment, error) {
	listener, err := (&net.ListenConfig{}).Listen(f.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	e := &environment{
		function: f,
		ready:    make(chan struct{}),
		work:     make(chan *invocation),
		exited:   make(chan struct{}),
	}
	e.api = &http.Server{Handler: e.routes(), ReadHeaderTimeout: initLimit}
	binary, err := filepath.Abs(f.config.Binary)
	if err != nil {
		return nil, err
	}

	e.process = exec.Command(binary) //nolint:gosec,noctx // the caller chooses the binary; stop kills it
	e.process.Dir = filepath.Dir(binary)
	e.process.Env = variables(&f.config, listener.Addr().String())
	e.process.Stdout, e.process.Stderr = f.config.Logs, f.config.Logs
	e.process.WaitDelay = time.Second // grandchildren may keep the pipes open
	setProcessGroup(e.process)
	if err := e.process.Start(); err != nil {
		_ = listener.Close()
		return nil, err
	}

	go func() { _ = e.api.Serve(listener) }() // returns ErrServerClosed after wait
	go e.wait()

	return e, nil
}

// wait waits for the process to exit.
func (e *environment) wait() {
	e.failed = e.process.Wait()
	close(e.exited)
	_ = e.api.Close() // only the process uses it
}

// stop kills the process and waits until it has exited.
func (e *environment) stop() {
	_ = e.process.Process.Kill() // fails if the process has exited
	<-e.exited
}

// hasExited reports whether the process has exited.
func (e *environment) hasExited() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// waitReady waits until the process requests an invocation, and kills it if that takes too long.
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

// serve passes call to the process and waits for the result. taken is false if the process
// exited before it requested another invocation.
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
		call.finish(answer) // has no effect if the result came first
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

// exitError returns the error that the process reported, or else the reason of its exit.
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

// reserved reports whether the variable is set by Lambda and must not be in the configuration of
// a function.
func reserved(name string) bool {
	switch name {
	case "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "_HANDLER", "_X_AMZN_TRACE_ID":
		return true
	}
	return strings.HasPrefix(name, "AWS_LAMBDA_")
}

// variables returns the environment variables of a process.
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

// routes returns the handler of the Runtime API.
func (e *environment) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.invocationError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.initFailed)
	return mux
}

// next waits for the next invocation and sends it.
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
	_, _ = w.Write(call.payload) // if the process has exited, serve notices
}

// response receives the response of the function. If it is too large, the invocation fails.
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
		return // the process exited, which is the result
	}
	call.finish(result{payload: body})
	w.WriteHeader(http.StatusAccepted)
}

// invocationError receives the error that the function returned.
func (e *environment) invocationError(w http.ResponseWriter, r *http.Request) {
	call := e.take(w, r)
	if call == nil {
		return
	}
	call.finish(result{err: readError(r)})
	w.WriteHeader(http.StatusAccepted)
}

// initFailed receives the reason why the process could not start.
func (e *environment) initFailed(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.initError = readError(r)
	e.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// take returns the current invocation if the request names it.
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

// readError reads the error in the body of a request.
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
	_, _ = w.Write(text) // the client has disconnected
}
