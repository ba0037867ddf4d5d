package resolverwatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// HuntsProps configures [Hunts].
type HuntsProps struct {
	HuntSettings
	FunctionOptions

	// Catalog has the named queries and the workgroup that they run in. Required.
	Catalog *Catalog
	// Alerts receive the findings. There are no hunts without alerts, because the notifier is
	// the only part that reports to people. Required.
	Alerts *Alerts
	// StackName is the value of the metrics' dimension `Stack`. In a [Pipeline] all functions
	// use the same name.
	//
	// Default: the name of the stack.
	StackName string
	// EncryptionKey encrypts the function's environment and logs, and the dead letters.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// PreviousKeys are keys that used to be the EncryptionKey.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// Role is the role of the function, which must trust lambda.amazonaws.com. A role that
	// this app can change gets the permissions that the function needs; for any other role
	// they become a step, which must be done before the first deployment: see Steps.
	//
	// Default: a new role.
	Role awsiam.IRole
	// SchedulerRole is the role of the schedules, which must trust scheduler.amazonaws.com. Its
	// permissions are added in the same way.
	//
	// Default: a new role.
	SchedulerRole awsiam.IRole
	// Code is the code of the function: a `bootstrap` for Linux and Architecture.
	//
	// Default: the go command builds it from the source of this module.
	Code awslambda.Code
}

// huntsKind separates the names of hunters from those of other functions, because all functions
// of a pipeline have the same name.
const huntsKind = "Hunts"

func (p HuntsProps) withDefaults() HuntsProps {
	settings.Fill(&p.HuntSettings)
	settings.Fill(&p.LoggingSettings)
	return p
}

func (p HuntsProps) validate() error {
	var problems problems
	problems.settings(p.HuntSettings)
	problems.required("Catalog", p.Catalog == nil)
	problems.required("Alerts", p.Alerts == nil)
	if p.Catalog != nil && p.Catalog.index == nil && *p.withDefaults().RetroHunt {
		problems.addf("RetroHunt: needs the table of indicators; set IndexBucket of the catalog, or turn RetroHunt off")
	}
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey})
	checkPreviousKeys(&problems, p.PreviousKeys)
	checkFunctionOptions(&problems, p.FunctionOptions)
	checkCode(&problems, p.Code)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p HuntsProps) check(scope constructs.Construct) error {
	var problems problems
	stack := orDefault(p.StackName, stackName(scope))
	checkFree(&problems, scope, huntsKind, "StackName", stack)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, placeOf(scope))
	checkLayersIn(&problems, p.Layers, placeOf(scope))
	checkFit(&problems, p.longestEnvironment(stack), p.Environment)
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role), checkRole(scope, "SchedulerRole", p.SchedulerRole))
}

// received returns what the function receives, in a deployment with a name.
func (p HuntsProps) received(stack string) settings.HunterFunction {
	received := settings.Default[settings.HunterFunction]()
	received.Stack = stack
	received.Logging = p.LoggingSettings
	received.LookBack, received.RetroLookBack, received.MaxRows = p.LookBack, p.RetroLookBack, p.MaxRows
	if p.Catalog != nil && p.Alerts != nil { // a pipeline defines them later
		received.WorkGroup, received.Database = p.Catalog.names.workGroup, p.Catalog.names.database
		received.Table, received.AlertQueue = *p.Alerts.table.TableName(), *p.Alerts.queue.QueueUrl()
		compact(&received, p.Catalog)
	}
	return received
}

// longestEnvironment returns the function's own variables with the longest names that its
// tokens can stand for.
func (p HuntsProps) longestEnvironment(stack string) map[string]string {
	received := p.withDefaults().received(longest(stack, maxStackName))
	received.WorkGroup = longest(received.WorkGroup, maxStackName)
	received.Database = longest(received.Database, maxDatabaseName)
	received.Table = longest(received.Table, maxTableName)
	received.AlertQueue = longest(received.AlertQueue, maxQueueURL)
	return ownVariables(received.Encode(), hunterMiB)
}

