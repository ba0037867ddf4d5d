package resolverwatch

import (
	"errors"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// BackfillProps configures a [Backfill].
type BackfillProps struct {
	LogRetentionSettings

	// Source has the bucket whose objects are marked, and the function that marks them. Required.
	Source *S3LogSource
	// Role is the role of the state machine, which must trust states.amazonaws.com. A role that
	// this app can change gets the permissions that the machine needs; for any other role they
	// become a step: see Steps.
	//
	// Default: a new role.
	Role awsiam.IRole
	// EncryptionKey encrypts the log of the state machine. What the machine itself stores, the
	// keys of objects, is encrypted with a key of AWS.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// PreviousKeys are keys that used to be the EncryptionKey.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
}

func (p BackfillProps) validate() error {
	var problems problems
	problems.settings(p.LogRetentionSettings)
	problems.required("Source", p.Source == nil)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey})
	checkPreviousKeys(&problems, p.PreviousKeys)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p BackfillProps) check(scope constructs.Construct) error {
	var problems problems
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, placeOf(scope))
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}

// Backfill is a state machine that marks the objects which are in a log bucket already. The
// command `resolverwatch backfill` starts it. It costs nothing until then.
type Backfill struct {
	constructs.Construct
	steps steps

	machine  awsstepfunctions.CfnStateMachine
	role     awsiam.IRole
	logGroup awslogs.LogGroup
}

// ToString returns the path of the construct.
func (b *Backfill) ToString() *string { return b.Node().Path() }

// NewBackfill defines a [Backfill]. It panics if the props are not valid.
func NewBackfill(scope constructs.Construct, id string, props *BackfillProps) *Backfill {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	settings.Fill(&p.LogRetentionSettings)
	this := &Backfill{}
	begin(this, scope, id, problems)
	this.steps.letLogsUse(this, p.EncryptionKey)
	keepLogsReadable(this, p.PreviousKeys)
	this.logGroup = newLogGroup(this, p.LogRetentionSettings, p.EncryptionKey)
	ready := this.newRole(p)
	this.machine = this.newMachine(p.Source)
	this.machine.Node().AddDependency(ready)
	this.letMachineUseItself()
	this.letMarkerPlan(p.Source)
	return this
}

const statesService = "states.amazonaws.com"

// newRole defines the role of the machine.
func (b *Backfill) newRole(p BackfillProps) (ready constructs.IDependable) {
	stack := awscdk.Stack_Of(b)
	b.role, ready = b.steps.newRole(b, roleProps{
		given:       p.Role,
		id:          "Role",
		step:        "BackfillRole",
		policy:      "Backfill",
		description: "Step Functions has old query logs marked",
		trusted: awsiam.NewServicePrincipal(jsii.String(statesService), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": *stack.Account()}},
		}),
		service:    statesService,
		statements: append(b.statements(p.Source), readPrevious(p.PreviousKeys, "s3")...), // of manifests, to run failed tasks again
		findings: []finding{
			{rule: "AwsSolutions-IAM5", reason: whyObjectKeys, folders: []string{"/" + settings.BackfillPrefix + "*"}},
			{rule: "AwsSolutions-IAM5", reason: whyLogDelivery, resources: []string{"*"}},
		},
	})
	return ready
}

const whyLogDelivery = "the log of a state machine is set up through the delivery of logs, whose actions have no resources"

// statements returns what the machine may do, apart from running itself.
func (b *Backfill) statements(source *S3LogSource) []statement {
	statements := []statement{
		{sid: "InvokeMarker", actions: []string{"lambda:InvokeFunction"}, resources: []string{*source.function.FunctionArn()}},
		{sid: "UseManifests", resources: inFolders(source.output, []string{settings.BackfillPrefix}), actions: []string{
			"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"}},
		{sid: "WriteOwnLog", actions: logDeliveryActions, resources: []string{"*"}},
	}
	return append(statements, keyUse("s3", keyWrite, source.outputKey)...)
}

// logDeliveryActions let a state machine write its log (Step Functions developer guide, "Using
// CloudWatch Logs to log execution history").
var logDeliveryActions = []string{
	"logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
	"logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
}

