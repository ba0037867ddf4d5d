package resolverwatch

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch/queries"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// Names of the tables of marked logs, by format.
const (
	logTable     = catalog.LogTable
	parquetTable = "dns_logs_parquet"
)

// logFormat describes how a table of marked logs is stored.
type logFormat struct {
	id, table      string // ids of the construct and of the table
	keys           projection
	classification string
	storage        func(location string, columns []catalog.Column) *awsglue.CfnTable_StorageDescriptorProperty
}

// newTables defines the table of marked logs in JSON and, if there is a Parquet prefix, a
// second table for Parquet. It returns the projection of the table that the named queries
// read.
func (c *Catalog) newTables(p CatalogProps) projection {
	keys := projectionOf(p.Prefix)
	c.table, c.names.table = c.newTable(p, logFormat{"Table", logTable, keys, "json", jsonStorage}), logTable
	if p.Compaction {
		newCopies(c, p, keys)
	}
	if p.ParquetPrefix == "" {
		return keys
	}
	prefix, _ := withSlash(p.ParquetPrefix)
	parquetKeys := projectionOf(prefix)
	table := c.newTable(p, logFormat{"ParquetTable", parquetTable, parquetKeys, "parquet", parquetStorage})
	if p.Format == FormatParquet {
		c.table, c.names.table, keys = table, parquetTable, parquetKeys
	}
	return keys
}

// projectionOf returns the projection of a prefix that was checked.
func projectionOf(prefix string) projection {
	keys, err := newProjection(prefix)
	if err != nil {
		panic(fmt.Errorf("parsing a checked prefix: %w", err))
	}
	return keys
}

// newTable defines a table of marked logs. Each row is a record; members that Resolver may add
// later are ignored.
func (c *Catalog) newTable(p CatalogProps, format logFormat) awsglue.CfnTable {
	projection := format.keys
	bucket := "s3://" + *p.OutputBucket.BucketName() + "/"
	// A table's location is a folder. A prefix may have literal text after its last slash
	// and before its first timestamp, as in year=!{timestamp:yyyy}/.
	location := bucket + projection.folder[:strings.LastIndexByte(projection.folder, '/')+1]
	return c.addTable(format.id, &awsglue.CfnTable_TableInputProperty{
		Name:        &format.table,
		Description: jsii.String("Route 53 Resolver query logs with the verdict on each query"),
		TableType:   jsii.String("EXTERNAL_TABLE"),
		Parameters:  tableParameters(projection, bucket, format.classification, historyDays(p.MarkedLogRetentionDays)),
		PartitionKeys: []any{&awsglue.CfnTable_ColumnProperty{
			Name: jsii.String(catalog.Partition), Type: jsii.String("string"),
			Comment: jsii.String("when the record arrived, in UTC: " + projection.format)}},
		StorageDescriptor: format.storage(location, catalog.Columns()),
	})
}

// tableParameters make Athena compute the partitions, from the oldest that may contain a
// log up to now.
func tableParameters(p projection, bucket, classification string, days int) map[string]any {
	const column = "projection." + catalog.Partition
	return map[string]any{
		"EXTERNAL":                  "TRUE",
		"classification":            classification,
		"projection.enabled":        "true",
		column + ".type":            "date",
		column + ".format":          p.format,
		column + ".range":           fmt.Sprintf("NOW-%dDAYS,NOW", days),
		column + ".interval":        "1",
		column + ".interval.unit":   p.unit,
		"storage.location.template": bucket + p.folder + "${" + catalog.Partition + "}" + p.after,
	}
}

// historyDays is how far back partitions are computed: one day more than logs are kept.
func historyDays(retentionDays int) int {
	if retentionDays == 0 {
		return defaultHistoryDays
	}
	return retentionDays + 1
}

// jsonStorage describes JSON lines. A line that is not JSON becomes a row of nulls; with
// Hive's SerDe it would fail the query.
func jsonStorage(location string, columns []catalog.Column) *awsglue.CfnTable_StorageDescriptorProperty {
	return &awsglue.CfnTable_StorageDescriptorProperty{
		Columns:      glueColumns(columns),
		Location:     &location,
		InputFormat:  jsii.String("org.apache.hadoop.mapred.TextInputFormat"),
		OutputFormat: jsii.String("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
		SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
			SerializationLibrary: jsii.String("org.openx.data.jsonserde.JsonSerDe"),
			Parameters:           map[string]any{"ignore.malformed.json": "true", "case.insensitive": "true"},
		},
	}
}

