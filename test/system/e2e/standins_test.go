//go:build e2e

package e2e_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/recorder"
)

// standIns answer the calls of the command to the services that the emulator does not run. Each
// test sets those that it needs.
type standIns struct {
	mu      sync.Mutex
	streams streams
	markers lambda.API
	states  http.Handler
}

func newStandIns() *standIns { return &standIns{states: http.NotFoundHandler()} }

// answer lets the stand-ins answer what the recorder receives.
func (s *standIns) answer(r *recorder.Recorder) {
	for service, current := range map[string]func() http.Handler{
		"firehose": func() http.Handler { return s.streams },
		"lambda":   func() http.Handler { return s.markers },
		"states":   func() http.Handler { return s.states },
	} {
		r.Answer(service, http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			s.mu.Lock()
			handler := current()
			s.mu.Unlock()
			handler.ServeHTTP(w, request)
		}))
	}
}

// streams are delivery streams that take a call once. On a busy machine the SDK repeats one whose
// answer it cannot read, and Firehose would take its records twice.
type streams struct {
	firehose.API
	answers map[string]*httptest.ResponseRecorder // by call
}

func newStreams(api firehose.API) streams {
	return streams{api, map[string]*httptest.ResponseRecorder{}}
}

func (s streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Header.Get("Amz-Sdk-Invocation-Id")
	answer := s.answers[call]
	if answer == nil {
		answer = httptest.NewRecorder()
		s.API.ServeHTTP(answer, r)
		s.answers[call] = answer
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the command reads it, or asks again
}

// set changes a stand-in.
func (s *standIns) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// theCommand builds the command once for all tests.
var theCommand sync.Once

// buildCommand builds the command and returns its path.
func buildCommand(t *testing.T) string {
	t.Helper()
	program := filepath.Join(output(t), "bin", "resolverwatch")
	theCommand.Do(func() {
		build := exec.Command("go", "build", "-o", program, "./cmd/resolverwatch")
		build.Dir = root(t)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	return program
}

// operate runs the command as an operator who has the policy of the documents, and reads the JSON
// that it prints.
func (m *machine) operate(t *testing.T, out any, args ...string) {
	t.Helper()
	command := exec.Command(buildCommand(t), append(args, "--stack", m.variant.stack, "-o", "json")...)
	command.Env = []string{"HOME=" + m.folder, "TMPDIR=" + os.TempDir(), "AWS_ENDPOINT_URL=" + m.address, "AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + operatorKey, "AWS_SECRET_ACCESS_KEY=local", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	var problems strings.Builder
	command.Stderr = &problems
	printed, err := command.Output()
	if err != nil {
		t.Fatalf("resolverwatch %s: %v\n%s%s", strings.Join(args, " "), err, printed, problems.String())
	}
	decode(t, string(printed), out)
}

// operator returns the policies of docs/operating.md, with the words in capitals and the prefixes
// replaced by what is deployed. The page says which use of a key comes in addition.
func (d *deployed) operator(t *testing.T) *role {
	t.Helper()
	folder := func(output string) string {
		fixed, _, _ := strings.Cut(d.outputs[output], "!{")
		return fixed + "*"
	}
	words := strings.NewReplacer("REGION", region, "ACCOUNT", account, "STACK", d.variant.stack,
		"INDEX_BUCKET", d.outputs["IndexBucketName"], "OUTPUT_BUCKET", d.outputs["OutputBucketName"],
		"SENT_TABLE", d.outputs["AlertTableName"], "TABLE", d.outputs["TableName"], "IMPORTER", d.outputs["ImporterFunctionName"],
		"STREAM", d.outputs["DeliveryStreamName"], "ALERT_QUEUE", nameOf(d.outputs["AlertQueueUrl"]), "DEAD_LETTERS", "any",
		"MARKER", d.outputs["MarkerFunctionName"], "MACHINE", nameOf(d.outputs["BackfillArn"]),
		"dns-query-logs/*", folder("MarkedPrefix"), "delivery-failures/*", folder("ErrorPrefix"))
	r := &role{arn: "arn:aws:iam::" + account + ":user/operator"}
	page := string(readFile(t, filepath.Join(root(t), "docs", "operating.md")))
	for _, block := range strings.Split(page, "```json\n")[1:] {
		if text, _, _ := strings.Cut(block, "```"); strings.Contains(text, `"Statement"`) {
			r.policies = append(r.policies, parsePolicy(t, "of the operator", words.Replace(text)))
		}
	}
	if len(r.policies) != 2 {
		t.Fatalf("docs/operating.md has %d policies, want that of an operator and that for backfills", len(r.policies))
	}
	if d.variant.key {
		r.policies = append(r.policies, permission.Policy{Name: "of the operator's key", Statements: []permission.Statement{{
			Actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resources: []string{d.keyARN(t)}}}})
	}
	return r
}
