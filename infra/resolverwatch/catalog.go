package resolverwatch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslakeformation"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// CatalogProps configures a [Catalog].
type CatalogProps struct {
	CatalogSettings

	// OutputBucket holds the marked logs. Required.
	OutputBucket awss3.IBucket
	// OutputKey is the customer managed key of the output bucket.
	//
	// Default: the bucket's own key, if the bucket knows it.
	OutputKey awskms.IKey
	// IndexBucket holds the published indicators, which the retro-hunt searches for.
	// IndexKey is its customer managed key.
	//
	// Default: there is no table of indicators and no query that needs it; for IndexKey,
	// the bucket's own key, if the bucket knows it.
	IndexBucket awss3.IBucket
	IndexKey    awskms.IKey
	// Prefix is the prefix of the marked logs, as in the delivery stream.
	//
	// Default: the default of a [Delivery].
	Prefix string
	// ParquetPrefix is the prefix of marked logs in Parquet, as in the delivery stream.
	// They get a table of their own.
	//
	// Default: there is no Parquet table.
	ParquetPrefix string
	// Format says which table the named queries read: JSON or PARQUET. The other table can
	// be queried by its name.
	//
	// Default: PARQUET with a ParquetPrefix, else JSON.
	Format Format
	// ExistingDatabaseName is the name of a Glue database in this account and Region to use
	// instead of a new one. It must not contain tables with these names yet: dns_logs,
	// dns_logs_parquet, indicators, and with Compaction dns_logs_compacted and dns_logs_all.
	//
	// Default: a new database.
	ExistingDatabaseName string
	// LakeFormation is for an account whose Data Catalog is governed by Lake Formation.
	// [Catalog.GrantQuery] then grants Lake Formation permissions in addition to IAM
	// permissions, and a [Pipeline] does the same for the role of its stream. Steps lists
	// what the deployment itself needs.
	//
	// Default: only IAM permissions.
	LakeFormation bool
	// ResultsBucket is an existing bucket for the results of queries.
	//
	// Default: a new bucket.
	ResultsBucket awss3.IBucket
	// Versioned keeps replaced and deleted results in the new bucket.
	//
	// Default: no versions are kept.
	Versioned bool
	// NoncurrentVersionExpiration is how long old versions are kept: whole days, at least
	// 1.
	//
	// Default: 90 days with Versioned.
	NoncurrentVersionExpiration awscdk.Duration
	// ResultRetention is how long results stay in the new bucket.
	//
	// Default: 30 days.
	ResultRetention awscdk.Duration
	// MarkedLogRetentionDays is how long marked logs are kept, as in the delivery stream. It
	// limits the partitions that a query without a time filter reads.
	//
	// Default: five years.
	MarkedLogRetentionDays int
	// EncryptionKey encrypts results.
	//
	// Default: the key of an existing results bucket, if it is known, otherwise keys of S3.
	EncryptionKey awskms.IKey
	// PreviousKeys are the customer managed keys that logs, indicators and results were
	// encrypted with in the past. [Catalog.GrantQuery] lets its grantee decrypt with them,
	// too.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// AccessLogBucket receives the server access logs of the new bucket.
	//
	// Default: no access logs.
	AccessLogBucket awss3.IBucket
	// RemovalPolicy is what happens to the new bucket when it leaves the stack: RETAIN,
	// RETAIN_ON_UPDATE_OR_DELETE or DESTROY.
	//
	// Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

const (
	defaultResultDays  = 30
	defaultHistoryDays = 5 * 365
)

// Names that Athena accepts without quotes, for databases and for workgroups.
var (
	databaseName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,127}$`)
	workGroupName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`)
	// Glue accepts more names than Athena does without quotes.
	existingDatabaseName = regexp.MustCompile(`^[a-z0-9_-]{1,255}$`)
	notInDatabase        = regexp.MustCompile(`[^a-z0-9_]+`)
)

func (p CatalogProps) withDefaults(scope constructs.Construct) CatalogProps {
	settings.Fill(&p.CatalogSettings)
	p.Prefix, _ = withSlash(orDefault(p.Prefix, deliveryDefaults.Prefix))
	if p.Format == "" && p.ParquetPrefix != "" {
		p.Format = FormatParquet
	}
	p.Database = orDefault(p.Database, p.ExistingDatabaseName)
	p.Database = orDefault(p.Database, notInDatabase.ReplaceAllString(strings.ToLower(knownStackName(scope)), "_"))
	p.WorkGroup = orDefault(p.WorkGroup, stackName(scope))
	if p.ResultRetention == nil {
		p.ResultRetention = awscdk.Duration_Days(jsii.Number(defaultResultDays))
	}
	p.OutputKey = firstKey(p.OutputKey, ownKey(p.OutputBucket))
	p.IndexKey = firstKey(p.IndexKey, ownKey(p.IndexBucket))
	p.EncryptionKey = firstKey(p.EncryptionKey, ownKey(p.ResultsBucket))
	return p
}

