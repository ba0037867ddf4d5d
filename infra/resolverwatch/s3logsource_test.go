//go:build !race

package resolverwatch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// newLogSource defines a source with buckets of its own, whose function is not built.
func newLogSource(stack awscdk.Stack, props resolverwatch.S3LogSourceProps) *resolverwatch.S3LogSource {
	bucket := func(name string) awss3.IBucket { return awss3.NewBucket(stack, &name, nil) }
	props.Code = code()
	if props.IndexBucket == nil {
		props.IndexBucket = bucket("Index")
	}
	if props.OutputBucket == nil {
		props.OutputBucket = bucket("Output")
	}
	return resolverwatch.NewS3LogSource(stack, "LogSource", &props)
}

// An event for a log object, and for nothing else, gets into the queue. An object that fails five
// times is kept for two weeks.
func TestS3LogSource_queue(t *testing.T) {
	stack := newStack(t)
	newLogSource(stack, resolverwatch.S3LogSourceProps{LogSourceSettings: resolverwatch.LogSourceSettings{LogPrefix: "org"}})
	made := synth(t, stack)
	logs := made.id("AWS::S3::Bucket", "LogSourceLogs")
	made.one("AWS::Events::Rule", "LogEvents").want(t, object{
		"EventPattern": object{
			"source": []string{"aws.s3"}, "detail-type": []string{"Object Created"},
			"detail": object{"bucket": object{"name": []any{object{"Ref": logs}}},
				"object": object{"key": []any{object{"wildcard": "org/AWSLogs/*/vpcdnsquerylogs/*.log.gz"}}}},
		},
		"Targets.0.Arn":                  "<" + made.id("AWS::SQS::Queue", "SourceQueue") + ".Arn>",
		"Targets.0.DeadLetterConfig.Arn": "<" + made.id("AWS::SQS::Queue", "DeadLetters") + ".Arn>",
	})
	made.one("AWS::S3::Bucket", "LogSourceLogs").want(t, object{
		"NotificationConfiguration": object{"EventBridgeConfiguration": object{"EventBridgeEnabled": true}}})
	made.one("AWS::SQS::Queue", "SourceQueue").want(t, object{
		"VisibilityTimeout": 30 * 60, "RedrivePolicy.maxReceiveCount": 5, "SqsManagedSseEnabled": true})
	made.one("AWS::SQS::Queue", "DeadLetters").want(t, object{"MessageRetentionPeriod": 14 * 24 * 3600})
	made.one("AWS::Lambda::EventSourceMapping", "").want(t, object{"BatchSize": 10, "MaximumBatchingWindowInSeconds": nil,
		"FunctionResponseTypes": []string{"ReportBatchItemFailures"}, "ScalingConfig.MaximumConcurrency": 20})
	for _, part := range []string{"SourceQueue", "DeadLetters"} {
		made.one("AWS::SQS::QueuePolicy", part).want(t, object{
			"PolicyDocument.Statement.0.Condition.Bool.aws:SecureTransport":       "false",
			"PolicyDocument.Statement.1.Principal.Service":                        "events.amazonaws.com",
			"PolicyDocument.Statement.1.Action":                                   "sqs:SendMessage",
			"PolicyDocument.Statement.1.Condition.StringEquals.aws:SourceAccount": "<AWS::AccountId>",
		})
	}
}

// The marker may read the logs of Resolver and the index, and may write marked logs and failed records.
func TestS3LogSource_permissions(t *testing.T) {
	stack := newStack(t)
	newLogSource(stack, resolverwatch.S3LogSourceProps{})
	synth(t, stack).wantPermissions("LogSourceRole",
		"s3:GetObject on <Index.Arn>/index/*",
		"s3:GetObject on <LogSourceLogs.Arn>/AWSLogs/*",
		"s3:GetObjectVersion on <LogSourceLogs.Arn>/AWSLogs/*",
		"s3:GetObject on <Output.Arn>/dns-query-logs/*",
		"s3:PutObject on <Output.Arn>/dns-query-logs/*",
		"s3:AbortMultipartUpload on <Output.Arn>/dns-query-logs/*",
		"s3:GetObject on <Output.Arn>/delivery-failures/*",
		"s3:PutObject on <Output.Arn>/delivery-failures/*",
		"s3:AbortMultipartUpload on <Output.Arn>/delivery-failures/*",
		"s3:ListBucket on <Index.Arn>",
		"s3:ListBucket on <LogSourceLogs.Arn>",
		"s3:ListBucket on <Output.Arn>",
		"sqs:DeleteMessage on <LogSourceQueue.Arn>",
		"sqs:GetQueueAttributes on <LogSourceQueue.Arn>",
		"sqs:ReceiveMessage on <LogSourceQueue.Arn>",
		"logs:CreateLogStream on <LogSourceLogGroup.Arn>",
		"logs:PutLogEvents on <LogSourceLogGroup.Arn>",
	)
}

