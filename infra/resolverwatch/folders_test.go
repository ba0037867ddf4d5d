//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Two formats in one folder would be read by both tables.
func TestDelivery_refusesSharedFolders(t *testing.T) {
	const day = "!{timestamp:yyyy/MM/dd}/"
	stack := newStack(t)
	for i, test := range []struct {
		delivery resolverwatch.DeliveryProps
		want     string
	}{
		{resolverwatch.DeliveryProps{Prefix: "dns/" + day, ParquetPrefix: "dns/"},
			`Delivery: Prefix and ParquetPrefix: must be in separate folders, because each format has a table of its own, got "dns/` + day + `" and "dns/"; change one of them`},
		{resolverwatch.DeliveryProps{ParquetPrefix: "dns-query-logs/" + day}, "Delivery: Prefix and ParquetPrefix: must be in separate folders"},
		{resolverwatch.DeliveryProps{Prefix: "a/" + day, ParquetPrefix: "a/b/" + day}, "Delivery: Prefix and ParquetPrefix: must be in separate folders"},
		{resolverwatch.DeliveryProps{Prefix: "a/" + day, ErrorPrefix: "a/" + day + "!{firehose:error-output-type}/"},
			"Delivery: Prefix and ErrorPrefix: must be in separate folders, because the table would read failed records as logs"},
		{resolverwatch.DeliveryProps{Prefix: "raw/" + day, SourceBackup: true},
			`Delivery: Prefix: must not be in the folder of the source backup, raw/` + day + `, got "raw/` + day + `"; use another folder`},
	} {
		scope := awscdk.NewStack(stack, jsii.String(string(rune('A'+i))), nil)
		got := refusedBy(t, func() { newPipeline(scope, &resolverwatch.PipelineProps{Delivery: &test.delivery}) })
		if !strings.Contains(got, test.want) || strings.Count(got, "\n") > 0 {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
			OutputBucket: bucketIn(stack, "logs", "111122223333", "eu-west-1"), Prefix: "dns/" + day, ParquetPrefix: "dns/"})
	}, "Test/Catalog Prefix and ParquetPrefix")
}

// A prefix is a prop of the delivery, although only the catalog derives partitions from it.
func TestPipeline_reportsPrefixOfDelivery(t *testing.T) {
	const prefix = "dns/!{timestamp:yyyy-MM-dd HH}/"
	got := refusedBy(t, func() {
		newPipeline(newStack(t), &resolverwatch.PipelineProps{Delivery: &resolverwatch.DeliveryProps{Prefix: prefix}})
	})
	want := `Test/Pipeline/Delivery: Prefix: must use yyyy, MM, dd and HH in this order in !{timestamp:...}, got "` + prefix +
		`"; write !{timestamp:yyyy/MM/dd/HH}/ for hours`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
