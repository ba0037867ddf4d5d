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

// After a switch of the key, data written with the earlier one can still be read, and
// nothing can be written with it. The policy of the earlier key keeps the statement for the
// logs.
func TestPipeline_previousKeys(t *testing.T) {
	stack := newStack(t)
	earlier := awskms.NewKey(stack, jsii.String("Earlier"), nil)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil), PreviousKeys: []awskms.IKey{earlier}})
	pipeline.Store().GrantUploadBlock(newRole(stack, "Uploader"))
	pipeline.Store().GrantReadList(newRole(stack, "Lister"))
	pipeline.Delivery().GrantReadLogs(newRole(stack, "Reader"))
	pipeline.Catalog().GrantQuery(newRole(stack, "Analyst"))
	made := synth(t, stack)

	roles := map[string][]string{}
	for _, part := range []string{"Importer", "Transformer", "Delivery"} {
		roles[part] = made.one("AWS::IAM::Role", part).permissions()
	}
	for _, grantee := range []string{"Uploader", "Lister", "Reader", "Analyst"} {
		document := made.one("AWS::IAM::Policy", grantee).get("PolicyDocument")
		roles[grantee] = resource{Properties: object{"Policies": []any{object{"PolicyDocument": document}}}}.permissions()
	}
	for role, permissions := range roles {
		through := map[string][]string{"Importer": {"s3.", "dynamodb."}, "Lister": {"dynamodb."}, "Delivery": {"aws:kinesisfirehose:arn"}}[role]
		if through == nil {
			through = []string{"s3."}
		}
		var got []string
		for _, line := range permissions {
			if strings.Contains(line, "<Earlier") {
				got = append(got, line)
			}
		}
		for i, line := range got {
			if !strings.HasPrefix(line, "kms:Decrypt on ") || !strings.Contains(line, " if ") {
				t.Errorf("%s may do more than decrypt with the earlier key: %s", role, got[i])
			}
		}
		for _, by := range through {
			if !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, by) }) {
				t.Errorf("%s may not decrypt with the earlier key through %s: %v", role, by, got)
			}
		}
	}
	if policy := flatten(made.one("AWS::KMS::Key", "Earlier").get("KeyPolicy")); !strings.Contains(policy, "ResolverwatchLogGroups") {
		t.Errorf("the policy of the earlier key does not allow reading old log events: %s", policy)
	}
}

func TestPipeline_refusesPreviousKeys(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{PreviousKeys: []awskms.IKey{
			nil, awskms.Alias_FromAliasName(stack, jsii.String("A"), jsii.String("alias/x"))}})
	}, "Test/Pipeline PreviousKeys[0]", "Test/Pipeline PreviousKeys[1]")
}
