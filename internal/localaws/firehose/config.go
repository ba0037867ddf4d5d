package firehose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Invoker is the function that transforms records: event bytes in, answer bytes
// out. Its errors are those of the package lambda.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Bucket is where objects are delivered. contentEncoding is "gzip", "" or, with a
// conversion, "hadoop-snappy". An error means that the object was not stored; it will be tried again.
type Bucket interface {
	Put(ctx context.Context, key string, body []byte, contentEncoding string) error
}

// Config describes a delivery stream to S3, in the words of CloudFormation's
// ExtendedS3DestinationConfiguration.
type Config struct {
	// DeliveryStreamName is part of every object's key. Required.
	DeliveryStreamName string
	// DeliveryStreamARN is what the processor is told; "" is an ARN of the local
	// account.
	DeliveryStreamARN string
	// Bucket is the destination. Required.
	Bucket Bucket
	// Prefix begins the keys of delivered objects. Where it has no timestamp
	// expression, `yyyy/MM/dd/HH/` follows it.
	Prefix string
	// ErrorOutputPrefix begins the keys of what could not be processed. It is
	// required if Prefix has an expression, and if it has any expression itself it
	// must have `!{firehose:error-output-type}`. Without expressions the type and
	// the hour follow it.
	ErrorOutputPrefix string
	// BufferingHints say when an object is written; nil is 5 MB and 300 s, with a
	// conversion 128 MB and 300 s.
	BufferingHints *BufferingHints
	// CompressionFormat is UNCOMPRESSED or GZIP; "" is UNCOMPRESSED, which a conversion
	// demands.
	CompressionFormat string
	// FileExtension replaces the `.gz` of compressed objects and the `.parquet` of
	// converted ones; "" leaves it.
	FileExtension string
	// Processing transforms records before delivery; nil delivers them as they came.
	Processing *Processing
	// Conversion delivers Parquet; nil delivers records as they are. It demands a buffer
	// of 64 MB or more.
	Conversion *Conversion
	// Backup keeps the records as they came; nil keeps none.
	Backup *Backup
	// DeliveryRetryDelay is the pause before an object is tried again that the
	// bucket refused, doubled each time up to 30 s; 0 is 1 s.
	DeliveryRetryDelay time.Duration
	// Refuse, if set, is asked for every PutRecord and PutRecordBatch how many of
	// its records, from the last, are refused with ServiceUnavailableException, as
	// AWS does above the stream's quota.
	Refuse func(records int) int
}

// BufferingHints end a buffer by size or time, whichever comes first.
type BufferingHints struct {
	SizeInMBs         int // 1 to 128, in MiB before compression
	IntervalInSeconds int // 0 to 900
}

// Processing is the Lambda processor of a stream; [NewProcessing] fills in AWS's
// defaults.
type Processing struct {
	Function                Invoker
	LambdaArn               string
	NumberOfRetries         int     // 0 to 300, after the first try
	BufferSizeInMBs         float64 // 0.2 to 3, in MiB of record data
	BufferIntervalInSeconds int     // 0 to 900
	// RetryDelay is the pause before each further try. AWS does not document one;
	// a failed record of the field fits 30 s.
	RetryDelay time.Duration
}

// NewProcessing returns a processor with AWS's defaults: 3 retries, 1 MiB, 60 s.
func NewProcessing(function Invoker, arn string) *Processing {
	return &Processing{Function: function, LambdaArn: arn, NumberOfRetries: 3, BufferSizeInMBs: 1,
		BufferIntervalInSeconds: 60, RetryDelay: 30 * time.Second}
}

// Conversion makes Parquet of JSON records when they are delivered, with the OpenX JSON
// SerDe in its default settings.
type Conversion struct {
	// Schema has the columns of Table, but for its partitions. Required. It is from the
	// package conversion, which is given rather than imported: what writes Parquet would
	// double the size of every program that links this package.
	Schema Schema
	// Table is named by records that cannot be converted.
	Table SchemaTable
	// Compression of the pages in the file: SNAPPY, GZIP or UNCOMPRESSED; "" is SNAPPY.
	Compression string
}

// Schema converts records to Parquet by the columns of a table.
type Schema interface {
	// Convert returns a file of the records that can be converted, nil if none can, and
	// for each record why it cannot be, or nil. Compression is one of SNAPPY, GZIP and
	// UNCOMPRESSED.
	Convert(records [][]byte, compression string) (file []byte, failures []*ConversionFailure, err error)
}

// ConversionFailure is why a record cannot be converted, as it stands beside the record.
type ConversionFailure struct{ Code, Message string }

