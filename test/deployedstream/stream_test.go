package deployedstream_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/test/deployedstream"
)

// deployed is an answer of DescribeDeliveryStream.
const deployed = `{
	"DeliveryStreamName": "logs", "DeliveryStreamType": "DirectPut",
	"DeliveryStreamARN": "arn:aws:firehose:us-east-1:111122223333:deliverystream/logs",
	"Destinations": [{"DestinationId": "destinationId-000000000001", "ExtendedS3DestinationDescription": {
		"BucketARN": "arn:aws:s3:::marked", "RoleARN": "arn:aws:iam::111122223333:role/delivery",
		"Prefix": "a/!{timestamp:yyyy/MM/dd}/", "ErrorOutputPrefix": "b/!{firehose:error-output-type}/",
		"BufferingHints": {"SizeInMBs": 7, "IntervalInSeconds": 61}, "CompressionFormat": "GZIP",
		"CloudWatchLoggingOptions": {"Enabled": true, "LogGroupName": "group", "LogStreamName": "stream"},
		"ProcessingConfiguration": {"Enabled": true, "Processors": [{"Type": "Lambda", "Parameters": [
			{"ParameterName": "LambdaArn", "ParameterValue": "arn:aws:lambda:us-east-1:111122223333:function:mark"},
			{"ParameterName": "NumberOfRetries", "ParameterValue": "2"},
			{"ParameterName": "BufferSizeInMBs", "ParameterValue": "0.5"},
			{"ParameterName": "BufferIntervalInSeconds", "ParameterValue": "31"}]}]}}}]}`

