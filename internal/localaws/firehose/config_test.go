package firehose

import (
	"strings"
	"testing"
)

func TestNew_refusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no name", func(c *Config) { c.DeliveryStreamName = "" }, "DeliveryStreamName"},
		{"name with a space", func(c *Config) { c.DeliveryStreamName = "a b" }, "DeliveryStreamName"},
		{"no bucket", func(c *Config) { c.Bucket = nil }, "Bucket"},
		{"size 0", func(c *Config) { c.BufferingHints.SizeInMBs = 0 }, "SizeInMBs"},
		{"size 129", func(c *Config) { c.BufferingHints.SizeInMBs = 129 }, "SizeInMBs"},
		{"interval -1", func(c *Config) { c.BufferingHints.IntervalInSeconds = -1 }, "IntervalInSeconds"},
		{"interval 901", func(c *Config) { c.BufferingHints.IntervalInSeconds = 901 }, "IntervalInSeconds"},
		{"unsupported compression", func(c *Config) { c.CompressionFormat = "Snappy" }, "CompressionFormat"},
		{"extension without a dot", func(c *Config) { c.FileExtension = "json" }, "FileExtension"},
		{"no function", func(c *Config) { c.Processing.Function = nil }, "Processing.Function"},
		{"no ARN", func(c *Config) { c.Processing.LambdaArn = "f" }, "Processing.LambdaArn"},
		{"301 retries", func(c *Config) { c.Processing.NumberOfRetries = 301 }, "NumberOfRetries"},
		{"small processor buffer", func(c *Config) { c.Processing.BufferSizeInMBs = 0.1 }, "BufferSizeInMBs"},
		{"large processor buffer", func(c *Config) { c.Processing.BufferSizeInMBs = 3.1 }, "BufferSizeInMBs"},
		{"long processor interval", func(c *Config) { c.Processing.BufferIntervalInSeconds = 901 }, "BufferIntervalInSeconds"},
		{"conversion with a small buffer", func(c *Config) { c.Conversion, c.BufferingHints.SizeInMBs = conversion(), 63 }, "at least 64"},
		{"conversion with compression", func(c *Config) { c.Conversion, c.CompressionFormat = conversion(), GZIP }, "CompressionFormat: must be UNCOMPRESSED"},
		{"conversion without a schema", func(c *Config) { c.Conversion = &Conversion{} }, "Conversion.Schema"},
		{"conversion with unsupported compression", func(c *Config) { c.Conversion = conversion(); c.Conversion.Compression = "ZSTD" }, "Conversion.Compression"},
		{"backup with a large buffer", func(c *Config) {
			c.Backup = &Backup{BufferingHints: &BufferingHints{SizeInMBs: 129}}
		}, "Backup.BufferingHints.SizeInMBs"},
		{"backup with unsupported compression", func(c *Config) { c.Backup = &Backup{CompressionFormat: "ZIP"} }, "Backup.CompressionFormat"},
		{"backup prefix", func(c *Config) { c.Backup = &Backup{Prefix: "!{timestamp:yyyy}"} }, "Backup: ErrorOutputPrefix"},
		{"prefix", func(c *Config) { c.Prefix, c.ErrorOutputPrefix = "!{timestamp:yyyy}", "" }, "ErrorOutputPrefix"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := Config{DeliveryStreamName: "test", Bucket: &bucket{},
				BufferingHints: &BufferingHints{SizeInMBs: 1},
				Processing:     NewProcessing(function(upper), "arn:aws:lambda:x")}
			test.change(&config)
			if _, err := New(config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
