package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/jsii-runtime-go"
)

// Formats of marked logs.
const (
	FormatJSON    = "JSON"
	FormatParquet = "PARQUET"
)

const (
	defaultParquetPrefix = "dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/"
	// backupPrefix is where the records lie as Resolver wrote them.
	backupPrefix      = "raw/!{timestamp:yyyy/MM/dd}/"
	backupErrorPrefix = "raw-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
)

// minParquetMiB is the least buffer that Firehose converts ("Record format conversion"
// of its developer guide). Parquet wants few, large files.
const minParquetMiB = 64

// Schema is a table in the Glue Data Catalog of the same account and Region.
type Schema struct{ DatabaseName, TableName string }

func (p DeliveryProps) defaultBufferMiB() float64 {
	if p.Format == FormatParquet {
		return maxBufferMiB
	}
	return defaultBufferMiB
}

func (p DeliveryProps) defaultCompression() string {
	if p.Format == FormatParquet {
		return "UNCOMPRESSED"
	}
	return defaultCompression
}

// writtenPrefix is that of the format which is written.
func (p DeliveryProps) writtenPrefix() *string {
	if p.Format == FormatParquet {
		return &p.ParquetPrefix
	}
	return &p.Prefix
}

// parquet refuses what Firehose refuses of a conversion, and what has no meaning
// without one.
func (p *problems) parquet(given DeliveryProps) {
	switch given.Format {
	case "", FormatJSON:
		for _, only := range []struct {
			prop string
			set  bool
		}{
			{"ParquetPrefix", given.ParquetPrefix != ""}, {"Schema", given.Schema != nil},
			{"WithoutSourceBackup", given.WithoutSourceBackup},
		} {
			if only.set {
				p.addf("%s: has no meaning without Format %s", only.prop, FormatParquet)
			}
		}
	case FormatParquet:
		p.wrap("ParquetPrefix", checkPrefix(given.ParquetPrefix))
		p.required("Schema", given.Schema == nil || given.Schema.DatabaseName == "" || given.Schema.TableName == "")
		if given.Compression != "" && given.Compression != given.defaultCompression() {
			p.addf("Compression: must be UNCOMPRESSED with Format %s, whose files are compressed inside by Snappy, got %s",
				FormatParquet, given.Compression)
		}
		if size := p.size("BufferSize", given.BufferSize, given.defaultBufferMiB()); size < minParquetMiB {
			p.addf("BufferSize: must be at least %d MiB with Format %s, got %g MiB", minParquetMiB, FormatParquet, size)
		}
	default:
		p.addf("Format: must be one of %s, %s, got %q", FormatJSON, FormatParquet, given.Format)
	}
}

// readSchema lets Firehose read the one table that it converts by.
func readSchema(d *Delivery, p DeliveryProps) []statement {
	if p.Format != FormatParquet {
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

// sourceBackup keeps the records as they came. Conversion drops members that have no
// column: without the backup they would be gone.
func (d *Delivery) sourceBackup(p DeliveryProps) *awskinesisfirehose.DestinationS3BackupProps {
	if p.Format != FormatParquet || p.WithoutSourceBackup {
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

// convert turns on record format conversion, which the CDK's own construct lacks.
func (d *Delivery) convert(stream awskinesisfirehose.DeliveryStream, p DeliveryProps) {
	if p.Format != FormatParquet {
		return
	}
	stack := awscdk.Stack_Of(d)
	path := "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration"
	resourceOf(stream).AddPropertyOverride(&path, map[string]any{
		"Enabled": true,
		// Resolver capitalises the members of answers; columns are in lower case.
		"InputFormatConfiguration":  map[string]any{"Deserializer": map[string]any{"OpenXJsonSerDe": map[string]any{"CaseInsensitive": true}}},
		"OutputFormatConfiguration": map[string]any{"Serializer": map[string]any{"ParquetSerDe": map[string]any{"Compression": "SNAPPY"}}},
		"SchemaConfiguration": map[string]any{
			"CatalogId": *stack.Account(), "Region": *stack.Region(), "RoleARN": *d.role.RoleArn(),
			"DatabaseName": p.Schema.DatabaseName, "TableName": p.Schema.TableName, "VersionId": "LATEST",
		},
	})
}

// waitForSchema makes the stream come after the table that it converts by.
func (d *Delivery) waitForSchema(c *Catalog) {
	if d.parquet != "" {
		d.stream.Node().AddDependency(c.table)
	}
}
