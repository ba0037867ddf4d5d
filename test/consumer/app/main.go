// Command app is another team's CDK app: it has the pipeline in one of its own stacks,
// among its own resources.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Security"), nil)

	pipeline := newPipeline(stack)
	grant(stack, pipeline)
	watch(stack, pipeline)
	awscdk.Tags_Of(pipeline).Add(jsii.String("team"), jsii.String("security"), nil)

	// The lists of another team, in a stack without a pipeline.
	lists := awscdk.NewStack(app, jsii.String("Lists"), nil)
	resolverwatch.NewIndicatorStore(lists, "Store", nil)

	app.Synth(nil)
}

// newPipeline defines the pipeline over a bucket and a key of the stack, for two networks.
func newPipeline(stack awscdk.Stack) *resolverwatch.Pipeline {
	logs := awss3.NewBucket(stack, jsii.String("Logs"), &awss3.BucketProps{
		EnforceSSL: jsii.Bool(true),
		Versioned:  jsii.Bool(true),
	})
	key := awskms.NewKey(stack, jsii.String("Key"), &awskms.KeyProps{EnableKeyRotation: jsii.Bool(true)})
	var vpcs []awsec2.IVpc
	for _, id := range []string{"vpc-11111111", "vpc-22222222"} {
		vpcs = append(vpcs, awsec2.Vpc_FromVpcAttributes(stack, jsii.String(id), &awsec2.VpcAttributes{
			VpcId:             jsii.String(id),
			AvailabilityZones: jsii.Strings("eu-central-1a"),
		}))
	}
	return resolverwatch.NewPipeline(stack, "Resolverwatch", &resolverwatch.PipelineProps{
		EncryptionKey: key,
		Importer: &resolverwatch.ImporterProps{
			ImporterSettings: resolverwatch.ImporterSettings{Protected: []string{"corp.example"}},
			Feeds: map[string]resolverwatch.Feed{
				"phishing": {URL: "https://lists.example/phishing.csv", Severity: "high"},
			},
		},
		Delivery: &resolverwatch.DeliveryProps{
			DeliverySettings: resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet},
			OutputBucket:     logs,
		},
		QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: vpcs},
	})
}

// grant gives two roles of the stack their permissions.
func grant(stack awscdk.Stack, pipeline *resolverwatch.Pipeline) {
	analyst := awsiam.NewRole(stack, jsii.String("Analyst"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewAccountRootPrincipal(),
	})
	pipeline.Store().GrantReadList(analyst)
	pipeline.Delivery().GrantReadLogs(analyst)
	pipeline.Catalog().GrantQuery(analyst)

	curator := awsiam.NewRole(stack, jsii.String("Curator"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewAccountRootPrincipal(),
	})
	pipeline.Store().GrantUploadBlock(curator)
	pipeline.Importer().GrantInvoke(curator)
}

// watch defines alarms on metrics of the pipeline, and outputs.
func watch(stack awscdk.Stack, pipeline *resolverwatch.Pipeline) {
	for _, alarm := range []struct {
		id     string
		metric resolverwatch.Metric
	}{
		{"ImporterErrors", pipeline.Importer().MetricErrors(nil)},
		{"DeliveryIsStale", pipeline.Delivery().MetricDataFreshness(nil)},
		{"TransformerFails", pipeline.Transformer().MetricErrors(nil)},
	} {
		awscloudwatch.NewAlarm(stack, jsii.String(alarm.id), &awscloudwatch.AlarmProps{
			Metric:            alarm.metric,
			Threshold:         jsii.Number(1),
			EvaluationPeriods: jsii.Number(1),
		})
	}
	awscdk.NewCfnOutput(stack, jsii.String("WorkGroup"), &awscdk.CfnOutputProps{
		Value: jsii.String(pipeline.Catalog().WorkGroupName()),
	})
}
