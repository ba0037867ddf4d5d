//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/eventpattern"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// rule is a deployed EventBridge rule with its targets.
type rule struct {
	Name, Arn, EventPattern, ScheduleExpression, State string

	targets []target
}

type target struct {
	Arn, Input       string
	DeadLetterConfig struct{ Arn string }
}

// rules returns the deployed rules.
func (d *deployed) rules(t *testing.T) []rule {
	t.Helper()
	if d.allRules != nil {
		return d.allRules
	}
	for _, r := range d.of("AWS::Events::Rule") {
		var described rule
		d.e.ask(t, "events", "AWSEvents.DescribeRule", map[string]string{"Name": r.id}, &described)
		var targets struct{ Targets []target }
		d.e.ask(t, "events", "AWSEvents.ListTargetsByRule", map[string]string{"Rule": r.id}, &targets)
		described.targets = targets.Targets
		d.allRules = append(d.allRules, described)
	}
	return d.allRules
}

// schedule is a deployed schedule of EventBridge Scheduler.
type schedule struct {
	Target struct{ Arn, RoleArn, Input string }
}

// schedules returns the schedules of the importer.
func (d *deployed) schedules(t *testing.T) (all []schedule) {
	t.Helper()
	for _, r := range d.feedSchedules() {
		var s schedule
		d.e.get(t, "scheduler", "/schedules/"+r.id, &s)
		all = append(all, s)
	}
	return all
}

// feedSchedules returns the schedules of feeds with a URL.
func (d *deployed) feedSchedules() (all []resource) {
	for _, r := range d.of("AWS::Scheduler::Schedule") {
		if strings.Contains(r.logical, "ImporterFetch") {
			all = append(all, r)
		}
	}
	return all
}

// route sends an event to the rules, and returns what they pass to a function. A rule that
// matches must have targets that accept it, with a permission for this very rule.
func (d *deployed) route(t *testing.T, event any, to *functionConfig) (payloads [][]byte) {
	t.Helper()
	body := encode(event)
	for _, r := range d.rules(t) {
		if d.matches(t, &r, body) {
			payloads = append(payloads, d.hand(t, &r, body, to)...)
		}
	}
	return payloads
}

// matches reports whether a rule passes on an event.
func (d *deployed) matches(t *testing.T, r *rule, event string) bool {
	t.Helper()
	if r.EventPattern == "" || r.State != "ENABLED" {
		return false
	}
	matches, err := eventpattern.Match(r.EventPattern, event)
	if err != nil {
		t.Fatalf("rule %s: %v", r.Name, err)
	}
	return matches
}

// hand returns what a function receives for an event of a rule, if it lets the rule invoke
// it.
func (d *deployed) hand(t *testing.T, r *rule, event string, f *functionConfig) (payloads [][]byte) {
	t.Helper()
	for _, to := range r.targets {
		if to.Arn != f.FunctionArn {
			continue // of another function, or the topic of the alarms
		}
		d.mustLetIn(t, f, permission.Call{Principal: "events.amazonaws.com", Action: "lambda:InvokeFunction", Resource: to.Arn,
			Context: map[string][]string{"aws:sourcearn": {r.Arn}, "aws:sourceaccount": {account}}})
		if f.FunctionArn != d.notifier.FunctionArn { // the next digest has what one that was lost would have had
			d.mustTakeEvents(t, r, to.DeadLetterConfig.Arn)
		}
		payload := event
		if to.Input != "" {
			payload = to.Input
		}
		payloads = append(payloads, []byte(payload))
	}
	return payloads
}

// mustLetIn fails unless the function's own policy lets a service invoke it.
func (d *deployed) mustLetIn(t *testing.T, f *functionConfig, call permission.Call) {
	t.Helper()
	var out struct{ Policy string }
	d.e.get(t, "lambda", "/2015-03-31/functions/"+f.FunctionName+"/policy", &out)
	mustAllow(t, call, nil, parsePolicy(t, "of "+f.FunctionName, out.Policy))
}

func (d *deployed) queueAttributes(t *testing.T, url string) map[string]string {
	t.Helper()
	var out struct{ Attributes map[string]string }
	d.e.ask(t, "sqs", "AmazonSQS.GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{"All"}}, &out)
	return out.Attributes
}

// queueOf returns the attributes of the stack's queue with an ARN.
func (d *deployed) queueOf(t *testing.T, arn string) map[string]string {
	t.Helper()
	for _, queue := range d.of("AWS::SQS::Queue") {
		if attributes := d.queueAttributes(t, queue.id); attributes["QueueArn"] == arn {
			return attributes
		}
	}
	t.Fatalf("queue %q is not in the stack", arn)
	return nil
}

// mustTakeEvents fails unless the queue accepts events of a rule, such as those that it could not
// deliver, and its key, if it has one, lets EventBridge use it.
func (d *deployed) mustTakeEvents(t *testing.T, r *rule, queue string) {
	t.Helper()
	attributes := d.queueOf(t, queue)
	source := map[string][]string{"aws:sourcearn": {r.Arn}, "aws:sourceaccount": {account}}
	mustAllow(t, permission.Call{Principal: "events.amazonaws.com", Action: "sqs:SendMessage", Resource: queue, Context: source},
		nil, parsePolicy(t, "of the queue", attributes["Policy"]))
	if key := attributes["KmsMasterKeyId"]; key != "" {
		// SQS names the queue. Nothing says that it passes the source on.
		context := map[string][]string{"kms:encryptioncontext:aws:sqs:arn": {queue}}
		for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
			mustAllow(t, permission.Call{Principal: "events.amazonaws.com", Action: action, Resource: key, Context: context},
				nil, d.keyPolicy(t, key))
			other := permission.Call{Principal: "events.amazonaws.com", Action: action, Resource: key, Context: source}
			if verdict, err := permission.Decide(other, nil, []permission.Policy{d.keyPolicy(t, key)}); err != nil || verdict.Allowed {
				t.Errorf("allowed without a queue: %s %v", other, err)
			}
		}
	}
}

// objectEvent returns an S3 event in EventBridge's format.
func objectEvent(kind, bucket, key, version string) map[string]any {
	return map[string]any{
		"version": "0", "id": fmt.Sprintf("event-of-%s", version), "detail-type": kind, "source": "aws.s3", "account": account,
		"region": region, "time": "2026-01-01T00:00:00Z", "resources": []string{"arn:aws:s3:::" + bucket},
		"detail": map[string]any{"version": "0", "bucket": map[string]any{"name": bucket},
			"object": map[string]any{"key": key, "version-id": version, "sequencer": "00"}, "reason": "PutObject"},
	}
}

// parsePolicy parses a deployed policy.
func parsePolicy(t *testing.T, name, document string) permission.Policy {
	t.Helper()
	if !json.Valid([]byte(document)) {
		t.Fatalf("policy %s: is not JSON: %q", name, document)
	}
	policy, err := permission.Parse(name, document)
	check(t, err)
	return policy
}

func mustAllow(t *testing.T, call permission.Call, role []permission.Policy, resource ...permission.Policy) {
	t.Helper()
	verdict, err := permission.Decide(call, role, resource)
	if err != nil || !verdict.Allowed {
		t.Errorf("not allowed: %s: %s %v", call, verdict.Why, err)
	}
}