// folders returns the folders that contain the marked logs.
func (p CatalogProps) folders() []string {
	folders := []string{writtenFolder(p.Prefix)}
	if p.ParquetPrefix != "" {
		folders = append(folders, writtenFolder(p.ParquetPrefix))
	}
	if p.Compaction {
		folders = append(folders, catalog.CompactedPrefix)
	}
	return folders
}

func (p CatalogProps) validate() error {
	var problems problems
	problems.settings(p.CatalogSettings)
	problems.settings(DeliverySettings{Format: p.Format, MarkedLogRetentionDays: p.MarkedLogRetentionDays})
	problems.required("OutputBucket", p.OutputBucket == nil)
	prefix, _ := withSlash(orDefault(p.Prefix, deliveryDefaults.Prefix))
	_, err := newProjection(prefix)
	problems.wrap("Prefix", err)
	if p.ParquetPrefix != "" {
		prefix, _ := withSlash(p.ParquetPrefix)
		_, err := newProjection(prefix)
		problems.wrap("ParquetPrefix", err)
		checkFormatFolders(&problems, p.Prefix, p.ParquetPrefix)
	}
	if p.Format == FormatParquet && p.ParquetPrefix == "" {
		problems.addf("ParquetPrefix: must be set with Format %s", FormatParquet)
	}
	p.checkCompaction(&problems)
	problems.name("Database", p.Database, databaseName, "1 to 128 of a-z 0-9 _, the first a letter")
	problems.name("ExistingDatabaseName", p.ExistingDatabaseName, existingDatabaseName, "1 to 255 of a-z 0-9 _ -")
	problems.exclusive("ExistingDatabaseName", p.ExistingDatabaseName != "", "Database", p.Database != "")
	problems.name("WorkGroup", p.WorkGroup, workGroupName, "1 to 128 of a-z A-Z 0-9 . _ -")
	checkPreviousKeys(&problems, p.PreviousKeys)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey, "OutputKey": p.OutputKey, "IndexKey": p.IndexKey,
		"OutputBucket.EncryptionKey": keyUnless(p.OutputKey, p.OutputBucket), "IndexBucket.EncryptionKey": keyUnless(p.IndexKey, p.IndexBucket),
		"ResultsBucket.EncryptionKey": keyUnless(p.EncryptionKey, p.ResultsBucket)})
	problems.exclusive("ResultsBucket", p.ResultsBucket != nil, "ResultRetention", p.ResultRetention != nil)
	problems.exclusive("ResultsBucket", p.ResultsBucket != nil, "Versioned", p.Versioned)
	checkVersions(&problems, p.Versioned, p.NoncurrentVersionExpiration)
	problems.days("ResultRetention", p.ResultRetention)
	problems.removal(p.RemovalPolicy)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p CatalogProps) check(scope constructs.Construct) error {
	var problems problems
	home, named := placeOf(scope), p.withDefaults(scope)
	checkFree(&problems, scope, "", "Database", named.Database)
	checkFree(&problems, scope, "", "WorkGroup", named.WorkGroup)
	checkKeyOf(&problems, "OutputKey", p.OutputKey, p.OutputBucket)
	checkKeyOf(&problems, "IndexKey", p.IndexKey, p.IndexBucket)
	checkResultsIn(&problems, "ResultsBucket", p.ResultsBucket, home)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, home)
	checkAccessLogsIn(&problems, p.AccessLogBucket, home)
	return errors.Join(p.validate(), problems.join())
}

// Catalog makes the marked logs ready for queries: a Glue table whose partitions are
// computed from the prefix, a table of the published indicators, and an Athena workgroup
// with named queries and a limit on how much a query may read.
type Catalog struct {
	constructs.Construct
	steps steps

	database  awsglue.CfnDatabase // nil for an existing database
	tables    []catalogTable
	governed  bool             // by Lake Formation
	table     awsglue.CfnTable // the one that the named queries read
	names     catalogNames
	logs      *projection // of the logs whose days are copied; nil without compaction
	folders   []string    // of the marked logs
	output    awss3.IBucket
	outputKey awskms.IKey
	index     awss3.IBucket // nil without indicators
	indexKey  awskms.IKey
	results   awss3.IBucket
	key       awskms.IKey
	previous  []awskms.IKey
}

// ToString returns the path of the construct.
func (c *Catalog) ToString() *string { return c.Node().Path() }

// catalogTable is a table of the catalog with its construct id.
type catalogTable struct {
	id, name string
	resource awsglue.CfnTable
}

// catalogNames are the names that people type.
type catalogNames struct{ database, workGroup, table string }

