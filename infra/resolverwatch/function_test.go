//go:build !race

package resolverwatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Grants to a function are added to its role. The role of the delivery stream stays as it
// is written, because the CDK would let Firehose delete logs.
func TestFunction_grants(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, nil)
	secret := awssecretsmanager.NewSecret(stack, jsii.String("Secret"), nil)
	for _, function := range []awslambda.IFunction{pipeline.Importer().Function(), pipeline.Transformer().Function()} {
		if grant := secret.GrantRead(function, nil); !*grant.Success() {
			t.Errorf("no grant to %s", *function.Node().Path())
		}
		function.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("ssm:GetParameter"), Resources: jsii.Strings("*")}))
	}
	made := synth(t, stack)
	for _, name := range []string{"ImporterRole", "TransformerRole"} {
		policy := fmt.Sprint(made.one("AWS::IAM::Policy", name+"DefaultPolicy").Properties)
		for _, action := range []string{"secretsmanager:GetSecretValue", "ssm:GetParameter"} {
			if !strings.Contains(policy, action) {
				t.Errorf("%s lacks %s: %s", name, action, policy)
			}
		}
	}
	if ids := made.ids("AWS::IAM::Policy"); len(ids) != 2 {
		t.Errorf("policies %v, want those of the two functions", ids)
	}
}

func TestFunction_vpc(t *testing.T) {
	stack := newStack(t)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{MaxAzs: jsii.Number(1),
		NatGateways: jsii.Number(0), SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC},
			{Name: jsii.String("inside"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}}})
	group := awsec2.NewSecurityGroup(stack, jsii.String("Given"), &awsec2.SecurityGroupProps{Vpc: vpc})
	inside := &awsec2.SubnetSelection{SubnetGroupName: jsii.String("inside")}
	pipeline := onlyFunctions(stack, resolverwatch.PipelineProps{
		Importer:    &resolverwatch.ImporterProps{FunctionOptions: resolverwatch.FunctionOptions{VPC: vpc}},
		Transformer: &resolverwatch.TransformerProps{FunctionOptions: resolverwatch.FunctionOptions{VPC: vpc, SubnetSelection: inside, SecurityGroups: []awsec2.ISecurityGroup{group}}},
	})
	peer := awsec2.NewSecurityGroup(stack, jsii.String("Peer"), &awsec2.SecurityGroupProps{Vpc: vpc})
	for _, c := range []awsec2.Connections{pipeline.Importer().Connections(), pipeline.Transformer().Connections()} {
		peer.Connections().AllowFrom(c, awsec2.Port_HTTPS(), nil)
	}
	made := synth(t, stack)
	subnet := "<" + made.id("AWS::EC2::Subnet", "inside") + ">"
	made.one("AWS::Lambda::Function", "Transformer").want(t, object{"VpcConfig.SubnetIds.0": subnet, "VpcConfig.SubnetIds.1": nil,
		"VpcConfig.SecurityGroupIds.0": "<" + made.id("AWS::EC2::SecurityGroup", "Given") + ".GroupId>"})
	made.one("AWS::Lambda::Function", "Importer").want(t, object{"VpcConfig.SubnetIds.0": subnet})
	if ids := made.ids("AWS::EC2::SecurityGroupIngress"); len(ids) != 2 {
		t.Errorf("rules of the peer: %v", ids)
	}
	role := made.one("AWS::IAM::Role", "TransformerRole")
	for _, action := range []string{"AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface",
		"DescribeNetworkInterfaces", "DescribeSubnets", "UnassignPrivateIpAddresses"} {
		if got := strings.Join(role.permissions(), "\n"); !strings.Contains(got, "ec2:"+action+" on *\n") {
			t.Errorf("no %s in\n%s", action, got)
		}
	}
	role.want(t, object{"ManagedPolicyArns": nil, "Policies.0.PolicyDocument.Statement.4.Effect": "Deny"})
	if ids := made.ids("AWS::IAM::Policy"); len(ids) > 0 {
		t.Errorf("policies %v in addition to those inline", ids)
	}
}

func TestFunction_options(t *testing.T) {
	stack := newStack(t)
	layer := awslambda.LayerVersion_FromLayerVersionArn(stack, jsii.String("Layer"), jsii.String("arn:aws:lambda:eu-west-1:111122223333:layer:x:1"))
	signing := awslambda.CodeSigningConfig_FromCodeSigningConfigArn(stack, jsii.String("Signing"), jsii.String("arn:aws:lambda:eu-west-1:111122223333:code-signing-config:csc-0"))
	options := resolverwatch.FunctionOptions{
		Architecture: awslambda.Architecture_X86_64(), Environment: map[string]string{"OTEL_SERVICE_NAME": "dns"},
		Layers: []awslambda.ILayerVersion{layer}, Tracing: awslambda.Tracing_ACTIVE, CodeSigningConfig: signing,
	}
	onlyFunctions(stack, resolverwatch.PipelineProps{
		Importer:    &resolverwatch.ImporterProps{FunctionOptions: options},
		Transformer: &resolverwatch.TransformerProps{FunctionOptions: options, ReservedConcurrency: 3},
	})
	made := synth(t, stack)
	for _, name := range []string{"Importer", "Transformer"} {
		made.one("AWS::Lambda::Function", name).want(t, object{
			"Architectures": []any{"x86_64"}, "Environment.Variables.OTEL_SERVICE_NAME": "dns",
			"Layers": []any{*layer.LayerVersionArn()}, "TracingConfig.Mode": "Active", "CodeSigningConfigArn": *signing.CodeSigningConfigArn()})
		if got := made.one("AWS::Lambda::Function", name).received(t)["stack"]; got != "Test" {
			t.Errorf("the stack of the %s is %v", name, got)
		}
		permissions := strings.Join(made.one("AWS::IAM::Role", name+"Role").permissions(), "\n")
		if !strings.Contains(permissions, "xray:PutTelemetryRecords on *\nxray:PutTraceSegments on *") {
			t.Errorf("%s writes no traces:\n%s", name, permissions)
		}
	}
	made.one("AWS::Lambda::Function", "Transformer").want(t, object{"ReservedConcurrentExecutions": 3})
	if ids := made.ids("AWS::IAM::Policy"); len(ids) > 0 {
		t.Errorf("policies %v in addition to those inline", ids)
	}
}

