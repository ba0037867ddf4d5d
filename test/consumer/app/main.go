// Command app is a CDK app of somebody else, as far as Resolverwatch is concerned: it has
// the pipeline in a stack of its own, between resources of its own.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Security"), nil)

	logs := awss3.NewBucket(stack, jsii.String("Logs"), &awss3.BucketProps{
		EnforceSSL: jsii.Bool(true),
		Versioned:  jsii.Bool(true),
	})
	pipeline := resolverwatch.NewPipeline(stack, "Resolverwatch", &resolverwatch.PipelineProps{
		Delivery: &resolverwatch.DeliveryProps{OutputBucket: logs},
	})
	analyst := awsiam.NewRole(stack, jsii.String("Analyst"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewAccountRootPrincipal(),
	})
	pipeline.Store().GrantReadList(analyst)
	pipeline.Catalog().GrantQuery(analyst)
	awscdk.Tags_Of(pipeline).Add(jsii.String("team"), jsii.String("security"), nil)

	app.Synth(nil)
}
