package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// resultsFolder is where the workgroup writes the results of queries.
const resultsFolder = "results/"

// GrantQuery lets grantee run queries in the workgroup: read the logs and the indicators,
// and write and read results, including use of the customer managed keys of all three. It
// panics if the grantee belongs to another account or has no policy, because neither
// workgroups nor Glue tables have a resource policy that could admit it.
func (c *Catalog) GrantQuery(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeOfAccount(c, "GrantQuery", grantee, "the catalog", "workgroups cannot be shared")
	list := append(c.queryStatements(), readFolders(c.output, c.folders...)...)
	if c.index != nil {
		list = append(list, readFolders(c.index, catalog.IndicatorPrefix)...)
	}
	list = append(list, c.keepResults()...)
	list = append(list, useKeys("s3", keyRead, bothKeys(c.previous, c.outputKey, c.indexKey)...)...)
	granted := c.steps.grant(c, "GrantQuery", grantee, append(list, useKeys("s3", keyWrite, c.key)...))
	if c.governed {
		c.letQuery(grantee.GrantPrincipal())
	}
	return granted
}

// queryStatements returns the statements that let a grantee run any query and see the
// tables.
func (c *Catalog) queryStatements() []access {
	glueCatalog := *awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{Service: jsii.String("glue"), Resource: jsii.String("catalog")})
	database := c.names.database
	statements := []statement{
		{resources: []string{c.arn("athena", "workgroup", c.names.workGroup)}, actions: []string{
			"athena:BatchGetNamedQuery", "athena:GetNamedQuery", "athena:GetQueryExecution", "athena:GetQueryResults",
			"athena:GetWorkGroup", "athena:ListNamedQueries", "athena:StartQueryExecution", "athena:StopQueryExecution"}},
		{resources: []string{glueCatalog, c.arn("glue", "database", database), c.arn("glue", "table", database+"/*")},
			actions: []string{"glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"}},
		// Athena needs to see the default database, no matter which one is queried (its
		// user guide, "Configure access to databases and tables in the AWS Glue Data
		// Catalog").
		{resources: []string{c.arn("glue", "database", "default")}, actions: []string{"glue:GetDatabase"}},
	}
	if c.governed { // data in registered buckets is read with credentials of Lake Formation
		statements = append(statements, statement{resources: []string{"*"}, actions: []string{"lakeformation:GetDataAccess"}})
	}
	list := make([]access, len(statements))
	for i, s := range statements {
		list[i].statement = s // workgroups and tables have no resource policy to add it to
	}
	return list
}

// keepResults lets Athena write the results of a query on behalf of a grantee, and lets the
// grantee read them (Athena user guide, "Access to workgroups and query result locations").
func (c *Catalog) keepResults() []access {
	policy, folders := bucketPolicy(c.results), []string{resultsFolder}
	return []access{
		{statement{resources: inFolders(c.results, folders), actions: []string{
			"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"}}, policy},
		{statement{resources: []string{*c.results.BucketArn()},
			actions: []string{"s3:GetBucketLocation", "s3:ListBucketMultipartUploads"}}, policy},
		{listFolders(c.results, folders), policy},
	}
}

// arn returns the ARN of a resource in the account and Region of the catalog.
func (c *Catalog) arn(service, resource, name string) string {
	return *awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{Service: &service, Resource: &resource, ResourceName: &name})
}