const (
	maxDatabaseName = 255
	maxQueueURL     = 200 // https://sqs.<region>.<suffix>/<account>/<name of 80>
)

// hunterMiB is the memory of the hunter, which holds the rows of one result.
const hunterMiB = 256

// Hunts run named queries on a schedule and send their findings to [Alerts]. The retro-hunt
// runs after a publish with new indicators.
type Hunts struct {
	constructs.Construct
	steps steps

	function    *function
	options     FunctionOptions
	deadLetters awssqs.Queue
	group       awsscheduler.CfnScheduleGroup
	stack       string
	every       time.Duration // the shortest interval of the schedules; 0 = there are none
	compacts    bool          // closed days are copied
}

// ToString returns the path of the construct.
func (h *Hunts) ToString() *string { return h.Node().Path() }

// NewHunts defines [Hunts]. It panics if the props are not valid.
func NewHunts(scope constructs.Construct, id string, props *HuntsProps) *Hunts {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults()
	this := &Hunts{stack: orDefault(p.StackName, stackName(scope)), options: p.FunctionOptions}
	begin(this, scope, id, problems)
	claim(this, huntsKind, "StackName", this.stack)
	this.steps.letLogsUse(this, p.EncryptionKey)
	keepLogsReadable(this, p.PreviousKeys)
	this.steps.letEventsUse(this, p.EncryptionKey)
	this.deadLetters = newDeadLetters(this, p.EncryptionKey)
	this.newHunter(p)
	this.compacts = p.Catalog.logs != nil
	this.schedule(p)
	if *p.RetroHunt {
		this.huntAfterPublish()
	}
	keepFailedEvents(this, this.function, this.deadLetters, maxHuntAge)
	this.letRoleUse(p)
	return this
}

// maxHuntAge is how long a hunt is tried again. Later, the next scheduled one does the same.
const maxHuntAge = time.Hour

func (h *Hunts) newHunter(p HuntsProps) {
	received := p.received(h.stack)
	h.function = newFunction(h, &h.steps, functionProps{
		FunctionOptions: p.FunctionOptions,

		name:        "hunter",
		description: "Runs named queries on a schedule and sends their findings",
		role:        p.Role,
		code:        p.Code,
		settings:    received.Encode(),
		memoryMiB:   hunterMiB,
		timeout:     settings.Duration(settings.HunterTimeout),
		key:         p.EncryptionKey,
		statements:  h.statements(p),
		folders:     huntFolders(p.Catalog),
		wildcards:   governedFindings(p.Catalog),
		findings: []finding{{rule: "Serverless-LambdaDLQ",
			reason: "events that fail go to a queue by the function's event invoke configuration"}},
	})
	if p.Catalog.governed {
		p.Catalog.letQuery(h.function.role.GrantPrincipal())
	}
}

// statements returns everything that the hunter may do.
func (h *Hunts) statements(p HuntsProps) []statement {
	alerts := p.Alerts
	statements := append(huntStatements(p.Catalog),
		statement{sid: "RememberRuns", actions: claimActions, resources: []string{*alerts.table.TableArn()}},
		statement{sid: "SendFindings", actions: []string{"sqs:SendMessage"}, resources: []string{*alerts.queue.QueueArn()}},
		statement{sid: "KeepFailedEvents", actions: []string{"sqs:SendMessage"}, resources: []string{*h.deadLetters.QueueArn()}})
	statements = append(statements, compactionStatements(p.Catalog)...)
	statements = append(statements, keyUse("dynamodb", keyTable, alerts.key)...)
	statements = append(statements, keyUse("sqs", keyWrite, alerts.key, p.EncryptionKey)...)
	return append(statements, readPrevious(alerts.previous, "dynamodb")...)
}