// Error returns the code and the message.
func (f *ConversionFailure) Error() string { return f.Code + ": " + f.Message }

// SchemaTable is the table of the Glue Data Catalog that the columns are from.
type SchemaTable struct {
	CatalogID    string `json:"catalogId"`
	DatabaseName string `json:"databaseName"`
	TableName    string `json:"tableName"`
	Region       string `json:"region"`
	VersionID    string `json:"versionId"` // "" is LATEST
}

// Rules of AWS for streams that convert.
const (
	defaultConversionMBs = 128
	minConversionMBs     = 64
	latestVersion        = "LATEST"
)

// Backup keeps all records as they came, beside their processing. Objects are delivered
// as those of the stream are; AWS lets nobody turn a backup off again.
type Backup struct {
	// Bucket is where it is kept; nil is the stream's.
	Bucket Bucket
	// Prefix and ErrorOutputPrefix follow the rules of the stream's own. Nothing goes
	// under the second: a backup processes nothing, and is tried again until it is stored.
	Prefix, ErrorOutputPrefix string
	// BufferingHints say when an object is written; nil is 5 MB and 300 s.
	BufferingHints *BufferingHints
	// CompressionFormat is UNCOMPRESSED or GZIP; "" is UNCOMPRESSED.
	CompressionFormat string
}

// Values of [Config.CompressionFormat] and [Conversion.Compression], which alone has
// Snappy.
const (
	Uncompressed = "UNCOMPRESSED"
	GZIP         = "GZIP"
	Snappy       = "SNAPPY"
)

var (
	streamName    = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)
	fileExtension = regexp.MustCompile(`^(\.[0-9a-z!\-_.*'()]{1,127})?$`)
)

func (c *Config) setDefaults() {
	if c.BufferingHints == nil {
		c.BufferingHints = &BufferingHints{SizeInMBs: 5, IntervalInSeconds: 300}
		if c.Conversion != nil {
			c.BufferingHints.SizeInMBs = defaultConversionMBs
		}
	}
	c.CompressionFormat = cmp.Or(c.CompressionFormat, Uncompressed)
	c.DeliveryRetryDelay = cmp.Or(c.DeliveryRetryDelay, time.Second)
	if c.Conversion != nil {
		converted := *c.Conversion
		converted.Compression = cmp.Or(converted.Compression, Snappy)
		converted.Table.VersionID = cmp.Or(converted.Table.VersionID, latestVersion)
		c.Conversion = &converted
	}
	if c.Backup != nil {
		backup := *c.Backup
		backup.CompressionFormat = cmp.Or(backup.CompressionFormat, Uncompressed)
		if backup.BufferingHints == nil {
			backup.BufferingHints = &BufferingHints{SizeInMBs: 5, IntervalInSeconds: 300}
		}
		c.Backup = &backup
	}
}

// checker collects problems.
type checker []error

func (c *checker) check(holds bool, format string, values ...any) {
	if !holds {
		*c = append(*c, fmt.Errorf(format, values...))
	}
}

// validate refuses what CreateDeliveryStream refuses, all problems at once.
func (c *Config) validate() error {
	var problems checker
	problems.check(streamName.MatchString(c.DeliveryStreamName),
		"DeliveryStreamName: must match %s, got %q", streamName, c.DeliveryStreamName)
	problems.check(c.Bucket != nil, "Bucket: must be set")
	problems.objects("", c.BufferingHints, c.CompressionFormat)
	problems.check(fileExtension.MatchString(c.FileExtension),
		"FileExtension: must match %s, got %q", fileExtension, c.FileExtension)
	if c.Processing != nil {
		problems.processing(c.Processing)
	}
	if c.Conversion != nil {
		problems.check(c.CompressionFormat == Uncompressed,
			"CompressionFormat: must be UNCOMPRESSED with a conversion, got %q", c.CompressionFormat)
		problems.check(c.BufferingHints.SizeInMBs >= minConversionMBs,
			"BufferingHints.SizeInMBs: must be at least %d with a conversion, got %d", minConversionMBs, c.BufferingHints.SizeInMBs)
		problems.check(c.Conversion.Schema != nil, "Conversion.Schema: must be set")
		problems.check(slices.Contains([]string{Snappy, GZIP, Uncompressed}, c.Conversion.Compression),
			"Conversion.Compression: must be SNAPPY, GZIP or UNCOMPRESSED, got %q", c.Conversion.Compression)
	}
	if c.Backup != nil {
		problems.objects("Backup.", c.Backup.BufferingHints, c.Backup.CompressionFormat)
	}
	return errors.Join(problems...)
}

