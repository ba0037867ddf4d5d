package resolverwatch

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// checkCompaction rejects compaction of logs that the copies cannot replace.
func (p CatalogProps) checkCompaction(problems *problems) {
	if !p.Compaction {
		return
	}
	prefix, _ := withSlash(orDefault(p.Prefix, deliveryDefaults.Prefix))
	keys, err := newProjection(prefix)
	folder := writtenFolder(prefix)
	switch {
	case p.Format == FormatParquet, p.Format == "" && p.ParquetPrefix != "":
		problems.addf("Compaction: cannot be used with Format %s: its files are large already; leave one of them out", FormatParquet)
	case p.LakeFormation:
		problems.addf("Compaction: cannot be used with LakeFormation, because the hunter could not replace the view; leave one of them out")
	case err != nil: // reported as a problem of the prefix
	case keys.unit != "DAYS":
		problems.addf("Compaction: copies days, but Prefix has a folder for each hour, got %q; use !{timestamp:yyyy/MM/dd}/", prefix)
	case nested(folder, catalog.CompactedPrefix), nested(catalog.CompactedPrefix, folder):
		problems.addf("Compaction: writes to the folder %s, which Prefix contains or is in, got %q; change Prefix", catalog.CompactedPrefix, prefix)
	}
}

// newCopies defines the table of copied days, and the view that has each day from one of the
// tables. It reads all days from the logs until the hunter replaces it.
func newCopies(c *Catalog, p CatalogProps, keys projection) {
	c.logs = &keys
	copies := keys
	copies.folder, copies.after = catalog.CompactedPrefix, "/"
	c.newTable(p, logFormat{"CompactedTable", catalog.CompactedTable, copies, "parquet", parquetStorage})
	view := c.addTable("AllLogs", viewInput(c))
	view.Node().AddDependency(c.table)
	c.table, c.names.table = view, catalog.AllLogsView
}

// viewInput describes a view as Athena stores it.
func viewInput(c *Catalog) *awsglue.CfnTable_TableInputProperty {
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	described := append(catalog.Columns(), catalog.Column{
		Name: catalog.Partition, Type: "string", Description: "when the record arrived, in UTC: " + c.logs.format})
	var columns []column
	for _, d := range described {
		columns = append(columns, column{d.Name, catalog.PrestoType(d.Type)})
	}
	text, err := json.Marshal(map[string]any{
		"originalSql": catalog.ViewSQL(catalog.Copied{}), "catalog": "awsdatacatalog", "schema": c.names.database, "columns": columns})
	if err != nil {
		panic(err) // texts always encode
	}
	return &awsglue.CfnTable_TableInputProperty{
		Name:             jsii.String(catalog.AllLogsView),
		Description:      jsii.String("Marked logs, each day from " + logTable + " or from " + catalog.CompactedTable),
		TableType:        jsii.String("VIRTUAL_VIEW"),
		Parameters:       map[string]any{"presto_view": "true", "comment": "Presto View"},
		ViewOriginalText: jsii.String(fmt.Sprintf("/* Presto View: %s */", *awscdk.Fn_Base64(jsii.String(string(text))))),
		ViewExpandedText: jsii.String("/* Presto View */"),
		StorageDescriptor: &awsglue.CfnTable_StorageDescriptorProperty{
			Columns: glueColumns(described), Location: jsii.String(""), SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{}},
	}
}

// compactionStatements let the hunter copy days, delete what is left of a copy that failed, and
// replace the view.
func compactionStatements(c *Catalog) []statement {
	if c.logs == nil {
		return nil
	}
	database := c.names.database
	return []statement{
		{sid: "WriteCopies", resources: inFolders(c.output, []string{catalog.CompactedPrefix}), actions: []string{
			"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"}},
		{sid: "SeeUploads", resources: []string{*c.output.BucketArn()}, actions: []string{"s3:ListBucketMultipartUploads"}},
		{sid: "ReplaceView", actions: []string{"glue:CreateTable", "glue:UpdateTable"}, resources: []string{
			*awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{Service: jsii.String("glue"), Resource: jsii.String("catalog")}),
			c.arn("glue", "database", database), c.arn("glue", "table", database+"/"+catalog.AllLogsView)}},
	}
}

// compact sets what the hunter needs to copy the days of a catalog.
func compact(received *settings.HunterFunction, c *Catalog) {
	if c.logs == nil {
		return
	}
	received.CompactBucket = *c.output.BucketName()
	received.LogFolder, received.LogDay, received.LogFolderAfter = c.logs.folder, c.logs.sql, c.logs.after
}