// huntStatements let a function run the named queries of a catalog, and Athena read the tables
// on its behalf.
func huntStatements(c *Catalog) []statement {
	database := c.names.database
	seen := []string{*awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{Service: jsii.String("glue"), Resource: jsii.String("catalog")}),
		c.arn("glue", "database", database)}
	for _, table := range c.tables {
		seen = append(seen, c.arn("glue", "table", database+"/"+table.name))
	}
	statements := []statement{
		{sid: "RunQueries", actions: huntActions, resources: []string{c.arn("athena", "workgroup", c.names.workGroup)}},
		{sid: "SeeTables", actions: []string{"glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"}, resources: seen},
		c.seeDefaultDatabase(),
	}
	statements = append(statements, governedStatements(c)...)
	return append(statements, statementsOf(c.dataAccess())...)
}

var huntActions = []string{
	"athena:BatchGetNamedQuery", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:ListNamedQueries",
	"athena:StartQueryExecution", "athena:StopQueryExecution",
}

// claimActions let the hunter remember when the retro-hunt ran.
var claimActions = []string{"dynamodb:GetItem", "dynamodb:PutItem"}

// huntFolders returns the wildcards in huntStatements.
func huntFolders(c *Catalog) []string {
	folders := []string{"/" + resultsFolder + "*"}
	for _, folder := range c.folders {
		folders = append(folders, "/"+folder+"*")
	}
	if c.index != nil {
		folders = append(folders, "/"+catalog.IndicatorPrefix+"*")
	}
	return folders
}

// governedFindings returns the finding for the permission that Lake Formation needs.
func governedFindings(c *Catalog) []finding {
	if !c.governed {
		return nil
	}
	return []finding{{rule: "AwsSolutions-IAM5", resources: []string{"*"},
		reason: "lakeformation:GetDataAccess has no resources; Lake Formation itself decides which data it is for"}}
}

// schedule defines a schedule for each query that is on.
func (h *Hunts) schedule(p HuntsProps) {
	h.group = awsscheduler.NewCfnScheduleGroup(h, jsii.String("Group"), nil)
	role, ready := h.steps.newSchedulerRole(h, schedulerRole{
		given: p.SchedulerRole, step: "HuntSchedulerRole", description: "EventBridge Scheduler has named queries run", group: *h.group.AttrArn(),
		invoke: "InvokeHunter", function: h.function, deadLetters: h.deadLetters, key: p.EncryptionKey,
	})
	add := func(name, description, expression, event string) {
		schedule := h.newSchedule("Run-"+name, description, expression, event, role)
		if p.SchedulerRole != nil {
			schedule.Node().AddDependency(ready)
		}
	}
	for _, hunt := range p.Scheduled() {
		if h.every == 0 || hunt.Every < h.every {
			h.every = hunt.Every
		}
		add(hunt.Query, "Run the query "+hunt.Query, huntSchedule(hunt.Every), fmt.Sprintf(huntEvent, hunt.Query))
	}
	if h.compacts {
		// Each run copies one day at most, so that a deployment that is behind catches up.
		add("compaction", "Copy a closed day of marked logs into large files", rate(time.Hour), settings.CompactEvent)
	}
}

// newSchedule defines a schedule that invokes the hunter with an event.
func (h *Hunts) newSchedule(id, description, expression, event string, role awsiam.IRole) awsscheduler.CfnSchedule {
	const flexibleMinutes, retries = 5, 3
	return awsscheduler.NewCfnSchedule(h, &id, &awsscheduler.CfnScheduleProps{
		Description:        &description,
		GroupName:          h.group.Ref(),
		ScheduleExpression: &expression,
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{
			Mode: jsii.String("FLEXIBLE"), MaximumWindowInMinutes: jsii.Number(flexibleMinutes)},
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn:              h.function.FunctionArn(),
			RoleArn:          role.RoleArn(),
			Input:            &event,
			DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: h.deadLetters.QueueArn()},
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumRetryAttempts: jsii.Number(retries), MaximumEventAgeInSeconds: jsii.Number(maxHuntAge.Seconds())},
		},
	})
}

