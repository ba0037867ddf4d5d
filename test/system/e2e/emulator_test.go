//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// The account and Region of the emulator: moto's default account, and the Region of all
// local parts.
const (
	account = "123456789012"
	region  = "us-east-1"
)

// emulator is a running moto.
type emulator struct {
	URL *url.URL
	log string // path
}

// startEmulator starts moto on a free port, and stops it when the test ends.
func startEmulator(t *testing.T, log string) *emulator {
	t.Helper()
	file, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(needed(t, "E2E_PYTHON"), "-X", "utf8", filepath.Join("moto", "server.py"))
	process.Stderr = file
	process.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	lifeline, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatalf("starting the emulator: %v", err)
	}
	t.Cleanup(func() {
		_ = lifeline.Close() // this stops it
		hung := time.AfterFunc(10*time.Second, func() { _ = process.Process.Kill() })
		if err := process.Wait(); err != nil {
			t.Errorf("the emulator ended with %v: see %s", err, log)
		}
		hung.Stop()
		_ = file.Close()
	})
	var hello struct{ URL string }
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &hello)
	}
	if err != nil {
		t.Fatalf("the emulator did not start: %v: see %s", err, log)
	}
	address, err := url.Parse(hello.URL)
	if err != nil {
		t.Fatal(err)
	}
	e := &emulator{URL: address, log: log}
	e.checkHealth(t)
	return e
}

// checkHealth checks that the emulator answers. It must do so at once, because it listens
// before it prints its address.
func (e *emulator) checkHealth(t *testing.T) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(e.URL.String() + "/moto-api/data.json")
	if err != nil {
		t.Fatalf("the emulator does not answer: %v", err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the emulator answers %s", answer.Status)
	}
}

// config returns the configuration for SDK clients that act as the account's owner.
func (e *emulator) config() aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(e.URL.String()),
		Credentials: credentials.NewStaticCredentialsProvider("OWNER", "local", "")}
}

// signsOfTrouble must not be in the emulator's log: the keyword of our handlers, the text
// of Python when moto fails, and the text of moto when it ignores something.
var signsOfTrouble = []string{"EMULATOR PROBLEM", "Traceback (most recent call last)", "No Moto CloudFormation support"}

// problems returns the log entries that report problems.
func (e *emulator) problems(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(e.log)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range logEntries(string(text)) {
		if slices.ContainsFunc(signsOfTrouble, func(sign string) bool { return strings.Contains(entry, sign) }) {
			found = append(found, entry)
		}
	}
	return found
}

var entryStart = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:`)

// logEntries splits a log at the timestamps of its entries, so that a traceback stays with
// its entry.
func logEntries(text string) (entries []string) {
	starts := entryStart.FindAllStringIndex(text, -1)
	starts = append(starts, []int{len(text)})
	last := 0
	for _, start := range starts {
		entries = append(entries, text[last:start[0]])
		last = start[0]
	}
	return entries
}

// create creates a stack from a template, waits until it ends, and returns its status and
// all reasons in its events.
func (e *emulator) create(t *testing.T, name, template string) (status, reasons string) {
	t.Helper()
	return e.execute(t, "CREATE", name, template)
}

// execute creates or updates a stack from a template; see create.
func (e *emulator) execute(t *testing.T, kind, name, template string) (status, reasons string) {
	t.Helper()
	ctx, client := context.Background(), cloudformation.NewFromConfig(e.config())
	set := fmt.Sprintf("%s-%x", strings.ToLower(kind), sha256.Sum256([]byte(template)))
	change := &cloudformation.CreateChangeSetInput{StackName: &name, ChangeSetName: &set,
		ChangeSetType: cloudformationtypes.ChangeSetType(kind), TemplateBody: &template}
	if _, err := client.CreateChangeSet(ctx, change); err != nil {
		return "REFUSED", err.Error()
	}
	execute := &cloudformation.ExecuteChangeSetInput{StackName: &name, ChangeSetName: &set}
	if _, err := client.ExecuteChangeSet(ctx, execute); err != nil {
		t.Fatal(err)
	}
	return e.status(t, name)
}

func (e *emulator) status(t *testing.T, name string) (status, reasons string) {
	t.Helper()
	ctx, client := context.Background(), cloudformation.NewFromConfig(e.config())
	stacks, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	events, err := client.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events.StackEvents {
		if reason := aws.ToString(event.ResourceStatusReason); reason != "" {
			reasons += fmt.Sprintf("%s %s: %s\n", event.ResourceStatus, aws.ToString(event.LogicalResourceId), reason)
		}
	}
	return string(stacks.Stacks[0].StackStatus), reasons
}
