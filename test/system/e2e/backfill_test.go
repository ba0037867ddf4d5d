//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// stateMachine is the deployed state machine of backfills.
type stateMachine struct{ StateMachineARN, RoleARN, Name, Definition string }

func (d *deployed) readMachine(t *testing.T) {
	t.Helper()
	d.e.ask(t, "states", "AWSStepFunctions.DescribeStateMachine", map[string]string{"stateMachineArn": d.outputs["BackfillArn"]}, &d.backfill)
	if !strings.Contains(d.backfill.Definition, d.marker.FunctionArn) {
		t.Errorf("the state machine does not name the marker: %s", d.backfill.Definition)
	}
}

// oldObjects is the number of objects that a backfill marks.
const oldObjects = 3

// markOld marks objects that were in the bucket before anybody heard of them, with the command.
// They are marked once, and alert nobody.
func (m *machine) markOld(t *testing.T, generator *sample.Generator, ledger *sample.Ledger) string {
	t.Helper()
	began := time.Now().Add(-5 * 24 * time.Hour)
	for range oldObjects {
		record := generator.Ask("www."+legacyName+".", sample.Want{
			Verdict: sample.Malicious, Indicator: legacyName, Part: "query_name", Feeds: []string{"default"}})
		ledger.Add(&record)
		m.put(t, m.newKey(bucketVPC, began), pack(t, []sample.Record{record}))
	}
	m.onQueue(t, "PurgeQueue", map[string]any{})
	marking := m.start(t, "marker", m.marker, markerKey)
	steps := &steps{machine: m, marker: marking, runs: map[string]*execution{}}
	m.stand.set(func() { m.stand.markers, m.stand.states = lambda.API{m.marker.FunctionName: marking}, steps })
	days := []string{"--from", "6d", "--until", "4d"}
	var plan backfill.Plan
	m.operate(t, &plan, append([]string{"backfill", "--dry-run"}, days...)...)
	if plan.Objects != oldObjects || plan.Manifest != "" {
		t.Errorf("the dry run plans %+v, want %d objects and no manifest", plan, oldObjects)
	}
	before := m.targets.queue.len()
	for _, test := range []struct {
		run   string
		tasks int64
	}{{"first", 1}, {"first", 1}, {"second", 0}} { // the second command follows what the first one started
		var state struct{ Tasks, Succeeded, Failed int64 }
		m.operate(t, &state, append([]string{"backfill", "--run", test.run}, days...)...)
		if state.Tasks != test.tasks || state.Succeeded != test.tasks || state.Failed != 0 {
			t.Errorf("the %s backfill ends with %+v, want %d tasks without a failure", test.run, state, test.tasks)
		}
	}
	if len(steps.runs) != 2 {
		t.Errorf("%d executions were started, want 2", len(steps.runs))
	}
	if after := m.targets.queue.len(); after != before {
		t.Errorf("backfills send %d messages about matches, want none", after-before)
	}
	m.audit(t, ledger)
	return fmt.Sprintf("%d objects", oldObjects)
}

// steps is Step Functions with the deployed state machine. It does what the definition says: plan,
// mark the tasks of the manifest, and collect their results. `make machine` runs the definition itself.
type steps struct {
	*machine
	marker *lambda.Function

	mu   sync.Mutex
	runs map[string]*execution // by name
}

// execution is an execution that has ended.
type execution struct{ tasks, failed int }

func (s *steps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := awsjson.API{Version: "1.0", Operations: map[string]awsjson.Operation{
		"StartExecution": s.start, "DescribeExecution": s.describe, "ListMapRuns": s.mapRuns, "DescribeMapRun": s.describeMapRun}}
	api.ServeHTTP(w, r)
}

func (s *steps) start(ctx context.Context, body []byte) (any, error) {
	var in struct{ StateMachineARN, Name, Input string }
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case in.StateMachineARN != s.backfill.StateMachineARN:
		return nil, &awsjson.Error{Code: "StateMachineDoesNotExist", Message: in.StateMachineARN}
	case s.runs[in.Name] != nil:
		return nil, &awsjson.Error{Code: "ExecutionAlreadyExists", Message: in.Name}
	}
	run, err := s.execute(ctx, []byte(in.Input))
	if err != nil {
		return nil, err
	}
	s.runs[in.Name] = run
	return map[string]any{"executionArn": s.arn("execution", in.Name), "startDate": 0}, nil
}

