// Organisation is an app for an organisation with many accounts. The central account has the
// pipeline, and a Route 53 Profile that carries its query logging configuration. The member
// accounts associate their VPCs with the Profile, by a template that a StackSet deploys.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Names of the stacks.
const (
	central             = "DnsLogs"
	memberProfile       = "DnsLogsMember"
	memberConfiguration = "DnsLogsMemberOfConfiguration"
)

// organisation is who may associate VPCs: replace it with yours.
const organisation = "arn:aws:organizations::111122223333:organization/o-example"

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	define(app)
	app.Synth(nil)
}

func define(scope constructs.Construct) {
	newCentral(scope)
	newMember(scope)
	newMemberOfConfiguration(scope)
}

// newCentral defines the stack of the central account. All logs come through S3, because the
// queries of an organisation can be more than a stream takes.
func newCentral(scope constructs.Construct) {
	stack := awscdk.NewStack(scope, jsii.String(central), nil)
	pipeline := resolverwatch.NewPipeline(stack, "Pipeline", &resolverwatch.PipelineProps{
		WithoutFirehose: true,
		LogSource: &resolverwatch.S3LogSourceProps{
			LogSourceSettings: resolverwatch.LogSourceSettings{RawLogRetentionDays: 30},
			ShareWith:         []string{organisation},
		},
	})
	profile := resolverwatch.NewQueryLoggingProfile(stack, "Profile", &resolverwatch.QueryLoggingProfileProps{
		QueryLogging: []resolverwatch.IQueryLogging{pipeline.LogSource().QueryLogging()},
		ShareWith:    []string{organisation},
	})
	pipeline.AddOutputs()
	awscdk.NewCfnOutput(stack, jsii.String("ProfileId"), &awscdk.CfnOutputProps{
		Value: jsii.String(profile.ProfileID()), Description: jsii.String("Parameter of the member stacks")})
}

// newMember defines the template of a member account, for one VPC.
func newMember(scope constructs.Construct) {
	stack, vpc := newMemberStack(scope, memberProfile)
	profile := awscdk.NewCfnParameter(stack, jsii.String("ProfileId"), &awscdk.CfnParameterProps{
		Description:    jsii.String("Id of the Route 53 Profile that the central account shares"),
		AllowedPattern: jsii.String("^rp-[0-9a-z]+$"),
	})
	resolverwatch.NewQueryLoggingProfileAssociation(stack, "QueryLogging", &resolverwatch.QueryLoggingProfileAssociationProps{
		ProfileID: *profile.ValueAsString(), VPC: vpc, Name: "dns-logs"})
}

// newMemberOfConfiguration defines the template of a member account without a Profile, for a few
// accounts: a Profile has other settings too, and a VPC has only one.
func newMemberOfConfiguration(scope constructs.Construct) {
	stack, vpc := newMemberStack(scope, memberConfiguration)
	config := awscdk.NewCfnParameter(stack, jsii.String("QueryLogConfigId"), &awscdk.CfnParameterProps{
		Description:    jsii.String("Id of the query logging configuration that the central account shares"),
		AllowedPattern: jsii.String("^rqlc-[0-9a-z]+$"),
	})
	resolverwatch.NewQueryLoggingAssociation(stack, "QueryLogging", &resolverwatch.QueryLoggingAssociationProps{
		QueryLogConfigID: *config.ValueAsString(), VPC: vpc})
}

// newMemberStack defines a stack that a StackSet can deploy: it does without assets, and without
// the bootstrap of the CDK.
func newMemberStack(scope constructs.Construct, name string) (awscdk.Stack, awsec2.IVpc) {
	stack := awscdk.NewStack(scope, &name, &awscdk.StackProps{
		Description: jsii.String("Resolverwatch: log the DNS queries of a VPC to the central account"),
		Synthesizer: awscdk.NewBootstraplessSynthesizer(nil),
	})
	id := awscdk.NewCfnParameter(stack, jsii.String("VpcId"), &awscdk.CfnParameterProps{
		Type: jsii.String("AWS::EC2::VPC::Id"), Description: jsii.String("VPC whose queries are logged")})
	return stack, awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Vpc"), &awsec2.VpcAttributes{
		VpcId:             id.ValueAsString(),
		AvailabilityZones: jsii.Strings("unknown"), // the CDK divides by their number
	})
}
