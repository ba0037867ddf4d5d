//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// hasAlerts reports whether the deployment reports matches.
func (d *deployed) hasAlerts() bool { return d.notifier.FunctionName != "" }

// findsOn reports whether matches become findings of Security Hub.
func (d *deployed) findsOn() bool { return d.variant.settings["alerts.securityHub"] == true }

// checkAlertsOff fails if a deployment with alerts off has a trace of them.
func (d *deployed) checkAlertsOff(t *testing.T) {
	t.Helper()
	if d.variant.settings["alerts.enabled"] != false {
		return
	}
	words := []string{"Alert", "Hunt", "Notifier"}
	names := slices.Collect(maps.Keys(d.outputs))
	for _, r := range d.resources {
		names = append(names, r.logical+" of "+r.kind)
	}
	for _, name := range names {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) }) {
			t.Errorf("alerts are off, but the stack has %s", name)
		}
	}
	if n := len(d.of("AWS::Lambda::Function")); n != 2 || d.hasAlerts() {
		t.Errorf("alerts are off, but there are %d functions", n)
	}
	for _, f := range d.functions() {
		if text := encode(f.Environment.Variables); strings.Contains(text, "alertQueue") || strings.Contains(text, "events") {
			t.Errorf("alerts are off, but a function receives %s", text)
		}
		for _, policy := range d.role(t, f.Role).policies {
			for _, s := range policy.Statements {
				if s.ID == "SendMatches" || s.ID == "SendEvents" {
					t.Errorf("alerts are off, but %s has the statement %s", nameOf(f.Role), s.ID)
				}
			}
		}
	}
}

// mapping is what makes Lambda give messages of a queue to a function.
type mapping struct {
	BatchSize                   int
	EventSourceARN, FunctionARN string
}

// deliverAlerts gives the messages of the queue to the notifier, as the deployed mapping says,
// and returns how many of them the notifier gave back.
func (m *machine) deliverAlerts(t *testing.T) (back int) {
	t.Helper()
	var source mapping
	m.e.get(t, "lambda", "/2015-03-31/event-source-mappings/"+m.one(t, "AWS::Lambda::EventSourceMapping", "Alerts").id, &source)
	queue := m.queueAttributes(t, m.targets.queue.url)["QueueArn"]
	if source.FunctionARN != m.notifier.FunctionArn || source.EventSourceARN != queue {
		t.Fatalf("the mapping gives messages of %s to %s", source.EventSourceARN, source.FunctionARN)
	}
	var failed []message
	for {
		batch := m.targets.queue.take(source.BatchSize)
		if len(batch) == 0 {
			m.targets.queue.giveBack(failed)
			return len(failed)
		}
		for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
			m.recorder.Note(notifierKey, permission.Call{Action: "sqs:" + action, Resource: queue})
		}
		failed = append(failed, give(t, m.runningNotifier, queue, batch)...)
	}
}

// give gives one batch of messages of a queue to a function, and returns those that it gave back.
func give(t *testing.T, f *lambda.Function, queue string, batch []message) (failed []message) {
	t.Helper()
	records := make([]map[string]any, len(batch))
	for i, message := range batch {
		records[i] = map[string]any{"messageId": message.id, "receiptHandle": "r", "body": message.body,
			"attributes":        map[string]string{"ApproximateReceiveCount": fmt.Sprint(message.receives)},
			"messageAttributes": map[string]any{}, "eventSource": "aws:sqs", "eventSourceARN": queue, "awsRegion": region}
	}
	answer, err := f.Invoke(context.Background(), []byte(encode(map[string]any{"Records": records})))
	check(t, err)
	var out struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	check(t, json.Unmarshal(answer, &out))
	for _, failure := range out.BatchItemFailures {
		at := slices.IndexFunc(batch, func(m message) bool { return m.id == failure.ItemIdentifier })
		if at < 0 {
			t.Fatalf("a function gives back the message %q, which it did not get", failure.ItemIdentifier)
		}
		failed = append(failed, batch[at])
	}
	return failed
}

