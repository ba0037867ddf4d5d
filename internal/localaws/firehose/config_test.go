package firehose_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
)

func TestNew_refusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*firehose.Config)
		want   string
	}{
		{"no name", func(c *firehose.Config) { c.DeliveryStreamName = "" }, "DeliveryStreamName"},
		{"name with a space", func(c *firehose.Config) { c.DeliveryStreamName = "a b" }, "DeliveryStreamName"},
		{"no bucket", func(c *firehose.Config) { c.Bucket = nil }, "Bucket"},
		{"size 0", func(c *firehose.Config) { c.BufferingHints.SizeInMBs = 0 }, "SizeInMBs"},
		{"size 129", func(c *firehose.Config) { c.BufferingHints.SizeInMBs = 129 }, "SizeInMBs"},
		{"interval -1", func(c *firehose.Config) { c.BufferingHints.IntervalInSeconds = -1 }, "IntervalInSeconds"},
		{"interval 901", func(c *firehose.Config) { c.BufferingHints.IntervalInSeconds = 901 }, "IntervalInSeconds"},
		{"unsupported compression", func(c *firehose.Config) { c.CompressionFormat = "Snappy" }, "CompressionFormat"},
		{"extension without a dot", func(c *firehose.Config) { c.FileExtension = "json" }, "FileExtension"},
		{"no function", func(c *firehose.Config) { c.Processing.Function = nil }, "Processing.Function"},
		{"no ARN", func(c *firehose.Config) { c.Processing.LambdaArn = "f" }, "Processing.LambdaArn"},
		{"301 retries", func(c *firehose.Config) { c.Processing.NumberOfRetries = 301 }, "NumberOfRetries"},
		{"small processor buffer", func(c *firehose.Config) { c.Processing.BufferSizeInMBs = 0.1 }, "BufferSizeInMBs"},
		{"large processor buffer", func(c *firehose.Config) { c.Processing.BufferSizeInMBs = 3.1 }, "BufferSizeInMBs"},
		{"long processor interval", func(c *firehose.Config) { c.Processing.BufferIntervalInSeconds = 901 }, "BufferIntervalInSeconds"},
		{"conversion with a small buffer", func(c *firehose.Config) { c.Conversion, c.BufferingHints.SizeInMBs = conversion(), 63 }, "at least 64"},
		{"conversion with compression", func(c *firehose.Config) { c.Conversion, c.CompressionFormat = conversion(), firehose.GZIP }, "CompressionFormat: must be UNCOMPRESSED"},
		{"conversion without a schema", func(c *firehose.Config) { c.Conversion = &firehose.Conversion{} }, "Conversion.Schema"},
		{"conversion with unsupported compression", func(c *firehose.Config) { c.Conversion = conversion(); c.Conversion.Compression = "ZSTD" }, "Conversion.Compression"},
		{"backup with a large buffer", func(c *firehose.Config) {
			c.Backup = &firehose.Backup{BufferingHints: &firehose.BufferingHints{SizeInMBs: 129}}
		}, "Backup.BufferingHints.SizeInMBs"},
		{"backup with unsupported compression", func(c *firehose.Config) { c.Backup = &firehose.Backup{CompressionFormat: "ZIP"} }, "Backup.CompressionFormat"},
		{"backup prefix", func(c *firehose.Config) { c.Backup = &firehose.Backup{Prefix: "!{timestamp:yyyy}"} }, "Backup: ErrorOutputPrefix"},
		{"prefix", func(c *firehose.Config) { c.Prefix, c.ErrorOutputPrefix = "!{timestamp:yyyy}", "" }, "ErrorOutputPrefix"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := firehose.Config{DeliveryStreamName: "test", Bucket: &bucket{},
				BufferingHints: &firehose.BufferingHints{SizeInMBs: 1},
				Processing:     firehose.NewProcessing(function(upper), "arn:aws:lambda:x")}
			test.change(&config)
			if _, err := firehose.New(config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
