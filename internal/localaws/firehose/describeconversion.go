package firehose

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

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
