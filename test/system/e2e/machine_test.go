//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/recorder"
)

// Access keys that tell the recorder who makes a call.
const (
	importerKey    = "IMPORTERROLE"
	transformerKey = "TRANSFORMERROLE"
	deliveryKey    = "DELIVERYROLE"
	notifierKey    = "NOTIFIERROLE"
	hunterKey      = "HUNTERROLE"
	markerKey      = "MARKERROLE"
	machineKey     = "MACHINEROLE" // of backfills
	operatorKey    = "OPERATOR"    // a person with the command
)

// machine runs the deployed functions locally: the same packages built for this machine,
// with the deployed environment, memory and timeout, calling the emulator through the
// recorder.
type machine struct {
	*deployed
	recorder        *recorder.Recorder
	address         string // of the recorder
	runningImporter *lambda.Function
	binaries        map[string]string
	sent            [][]byte // the records of each call of sendToStream

	targets                        *targets // of alerts
	runningNotifier, runningHunter *lambda.Function
	known                          map[sighting]int // records of each alert that was reported
	refused                        int              // findings while the hub was off

	logs     logBucket       // empty without logs in S3
	stand    *standIns       // for what the command calls
	diverted map[string]bool // data of records that a broken transformer failed
	early    *sample.Record  // that failed because there was no index; nil if it was delivered
}

// startMachine starts the recorder and the functions. A transformer is started for each batch of
// logs.
func startMachine(t *testing.T, d *deployed) *machine {
	t.Helper()
	m := &machine{deployed: d, recorder: recorder.New(d.e.URL, account, region), binaries: map[string]string{},
		known: map[sighting]int{}, diverted: map[string]bool{}, stand: newStandIns()}
	m.stand.answer(m.recorder)
	if d.hasAlerts() {
		m.targets = newTargets(t, d, m.recorder)
		m.recorder.Answer("athena", m.newAthena(t))
	}
	server := httptest.NewServer(m.recorder)
	t.Cleanup(server.Close)
	m.address = server.URL
	for name := range d.functions() {
		m.binaries[name] = d.build(t, name, runtime.GOOS, runtime.GOARCH)
	}
	m.runningImporter = m.start(t, "importer", d.importer, importerKey)
	if d.hasAlerts() {
		m.runningNotifier = m.start(t, "notifier", d.notifier, notifierKey)
		m.runningHunter = m.start(t, "hunter", d.hunter, hunterKey)
	}
	if d.hasLogBucket() {
		m.openLogBucket(t)
	}
	return m
}

// start starts a function with its deployed configuration.
func (m *machine) start(t *testing.T, name string, c functionConfig, key string) *lambda.Function {
	t.Helper()
	environment := map[string]string{"AWS_ENDPOINT_URL": m.address}
	for variable, value := range c.Environment.Variables {
		environment[variable] = value
	}
	logs, err := os.OpenFile(filepath.Join(m.folder, name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(t, err)
	function, err := lambda.New(lambda.Config{
		Name: c.FunctionName, Binary: m.binaries[name], Environment: environment, AccessKey: key,
		MemoryMB: c.MemorySize, Timeout: time.Duration(c.Timeout) * time.Second, Logs: logs,
		RetryDelays: []time.Duration{time.Second},
		OnFailure: func(event []byte, err error) {
			t.Errorf("the %s failed on every attempt: %v\nevent: %s\nsee %s", name, err, event, logs.Name())
		},
	})
	check(t, err)
	t.Cleanup(func() {
		check(t, function.Close())
		_ = logs.Close()
	})
	return function
}

// processor invokes the transformer as Firehose does: by its ARN, with the role of the
// stream.
type processor struct {
	*machine
	function *lambda.Function
}

func (p *processor) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	arn := p.stream.Config.Processing.LambdaArn
	if unqualified := strings.TrimSuffix(arn, ":$LATEST"); unqualified != p.transformer.FunctionArn {
		return nil, fmt.Errorf("the stream's processor is %s, want the transformer", arn)
	}
	p.recorder.Note(deliveryKey, permission.Call{Action: "lambda:InvokeFunction", Resource: arn})
	return p.function.Invoke(ctx, payload)
}