// newMachine defines the state machine. CloudFormation chooses its name.
func (b *Backfill) newMachine(source *S3LogSource) awsstepfunctions.CfnStateMachine {
	stack := awscdk.Stack_Of(b)
	definition := stack.ToJsonString(backfillMachine(*stack.Partition(), *source.function.FunctionArn()), nil)
	machine := awsstepfunctions.NewCfnStateMachine(b, jsii.String("Machine"), &awsstepfunctions.CfnStateMachineProps{
		DefinitionString: definition,
		RoleArn:          b.role.RoleArn(),
		StateMachineType: jsii.String("STANDARD"),
		LoggingConfiguration: &awsstepfunctions.CfnStateMachine_LoggingConfigurationProperty{
			Level:                jsii.String("ALL"),
			IncludeExecutionData: jsii.Bool(false),
			Destinations: &[]any{&awsstepfunctions.CfnStateMachine_LogDestinationProperty{
				CloudWatchLogsLogGroup: &awsstepfunctions.CfnStateMachine_CloudWatchLogsLogGroupProperty{LogGroupArn: b.logGroup.LogGroupArn()},
			}},
		},
	})
	accept(machine, finding{rule: "AwsSolutions-SF2", reason: whyNoTracing},
		finding{rule: "Serverless-StepFunctionStateMachineXray", reason: whyNoTracing})
	return machine
}

// letMachineUseItself lets the machine run the tasks of a manifest as executions of its own. It
// is a policy apart, because the machine refers to its role (Step Functions developer guide, "IAM
// policies for using Distributed Map states").
func (b *Backfill) letMachineUseItself() {
	stack := awscdk.Stack_Of(b)
	executions := func(pattern string) []string {
		return []string{*stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("states"), Resource: jsii.String("execution"),
			ResourceName: jsii.String(*b.machine.AttrName() + pattern), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})}
	}
	const all, ofMap = ":*", "/" + mapLabel + ":*"
	b.steps.newRole(b, roleProps{
		given: b.role,
		id:    "RunRole",
		step:  "BackfillRunRole",
		statements: []statement{
			{sid: "RunTasks", actions: []string{"states:StartExecution"}, resources: []string{*b.machine.AttrArn()}},
			{sid: "WatchTasks", actions: []string{"states:DescribeExecution", "states:StopExecution"}, resources: executions(all)},
			{sid: "RunFailedTasksAgain", actions: []string{"states:RedriveExecution"}, resources: executions(ofMap)},
		},
		policy:   "BackfillRun",
		service:  statesService,
		findings: []finding{{rule: "AwsSolutions-IAM5", reason: "executions have names that are not known beforehand", folders: []string{all}}},
	})
}

// letMarkerPlan lets the marker write manifests and results, and read them again.
func (b *Backfill) letMarkerPlan(source *S3LogSource) {
	b.steps.newRole(b, roleProps{
		given: source.Role(),
		id:    "PlanRole",
		step:  "BackfillPlanRole",
		statements: []statement{{sid: "WriteManifests", actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"},
			resources: inFolders(source.output, []string{settings.BackfillPrefix})}},
		policy:   "BackfillPlan",
		service:  lambdaService,
		findings: []finding{{rule: "AwsSolutions-IAM5", reason: whyObjectKeys, folders: []string{"/" + settings.BackfillPrefix + "*"}}},
	})
}

// StateMachineArn returns the ARN of the state machine.
func (b *Backfill) StateMachineArn() string { return *b.machine.AttrArn() }

// Role returns the role of the state machine.
func (b *Backfill) Role() awsiam.IRole { return b.role }

// LogGroup returns the log group of the state machine.
func (b *Backfill) LogGroup() awslogs.ILogGroup { return b.logGroup }

// Steps returns what is left to do by hand, before or after a deployment.
func (b *Backfill) Steps() []Step { return slices.Clone(b.steps) }

// GrantStart lets grantee start backfills and follow them. It panics if the grantee belongs to
// another account, because state machines have no resource policy that could admit it.
func (b *Backfill) GrantStart(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeOfAccount(b, "GrantStart", grantee, "the state machine", "state machines have no resource policy")
	stack := awscdk.Stack_Of(b)
	arn := func(kind, pattern string) string {
		return *stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("states"), Resource: &kind,
			ResourceName: jsii.String(*b.machine.AttrName() + pattern), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	}
	return b.steps.grant(b, "GrantStart", grantee, []access{
		{statement{actions: []string{"states:StartExecution"}, resources: []string{b.StateMachineArn()}}, policied{}},
		{statement{actions: []string{"states:DescribeExecution", "states:ListMapRuns"}, resources: []string{arn("execution", ":*")}}, policied{}},
		{statement{actions: []string{"states:DescribeMapRun"}, resources: []string{arn("mapRun", "/"+mapLabel+":*")}}, policied{}},
	})
}
