package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
)

// TestMain lets the test binary act as a bootstrap if Lambda's variables are set, so that the
// functions under test are real processes with the real runtime library.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	switch os.Getenv("START") {
	case "exit":
		os.Exit(3)
	case "late":
		time.Sleep(time.Second)
	}
	runtime.Start(handle)
}

// order is the payload of the function under test. It says what the function does.
type order struct {
	Do    string
	Bytes int
	Wait  time.Duration
}

func handle(ctx context.Context, o order) (any, error) {
	switch o.Do {
	case "fail":
		return nil, errors.New("deliberate failure")
	case "panic":
		panic("deliberate panic")
	case "exit":
		os.Exit(7)
	case "sleep":
		time.Sleep(o.Wait)
	case "large":
		return strings.Repeat("x", o.Bytes-2), nil // two quotes
	case "pid":
		return os.Getpid(), nil
	case "environment":
		return os.Environ(), nil
	case "deadline":
		deadline, _ := ctx.Deadline()
		return time.Until(deadline).Seconds(), nil
	}
	return o.Do, nil
}

func newFunction(t *testing.T, change func(*Config)) *Function {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Name: "test", Binary: binary, Timeout: 10 * time.Second, AccessKey: "ROLE",
		RetryDelays: []time.Duration{time.Millisecond, time.Millisecond}}
	if change != nil {
		change(&config)
	}
	f, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func payload(t *testing.T, o order) []byte {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFunction_Invoke(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	first, err := f.Invoke(t.Context(), payload(t, order{Do: "pid"}))
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.Invoke(t.Context(), payload(t, order{Do: "pid"}))
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("second call ran in process %s, want %s again (%v)", second, first, err)
	}
}

func TestFunction_Invoke_failures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		order   order
		start   string
		timeout time.Duration
		want    string // type of the function error
	}{
		{name: "returned error", order: order{Do: "fail"}, want: "errorString"},
		{name: "panic", order: order{Do: "panic"}, want: "string"},
		{name: "process exits", order: order{Do: "exit"}, want: "Runtime.ExitError"},
		{name: "process exits at start", start: "exit", want: "Runtime.ExitError"},
		{name: "too slow", order: order{Do: "sleep", Wait: time.Minute}, timeout: 300 * time.Millisecond, want: "Sandbox.Timedout"},
		{name: "response one byte too large", order: order{Do: "large", Bytes: 6291557}, want: "Function.ResponseSizeTooLarge"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFunction(t, func(c *Config) {
				c.Environment = map[string]string{"START": test.start}
				if test.timeout > 0 {
					c.Timeout = test.timeout
				}
			})
			_, err := f.Invoke(t.Context(), payload(t, test.order))
			var failed *FunctionError
			if !errors.As(err, &failed) || failed.Type != test.want {
				t.Fatalf("got %v, want type %s", err, test.want)
			}
			if test.start != "" {
				return
			}
			if out, err := f.Invoke(t.Context(), payload(t, order{Do: "again"})); err != nil || string(out) != `"again"` {
				t.Errorf("next call: got %s, %v", out, err)
			}
		})
	}
}

func TestFunction_Invoke_limits(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	if out, err := f.Invoke(t.Context(), payload(t, order{Do: "large", Bytes: 6291556})); err != nil || len(out) != 6291556 {
		t.Errorf("largest response: %d bytes, %v", len(out), err)
	}
	if _, err := f.Invoke(t.Context(), make([]byte, 6291457)); !errors.Is(err, errTooLarge) {
		t.Errorf("larger request: got %v, want errTooLarge", err)
	}
	if err := f.InvokeAsync(make([]byte, 1<<20+1)); !errors.Is(err, errTooLarge) {
		t.Errorf("larger event: got %v, want errTooLarge", err)
	}
	out, err := f.Invoke(t.Context(), payload(t, order{Do: "deadline"}))
	var left float64
	if err != nil || json.Unmarshal(out, &left) != nil || left < 5 || left > 10 {
		t.Errorf("the deadline is %s s away (%v), want at most the timeout", out, err)
	}
}

func TestFunction_Invoke_throttled(t *testing.T) {
	t.Parallel()
	f := newFunction(t, func(c *Config) { c.Concurrency = 1 })
	started := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		close(started)
		for err := ErrThrottled; errors.Is(err, ErrThrottled); { // the other call may be first
			_, err = f.Invoke(t.Context(), payload(t, order{Do: "sleep", Wait: time.Second}))
		}
	})
	<-started
	var err error
	for deadline := time.Now().Add(5 * time.Second); err == nil && time.Now().Before(deadline); {
		_, err = f.Invoke(t.Context(), payload(t, order{}))
	}
	if !errors.Is(err, ErrThrottled) {
		t.Errorf("got %v, want ErrThrottled", err)
	}
	group.Wait()
}

