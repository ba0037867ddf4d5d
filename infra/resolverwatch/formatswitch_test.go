//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A switch of the format can be reversed, and rolling back an update reverses it. The JSON
// side must turn the conversion off, keep the backup that Firehose cannot turn off, and
// keep everything that the stream needs until its own update is done: CloudFormation
// updates the role first, and removes a table last. TestDelivery_defaults tests JSON
// without an earlier Parquet.
func TestPipeline_formatSwitch(t *testing.T) {
	withFormat := func(delivery resolverwatch.DeliveryProps) (*resolverwatch.Pipeline, template) {
		stack := newStack(t)
		delivery.ParquetPrefix = "columns/!{timestamp:yyyy/MM/dd}"
		pipeline := newPipeline(stack, &resolverwatch.PipelineProps{Delivery: &delivery})
		return pipeline, synth(t, stack)
	}
	_, before := withFormat(resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet}})
	pipeline, after := withFormat(resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{SourceBackup: new(true)}})

	after.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		destination + "DataFormatConversionConfiguration": object{"Enabled": false},
		destination + "Prefix":                            "dns-query-logs/!{timestamp:yyyy/MM/dd}/",
		destination + "CompressionFormat":                 "GZIP",
		destination + "FileExtension":                     ".json.gz",
		destination + "S3BackupMode":                      "Enabled",
		destination + "S3BackupConfiguration.Prefix":      "raw/!{timestamp:yyyy/MM/dd}/",
	})
	const role = "AWS::IAM::Role"
	if diff := cmp.Diff(before.one(role, "Delivery").permissions(), after.one(role, "Delivery").permissions()); diff != "" {
		t.Errorf("permissions (-Parquet +JSON):\n%s", diff)
	}
	table := after.one(glueTable, "ParquetTable")
	if diff := cmp.Diff(before.one(glueTable, "ParquetTable"), table); diff != "" {
		t.Errorf("table (-Parquet +JSON):\n%s", diff)
	}
	table.want(t, object{
		"TableInput.StorageDescriptor.Location": "s3://<" + after.id("AWS::S3::Bucket", "DeliveryLogs") + ">/columns/"})
	for _, id := range after.ids(namedQuery) {
		if text := flatten(after.resources[id].get("QueryString")); strings.Contains(text, "dns_logs_parquet") {
			t.Errorf("%s reads the Parquet table", id)
		}
	}
	got := []string{string(pipeline.Delivery().Format()), pipeline.Delivery().ParquetPrefix(), pipeline.Catalog().TableName()}
	if diff := cmp.Diff([]string{"JSON", "columns/!{timestamp:yyyy/MM/dd}/", "dns_logs"}, got); diff != "" {
		t.Errorf("format, prefix and table (-want +got):\n%s", diff)
	}
}
