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
			Store:       &resolverwatch.IndicatorStoreProps{StoreSettings: resolverwatch.StoreSettings{TableName: "x", ReadCapacity: -1}},
			Transformer: &resolverwatch.TransformerProps{TransformerSettings: resolverwatch.TransformerSettings{MemoryMiB: 1}},
			Importer:    &resolverwatch.ImporterProps{ImporterSettings: resolverwatch.ImporterSettings{ListKey: "feeds/x", Protected: protected}},
			Delivery: &resolverwatch.DeliveryProps{
				DeliverySettings: resolverwatch.DeliverySettings{Prefix: "/x", Format: "PARQUET"},
				ParquetPrefix:    "!{timestamp:yyyy}/"},
			QueryLogging: &resolverwatch.QueryLoggingProps{QueryLoggingSettings: resolverwatch.QueryLoggingSettings{Name: "1"}},
			Catalog:      &resolverwatch.CatalogProps{CatalogSettings: resolverwatch.CatalogSettings{Database: "A"}},
		})
	},
		"Test/Pipeline/Store ReadCapacity", "Test/Pipeline/Store TableName", "Test/Pipeline/Transformer MemoryMiB",
		"Test/Pipeline/Importer ListKey", "Test/Pipeline/Importer Protected", "Test/Pipeline/QueryLogging Name",
		"Test/Pipeline/Delivery Prefix", "Test/Pipeline/Delivery ParquetPrefix", "Test/Pipeline/Catalog Database",
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
	hours := awscdk.Duration_Hours(jsii.Number(5))
	logs := resolverwatch.LogRetentionSettings{LogRetentionDays: 45}
	functions := resolverwatch.FunctionOptions{LoggingSettings: resolverwatch.LoggingSettings{LogRetention: logs}}
	limit := awscdk.NewCfnParameter(newStack(t), jsii.String("Limit"), &awscdk.CfnParameterProps{Type: jsii.String("Number")})
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{
			RemovalPolicy: awscdk.RemovalPolicy_SNAPSHOT,
			Store:         &resolverwatch.IndicatorStoreProps{BillingMode: "FREE"},
			Importer:      &resolverwatch.ImporterProps{FunctionOptions: functions},
			Transformer:   &resolverwatch.TransformerProps{FunctionOptions: functions},
			Delivery: &resolverwatch.DeliveryProps{
				DeliverySettings:     resolverwatch.DeliverySettings{MarkedLogRetentionDays: -1},
				LogRetentionSettings: logs,
				LifecycleRules: []*awss3.LifecycleRule{nil, {}, {Expiration: hours}, {Transitions: &[]*awss3.Transition{{
					StorageClass: awss3.StorageClass_GLACIER(), TransitionAfter: hours}}}}},
			Catalog: &resolverwatch.CatalogProps{MarkedLogRetentionDays: 36_501, ResultRetention: hours,
				CatalogSettings: resolverwatch.CatalogSettings{BytesScannedLimitGiB: int(*limit.ValueAsNumber())}},
		})
	},
		"Test/Pipeline RemovalPolicy",
		"Test/Pipeline/Store BillingMode",
		"Test/Pipeline/Transformer LogRetentionDays",
		"Test/Pipeline/Importer LogRetentionDays",
		"Test/Pipeline/Delivery MarkedLogRetentionDays",
		"Test/Pipeline/Delivery LogRetentionDays",
		"Test/Pipeline/Delivery LifecycleRules[0]",
		"Test/Pipeline/Delivery LifecycleRules[1]",
		"Test/Pipeline/Delivery LifecycleRules[2].Expiration",
		"Test/Pipeline/Delivery LifecycleRules[3].Transitions[0].TransitionAfter",
		"Test/Pipeline/Catalog BytesScannedLimitGiB",
		"Test/Pipeline/Catalog MarkedLogRetentionDays",
		"Test/Pipeline/Catalog ResultRetention",
	)
}
