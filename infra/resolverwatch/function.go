package resolverwatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	source "github.com/resolverwatch/resolverwatch"
	"github.com/resolverwatch/resolverwatch/infra/gofunction"
)

// functionProps are the properties in which the functions of this package differ.
type functionProps struct {
	FunctionOptions

	name        string // the name of its folder under lambdas/
	description string
	role        awsiam.IRole      // nil = a new one
	code        awslambda.Code    // nil = built from the embedded source
	environment map[string]string // without the variables of the options
	memoryMiB   int
	timeout     awscdk.Duration
	concurrency int // reserved; 0 = none
	logs        awslogs.RetentionDays
	key         awskms.IKey // encrypts its environment and its logs; nil = AWS's
	statements  []statement // in addition to those for its logs, its key and its options
	folders     []string    // the last parts of resources in statements with a wildcard
	findings    []finding   // cdk-nag findings about the function, in addition to those of every function
}

// Limits of Lambda ("Lambda quotas" in its developer guide).
const (
	minMemoryMiB        = 128
	maxMemoryMiB        = 10_240
	maxEnvironmentBytes = 4 << 10
	maxReserved         = 1000 // concurrent executions of an account, by default
)

// function is a Lambda function with its own role and log group.
type function struct {
	awslambda.Function

	role     awsiam.IRole
	logGroup awslogs.LogGroup
}

// envPrefix begins the names of all variables in pkg/settings.
const envPrefix = "RESOLVERWATCH_"

// newFunction defines a function. Its role may write its logs and do what the statements
// allow. Everything else is denied, unless the app grants more.
//
// The trust policy of the role has no condition on the account. Lambda accepts only roles
// of the function's own account, from principals with permission to pass them, and AWS does
// not document which condition keys it sets when it assumes a role for the first time.
func newFunction(c constructs.Construct, s *steps, p functionProps) *function {
	logGroup := awslogs.NewLogGroup(c, jsii.String("LogGroup"), &awslogs.LogGroupProps{
		Retention:     orDefault(p.logs, awslogs.RetentionDays_THREE_MONTHS),
		EncryptionKey: p.key,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	role, ready := s.newRole(c, roleProps{
		given:       p.role,
		id:          "Role",
		step:        strings.ToUpper(p.name[:1]) + p.name[1:] + "Role",
		policy:      "Function",
		description: p.description,
		trusted:     awsiam.NewServicePrincipal(jsii.String(lambdaService), nil),
		service:     lambdaService,
		statements:  p.allStatements(c, logGroup),
		findings: append(p.wildcards(),
			finding{rule: "AwsSolutions-IAM5", reason: whyObjectKeys, folders: p.folders}),
	})
	made := gofunction.New(c, "Function", p.goFunction(logGroup, role))
	made.Node().AddDependency(ready)
	if p.Tracing != "" {
		// The CDK's own property would add a second policy to the role.
		resourceOf(made).(awslambda.CfnFunction).SetTracingConfig(
			&awslambda.CfnFunction_TracingConfigProperty{Mode: jsii.String(tracingModes[p.Tracing])})
	}
	findings := p.findings
	if !p.traces() {
		findings = append(findings, finding{rule: "Serverless-LambdaTracing", reason: whyNoTracing})
	}
	accept(made, findings...)
	return &function{made, role, logGroup}
}

const lambdaService = "lambda.amazonaws.com"

// goFunction returns the props that define how the function is built and configured.
func (p functionProps) goFunction(logGroup awslogs.LogGroup, role awsiam.IRole) *gofunction.Props {
	props := &gofunction.Props{
		FunctionProps: awslambda.FunctionProps{
			Code:                  p.code,
			Description:           &p.description,
			Architecture:          p.Architecture,
			MemorySize:            jsii.Number(p.memoryMiB),
			Timeout:               p.timeout,
			Environment:           environment(p.variables()),
			EnvironmentEncryption: p.key,
			LogGroup:              logGroup,
			Role:                  role,
			Vpc:                   p.VPC,
			VpcSubnets:            p.SubnetSelection,
			CodeSigningConfig:     p.CodeSigningConfig,
		},
		Module: source.Files,
		Entry:  "./lambdas/" + p.name,
	}
	if len(p.Layers) > 0 {
		props.Layers = &p.Layers
	}
	if len(p.SecurityGroups) > 0 {
		props.SecurityGroups = &p.SecurityGroups
	}
	if p.concurrency != 0 {
		props.ReservedConcurrentExecutions = jsii.Number(p.concurrency)
	}
	return props
}

// allStatements returns everything that the function may do.
func (p functionProps) allStatements(c constructs.Construct, logGroup awslogs.LogGroup) []statement {
	statements := append(slices.Clone(p.statements), statement{
		sid:       "WriteOwnLogs",
		actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		resources: []string{*logGroup.LogGroupArn()},
	})
	if p.key != nil {
		statements = append(statements, statement{
			sid:       "KeyForEnvironment",
			actions:   keyRead,
			resources: []string{*p.key.KeyArn()},
			conditions: map[string]any{"ArnLike": map[string]any{
				"kms:EncryptionContext:aws:lambda:FunctionArn": functionsArn(c)}},
		})
	}
	return append(statements, p.permissions(functionsArn(c))...)
}

// connections returns the security groups of the function. It panics if the function is not
// in a VPC.
func (f *function) connections(c constructs.Construct, options FunctionOptions) awsec2.Connections {
	if options.VPC == nil {
		panic(fmt.Errorf("%s: Connections: the function has no security groups, because it is not in a VPC; set VPC",
			*c.Node().Path()))
	}
	return f.Connections()
}

// functionsArn matches the functions of this account and Region. The ARN of the function
// itself would be a circular dependency between the function and its role.
func functionsArn(c constructs.Construct) string {
	return *awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("lambda"), Resource: jsii.String("function"),
		ResourceName: jsii.String("*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
}

// variables returns the function's own variables and the user's, which do not overlap.
func (p functionProps) variables() map[string]string {
	all := maps.Clone(p.environment)
	maps.Copy(all, p.Environment)
	return all
}

func environment(values map[string]string) *map[string]*string {
	variables := make(map[string]*string, len(values))
	for name, value := range values {
		variables[name] = &value
	}
	return &variables
}

// maxNameBytes is the longest name that a token in an environment can stand for.
const maxNameBytes = 128

// fit rejects variables that are too long together. It names the props that cause it:
// grows, and Environment for the user's variables. A token counts as the longest possible
// name.
func (p *problems) fit(own, users map[string]string, grows string) {
	size := 0
	for _, variables := range []map[string]string{own, users} {
		for name, value := range variables {
			if isToken(value) {
				size += len(name) + maxNameBytes
			} else {
				size += len(name) + len(value)
			}
		}
	}
	if size <= maxEnvironmentBytes {
		return
	}
	var props []string
	if grows != "" {
		props = append(props, grows)
	}
	if len(users) > 0 {
		props = append(props, "Environment")
	}
	p.addf("%s: the function's environment has %d bytes, and Lambda allows at most %d; shorten it",
		strings.Join(props, " and "), size, maxEnvironmentBytes)
}
