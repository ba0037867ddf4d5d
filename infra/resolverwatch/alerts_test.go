//go:build !race

package resolverwatch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// newAlerts defines alerts whose function is not built.
func newAlerts(stack awscdk.Stack, props resolverwatch.AlertsProps) *resolverwatch.Alerts {
	props.Code = code()
	return resolverwatch.NewAlerts(stack, "Alerts", &props)
}

// The queue, its dead letters and its reader fit each other: a message is hidden for six times
// the timeout, so that it is not received twice while the function works on it.
func TestAlerts_queue(t *testing.T) {
	stack := newStack(t)
	newAlerts(stack, resolverwatch.AlertsProps{})
	made := synth(t, stack)
	made.one("AWS::SQS::Queue", "Queue").want(t, object{
		"VisibilityTimeout": 12 * 60, "RedrivePolicy.maxReceiveCount": 5, "SqsManagedSseEnabled": true})
	made.one("AWS::SQS::Queue", "DeadLetters").want(t, object{"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": true})
	made.one("AWS::Lambda::Function", "").want(t, object{"Timeout": 2 * 60, "ReservedConcurrentExecutions": nil})
	made.one("AWS::Lambda::EventSourceMapping", "").want(t, object{"BatchSize": 100, "MaximumBatchingWindowInSeconds": 30,
		"FunctionResponseTypes": []string{"ReportBatchItemFailures"}, "ScalingConfig.MaximumConcurrency": 2})
	for _, part := range []string{"Queue", "DeadLetters", "Topic"} {
		typ := map[bool]string{true: "AWS::SNS::TopicPolicy", false: "AWS::SQS::QueuePolicy"}[part == "Topic"]
		made.one(typ, part).want(t, object{"PolicyDocument.Statement.0.Effect": "Deny",
			"PolicyDocument.Statement.0.Condition.Bool.aws:SecureTransport": "false"})
	}
	table := made.one("AWS::DynamoDB::Table", "Sent")
	table.want(t, object{"KeySchema": []object{{"AttributeName": "key", "KeyType": "HASH"}}, "BillingMode": "PAY_PER_REQUEST",
		"TimeToLiveSpecification": object{"AttributeName": "expires_at", "Enabled": true}, "PointInTimeRecoverySpecification": nil})
	if table.DeletionPolicy != "Delete" {
		t.Errorf("the table of sent alerts has the deletion policy %q", table.DeletionPolicy)
	}
}

// The notifier may send only events of this product, to the default bus, and use only the one
// topic and the one product. Without a topic or Security Hub it may do neither.
func TestAlerts_permissions(t *testing.T) {
	const here = "<AWS::Region>:<AWS::AccountId>:"
	bus := `events:PutEvents on arn:<AWS::Partition>:events:` + here + `event-bus/default if {"StringEquals":{"events:source":"resolverwatch"}}`
	findings := "securityhub:BatchImportFindings on arn:<AWS::Partition>:securityhub:" + here + "product/<AWS::AccountId>/default"
	for name, test := range map[string]struct {
		props     resolverwatch.AlertsProps
		has, lack []string
	}{
		"by default": {resolverwatch.AlertsProps{}, []string{bus, "sns:Publish on <AlertsTopic"}, []string{"securityhub:"}},
		"without a topic": {resolverwatch.AlertsProps{WithoutTopic: true, AlertSettings: resolverwatch.AlertSettings{SecurityHub: true}},
			[]string{bus, findings}, []string{"sns:"}},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			newAlerts(stack, test.props)
			all := strings.Join(synth(t, stack).one("AWS::IAM::Role", "").permissions(), "\n")
			for _, line := range test.has {
				if !strings.Contains(all, line) {
					t.Errorf("may not %s:\n%s", line, all)
				}
			}
			for _, part := range append(test.lack, "kms:", " on *") {
				if strings.Contains(all, part) {
					t.Errorf("may %s:\n%s", part, all)
				}
			}
		})
	}
}