// execute plans, and runs the tasks of the manifest, with the role of the machine.
func (s *steps) execute(ctx context.Context, input []byte) (*execution, error) {
	var plan backfill.Plan
	if err := s.invoke(ctx, input, &plan); err != nil || plan.Manifest == "" {
		return &execution{}, err
	}
	as := s.e.config()
	as.BaseEndpoint, as.Credentials = aws.String(s.address), credentials.NewStaticCredentialsProvider(machineKey, "local", "")
	client := s3.NewFromConfig(as, func(o *s3.Options) { o.UsePathStyle = true })
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &plan.Bucket, Key: &plan.Manifest})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	run := &execution{}
	for lines := bufio.NewScanner(out.Body); lines.Scan(); run.tasks++ {
		var result marker.TaskResult
		if err := s.invoke(ctx, lines.Bytes(), &result); err != nil {
			return nil, err
		}
		if result.Failed > 0 {
			run.failed++
		}
	}
	if _, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &plan.Bucket, // as the ResultWriter does
		Key: aws.String(plan.Results + "/results.json"), Body: strings.NewReader("[]")}); err != nil {
		return nil, err
	}
	return run, s.collect(ctx, &plan)
}

// collect lets the marker add up the results of the tasks, and fails as the state machine would.
func (s *steps) collect(ctx context.Context, plan *backfill.Plan) error {
	payload, err := json.Marshal(map[string]any{"action": "collect", "plan": plan})
	if err != nil {
		return err
	}
	var sum backfill.Plan
	if err := s.invoke(ctx, payload, &sum); err != nil {
		return err
	}
	if sum.Tally == nil || sum.Tally.TooMany || sum.Tally.Failed > 0 || sum.Tally.Objects < plan.Objects {
		return fmt.Errorf("the results of %d objects add up to %+v", plan.Objects, sum.Tally)
	}
	return nil
}

func (s *steps) invoke(ctx context.Context, payload []byte, out any) error {
	s.recorder.Note(machineKey, permission.Call{Action: "lambda:InvokeFunction", Resource: s.machine.marker.FunctionArn})
	answer, err := s.marker.Invoke(ctx, payload)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// arn returns the ARN of an execution or of its map run.
func (s *steps) arn(kind, rest string) string {
	label := map[string]string{"mapRun": "/Backfill"}[kind]
	return strings.Replace(s.backfill.StateMachineARN, ":stateMachine:", ":"+kind+":", 1) + label + ":" + rest
}

// find returns the execution that an ARN ends with.
func (s *steps) find(body []byte) (name string, run *execution, err error) {
	var in struct{ ExecutionARN, MapRunARN string }
	if err := awsjson.Decode(body, &in); err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name = nameOf(in.ExecutionARN + in.MapRunARN)
	if run = s.runs[name]; run == nil {
		return "", nil, &awsjson.Error{Code: "ExecutionDoesNotExist", Message: name}
	}
	return name, run, nil
}

func (s *steps) describe(_ context.Context, body []byte) (any, error) {
	name, _, err := s.find(body)
	return map[string]any{"executionArn": s.arn("execution", name), "name": name, "status": "SUCCEEDED", "startDate": 0}, err
}

func (s *steps) mapRuns(_ context.Context, body []byte) (any, error) {
	name, run, err := s.find(body)
	if err != nil || run.tasks == 0 {
		return map[string]any{"mapRuns": []any{}}, err
	}
	return map[string]any{"mapRuns": []any{map[string]any{"mapRunArn": s.arn("mapRun", name), "executionArn": s.arn("execution", name),
		"stateMachineArn": s.backfill.StateMachineARN, "startDate": 0}}}, nil
}

func (s *steps) describeMapRun(_ context.Context, body []byte) (any, error) {
	name, run, err := s.find(body)
	if err != nil {
		return nil, err
	}
	return map[string]any{"mapRunArn": s.arn("mapRun", name), "status": "SUCCEEDED", "startDate": 0,
		"itemCounts": map[string]int{"total": run.tasks, "succeeded": run.tasks - run.failed, "failed": run.failed}}, nil
}

// unseenOfMachine returns the calls that Step Functions makes with the role of the machine (Step
// Functions developer guide, "IAM policies for using Distributed Map states" and "Using CloudWatch
// Logs to log execution history").
func (m *machine) unseenOfMachine(t *testing.T) (calls []permission.Call) {
	t.Helper()
	objects := "arn:aws:s3:::" + m.outputs["OutputBucketName"] + "/" + settings.BackfillPrefix + "run/any"
	executions := strings.Replace(m.backfill.StateMachineARN, ":stateMachine:", ":execution:", 1)
	add := func(resource string, actions ...string) {
		for _, action := range actions {
			calls = append(calls, permission.Call{Action: action, Resource: resource, Context: secure()})
		}
	}
	add(objects, "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
	add(m.backfill.StateMachineARN, "states:StartExecution")
	add(executions+":run", "states:DescribeExecution", "states:StopExecution")
	add(executions+"/Backfill:task", "states:RedriveExecution")
	add("*", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
		"logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery")
	return calls
}
