package resolverwatch_test

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// The marked logs go to the log archive, a bucket and a key of another account. Steps lists
// the statements that the archive's policies need.
func ExampleNewDelivery() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("111122223333"), Region: jsii.String("eu-west-1")},
	})
	archive := awss3.Bucket_FromBucketAttributes(stack, jsii.String("Archive"), &awss3.BucketAttributes{
		BucketName: jsii.String("log-archive"),
		Account:    jsii.String("444455556666"),
	})
	key := awskms.Key_FromKeyArn(stack, jsii.String("ArchiveKey"),
		jsii.String("arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"))
	transformer := awslambda.Function_FromFunctionAttributes(stack, jsii.String("Transformer"), &awslambda.FunctionAttributes{
		FunctionArn:     jsii.String("arn:aws:lambda:eu-west-1:111122223333:function:transformer"),
		SkipPermissions: jsii.Bool(true),
	})

	delivery := resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		DeliverySettings: resolverwatch.DeliverySettings{
			Prefix:         "dns/!{timestamp:yyyy/MM/dd}/",
			BufferInterval: new(resolverwatch.Duration(5 * time.Minute)),
		},
		Transformer:  transformer,
		OutputBucket: archive,
		OutputKey:    key,
	})
	for _, step := range delivery.Steps() {
		awscdk.NewCfnOutput(stack, &step.ID, &awscdk.CfnOutputProps{Value: &step.Text, Description: &step.Why})
	}
}

// Marked logs that are already in a bucket can be queried from the database of a data lake.
// Analysts may run queries, and read only logs and results.
func ExampleNewCatalog() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), nil)
	logs := awss3.Bucket_FromBucketName(stack, jsii.String("Logs"), jsii.String("marked-dns-logs"))
	analyst := awsiam.NewRole(stack, jsii.String("Analyst"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewAccountRootPrincipal(),
	})

	catalog := resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
		CatalogSettings: resolverwatch.CatalogSettings{
			WorkGroup:            "dns",
			BytesScannedLimitGiB: 50,
		},
		OutputBucket:           logs,
		Prefix:                 "dns/!{timestamp:yyyy/MM/dd}/",
		MarkedLogRetentionDays: 400,
		ExistingDatabaseName:   "security_lake",
	})
	catalog.GrantQuery(analyst)
}
