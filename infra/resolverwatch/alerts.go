package resolverwatch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// AlertsProps configures [Alerts]. The zero value is valid.
type AlertsProps struct {
	AlertSettings
	FunctionOptions

	// Topic is an existing topic for the notices. It must be a standard topic of the Region of
	// the stack. The policy of a topic of another account must let the function publish: see
	// Steps.
	//
	// Default: a new topic.
	Topic awssns.ITopic
	// WithoutTopic leaves out the topic. Alerts are then only events on the default event bus,
	// and findings if SecurityHub is set.
	//
	// Default: there is a topic.
	WithoutTopic bool
	// StackName is the value of the metrics' dimension `Stack`. In a [Pipeline] all functions
	// use the same name.
	//
	// Default: the name of the stack.
	StackName string
	// EncryptionKey encrypts the queues, the table, a new topic, and the function's environment
	// and logs.
	//
	// Default: keys of AWS. A new topic then has no KMS key, so that alarms and rules of this
	// account can publish to it too; SNS encrypts its disks in any case. They could not use the
	// key of AWS for SNS, because nobody can change its policy.
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
	// Code is the code of the function: a `bootstrap` for Linux and Architecture.
	//
	// Default: the go command builds it from the source of this module.
	Code awslambda.Code
}

// alertsKind separates the names of notifiers from those of other functions, because all
// functions of a pipeline have the same name.
const alertsKind = "Alerts"

func (p AlertsProps) withDefaults() AlertsProps {
	settings.Fill(&p.AlertSettings)
	settings.Fill(&p.LoggingSettings)
	return p
}

func (p AlertsProps) validate() error {
	var problems problems
	problems.settings(p.AlertSettings)
	problems.name("TopicName", p.TopicName, topicName, "1 to 256 of a-z A-Z 0-9 _ -")
	for i, address := range p.Emails {
		prop := fmt.Sprintf("Emails[%d]", i)
		problems.required(prop, address == "")
		problems.name(prop, address, emailAddress, "an e-mail address")
		if slices.Contains(p.Emails[:i], address) {
			problems.addf("%s: must not be listed twice, got %q", prop, address)
		}
	}
	p.validateTopic(&problems)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey})
	checkPreviousKeys(&problems, p.PreviousKeys)
	checkFunctionOptions(&problems, p.FunctionOptions)
	checkCode(&problems, p.Code)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p AlertsProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	stack := orDefault(p.StackName, stackName(scope))
	checkFree(&problems, scope, alertsKind, "StackName", stack)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, home)
	checkLayersIn(&problems, p.Layers, home)
	if p.Topic != nil {
		checkSameRegion(&problems, "Topic", placeOfResource(p.Topic, *p.Topic.TopicArn()), home,
			"the function publishes in its own Region. Use a topic there")
	}
	checkFit(&problems, p.longestEnvironment(stack), p.Environment)
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}

// received returns what the function receives, in a deployment with a name, apart from the names
// of resources.
func (p AlertsProps) received(stack string) settings.NotifierFunction {
	received := settings.Default[settings.NotifierFunction]()
	received.Stack = stack
	received.Alerting, received.Logging = p.Alerting, p.LoggingSettings
	return received
}

// longestEnvironment returns the function's own variables with the longest names that its
// tokens can stand for.
func (p AlertsProps) longestEnvironment(stack string) map[string]string {
	received := p.withDefaults().received(longest(stack, maxStackName))
	received.Table = strings.Repeat("x", maxTableName)
	received.Topic = strings.Repeat("x", maxTopicARN)
	received.ProductARN = strings.Repeat("x", maxTopicARN)
	return ownVariables(received.Encode(), notifierMiB)
}

const maxTopicARN = 320 // with a name of 256

// Alerts tell people about matches. Functions that find matches send them to its queue. The
// notifier merges and deduplicates them, and writes events to the default event bus, notices to
// a topic, and findings to Security Hub.
type Alerts struct {
	constructs.Construct
	steps steps

	queue       awssqs.Queue
	deadLetters awssqs.Queue
	table       awsdynamodb.Table
	topic       awssns.ITopic // nil without a topic
	function    *function
	options     FunctionOptions
	stack       string
	findings    bool // Security Hub gets findings
	key         awskms.IKey
	previous    []awskms.IKey
}

// ToString returns the path of the construct.
func (a *Alerts) ToString() *string { return a.Node().Path() }

// NewAlerts defines [Alerts]. Nil props mean the defaults. It panics if the props are not valid.
func NewAlerts(scope constructs.Construct, id string, props *AlertsProps) *Alerts {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults()
	this := &Alerts{stack: orDefault(p.StackName, stackName(scope)), options: p.FunctionOptions,
		findings: p.SecurityHub, key: p.EncryptionKey, previous: p.PreviousKeys}
	begin(this, scope, id, problems)
	claim(this, alertsKind, "StackName", this.stack)
	this.steps.letLogsUse(this, p.EncryptionKey)
	keepLogsReadable(this, p.PreviousKeys)
	this.newQueue()
	this.table = newSentTable(this, p.EncryptionKey)
	this.newTopic(p)
	this.newNotifier(p)
	readQueue(this, queueReader{
		queue: this.queue, function: this.function,
		batch: settings.AlertBatch, window: settings.AlertBatchWindow, concurrency: settings.NotifierConcurrency,
	})
	this.scheduleDigest(p.Digest)
	this.letRoleUse(p)
	return this
}

