//go:build !race

package resolverwatch_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Each bucket of a pipeline is private, encrypted and reachable only over TLS, and removes
// uploads that were never completed.
func TestPipeline_buckets(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, nil)
	made := synth(t, stack)
	const encryption = "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault."
	enabled := object{"Status": "Enabled"}
	for _, test := range []struct {
		id            string
		versioning    any
		sendsEvents   any
		oldVersions   any // days that they are kept
		removeMarkers any // of deleted objects, once no version is left
	}{
		{"StoreLists", enabled, true, 90, true},
		{"StoreIndex", enabled, nil, 90, true},
		{"DeliveryLogs", nil, nil, nil, nil},
		{"CatalogResults", nil, nil, nil, nil},
	} {
		t.Run(test.id, func(t *testing.T) {
			bucket := made.one("AWS::S3::Bucket", test.id)
			bucket.want(t, object{
				"PublicAccessBlockConfiguration": object{"BlockPublicAcls": true, "BlockPublicPolicy": true,
					"IgnorePublicAcls": true, "RestrictPublicBuckets": true},
				"OwnershipControls":         object{"Rules": []any{object{"ObjectOwnership": "BucketOwnerEnforced"}}},
				encryption + "SSEAlgorithm": "AES256",
				"VersioningConfiguration":   test.versioning,
				"NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled":             test.sendsEvents,
				"LifecycleConfiguration.Rules.0.AbortIncompleteMultipartUpload.DaysAfterInitiation": 7,
				"LifecycleConfiguration.Rules.1.NoncurrentVersionExpiration.NoncurrentDays":         test.oldVersions,
				"LifecycleConfiguration.Rules.1.ExpiredObjectDeleteMarker":                          test.removeMarkers,
			})
			wantTLSOnly(t, made.one("AWS::S3::BucketPolicy", test.id))
		})
	}
	if got := len(made.ids("AWS::S3::Bucket")); got != 4 {
		t.Errorf("%d buckets, want 4", got)
	}
}

// With a key, every bucket uses it.
func TestPipeline_bucketsWithKey(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	made := synth(t, stack)
	const encryption = "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault."
	for _, id := range made.ids("AWS::S3::Bucket") {
		made.resources[id].want(t, object{encryption + "SSEAlgorithm": "aws:kms", encryption + "KMSMasterKeyID": "<Key961B73FD.Arn>"})
	}
	made.one("AWS::Athena::WorkGroup", "").want(t, object{
		"WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration.EncryptionOption": "SSE_KMS"})
	made.one("AWS::DynamoDB::Table", "StoreTable").want(t, object{"SSESpecification.SSEType": "KMS"})
}
