//go:build !race

package resolverwatch_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// One synthesis shows every problem of every part, one per line, with the path that the
// part would have. Nothing is defined before.
func TestPipeline_refusesPartsTogether(t *testing.T) {
	stack := newStack(t)
	protected := slices.Repeat([]string{"corp.example"}, 400)
	wantRefusal(t, func() {
		newPipeline(stack, &resolverwatch.PipelineProps{
			Store:        &resolverwatch.IndicatorStoreProps{TableName: "x", ReadCapacity: -1},
			Transformer:  &resolverwatch.TransformerProps{MemoryMiB: 1},
			Importer:     &resolverwatch.ImporterProps{ListKey: "feeds/x", Protected: protected},
			Delivery:     &resolverwatch.DeliveryProps{Prefix: "/x", Format: "PARQUET", ParquetPrefix: "!{timestamp:yyyy}/"},
			QueryLogging: &resolverwatch.QueryLoggingProps{Name: "1"},
			Catalog:      &resolverwatch.CatalogProps{DatabaseName: "A"},
		})
	},
		"Test/Pipeline/Store TableName", "Test/Pipeline/Store ReadCapacity", "Test/Pipeline/Transformer MemoryMiB",
		"Test/Pipeline/Importer ListKey", "Test/Pipeline/Importer Protected", "Test/Pipeline/QueryLogging Name",
		"Test/Pipeline/Delivery Prefix", "Test/Pipeline/Delivery ParquetPrefix", "Test/Pipeline/Catalog DatabaseName",
	)
	if made := *awscdk.Stack_Of(stack).Node().FindAll(""); len(made) != 2 { // the stack and the pipeline
		t.Errorf("%d constructs", len(made))
	}
}

// Errors of the CDK get the path of the construct, and one line.
func TestRefusal_ofTheCDK(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, nil)
	got := refusedBy(t, func() {
		newPipeline(stack, &resolverwatch.PipelineProps{})
	})
	if want := "Test/Pipeline: There is already a Construct with name 'Pipeline' in Stack [Test]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Values that the CDK would reject without a path, or at the end of the synthesis, are
// rejected with the name of the prop.
func TestPipeline_refusesWhatTheCDKWould(t *testing.T) {
	hours, fraction := awscdk.Duration_Hours(jsii.Number(5)), awscdk.Duration_Millis(jsii.Number(1.5))
	limit := awscdk.NewCfnParameter(newStack(t), jsii.String("Limit"), &awscdk.CfnParameterProps{Type: jsii.String("Number")})
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{
			RemovalPolicy: awscdk.RemovalPolicy_SNAPSHOT,
			Store:         &resolverwatch.IndicatorStoreProps{BillingMode: "FREE"},
			Importer:      &resolverwatch.ImporterProps{LogRetention: "45"},
			Transformer:   &resolverwatch.TransformerProps{LogRetention: "45", ColdStartWait: fraction},
			Delivery: &resolverwatch.DeliveryProps{MarkedLogRetention: hours, LogRetention: "45",
				LifecycleRules: []*awss3.LifecycleRule{nil, {}, {Expiration: hours}, {Transitions: &[]*awss3.Transition{{
					StorageClass: awss3.StorageClass_GLACIER(), TransitionAfter: hours}}}}},
			Catalog: &resolverwatch.CatalogProps{MarkedLogRetention: awscdk.Duration_Days(jsii.Number(0)), ResultRetention: hours,
				BytesScannedLimit: awscdk.Size_Gibibytes(limit.ValueAsNumber())},
		})
	},
		"Test/Pipeline RemovalPolicy",
		"Test/Pipeline/Store BillingMode",
		"Test/Pipeline/Transformer LogRetention",
		"Test/Pipeline/Importer LogRetention",
		"Test/Pipeline/Delivery MarkedLogRetention",
		"Test/Pipeline/Delivery LifecycleRules[0]",
		"Test/Pipeline/Delivery LifecycleRules[1]",
		"Test/Pipeline/Delivery LifecycleRules[2].Expiration",
		"Test/Pipeline/Delivery LifecycleRules[3].Transitions[0].TransitionAfter",
		"Test/Pipeline/Delivery LogRetention",
		"Test/Pipeline/Catalog MarkedLogRetention",
		"Test/Pipeline/Catalog ResultRetention",
		"Test/Pipeline/Catalog BytesScannedLimit",
	)
}
