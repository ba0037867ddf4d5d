//go:build e2e

package machine

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/sivchari/kumo"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
)

const (
	// address is where kumo looks for its own services.
	address        = "127.0.0.1:4566"
	functionPrefix = "arn:aws:lambda:us-east-1:111122223333:function:"
	// executionLimit is more than an execution takes on a busy machine, and less than kumo allows.
	executionLimit = 4 * time.Minute
)

// emulator is kumo, with the log objects and the index that all tests share. There is one in a
// process, because the services of kumo are global.
type emulator struct {
	objects  *s3.Client
	machines *sfn.Client
	keys     []string // of the log objects, sorted
	mux      *http.ServeMux
}

var started = sync.OnceValues(startEmulator)

// startEmulator starts kumo, which runs until the process ends.
func startEmulator() (*emulator, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	server := kumo.NewServer()
	target, err := url.Parse(server.URL)
	if err != nil {
		return nil, err
	}
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}
	e := &emulator{objects: bucket.NewClient(config), machines: sfn.NewFromConfig(config), mux: http.NewServeMux()}
	e.mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	front := &http.Server{Handler: e.mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = front.Serve(listener) }() // it ends with the process
	if err := e.publish(); err != nil {
		return nil, err
	}
	return e, e.storeLogs()
}

// theEmulator returns the emulator. It fails if another program has the port that kumo needs.
func theEmulator(t *testing.T) *emulator {
	t.Helper()
	e, err := started()
	if errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("another program listens on %s, where the emulator looks for its own services: end it, and run the test again", address)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// machine is a state machine.
type machine struct {
	client *sfn.Client
	arn    *string
}

// createMachine creates the state machine of the template, with a function. It calls the function
// itself, and not through kumo's Lambda, which passes on one invocation at a time.
func (e *emulator) createMachine(t *testing.T, name string, function http.Handler) *machine {
	t.Helper()
	e.mux.Handle("POST /2015-03-31/functions/"+name+"/invocations", function)
	text := definition(t, functionPrefix+name)
	created, err := e.machines.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: &name, Definition: &text, RoleArn: aws.String("arn:aws:iam::111122223333:role/backfill"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &machine{e.machines, created.StateMachineArn}
}

// start starts an execution, and returns its ARN.
func (m *machine) start(t *testing.T, request *backfill.Request) *string {
	t.Helper()
	input, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	execution, err := m.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: m.arn, Name: &request.Run, Input: aws.String(string(input)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return execution.ExecutionArn
}

// wait waits for the end of an execution, and returns its output. It fails the test if the
// execution has another status.
func (m *machine) wait(t *testing.T, execution *string, want types.ExecutionStatus) string {
	t.Helper()
	for deadline := time.Now().Add(executionLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, err := m.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: execution})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status == types.ExecutionStatusRunning {
			continue
		}
		if out.Status != want {
			t.Fatalf("the execution is %s, want %s: %s: %s", out.Status, want, aws.ToString(out.Error), aws.ToString(out.Cause))
		}
		return aws.ToString(out.Output)
	}
	t.Fatalf("the execution did not end in %v", executionLimit)
	return ""
}