// newQueue defines the queue of matches. Only what the function failed to handle five times is
// in its dead-letter queue.
func (a *Alerts) newQueue() {
	a.deadLetters = newDeadLetters(a, a.key)
	a.queue = newQueue(a, queueProps{
		key: a.key, deadLetters: a.deadLetters, receives: settings.AlertReceives,
		visibility: seconds(settings.AlertVisibility), days: queueDays,
	})
}

// newSentTable defines the table of sent alerts. It is deleted with its stack and has no
// backups: if its rows are lost, alerts of the last days are sent once more.
func newSentTable(c constructs.Construct, key awskms.IKey) awsdynamodb.Table {
	props := &awsdynamodb.TableProps{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String(settings.SentTableKey), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		TimeToLiveAttribute: jsii.String(settings.TableTTL),
		Encryption:          awsdynamodb.TableEncryption_AWS_MANAGED,
		RemovalPolicy:       awscdk.RemovalPolicy_DESTROY,
	}
	if key != nil {
		props.Encryption, props.EncryptionKey = awsdynamodb.TableEncryption_CUSTOMER_MANAGED, key
	}
	table := awsdynamodb.NewTable(c, jsii.String("Sent"), props)
	const why = "the table only remembers which alerts were sent; if its rows are lost, they are sent once more"
	accept(table, finding{rule: "AwsSolutions-DDB3", reason: why})
	return table
}

// notifierMiB is the memory of the notifier. A batch of the largest messages is 20 MiB of text.
const notifierMiB = 256

func (a *Alerts) newNotifier(p AlertsProps) {
	received := a.received(p)
	a.function = newFunction(a, &a.steps, functionProps{
		FunctionOptions: p.FunctionOptions,

		name:        "notifier",
		description: "Tells people about matches, once for each host and indicator",
		role:        p.Role,
		code:        p.Code,
		settings:    received.Encode(),
		memoryMiB:   notifierMiB,
		timeout:     settings.Duration(settings.NotifierTimeout),
		key:         p.EncryptionKey,
		statements:  a.statements(p),
		findings: []finding{
			{rule: "Serverless-LambdaDLQ", reason: whyQueueKeeps},
			{rule: "Serverless-LambdaAsyncFailureDestination", reason: whyQueueKeeps},
		},
	})
	if p.SecurityHub {
		a.steps.remind(a, Step{
			ID: StepSecurityHub,
			Why: "Security Hub CSPM must be on in this account and Region, or it refuses all findings. " +
				"The first command fails if it is off; the second one turns it on, which costs money.",
			Text: "aws securityhub describe-hub; aws securityhub enable-security-hub --no-enable-default-standards",
		})
	}
}

// scheduleDigest makes the function send a summary regularly.
func (a *Alerts) scheduleDigest(digest settings.Digest) {
	schedule := digestSchedules[digest]
	if schedule == "" {
		return
	}
	rule := newRule(a, "Digest", &awsevents.CfnRuleProps{
		Description:        jsii.String("Send a summary of the last notices"),
		ScheduleExpression: &schedule,
	}, ruleTarget{id: "Notifier", function: a.function, input: jsii.String(settings.DigestEvent)})
	accept(rule, finding{rule: "Serverless-EventBusDLQ", reason: "the next digest has what a digest that was not sent would have had"})
}

// digestSchedules are a few minutes after the hour, because the notifier adds to an hour until
// shortly after its end.
var digestSchedules = map[settings.Digest]string{
	settings.DigestHourly: "cron(5 * * * ? *)",
	settings.DigestDaily:  "cron(5 6 * * ? *)",
}

// letRoleUse adds the steps for a topic and keys that belong to another account.
func (a *Alerts) letRoleUse(p AlertsProps) {
	statements, role := a.statements(p), a.function.role
	if ofOtherAccount(a, p.Topic) {
		a.steps.letRoleUse(a, "AlertTopicPolicy", topicPolicy(p.Topic), role, statements)
	}
	a.steps.letRoleUseKeys(a, "NotifierKey", role, statements, bothKeys(p.PreviousKeys, p.EncryptionKey, keyOfTopic(a))...)
	a.steps.letDeploymentUse(a, p.EncryptionKey)
}

// received returns what the function receives.
func (a *Alerts) received(p AlertsProps) settings.NotifierFunction {
	received := p.received(a.stack)
	received.Table = *a.table.TableName()
	if a.topic != nil {
		received.Topic = *a.topic.TopicArn()
	}
	if p.SecurityHub {
		received.ProductARN = productARN(a)
	}
	return received
}

