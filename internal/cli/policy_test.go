package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// policy is the IAM policy of an operator as the documents have it, with the names of the embedded
// stack in place of those that a reader fills in. It records what was used.
type policy struct {
	statements []statement
	mu         sync.Mutex
	used       map[string]bool // by Sid and action
	denied     map[string]bool
}

// statement is one statement of a policy.
type statement struct {
	Sid, Effect      string
	Action, Resource []string
	Condition        struct {
		StringLike map[string][]string
	}
}

// awsCall is what IAM sees of a call.
type awsCall struct {
	action, resource string
	prefix           string // of a listing in S3
}

// readPolicy reads the policy from docs/operating.md.
func readPolicy(t *testing.T) *policy {
	t.Helper()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```json\n(.*?\"Statement\".*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/operating.md has no policy")
	}
	text := strings.NewReplacer(
		"REGION", "us-east-1", "ACCOUNT", "000000000000", "STACK", "Resolverwatch",
		"INDEX_BUCKET", localaws.IndexBucket, "OUTPUT_BUCKET", localaws.LogBucket, "SENT_TABLE", sentTable,
		"TABLE", "resolverwatch-indicators", "IMPORTER", localaws.Importer, "STREAM", localaws.DeliveryStream,
		"ALERT_QUEUE", alertQueue, "DEAD_LETTERS", deadLetters,
	).Replace(string(block[1]))
	var document struct{ Statement []statement }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("the policy in docs/operating.md: %v", err)
	}
	return &policy{statements: document.Statement, used: map[string]bool{}, denied: map[string]bool{}}
}

// allows reports whether the policy allows a call.
func (p *policy) allows(call awsCall) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if call.action == "sts:GetCallerIdentity" {
		return true // needs no permission
	}
	for i := range p.statements {
		s := &p.statements[i]
		prefixes, limited := s.Condition.StringLike["s3:prefix"]
		if contains(s.Action, call.action) && matches(s.Resource, call.resource) && (!limited || matches(prefixes, call.prefix)) {
			p.used[s.Sid+" "+call.action] = true
			return true
		}
	}
	p.denied[fmt.Sprint(call)] = true
	return false
}

func contains(all []string, one string) bool {
	for _, text := range all {
		if text == one {
			return true
		}
	}
	return false
}

// matches reports whether one of the patterns, in which * stands for any text, matches.
func matches(patterns []string, text string) bool {
	for _, pattern := range patterns {
		expression := "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
		if regexp.MustCompile(expression).MatchString(text) {
			return true
		}
	}
	return false
}

// checkUse reports calls that the policy denied, and actions that no call used.
func (p *policy) checkUse(t *testing.T) {
	t.Helper()
	for call := range p.denied {
		t.Errorf("the policy in docs/operating.md does not allow %s", call)
	}
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // only some sessions ran
	}
	for _, s := range p.statements {
		if s.Effect != "Allow" {
			t.Errorf("statement %s: effect %q", s.Sid, s.Effect)
		}
		for _, action := range s.Action {
			if !p.used[s.Sid+" "+action] {
				t.Errorf("statement %s of the policy in docs/operating.md: no session uses %s", s.Sid, action)
			}
		}
	}
}

// actions of calls that are named otherwise.
var jsonServices = map[string]string{
	"DynamoDB_20120810": "dynamodb", "Firehose_20150804": "firehose", "AmazonSQS": "sqs", "Route53Resolver": "route53resolver",
}

// callOf returns the action and the resource of a request.
func callOf(r *http.Request, body []byte) awsCall {
	service, operation := awsjson.Target(r)
	if short := jsonServices[service]; short != "" {
		return awsCall{action: short + ":" + operation, resource: jsonResource(short, body)}
	}
	if operation, found := strings.CutPrefix(r.URL.Path, cloudWatchPath); found {
		return awsCall{action: "cloudwatch:" + operation, resource: "*"}
	}
	if name, found := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/"); found {
		name, _, _ = strings.Cut(name, "/")
		return awsCall{action: "lambda:InvokeFunction", resource: "arn:aws:lambda:us-east-1:000000000000:function:" + name}
	}
	if isForm(r) {
		form, _ := url.ParseQuery(string(body))
		if form.Get("Action") == "GetCallerIdentity" {
			return awsCall{action: "sts:GetCallerIdentity"}
		}
		return awsCall{action: "cloudformation:" + form.Get("Action"),
			resource: "arn:aws:cloudformation:us-east-1:000000000000:stack/" + form.Get("StackName") + "/1"}
	}
	return s3Call(r)
}

func jsonResource(service string, body []byte) string {
	var in struct{ TableName, QueueUrl, DeliveryStreamName string } //nolint:revive // the protocol's names
	_ = json.Unmarshal(body, &in)
	const where = ":us-east-1:000000000000:"
	switch service {
	case "dynamodb":
		return "arn:aws:dynamodb" + where + "table/" + in.TableName
	case "sqs":
		return "arn:aws:sqs" + where + path.Base(in.QueueUrl)
	case "firehose":
		return "arn:aws:firehose" + where + "deliverystream/" + in.DeliveryStreamName
	}
	return "*"
}

func s3Call(r *http.Request) awsCall {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	resource := "arn:aws:s3:::" + bucket
	switch {
	case key == "":
		return awsCall{action: "s3:ListBucket", resource: resource, prefix: r.URL.Query().Get("prefix")}
	case r.Method == http.MethodPut:
		return awsCall{action: "s3:PutObject", resource: resource + "/" + key}
	default:
		return awsCall{action: "s3:GetObject", resource: resource + "/" + key}
	}
}