// The statements for the delivery of logs are in the policy before the configuration exists, for
// this account and Region alone. Otherwise AWS would add them itself, outside of the template.
func TestS3LogSource_delivery(t *testing.T) {
	stack := newStack(t)
	newLogSource(stack, resolverwatch.S3LogSourceProps{})
	made := synth(t, stack)
	policy := made.one("AWS::S3::BucketPolicy", "LogSource")
	const here = "<AWS::Region>:<AWS::AccountId>:*"
	for i, want := range []object{
		{"Action": []string{"s3:GetBucketAcl", "s3:ListBucket"}, "Resource": "<" + made.id("AWS::S3::Bucket", "LogSourceLogs") + ".Arn>"},
		{"Action": "s3:PutObject", "Resource": "<" + made.id("AWS::S3::Bucket", "LogSourceLogs") + ".Arn>/AWSLogs/<AWS::AccountId>/*",
			"Condition.StringEquals.s3:x-amz-acl": "bucket-owner-full-control"},
	} {
		statement := resource{Properties: policy.get("PolicyDocument.Statement." + string(rune('2'+i))).(object)}
		statement.want(t, want)
		statement.want(t, object{"Effect": "Allow", "Principal.Service": "delivery.logs.amazonaws.com",
			"Condition.StringEquals.aws:SourceAccount.0": "<AWS::AccountId>",
			"Condition.ArnLike.aws:SourceArn.0":          "arn:<AWS::Partition>:logs:" + here})
	}
	config := made.one("AWS::Route53Resolver::ResolverQueryLoggingConfig", "")
	config.want(t, object{"DestinationArn": "<" + made.id("AWS::S3::Bucket", "LogSourceLogs") + ".Arn>"})
	if !slices.Contains(list(config.DependsOn), any(made.id("AWS::S3::BucketPolicy", "LogSource"))) {
		t.Errorf("the configuration depends on %v, not on the policy", config.DependsOn)
	}
}

