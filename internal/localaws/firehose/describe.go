package firehose

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

// Described is a deployed delivery stream, out of [Describe].
type Described struct {
	// Config is what the stream does, without Bucket, Processing.Function, Backup.Bucket
	// and Conversion.Schema: those are for the caller to find, by the names below. The
	// schema's columns are those of the table that Conversion.Table names, by Glue's GetTable.
	Config Config
	// BucketARN is where it delivers, RoleARN what it delivers as. The function is
	// Config.Processing.LambdaArn.
	BucketARN, RoleARN string
	// BackupBucketARN is where it keeps the records as they came; "" if it keeps none.
	BackupBucketARN string
	// SchemaRoleARN is what it reads the table of its conversion as; "" if it has none.
	SchemaRoleARN string
	// LogGroup and LogStream get its errors; "" if it logs none.
	LogGroup, LogStream string
}

// Describe reads what DescribeDeliveryStream says of a stream, so that a stream here
// does what the deployed one would. What is left out here is an error, and so is what
// the description does not say.
func Describe(d *types.DeliveryStreamDescription) (*Described, error) {
	if d.DeliveryStreamType != types.DeliveryStreamTypeDirectPut {
		return nil, fmt.Errorf("delivery stream %s: type %s is not emulated, only DirectPut",
			aws.ToString(d.DeliveryStreamName), d.DeliveryStreamType)
	}
	if len(d.Destinations) != 1 || d.Destinations[0].ExtendedS3DestinationDescription == nil {
		return nil, fmt.Errorf("delivery stream %s: must have one destination, an extended S3 one",
			aws.ToString(d.DeliveryStreamName))
	}
	s3 := d.Destinations[0].ExtendedS3DestinationDescription
	out := &Described{BucketARN: aws.ToString(s3.BucketARN), RoleARN: aws.ToString(s3.RoleARN), Config: Config{
		DeliveryStreamName: aws.ToString(d.DeliveryStreamName),
		DeliveryStreamARN:  aws.ToString(d.DeliveryStreamARN),
		Prefix:             aws.ToString(s3.Prefix),
		ErrorOutputPrefix:  aws.ToString(s3.ErrorOutputPrefix),
		CompressionFormat:  string(s3.CompressionFormat),
		FileExtension:      aws.ToString(s3.FileExtension),
	}}
	out.Config.BufferingHints = describeHints(s3.BufferingHints)
	if log := s3.CloudWatchLoggingOptions; log != nil && aws.ToBool(log.Enabled) {
		out.LogGroup, out.LogStream = aws.ToString(log.LogGroupName), aws.ToString(log.LogStreamName)
	}
	processing, err := describeProcessing(s3.ProcessingConfiguration)
	out.Config.Processing = processing
	err = errors.Join(leftOut(s3), err, out.conversion(s3.DataFormatConversionConfiguration))
	if s3.S3BackupMode == types.S3BackupModeEnabled {
		err = errors.Join(err, out.backup(s3.S3BackupDescription))
	}
	if err != nil {
		return nil, fmt.Errorf("delivery stream %s: %w", out.Config.DeliveryStreamName, err)
	}
	return out, nil
}

func describeHints(hints *types.BufferingHints) *BufferingHints {
	if hints == nil {
		return nil
	}
	return &BufferingHints{
		SizeInMBs: int(aws.ToInt32(hints.SizeInMBs)), IntervalInSeconds: int(aws.ToInt32(hints.IntervalInSeconds))}
}

// leftOut refuses what the local Firehose does not do.
func leftOut(d *types.ExtendedS3DestinationDescription) error {
	var problems []error
	if c := d.DynamicPartitioningConfiguration; c != nil && aws.ToBool(c.Enabled) {
		problems = append(problems, errors.New("dynamic partitioning is not emulated"))
	}
	if zone := aws.ToString(d.CustomTimeZone); zone != "" && zone != "UTC" {
		problems = append(problems, fmt.Errorf("time zone %s is not emulated, only UTC", zone))
	}
	return errors.Join(problems...)
}

