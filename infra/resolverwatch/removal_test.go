//go:build !race

package resolverwatch_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// With RETAIN_ON_UPDATE_OR_DELETE, a failed first deployment can be cleaned up: nothing of
// the store is retained then, and nothing is protected from deletion.
func TestIndicatorStore_retainOnUpdateOrDelete(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE})
	made := synth(t, stack)
	kept := 0
	for _, typ := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table"} {
		for _, id := range made.ids(typ) {
			kept++
			if policy := made.resources[id].DeletionPolicy; policy != "RetainExceptOnCreate" {
				t.Errorf("%s: deletion policy %q", id, policy)
			}
		}
	}
	if kept != 5 {
		t.Errorf("%d resources are kept, want 5", kept)
	}
	made.one("AWS::DynamoDB::Table", "").want(t, object{"DeletionProtectionEnabled": false})
}

func TestRemovalPolicy_refusesSnapshot(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{RemovalPolicy: awscdk.RemovalPolicy_SNAPSHOT})
	}, "Test/Pipeline RemovalPolicy")
}
