//go:build !race

package resolverwatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

const (
	glueTable  = "AWS::Glue::Table"
	namedQuery = "AWS::Athena::NamedQuery"
)

func outputBucket(stack awscdk.Stack) awss3.IBucket {
	return awss3.Bucket_FromBucketName(stack, jsii.String("Output"), jsii.String("marked"))
}

func TestCatalog_defaults(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack)})
	made := synth(t, stack)
	made.one("AWS::Glue::Database", "").want(t, object{"DatabaseInput.Name": "test"})
	made.one(glueTable, "CatalogTable").want(t, object{
		"DatabaseName":                                        "test",
		"TableInput.Name":                                     "dns_logs",
		"TableInput.StorageDescriptor.Location":               "s3://marked/dns-query-logs/",
		"TableInput.PartitionKeys.0.Name":                     "arrived",
		"TableInput.Parameters.projection.enabled":            nil, // its name contains a dot, see below
		"TableInput.StorageDescriptor.Columns.0.Name":         "version",
		"TableInput.StorageDescriptor.StoredAsSubDirectories": nil,
	})
	wantParameters(t, made, object{
		"projection.enabled": "true", "projection.arrived.type": "date", "projection.arrived.format": "yyyy/MM/dd",
		"projection.arrived.range": "NOW-1825DAYS,NOW", "projection.arrived.interval": "1",
		"projection.arrived.interval.unit": "DAYS",
		"storage.location.template":        "s3://marked/dns-query-logs/${arrived}/",
	})
	const config = "WorkGroupConfiguration."
	made.one("AWS::Athena::WorkGroup", "").want(t, object{
		"Name": "Test", config + "EnforceWorkGroupConfiguration": true, config + "BytesScannedCutoffPerQuery": 107374182400,
		config + "PublishCloudWatchMetricsEnabled":                              true,
		config + "ResultConfiguration.EncryptionConfiguration.EncryptionOption": "SSE_S3",
	})
	made.one("AWS::S3::Bucket", "Results").want(t, object{"LifecycleConfiguration.Rules.1.ExpirationInDays": 30})
}

func wantParameters(t *testing.T, made template, want object) {
	t.Helper()
	got, _ := made.one(glueTable, "CatalogTable").get("TableInput.Parameters").(object)
	for name, value := range want {
		if flatten(got[name]) != value {
			t.Errorf("%s: got %s, want %v", name, flatten(got[name]), value)
		}
	}
}

// The table's columns are the members that the marker writes; both come from pkg/catalog.
func TestCatalog_columns(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack)})
	var want []any
	for _, column := range catalog.Columns() {
		want = append(want, object{"Name": column.Name, "Type": column.Type, "Comment": column.Description})
	}
	synth(t, stack).one(glueTable, "CatalogTable").want(t, object{"TableInput.StorageDescriptor.Columns": want})
}

func TestCatalog_props(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
		OutputBucket: outputBucket(stack), Prefix: "logs/!{timestamp:yyyy-MM-dd-HH}",
		CatalogSettings:        resolverwatch.CatalogSettings{Database: "dns", WorkGroup: "soc", BytesScannedLimitGiB: 1},
		ResultRetention:        awscdk.Duration_Days(jsii.Number(7)),
		MarkedLogRetentionDays: 90, EncryptionKey: key,
		AccessLogBucket: indexBucket(stack), RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	made := synth(t, stack)
	made.one("AWS::Glue::Database", "").want(t, object{"DatabaseInput.Name": "dns"})
	made.one(glueTable, "CatalogTable").want(t, object{"DatabaseName": "dns"})
	wantParameters(t, made, object{
		"projection.arrived.format": "yyyy-MM-dd-HH", "projection.arrived.interval.unit": "HOURS",
		"projection.arrived.range":  "NOW-91DAYS,NOW",
		"storage.location.template": "s3://marked/logs/${arrived}/",
	})
	made.one("AWS::Athena::WorkGroup", "").want(t, object{
		"Name": "soc", "WorkGroupConfiguration.BytesScannedCutoffPerQuery": 1 << 30,
		"WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration.KmsKey": "<Key961B73FD.Arn>",
	})
	results := made.one("AWS::S3::Bucket", "Results")
	results.want(t, object{"LifecycleConfiguration.Rules.1.ExpirationInDays": 7,
		"LoggingConfiguration.DestinationBucketName": "index-bucket"})
	if results.DeletionPolicy != "Delete" {
		t.Errorf("deletion policy %q", results.DeletionPolicy)
	}
}

