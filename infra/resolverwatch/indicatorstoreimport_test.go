//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A transformer and people here can use a store of another app and Region.
func TestIndicatorStoreFromAttributes(t *testing.T) {
	stack := newStack(t)
	const key = "arn:aws:kms:eu-west-1:444455556666:key/0000"
	store := resolverwatch.IndicatorStoreFromAttributes(stack, "Store", &resolverwatch.IndicatorStoreAttributes{
		ListBucketName: "home-lists", IndexBucketName: "home-index", TableName: "indicators",
		Account: "444455556666", Region: "eu-west-1",
		EncryptionKey: awskms.Key_FromKeyArn(stack, jsii.String("Key"), jsii.String(key)),
	})
	resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{IndexBucket: store.IndexBucket(), Code: code()})
	user := awsiam.NewRole(stack, jsii.String("User"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
	store.GrantUploadBlock(user)
	store.GrantReadList(user)
	made := synth(t, stack)

	granted := flatten(plain(made.one("AWS::IAM::Policy", "User").get("PolicyDocument")))
	for _, part := range []string{":s3:::home-lists/feeds/*", ":dynamodb:eu-west-1:444455556666:table/indicators", key} {
		if !strings.Contains(granted, part) {
			t.Errorf("the grants lack %s: %s", part, granted)
		}
	}
	permissions := strings.Join(made.one("AWS::IAM::Role", "Transformer").permissions(), "\n")
	for _, part := range []string{"s3:GetObject on arn:<AWS::Partition>:s3:::home-index/index/*", "kms:Decrypt on " + key, "s3.eu-west-1."} {
		if !strings.Contains(permissions, part) {
			t.Errorf("the transformer lacks %s:\n%s", part, permissions)
		}
	}
	for _, typ := range []string{"AWS::S3::Bucket", "AWS::DynamoDB::Table"} {
		if ids := made.ids(typ); len(ids) > 0 {
			t.Errorf("%s: %v", typ, ids)
		}
	}
	if steps := store.Steps(); len(steps) > 0 {
		t.Errorf("steps %v", steps)
	}
}

func TestIndicatorStoreFromAttributes_refuses(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.IndicatorStoreFromAttributes(stack, "Store", &resolverwatch.IndicatorStoreAttributes{
			ListBucketName: "Lists", Account: "123", Region: "Ireland"})
	},
		"Test/Store IndexBucketName",
		"Test/Store TableName",
		"Test/Store ListBucketName",
		"Test/Store Account",
		"Test/Store Region",
	)
}
