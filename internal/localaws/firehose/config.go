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

// Invoker invokes the function that transforms records. It takes an event and returns the
// response. Its errors are those of package lambda.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Bucket is the destination of objects.
type Bucket interface {
	// Put stores an object. contentEncoding is "gzip", "" or, with a conversion,
	// "hadoop-snappy". If Put returns an error, the stream retries.
	Put(ctx context.Context, key string, body []byte, contentEncoding string) error
}

// Config configures a delivery stream to S3. The fields have the names of CloudFormation's
// ExtendedS3DestinationConfiguration.
type Config struct {
	// DeliveryStreamName is part of the key of every object. Required.
	DeliveryStreamName string
	// DeliveryStreamARN is sent to the processor. "" means an ARN in the local account.
	DeliveryStreamARN string
	// Bucket is the destination. Required.
	Bucket Bucket
	// Prefix begins the keys of delivered objects. If it has no timestamp expression,
	// `yyyy/MM/dd/HH/` is appended.
	Prefix string
	// ErrorOutputPrefix begins the keys of objects with failed records. It is required if
	// Prefix has an expression. If it has expressions itself, one of them must be
	// `!{firehose:error-output-type}`; if not, the type and the hour are appended.
	ErrorOutputPrefix string
	// BufferingHints define when an object is written. Nil means 5 MB and 300 s, or 128 MB and
	// 300 s with a conversion.
	BufferingHints *BufferingHints
	// CompressionFormat is UNCOMPRESSED or GZIP. "" means UNCOMPRESSED, which is required with
	// a conversion.
	CompressionFormat string
	// FileExtension, if set, replaces the extensions `.gz` of compressed objects and
	// `.parquet` of converted ones.
	FileExtension string
	// Processing transforms records before delivery. If nil, they are delivered unchanged.
	Processing *Processing
	// Conversion converts records to Parquet. If nil, they are not converted. It requires a
	// buffer of at least 64 MB.
	Conversion *Conversion
	// Backup stores the records as producers sent them. If nil, there is no backup.
	Backup *Backup
	// refuse, if set, is called for every PutRecord and PutRecordBatch with the number of
	// records. It returns how many of the last ones to refuse with
	// ServiceUnavailableException, like AWS above the quota of the stream.
	refuse func(records int) int
}

// BufferingHints limit a buffer by size and time. It is flushed when it reaches either limit.
type BufferingHints struct {
	SizeInMBs         int // 1 to 128, in MiB before compression
	IntervalInSeconds int // 0 to 900
}

// Processing is the Lambda processor of a stream. [NewProcessing] returns one with AWS's defaults.
type Processing struct {
	Function                Invoker
	LambdaArn               string
	NumberOfRetries         int     // 0 to 300, not counting the first try
	BufferSizeInMBs         float64 // 0.2 to 3, in MiB of record data
	BufferIntervalInSeconds int     // 0 to 900
	// RetryDelay is the pause before each retry. AWS does not document it; the time stamps of a
	// record that failed on AWS suggest 30 s.
	RetryDelay time.Duration
}

// NewProcessing returns a processor with AWS's defaults: 3 retries, 1 MiB and 60 s.
func NewProcessing(function Invoker, arn string) *Processing {
	return &Processing{
		Function:                function,
		LambdaArn:               arn,
		NumberOfRetries:         3,
		BufferSizeInMBs:         1,
		BufferIntervalInSeconds: 60,
		RetryDelay:              30 * time.Second,
	}
}

// Conversion converts JSON records to Parquet before delivery, like the OpenX JSON SerDe with its
// default settings.
type Conversion struct {
	// Schema has the columns of Table, without its partition keys. Required. Tests pass one
	// from test/system/firehoseparquet. This package does not import it, because a Parquet library
	// would double the size of the command.
	Schema Schema
	// Table is named in the errors of records that cannot be converted.
	Table SchemaTable
	// Compression of the pages in the file: SNAPPY, GZIP or UNCOMPRESSED. "" means SNAPPY.
	Compression string
}

