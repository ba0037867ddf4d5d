//go:build !race

package resolverwatch_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func sharedConfig(stack awscdk.Stack, id string) resolverwatch.IQueryLogging {
	return resolverwatch.QueryLoggingFromAttributes(stack, id, &resolverwatch.QueryLoggingAttributes{
		ConfigArn: "arn:aws:route53resolver:eu-west-1:111122223333:resolver-query-log-config/" + id})
}

// A Profile carries the configurations, and is shared as a configuration is.
func TestQueryLoggingProfile(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewQueryLoggingProfile(stack, "Profile", &resolverwatch.QueryLoggingProfileProps{
		QueryLogging: []resolverwatch.IQueryLogging{sharedConfig(stack, "rqlc-1"), sharedConfig(stack, "rqlc-2")},
		ShareWith:    []string{otherAccount}, ShareOutside: true})
	made := synth(t, stack)
	profile := made.id("AWS::Route53Profiles::Profile", "")
	for index, config := range map[string]string{"Config0": "rqlc-1", "Config1": "rqlc-2"} {
		made.one("AWS::Route53Profiles::ProfileResourceAssociation", index).want(t, object{
			"ProfileId":   "<" + profile + ".Id>",
			"ResourceArn": "arn:aws:route53resolver:eu-west-1:111122223333:resolver-query-log-config/" + config})
	}
	made.one("AWS::RAM::ResourceShare", "").want(t, object{
		"ResourceArns.0": "<" + profile + ".Arn>", "Principals": []string{otherAccount}, "AllowExternalPrincipals": true})
}

// A member associates its VPC with a Profile.
func TestQueryLoggingProfileAssociation(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewQueryLoggingProfileAssociation(stack, "Member", &resolverwatch.QueryLoggingProfileAssociationProps{
		ProfileID: "rp-0123456789abcdef", VPC: awsec2.NewVpc(stack, jsii.String("Vpc"), nil)})
	made := synth(t, stack)
	made.one("AWS::Route53Profiles::ProfileAssociation", "").want(t, object{
		"ProfileId": "rp-0123456789abcdef", "ResourceId": "<" + made.id("AWS::EC2::VPC", "Vpc") + ">", "Name": "Test-Member-0A960783"})
}

func TestQueryLoggingProfile_refuses(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	wantRefusal(t, func() {
		resolverwatch.NewQueryLoggingProfile(stack, "Profile", &resolverwatch.QueryLoggingProfileProps{
			Name: "a/b", ShareWith: []string{"me"},
			QueryLogging: []resolverwatch.IQueryLogging{nil, sharedConfig(stack, "rqlc-1"), resolverwatch.QueryLoggingFromAttributes(
				stack, "Far", &resolverwatch.QueryLoggingAttributes{
					ConfigArn: "arn:aws:route53resolver:us-east-1:111122223333:resolver-query-log-config/rqlc-2"})}})
	}, "Known/Profile QueryLogging", "Known/Profile QueryLogging[0]", "Known/Profile Name", "Known/Profile ShareWith[0]", "Known/Profile QueryLogging[2]")
}

// A VPC that logs directly and by a Profile would log twice, or AWS decides which one counts.
func TestQueryLoggingProfileAssociation_refuses(t *testing.T) {
	stack := newStack(t)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), nil)
	resolverwatch.NewQueryLoggingAssociation(stack, "Direct", &resolverwatch.QueryLoggingAssociationProps{
		QueryLogging: sharedConfig(stack, "rqlc-1"), VPC: vpc})
	wantRefusal(t, func() {
		resolverwatch.NewQueryLoggingProfileAssociation(stack, "Member", &resolverwatch.QueryLoggingProfileAssociationProps{ProfileID: "x", VPC: vpc})
	}, "Test/Member ProfileID", "Test/Member VPC")
}
