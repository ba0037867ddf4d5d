//go:build !race

package resolverwatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A platform team provides a database, which Lake Formation governs.
func TestPipeline_existingDatabase(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		Delivery: &resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet}, Versioned: true},
		Catalog: &resolverwatch.CatalogProps{ExistingDatabaseName: "data-lake", LakeFormation: true, Versioned: true,
			NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(7))},
	})
	pipeline.Catalog().GrantQuery(newRole(stack, "Analyst")).AssertSuccess()
	if got := pipeline.Catalog().DatabaseName(); got != "data-lake" {
		t.Errorf("DatabaseName() = %s", got)
	}
	steps := fmt.Sprint(pipeline.Steps())
	if want := `--permissions CREATE_TABLE DESCRIBE --permissions-with-grant-option DESCRIBE --resource '{"Database":{"Name":"data-lake"}}'`; !strings.Contains(steps, want) {
		t.Errorf("no step with %s: %s", want, steps)
	}

	made := synth(t, stack)
	if ids := made.ids("AWS::Glue::Database"); len(ids) > 0 {
		t.Errorf("a new database %v", ids)
	}
	for _, id := range made.ids(glueTable) {
		made.resources[id].want(t, object{"DatabaseName": "data-lake"})
	}
	for _, id := range made.ids(namedQuery) {
		made.resources[id].want(t, object{"Database": "data-lake"})
	}
	made.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		destination + "DataFormatConversionConfiguration.SchemaConfiguration.DatabaseName": "data-lake"})

	granted := map[string]string{}
	for _, id := range made.ids("AWS::LakeFormation::PrincipalPermissions") {
		r := made.resources[id]
		to := withoutHashes(flatten(r.get("Principal.DataLakePrincipalIdentifier")))
		table := fmt.Sprint(r.get("Resource.Table.Name"), " ", r.get("Resource.Database.Name"))
		granted[to+" on "+table] = fmt.Sprint(r.get("Permissions"))
	}
	for table, want := range map[string]string{
		"<Analyst.Arn> on <nil> data-lake":                     "[DESCRIBE]",
		"<Analyst.Arn> on dns_logs <nil>":                      "[DESCRIBE SELECT]",
		"<Analyst.Arn> on dns_logs_parquet <nil>":              "[DESCRIBE SELECT]",
		"<Analyst.Arn> on indicators <nil>":                    "[DESCRIBE SELECT]",
		"<PipelineDeliveryRole.Arn> on dns_logs_parquet <nil>": "[DESCRIBE]",
	} {
		if granted[table] != want {
			t.Errorf("%s: %q, want %s, among %v", table, granted[table], want, granted)
		}
	}
	depends := fmt.Sprint(made.one("AWS::KinesisFirehose::DeliveryStream", "").DependsOn)
	if !strings.Contains(depends, "DeliveryReadsSchema") {
		t.Errorf("the stream does not wait for its permission: %s", depends)
	}
	if policy := flatten(made.one("AWS::IAM::Policy", "Analyst").get("PolicyDocument")); !strings.Contains(policy, "lakeformation:GetDataAccess") {
		t.Errorf("the analyst gets no credentials of Lake Formation: %s", policy)
	}

	const versioning, expiry = "VersioningConfiguration", "LifecycleConfiguration.Rules.%d.NoncurrentVersionExpiration.NoncurrentDays"
	made.one("AWS::S3::Bucket", "DeliveryLogs").want(t, object{versioning: object{"Status": "Enabled"}, fmt.Sprintf(expiry, 1): 90})
	made.one("AWS::S3::Bucket", "Results").want(t, object{versioning: object{"Status": "Enabled"}, fmt.Sprintf(expiry, 2): 7})
}

func TestCatalog_refusesDatabase(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack),
			ExistingDatabaseName:        "Lake",
			CatalogSettings:             resolverwatch.CatalogSettings{Database: "dns"},
			NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(7))})
	},
		"Test/Catalog ExistingDatabaseName",
		"Test/Catalog ExistingDatabaseName and Database",
		"Test/Catalog NoncurrentVersionExpiration",
	)
	wantRefused(t, func(stack awscdk.Stack) {
		catalog := resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
			OutputBucket: outputBucket(stack), LakeFormation: true})
		catalog.GrantQuery(awsiam.NewGroup(stack, jsii.String("Analysts"), nil))
	}, "Test/Catalog GrantQuery")
}
