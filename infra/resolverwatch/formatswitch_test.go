//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A switch of the format has a way back, and a rolled-back update is one. The JSON side
// must turn the conversion off, keep the backup that Firehose cannot turn off, and have all
// that the stream needs until its own update is done: CloudFormation updates the role first,
// and removes a table last.
func TestPipeline_formatSwitch(t *testing.T) {
	withFormat := func(delivery *resolverwatch.DeliveryProps) template {
		stack := newStack(t)
		newPipeline(stack, &resolverwatch.PipelineProps{Delivery: delivery})
		return synth(t, stack)
	}
	converting := withFormat(&resolverwatch.DeliveryProps{Format: resolverwatch.FormatParquet})
	back := withFormat(&resolverwatch.DeliveryProps{SourceBackup: true})
	before := withFormat(nil)

	const stream = "AWS::KinesisFirehose::DeliveryStream"
	for name, made := range map[string]template{"before": before, "back": back} {
		made.one(stream, "").want(t, object{
			destination + "DataFormatConversionConfiguration": object{"Enabled": false},
			destination + "Prefix":                            "dns-query-logs/!{timestamp:yyyy/MM/dd}/",
			destination + "CompressionFormat":                 "GZIP",
		})
		role := "AWS::IAM::Role"
		if diff := cmp.Diff(converting.one(role, "Delivery").permissions(), made.one(role, "Delivery").permissions()); diff != "" {
			t.Errorf("%s: permissions (-Parquet +JSON):\n%s", name, diff)
		}
		if diff := cmp.Diff(converting.one(glueTable, "ParquetTable"), made.one(glueTable, "ParquetTable")); diff != "" {
			t.Errorf("%s: table (-Parquet +JSON):\n%s", name, diff)
		}
		for _, id := range made.ids(namedQuery) {
			if text := flatten(made.resources[id].get("QueryString")); strings.Contains(text, "dns_logs_parquet") {
				t.Errorf("%s: %s reads the Parquet table", name, id)
			}
		}
	}
	before.one(stream, "").want(t, object{destination + "S3BackupMode": nil, destination + "S3BackupConfiguration": nil})
	back.one(stream, "").want(t, object{
		destination + "S3BackupMode":                 "Enabled",
		destination + "S3BackupConfiguration.Prefix": "raw/!{timestamp:yyyy/MM/dd}/",
	})
}

// A stream whose Parquet files lie elsewhere keeps that, too.
func TestPipeline_parquetPrefixWithJSON(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		Delivery: &resolverwatch.DeliveryProps{ParquetPrefix: "columns/!{timestamp:yyyy/MM/dd}"}})
	if got := pipeline.Delivery().ParquetPrefix(); got != "columns/!{timestamp:yyyy/MM/dd}/" {
		t.Errorf("ParquetPrefix() = %s", got)
	}
	if got := string(pipeline.Delivery().Format()) + " " + pipeline.Catalog().TableName(); got != "JSON dns_logs" {
		t.Errorf("format and table %s", got)
	}
	made := synth(t, stack)
	made.one(glueTable, "ParquetTable").want(t, object{
		"TableInput.StorageDescriptor.Location": "s3://<" + made.id("AWS::S3::Bucket", "DeliveryLogs") + ">/columns/"})
}
