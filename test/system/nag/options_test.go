//go:build !race

package nag_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Function options that have no setting, and given roles, leave no findings for the app
// either.
func TestFunctionOptions(t *testing.T) {
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false),
		Context: &map[string]any{"aws:cdk:bundling-stacks": []string{}}})
	stack := awscdk.NewStack(app, jsii.String("Test"), nil)
	role := func(id, service string) awsiam.IRole {
		return awsiam.NewRole(stack, &id, &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(&service, nil)})
	}
	options := resolverwatch.FunctionOptions{Tracing: awslambda.Tracing_ACTIVE, VPC: awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Vpc"),
		&awsec2.VpcAttributes{VpcId: jsii.String("vpc-1"), AvailabilityZones: jsii.Strings("a"), PrivateSubnetIds: jsii.Strings("subnet-1")})}
	resolverwatch.NewPipeline(stack, "Pipeline", &resolverwatch.PipelineProps{
		Importer:    &resolverwatch.ImporterProps{FunctionOptions: options},
		Transformer: &resolverwatch.TransformerProps{FunctionOptions: options, Role: role("Transformer", "lambda.amazonaws.com")},
		Delivery:    &resolverwatch.DeliveryProps{Role: role("Delivery", "firehose.amazonaws.com")},
		Catalog:     &resolverwatch.CatalogProps{LakeFormation: true},
		Alerts:      &resolverwatch.AlertsProps{FunctionOptions: options, Role: role("Notifier", "lambda.amazonaws.com")},
		Hunts: &resolverwatch.HuntsProps{FunctionOptions: options,
			SchedulerRole: role("Scheduler", "scheduler.amazonaws.com")},
	})
	for _, finding := range findings(stack) {
		t.Error(finding)
	}
}
