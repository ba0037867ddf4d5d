//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func fixed(stack awscdk.Stack, name string) awsiam.IRole {
	return awsiam.Role_FromRoleName(stack, &name, &name, &awsiam.FromRoleNameOptions{Mutable: jsii.Bool(false)})
}

// A role that cannot be changed reports success for a statement that it ignores, so every
// grant leaves a step.
func TestGrants_fixedRole(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, nil)
	pipeline.Store().GrantUploadBlock(fixed(stack, "uploader"))
	pipeline.Store().GrantUploadBlock(newRole(stack, "Kept").WithoutPolicyUpdates(nil))
	pipeline.Store().GrantReadList(fixed(stack, "lister"))
	pipeline.Delivery().GrantReadLogs(fixed(stack, "reader"))
	pipeline.Delivery().GrantPutRecords(fixed(stack, "replay"))
	pipeline.Importer().GrantInvoke(fixed(stack, "starter"))
	pipeline.Transformer().GrantInvoke(fixed(stack, "stream"))
	pipeline.Catalog().GrantQuery(fixed(stack, "analyst"))
	texts := map[string]string{}
	for _, step := range pipeline.Steps() {
		if !strings.HasPrefix(step.ID, "Grant") {
			continue
		}
		_, rest, _ := strings.Cut(step.Text, "aws iam put-role-policy --role-name ")
		name, policy, _ := strings.Cut(rest, " ")
		texts[name] = policy
		if strings.Contains(step.Why, "${Token[") {
			t.Errorf("%s: a token in %s", step.ID, step.Why)
		}
	}
	for name, want := range map[string]string{"uploader": `"s3:PutObject"`, "lister": `"dynamodb:Scan"`, "reader": `"s3:ListBucket"`,
		"replay": `"firehose:PutRecordBatch"`, "starter": `"lambda:InvokeFunction"`, "stream": `"lambda:InvokeFunction"`,
		"analyst": `"athena:StartQueryExecution"`} {
		if !strings.Contains(texts[name], want) {
			t.Errorf("step for %s lacks %s: %q", name, want, texts[name])
		}
	}
	if len(texts) != 8 {
		t.Errorf("%d steps, want one for each grant", len(texts))
	}
}

// Roles that the app can change need no step.
func TestGrants_changeableRole(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, nil)
	before := len(pipeline.Steps())
	pipeline.Store().GrantUploadBlock(newRole(stack, "Own"))
	pipeline.Store().GrantUploadBlock(awsiam.Role_FromRoleName(stack, jsii.String("Imported"), jsii.String("imported"), nil))
	pipeline.Importer().GrantInvoke(awsiam.NewLazyRole(stack, jsii.String("Lazy"), &awsiam.LazyRoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()}))
	if steps := pipeline.Steps()[before:]; len(steps) > 0 {
		t.Errorf("steps %v", steps)
	}
	if ids := synth(t, stack).ids("AWS::IAM::Policy"); len(ids) != 3 {
		t.Errorf("policies %v, want one for each role", ids)
	}
}

// The id of a grant's step is the key of an output and of an acknowledgement, so it must
// not depend on other grants. A step names who owns a resource.
func TestGrants_stableSteps(t *testing.T) {
	grant := func(names ...string) map[string]resolverwatch.Step {
		stack := newStackOf(t, ownAccount)
		lists := awss3.Bucket_FromBucketAttributes(stack, jsii.String("L"), &awss3.BucketAttributes{
			BucketName: jsii.String("lists"), Account: jsii.String(otherAccount)})
		store := resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{ListBucket: lists})
		before := len(store.Steps())
		steps := map[string]resolverwatch.Step{}
		for _, name := range names {
			store.GrantUploadBlock(newRole(stack, name))
		}
		store.GrantReadList(awsiam.NewArnPrincipal(jsii.String("arn:aws:iam::" + otherAccount + ":role/lister")))
		for _, step := range store.Steps()[before:] {
			steps[step.ID] = step
		}
		return steps
	}
	one, two := grant("B"), grant("A", "B")
	if len(one) != 1 || len(two) != 2 {
		t.Fatalf("steps %v and %v, want one for each grant with something left to do", one, two)
	}
	for id, step := range one {
		if _, found := two[id]; !found || !strings.HasPrefix(id, "GrantUploadBlock") {
			t.Errorf("id %s is not in %v", id, two)
		}
		const want = "Known/L, of account " + otherAccount + ", must allow the principal in its own policy. " +
			"Add the statements after the principal exists"
		if !strings.HasPrefix(step.Why, want) || strings.Count(step.Text, "add to the policy of ") != 1 {
			t.Errorf("%s: %s", step.Why, step.Text)
		}
	}
}