// With a key, each service may use it for the notifier, and for nothing else.
func TestAlerts_customerKey(t *testing.T) {
	stack := newStack(t)
	newAlerts(stack, resolverwatch.AlertsProps{EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	made := synth(t, stack)
	made.one("AWS::SNS::Topic", "").want(t, object{"KmsMasterKeyId": "<Key961B73FD.Arn>"})
	role := made.one("AWS::IAM::Role", "")
	for _, service := range []string{"sqs", "dynamodb", "sns"} {
		via := `{"StringEquals":{"kms:ViaService":{"Fn::Join":["",["` + service + `.",{"Ref":"AWS::Region"},".",{"Ref":"AWS::URLSuffix"}]]}}}`
		if !slices.Contains(role.permissions(), "kms:Decrypt on <Key961B73FD.Arn> if "+via) {
			t.Errorf("may not decrypt through %s:\n%s", service, strings.Join(role.permissions(), "\n"))
		}
	}
}

// A person who sends a test alert may send to the queue and do nothing else with it.
func TestAlerts_GrantSend(t *testing.T) {
	stack := newStack(t)
	alerts := newAlerts(stack, resolverwatch.AlertsProps{})
	person := awsiam.NewRole(stack, jsii.String("Person"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
	alerts.GrantSend(person)
	made := synth(t, stack)
	policy := resource{Properties: object{"Policies": []any{object{"PolicyDocument": made.one("AWS::IAM::Policy", "Person").get("PolicyDocument")}}}}
	want := []string{"sqs:SendMessage on <" + made.id("AWS::SQS::Queue", "Queue") + ".Arn>"}
	if got := policy.permissions(); !slices.Equal(want, got) {
		t.Errorf("may %q, want %q", got, want)
	}
}

// A person who may send test alerts may read the rows of tests, and no others.
func TestAlerts_GrantTest(t *testing.T) {
	stack := newStack(t)
	alerts := newAlerts(stack, resolverwatch.AlertsProps{})
	alerts.GrantTest(awsiam.NewRole(stack, jsii.String("Person"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()}))
	made := synth(t, stack)
	policy := resource{Properties: object{"Policies": []any{object{"PolicyDocument": made.one("AWS::IAM::Policy", "Person").get("PolicyDocument")}}}}
	read := "dynamodb:GetItem on <" + made.id("AWS::DynamoDB::Table", "Sent") + `.Arn> if {"ForAllValues:StringLike":{"dynamodb:LeadingKeys":"test#*"}}`
	if got := policy.permissions(); len(got) != 2 || !slices.Contains(got, read) {
		t.Errorf("may %q, want to read test rows", got)
	}
}

// Nobody receives a notice by the deployment alone, and the steps say what is left to do.
func TestAlerts_steps(t *testing.T) {
	for name, test := range map[string]struct {
		props func(awscdk.Stack) resolverwatch.AlertsProps
		want  []string
	}{
		"a new topic": {func(awscdk.Stack) resolverwatch.AlertsProps { return resolverwatch.AlertsProps{} }, []string{resolverwatch.StepSubscribe}},
		"an address and Security Hub": {func(awscdk.Stack) resolverwatch.AlertsProps {
			return resolverwatch.AlertsProps{AlertSettings: resolverwatch.AlertSettings{Emails: []string{"soc@corp.example"}, SecurityHub: true}}
		}, []string{resolverwatch.StepConfirmEmail, resolverwatch.StepSecurityHub}},
		"an existing topic": {func(stack awscdk.Stack) resolverwatch.AlertsProps {
			return resolverwatch.AlertsProps{Topic: topicIn(stack, ownAccount)}
		}, nil},
		"a topic of another account": {func(stack awscdk.Stack) resolverwatch.AlertsProps {
			return resolverwatch.AlertsProps{Topic: topicIn(stack, otherAccount)}
		}, []string{"AlertTopicPolicy"}},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStackOf(t, ownAccount)
			var got []string
			for _, step := range newAlerts(stack, test.props(stack)).Steps() {
				got = append(got, step.ID)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("steps %q, want %q", got, test.want)
			}
		})
	}
}

func topicIn(stack awscdk.Stack, account string) awssns.ITopic {
	return awssns.Topic_FromTopicArn(stack, jsii.String("Soc"), jsii.String("arn:aws:sns:eu-west-1:"+account+":soc"))
}

func TestAlerts_refuses(t *testing.T) {
	wantRefusal := func(props func(awscdk.Stack) resolverwatch.AlertsProps, want ...string) {
		t.Helper()
		wantRefused(t, func(awscdk.Stack) {
			stack := newStackOf(t, ownAccount)
			newAlerts(stack, props(stack))
		}, want...)
	}
	wantRefusal(func(stack awscdk.Stack) resolverwatch.AlertsProps {
		return resolverwatch.AlertsProps{Topic: topicIn(stack, ownAccount), WithoutTopic: true, AlertSettings: resolverwatch.AlertSettings{
			TopicName: "soc.fifo", Emails: []string{"soc", "a@b.example", "a@b.example"}}}
	}, "Known/Alerts TopicName", "Known/Alerts Emails[0]", "Known/Alerts Emails[2]", "Known/Alerts WithoutTopic and Topic",
		"Known/Alerts WithoutTopic and TopicName", "Known/Alerts WithoutTopic and Emails", "Known/Alerts Topic and TopicName",
		"Known/Alerts Topic and Emails")
	wantRefusal(func(stack awscdk.Stack) resolverwatch.AlertsProps {
		return resolverwatch.AlertsProps{Topic: awssns.Topic_FromTopicArn(stack, jsii.String("Far"),
			jsii.String("arn:aws:sns:us-east-1:111122223333:soc.fifo"))}
	}, "Known/Alerts Topic", "Known/Alerts Topic")
}