// Options that Lambda or the CDK would reject are reported together, with their props.
func TestFunction_refusesOptions(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		layer := awslambda.NewLayerVersion(stack, jsii.String("Layer"), &awslambda.LayerVersionProps{
			Code: code(), CompatibleRuntimes: &[]awslambda.Runtime{awslambda.Runtime_PYTHON_3_13()},
			CompatibleArchitectures: &[]awslambda.Architecture{awslambda.Architecture_X86_64()}})
		resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{ReservedConcurrency: -1,
			Code: awslambda.Code_FromInline(jsii.String("x")),
			FunctionOptions: resolverwatch.FunctionOptions{
				SubnetSelection: &awsec2.SubnetSelection{}, SecurityGroups: []awsec2.ISecurityGroup{nil},
				Architecture: awslambda.Architecture_Custom(jsii.String("riscv"), nil), Tracing: "ON",
				Environment: map[string]string{"RESOLVERWATCH": "x", "RESOLVERWATCH_STACK": "x", "GOMEMLIMIT": "1GiB", "AWS_REGION": "x", "a-b": "x"},
				Layers:      []awslambda.ILayerVersion{layer, nil, nil, nil, nil, nil},
			}})
	},
		"Test/Transformer IndexBucket",
		"Test/Transformer ReservedConcurrency",
		"Test/Transformer SecurityGroups[0]",
		"Test/Transformer SubnetSelection",
		"Test/Transformer SecurityGroups",
		`Test/Transformer Environment["AWS_REGION"]`,
		`Test/Transformer Environment["GOMEMLIMIT"]`,
		`Test/Transformer Environment["RESOLVERWATCH"]`,
		`Test/Transformer Environment["RESOLVERWATCH_STACK"]`,
		`Test/Transformer Environment["a-b"]`,
		"Test/Transformer Layers",
		"Test/Transformer Layers[0]",
		"Test/Transformer Layers[0]",
		"Test/Transformer Layers[1]",
		"Test/Transformer Layers[2]",
		"Test/Transformer Layers[3]",
		"Test/Transformer Layers[4]",
		"Test/Transformer Layers[5]",
		"Test/Transformer Architecture",
		"Test/Transformer Tracing",
		"Test/Transformer Code",
	)
}

// A function has no public address, and a VPC may have no subnets of the requested kind.
func TestFunction_refusesSubnets(t *testing.T) {
	define := func(selection *awsec2.SubnetSelection) func(awscdk.Stack) {
		return func(stack awscdk.Stack) {
			vpc := awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Vpc"), &awsec2.VpcAttributes{VpcId: jsii.String("vpc-1"),
				AvailabilityZones: jsii.Strings("a"), PublicSubnetIds: jsii.Strings("subnet-1")})
			resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack),
				FunctionOptions: resolverwatch.FunctionOptions{VPC: vpc, SubnetSelection: selection}})
		}
	}
	wantRefused(t, define(&awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}), "Test/Transformer SubnetSelection")
	wantRefused(t, define(&awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}), "Test/Transformer SubnetSelection")
}

// A VPC that is looked up is not known in the first synthesis, which must still finish.
func TestFunction_vpcLookedUp(t *testing.T) {
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false)})
	stack := awscdk.NewStack(app, jsii.String("Test"), &awscdk.StackProps{Env: &awscdk.Environment{
		Account: jsii.String("111122223333"), Region: jsii.String("eu-west-1")}})
	vpc := awsec2.Vpc_FromLookup(stack, jsii.String("Vpc"), &awsec2.VpcLookupOptions{IsDefault: jsii.Bool(true)})
	resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), Code: code(),
		FunctionOptions: resolverwatch.FunctionOptions{VPC: vpc, SubnetSelection: &awsec2.SubnetSelection{SubnetGroupName: jsii.String("apps")}}})
	app.Synth(nil)
}

func TestFunction_connectionsWithoutVPC(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		transformer := resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), Code: code()})
		transformer.Connections()
	}, "Test/Transformer Connections")
}

// Explicit subnets are used as they are, also if only their ids are known.
func TestFunction_subnets(t *testing.T) {
	stack := newStack(t)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{MaxAzs: jsii.Number(1)})
	index := indexBucket(stack)
	define := func(id string, subnets ...awsec2.ISubnet) {
		resolverwatch.NewTransformer(stack, id, &resolverwatch.TransformerProps{IndexBucket: index, StackName: id, Code: code(),
			FunctionOptions: resolverwatch.FunctionOptions{VPC: vpc, SubnetSelection: &awsec2.SubnetSelection{Subnets: &subnets}}})
	}
	wantRefusal(t, func() { define("Refused", nil, (*vpc.PublicSubnets())[0]) },
		"Test/Refused SubnetSelection.Subnets[0]", "Test/Refused SubnetSelection.Subnets[1]")
	define("Named", awsec2.Subnet_FromSubnetId(stack, jsii.String("Subnet"), jsii.String("subnet-1")))
	synth(t, stack).one("AWS::Lambda::Function", "Named").want(t, object{"VpcConfig.SubnetIds": []string{"subnet-1"}})
}
