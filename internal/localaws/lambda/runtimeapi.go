package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

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
