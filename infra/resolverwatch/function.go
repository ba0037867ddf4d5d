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

// functionProps are what the functions of this package differ in.
type functionProps struct {
	FunctionOptions

	name        string // of its folder under lambdas/
	description string
	role        awsiam.IRole      // nil = a new one
	code        awslambda.Code    // nil = built from the embedded source
	environment map[string]string // without that of the options
	memoryMiB   int
	timeout     awscdk.Duration
	concurrency int // reserved; 0 = none
	logs        awslogs.RetentionDays
	key         awskms.IKey // of its environment and its logs; nil = AWS's
	statements  []statement // in addition to those for its logs, its key and its options
	folders     []string    // ends of resources in statements that have a wildcard
	findings    []finding   // of the function, in addition to those of every function
}

// Limits of Lambda ("Lambda quotas" of its developer guide).
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

// envPrefix begins the names of all variables of pkg/settings.
const envPrefix = "RESOLVERWATCH_"

// newFunction defines a function. Its role may write its logs, do what the statements
// say, and nothing else, unless the app grants more.
//
// The trust of the role has no condition on the account: Lambda takes only roles of
// the function's own account, from somebody who may pass them, and which condition keys
// it sets when it assumes a role for the first time is not documented.
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
		// The CDK's own way would add a second policy to the role.
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

// goFunction are the props by which the function is built and configured.
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

// allStatements are all that the function may do.
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

// connections returns the security groups of the function. It panics if the function is
// not in a VPC.
func (f *function) connections(c constructs.Construct, options FunctionOptions) awsec2.Connections {
	if options.VPC == nil {
		panic(fmt.Errorf("%s: Connections: the function has no security groups, because it is not in a VPC; set VPC",
			*c.Node().Path()))
	}
	return f.Connections()
}

// functionsArn matches the functions of this account and Region. The function's own ARN
// would make it depend on its role and the role on it.
func functionsArn(c constructs.Construct) string {
	return *awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("lambda"), Resource: jsii.String("function"),
		ResourceName: jsii.String("*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
}

// variables are the function's own and the user's, which do not overlap.
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

// maxNameBytes is the longest name that a token can stand for in an environment.
const maxNameBytes = 128

// fit refuses variables that are too long together, and names the props that make them so:
// grows, and Environment for those of the user. A token counts as the longest name.
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
	p.addf("%s: the function's environment has %d bytes, and Lambda takes at most %d; shorten it",
		strings.Join(props, " and "), size, maxEnvironmentBytes)
}
