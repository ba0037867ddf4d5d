//go:build !race

package resolverwatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

const (
	queryLogConfig = "AWS::Route53Resolver::ResolverQueryLoggingConfig"
	association    = "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation"
)

func existingStream(stack awscdk.Stack) awskinesisfirehose.IDeliveryStream {
	return awskinesisfirehose.DeliveryStream_FromDeliveryStreamName(stack, jsii.String("Existing"), jsii.String("stream"))
}

func vpcs(stack awscdk.Stack, from, to int) []awsec2.IVpc {
	var vpcs []awsec2.IVpc
	for i := from; i < to; i++ {
		id := fmt.Sprintf("vpc-%03d", i)
		vpcs = append(vpcs, awsec2.Vpc_FromVpcAttributes(stack, &id, &awsec2.VpcAttributes{
			VpcId: &id, AvailabilityZones: jsii.Strings("eu-west-1a")}))
	}
	return vpcs
}

func TestQueryLogging_withoutVPC(t *testing.T) {
	stack := newStack(t)
	queryLogging := resolverwatch.NewQueryLogging(stack, "QueryLogging",
		&resolverwatch.QueryLoggingProps{Stream: existingStream(stack)})
	made := synth(t, stack)
	made.one(queryLogConfig, "").want(t, object{
		"Name":           "Test-QueryLogging-EF7FE5DA",
		"DestinationArn": "arn:<AWS::Partition>:firehose:<AWS::Region>:<AWS::AccountId>:deliverystream/stream",
	})
	const command = "aws route53resolver associate-resolver-query-log-config --resolver-query-log-config-id "
	if got := warnings(t, stack); !strings.Contains(got, "No VPC is associated") || !strings.Contains(got, command) {
		t.Errorf("no warning with the command: %s", got)
	}
	if steps := queryLogging.Steps(); len(steps) != 1 || steps[0].ID != resolverwatch.StepAssociateVPC {
		t.Errorf("steps %v", steps)
	}
}

// Associations are deleted first, then the configuration, then the stream: CloudFormation
// deletes in the opposite order of dependencies.
func TestQueryLogging_deletionOrder(t *testing.T) {
	stack := newStack(t)
	delivery := resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack)})
	resolverwatch.NewQueryLogging(stack, "QueryLogging",
		&resolverwatch.QueryLoggingProps{Stream: delivery.Stream(), VPCs: vpcs(stack, 0, 1)})
	made := synth(t, stack)
	config := made.one(queryLogConfig, "")
	stream := made.ids("AWS::KinesisFirehose::DeliveryStream")[0]
	if !strings.Contains(flatten(list(config.DependsOn)), stream) {
		t.Errorf("the configuration does not depend on the stream: %v", config.DependsOn)
	}
	made.one(association, "").want(t, object{
		"ResolverQueryLogConfigId": "<" + made.ids(queryLogConfig)[0] + ".Id>", "ResourceId": "vpc-000"})
}

// Adding a VPC anywhere in the list changes no other association.
func TestQueryLogging_stableAssociations(t *testing.T) {
	ids := func(from, to int) []string {
		stack := newStack(t)
		resolverwatch.NewQueryLogging(stack, "QueryLogging",
			&resolverwatch.QueryLoggingProps{Stream: existingStream(stack), VPCs: vpcs(stack, from, to)})
		return synth(t, stack).ids(association)
	}
	few, more := ids(1, 8), ids(0, 9)
	if len(few) != 7 || len(more) != 9 {
		t.Fatalf("%d and %d associations", len(few), len(more))
	}
	for _, id := range few {
		if !strings.Contains(strings.Join(more, " "), id) {
			t.Errorf("%s is gone from %v", id, more)
		}
	}
}

// Adding or changing a tag on the configuration would replace it together with its
// associations, and a VPC can have only one.
func TestQueryLogging_hasNoTags(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
		Stream: existingStream(stack), VPCs: vpcs(stack, 0, 1),
		QueryLoggingSettings: resolverwatch.QueryLoggingSettings{ShareWith: []string{"111122223333"}}})
	awscdk.Tags_Of(stack).Add(jsii.String("team"), jsii.String("soc"), nil)
	made := synth(t, stack)
	made.one(queryLogConfig, "").want(t, object{"Tags": nil})
	made.one("AWS::RAM::ResourceShare", "").want(t, object{"Tags.0.Value": "soc"})
}

