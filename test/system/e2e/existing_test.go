//go:build e2e

package e2e_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// existing are resources that exist before the deployment, which uses them.
type existing struct {
	key                            string // ARN
	lists, index, logs, accessLogs string // buckets
	table                          string
	topic                          string // ARN
}

// newExisting creates the resources of a customer: a key that encrypts everything but the
// lists, buckets with S3's defaults, one of which, for the logs, has its own rules, and a
// table with the documented keys, and a topic with the key. Nothing is prepared for the deployment.
func (e *emulator) newExisting(t *testing.T) *existing {
	t.Helper()
	var made struct{ KeyMetadata struct{ Arn string } }
	e.ask(t, "kms", "TrentService.CreateKey", struct{}{}, &made)
	x := &existing{key: made.KeyMetadata.Arn, lists: "their-lists", index: "their-index", logs: "their-logs",
		accessLogs: "their-access-logs", table: "their-indicators"}
	for _, bucket := range x.buckets() {
		x.newBucket(t, e, bucket)
	}
	ctx, client := context.Background(), s3Client(e)
	_, err := client.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: &x.logs,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{ID: aws.String("theirs"),
			Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(730)}}}}})
	check(t, err)
	_, err = client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &x.logs, Policy: aws.String(encode(map[string]any{
		"Version": "2012-10-17", "Statement": []any{map[string]any{"Sid": "TheirTLS", "Effect": "Deny", "Principal": "*",
			"Action": "s3:*", "Resource": []string{"arn:aws:s3:::" + x.logs, "arn:aws:s3:::" + x.logs + "/*"},
			"Condition": map[string]any{"Bool": map[string]string{"aws:SecureTransport": "false"}}}}}))})
	check(t, err)
	x.newTable(t, e)
	var topic struct {
		ARN string `xml:"CreateTopicResult>TopicArn"`
	}
	e.askSNS(t, url.Values{"Action": {"CreateTopic"}, "Name": {"their-topic"}, "Attributes.entry.1.key": {"KmsMasterKeyId"},
		"Attributes.entry.1.value": {x.key}}, &topic)
	x.topic = topic.ARN
	return x
}

func (x *existing) buckets() []string { return []string{x.lists, x.index, x.logs, x.accessLogs} }

// newBucket creates a bucket with S3's defaults, or with the key.
func (x *existing) newBucket(t *testing.T, e *emulator, name string) {
	t.Helper()
	ctx, client := context.Background(), s3Client(e)
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name, ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced})
	check(t, err)
	_, err = client.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &name,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true),
			BlockPublicPolicy: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true)}})
	check(t, err)
	encryption := &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256}
	if name == x.index || name == x.logs {
		encryption = &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: &x.key}
	}
	_, err = client.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &name,
		ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: encryption}}}})
	check(t, err)
}

func (x *existing) newTable(t *testing.T, e *emulator) {
	t.Helper()
	attribute := func(name string) dynamodbtypes.AttributeDefinition {
		return dynamodbtypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamodbtypes.ScalarAttributeTypeS}
	}
	_, err := dynamodb.NewFromConfig(e.config()).CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName:            &x.table,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{attribute(settings.TablePartitionKey), attribute(settings.TableSortKey)},
		KeySchema: []dynamodbtypes.KeySchemaElement{
			{AttributeName: aws.String(settings.TablePartitionKey), KeyType: dynamodbtypes.KeyTypeHash},
			{AttributeName: aws.String(settings.TableSortKey), KeyType: dynamodbtypes.KeyTypeRange}},
		BillingMode:           dynamodbtypes.BillingModeProvisioned,
		ProvisionedThroughput: &dynamodbtypes.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(40), WriteCapacityUnits: aws.Int64(60)},
		SSESpecification: &dynamodbtypes.SSESpecification{Enabled: aws.Bool(true), SSEType: dynamodbtypes.SSETypeKms,
			KMSMasterKeyId: &x.key},
	})
	check(t, err)
}
