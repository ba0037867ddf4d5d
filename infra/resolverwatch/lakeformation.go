package resolverwatch

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslakeformation"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

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