// NewCatalog defines a [Catalog]. It panics if the props are not valid.
func NewCatalog(scope constructs.Construct, id string, props *CatalogProps) *Catalog {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults(scope)
	this := &Catalog{
		output: p.OutputBucket, outputKey: p.OutputKey, index: p.IndexBucket, indexKey: p.IndexKey,
		results: p.ResultsBucket, key: p.EncryptionKey, folders: p.folders(), previous: p.PreviousKeys,
		names: catalogNames{database: p.Database, workGroup: p.WorkGroup},
	}
	begin(this, scope, id, problems)
	claim(this, "", "Database", p.Database)
	claim(this, "", "WorkGroup", p.WorkGroup)
	if p.ExistingDatabaseName == "" {
		this.newDatabase()
	}
	if p.LakeFormation {
		this.governed = true
		this.remindOfLakeFormation(p.ExistingDatabaseName != "")
	}
	asked := this.newTables(p)
	if this.index != nil {
		this.newIndicatorTable()
	}
	if this.results == nil {
		this.steps.remindOfAccessLogs(this, p.AccessLogBucket)
		this.results = newBucket(this, "Results", bucketProps{
			key: p.EncryptionKey, accessLogs: p.AccessLogBucket, removal: p.RemovalPolicy, versioned: p.Versioned,
			lifecycle: append([]*awss3.LifecycleRule{{Id: jsii.String("ResultRetention"), Expiration: p.ResultRetention}},
				versionRules(p.Versioned, p.NoncurrentVersionExpiration)...),
		})
	}
	this.newQueries(this.newWorkGroup(p), asked)
	return this
}

func (c *Catalog) newDatabase() {
	c.database = awsglue.NewCfnDatabase(c, jsii.String("Database"), &awsglue.CfnDatabaseProps{
		CatalogId: awscdk.Stack_Of(c).Account(),
		DatabaseInput: &awsglue.CfnDatabase_DatabaseInputProperty{
			Name:        &c.names.database,
			Description: jsii.String("Route 53 Resolver query logs, marked by Resolverwatch"),
		},
	})
}

// addTable defines a table that is created after its database.
func (c *Catalog) addTable(id string, input *awsglue.CfnTable_TableInputProperty) awsglue.CfnTable {
	table := awsglue.NewCfnTable(c, &id, &awsglue.CfnTableProps{
		CatalogId: awscdk.Stack_Of(c).Account(), DatabaseName: &c.names.database, TableInput: input})
	c.afterDatabase(table)
	c.tables = append(c.tables, catalogTable{id: id, name: *input.Name, resource: table})
	return table
}

// afterDatabase makes CloudFormation create a resource after a new database.
func (c *Catalog) afterDatabase(resource constructs.Construct) {
	if c.database != nil {
		resource.Node().AddDependency(c.database)
	}
}

// DatabaseName returns the name of the Glue database.
func (c *Catalog) DatabaseName() string { return c.names.database }

// TableName returns the name of the table of marked logs that the named queries read:
// `dns_logs`, `dns_logs_parquet`, or with compaction the view `dns_logs_all`.
func (c *Catalog) TableName() string { return c.names.table }

// WorkGroupName returns the name of the Athena workgroup.
func (c *Catalog) WorkGroupName() string { return c.names.workGroup }

// ResultsBucket returns the bucket of query results.
func (c *Catalog) ResultsBucket() awss3.IBucket { return c.results }

// Steps returns what is left to do by hand, before or after a deployment.
func (c *Catalog) Steps() []Step { return slices.Clone(c.steps) }

// resultsFolder is where the workgroup writes the results of queries.
const resultsFolder = "results/"

// GrantQuery lets grantee run queries in the workgroup: read the logs and the indicators,
// and write and read results, including use of the customer managed keys of all three. It
// panics if the grantee belongs to another account or has no policy, because neither
// workgroups nor Glue tables have a resource policy that could admit it.
func (c *Catalog) GrantQuery(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeOfAccount(c, "GrantQuery", grantee, "the catalog", "workgroups cannot be shared")
	granted := c.steps.grant(c, "GrantQuery", grantee, append(c.queryStatements(), c.dataAccess()...))
	if c.governed {
		c.letQuery(grantee.GrantPrincipal())
	}
	return granted
}

// dataAccess lets a grantee read what the tables consist of, and write and read results.
func (c *Catalog) dataAccess() []access {
	list := readFolders(c.output, c.folders...)
	if c.index != nil {
		list = append(list, readFolders(c.index, catalog.IndicatorPrefix)...)
	}
	list = append(list, c.keepResults()...)
	list = append(list, useKeys("s3", keyRead, bothKeys(c.previous, c.outputKey, c.indexKey)...)...)
	return append(list, useKeys("s3", keyWrite, c.key)...)
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
		c.seeDefaultDatabase(),
	}
	statements = append(statements, governedStatements(c)...)
	list := make([]access, len(statements))
	for i, s := range statements {
		list[i].statement = s // workgroups and tables have no resource policy to add it to
	}
	return list
}