// The function sees the variables that Lambda sets, but not those of the parent process.
func TestFunction_environment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_PARENT", "x")
	f := newFunction(t, func(c *Config) {
		c.Environment, c.MemoryMB = map[string]string{"OWN": "value"}, 256
	})
	out, err := f.Invoke(t.Context(), payload(t, order{Do: "environment"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OWN=value", "AWS_ACCESS_KEY_ID=ROLE", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_REGION=us-east-1"} {
		if !bytes.Contains(out, []byte(`"`+want+`"`)) {
			t.Errorf("%s is missing in %s", want, out)
		}
	}
	if bytes.Contains(out, []byte("SECRET_OF_THE_PARENT")) {
		t.Error("the function sees the environment of the parent process")
	}
}

func TestFunction_InvokeAsync(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		do        string
		wantTries int
		wantLost  int32
	}{
		{"success", "fine", 1, 0},
		{"failure is retried twice", "fail", 3, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var lost atomic.Int32
			var logs bytes.Buffer
			f := newFunction(t, func(c *Config) {
				c.Logs = &logs
				c.OnFailure = func([]byte, error) { lost.Add(1) }
			})
			if err := f.InvokeAsync(payload(t, order{Do: test.do})); err != nil {
				t.Fatal(err)
			}
			if err := f.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if lost.Load() != test.wantLost {
				t.Errorf("%d events lost, want %d", lost.Load(), test.wantLost)
			}
			f.Close()
			if tries := strings.Count(logs.String(), "REPORT RequestId"); tries != test.wantTries {
				t.Errorf("%d tries, want %d:\n%s", tries, test.wantTries, &logs)
			}
		})
	}
}

func TestFunction_Close(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	out, err := f.Invoke(t.Context(), payload(t, order{Do: "pid"}))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := json.Unmarshal(out, &pid); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Signal(syscall.Signal(0))
	}
	if !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("process %d still exists: %v", pid, err)
	}
	if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("invoking after Close: got %v, want ErrClosed", err)
	}
}

func TestNew_refusals(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		config Config
		want   string
	}{
		{"no name", Config{Binary: binary}, "name"},
		{"no binary", Config{Name: "x", Binary: "/nowhere/bootstrap"}, "binary"},
		{"16 minutes", Config{Name: "x", Binary: binary, Timeout: 16 * time.Minute}, "timeout"},
		{"reserved variable", Config{Name: "x", Binary: binary, Environment: map[string]string{"AWS_REGION": "x"}}, "reserved"},
		{"5 KB of variables", Config{Name: "x", Binary: binary,
			Environment: map[string]string{"FEEDS": strings.Repeat("x", 5000)}}, "4096"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	tests := []struct {
		name       string
		function   string
		kind       string
		order      order
		wantStatus int
		wantBody   string
		wantError  string // X-Amz-Function-Error
	}{
		{name: "by name", function: "test", order: order{Do: "hello"}, wantStatus: 200, wantBody: `"hello"`},
		{name: "by ARN", function: f.ARN(), order: order{Do: "hello"}, wantStatus: 200, wantBody: `"hello"`},
		{name: "event", function: "test", kind: "Event", wantStatus: 202},
		{name: "dry run", function: "test", kind: "DryRun", wantStatus: 204},
		{name: "failing", function: "test", order: order{Do: "fail"}, wantStatus: 200, wantBody: "deliberate failure", wantError: "Unhandled"},
		{name: "unknown", function: "other", wantStatus: 404, wantBody: "Function not found"},
		{name: "too large", function: "test", order: order{Do: strings.Repeat("x", 6<<20)}, wantStatus: 413},
		{name: "unknown type", function: "test", kind: "Later", wantStatus: 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), "POST", PathPrefix+test.function+"/invocations",
				bytes.NewReader(payload(t, test.order)))
			request.Header.Set("X-Amz-Invocation-Type", test.kind)
			recorder := httptest.NewRecorder()
			API{"test": f}.ServeHTTP(recorder, request)
			got := fmt.Sprint(recorder.Code, recorder.Header().Get("X-Amz-Function-Error"))
			if want := fmt.Sprint(test.wantStatus, test.wantError); got != want || !strings.Contains(recorder.Body.String(), test.wantBody) {
				t.Errorf("got %s %s, want %s %s", got, recorder.Body, want, test.wantBody)
			}
		})
	}
}
