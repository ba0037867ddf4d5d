package firehose_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/resolverwatch/resolverwatch/pkg/localaws/firehose"
)

// deployed is an answer of DescribeDeliveryStream, in the members' own names.
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

func describe(t *testing.T, text string) (*firehose.Described, error) {
	t.Helper()
	var description types.DeliveryStreamDescription
	if err := json.Unmarshal([]byte(text), &description); err != nil {
		t.Fatal(err)
	}
	return firehose.Describe(&description)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	got, err := describe(t, deployed)
	if err != nil {
		t.Fatal(err)
	}
	processing := firehose.NewProcessing(nil, "arn:aws:lambda:us-east-1:111122223333:function:mark")
	processing.NumberOfRetries, processing.BufferSizeInMBs, processing.BufferIntervalInSeconds = 2, 0.5, 31
	want := &firehose.Described{
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
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(firehose.Config{}, "Refuse")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What the local Firehose would do differently must not be emulated by silence.
func TestDescribe_refusals(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, old, replacement, want string }{
		{"other source", `"DirectPut"`, `"KinesisStreamAsSource"`, "DirectPut"},
		{"no destination", `"ExtendedS3DestinationDescription"`, `"SplunkDestinationDescription"`, "extended S3"},
		{"Parquet", `"Prefix"`, `"DataFormatConversionConfiguration": {"Enabled": true}, "Prefix"`, "format conversion"},
		{"dynamic partitioning", `"Prefix"`, `"DynamicPartitioningConfiguration": {"Enabled": true}, "Prefix"`, "partitioning"},
		{"backup", `"Prefix"`, `"S3BackupMode": "Enabled", "Prefix"`, "backup"},
		{"time zone", `"Prefix"`, `"CustomTimeZone": "Asia/Tokyo", "Prefix"`, "Asia/Tokyo"},
		{"other processor", `"Type": "Lambda"`, `"Type": "Decompression"`, "processors"},
		{"other parameter", `"NumberOfRetries"`, `"Delimiter"`, "Delimiter"},
		{"no number", `"0.5"`, `"half"`, "BufferSizeInMBs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := describe(t, strings.Replace(deployed, test.old, test.replacement, 1))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a word of %q", err, test.want)
			}
		})
	}
}
