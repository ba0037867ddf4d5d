//go:build !race

package resolverwatch_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Marked logs among the lists would be imported as lists.
func TestPipeline_refusesLogsAmongLists(t *testing.T) {
	const failures = "!{firehose:error-output-type}/"
	bucket := func(stack awscdk.Stack, id string) awss3.IBucket {
		return awss3.Bucket_FromBucketName(stack, &id, jsii.String("one"))
	}
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{
			Store: &resolverwatch.IndicatorStoreProps{ListBucket: bucket(stack, "A")},
			Delivery: &resolverwatch.DeliveryProps{OutputBucket: bucket(stack, "B"),
				DeliverySettings: resolverwatch.DeliverySettings{Prefix: "feeds/dns/!{timestamp:yyyy/MM/dd}", ErrorPrefix: "allow/" + failures}}})
	}, "Test/Pipeline Delivery.Prefix", "Test/Pipeline Delivery.ErrorPrefix")
	wantRefused(t, func(stack awscdk.Stack) {
		one := bucket(stack, "A")
		newPipeline(stack, &resolverwatch.PipelineProps{
			Store:    &resolverwatch.IndicatorStoreProps{ListBucket: one, IndexBucket: one},
			Importer: &resolverwatch.ImporterProps{ImporterSettings: resolverwatch.ImporterSettings{ListKey: "raw/all.txt"}},
			Delivery: &resolverwatch.DeliveryProps{OutputBucket: one,
				DeliverySettings: resolverwatch.DeliverySettings{Format: "PARQUET"},
				ParquetPrefix:    "index/!{timestamp:yyyy/MM/dd}/"}})
	}, "Test/Pipeline Delivery.Format", "Test/Pipeline Delivery.ParquetPrefix")
	wantRefused(t, func(stack awscdk.Stack) {
		name := awscdk.NewCfnParameter(stack, jsii.String("Name"), nil).ValueAsString()
		newPipeline(stack, &resolverwatch.PipelineProps{
			Store: &resolverwatch.IndicatorStoreProps{ListBucket: awss3.Bucket_FromBucketName(stack, jsii.String("A"), name)},
			Delivery: &resolverwatch.DeliveryProps{OutputBucket: bucket(stack, "B"),
				DeliverySettings: resolverwatch.DeliverySettings{Prefix: "reports/!{timestamp:yyyy/MM/dd}/"}}})
	}, "Test/Pipeline Delivery.Prefix")
}

// One bucket can hold everything if the prefixes differ; two buckets work with any
// prefixes.
func TestPipeline_allowsLogsBesideLists(t *testing.T) {
	stack := newStack(t)
	one := awss3.Bucket_FromBucketName(stack, jsii.String("One"), jsii.String("one"))
	other := awss3.Bucket_FromBucketName(stack, jsii.String("Other"), jsii.String("other"))
	for id, props := range map[string]*resolverwatch.PipelineProps{
		"same": {Delivery: &resolverwatch.DeliveryProps{OutputBucket: one,
			DeliverySettings: resolverwatch.DeliverySettings{Prefix: "feedstuff/!{timestamp:yyyy/MM/dd}/"}}},
		"other": {Delivery: &resolverwatch.DeliveryProps{OutputBucket: other,
			DeliverySettings: resolverwatch.DeliverySettings{Prefix: "feeds/!{timestamp:yyyy/MM/dd}/"}}},
	} {
		props.Store = &resolverwatch.IndicatorStoreProps{ListBucket: one}
		newPipeline(awscdk.NewNestedStack(stack, &id, nil).(awscdk.Stack), props)
	}
}