// The delivery of logs does not work with a bucket key, and needs the permission to use the key.
func TestS3LogSource_customerKey(t *testing.T) {
	stack := newStack(t)
	newLogSource(stack, resolverwatch.S3LogSourceProps{EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	made := synth(t, stack)
	made.one("AWS::S3::Bucket", "LogSourceLogs").want(t, object{
		"BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled":                             false,
		"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.KMSMasterKeyID": "<Key961B73FD.Arn>"})
	found := false
	for _, value := range made.one("AWS::KMS::Key", "").get("KeyPolicy.Statement").([]any) {
		statement := resource{Properties: value.(object)}
		if flatten(statement.get("Principal.Service")) != "delivery.logs.amazonaws.com" {
			continue
		}
		found = true
		statement.want(t, object{"Condition.StringEquals.aws:SourceAccount.0": "<AWS::AccountId>"})
	}
	if !found {
		t.Error("the policy of the key does not let the delivery of logs use it")
	}
}

// The steps have the statements that an existing bucket of another account needs.
func TestS3LogSource_archive(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	source := newLogSource(stack, resolverwatch.S3LogSourceProps{
		LogBucket: archive(stack, "archive-logs"),
		LogKey:    awskms.Key_FromKeyArn(stack, jsii.String("Theirs"), jsii.String("arn:aws:kms:eu-west-1:"+otherAccount+":key/0000")),
	})
	want := map[string][]string{
		"LogBucketPolicy": {"add to the policy of arn:<AWS::Partition>:s3:::archive-logs: ", `"AWSLogDeliveryAclCheck"`, `"s3:GetBucketAcl"`,
			`s3:::archive-logs/AWSLogs/*"`, `"aws:SourceAccount":["111122223333"]`, `"delivery.logs.amazonaws.com"`},
		"LogBucketEvents":                   {"put-bucket-notification-configuration --bucket archive-logs"},
		"LogBucketEventBus":                 {"--statement-id ResolverwatchLogs", `{"bucket":{"name":["archive-logs"]}}`},
		"MarkerLogBucketPolicy":             {`"AWS":"<LogSourceRole`, `"s3:GetObjectVersion"`, `s3:::archive-logs/AWSLogs/*"`, `"s3:ListBucket"`},
		"KeyPolicyResolverwatchLogDelivery": {"key/0000: ", `"kms:GenerateDataKey*"`, `"aws:SourceAccount":["111122223333"]`},
		"MarkerKeyPolicy":                   {`"Action":["kms:Decrypt"]`},
	}
	got := map[string]string{}
	for _, step := range source.Steps() {
		got[step.ID] = flatten(stack.Resolve(step.Text))
	}
	for id, parts := range want {
		for _, part := range parts {
			if !strings.Contains(got[id], part) {
				t.Errorf("step %s lacks %s: %s", id, part, got[id])
			}
		}
	}
}

// The marker marks as the transformer does, writes where Firehose writes, and sends matches to the
// same queue.
func TestPipeline_logSource(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		LogSource: &resolverwatch.S3LogSourceProps{},
		Importer: &resolverwatch.ImporterProps{ImporterSettings: resolverwatch.ImporterSettings{
			Guards: resolverwatch.ListGuards{ReachBounds: resolverwatch.ReachBounds{MaxFeedIPv4: 1000}}}},
		Transformer: &resolverwatch.TransformerProps{TransformerSettings: resolverwatch.TransformerSettings{
			CheckAnswers: resolverwatch.CheckAnswersNames}},
		Delivery: &resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Prefix: "marked/!{timestamp:yyyy/MM/dd}"}},
	})
	made := synth(t, stack)
	made.one("AWS::Lambda::Function", "LogSource").wantReceived(t, object{
		"stack":        "Test",
		"alertQueue":   "<" + made.id("AWS::SQS::Queue", "AlertsQueue") + ">",
		"maxFeedIPv4":  1000,
		"indexBucket":  "<" + made.id("AWS::S3::Bucket", "Index") + ">",
		"outputBucket": "<" + made.id("AWS::S3::Bucket", "DeliveryLogs") + ">",
		"logBucket":    "<" + made.id("AWS::S3::Bucket", "LogSourceLogs") + ">",
		"transformer":  object{"checkAnswers": "names"},
		"delivery":     object{"prefix": "marked/!{timestamp:yyyy/MM/dd}/"},
	})
	if pipeline.LogSource() == nil || pipeline.Backfill() == nil {
		t.Error("the pipeline does not return its parts")
	}
}

// The index must fit into the smaller one of the functions that use it.
func TestPipeline_logSourceIndex(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{
		LogSource:   &resolverwatch.S3LogSourceProps{MarkerSettings: resolverwatch.MarkerSettings{MemoryMiB: 296}},
		Transformer: &resolverwatch.TransformerProps{TransformerSettings: resolverwatch.TransformerSettings{MemoryMiB: 512}}})
	got := synth(t, stack).one("AWS::Lambda::Function", "Importer").received(t)["maxIndexBytes"]
	if want := float64(100 << 20); got != want {
		t.Errorf("the importer publishes up to %v bytes, want %v", got, want)
	}
}

