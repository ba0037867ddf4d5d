package resolverwatch

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const logDelivery = "delivery.logs.amazonaws.com"

// newLogBucket defines the bucket that Resolver writes to, or says what an existing one needs.
// The statements of its policy must be there before the query logging configuration: AWS adds
// missing ones by itself, and the template would no longer say what is deployed.
func (s *S3LogSource) newLogBucket(p S3LogSourceProps) {
	statements := deliverLogs(s, p)
	if s.bucket == nil {
		s.steps.remindOfAccessLogs(s, p.AccessLogBucket)
		s.steps.letDeliveryUse(s, p.EncryptionKey)
		bucket := newBucket(s, "Logs", bucketProps{
			name: p.LogBucketName, key: p.EncryptionKey, objectKeys: true, accessLogs: p.AccessLogBucket,
			lifecycle: rawLogLifecycle(p), removal: p.RemovalPolicy,
		})
		s.bucket = sendEvents(bucket)
		for _, allowed := range statements(s.bucket) {
			bucket.AddToResourcePolicy(allowed.forPrincipal(awsiam.NewServicePrincipal(jsii.String(logDelivery), nil)))
		}
		return
	}
	s.steps.letDeliveryUse(s, p.LogKey)
	s.letDeliver(statements(s.bucket))
	s.remindOfEvents()
}

// rawLogLifecycle returns the rules that delete the logs of Resolver after their retention time.
func rawLogLifecycle(p S3LogSourceProps) []*awss3.LifecycleRule {
	rules := slices.Clone(p.LifecycleRules)
	if p.RawLogRetentionDays != 0 {
		rules = append(rules, &awss3.LifecycleRule{
			Id: jsii.String("LogRetention"), Expiration: awscdk.Duration_Days(jsii.Number(p.RawLogRetentionDays))})
	}
	return rules
}

// deliverLogs returns the statements that let the delivery of logs write to a bucket, for the
// configurations of this account and Region (CloudWatch Logs user guide, "Logs sent to Amazon
// S3"). AWS does not say whether the account in the keys is that of the VPC or of the
// configuration, so all are allowed if the configuration is shared.
func deliverLogs(c constructs.Construct, p S3LogSourceProps) func(awss3.IBucket) []statement {
	account := *awscdk.Stack_Of(c).Account()
	folder := p.logFolder() + account + "/*"
	if len(p.ShareWith) > 0 || p.LogBucket != nil {
		folder = p.logFolder() + "*"
	}
	return func(bucket awss3.IBucket) []statement {
		return []statement{
			{sid: "AWSLogDeliveryAclCheck", actions: []string{"s3:GetBucketAcl", "s3:ListBucket"},
				resources: []string{*bucket.BucketArn()}, conditions: ofDelivery(c, nil)},
			{sid: "AWSLogDeliveryWrite", actions: []string{"s3:PutObject"}, resources: objects(bucket, folder),
				conditions: ofDelivery(c, map[string]any{"s3:x-amz-acl": "bucket-owner-full-control"})},
		}
	}
}

// ofDelivery returns the conditions that limit a statement to the logs of this account and
// Region.
func ofDelivery(c constructs.Construct, also map[string]any) map[string]any {
	stack := awscdk.Stack_Of(c)
	equal := map[string]any{"aws:SourceAccount": []string{*stack.Account()}}
	maps.Copy(equal, also)
	source := strings.Join([]string{"arn", *stack.Partition(), "logs", *stack.Region(), *stack.Account(), "*"}, ":")
	return map[string]any{"StringEquals": equal, "ArnLike": map[string]any{"aws:SourceArn": []string{source}}}
}

// letDeliveryUse lets the delivery of logs encrypt with key.
func (s *steps) letDeliveryUse(c constructs.Construct, key awskms.IKey) {
	s.letServiceUse(c, key, "the delivery of logs", logDelivery, statement{
		sid:        "ResolverwatchLogDelivery",
		actions:    []string{"kms:Decrypt", "kms:DescribeKey*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
		conditions: ofDelivery(c, nil),
	})
}

// letDeliver adds statements to the policy of an existing bucket, or a step with their text.
func (s *S3LogSource) letDeliver(statements []statement) {
	var texts []string
	for _, allowed := range statements {
		if !bucketPolicy(s.bucket).add(allowed.forPrincipal(awsiam.NewServicePrincipal(jsii.String(logDelivery), nil))) {
			texts = append(texts, allowed.text(service(logDelivery)))
		}
	}
	if len(texts) == 0 {
		return
	}
	s.steps.remind(s, Step{
		ID: "LogBucketPolicy",
		Why: "The policy of an existing log bucket must let the delivery of logs write to it before the query logging configuration " +
			"is created. Leave out the statements that it has already.",
		Text: "add to the policy of " + *s.bucket.BucketArn() + ": " + strings.Join(texts, ","),
	})
}

// remindOfEvents adds steps for an existing bucket that does not send its events, or not to this
// account.
func (s *S3LogSource) remindOfEvents() {
	if !sendsEvents(s.bucket) {
		s.steps.remind(s, eventsStep("LogBucketEvents", s.bucket,
			"New objects of an existing log bucket reach the marker only if the bucket sends its events to EventBridge."))
	}
	s.steps.remindOfEventBus(s, "Log", s.bucket)
}

// How the queue gives events to the marker. The visibility is six times the timeout (Lambda
// developer guide, "Using Lambda with Amazon SQS"), and at least half an hour, so that the five
// attempts for an object take hours.
const (
	markerBatch    = 10
	markerReceives = 5
	minVisibility  = 30 * time.Minute
	timeouts       = 6
)

// newQueue defines the queue of events, and the queue for objects that could not be marked.
func (s *S3LogSource) newQueue(p S3LogSourceProps) {
	s.deadLetters = newDeadLetters(s, p.EncryptionKey)
	s.queue = newQueue(s, queueProps{
		key: p.EncryptionKey, deadLetters: s.deadLetters, receives: markerReceives, days: queueDays,
		visibility: seconds(max(minVisibility, timeouts*p.Timeout.Std())),
	})
}

// sendCreated sends an event for each new log object to the queue.
func (s *S3LogSource) sendCreated(p S3LogSourceProps) {
	rule := awsevents.NewCfnRule(s, jsii.String("LogEvents"), &awsevents.CfnRuleProps{
		Description: jsii.String("Resolver wrote a log"),
		State:       jsii.String("ENABLED"),
		EventPattern: map[string]any{
			"source":      []any{"aws.s3"},
			"detail-type": []any{"Object Created"},
			"detail": map[string]any{
				"bucket": map[string]any{"name": []any{*s.bucket.BucketName()}},
				"object": map[string]any{"key": []any{map[string]any{"wildcard": p.logFolder() + "*/vpcdnsquerylogs/*.log.gz"}}},
			},
		},
		Targets: &[]any{&awsevents.CfnRule_TargetProperty{
			Arn: s.queue.QueueArn(), Id: jsii.String("Marker"),
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: s.deadLetters.QueueArn()},
		}},
	})
	for _, queue := range []awssqs.Queue{s.queue, s.deadLetters} {
		queue.AddToResourcePolicy(sendFrom(s, rule, queue).forPrincipal(awsiam.NewServicePrincipal(jsii.String(eventsService), nil)))
	}
}