// parquetStorage describes what Firehose's record format conversion writes.
func parquetStorage(location string, columns []catalog.Column) *awsglue.CfnTable_StorageDescriptorProperty {
	return &awsglue.CfnTable_StorageDescriptorProperty{
		Columns:      glueColumns(columns),
		Location:     &location,
		InputFormat:  jsii.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"),
		OutputFormat: jsii.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"),
		SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
			SerializationLibrary: jsii.String("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"),
			Parameters:           map[string]any{"serialization.format": "1"},
		},
	}
}

func glueColumns(columns []catalog.Column) []any {
	described := make([]any, len(columns))
	for i, column := range columns {
		described[i] = &awsglue.CfnTable_ColumnProperty{
			Name: jsii.String(column.Name), Type: jsii.String(column.Type), Comment: jsii.String(column.Description)}
	}
	return described
}

// newWorkGroup defines the workgroup. Its configuration overrides what clients ask for in
// any query.
func (c *Catalog) newWorkGroup(p CatalogProps) awsathena.CfnWorkGroup {
	const bytesPerGiB = 1 << 30
	encryption := &awsathena.CfnWorkGroup_EncryptionConfigurationProperty{EncryptionOption: jsii.String("SSE_S3")}
	if p.EncryptionKey != nil {
		encryption.EncryptionOption, encryption.KmsKey = jsii.String("SSE_KMS"), p.EncryptionKey.KeyArn()
	}
	return awsathena.NewCfnWorkGroup(c, jsii.String("WorkGroup"), &awsathena.CfnWorkGroupProps{
		Name:                  &p.WorkGroup,
		Description:           jsii.String("Queries of Route 53 Resolver query logs"),
		RecursiveDeleteOption: true,
		WorkGroupConfiguration: &awsathena.CfnWorkGroup_WorkGroupConfigurationProperty{
			BytesScannedCutoffPerQuery:      jsii.Number(p.BytesScannedLimitGiB * bytesPerGiB),
			EnforceWorkGroupConfiguration:   true,
			PublishCloudWatchMetricsEnabled: true,
			EngineVersion: &awsathena.CfnWorkGroup_EngineVersionProperty{
				SelectedEngineVersion: jsii.String("Athena engine version 3")},
			ResultConfiguration: &awsathena.CfnWorkGroup_ResultConfigurationProperty{
				EncryptionConfiguration: encryption,
				OutputLocation:          jsii.String("s3://" + *c.results.BucketName() + "/" + resultsFolder),
			},
		},
	})
}

// indicatorTable is the name of the table of published indicators.
const indicatorTable = "indicators"

// newIndicatorTable defines the table of published indicators: one object, which the
// importer replaces with each generation.
func (c *Catalog) newIndicatorTable() {
	c.addTable("IndicatorTable", &awsglue.CfnTable_TableInputProperty{
		Name:        jsii.String(indicatorTable),
		Description: jsii.String("The entries of all feeds that went into the published index"),
		TableType:   jsii.String("EXTERNAL_TABLE"),
		Parameters:  map[string]any{"EXTERNAL": "TRUE", "classification": "json"},
		StorageDescriptor: jsonStorage("s3://"+*c.index.BucketName()+"/"+catalog.IndicatorPrefix,
			catalog.IndicatorColumns()),
	})
}

// newQueries defines the named queries of the workgroup.
func (c *Catalog) newQueries(group awsathena.CfnWorkGroup, p projection) {
	fill := strings.NewReplacer("${logs}", c.names.table, "${indicators}", indicatorTable, "${format}", p.sql)
	for _, named := range queries.All() {
		name, text := named.Name, named.Text
		if c.index == nil && strings.Contains(text, "${indicators}") {
			continue
		}
		question, _, _ := strings.Cut(strings.TrimPrefix(text, "-- "), "\n")
		query := awsathena.NewCfnNamedQuery(c, &name, &awsathena.CfnNamedQueryProps{
			Name:        &name,
			Description: &question,
			Database:    &c.names.database,
			WorkGroup:   &c.names.workGroup,
			QueryString: jsii.String(fill.Replace(text)),
		})
		query.Node().AddDependency(group)
		c.afterDatabase(query)
	}
}
