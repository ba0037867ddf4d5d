// Package deployedstream reads how a delivery stream is deployed, so that the embedded
// Firehose can do what the deployed stream would do.
package deployedstream

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
)

// Stream is a deployed delivery stream.
type Stream struct {
	// Config configures the embedded Firehose like the deployed stream. The caller must
	// fill in Bucket, Processing.Function, Backup.Bucket and Conversion.Schema, which it
	// finds by the names below. The columns of the schema come from Glue's GetTable, for
	// the table that Conversion.Table names.
	Config firehose.Config
	// BucketARN is the destination, RoleARN the role of the stream. The function is
	// Config.Processing.LambdaArn.
	BucketARN, RoleARN string
	// BackupBucketARN is the bucket of the source backup, or "" without a backup.
	BackupBucketARN string
	// SchemaRoleARN is the role that reads the table of the conversion, or "" without a
	// conversion.
	SchemaRoleARN string
	// LogGroup and LogStream receive the stream's errors, or "" if it does not log any.
	LogGroup, LogStream string
}

// Read converts an answer of DescribeDeliveryStream. It fails for everything that the
// embedded Firehose cannot do, and if the description is incomplete.
func Read(d *types.DeliveryStreamDescription) (*Stream, error) {
	if d.DeliveryStreamType != types.DeliveryStreamTypeDirectPut {
		return nil, fmt.Errorf("delivery stream %s: type %s is not emulated, only DirectPut",
			aws.ToString(d.DeliveryStreamName), d.DeliveryStreamType)
	}
	if len(d.Destinations) != 1 || d.Destinations[0].ExtendedS3DestinationDescription == nil {
		return nil, fmt.Errorf("delivery stream %s: must have exactly one destination, of type extended S3",
			aws.ToString(d.DeliveryStreamName))
	}
	s3 := d.Destinations[0].ExtendedS3DestinationDescription

	out := &Stream{
		BucketARN: aws.ToString(s3.BucketARN),
		RoleARN:   aws.ToString(s3.RoleARN),
		Config: firehose.Config{
			DeliveryStreamName: aws.ToString(d.DeliveryStreamName),
			DeliveryStreamARN:  aws.ToString(d.DeliveryStreamARN),
			Prefix:             aws.ToString(s3.Prefix),
			ErrorOutputPrefix:  aws.ToString(s3.ErrorOutputPrefix),
			CompressionFormat:  string(s3.CompressionFormat),
			FileExtension:      aws.ToString(s3.FileExtension),
			BufferingHints:     readHints(s3.BufferingHints),
		},
	}
	if log := s3.CloudWatchLoggingOptions; log != nil && aws.ToBool(log.Enabled) {
		out.LogGroup, out.LogStream = aws.ToString(log.LogGroupName), aws.ToString(log.LogStreamName)
	}

	processing, err := readProcessing(s3.ProcessingConfiguration)
	out.Config.Processing = processing
	err = errors.Join(checkSupported(s3), err, out.readConversion(s3.DataFormatConversionConfiguration))
	if s3.S3BackupMode == types.S3BackupModeEnabled {
		err = errors.Join(err, out.readBackup(s3.S3BackupDescription))
	}
	if err != nil {
		return nil, fmt.Errorf("delivery stream %s: %w", out.Config.DeliveryStreamName, err)
	}
	return out, nil
}

func readHints(hints *types.BufferingHints) *firehose.BufferingHints {
	if hints == nil {
		return nil
	}
	return &firehose.BufferingHints{
		SizeInMBs:         int(aws.ToInt32(hints.SizeInMBs)),
		IntervalInSeconds: int(aws.ToInt32(hints.IntervalInSeconds)),
	}
}

// checkSupported returns an error for features that the embedded Firehose lacks.
func checkSupported(d *types.ExtendedS3DestinationDescription) error {
	var problems []error
	if c := d.DynamicPartitioningConfiguration; c != nil && aws.ToBool(c.Enabled) {
		problems = append(problems, errors.New("dynamic partitioning is not emulated"))
	}
	if zone := aws.ToString(d.CustomTimeZone); zone != "" && zone != "UTC" {
		problems = append(problems, fmt.Errorf("time zone %s is not emulated, only UTC", zone))
	}
	return errors.Join(problems...)
}