// sighting is a host with an indicator that it asked for: what an alert is about.
type sighting struct{ vpc, address, indicator string }

// sightings returns the alerts that records must lead to, with the number of their records.
func sightings(ledger *sample.Ledger) map[sighting]int {
	counts := map[sighting]int{}
	for _, line := range ledger.Lines {
		if line.Want.Verdict == sample.Malicious {
			counts[sighting{line.Host.VPCID, line.Host.SrcAddr, line.Want.Indicator}]++
		}
	}
	return counts
}

// reported is the detail of an event about a match or a behaviour.
type reported struct {
	Origin, Query, Stack string
	Test                 bool
	Host                 struct {
		VPCID   string `json:"vpc_id"`
		SrcAddr string
	}
	Indicator struct{ Value string }
	Behaviour struct{ Name, Subject string }
	Records   int
}

// reportedAs returns the details of all events of a type.
func (m *machine) reportedAs(t *testing.T, kind string) (all []reported) {
	t.Helper()
	for _, e := range m.targets.bus.of(kind) {
		var detail reported
		check(t, json.Unmarshal([]byte(e.Detail), &detail))
		if e.Source != settings.EventSource || detail.Stack != m.variant.stack {
			t.Errorf("an event of the source %q and the stack %q: %s", e.Source, detail.Stack, e.Detail)
		}
		all = append(all, detail)
	}
	return all
}

// reportMatches hands the matches so far to the notifier. Each host and indicator must be reported
// exactly once however often they were seen: as an event, in the one notice of the batch, and
// as a finding.
func (m *machine) reportMatches(t *testing.T, ledger *sample.Ledger) string {
	t.Helper()
	if m.findsOn() { // the hub is off at first: only its findings are missing after that
		if back := m.deliverAlerts(t); back == 0 {
			t.Error("no message comes back although Security Hub is off")
		}
		m.refused = len(m.targets.hub.Refused())
		m.targets.hub.TurnOn()
	}
	if back := m.deliverAlerts(t); back > 0 {
		t.Fatalf("the notifier gives back %d messages: see its log", back)
	}
	want := sightings(ledger)
	m.checkEvents(t, want)
	m.checkFindings(t, len(want))
	notices := m.targets.readNotices(t, m.e)
	if m.variant.settings["alerts.digest"] != nil {
		m.sendDigest(t)
		if notices = m.targets.readNotices(t, m.e); len(notices) > 0 {
			t.Errorf("notices of an hour that is not over: %+v", notices)
		}
		return fmt.Sprintf("%d matches: %d events, and a digest to come", sum(want), len(want))
	}
	if len(notices) != 1 || notices[0].MessageAttributes["kind"].Value != "alerts" {
		t.Fatalf("the subscribers of the topic received %+v, want one notice of alerts", notices)
	}
	for s := range want {
		if !strings.Contains(notices[0].Message, s.address+" in "+s.vpc) {
			t.Errorf("the notice does not name %s in %s:\n%s", s.address, s.vpc, notices[0].Message)
		}
	}
	return fmt.Sprintf("%d matches: %d events, %d notice, %d findings", sum(want), len(want), len(notices), len(m.targets.hub.Findings()))
}

// sendDigest gives the notifier the input of the deployed schedule of digests.
func (m *machine) sendDigest(t *testing.T) {
	t.Helper()
	sent := 0
	for _, r := range m.rules(t) {
		if r.ScheduleExpression == "" {
			continue
		}
		for _, payload := range m.hand(t, &r, "{}", &m.notifier) {
			sent++
			_, err := m.runningNotifier.Invoke(context.Background(), payload)
			check(t, err)
		}
	}
	if sent != 1 {
		t.Errorf("%d schedules send digests, want one", sent)
	}
}

