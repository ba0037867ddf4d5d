package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/resolverwatch/resolverwatch/internal/demo"
	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/role"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Each file in testdata/operate is a session of an operator with a deployed stack: a local one
// with the real importer and the permissions of the operator's role.
func TestOperateScripts(t *testing.T) {
	binaries, err := demo.FindBinaries(t.Context(), demo.Options{Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(binaries.Remove)
	documented := readPolicy(t)
	t.Cleanup(func() { documented.checkUse(t) }) // after all sessions
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/operate",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			stack, err := localaws.Start(context.Background(), localaws.Config{
				ImporterBinary: binaries.Importer, TransformerBinary: binaries.Transformer,
				Importer:    func(s *settings.ImporterFunction) { s.DeletionGrace = new(settings.Duration) },
				RetryDelays: []time.Duration{time.Second, time.Second},
				OnEventLost: func(event []byte, err error) { t.Errorf("event %s was lost: %v", event, err) },
				Logs:        func(string) io.Writer { return os.Stderr },
			})
			if err != nil {
				return err
			}
			env.Defer(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				if err := stack.Close(ctx); err != nil {
					t.Error(err)
				}
			})
			before := newStandIn(stack, documented)
			server := httptest.NewServer(before)
			env.Defer(server.Close)
			env.Values["stack"], env.Values["stand-in"] = stack, before
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1",
				"AWS_ACCESS_KEY_ID": role.Operator, "AWS_SECRET_ACCESS_KEY": "any",
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCode,
			"compress": compress,
			"cut":      cut,
			"upload":   upload,
			"delete":   remove,
			"lose":     lose,
			"pointer":  editPointer,
			"health":   setHealth,
			"store":    store,
		},
	})
}

// upload puts a file into the list bucket and waits for the importer:
// `upload feeds/threats/list.txt names.txt`.
func upload(ts *testscript.TestScript, _ bool, args []string) {
	stack := ts.Value("stack").(*localaws.Stack)
	_, err := s3.NewFromConfig(stack.AWSConfig()).PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(localaws.ListBucket), Key: &args[0], Body: bytes.NewReader([]byte(ts.ReadFile(args[1]))),
	})
	ts.Check(err)
	wait(ts, stack)
}

// remove deletes a list: `delete feeds/threats/list.txt`.
func remove(ts *testscript.TestScript, _ bool, args []string) {
	stack := ts.Value("stack").(*localaws.Stack)
	_, err := s3.NewFromConfig(stack.AWSConfig()).DeleteObject(context.Background(), &s3.DeleteObjectInput{
		Bucket: aws.String(localaws.ListBucket), Key: &args[0],
	})
	ts.Check(err)
	wait(ts, stack)
}

// lose deletes the index of a generation: `lose 2`.
func lose(ts *testscript.TestScript, _ bool, args []string) {
	stack := ts.Value("stack").(*localaws.Stack)
	objects := stack.Objects(localaws.IndexBucket, "index/"+args[0]+"-")
	if len(objects) != 1 {
		ts.Fatalf("generation %s has %d objects", args[0], len(objects))
	}
	_, err := s3.NewFromConfig(stack.AWSConfig()).DeleteObject(context.Background(), &s3.DeleteObjectInput{
		Bucket: aws.String(localaws.IndexBucket), Key: &objects[0].Key,
	})
	ts.Check(err)
}

// editPointer sets a member of the index pointer: `pointer highest 7`.
func editPointer(ts *testscript.TestScript, _ bool, args []string) {
	stack := ts.Value("stack").(*localaws.Stack)
	members := map[string]json.RawMessage{}
	ts.Check(json.Unmarshal(stack.Objects(localaws.IndexBucket, index.CurrentKey)[0].Body, &members))
	members[args[0]] = json.RawMessage(args[1])
	text, err := json.Marshal(members)
	ts.Check(err)
	_, err = s3.NewFromConfig(stack.AWSConfig()).PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(localaws.IndexBucket), Key: aws.String(index.CurrentKey), Body: bytes.NewReader(text),
	})
	ts.Check(err)
}

func wait(ts *testscript.TestScript, stack *localaws.Stack) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := stack.Importer.Wait(ctx); err != nil {
		ts.Check(fmt.Errorf("waiting for the importer: %w", err))
	}
}

// setHealth changes what the stand-in for AWS says:
//
//	health deny cloudwatch:GetMetricData    these actions are denied; none: those of the policy
//	health fail ExpiredToken                every call fails with this code; none: no call fails
//	health metric IncomingRecords 12        in the last hour
//	health alarm NAME STATE DESCRIPTION
//	health letters 3                        in the queue of dead letters
//	health vpc vpc-1 ACTIVE [ERROR MESSAGE]
//	health alerts bus=ok hub=off            what the notifier's targets say; none: it is stopped
func setHealth(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("stand-in").(*standIn)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch rest := args[1:]; args[0] {
	case "deny":
		clear(s.denied)
		for _, action := range rest {
			s.denied[action] = true
		}
	case "fail":
		s.failure = strings.Join(rest, "")
	case "metric":
		value, err := strconv.ParseFloat(rest[1], 64)
		ts.Check(err)
		s.metrics[rest[0]] = value
	case "alarm":
		s.alarms = append(s.alarms, cbor.Map{"AlarmName": cbor.String(rest[0]), "StateValue": cbor.String(rest[1]),
			"AlarmDescription": cbor.String(rest[2])})
	case "letters":
		count, err := strconv.Atoi(rest[0])
		ts.Check(err)
		s.waiting[deadLetters] = count
	case "vpc":
		s.logging = true
		vpc := map[string]any{"ResourceId": rest[0], "Status": rest[1], "Error": "NONE"}
		if len(rest) > 2 {
			vpc["Error"], vpc["ErrorMessage"] = rest[2], rest[3]
		}
		s.vpcs = append(s.vpcs, vpc)
	case "alerts":
		var results map[string]string
		for _, result := range rest {
			if results == nil {
				results = map[string]string{}
			}
			target, text, _ := strings.Cut(result, "=")
			results[target] = text
		}
		s.turnOnAlerts(results)
	default:
		ts.Fatalf("health %s: unknown", args[0])
	}
}

// store puts a file into the output bucket, under the folder of a day: `store dns-query-logs/ today
// a.json logs.json`.
func store(ts *testscript.TestScript, _ bool, args []string) {
	stack := ts.Value("stack").(*localaws.Stack)
	day := map[string]int{"today": 0, "yesterday": -1}[args[1]]
	key := args[0] + time.Now().UTC().AddDate(0, 0, day).Format("2006/01/02/") + args[2]
	_, err := s3.NewFromConfig(stack.AWSConfig()).PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(localaws.LogBucket), Key: &key, Body: bytes.NewReader([]byte(ts.ReadFile(args[3]))),
	})
	ts.Check(err)
}