func TestPipeline_refusesLogSource(t *testing.T) {
	for name, test := range map[string]struct {
		props func(stack awscdk.Stack) *resolverwatch.PipelineProps
		want  []string
	}{
		"a VPC in both sources": {func(stack awscdk.Stack) *resolverwatch.PipelineProps {
			vpcs := []awsec2.IVpc{awsec2.NewVpc(stack, jsii.String("Vpc"), nil)}
			return &resolverwatch.PipelineProps{
				QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: vpcs}, LogSource: &resolverwatch.S3LogSourceProps{VPCs: vpcs}}
		}, []string{"Test/Pipeline LogSource.VPCs[0]"}},
		"Parquet": {func(awscdk.Stack) *resolverwatch.PipelineProps {
			return &resolverwatch.PipelineProps{LogSource: &resolverwatch.S3LogSourceProps{},
				Delivery: &resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet}}}
		}, []string{"Test/Pipeline/LogSource Format"}},
		"one bucket with mixed folders": {func(stack awscdk.Stack) *resolverwatch.PipelineProps {
			bucket := awss3.Bucket_FromBucketName(stack, jsii.String("B"), jsii.String("one-bucket"))
			return &resolverwatch.PipelineProps{
				LogSource: &resolverwatch.S3LogSourceProps{LogBucket: bucket, LogSourceSettings: resolverwatch.LogSourceSettings{LogPrefix: "dns-query-logs"}},
				Delivery:  &resolverwatch.DeliveryProps{OutputBucket: bucket},
			}
		}, []string{"Test/Pipeline/LogSource Prefix and LogPrefix"}},
		"props of the pipeline, and bad ones": {func(stack awscdk.Stack) *resolverwatch.PipelineProps {
			bucket := awss3.Bucket_FromBucketName(stack, jsii.String("B"), jsii.String("one-bucket"))
			return &resolverwatch.PipelineProps{WithoutBackfill: true, Backfill: &resolverwatch.BackfillProps{},
				LogSource: &resolverwatch.S3LogSourceProps{OutputBucket: bucket, LogBucket: bucket, LogSourceSettings: resolverwatch.LogSourceSettings{
					LogPrefix: "/x*", LogBucketName: "also", RawLogRetentionDays: -1}}}
		}, []string{"Test/Pipeline LogSource.OutputBucket", "Test/Pipeline WithoutBackfill and Backfill",
			"Test/Pipeline/LogSource RawLogRetentionDays", "Test/Pipeline/LogSource LogBucket and LogBucketName",
			"Test/Pipeline/LogSource LogBucket and RawLogRetentionDays", "Test/Pipeline/LogSource LogPrefix"}},
		"nothing to log": {func(awscdk.Stack) *resolverwatch.PipelineProps {
			return &resolverwatch.PipelineProps{WithoutFirehose: true, Backfill: &resolverwatch.BackfillProps{}}
		}, []string{"Test/Pipeline Backfill", "Test/Pipeline WithoutFirehose"}},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			props := test.props(stack)
			wantRefusal(t, func() { newPipeline(stack, props) }, test.want...)
		})
	}
}

// Two sources must not mark the objects of one bucket.
func TestS3LogSource_refusesBucketTwice(t *testing.T) {
	stack := newStack(t)
	bucket := awss3.Bucket_FromBucketName(stack, jsii.String("B"), jsii.String("one-bucket"))
	first := newLogSource(stack, resolverwatch.S3LogSourceProps{LogBucket: bucket})
	wantRefusal(t, func() {
		resolverwatch.NewS3LogSource(stack, "Again", &resolverwatch.S3LogSourceProps{StackName: "other", LogBucket: bucket,
			IndexBucket: first.LogBucket(), OutputBucket: awss3.NewBucket(stack, jsii.String("Other"), nil)})
	}, "Test/Again LogBucket")
}

// With logs in S3 alone, the alarms and the watchdog are those of the log source. With both
// sources, the watchdog looks at both configurations.
func TestMonitoring_logSource(t *testing.T) {
	for name, test := range map[string]struct {
		withoutFirehose bool
		configs         int
	}{"alone": {true, 1}, "with a stream": {false, 2}} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			newPipeline(stack, &resolverwatch.PipelineProps{LogSource: &resolverwatch.S3LogSourceProps{}, WithoutFirehose: test.withoutFirehose})
			made := synth(t, stack)
			ids := strings.Join(append(made.ids("AWS::CloudWatch::Alarm"), made.ids("AWS::CloudWatch::CompositeAlarm")...), " ")
			for _, want := range []string{"MarkerErrors", "MarkerDeadLetters", "MarkerBehind", "LogObjectsStopped", "IndexStale"} {
				if !strings.Contains(ids, want) {
					t.Errorf("there is no alarm %s", want)
				}
			}
			if strings.Contains(ids, "DeliveryLate") == test.withoutFirehose {
				t.Errorf("alarms %s", ids)
			}
			watched := made.one("AWS::Events::Rule", "QueryLoggingChanged").get("EventPattern.detail.requestParameters.resolverQueryLogConfigId")
			if got := len(list(watched)); got != test.configs {
				t.Errorf("the watchdog looks at %v", watched)
			}
		})
	}
}
