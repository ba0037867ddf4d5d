package resolverwatch

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// indicatorTable is the name of the table of published indicators.
const indicatorTable = "indicators"

// Each file is one named query, in SQL except for the placeholders ${...}: the tables, and
// the format of partitions. Its first line is the question that it answers.
//
//go:embed queries/*.sql
var queryFiles embed.FS

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
	files, err := queryFiles.ReadDir("queries")
	if err != nil {
		panic(fmt.Errorf("reading the named queries: %w", err))
	}
	fill := strings.NewReplacer("${logs}", c.names.table, "${indicators}", indicatorTable, "${format}", p.sql)
	for _, file := range files {
		text, err := queryFiles.ReadFile(path.Join("queries", file.Name()))
		if err != nil {
			panic(fmt.Errorf("reading a named query: %w", err))
		}
		if c.index == nil && strings.Contains(string(text), "${indicators}") {
			continue
		}
		name := strings.TrimSuffix(file.Name(), ".sql")
		question, _, _ := strings.Cut(strings.TrimPrefix(string(text), "-- "), "\n")
		query := awsathena.NewCfnNamedQuery(c, &name, &awsathena.CfnNamedQueryProps{
			Name:        &name,
			Description: &question,
			Database:    &c.names.database,
			WorkGroup:   &c.names.workGroup,
			QueryString: jsii.String(fill.Replace(string(text))),
		})
		query.Node().AddDependency(group)
		c.afterDatabase(query)
	}
}
