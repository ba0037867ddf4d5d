package resolverwatch

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

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
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// functionProps are the properties in which the functions of this package differ.
type functionProps struct {
	FunctionOptions

	name        string // the name of its folder under lambdas/
	description string
	role        awsiam.IRole   // nil = a new one
	code        awslambda.Code // nil = built from the embedded source
	settings    string         // what the function receives, as JSON
	memoryMiB   int
	timeout     Duration
	concurrency int         // reserved; 0 = none
	key         awskms.IKey // encrypts its environment and its logs; nil = AWS's
	statements  []statement // in addition to those for its logs, its key and its options
	folders     []string    // the last parts of resources in statements with a wildcard
	wildcards   []finding   // cdk-nag findings about other wildcards in statements
	findings    []finding   // cdk-nag findings about the function, in addition to those of every function
}

// Limits of Lambda ("Lambda quotas" in its developer guide).
const (
	maxEnvironmentBytes = 4 << 10
	maxReserved         = 1000 // concurrent executions of an account, by default
)

// function is a Lambda function with its own role and log group.
type function struct {
	awslambda.Function
	role     awsiam.IRole
	logGroup awslogs.LogGroup
	timeout  time.Duration
	reserved int // concurrency
}

// newFunction defines a function. Its role may write its logs and do what the statements
// allow. Everything else is denied, unless the app grants more.
//
// The trust policy of the role has no condition on the account. Lambda accepts only roles
// of the function's own account, from principals with permission to pass them, and AWS does
// not document which condition keys it sets when it assumes a role for the first time.
func newFunction(c constructs.Construct, s *steps, p functionProps) *function {
	logGroup := newLogGroup(c, p.LogRetention, p.key)
	role, ready := s.newRole(c, roleProps{
		given:       p.role,
		id:          "Role",
		step:        strings.ToUpper(p.name[:1]) + p.name[1:] + "Role",
		policy:      "Function",
		description: p.description,
		trusted:     awsiam.NewServicePrincipal(jsii.String(lambdaService), nil),
		service:     lambdaService,
		statements:  p.allStatements(c, logGroup),
		findings: append(append(p.FunctionOptions.wildcards(), p.wildcards...),
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
	return &function{made, role, logGroup, p.timeout.Std(), p.concurrency}
}

// newLogGroup defines a log group that is deleted with its stack.
func newLogGroup(c constructs.Construct, retention LogRetentionSettings, key awskms.IKey) awslogs.LogGroup {
	group := awslogs.NewLogGroup(c, jsii.String("LogGroup"), &awslogs.LogGroupProps{
		EncryptionKey: key,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	// The CDK's own property is an enum with a word for each number of days.
	resourceOf(group).(awslogs.CfnLogGroup).SetRetentionInDays(jsii.Number(retention.LogRetentionDays))
	return group
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
			Timeout:               seconds(p.timeout.Std()),
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
	all := ownVariables(p.settings, p.memoryMiB)
	maps.Copy(all, p.Environment)
	return all
}

// ownVariables returns the variables of a function without the user's.
func ownVariables(received string, memoryMiB int) map[string]string {
	return map[string]string{
		settings.EnvSettings:    received,
		settings.EnvMemoryLimit: settings.MemoryLimit(memoryMiB),
	}
}

func environment(values map[string]string) *map[string]*string {
	variables := make(map[string]*string, len(values))
	for name, value := range values {
		variables[name] = &value
	}
	return &variables
}

// maxTokenBytes is the length with which a token counts if nothing is known about it.
const maxTokenBytes = 128

// longest returns text, or text of the maximum length if it contains a token.
func longest(text string, maxBytes int) string {
	if isToken(text) {
		return strings.Repeat("x", maxBytes)
	}
	return text
}

// checkFit rejects variables that can be too long together when the stack is deployed: each token
// counts with the longest value that it can have. It names the props that the user can
// shorten, which are those in props and, for the user's variables, Environment.
func checkFit(p *problems, own, users map[string]string, props ...string) {
	size := 0
	for _, variables := range []map[string]string{own, users} {
		for name, value := range variables {
			size += len(name) + len(anyToken.ReplaceAllString(value, strings.Repeat("x", maxTokenBytes)))
		}
	}
	if size <= maxEnvironmentBytes {
		return
	}
	if len(users) > 0 {
		props = append(props, "Environment")
	}
	hint := ""
	if slices.Contains(props, "Feeds") {
		hint = ". A feed with a secret takes 15 bytes, and a secret whose ARN is a token 128: write ARNs out, or define " +
			"some of these feeds in another stack"
	}
	p.addf("%s: the variables of the function can have %d bytes in all, and Lambda allows at most %d; shorten %[1]s%[4]s",
		strings.Join(props, " and "), size, maxEnvironmentBytes, hint)
}

// FunctionOptions are options that an organization sets in the same way for all its
// functions. The props of [Importer], [Transformer], [Alerts] and [Hunts] embed them.
type FunctionOptions struct {
	LoggingSettings

	// VPC is the network that the function runs in. From there it must reach the services that
	// it calls:
	//
	//	transformer  S3, and SQS with alerts
	//	importer     S3, DynamoDB, Systems Manager, EventBridge with alerts, Secrets Manager for
	//	             feeds with secrets, and the Internet for feeds with a URL
	//	notifier     DynamoDB, EventBridge, SNS with a topic, Security Hub with findings
	//	hunter       Athena, DynamoDB, SQS
	//
	// Default: the function runs outside your VPCs.
	VPC awsec2.IVpc
	// SubnetSelection chooses subnets of VPC. A function has no public address, so public
	// subnets are rejected.
	//
	// Default: the private subnets.
	SubnetSelection *awsec2.SubnetSelection
	// SecurityGroups of the function in VPC.
	//
	// Default: a new one, which allows all outbound traffic and no inbound traffic.
	SecurityGroups []awsec2.ISecurityGroup
	// Architecture is arm64 or x86_64. If Code is given, it must be built for this
	// architecture.
	//
	// Default: arm64.
	Architecture awslambda.Architecture
	// Environment contains additional variables, for layers for instance. Lambda allows 4
	// KiB for all variables of a function. Names that this package or Lambda uses are
	// rejected.
	//
	// Default: the function has only its own variables.
	Environment map[string]string
	// Layers are added to the function, at most 5. They must support provided.al2023 and
	// Architecture.
	//
	// Default: none.
	Layers []awslambda.ILayerVersion
	// Tracing sends traces of invocations to X-Ray, and gives the function permission to
	// write them.
	//
	// Default: DISABLED.
	Tracing awslambda.Tracing
	// CodeSigningConfig defines which signatures Lambda accepts. Code that is built by this
	// package is not signed: if the config enforces signatures, set Code to a signed
	// archive.
	//
	// Default: signatures are not checked.
	CodeSigningConfig awslambda.ICodeSigningConfig
}

// maxLayers is Lambda's limit ("Lambda quotas" in its developer guide).
const maxLayers = 5

// variableName matches the names of variables that Lambda accepts (Environment in its API).
var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// reservedVariables are set by Lambda ("Defined runtime environment variables" in its
// developer guide). _HANDLER and _X_AMZN_TRACE_ID do not match variableName.
var reservedVariables = []string{
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_RUNTIME_API",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// checkFunctionOptions rejects options that Lambda or the CDK would reject.
func checkFunctionOptions(p *problems, o FunctionOptions) {
	p.settings(o.LoggingSettings)
	checkNetwork(p, o)
	checkVariables(p, o.Environment)
	checkLayers(p, o)
	if o.Architecture != nil {
		arm, x86 := *awslambda.Architecture_ARM_64().Name(), *awslambda.Architecture_X86_64().Name()
		if name := *o.Architecture.Name(); name != arm && name != x86 {
			p.addf("Architecture: must be %s or %s, got %q", arm, x86, name)
		}
	}
	if o.Tracing != "" && tracingModes[o.Tracing] == "" {
		p.addf("Tracing: must be one of %v, got %q", slices.Sorted(maps.Keys(tracingModes)), o.Tracing)
	}
}

// checkNetwork rejects options that have no effect without a VPC, and subnets in which a
// function cannot work.
func checkNetwork(p *problems, o FunctionOptions) {
	for i, group := range o.SecurityGroups {
		p.required(fmt.Sprintf("SecurityGroups[%d]", i), group == nil)
	}
	if o.VPC == nil {
		if o.SubnetSelection != nil {
			p.addf("SubnetSelection: has no effect without VPC; set VPC")
		}
		if len(o.SecurityGroups) > 0 {
			p.addf("SecurityGroups: have no effect without VPC; set VPC")
		}
		return
	}
	if o.SubnetSelection != nil && o.SubnetSelection.Subnets != nil {
		checkSubnets(p, o.VPC, *o.SubnetSelection.Subnets)
		return
	}
	subnets, err := selectSubnets(o)
	switch {
	case err != nil:
		p.addf("SubnetSelection: %w", err)
	case subnets.IsPendingLookup != nil && *subnets.IsPendingLookup: // a later synthesis knows
	case subnets.HasPublic != nil && *subnets.HasPublic:
		p.addf("SubnetSelection: chooses %s", noPublicSubnets)
	}
}

const noPublicSubnets = "public subnets, from which a function cannot reach anything outside the VPC; choose private or isolated ones"

// checkSubnets rejects explicit subnets that are nil or public. The CDK's own selection asks
// each subnet for its Availability Zone, which a subnet from an id does not know.
func checkSubnets(p *problems, vpc awsec2.IVpc, subnets []awsec2.ISubnet) {
	const prop = "SubnetSelection.Subnets"
	p.required(prop, len(subnets) == 0)
	var public []string
	for _, subnet := range *vpc.PublicSubnets() {
		public = append(public, *subnet.SubnetId())
	}
	for i, subnet := range subnets {
		p.required(fmt.Sprintf("%s[%d]", prop, i), subnet == nil)
		if subnet != nil && slices.Contains(public, *subnet.SubnetId()) {
			p.addf("%s[%d]: %s is one of the %s", prop, i, *subnet.Node().Path(), noPublicSubnets)
		}
	}
}

// selectSubnets returns the subnets of a function. The CDK panics if there are none.
func selectSubnets(o FunctionOptions) (subnets *awsec2.SelectedSubnets, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("no subnet of %s fits: %v", *o.VPC.Node().Path(), reason)
		}
	}()
	return o.VPC.SelectSubnets(o.SubnetSelection), nil
}

func checkVariables(p *problems, environment map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		prop := fmt.Sprintf("Environment[%q]", name)
		switch {
		case name == settings.EnvMemoryLimit:
			p.addf("%s: is set by this package; set MemoryMiB", prop)
		case name == settings.EnvSettings || strings.HasPrefix(name, settings.EnvSettings+"_"):
			p.addf("%s: %s, and names that begin with %[2]s_, are reserved for this package; set the corresponding prop, or use another name",
				prop, settings.EnvSettings)
		case slices.Contains(reservedVariables, name):
			p.addf("%s: Lambda sets this variable itself; use another name", prop)
		case !variableName.MatchString(name):
			p.addf("%s: the name must be a letter followed by letters, digits and underscores", prop)
		}
	}
}

// checkLayers rejects layers that Lambda would reject. A layer that does not say what it supports
// passes.
func checkLayers(p *problems, o FunctionOptions) {
	if len(o.Layers) > maxLayers {
		p.addf("Layers: a function can have at most %d, got %d", maxLayers, len(o.Layers))
	}
	runtime, architecture := awslambda.Runtime_PROVIDED_AL2023(), o.Architecture
	if architecture == nil {
		architecture = awslambda.Architecture_ARM_64()
	}
	for i, layer := range o.Layers {
		prop := fmt.Sprintf("Layers[%d]", i)
		p.required(prop, layer == nil)
		if layer == nil {
			continue
		}
		runtimes := layer.CompatibleRuntimes()
		if runtimes != nil && !slices.ContainsFunc(*runtimes, func(r awslambda.Runtime) bool { return *r.RuntimeEquals(runtime) }) {
			p.addf("%s: %s does not support the runtime %s; add it to CompatibleRuntimes of the layer, or use another layer",
				prop, *layer.Node().Path(), *runtime.Name())
		}
		if !supports(layer, architecture) {
			p.addf("%s: %s does not support the architecture %s; add it to CompatibleArchitectures of the layer, or set Architecture",
				prop, *layer.Node().Path(), *architecture.Name())
		}
	}
}

// supports reports whether a layer supports an architecture, as far as synthesis knows.
func supports(layer awslambda.ILayerVersion, architecture awslambda.Architecture) bool {
	resource, isOwn := layer.Node().DefaultChild().(awslambda.CfnLayerVersion)
	if !isOwn || resource.CompatibleArchitectures() == nil {
		return true
	}
	return slices.ContainsFunc(*resource.CompatibleArchitectures(), func(name *string) bool { return *name == *architecture.Name() })
}

// checkLayersIn rejects a layer of another Region (Lambda developer guide, "Adding layers to
// functions").
func checkLayersIn(p *problems, layers []awslambda.ILayerVersion, home place) {
	for i, layer := range layers {
		if layer != nil {
			checkSameRegion(p, fmt.Sprintf("Layers[%d]", i), placeOfResource(layer, *layer.LayerVersionArn()), home,
				"a function can use only layers of its own Region. Publish the layer there")
		}
	}
}

// checkCode rejects inline code, because the runtime needs a program.
func checkCode(p *problems, code awslambda.Code) {
	inline, ok := code.(interface{ IsInline() *bool })
	if ok && *inline.IsInline() {
		p.addf("Code: must be an archive or folder with a program named bootstrap, got inline code; " +
			"use Code_FromAsset or Code_FromBucketV2, or leave Code unset")
	}
}

// tracingModes maps the values of Tracing to CloudFormation's names for them.
var tracingModes = map[awslambda.Tracing]string{
	awslambda.Tracing_ACTIVE:       "Active",
	awslambda.Tracing_PASS_THROUGH: "PassThrough",
	awslambda.Tracing_DISABLED:     "Disabled",
}

// traces reports whether the function writes traces.
func (o FunctionOptions) traces() bool {
	return o.Tracing != "" && o.Tracing != awslambda.Tracing_DISABLED
}

// permissions returns the statements that the options require in the function's role.
func (o FunctionOptions) permissions(functions string) []statement {
	var statements []statement
	if o.VPC != nil {
		statements = append(statements,
			statement{sid: "ManageNetworkInterfaces", actions: networkActions, resources: []string{"*"}},
			// Lambda needs these actions, but the code must not have them (its developer
			// guide, "Giving Lambda functions access to resources in an Amazon VPC").
			statement{sid: "KeepNetworkInterfacesFromCode", deny: true, actions: networkActions, resources: []string{"*"},
				conditions: map[string]any{"ArnLike": map[string]any{"lambda:SourceFunctionArn": functions}}})
	}
	if o.traces() {
		statements = append(statements, statement{sid: "WriteTraces", resources: []string{"*"},
			actions: []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}})
	}
	return statements
}

// networkActions let Lambda connect a function to a VPC (see the same section of its
// developer guide).
var networkActions = []string{
	"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
	"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
}

// wildcards returns the findings for wildcards in permissions, which cannot be avoided.
func (o FunctionOptions) wildcards() []finding {
	var findings []finding
	if o.VPC != nil || o.traces() {
		findings = append(findings,
			finding{rule: "AwsSolutions-IAM5", reason: whyEveryResource, resources: []string{"*"}},
			finding{rule: "Serverless-LambdaStarPermissions", reason: whyEveryResource})
	}
	return findings
}
