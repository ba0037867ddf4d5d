//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// outputs returns the values of a stack's outputs by key.
func outputs(t *testing.T, stack awscdk.Stack) map[string]string {
	t.Helper()
	text, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Outputs map[string]struct{ Value any }
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for key, output := range template.Outputs {
		values[key] = flatten(output.Value)
	}
	return values
}

// The command finds a pipeline inside any stack by fixed keys, and a second one by keys
// with a name.
func TestPipeline_AddOutputs(t *testing.T) {
	stack := newStack(t)
	awscdk.NewCfnParameter(stack, jsii.String("TableName"), nil) // not an output
	first := newPipeline(stack, nil)
	first.AddOutputs()
	scope := awscdk.NewNestedStack(stack, jsii.String("Guests"), nil).(awscdk.Stack)
	second := newPipeline(scope, &resolverwatch.PipelineProps{WithoutQueryLogging: true, WithoutCatalog: true})
	second.AddNamedOutputs("Guests")
	got, nested := outputs(t, stack), outputs(t, scope)
	for _, key := range []string{
		settings.OutputListBucketName, settings.OutputIndexBucketName, settings.OutputTableName, settings.OutputOutputBucketName,
		settings.OutputDeliveryStreamName, settings.OutputImporterFunctionName, settings.OutputWorkGroupName, settings.OutputDatabaseName,
		"DeliveryStreamArn", "QueryLogConfigId", "UploadListCommand", "AssociateVpcCommand",
	} {
		if got[key] == "" {
			t.Errorf("no output %s in %v", key, got)
		}
	}
	if key := settings.OutputKey("Guests", settings.OutputTableName); nested[key] == "" || nested["GuestsQueryLogConfigId"] != "" {
		t.Errorf("no output %s in %v", key, nested)
	}
}

// The keys of another pipeline, and those of the app, are not overwritten.
func TestPipeline_AddOutputs_refuses(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, nil)
	pipeline.AddOutputs()
	wantRefusal(t, pipeline.AddOutputs, "Test/Pipeline AddOutputs")
	wantRefusal(t, func() {
		awscdk.NewCfnOutput(stack, jsii.String("OwnListBucketName"), &awscdk.CfnOutputProps{Value: jsii.String("x")})
		pipeline.AddNamedOutputs("Own")
	}, "Test/Pipeline AddNamedOutputs")
	wantRefusal(t, func() { pipeline.AddNamedOutputs("a-b") }, "Test/Pipeline AddNamedOutputs")
}