// productARN is the ARN under which an account may import its own findings (Security Hub user
// guide, "Using BatchImportFindings to create findings").
func productARN(c constructs.Construct) string {
	stack := awscdk.Stack_Of(c)
	return *stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("securityhub"), Resource: jsii.String("product"),
		ResourceName: jsii.String(*stack.Account() + "/default")})
}

// statements returns everything that the notifier may do.
func (a *Alerts) statements(p AlertsProps) []statement {
	statements := []statement{
		{sid: "ReceiveMatches", resources: []string{*a.queue.QueueArn()}, actions: receiveActions},
		{sid: "RememberAlerts", resources: []string{*a.table.TableArn()}, actions: sentActions},
		putEvents(a),
	}
	if a.topic != nil {
		statements = append(statements, statement{sid: "SendNotices", actions: []string{"sns:Publish"},
			resources: []string{*a.topic.TopicArn()}})
	}
	if p.SecurityHub {
		statements = append(statements, statement{sid: "ImportFindings", actions: []string{"securityhub:BatchImportFindings"},
			resources: []string{productARN(a)}})
	}
	statements = append(statements, keyUse("sqs", keyRead, a.key)...)
	statements = append(statements, keyUse("dynamodb", keyTable, a.key)...)
	statements = append(statements, keyUse("sns", keyWrite, keyOfTopic(a))...)
	return append(statements, readPrevious(a.previous, "sqs", "dynamodb")...)
}

// sentActions let the notifier remember what it sends. Its writes are conditional.
var sentActions = []string{"dynamodb:BatchGetItem", "dynamodb:PutItem"}

// putEvents lets a function send events of this product to the default event bus, and no
// others.
func putEvents(c constructs.Construct) statement {
	bus := awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: jsii.String("default")})
	return statement{sid: "SendEvents", actions: []string{"events:PutEvents"}, resources: []string{*bus},
		conditions: map[string]any{"StringEquals": map[string]any{"events:source": settings.EventSource}}}
}

// Function returns the notifier.
func (a *Alerts) Function() awslambda.IFunction { return a.function.Function }

// Role returns the notifier's role.
func (a *Alerts) Role() awsiam.IRole { return a.function.role }

// Connections returns the security groups of the function, which control what it can reach.
// It panics if the function is not in a VPC.
func (a *Alerts) Connections() awsec2.Connections { return a.function.connections(a, a.options) }

// LogGroup returns the log group of the notifier.
func (a *Alerts) LogGroup() awslogs.ILogGroup { return a.function.logGroup }

// Queue returns the queue of matches.
func (a *Alerts) Queue() awssqs.IQueue { return a.queue }

// DeadLetters returns the queue of messages that the notifier could not handle.
func (a *Alerts) DeadLetters() awssqs.IQueue { return a.deadLetters }

// Table returns the table of sent alerts.
func (a *Alerts) Table() awsdynamodb.ITable { return a.table }

// Topic returns the topic of the notices, or nil if there is none.
func (a *Alerts) Topic() awssns.ITopic { return a.topic }

// Steps returns what is left to do by hand, before or after a deployment.
func (a *Alerts) Steps() []Step { return slices.Clone(a.steps) }

// GrantSend lets grantee send matches to the queue, such as a test alert.
func (a *Alerts) GrantSend(grantee awsiam.IGrantable) awsiam.Grant {
	return a.steps.grant(a, "GrantSend", grantee, append(
		[]access{{statement{actions: []string{"sqs:SendMessage"}, resources: []string{*a.queue.QueueArn()}}, queuePolicy(a.queue)}},
		useKeys("sqs", keyWrite, a.key)...))
}

// GrantTest lets grantee send a test alert, and read what became of it.
func (a *Alerts) GrantTest(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeOfAccount(a, "GrantTest", grantee, "the table", "its policy does not admit others")
	read := statement{actions: []string{"dynamodb:GetItem"}, resources: []string{*a.table.TableArn()},
		conditions: map[string]any{"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": settings.SentTestKey("*")}}}
	return a.GrantSend(grantee).Combine(a.steps.grant(a, "GrantTest", grantee, append(
		[]access{{read, policied{}}}, useKeys("dynamodb", keyTableRead, a.key)...)))
}

// Metric returns a metric that the notifier writes, such as "AlertsSent", as a sum.
func (a *Alerts) Metric(name string, options *MetricOptions) Metric {
	return ownMetric(a.stack, name, options)
}

// MetricErrors returns the number of invocations that failed.
func (a *Alerts) MetricErrors(options *MetricOptions) Metric { return a.function.MetricErrors(options) }

// MetricQueueAge returns the age of the oldest message that waits for the notifier.
func (a *Alerts) MetricQueueAge(options *MetricOptions) Metric {
	return a.queue.MetricApproximateAgeOfOldestMessage(options)
}

// MetricDeadLetters returns how many messages are in the dead-letter queue.
func (a *Alerts) MetricDeadLetters(options *MetricOptions) Metric {
	return a.deadLetters.MetricApproximateNumberOfMessagesVisible(options)
}
