//go:build !race

package resolverwatch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func TestDelivery_parquet(t *testing.T) {
	stack := newStack(t)
	delivery := resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer(stack), DeliverySettings: resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet},
		Schema: &resolverwatch.Schema{DatabaseName: "dns", TableName: "logs"}})
	made := synth(t, stack)
	const conversion, backup = destination + "DataFormatConversionConfiguration.", destination + "S3BackupConfiguration."
	made.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		destination + "Prefix":            "dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/",
		destination + "CompressionFormat": "UNCOMPRESSED",
		destination + "FileExtension":     ".parquet",
		destination + "BufferingHints":    object{"IntervalInSeconds": 60, "SizeInMBs": 128},
		conversion + "Enabled":            true,
		conversion + "InputFormatConfiguration.Deserializer.OpenXJsonSerDe.CaseInsensitive": true,
		conversion + "OutputFormatConfiguration.Serializer.ParquetSerDe.Compression":        "SNAPPY",
		conversion + "SchemaConfiguration.DatabaseName":                                     "dns",
		conversion + "SchemaConfiguration.TableName":                                        "logs",
		conversion + "SchemaConfiguration.VersionId":                                        "LATEST",
		destination + "S3BackupMode":                                                        "Enabled",
		backup + "Prefix":                                                                   "raw/!{timestamp:yyyy/MM/dd}/",
		backup + "ErrorOutputPrefix":                                                        "raw-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
		backup + "CompressionFormat":                                                        "GZIP",
		destination + "ProcessingConfiguration.Enabled":                                     true,
	})
	permissions := made.one("AWS::IAM::Role", "").permissions()
	for _, want := range []string{"catalog", "database/dns", "table/dns/logs"} {
		for _, action := range []string{"glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"} {
			if line := action + " on arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:" + want; !slices.Contains(permissions, line) {
				t.Errorf("the role may not %s", line)
			}
		}
	}
	if got := delivery.ParquetPrefix(); got != "dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/" {
		t.Errorf("ParquetPrefix() = %s", got)
	}
}

func TestDelivery_parquetWithoutBackup(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer(stack),
		DeliverySettings: resolverwatch.DeliverySettings{
			Format:        resolverwatch.FormatParquet,
			SourceBackup:  new(bool),
			BufferSizeMiB: 64,
		},
		ParquetPrefix: "columns/!{timestamp:yyyy/MM/dd}",
		Schema:        &resolverwatch.Schema{DatabaseName: "dns", TableName: "logs"}})
	synth(t, stack).one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		destination + "Prefix":                "columns/!{timestamp:yyyy/MM/dd}/",
		destination + "BufferingHints":        object{"IntervalInSeconds": 60, "SizeInMBs": 64},
		destination + "S3BackupMode":          nil,
		destination + "S3BackupConfiguration": nil,
	})
}

func TestDelivery_refusesParquet(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
			Transformer: transformer(stack),
			DeliverySettings: resolverwatch.DeliverySettings{
				Format:        resolverwatch.FormatParquet,
				Compression:   "GZIP",
				BufferSizeMiB: 5,
			},
			ParquetPrefix: "/x"})
	},
		"Test/Delivery ParquetPrefix",
		"Test/Delivery Schema",
		"Test/Delivery Compression",
		"Test/Delivery BufferSizeMiB",
	)
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
			Transformer: transformer(stack), ParquetPrefix: "/x", Schema: &resolverwatch.Schema{}})
	}, "Test/Delivery ParquetPrefix", "Test/Delivery Schema")
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack),
			DeliverySettings: resolverwatch.DeliverySettings{Format: "ORC"}})
	}, "Test/Delivery Format")
}

// A pipeline that writes Parquet has a Parquet table. The table is created before the
// stream, and the named queries read it; existing logs in JSON can still be queried.
func TestPipeline_parquet(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		Delivery: &resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet}}})
	made := synth(t, stack)
	const description = "TableInput.StorageDescriptor."
	made.one(glueTable, "ParquetTable").want(t, object{
		"TableInput.Name": "dns_logs_parquet",
		description + "SerdeInfo.SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
		description + "Location":                       "s3://<" + made.id("AWS::S3::Bucket", "DeliveryLogs") + ">/dns-query-logs-parquet/",
		description + "Columns":                        made.one(glueTable, "CatalogTable").get(description + "Columns"),
	})
	made.one(glueTable, "CatalogTable").want(t, object{"TableInput.Name": "dns_logs"})
	stream := made.one("AWS::KinesisFirehose::DeliveryStream", "")
	stream.want(t, object{
		destination + "DataFormatConversionConfiguration.SchemaConfiguration.DatabaseName": "test",
		destination + "DataFormatConversionConfiguration.SchemaConfiguration.TableName":    "dns_logs_parquet"})
	if depends := flatten(list(stream.DependsOn)); !strings.Contains(depends, made.id(glueTable, "ParquetTable")) {
		t.Errorf("the stream does not wait for its schema: %v", depends)
	}
	for _, id := range made.ids("AWS::Athena::NamedQuery") {
		if text := flatten(made.resources[id].get("QueryString")); !strings.Contains(text, "dns_logs_parquet") {
			t.Errorf("%s does not read the Parquet table", id)
		}
	}
	if got := pipeline.Catalog().TableName(); got != "dns_logs_parquet" {
		t.Errorf("TableName() = %s", got)
	}
}
