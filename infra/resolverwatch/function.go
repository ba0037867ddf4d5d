package resolverwatch

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
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
	name        string // of its folder under lambdas/
	description string
	code        awslambda.Code // nil = built from the embedded source
	environment map[string]string
	memoryMiB   int
	timeout     awscdk.Duration
	concurrency int // reserved; 0 = none
	logs        awslogs.RetentionDays
	key         awskms.IKey // of its environment and its logs; nil = AWS's
	statements  []statement // beside those for its logs and its key
	folders     []string    // ends of resources in statements that have a wildcard
	findings    []finding   // of the function, beside those of every function
}

// Limits of Lambda ("Lambda quotas" of its developer guide).
const (
	minMemoryMiB        = 128
	maxMemoryMiB        = 10_240
	maxEnvironmentBytes = 4 << 10
)

// function is a Lambda function with its own role and log group.
type function struct {
	awslambda.Function

	role     awsiam.Role
	logGroup awslogs.LogGroup
}

// envMemoryLimit is read by Go itself.
const envMemoryLimit = "GOMEMLIMIT"

// memoryLimit lets the heap grow to nine tenths of the memory before the collector works
// harder; without a limit, the load of a second index, or of a long list, could end the
// function.
func memoryLimit(memoryMiB int) string { return fmt.Sprintf("%dMiB", memoryMiB*9/10) }

// newFunction defines a function. Its role may write its logs, do what the statements
// say, and nothing else.
//
// The trust of the role has no condition on the account: Lambda takes only roles of
// the function's own account, from somebody who may pass them, and which keys it gives
// when it assumes a role for the first time is not documented.
func newFunction(scope constructs.Construct, p functionProps) *function {
	logGroup := awslogs.NewLogGroup(scope, jsii.String("LogGroup"), &awslogs.LogGroupProps{
		Retention:     orDefault(p.logs, awslogs.RetentionDays_THREE_MONTHS),
		EncryptionKey: p.key,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	statements := append(slices.Clone(p.statements), statement{
		sid:       "WriteOwnLogs",
		actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		resources: []string{*logGroup.LogGroupArn()},
	})
	if p.key != nil {
		statements = append(statements, statement{sid: "KeyForEnvironment", actions: keyRead,
			resources: []string{*p.key.KeyArn()}, conditions: environmentContext(scope)})
	}
	role := awsiam.NewRole(scope, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy:      awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description:    &p.description,
		InlinePolicies: &map[string]awsiam.PolicyDocument{"Function": policyDocument(statements)},
	})
	props := &gofunction.Props{
		FunctionProps: awslambda.FunctionProps{
			Code:                  p.code,
			Description:           &p.description,
			Architecture:          awslambda.Architecture_ARM_64(),
			MemorySize:            jsii.Number(p.memoryMiB),
			Timeout:               p.timeout,
			Environment:           environment(p.environment),
			EnvironmentEncryption: p.key,
			LogGroup:              logGroup,
			Role:                  role.WithoutPolicyUpdates(nil),
		},
		Module: source.Files,
		Entry:  "./lambdas/" + p.name,
	}
	if p.concurrency != 0 {
		props.ReservedConcurrentExecutions = jsii.Number(p.concurrency)
	}
	f := &function{gofunction.New(scope, "Function", props), role, logGroup}
	accept(f.Function, append(p.findings, finding{rule: "Serverless-LambdaTracing", reason: whyNoTracing})...)
	accept(f.role, finding{rule: "AwsSolutions-IAM5", reason: whyObjectKeys, folders: p.folders})
	return f
}

// environmentContext limits the use of a key to the variables of functions of this
// account and Region.
func environmentContext(scope constructs.Construct) map[string]any {
	arn := awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("lambda"), Resource: jsii.String("function"),
		ResourceName: jsii.String("*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	return map[string]any{"ArnLike": map[string]any{"kms:EncryptionContext:aws:lambda:FunctionArn": *arn}}
}

func environment(values map[string]string) *map[string]*string {
	variables := make(map[string]*string, len(values))
	for name, value := range values {
		variables[name] = &value
	}
	return &variables
}

// mustFit panics if variables are too long, and names the prop that has grown. Only a
// construct that knows all its names can tell. A token counts as the longest name that it
// can stand for.
func mustFit(c constructs.Construct, variables map[string]string, prop string) {
	const tokenBytes = 128
	size := 0
	for name, value := range variables {
		if isToken(value) {
			size += len(name) + tokenBytes
		} else {
			size += len(name) + len(value)
		}
	}
	if size > maxEnvironmentBytes {
		panic(fmt.Errorf("%s: %s: makes the function's environment %d bytes long, at most %d fit",
			*c.Node().Path(), prop, size, maxEnvironmentBytes))
	}
}
