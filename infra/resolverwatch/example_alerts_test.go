package resolverwatch_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Two people get a mail for each host that asks for a malicious name, and Security Hub a finding.
// The on-call engineer may send a test alert.
func ExampleNewAlerts() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), nil)
	engineer := awsiam.NewRole(stack, jsii.String("Engineer"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewAccountRootPrincipal(),
	})

	alerts := resolverwatch.NewAlerts(stack, "Alerts", &resolverwatch.AlertsProps{
		AlertSettings: resolverwatch.AlertSettings{
			Emails:      []string{"soc@corp.example", "oncall@corp.example"},
			SecurityHub: true,
		},
	})
	alerts.GrantTest(engineer)

	store := resolverwatch.NewIndicatorStore(stack, "Store", nil)
	resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{
		IndexBucket: store.IndexBucket(),
		AlertQueue:  alerts.Queue(),
	})
}

// A pipeline has hunts by itself. This one also looks for beacons, and not for tunnels.
func ExampleNewHunts() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), nil)

	pipeline := resolverwatch.NewPipeline(stack, "Resolverwatch", &resolverwatch.PipelineProps{
		Hunts: &resolverwatch.HuntsProps{
			HuntSettings: resolverwatch.HuntSettings{
				Beacons: true,
				Tunnels: jsii.Bool(false),
			},
		},
	})
	pipeline.Hunts().GrantInvoke(awsiam.Role_FromRoleName(stack, jsii.String("Analyst"), jsii.String("analyst"), nil))
}