func TestQueryLogging_sharing(t *testing.T) {
	stack := newStack(t)
	const organization = "arn:aws:organizations::111122223333:organization/o-example"
	resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
		Stream:               existingStream(stack),
		QueryLoggingSettings: resolverwatch.QueryLoggingSettings{Name: "dns logs", ShareWith: []string{"111122223333", organization}},
		VPCs:                 vpcs(stack, 0, 1), ShareOutside: true})
	made := synth(t, stack)
	made.one(queryLogConfig, "").want(t, object{"Name": "dns logs"})
	made.one("AWS::RAM::ResourceShare", "").want(t, object{
		"Principals": []any{"111122223333", organization}, "AllowExternalPrincipals": true,
		"ResourceArns.0": "<" + made.ids(queryLogConfig)[0] + ".Arn>"})
	if got := warnings(t, stack); got != "" {
		t.Errorf("warnings: %s", got)
	}
}

func TestQueryLogging_refuses(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
			QueryLoggingSettings: resolverwatch.QueryLoggingSettings{Name: "123", ShareWith: []string{"12345"}}, VPCs: append(vpcs(stack, 0, 100), nil)})
	},
		"Test/QueryLogging Stream",
		"Test/QueryLogging Name",
		"Test/QueryLogging VPCs",
		"Test/QueryLogging VPCs[100]",
		"Test/QueryLogging ShareWith[0]",
	)
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
			Stream: existingStream(stack), QueryLoggingSettings: resolverwatch.QueryLoggingSettings{Name: "a/b"}, ShareOutside: true})
	}, "Test/QueryLogging Name", "Test/QueryLogging ShareOutside")
	wantRefused(t, func(stack awscdk.Stack) {
		vpc := vpcs(stack, 0, 1)[0]
		resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
			Stream: existingStream(stack), VPCs: []awsec2.IVpc{vpc, vpc}})
	}, "Test/QueryLogging VPCs[1]")
}

func TestQueryLoggingAssociation(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewQueryLoggingAssociation(stack, "Member", &resolverwatch.QueryLoggingAssociationProps{
		QueryLogConfigID: "rqlc-0123456789abcdef", VPC: vpcs(stack, 0, 1)[0]})
	shared := resolverwatch.QueryLoggingFromAttributes(stack, "Imported", &resolverwatch.QueryLoggingAttributes{
		ConfigArn: "arn:aws:route53resolver:eu-west-1:444455556666:resolver-query-log-config/rqlc-shared"})
	resolverwatch.NewQueryLoggingAssociation(stack, "Shared", &resolverwatch.QueryLoggingAssociationProps{
		QueryLogging: shared, VPC: vpcs(stack, 1, 2)[0]})
	made := synth(t, stack)
	made.one(association, "Member").want(t, object{
		"ResolverQueryLogConfigId": "rqlc-0123456789abcdef", "ResourceId": "vpc-000"})
	made.one(association, "Shared").want(t, object{"ResolverQueryLogConfigId": "rqlc-shared"})
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewQueryLoggingAssociation(stack, "Member", nil)
	}, "Test/Member QueryLogConfigID", "Test/Member VPC")
}

func TestQueryLoggingFromAttributes(t *testing.T) {
	_, stack := located(t, nil)
	own := resolverwatch.QueryLoggingFromAttributes(stack, "Imported", &resolverwatch.QueryLoggingAttributes{ConfigID: "rqlc-1"})
	if got, want := *stack.Partition(), "arn:"; got == "" || own.ConfigArn() != want+got+":route53resolver:eu-west-1:111122223333:resolver-query-log-config/rqlc-1" {
		t.Errorf("ARN %s", own.ConfigArn())
	}
	elsewhere := resolverwatch.QueryLoggingFromAttributes(stack, "Imported", &resolverwatch.QueryLoggingAttributes{
		ConfigArn: "arn:aws:route53resolver:us-east-1:444455556666:resolver-query-log-config/rqlc-2"})
	wantRefusal(t, func() {
		resolverwatch.NewQueryLoggingAssociation(stack, "Member", &resolverwatch.QueryLoggingAssociationProps{
			QueryLogging: elsewhere, VPC: vpcs(stack, 0, 1)[0]})
	}, "Test/Member QueryLogging")
	for _, attributes := range []*resolverwatch.QueryLoggingAttributes{nil, {ConfigArn: "arn:x"}} {
		prop := "ConfigID or ConfigArn"
		if attributes != nil {
			prop = "ConfigArn"
		}
		wantRefusal(t, func() { resolverwatch.QueryLoggingFromAttributes(stack, "Imported", attributes) }, "Test/Imported "+prop)
	}
}