// huntSchedule returns the schedule of a query. Daily queries run some hours after midnight UTC,
// when the logs of the day before have arrived.
func huntSchedule(interval time.Duration) string {
	if interval == oneDay {
		return "cron(0 3 * * ? *)"
	}
	return rate(interval)
}

const oneDay = 24 * time.Hour

// huntEvent is the event of a schedule. The time is that of the schedule, also when the event is
// tried again, so that a repeat asks for the same period (EventBridge Scheduler user guide,
// "Adding context attributes").
const huntEvent = `{"query":"%s","at":"<aws.scheduler.scheduled-time>"}`

// huntAfterPublish runs the retro-hunt when the importer of this stack has published.
func (h *Hunts) huntAfterPublish() {
	newRule(h, "IndexPublished", &awsevents.CfnRuleProps{
		Description: jsii.String("An index was published: hunt for its new indicators in older logs"),
		EventPattern: map[string]any{
			"source":      []any{settings.EventSource},
			"detail-type": []any{settings.EventIndexPublished},
			"detail":      map[string]any{"stack": []any{h.stack}},
		},
	}, ruleTarget{id: "Hunter", function: h.function, deadLetters: h.deadLetters})
}

// letRoleUse adds the steps for buckets and keys that belong to another account.
func (h *Hunts) letRoleUse(p HuntsProps) {
	c, role, statements := p.Catalog, h.function.role, h.statements(p)
	h.steps.letRoleUseBucket(h, "HunterOutputBucket", c.output, role, statements)
	if c.index != nil {
		h.steps.letRoleUseBucket(h, "HunterIndexBucket", c.index, role, statements)
	}
	h.steps.letRoleUseKeys(h, "HunterKey", role, statements,
		bothKeys(c.previous, c.outputKey, c.indexKey, c.key, p.Alerts.key, p.EncryptionKey)...)
	h.steps.letDeploymentUse(h, p.EncryptionKey)
}

// Function returns the hunter. Invoke it with {"query":"<name>"} to run a named query and send
// its findings to the alerts.
func (h *Hunts) Function() awslambda.IFunction { return h.function.Function }

// Role returns the hunter's role.
func (h *Hunts) Role() awsiam.IRole { return h.function.role }

// Connections returns the security groups of the function, which control what it can reach.
// It panics if the function is not in a VPC.
func (h *Hunts) Connections() awsec2.Connections { return h.function.connections(h, h.options) }

// LogGroup returns the log group of the hunter.
func (h *Hunts) LogGroup() awslogs.ILogGroup { return h.function.logGroup }

// DeadLetters returns the queue of hunts that failed every time.
func (h *Hunts) DeadLetters() awssqs.IQueue { return h.deadLetters }

// GroupName returns the name of the group of schedules, which is a dimension of the metrics of
// EventBridge Scheduler.
func (h *Hunts) GroupName() string { return *h.group.Ref() }

// Steps returns what is left to do by hand, before or after a deployment.
func (h *Hunts) Steps() []Step { return slices.Clone(h.steps) }

// GrantInvoke lets grantee run a hunt.
func (h *Hunts) GrantInvoke(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeGiven(h, "GrantInvoke", grantee)
	h.steps.remindOfFixedRole(h, "GrantInvokeHunter", grantee, statement{
		actions: []string{"lambda:InvokeFunction"}, resources: []string{*h.function.FunctionArn()}})
	return h.function.GrantInvoke(grantee)
}

// Metric returns a metric that the hunter writes, such as "HuntFailed", as a sum.
func (h *Hunts) Metric(name string, options *MetricOptions) Metric {
	return ownMetric(h.stack, name, options)
}

// MetricErrors returns the number of runs that failed.
func (h *Hunts) MetricErrors(options *MetricOptions) Metric { return h.function.MetricErrors(options) }

// MetricDeadLetters returns how many hunts are in the dead-letter queue.
func (h *Hunts) MetricDeadLetters(options *MetricOptions) Metric {
	return h.deadLetters.MetricApproximateNumberOfMessagesVisible(options)
}