// Schema converts records to Parquet, according to the columns of a table.
type Schema interface {
	// Convert returns a file with the records that can be converted, or nil if there are none.
	// failures has an element for each record, which is nil if the record was converted.
	// compression is SNAPPY, GZIP or UNCOMPRESSED.
	Convert(records [][]byte, compression string) (file []byte, failures []*ConversionFailure, err error)
}

// ConversionFailure is the reason why a record cannot be converted. It is delivered with the
// record.
type ConversionFailure struct{ Code, Message string }

// Error returns the code and the message.
func (f *ConversionFailure) Error() string { return f.Code + ": " + f.Message }

// SchemaTable identifies the table in the Glue Data Catalog that defines the columns.
type SchemaTable struct {
	CatalogID    string `json:"catalogId"`
	DatabaseName string `json:"databaseName"`
	TableName    string `json:"tableName"`
	Region       string `json:"region"`
	VersionID    string `json:"versionId"` // "" means LATEST
}

// Rules of AWS for streams with a conversion.
const (
	defaultConversionMBs = 128
	minConversionMBs     = 64
	latestVersion        = "LATEST"
)

// Backup stores all records as producers sent them, in addition to the processed ones. On AWS a
// backup cannot be turned off again.
type Backup struct {
	// Bucket is the destination, or nil for that of the stream.
	Bucket Bucket
	// Prefix and ErrorOutputPrefix follow the same rules as those of the stream. Nothing is
	// delivered to ErrorOutputPrefix, because a backup does not process records and retries
	// until they are stored.
	Prefix, ErrorOutputPrefix string
	// BufferingHints define when an object is written. Nil means 5 MB and 300 s.
	BufferingHints *BufferingHints
	// CompressionFormat is UNCOMPRESSED or GZIP. "" means UNCOMPRESSED.
	CompressionFormat string
}

// Values of [Config.CompressionFormat] and [Conversion.Compression]. Snappy is valid for
// conversions only.
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

// check adds a problem unless ok.
func (c *checker) check(ok bool, format string, values ...any) {
	if !ok {
		*c = append(*c, fmt.Errorf(format, values...))
	}
}

// validate checks the rules of CreateDeliveryStream and returns all problems.
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

// objects checks the buffering and the compression of objects.
func (c *checker) objects(field string, hints *BufferingHints, compression string) {
	size, interval := hints.SizeInMBs, hints.IntervalInSeconds
	c.check(1 <= size && size <= 128, "%sBufferingHints.SizeInMBs: must be in [1, 128], got %d", field, size)
	c.check(0 <= interval && interval <= 900, "%sBufferingHints.IntervalInSeconds: must be in [0, 900], got %d", field, interval)
	c.check(compression == Uncompressed || compression == GZIP,
		"%sCompressionFormat: the local Firehose supports UNCOMPRESSED and GZIP, got %q", field, compression)
}

// processing checks the processor.
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

// description returns the stream in the format of DescribeDeliveryStream.
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

// description returns the processor in the format of DescribeDeliveryStream.
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

// description returns the conversion in the format of DescribeDeliveryStream.
func (c *Conversion) description() map[string]any {
	return map[string]any{
		"Enabled":                   true,
		"InputFormatConfiguration":  map[string]any{"Deserializer": map[string]any{"OpenXJsonSerDe": map[string]any{}}},
		"OutputFormatConfiguration": map[string]any{"Serializer": map[string]any{"ParquetSerDe": map[string]any{"Compression": c.Compression}}},
		"SchemaConfiguration": map[string]any{"CatalogId": c.Table.CatalogID, "DatabaseName": c.Table.DatabaseName,
			"TableName": c.Table.TableName, "Region": c.Table.Region, "VersionId": c.Table.VersionID},
	}
}

// description returns the backup in the format of DescribeDeliveryStream.
func (b *Backup) description() map[string]any {
	return map[string]any{"Prefix": b.Prefix, "ErrorOutputPrefix": b.ErrorOutputPrefix,
		"CompressionFormat": b.CompressionFormat, "BufferingHints": b.BufferingHints,
		"EncryptionConfiguration": map[string]string{"NoEncryptionConfig": "NoEncryption"}}
}
