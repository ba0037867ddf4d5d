//go:build !race

package resolverwatch_test

import (
	"strings"
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
	got := refusedBy(t, func() { pipeline("B", &resolverwatch.DeliveryProps{OutputBucket: logs}, vpc("W")) }) +
		"\n" + refusedBy(t, func() { importer("Two") })
	want := strings.Join([]string{
		"Test/B/Pipeline/QueryLogging: VPCs[0]: is already used by VPC of Test/A/Pipeline/QueryLogging/Association-vpc-1: " +
			"the queries of Test/W would be logged and delivered twice; remove it from one of them",
		"Test/B/Pipeline/Delivery: OutputBucket: is already used by OutputBucket of Test/A/Pipeline/Delivery: " +
			"the logs of both would be mixed under dns-query-logs/!{timestamp:yyyy/MM/dd}/; set another Prefix or ParquetPrefix",
		"Test/Two: Store: is already used by Store of Test/One: " +
			"two importers would each remove what the other one publishes; define another IndicatorStore",
	}, "\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	other := awsec2.Vpc_FromVpcAttributes(stack, jsii.String("X"), &awsec2.VpcAttributes{
		VpcId: jsii.String("vpc-2"), AvailabilityZones: jsii.Strings("eu-west-1a")})
	pipeline("C", &resolverwatch.DeliveryProps{OutputBucket: logs, Prefix: "guests/!{timestamp:yyyy/MM/dd}/"}, other)
}

// A refusal names the construct that has the outputs.
func TestPipeline_refusesNamedOutputs(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, nil)
	pipeline.AddNamedOutputs("Guests")
	got := refusedBy(t, func() { pipeline.AddNamedOutputs("Guests") })
	want := `Test/Pipeline: AddNamedOutputs: the name "Guests" is taken in this stack, by the outputs of Test/Pipeline: ` +
		"call AddNamedOutputs with a name that is not taken, and pass it to the resolverwatch command as --pipeline"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
