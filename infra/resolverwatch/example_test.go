package resolverwatch_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func ExampleNewPipeline() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Security"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), nil)
	logs := awss3.NewBucket(stack, jsii.String("Logs"), nil)
	analyst := awsiam.NewRole(stack, jsii.String("Analyst"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewAccountRootPrincipal(),
	})

	pipeline := resolverwatch.NewPipeline(stack, "Resolverwatch", &resolverwatch.PipelineProps{
		Importer: &resolverwatch.ImporterProps{
			ImporterSettings: resolverwatch.ImporterSettings{
				Protected: []string{"corp.example"}, // never marked, whatever a list says
			},
			Feeds: map[string]resolverwatch.Feed{
				"phishing": {URL: "https://lists.example/phishing.csv", Severity: "high"},
			},
		},
		Delivery:     &resolverwatch.DeliveryProps{OutputBucket: logs},
		QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: []awsec2.IVpc{vpc}},
	})
	pipeline.Catalog().GrantQuery(analyst)
	pipeline.Store().GrantUploadBlock(analyst)

	app.Synth(nil)
}
