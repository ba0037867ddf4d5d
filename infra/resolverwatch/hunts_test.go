//go:build !race

package resolverwatch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// The schedules of a deployment are in a group of their own, which the metrics and the role
// name. A run that cannot be started is tried for an hour, and then kept.
func TestHunts_schedules(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{Hunts: &resolverwatch.HuntsProps{
		HuntSettings: resolverwatch.HuntSettings{Beacons: true, Coverage: new(bool)}}})
	made := synth(t, stack)
	got := map[string]string{}
	for _, id := range made.ids("AWS::Scheduler::Schedule") {
		schedule := made.resources[id]
		got[flatten(schedule.get("Target.Input"))] = flatten(schedule.get("ScheduleExpression"))
		schedule.want(t, object{
			"GroupName":                   "<" + made.id("AWS::Scheduler::ScheduleGroup", "") + ">",
			"FlexibleTimeWindow":          object{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
			"Target.RetryPolicy":          object{"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
			"Target.DeadLetterConfig.Arn": "<" + made.id("AWS::SQS::Queue", "HuntsDeadLetters") + ".Arn>",
			"Target.Arn":                  "<" + made.id("AWS::Lambda::Function", "Hunts") + ".Arn>",
		})
	}
	wantSchedules(t, got, map[string]string{
		"retro-hunt": "rate(1 hour)", "tunnels": "rate(1 hour)", "nxdomain-domains": "cron(0 3 * * ? *)", "beacons": "cron(0 3 * * ? *)"})
	made.one("AWS::IAM::Role", "HuntsSchedulerRole").want(t, object{
		"AssumeRolePolicyDocument.Statement.0.Condition.StringEquals.aws:SourceArn": "<" + made.id("AWS::Scheduler::ScheduleGroup", "") + ".Arn>"})
	made.one("AWS::Events::Rule", "IndexPublished").want(t, object{"EventPattern": object{
		"source": []string{"resolverwatch"}, "detail-type": []string{"Index published"}, "detail": object{"stack": []string{"Test"}}}})
	made.one("AWS::Lambda::Function", "Hunts").want(t, object{"Timeout": 900})
	made.one("AWS::Lambda::Function", "Hunts").wantReceived(t, object{"stack": "Test", "database": "test", "workGroup": "Test",
		"table":      "<" + made.id("AWS::DynamoDB::Table", "AlertsSent") + ">",
		"alertQueue": "<" + made.id("AWS::SQS::Queue", "AlertsQueue") + ">"})
}

func wantSchedules(t *testing.T, got, want map[string]string) {
	t.Helper()
	for query, rate := range want {
		input := `{"query":"` + query + `","at":"<aws.scheduler.scheduled-time>"}`
		if got[input] != rate {
			t.Errorf("%s runs at %q, want %q", input, got[input], rate)
		}
	}
	if len(got) != len(want) {
		t.Errorf("schedules %v, want %v", got, want)
	}
}

// The hunter reads what the tables consist of, and writes nothing but results. It runs queries in
// the one workgroup, and sees the tables by their names.
func TestHunts_permissions(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	made := synth(t, stack)
	got := made.one("AWS::IAM::Role", "HuntsRole").permissions()
	bucket := func(part string) string { return "<" + made.id("AWS::S3::Bucket", part) + ".Arn>" }
	const glue = "arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:"
	for _, line := range []string{
		"athena:StartQueryExecution on arn:<AWS::Partition>:athena:<AWS::Region>:<AWS::AccountId>:workgroup/Test",
		"glue:GetTable on " + glue + "table/test/dns_logs", "glue:GetTable on " + glue + "table/test/indicators",
		"s3:GetObject on " + bucket("DeliveryLogs") + "/dns-query-logs/*",
		"s3:GetObject on " + bucket("StoreIndex") + "/indicators/*",
		"s3:PutObject on " + bucket("CatalogResults") + "/results/*",
		"dynamodb:PutItem on <" + made.id("AWS::DynamoDB::Table", "AlertsSent") + ".Arn>",
		"sqs:SendMessage on <" + made.id("AWS::SQS::Queue", "AlertsQueue") + ".Arn>",
	} {
		if !slices.Contains(got, line) {
			t.Errorf("may not %s:\n%s", line, strings.Join(got, "\n"))
		}
	}
	for _, line := range got {
		writes := strings.HasPrefix(line, "s3:PutObject ") || strings.HasPrefix(line, "s3:Delete")
		if writes && !strings.Contains(line, bucket("CatalogResults")+"/results/") || strings.Contains(line, "/*/") || strings.Contains(line, " on * ") {
			t.Errorf("may %s", line)
		}
	}
}

// In an account that Lake Formation governs, the hunter gets its permissions too.
func TestHunts_lakeFormation(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{Catalog: &resolverwatch.CatalogProps{LakeFormation: true}})
	made := synth(t, stack)
	role := "<" + made.id("AWS::IAM::Role", "HuntsRole") + ".Arn>"
	tables := 0
	for _, id := range made.ids("AWS::LakeFormation::PrincipalPermissions") {
		if flatten(made.resources[id].get("Principal.DataLakePrincipalIdentifier")) == role && made.resources[id].get("Resource.Table") != nil {
			tables++
		}
	}
	if tables != 3 {
		t.Errorf("the hunter may read %d tables, want 3", tables)
	}
}

// Hunts need alerts and a catalog. A pipeline without one of them has none; props for hunts are
// then refused with the reason.
func TestPipeline_huntsNeedOthers(t *testing.T) {
	for name, props := range map[string]resolverwatch.PipelineProps{
		"no alerts": {WithoutAlerts: true}, "no catalog": {WithoutCatalog: true}, "no hunts": {WithoutHunts: true}} {
		stack := newStack(t)
		if pipeline := newPipeline(stack, &props); pipeline.Hunts() != nil {
			t.Errorf("%s: there are hunts", name)
		}
	}
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{WithoutAlerts: true, WithoutCatalog: true, Hunts: &resolverwatch.HuntsProps{}})
	}, "Test/Pipeline WithoutAlerts and Hunts", "Test/Pipeline WithoutCatalog and Hunts")
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewHunts(stack, "Hunts", nil)
	}, "Test/Hunts Catalog", "Test/Hunts Alerts")
}

// Without alerts, the other functions have no permission for them and no setting about them.
func TestPipeline_withoutAlerts(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{WithoutAlerts: true})
	made := synth(t, stack)
	if pipeline.Alerts() != nil || len(made.ids("AWS::SQS::Queue")) != 1 || len(made.ids("AWS::DynamoDB::Table")) != 1 {
		t.Error("there are alerts")
	}
	for _, part := range []string{"Transformer", "Importer"} {
		received := made.one("AWS::Lambda::Function", part).received(t)
		if received["alertQueue"] != nil || received["events"] != nil {
			t.Errorf("the %s receives %v", part, received)
		}
		for _, line := range made.one("AWS::IAM::Role", part+"Role").permissions() {
			if strings.HasPrefix(line, "events:") || part == "Transformer" && strings.HasPrefix(line, "sqs:") {
				t.Errorf("the %s may %s", part, line)
			}
		}
	}
}
