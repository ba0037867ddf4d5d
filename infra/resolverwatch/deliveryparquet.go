package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/jsii-runtime-go"
)

// Format is the file format of marked logs.
type Format string

// Formats of marked logs.
const (
	FormatJSON    Format = "JSON"
	FormatParquet Format = "PARQUET"
)

const (
	defaultParquetPrefix = "dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/"
	// backupPrefix begins the keys of records as Resolver wrote them.
	backupPrefix      = "raw/!{timestamp:yyyy/MM/dd}/"
	backupErrorPrefix = "raw-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
)

// minParquetMiB is the smallest buffer that Firehose accepts for conversion ("Record format
// conversion" in its developer guide). Parquet works best with few, large files.
const minParquetMiB = 64

// Schema is a table in the Glue Data Catalog of the same account and Region.
type Schema struct{ DatabaseName, TableName string }

func (p DeliveryProps) defaultBufferMiB() float64 {
	if p.Format == FormatParquet {
		return maxBufferMiB
	}
	return defaultBufferMiB
}

func (p DeliveryProps) defaultCompression() Compression {
	if p.Format == FormatParquet {
		return CompressionNone
	}
	return defaultCompression
}

// writtenPrefix returns the prefix for the current format.
func (p DeliveryProps) writtenPrefix() *string {
	if p.Format == FormatParquet {
		return &p.ParquetPrefix
	}
	return &p.Prefix
}

// parquet rejects props that Firehose rejects for a conversion, and props that have no
// effect without one.
func (p *problems) parquet(given DeliveryProps) {
	p.wrap("ParquetPrefix", checkPrefix(given.ParquetPrefix))
	p.exclusive("SourceBackup", given.SourceBackup, "WithoutSourceBackup", given.WithoutSourceBackup)
	if given.Format == FormatParquet && given.Schema == nil {
		p.addf("Schema: must be set with Format %s: keep the catalog, or name a table that Firehose converts by", FormatParquet)
	}
	p.required("Schema", given.Schema != nil && (given.Schema.DatabaseName == "" || given.Schema.TableName == ""))
	switch given.Format {
	case "", FormatJSON:
		if given.WithoutSourceBackup {
			p.addf("WithoutSourceBackup: has no effect without Format %s", FormatParquet)
		}
	case FormatParquet:
		if given.Compression != "" && given.Compression != given.defaultCompression() {
			p.addf("Compression: must be UNCOMPRESSED with Format %s, whose files are compressed inside by Snappy, got %s",
				FormatParquet, given.Compression)
		}
		if size := p.size("BufferSize", given.BufferSize, given.defaultBufferMiB()); size < minParquetMiB {
			p.addf("BufferSize: must be at least %d MiB with Format %s, got %g MiB", minParquetMiB, FormatParquet, size)
		}
	default:
		choice(p, "Format", given.Format, FormatJSON, FormatParquet)
	}
}

// readSchema lets Firehose read the table whose schema it converts to. With JSON the
// permission stays: CloudFormation updates the role before the stream, so while switching
// away from PARQUET, or rolling back such a switch, the stream still converts and needs it.
func readSchema(d *Delivery, p DeliveryProps) []statement {
	if p.Schema == nil {
		return nil
	}
	arn := func(resource, name string) string {
		components := &awscdk.ArnComponents{Service: jsii.String("glue"), Resource: &resource}
		if name != "" {
			components.ResourceName = &name
		}
		return *awscdk.Stack_Of(d).FormatArn(components)
	}
	return []statement{{sid: "ReadSchema",
		actions: []string{"glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"},
		resources: []string{arn("catalog", ""), arn("database", p.Schema.DatabaseName),
			arn("table", p.Schema.DatabaseName+"/"+p.Schema.TableName)}}}
}

// keepsSource reports whether the stream keeps the records as Resolver wrote them.
func (p DeliveryProps) keepsSource() bool {
	return p.SourceBackup || p.Format == FormatParquet && !p.WithoutSourceBackup
}

// sourceBackup keeps the original records. Conversion drops members that have no column, so
// only the backup has them.
func (d *Delivery) sourceBackup(p DeliveryProps) *awskinesisfirehose.DestinationS3BackupProps {
	if !p.keepsSource() {
		return nil
	}
	return &awskinesisfirehose.DestinationS3BackupProps{
		Mode:              awskinesisfirehose.BackupMode_ALL,
		Bucket:            d.bucket,
		DataOutputPrefix:  jsii.String(backupPrefix),
		ErrorOutputPrefix: jsii.String(backupErrorPrefix),
		Compression:       awskinesisfirehose.Compression_GZIP(),
		BufferingInterval: p.BufferInterval,
		BufferingSize:     p.BufferSize,
		EncryptionKey:     p.OutputKey,
		LoggingConfig:     awskinesisfirehose.NewEnableLogging(d.logGroup),
	}
}

// convert turns record format conversion on or off. The CDK's own construct cannot turn it
// off, because it demands a schema even then. Firehose keeps settings that an update leaves
// out, so a JSON template that omitted them would leave an earlier conversion on.
func (d *Delivery) convert(stream awskinesisfirehose.DeliveryStream, p DeliveryProps) {
	path := "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration"
	if p.Format != FormatParquet {
		resourceOf(stream).AddPropertyOverride(&path, map[string]any{"Enabled": false})
		return
	}
	stack := awscdk.Stack_Of(d)
	resourceOf(stream).AddPropertyOverride(&path, map[string]any{
		"Enabled": true,
		// Resolver capitalises the members of answers, but columns are lower case.
		"InputFormatConfiguration":  map[string]any{"Deserializer": map[string]any{"OpenXJsonSerDe": map[string]any{"CaseInsensitive": true}}},
		"OutputFormatConfiguration": map[string]any{"Serializer": map[string]any{"ParquetSerDe": map[string]any{"Compression": "SNAPPY"}}},
		"SchemaConfiguration": map[string]any{
			"CatalogId": *stack.Account(), "Region": *stack.Region(), "RoleARN": *d.role.RoleArn(),
			"DatabaseName": p.Schema.DatabaseName, "TableName": p.Schema.TableName, "VersionId": "LATEST",
		},
	})
}

// waitForSchema creates the stream after the table that defines its schema.
func (d *Delivery) waitForSchema(c *Catalog) {
	if d.format == FormatParquet {
		d.stream.Node().AddDependency(c.table)
	}
}