// The location of a table is a folder, whatever follows it in the prefix.
func TestCatalog_hivePrefix(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
		OutputBucket: outputBucket(stack), Prefix: "dns/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"})
	made := synth(t, stack)
	made.one(glueTable, "CatalogTable").want(t, object{"TableInput.StorageDescriptor.Location": "s3://marked/dns/"})
	wantParameters(t, made, object{"storage.location.template": "s3://marked/dns/year=${arrived}/"})
}

// The queries use the names of the tables, and format partitions as in the prefix. Each has
// its question as its description.
func TestCatalog_queries(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack),
		IndexBucket: indexBucket(stack), Prefix: "dns/!{timestamp:yyyy-MM-dd-HH}/",
		CatalogSettings: resolverwatch.CatalogSettings{WorkGroup: "soc", Database: "dns"}})
	made := synth(t, stack)
	made.one(glueTable, "IndicatorTable").want(t, object{"TableInput.Name": "indicators", "DatabaseName": "dns",
		"TableInput.StorageDescriptor.Location": "s3://index-bucket/indicators/"})
	hunt := made.one(namedQuery, "retrohunt")
	hunt.want(t, object{"Name": "retro-hunt", "WorkGroup": "soc", "Database": "dns",
		"Description": "Which hosts queried a name before it was on a list?"})
	for _, id := range made.ids(namedQuery) {
		text := made.resources[id].get("QueryString").(string)
		if strings.Contains(text, "${") || !strings.Contains(text, "FROM dns_logs\n") ||
			!strings.Contains(text, "'%Y-%m-%d-%H'") {
			t.Errorf("%s: a placeholder is not filled in:\n%s", id, text)
		}
		if dependencies := fmt.Sprint(made.resources[id].DependsOn); !strings.Contains(dependencies, "CatalogWorkGroup") {
			t.Errorf("%s: depends on %s, not on its workgroup", id, dependencies)
		}
	}
}

// Without the index bucket there are no indicators to search for.
func TestCatalog_withoutIndicators(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack)})
	made := synth(t, stack)
	if tables := made.ids(glueTable); len(tables) != 1 {
		t.Errorf("tables %v", tables)
	}
	for _, id := range made.ids(namedQuery) {
		if strings.Contains(made.resources[id].get("QueryString").(string), "FROM indicators") {
			t.Errorf("%s reads a table that does not exist", id)
		}
	}
}

func TestCatalog_grantQuery(t *testing.T) {
	stack := newStack(t)
	made := resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack)})
	user := awsiam.NewRole(stack, jsii.String("Analyst"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
	made.GrantQuery(user)
	text := flatten(synth(t, stack).one("AWS::IAM::Policy", "Analyst").get("PolicyDocument"))
	for _, part := range []string{"athena:StartQueryExecution", "workgroup/Test", "glue:GetTable", "database/test", "database/default", "s3:GetObject"} {
		if !strings.Contains(text, part) {
			t.Errorf("grant lacks %s: %s", part, text)
		}
	}
}

func TestCatalog_refuses(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
			Prefix:          "logs/!{firehose:random-string}/!{timestamp:yyyy/MM/dd}/",
			CatalogSettings: resolverwatch.CatalogSettings{Database: "DNS", WorkGroup: "a b", BytesScannedLimitGiB: -1},
			ResultsBucket:   outputBucket(stack), ResultRetention: awscdk.Duration_Days(jsii.Number(1)),
		})
	},
		"Test/Catalog BytesScannedLimitGiB",
		"Test/Catalog OutputBucket",
		"Test/Catalog Prefix",
		"Test/Catalog Database",
		"Test/Catalog WorkGroup",
		"Test/Catalog ResultsBucket and ResultRetention",
	)
}