// seeDefaultDatabase lets Athena see the default database, which it needs no matter which one
// is queried (its user guide, "Configure access to databases and tables in the AWS Glue Data
// Catalog").
func (c *Catalog) seeDefaultDatabase() statement {
	return statement{resources: []string{c.arn("glue", "database", "default")}, actions: []string{"glue:GetDatabase"}}
}

// governedStatements let a grantee read data in registered buckets, with credentials of Lake
// Formation.
func governedStatements(c *Catalog) []statement {
	if !c.governed {
		return nil
	}
	return []statement{{resources: []string{"*"}, actions: []string{"lakeformation:GetDataAccess"}}}
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

// remindOfLakeFormation adds a step with the Lake Formation permissions that the deployment
// needs.
func (c *Catalog) remindOfLakeFormation(existing bool) {
	permission, resource := "CREATE_DATABASE", `{"Catalog":{}}`
	if existing {
		permission, resource = "CREATE_TABLE DESCRIBE", `{"Database":{"Name":"`+c.names.database+`"}}`
	}
	grantable := ""
	if existing { // the catalog grants DESCRIBE to others
		grantable = " --permissions-with-grant-option DESCRIBE"
	}
	c.steps.remind(c, Step{
		ID: "LakeFormationDeployment",
		Why: "Lake Formation governs the Data Catalog: the role that CloudFormation deploys with must be a data lake " +
			"administrator or have this permission. It also needs DATA_LOCATION_ACCESS to registered buckets.",
		Text: fmt.Sprintf("aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier=ROLE_ARN "+
			"--permissions %s%s --resource '%s'", permission, grantable, resource),
	})
}

// letQuery grants a principal Lake Formation permissions to read the tables, in addition to
// those of IAM (Athena user guide, "Manage Lake Formation and Athena user permissions").
func (c *Catalog) letQuery(principal awsiam.IPrincipal) {
	grantee, isConstruct := principal.(constructs.IConstruct)
	arns := (*principal.PolicyFragment().PrincipalJson())["AWS"]
	_, isGroup := principal.(awsiam.IGroup)
	if !isConstruct || isGroup || arns == nil || len(*arns) != 1 {
		panic(fmt.Errorf("%s: GrantQuery: Lake Formation grants to roles and users only; %s", *c.Node().Path(), grantToRole))
	}
	// The id is derived from the principal: if the id changed, CloudFormation would grant
	// the permission a second time, and then revoke it.
	scope := constructs.NewConstruct(c, jsii.String("LakeFormation-"+*grantee.Node().Addr()))
	arn := (*arns)[0]
	c.permit(scope, "Database", arn, []string{"DESCRIBE"}, &awslakeformation.CfnPrincipalPermissions_ResourceProperty{
		Database: &awslakeformation.CfnPrincipalPermissions_DatabaseResourceProperty{
			CatalogId: awscdk.Stack_Of(c).Account(), Name: &c.names.database}})
	for _, table := range c.tables {
		c.permit(scope, table.id, arn, []string{"DESCRIBE", "SELECT"}, c.tableResource(table.name))
	}
}

// letDescribe lets the role of a delivery stream read the Parquet table, and returns the
// dependency that the stream must wait for.
func (c *Catalog) letDescribe(role awsiam.IRole) constructs.IDependable {
	return c.permit(c, "DeliveryReadsSchema", role.RoleArn(), []string{"DESCRIBE"}, c.tableResource(parquetTable))
}

func (c *Catalog) tableResource(name string) *awslakeformation.CfnPrincipalPermissions_ResourceProperty {
	return &awslakeformation.CfnPrincipalPermissions_ResourceProperty{
		Table: &awslakeformation.CfnPrincipalPermissions_TableResourceProperty{
			CatalogId: awscdk.Stack_Of(c).Account(), DatabaseName: &c.names.database, Name: &name}}
}

// permit defines one permission of Lake Formation, after the resource that it is for.
func (c *Catalog) permit(scope constructs.Construct, id string, principal *string, permissions []string,
	target *awslakeformation.CfnPrincipalPermissions_ResourceProperty,
) constructs.IDependable {
	permission := awslakeformation.NewCfnPrincipalPermissions(scope, &id, &awslakeformation.CfnPrincipalPermissionsProps{
		Principal: &awslakeformation.CfnPrincipalPermissions_DataLakePrincipalProperty{
			DataLakePrincipalIdentifier: principal},
		Resource:                   target,
		Permissions:                jsii.Strings(permissions...),
		PermissionsWithGrantOption: &[]*string{},
	})
	for _, table := range c.tables {
		permission.Node().AddDependency(table.resource)
	}
	return permission
}
