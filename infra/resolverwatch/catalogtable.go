package resolverwatch

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// logTable is the name of the table of marked logs.
const logTable = "dns_logs"

// newTable defines the table of marked logs. A row is a line; members that Resolver may
// add later are passed over.
func (c *Catalog) newTable(p CatalogProps, projection projection) awsglue.CfnTable {
	bucket := "s3://" + *p.OutputBucket.BucketName() + "/"
	// A table lies in a folder; what a prefix writes before its first timestamp may go on
	// behind the last slash, as in year=!{timestamp:yyyy}/.
	location := bucket + projection.folder[:strings.LastIndexByte(projection.folder, '/')+1]
	table := awsglue.NewCfnTable(c, jsii.String("Table"), &awsglue.CfnTableProps{
		CatalogId:    awscdk.Stack_Of(c).Account(),
		DatabaseName: &p.DatabaseName,
		TableInput: &awsglue.CfnTable_TableInputProperty{
			Name:        jsii.String(logTable),
			Description: jsii.String("Route 53 Resolver query logs with the verdict on each query"),
			TableType:   jsii.String("EXTERNAL_TABLE"),
			Parameters:  tableParameters(projection, bucket, historyDays(p.LogRetention)),
			PartitionKeys: []any{&awsglue.CfnTable_ColumnProperty{
				Name: jsii.String(catalog.Partition), Type: jsii.String("string"),
				Comment: jsii.String("when the record arrived, in UTC: " + projection.format)}},
			StorageDescriptor: jsonStorage(location, catalog.Columns()),
		},
	})
	table.AddDependency(c.database)
	return table
}

// tableParameters make Athena compute the partitions, from the first that may hold a
// log to that of now.
func tableParameters(p projection, bucket string, days int) map[string]any {
	const column = "projection." + catalog.Partition
	return map[string]any{
		"EXTERNAL":                  "TRUE",
		"classification":            "json",
		"projection.enabled":        "true",
		column + ".type":            "date",
		column + ".format":          p.format,
		column + ".range":           fmt.Sprintf("NOW-%dDAYS,NOW", days),
		column + ".interval":        "1",
		column + ".interval.unit":   p.unit,
		"storage.location.template": bucket + p.folder + "${" + catalog.Partition + "}" + p.after,
	}
}

// historyDays is how far back partitions are computed: a day more than logs are kept.
func historyDays(retention awscdk.Duration) int {
	if retention == nil {
		return defaultHistoryDays
	}
	return int(*retention.ToDays(&awscdk.TimeConversionOptions{Integral: jsii.Bool(false)})) + 1
}

// jsonStorage describes JSON lines. A line that is no JSON is a row of nulls: with Hive's
// SerDe it would end the query.
func jsonStorage(location string, columns []catalog.Column) *awsglue.CfnTable_StorageDescriptorProperty {
	var described []any
	for _, column := range columns {
		described = append(described, &awsglue.CfnTable_ColumnProperty{
			Name: jsii.String(column.Name), Type: jsii.String(column.Type), Comment: jsii.String(column.Description)})
	}
	return &awsglue.CfnTable_StorageDescriptorProperty{
		Columns:      described,
		Location:     &location,
		InputFormat:  jsii.String("org.apache.hadoop.mapred.TextInputFormat"),
		OutputFormat: jsii.String("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
		SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
			SerializationLibrary: jsii.String("org.openx.data.jsonserde.JsonSerDe"),
			Parameters:           map[string]any{"ignore.malformed.json": "true", "case.insensitive": "true"},
		},
	}
}

// newWorkGroup defines the workgroup. Its settings hold for every query in it, whatever
// the client asks for.
func (c *Catalog) newWorkGroup(p CatalogProps) awsathena.CfnWorkGroup {
	limit := float64(defaultBytesLimit)
	if p.BytesScannedLimit != nil {
		limit = *p.BytesScannedLimit.ToBytes(nil)
	}
	encryption := &awsathena.CfnWorkGroup_EncryptionConfigurationProperty{EncryptionOption: jsii.String("SSE_S3")}
	if p.EncryptionKey != nil {
		encryption.EncryptionOption, encryption.KmsKey = jsii.String("SSE_KMS"), p.EncryptionKey.KeyArn()
	}
	return awsathena.NewCfnWorkGroup(c, jsii.String("WorkGroup"), &awsathena.CfnWorkGroupProps{
		Name:                  &p.WorkGroupName,
		Description:           jsii.String("Queries of Route 53 Resolver query logs"),
		RecursiveDeleteOption: true,
		WorkGroupConfiguration: &awsathena.CfnWorkGroup_WorkGroupConfigurationProperty{
			BytesScannedCutoffPerQuery:      &limit,
			EnforceWorkGroupConfiguration:   true,
			PublishCloudWatchMetricsEnabled: true,
			EngineVersion: &awsathena.CfnWorkGroup_EngineVersionProperty{
				SelectedEngineVersion: jsii.String("Athena engine version 3")},
			ResultConfiguration: &awsathena.CfnWorkGroup_ResultConfigurationProperty{
				EncryptionConfiguration: encryption,
				OutputLocation:          jsii.String("s3://" + *c.results.BucketName() + "/results/"),
			},
		},
	})
}
