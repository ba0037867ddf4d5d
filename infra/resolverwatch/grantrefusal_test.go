//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A missing argument is reported in one line.
func TestNil_refused(t *testing.T) {
	pipeline := newPipeline(newStack(t), nil)
	for _, test := range []struct {
		prop string
		call func()
	}{
		{"P scope", func() { resolverwatch.NewPipeline(nil, "P", nil) }},
		{"S scope", func() { resolverwatch.NewIndicatorStore(nil, "S", nil) }},
		{"Test/Pipeline/Catalog GrantQuery", func() { pipeline.Catalog().GrantQuery(nil) }},
		{"Test/Pipeline/Delivery GrantPutRecords", func() { pipeline.Delivery().GrantPutRecords(nil) }},
		{"Test/Pipeline/Delivery GrantReadLogs", func() { pipeline.Delivery().GrantReadLogs(nil) }},
		{"Test/Pipeline/Importer GrantInvoke", func() { pipeline.Importer().GrantInvoke(nil) }},
		{"Test/Pipeline/Transformer GrantInvoke", func() { pipeline.Transformer().GrantInvoke(nil) }},
		{"Test/Pipeline/Store GrantUploadAllow", func() { pipeline.Store().GrantUploadAllow(nil) }},
		{"Test/Pipeline/Store GrantUploadBlock", func() { pipeline.Store().GrantUploadBlock(nil) }},
	} {
		wantRefusal(t, test.call, test.prop)
	}
}

// A principal of another account cannot send records, and must add the permission to invoke
// a function to its own policies.
func TestGrants_toOtherAccount(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	pipeline := newPipeline(stack, nil)
	caller := awsiam.Role_FromRoleArn(stack, jsii.String("Caller"), jsii.String("arn:aws:iam::"+otherAccount+":role/caller"), nil)
	wantRefusal(t, func() { pipeline.Delivery().GrantPutRecords(caller) }, "Known/Pipeline/Delivery GrantPutRecords")
	pipeline.Importer().GrantInvoke(caller)
	pipeline.Transformer().GrantInvoke(caller)
	var found []string
	for _, step := range pipeline.Steps() {
		if strings.HasPrefix(step.ID, "GrantInvoke") {
			found = append(found, step.ID[:len(step.ID)-8]+": "+step.Why)
			if !strings.Contains(step.Text, `"Action":["lambda:InvokeFunction"]`) && !strings.Contains(step.Text, `"Action":"lambda:InvokeFunction"`) {
				t.Errorf("step %s: %s", step.ID, step.Text)
			}
		}
	}
	const why = ": The principal of account " + otherAccount + " needs the permission in its own policies, too."
	if all := strings.Join(found, "\n"); all != "GrantInvokeTransformer"+why+"\nGrantInvokeImporter"+why {
		t.Errorf("steps:\n%s", all)
	}
}
