package resolverwatch_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A pipeline inside the stack of another app. The resolverwatch command finds it by its
// outputs: resolverwatch status --stack Security.
func ExamplePipeline_AddOutputs() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Security"), nil)

	pipeline := resolverwatch.NewPipeline(stack, "Resolverwatch", nil)
	pipeline.AddOutputs()

	app.Synth(nil)
}

// Two pipelines in one stack: resolverwatch status --stack Security --pipeline Guests shows
// the second one. Names that people type must be different.
func ExamplePipeline_AddNamedOutputs() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Security"), nil)
	resolverwatch.NewPipeline(stack, "Staff", nil).AddOutputs()

	guests := resolverwatch.NewPipeline(stack, "Guests", &resolverwatch.PipelineProps{
		Importer: &resolverwatch.ImporterProps{StackName: "guests"},
		Catalog: &resolverwatch.CatalogProps{
			CatalogSettings: resolverwatch.CatalogSettings{Database: "guests", WorkGroup: "guests"},
		},
	})
	guests.AddNamedOutputs("Guests")

	app.Synth(nil)
}

// Query logging to an existing stream, for VPCs that are looked up. The configuration is
// shared with the accounts of an organization.
func ExampleNewQueryLogging() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("DnsLogs"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("111122223333"), Region: jsii.String("eu-west-1")},
	})
	vpc := awsec2.Vpc_FromLookup(stack, jsii.String("Vpc"), &awsec2.VpcLookupOptions{VpcName: jsii.String("main")})
	stream := awskinesisfirehose.DeliveryStream_FromDeliveryStreamName(stack, jsii.String("Stream"), jsii.String("dns-logs"))

	resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
		QueryLoggingSettings: resolverwatch.QueryLoggingSettings{
			ShareWith: []string{"arn:aws:organizations::111122223333:organization/o-example"},
		},
		Stream: stream, // has the tag LogDeliveryEnabled=true
		VPCs:   []awsec2.IVpc{vpc},
	})

	app.Synth(nil)
}

// The stack of a member account: its VPC logs to a configuration that another account
// shares.
func ExampleNewQueryLoggingAssociation() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Member"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), nil)

	resolverwatch.NewQueryLoggingAssociation(stack, "DnsLogs", &resolverwatch.QueryLoggingAssociationProps{
		QueryLogging: resolverwatch.QueryLoggingFromAttributes(stack, "Shared", &resolverwatch.QueryLoggingAttributes{
			ConfigArn: "arn:aws:route53resolver:eu-west-1:111122223333:resolver-query-log-config/rqlc-0123456789abcdef",
		}),
		VPC: vpc,
	})

	app.Synth(nil)
}