// objects checks what says when objects are written and how.
func (c *checker) objects(field string, hints *BufferingHints, compression string) {
	size, interval := hints.SizeInMBs, hints.IntervalInSeconds
	c.check(1 <= size && size <= 128, "%sBufferingHints.SizeInMBs: must be in [1, 128], got %d", field, size)
	c.check(0 <= interval && interval <= 900, "%sBufferingHints.IntervalInSeconds: must be in [0, 900], got %d", field, interval)
	c.check(compression == Uncompressed || compression == GZIP,
		"%sCompressionFormat: the local Firehose has UNCOMPRESSED and GZIP, got %q", field, compression)
}

func (c *checker) processing(p *Processing) {
	c.check(p.Function != nil, "Processing.Function: must be set")
	c.check(strings.HasPrefix(p.LambdaArn, "arn:"), "Processing.LambdaArn: must be an ARN, got %q", p.LambdaArn)
	c.check(0 <= p.NumberOfRetries && p.NumberOfRetries <= 300,
		"Processing.NumberOfRetries: must be in [0, 300], got %d", p.NumberOfRetries)
	c.check(0.2 <= p.BufferSizeInMBs && p.BufferSizeInMBs <= 3,
		"Processing.BufferSizeInMBs: must be in [0.2, 3], got %g", p.BufferSizeInMBs)
	c.check(0 <= p.BufferIntervalInSeconds && p.BufferIntervalInSeconds <= 900,
		"Processing.BufferIntervalInSeconds: must be in [0, 900], got %d", p.BufferIntervalInSeconds)
}

// description is the stream in the shape of DescribeDeliveryStream.
func (c *Config) description(arn string) map[string]any {
	destination := map[string]any{
		"Prefix": c.Prefix, "ErrorOutputPrefix": c.ErrorOutputPrefix, "CompressionFormat": c.CompressionFormat,
		"BufferingHints": c.BufferingHints, "FileExtension": c.FileExtension,
		"EncryptionConfiguration": map[string]string{"NoEncryptionConfig": "NoEncryption"},
	}
	if p := c.Processing; p != nil {
		destination["ProcessingConfiguration"] = map[string]any{"Enabled": true, "Processors": []any{p.description()}}
	}
	if c.Conversion != nil {
		destination["DataFormatConversionConfiguration"] = c.Conversion.description()
	}
	if c.Backup != nil {
		destination["S3BackupMode"], destination["S3BackupDescription"] = "Enabled", c.Backup.description()
	}
	return map[string]any{
		"DeliveryStreamName": c.DeliveryStreamName, "DeliveryStreamARN": arn, "DeliveryStreamStatus": "ACTIVE",
		"DeliveryStreamType": "DirectPut", "VersionId": "1", "HasMoreDestinations": false,
		"Destinations": []any{map[string]any{
			"DestinationId": "destinationId-000000000001", "ExtendedS3DestinationDescription": destination}},
	}
}

// description is the processor in the shape of DescribeDeliveryStream.
func (p *Processing) description() map[string]any {
	parameter := func(name string, value any) map[string]string {
		return map[string]string{"ParameterName": name, "ParameterValue": fmt.Sprint(value)}
	}
	return map[string]any{"Type": "Lambda", "Parameters": []map[string]string{
		parameter("LambdaArn", p.LambdaArn),
		parameter("NumberOfRetries", p.NumberOfRetries),
		parameter("BufferSizeInMBs", p.BufferSizeInMBs),
		parameter("BufferIntervalInSeconds", p.BufferIntervalInSeconds),
	}}
}

// description is the conversion in the shape of DescribeDeliveryStream.
func (c *Conversion) description() map[string]any {
	return map[string]any{
		"Enabled":                   true,
		"InputFormatConfiguration":  map[string]any{"Deserializer": map[string]any{"OpenXJsonSerDe": map[string]any{}}},
		"OutputFormatConfiguration": map[string]any{"Serializer": map[string]any{"ParquetSerDe": map[string]any{"Compression": c.Compression}}},
		"SchemaConfiguration": map[string]any{"CatalogId": c.Table.CatalogID, "DatabaseName": c.Table.DatabaseName,
			"TableName": c.Table.TableName, "Region": c.Table.Region, "VersionId": c.Table.VersionID},
	}
}

// description is the backup in the shape of DescribeDeliveryStream.
func (b *Backup) description() map[string]any {
	return map[string]any{"Prefix": b.Prefix, "ErrorOutputPrefix": b.ErrorOutputPrefix,
		"CompressionFormat": b.CompressionFormat, "BufferingHints": b.BufferingHints,
		"EncryptionConfiguration": map[string]string{"NoEncryptionConfig": "NoEncryption"}}
}
