//go:build !race

package resolverwatch_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Two pipelines of a stack cannot log one VPC, write into one folder or publish one store.
func TestPipeline_refusesSharedResources(t *testing.T) {
	stack := newStack(t)
	vpc := func(id string) awsec2.IVpc {
		return awsec2.Vpc_FromVpcAttributes(stack, &id, &awsec2.VpcAttributes{
			VpcId: jsii.String("vpc-1"), AvailabilityZones: jsii.Strings("eu-west-1a")})
	}
	logs := awss3.NewBucket(stack, jsii.String("Logs"), nil)
	store := resolverwatch.NewIndicatorStore(stack, "Store", nil)
	pipeline := func(id string, delivery *resolverwatch.DeliveryProps, vpc awsec2.IVpc) {
		scope := constructs.NewConstruct(stack, &id)
		resolverwatch.NewPipeline(scope, "Pipeline", &resolverwatch.PipelineProps{Delivery: delivery, WithoutCatalog: true,
			QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: []awsec2.IVpc{vpc}},
			Transformer:  &resolverwatch.TransformerProps{Code: code(), StackName: id},
			Importer:     &resolverwatch.ImporterProps{Code: code()}})
	}
	importer := func(id string) {
		resolverwatch.NewImporter(stack, id, &resolverwatch.ImporterProps{Store: store, StackName: id, Code: code()})
	}
	pipeline("A", &resolverwatch.DeliveryProps{OutputBucket: logs}, vpc("V"))
	importer("One")
	wantRefusal(t, func() { pipeline("B", &resolverwatch.DeliveryProps{OutputBucket: logs}, vpc("W")) },
		"Test/B/Pipeline/QueryLogging VPCs[0]", "Test/B/Pipeline/Delivery OutputBucket")
	wantRefusal(t, func() { importer("Two") }, "Test/Two Store")
	other := awsec2.Vpc_FromVpcAttributes(stack, jsii.String("X"), &awsec2.VpcAttributes{
		VpcId: jsii.String("vpc-2"), AvailabilityZones: jsii.Strings("eu-west-1a")})
	pipeline("C", &resolverwatch.DeliveryProps{OutputBucket: logs,
		DeliverySettings: resolverwatch.DeliverySettings{Prefix: "guests/!{timestamp:yyyy/MM/dd}/"}}, other)
}

// A refusal names the construct that has the outputs.
func TestPipeline_refusesNamedOutputs(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, nil)
	pipeline.AddNamedOutputs("Guests")
	wantRefusal(t, func() { pipeline.AddNamedOutputs("Guests") }, "Test/Pipeline AddNamedOutputs")
}
