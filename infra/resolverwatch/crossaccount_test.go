//go:build !race

package resolverwatch_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func archive(stack awscdk.Stack, name string) awss3.IBucket {
	return awss3.Bucket_FromBucketAttributes(stack, &name, &awss3.BucketAttributes{
		BucketName: &name, Account: jsii.String(otherAccount), Region: jsii.String("eu-west-1")})
}

// Only its own policies can give the roles access to a log archive in another account.
// There is a step for each of its buckets and keys with everything that a role does there,
// and none for the stack's own account.
func TestPipeline_otherAccount(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		EncryptionKey: awskms.Key_FromKeyArn(stack, jsii.String("Key"), jsii.String("arn:aws:kms:eu-west-1:"+otherAccount+":key/0000")),
		Store: &resolverwatch.IndicatorStoreProps{
			ListBucket: archive(stack, "archive-lists"), IndexBucket: archive(stack, "archive-index")},
		Delivery: &resolverwatch.DeliveryProps{OutputBucket: archive(stack, "archive-logs")},
	})
	want := map[string][]string{
		"DeliveryOutputBucketPolicy": {"add to the policy of arn:<AWS::Partition>:s3:::archive-logs: ",
			`"Principal":{"AWS":"<PipelineDeliveryRole`, `"s3:ListBucketMultipartUploads"`, `"s3:PutObject","s3:PutObjectAcl"`,
			`"Resource":["arn:<AWS::Partition>:s3:::archive-logs/*"]`},
		"ImporterListBucketPolicy": {"s3:::archive-lists: ", `"AWS":"<PipelineImporterRole`, `"s3:GetObjectVersion"`,
			`s3:::archive-lists/feeds/*"`, `s3:::archive-lists/accepted/*"`},
		"ImporterIndexBucketPolicy":    {"s3:::archive-index: ", `"s3:DeleteObject"`, `s3:::archive-index/index/*"`},
		"TransformerIndexBucketPolicy": {`"AWS":"<PipelineTransformerRole`, `"s3:GetObject"`, `s3:::archive-index/index/*"`},
		"DeliveryKeyPolicy": {"add to the policy of arn:aws:kms:eu-west-1:444455556666:key/0000: ", `"Resource":["*"]`,
			`"kms:ViaService":"s3.eu-west-1.<AWS::URLSuffix>"`, `"kms:EncryptionContext:aws:kinesisfirehose:arn"`},
		"ImporterKeyPolicy":                {`"kms:ViaService":"dynamodb.eu-west-1`, `"kms:ViaService":"sqs.eu-west-1`},
		"TransformerKeyPolicy":             {`"Action":["kms:Decrypt"]`},
		"KeyPolicyResolverwatchDeployment": {`"kms:CreateGrant"`, `"AWS":"arn:<AWS::Partition>:iam::111122223333:root"`},
		"ListBucketEventBus":               {"--principal 444455556666", `{"bucket":{"name":["archive-lists"]}}`, ":events:eu-west-1:111122223333:event-bus/default"},
	}
	got := map[string]string{}
	for _, step := range pipeline.Steps() {
		got[step.ID] = flatten(stack.Resolve(step.Text))
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		for _, part := range want[id] {
			if !strings.Contains(got[id], part) {
				t.Errorf("step %s lacks %s: %s", id, part, got[id])
			}
		}
	}
	permissions := synth(t, stack).one("AWS::IAM::Role", "Delivery").permissions()
	if line := "s3:PutObjectAcl on arn:<AWS::Partition>:s3:::archive-logs/*"; !slices.Contains(permissions, line) {
		t.Errorf("the role of Firehose may not %s", line)
	}
}

// The role alone cannot let the importer read a secret of another account. The warning can
// be copied, because the Region of the stack tells the partition.
func TestImporter_secretOfOtherAccount(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	secret := func(account string) resolverwatch.Feed {
		return resolverwatch.Feed{URL: "https://lists.example/x", SecretHeader: "Auth-Key",
			SecretARN: "arn:aws:secretsmanager:eu-west-1:" + account + ":secret:feed-AbCdEf"}
	}
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{WithoutQueryLogging: true, WithoutAlerts: true, Importer: &resolverwatch.ImporterProps{
		Feeds: map[string]resolverwatch.Feed{"own": secret(ownAccount), "theirs": secret(otherAccount)}}})
	steps := pipeline.Steps()
	if len(steps) != 1 || steps[0].ID != "FeedSecretPolicy"+otherAccount+"EuWest1" {
		t.Fatalf("steps %v, want one about the secret of the other account", steps)
	}
	got := flatten(stack.Resolve(steps[0].Text))
	for _, want := range []string{"add to the policy of arn:aws:secretsmanager:eu-west-1:" + otherAccount + ":secret:feed-AbCdEf: ",
		`"secretsmanager:GetSecretValue"`, `"AWS":"<PipelineImporterRole`, "add to the policy of the key: ", `"kms:Decrypt"`} {
		if !strings.Contains(got, want) {
			t.Errorf("step lacks %s: %s", want, got)
		}
	}
	if text := warnings(t, stack); !strings.Contains(text, "secretsmanager.eu-west-1.amazonaws.com") || strings.Contains(text, "<AWS::") {
		t.Errorf("warning cannot be copied: %s", text)
	}
}

func TestPipeline_ownAccount(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	own := awss3.Bucket_FromBucketAttributes(stack, jsii.String("Logs"), &awss3.BucketAttributes{
		BucketName: jsii.String("own-logs"), Account: jsii.String(ownAccount)})
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		Delivery: &resolverwatch.DeliveryProps{OutputBucket: own}, WithoutQueryLogging: true, WithoutAlerts: true})
	if steps := pipeline.Steps(); len(steps) > 0 {
		t.Errorf("steps %v", steps)
	}
}

func TestIndicatorStore_refusesTableOfOtherAccount(t *testing.T) {
	wantRefused(t, func(awscdk.Stack) {
		stack := newStackOf(t, ownAccount)
		resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
			Table: awsdynamodb.Table_FromTableArn(stack, jsii.String("T"),
				jsii.String("arn:aws:dynamodb:eu-west-1:"+otherAccount+":table/indicators"))})
	}, "Known/Store Table")
}
