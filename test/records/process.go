package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is a running transformer with a Runtime API of its own. Unlike the functions of
// internal/localaws/lambda, an invocation may have any deadline and is not ended at it, and the
// memory of the process can be read.
type process struct {
	command *exec.Cmd
	api     *http.Server
	output  *head
	exited  chan struct{}

	events    chan invocation
	responses chan result
}

// invocation is an event with its deadline.
type invocation struct {
	event    []byte
	deadline time.Time
}

type result struct {
	response []byte
	err      error
}

// startProcess starts a transformer with these environment variables.
func startProcess(ctx context.Context, binary string, environment ...string) (*process, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	p := &process{
		output:    &head{},
		exited:    make(chan struct{}),
		events:    make(chan invocation),
		responses: make(chan result),
	}
	p.api = &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	p.command = exec.CommandContext(ctx, binary)
	p.command.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=transformer",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(memoryMiB),
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local",
		"AWS_SECRET_ACCESS_KEY=local",
		"AWS_EC2_METADATA_DISABLED=true",
		"TZ=:UTC",
	}, environment...)
	p.command.Stdout, p.command.Stderr = io.Discard, p.output // metrics, and the reason of a crash
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}

	go func() { _ = p.api.Serve(listener) }() // returns ErrServerClosed after stop
	go func() {
		_ = p.command.Wait() // killed, or invoke reports it
		close(p.exited)
	}()
	return p, nil
}

// stop ends the process.
func (p *process) stop() {
	_ = p.command.Process.Kill() // fails if the process has exited
	<-p.exited
	_ = p.api.Close() // only the process uses it
}

// invoke sends an event and returns the response. Only one invocation may run at a time.
func (p *process) invoke(i invocation) ([]byte, error) {
	select {
	case p.events <- i:
	case <-p.exited:
		return nil, fmt.Errorf("the transformer exited: %s", p.output)
	}
	select {
	case r := <-p.responses:
		return r.response, r.err
	case <-p.exited:
		return nil, fmt.Errorf("the transformer exited: %s", p.output)
	}
}

// routes returns the Runtime API, version 2018-06-01.
func (p *process) routes() http.Handler {
	const root = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"invocation/next", p.next)
	mux.HandleFunc("POST "+root+"invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		p.responses <- result{body, err}
	})
	refused := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the message is only for people
		w.WriteHeader(http.StatusAccepted)
		p.responses <- result{err: fmt.Errorf("the transformer returned an error: %s", body)}
	}
	mux.HandleFunc("POST "+root+"invocation/{id}/error", refused)
	mux.HandleFunc("POST "+root+"init/error", refused)
	return mux
}

func (p *process) next(w http.ResponseWriter, r *http.Request) {
	select {
	case i := <-p.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:transformer")
		_, _ = w.Write(i.event) // if the process has exited, invoke notices
	case <-r.Context().Done():
	}
}

// forgetPeak sets VmHWM to VmRSS, on systems that can.
func (p *process) forgetPeak() {
	const peak = "5"
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.command.Process.Pid), []byte(peak), 0) // VmHWM stays otherwise
}

// memory returns a figure of /proc/PID/status in MiB, or 0 on systems without it: VmRSS is what
// the process has in memory now, and VmHWM the most that it had since [process.forgetPeak].
func (p *process) memory(name string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, name+": %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}

// head is a writer that keeps the first bytes.
type head struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const headBytes = 4096

func (t *head) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(text[:min(len(text), headBytes-min(headBytes, t.text.Len()))])
	return len(text), nil
}

func (t *head) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
