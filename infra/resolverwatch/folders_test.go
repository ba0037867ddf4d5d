//go:build !race

package resolverwatch_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Two formats in one folder would be read by both tables.
func TestDelivery_refusesSharedFolders(t *testing.T) {
	const day = "!{timestamp:yyyy/MM/dd}/"
	stack := newStack(t)
	for i, test := range []struct {
		delivery resolverwatch.DeliveryProps
		prop     string
	}{
		{resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Prefix: "dns/" + day}, ParquetPrefix: "dns/"}, "Prefix and ParquetPrefix"},
		{resolverwatch.DeliveryProps{ParquetPrefix: "dns-query-logs/" + day}, "Prefix and ParquetPrefix"},
		{resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Prefix: "a/" + day}, ParquetPrefix: "a/b/" + day}, "Prefix and ParquetPrefix"},
		{resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{
			Prefix: "a/" + day, ErrorPrefix: "a/" + day + "!{firehose:error-output-type}/"}}, "Prefix and ErrorPrefix"},
		{resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Prefix: "raw/" + day, SourceBackup: new(true)}}, "Prefix"},
	} {
		id := string(rune('A' + i))
		scope := awscdk.NewStack(stack, &id, nil)
		wantRefusal(t, func() { newPipeline(scope, &resolverwatch.PipelineProps{Delivery: &test.delivery}) },
			*scope.Node().Path()+"/Pipeline/Delivery "+test.prop)
	}
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
			OutputBucket: bucketIn(stack, "logs", "111122223333", "eu-west-1"), Prefix: "dns/" + day, ParquetPrefix: "dns/"})
	}, "Test/Catalog Prefix and ParquetPrefix")
}

// A prefix is a prop of the delivery, although only the catalog derives partitions from it.
func TestPipeline_reportsPrefixOfDelivery(t *testing.T) {
	const prefix = "dns/!{timestamp:yyyy-MM-dd HH}/"
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{Delivery: &resolverwatch.DeliveryProps{
			DeliverySettings: resolverwatch.DeliverySettings{Prefix: prefix}}})
	}, "Test/Pipeline/Delivery Prefix")
}