// readProcessing returns the processor, or nil if there is none.
func readProcessing(c *types.ProcessingConfiguration) (*firehose.Processing, error) {
	if c == nil || !aws.ToBool(c.Enabled) || len(c.Processors) == 0 {
		return nil, nil
	}
	if len(c.Processors) > 1 || c.Processors[0].Type != types.ProcessorTypeLambda {
		return nil, errors.New("processors other than one Lambda function are not emulated")
	}

	p := firehose.NewProcessing(nil, "")
	var problems []error
	for _, parameter := range c.Processors[0].Parameters {
		if err := setParameter(p, parameter.ParameterName, aws.ToString(parameter.ParameterValue)); err != nil {
			problems = append(problems, fmt.Errorf("processor parameter %s: %w", parameter.ParameterName, err))
		}
	}
	return p, errors.Join(problems...)
}

// setParameter reads one parameter of a processor.
func setParameter(p *firehose.Processing, name types.ProcessorParameterName, value string) (err error) {
	switch name {
	case types.ProcessorParameterNameLambdaArn:
		p.LambdaArn = value
	case types.ProcessorParameterNameLambdaNumberOfRetries:
		p.NumberOfRetries, err = strconv.Atoi(value)
	case types.ProcessorParameterNameBufferSizeInMb:
		p.BufferSizeInMBs, err = strconv.ParseFloat(value, 64)
	case types.ProcessorParameterNameBufferIntervalInSeconds:
		p.BufferIntervalInSeconds, err = strconv.Atoi(value)
	case types.ProcessorParameterNameRoleArn: // our templates give the role of the stream
	default:
		err = errors.New("is not emulated")
	}
	return err
}

// readConversion reads the record format conversion. Unlike a processor, it is enabled if
// Enabled is missing.
func (d *Stream) readConversion(c *types.DataFormatConversionConfiguration) error {
	if c == nil || c.Enabled != nil && !*c.Enabled {
		return nil
	}
	if c.InputFormatConfiguration == nil || c.InputFormatConfiguration.Deserializer == nil ||
		c.OutputFormatConfiguration == nil || c.OutputFormatConfiguration.Serializer == nil || c.SchemaConfiguration == nil {
		return errors.New("a format conversion must have an input format, an output format and a schema")
	}
	schema := c.SchemaConfiguration
	d.SchemaRoleARN = aws.ToString(schema.RoleARN)
	d.Config.Conversion = &firehose.Conversion{Table: firehose.SchemaTable{
		CatalogID:    aws.ToString(schema.CatalogId),
		DatabaseName: aws.ToString(schema.DatabaseName),
		TableName:    aws.ToString(schema.TableName),
		Region:       aws.ToString(schema.Region),
		VersionID:    aws.ToString(schema.VersionId),
	}}

	err := checkSerDe(c.InputFormatConfiguration.Deserializer.OpenXJsonSerDe)
	switch parquet := c.OutputFormatConfiguration.Serializer.ParquetSerDe; {
	case parquet == nil:
		err = errors.Join(err, errors.New("conversion to formats other than Parquet is not emulated"))
	case parquet.WriterVersion == types.ParquetWriterVersionV2:
		err = errors.Join(err, errors.New("version V2 of Parquet's writer is not emulated"))
	default:
		d.Config.Conversion.Compression = string(parquet.Compression)
	}
	return err
}

// checkSerDe returns an error for ways of reading JSON that the embedded Firehose lacks.
func checkSerDe(serde *types.OpenXJsonSerDe) error {
	switch {
	case serde == nil:
		return errors.New("deserializers other than the OpenX JSON SerDe are not emulated")
	case serde.CaseInsensitive != nil && !*serde.CaseInsensitive:
		return errors.New("a case-sensitive deserializer (CaseInsensitive false) is not emulated")
	case len(serde.ColumnToJsonKeyMappings) > 0:
		return errors.New("the deserializer's ColumnToJsonKeyMappings are not emulated")
	case aws.ToBool(serde.ConvertDotsInJsonKeysToUnderscores):
		return errors.New("the deserializer's ConvertDotsInJsonKeysToUnderscores is not emulated")
	}
	return nil
}

// readBackup reads the source backup.
func (d *Stream) readBackup(s3 *types.S3DestinationDescription) error {
	if s3 == nil {
		return errors.New("a backup must have a destination")
	}
	d.BackupBucketARN = aws.ToString(s3.BucketARN)
	d.Config.Backup = &firehose.Backup{
		Prefix:            aws.ToString(s3.Prefix),
		ErrorOutputPrefix: aws.ToString(s3.ErrorOutputPrefix),
		BufferingHints:    readHints(s3.BufferingHints),
		CompressionFormat: string(s3.CompressionFormat),
	}
	return nil
}