func read(t *testing.T, text string) (*deployedstream.Stream, error) {
	t.Helper()
	var description types.DeliveryStreamDescription
	if err := json.Unmarshal([]byte(text), &description); err != nil {
		t.Fatal(err)
	}
	return deployedstream.Read(&description)
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := read(t, deployed)
	if err != nil {
		t.Fatal(err)
	}
	processing := firehose.NewProcessing(nil, "arn:aws:lambda:us-east-1:111122223333:function:mark")
	processing.NumberOfRetries, processing.BufferSizeInMBs, processing.BufferIntervalInSeconds = 2, 0.5, 31
	want := &deployedstream.Stream{
		BucketARN: "arn:aws:s3:::marked", RoleARN: "arn:aws:iam::111122223333:role/delivery",
		LogGroup: "group", LogStream: "stream",
		Config: firehose.Config{
			DeliveryStreamName: "logs",
			DeliveryStreamARN:  "arn:aws:firehose:us-east-1:111122223333:deliverystream/logs",
			Prefix:             "a/!{timestamp:yyyy/MM/dd}/", ErrorOutputPrefix: "b/!{firehose:error-output-type}/",
			BufferingHints:    &firehose.BufferingHints{SizeInMBs: 7, IntervalInSeconds: 61},
			CompressionFormat: "GZIP", Processing: processing,
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(firehose.Config{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// convertBy returns a conversion, followed by the name of the prefix. It omits Enabled,
// which AWS allows.
func convertBy(deserializer, serializer string) string {
	return `"DataFormatConversionConfiguration": {
		"InputFormatConfiguration": {"Deserializer": {` + deserializer + `}},
		"OutputFormatConfiguration": {"Serializer": {` + serializer + `}},
		"SchemaConfiguration": {"CatalogId": "111122223333", "DatabaseName": "base", "TableName": "table",
			"Region": "eu-west-1", "VersionId": "3", "RoleARN": "arn:aws:iam::111122223333:role/schema"}}, "Prefix"`
}

func TestRead_conversion(t *testing.T) {
	t.Parallel()
	got, err := read(t, strings.Replace(deployed, `"Prefix"`, `"S3BackupMode": "Enabled", "S3BackupDescription": {
		"BucketARN": "arn:aws:s3:::kept", "Prefix": "raw/", "ErrorOutputPrefix": "no/", "CompressionFormat": "GZIP",
		"BufferingHints": {"SizeInMBs": 9, "IntervalInSeconds": 62}}, `+
		convertBy(`"OpenXJsonSerDe": {"CaseInsensitive": true}`, `"ParquetSerDe": {"Compression": "GZIP", "WriterVersion": "V1"}`), 1))
	if err != nil {
		t.Fatal(err)
	}
	wantConversion := &firehose.Conversion{Compression: "GZIP", Table: firehose.SchemaTable{CatalogID: "111122223333",
		DatabaseName: "base", TableName: "table", Region: "eu-west-1", VersionID: "3"}}
	if diff := cmp.Diff(wantConversion, got.Config.Conversion); diff != "" {
		t.Errorf("conversion (-want +got):\n%s", diff)
	}
	wantBackup := &firehose.Backup{Prefix: "raw/", ErrorOutputPrefix: "no/", CompressionFormat: "GZIP",
		BufferingHints: &firehose.BufferingHints{SizeInMBs: 9, IntervalInSeconds: 62}}
	if diff := cmp.Diff(wantBackup, got.Config.Backup); diff != "" {
		t.Errorf("backup (-want +got):\n%s", diff)
	}
	if got.BackupBucketARN != "arn:aws:s3:::kept" || got.SchemaRoleARN != "arn:aws:iam::111122223333:role/schema" {
		t.Errorf("backup to %q, schema read as %q", got.BackupBucketARN, got.SchemaRoleARN)
	}
}

func TestRead_disabledConversion(t *testing.T) {
	t.Parallel()
	got, err := read(t, strings.Replace(deployed, `"Prefix"`, `"S3BackupMode": "Disabled",
		"DataFormatConversionConfiguration": {"Enabled": false}, "Prefix"`, 1))
	if err != nil || got.Config.Conversion != nil || got.Config.Backup != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Features that the embedded Firehose lacks must not be ignored silently.
func TestRead_refusals(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, old, replacement, want string }{
		{"Kinesis source", `"DirectPut"`, `"KinesisStreamAsSource"`, "DirectPut"},
		{"no destination", `"ExtendedS3DestinationDescription"`, `"SplunkDestinationDescription"`, "extended S3"},
		{"dynamic partitioning", `"Prefix"`, `"DynamicPartitioningConfiguration": {"Enabled": true}, "Prefix"`, "partitioning"},
		{"backup without destination", `"Prefix"`, `"S3BackupMode": "Enabled", "Prefix"`, "backup"},
		{"empty conversion", `"Prefix"`, `"DataFormatConversionConfiguration": {"Enabled": true}, "Prefix"`, "schema"},
		{"ORC", `"Prefix"`, convertBy(`"OpenXJsonSerDe": {}`, `"OrcSerDe": {}`), "Parquet"},
		{"Parquet writer V2", `"Prefix"`, convertBy(`"OpenXJsonSerDe": {}`, `"ParquetSerDe": {"WriterVersion": "V2"}`), "V2"},
		{"Hive JSON SerDe", `"Prefix"`, convertBy(`"HiveJsonSerDe": {}`, `"ParquetSerDe": {}`), "OpenX"},
		{"case-sensitive names", `"Prefix"`, convertBy(`"OpenXJsonSerDe": {"CaseInsensitive": false}`, `"ParquetSerDe": {}`), "case"},
		{"mapped names", `"Prefix"`, convertBy(`"OpenXJsonSerDe": {"ColumnToJsonKeyMappings": {"a": "b"}}`, `"ParquetSerDe": {}`), "Mappings"},
		{"dots", `"Prefix"`, convertBy(`"OpenXJsonSerDe": {"ConvertDotsInJsonKeysToUnderscores": true}`, `"ParquetSerDe": {}`), "Dots"},
		{"time zone", `"Prefix"`, `"CustomTimeZone": "Asia/Tokyo", "Prefix"`, "Asia/Tokyo"},
		{"processor without Lambda", `"Type": "Lambda"`, `"Type": "Decompression"`, "processors"},
		{"unknown parameter", `"NumberOfRetries"`, `"Delimiter"`, "Delimiter"},
		{"not a number", `"0.5"`, `"half"`, "BufferSizeInMBs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, strings.Replace(deployed, test.old, test.replacement, 1))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