// describeProcessing reads the processor; nil if there is none.
func describeProcessing(c *types.ProcessingConfiguration) (*Processing, error) {
	if c == nil || !aws.ToBool(c.Enabled) || len(c.Processors) == 0 {
		return nil, nil
	}
	if len(c.Processors) > 1 || c.Processors[0].Type != types.ProcessorTypeLambda {
		return nil, errors.New("processors other than one Lambda function are not emulated")
	}
	p := NewProcessing(nil, "")
	var problems []error
	for _, parameter := range c.Processors[0].Parameters {
		if err := p.set(parameter.ParameterName, aws.ToString(parameter.ParameterValue)); err != nil {
			problems = append(problems, fmt.Errorf("processor parameter %s: %w", parameter.ParameterName, err))
		}
	}
	return p, errors.Join(problems...)
}

// set reads one parameter of a processor.
func (p *Processing) set(name types.ProcessorParameterName, value string) (err error) {
	switch name {
	case types.ProcessorParameterNameLambdaArn:
		p.LambdaArn = value
	case types.ProcessorParameterNameLambdaNumberOfRetries:
		p.NumberOfRetries, err = strconv.Atoi(value)
	case types.ProcessorParameterNameBufferSizeInMb:
		p.BufferSizeInMBs, err = strconv.ParseFloat(value, 64)
	case types.ProcessorParameterNameBufferIntervalInSeconds:
		p.BufferIntervalInSeconds, err = strconv.Atoi(value)
	case types.ProcessorParameterNameRoleArn: // the stream's own role when left out
	default:
		err = errors.New("is not emulated")
	}
	return err
}

// conversion reads the record format conversion. One whose Enabled is left out is
// enabled, unlike a processor.
func (d *Described) conversion(c *types.DataFormatConversionConfiguration) error {
	if c == nil || c.Enabled != nil && !*c.Enabled {
		return nil
	}
	if c.InputFormatConfiguration == nil || c.InputFormatConfiguration.Deserializer == nil ||
		c.OutputFormatConfiguration == nil || c.OutputFormatConfiguration.Serializer == nil || c.SchemaConfiguration == nil {
		return errors.New("a format conversion must say its input format, its output format and its schema")
	}
	schema := c.SchemaConfiguration
	d.SchemaRoleARN = aws.ToString(schema.RoleARN)
	d.Config.Conversion = &Conversion{Table: SchemaTable{
		CatalogID: aws.ToString(schema.CatalogId), DatabaseName: aws.ToString(schema.DatabaseName),
		TableName: aws.ToString(schema.TableName), Region: aws.ToString(schema.Region),
		VersionID: aws.ToString(schema.VersionId)}}
	err := leftOutSerDe(c.InputFormatConfiguration.Deserializer.OpenXJsonSerDe)
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

// leftOutSerDe refuses what the local Firehose does not read JSON by.
func leftOutSerDe(serde *types.OpenXJsonSerDe) error {
	switch {
	case serde == nil:
		return errors.New("deserializers other than the OpenX JSON SerDe are not emulated")
	case serde.CaseInsensitive != nil && !*serde.CaseInsensitive:
		return errors.New("a deserializer that minds the case of names (CaseInsensitive false) is not emulated")
	case len(serde.ColumnToJsonKeyMappings) > 0:
		return errors.New("the deserializer's ColumnToJsonKeyMappings are not emulated")
	case aws.ToBool(serde.ConvertDotsInJsonKeysToUnderscores):
		return errors.New("the deserializer's ConvertDotsInJsonKeysToUnderscores is not emulated")
	}
	return nil
}

// backup reads where the records are kept as they came.
func (d *Described) backup(s3 *types.S3DestinationDescription) error {
	if s3 == nil {
		return errors.New("a backup must say its destination")
	}
	d.BackupBucketARN = aws.ToString(s3.BucketARN)
	d.Config.Backup = &Backup{Prefix: aws.ToString(s3.Prefix), ErrorOutputPrefix: aws.ToString(s3.ErrorOutputPrefix),
		BufferingHints: describeHints(s3.BufferingHints), CompressionFormat: string(s3.CompressionFormat)}
	return nil
}