func sum(counts map[sighting]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// checkEvents fails unless there is one event for each sighting, with the number of records at
// the time of the event.
func (m *machine) checkEvents(t *testing.T, want map[sighting]int) {
	t.Helper()
	got := map[sighting]int{}
	for _, detail := range m.reportedAs(t, "Malicious query") {
		s := sighting{detail.Host.VPCID, detail.Host.SrcAddr, detail.Indicator.Value}
		if got[s] > 0 {
			t.Errorf("%v is reported twice", s)
		}
		got[s] = detail.Records
		if _, known := m.known[s]; !known {
			m.known[s] = want[s]
		}
		if origin := m.originOf(s.vpc); detail.Origin != string(origin) || detail.Test || got[s] != m.known[s] {
			t.Errorf("%v is reported as %+v, want one of %s with %d records", s, detail, origin, m.known[s])
		}
	}
	for s := range want {
		if got[s] == 0 {
			t.Errorf("nothing is reported about %v", s)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
}

// checkFindings fails unless there are as many findings as wanted, if there are any at all.
func (m *machine) checkFindings(t *testing.T, want int) {
	t.Helper()
	if !m.findsOn() {
		want = 0
	}
	refused := m.targets.hub.Refused()[m.refused:]
	if got := len(m.targets.hub.Findings()); got != want || len(refused) > 0 {
		t.Errorf("%d findings, want %d; refused: %q", got, want, refused)
	}
}

// reportOnce sends matches that were reported before. Only those of names whose lists have changed
// may be reported.
func (m *machine) reportOnce(t *testing.T, generator *sample.Generator, ledger *sample.Ledger) {
	t.Helper()
	var records []sample.Record
	for range 3 {
		records = append(records, generator.Ask("www."+legacyName+".", sample.Want{
			Verdict: sample.Malicious, Indicator: legacyName, Part: "query_name", Feeds: []string{"default"}}))
	}
	m.send(t, ledger, records)
	if back := m.deliverAlerts(t); back > 0 {
		t.Fatalf("the notifier gives back %d messages: see its log", back)
	}
	want := sightings(ledger)
	m.checkEvents(t, want)
	m.checkFindings(t, len(want))
}

// reportOnly fails unless the notifier reports one indicator and no other.
func (m *machine) reportOnly(t *testing.T, indicator string) {
	t.Helper()
	if back := m.deliverAlerts(t); back > 0 {
		t.Fatalf("the notifier gives back %d messages: see its log", back)
	}
	all := m.reportedAs(t, "Malicious query")
	if len(all) != 1 || all[0].Indicator.Value != indicator {
		t.Errorf("reported: %+v, want %s alone", all, indicator)
	}
}

// alertTest runs the command that sends a test alert. Every target must say that it has it.
func (m *machine) alertTest(t *testing.T) string {
	t.Helper()
	program := buildCommand(t)
	server := httptest.NewServer(m.targets.queue)
	defer server.Close()
	command := exec.Command(program, "alert", "test", "--stack", m.variant.stack, "--wait", "1m", "-o", "json")
	command.Env = []string{"HOME=" + m.folder, "AWS_ENDPOINT_URL=" + m.e.URL.String(), "AWS_ENDPOINT_URL_SQS=" + server.URL,
		"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=OWNER", "AWS_SECRET_ACCESS_KEY=local", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	var said struct {
		Targets []struct{ Target, State string }
	}
	check(t, json.Unmarshal([]byte(m.runDelivering(t, command)), &said))
	want := "[{bus ok} {hub off} {topic ok}]"
	if m.findsOn() {
		want = "[{bus ok} {hub ok} {topic ok}]"
	}
	if got := fmt.Sprint(said.Targets); got != want {
		t.Errorf("the targets said %s, want %s", got, want)
	}
	return fmt.Sprint(said.Targets)
}

// runDelivering runs a command that waits for the notifier, and returns what it printed.
func (m *machine) runDelivering(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	var printed strings.Builder
	command.Stdout, command.Stderr = &printed, &printed
	check(t, command.Start())
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%s: %v\n%s", command, err, printed.String())
			}
			return printed.String()
		case <-time.After(20 * time.Millisecond):
			m.deliverAlerts(t)
		}
	}
}
