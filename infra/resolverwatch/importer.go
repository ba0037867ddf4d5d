package resolverwatch

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// ImporterProps configures an [Importer].
type ImporterProps struct {
	ImporterSettings
	FunctionOptions

	// Store holds the lists, the index and the table. Required.
	Store *IndicatorStore
	// StackName is the value of the metrics' dimension `Stack`, and begins the names of the
	// feeds' SSM parameters: `/<StackName>/feeds/<id>`. Two importers in a stack need
	// different names. In a [Pipeline] the transformer uses the same name.
	//
	// Default: the name of the stack.
	StackName string
	// Feeds are the settings of feeds, by feed id. Each folder with a list is a feed, with
	// or without settings. Removing a feed here removes its settings and stops fetching it,
	// but its list counts until it is deleted from the bucket: see docs/operating.md. A
	// stack has room for about 150 feeds with a URL, and fewer with many VPCs.
	//
	// Default: none.
	Feeds map[string]Feed
	// PublishInterval is how often the importer publishes without an event, in whole
	// minutes. Publishing removes expired entries and feeds, and shows transformers that
	// the index is fresh.
	//
	// Default: 1 h.
	PublishInterval awscdk.Duration
	// MaxIndexBytes is the size of the largest index that is published, in whole bytes. The
	// transformers must be able to load it, see [Transformer.MaxIndexBytes]. It may be a
	// token, such as the value of a parameter.
	//
	// Default: the limit of the pipeline's transformer; for an importer alone, of one with
	// 256 MiB.
	MaxIndexBytes *float64
	// Events sends an event `Index published` to the default event bus after each publish with
	// changes, which [Hunts] and rules of yours can wait for.
	//
	// Default: no events. A [Pipeline] with alerts sends them.
	Events bool
	// ReservedConcurrency limits how many importers run at once, and reserves them from the
	// concurrency of the account. Importers can safely run at the same time.
	//
	// Default: nothing is reserved, because new accounts have too little concurrency.
	ReservedConcurrency int
	// EncryptionKey encrypts the function's environment and logs, and the dead letters.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// Role is the role of the function, which must trust lambda.amazonaws.com. A role that
	// this app can change gets the permissions that the function needs; for any other role
	// they become a step, which must be done before the first deployment: see Steps.
	//
	// Default: a new role.
	Role awsiam.IRole
	// SchedulerRole is the role that EventBridge Scheduler assumes to fetch feeds with a
	// URL. It must trust scheduler.amazonaws.com, and gets its permissions in the same way
	// as Role.
	//
	// Default: a new role, if there are such feeds.
	SchedulerRole awsiam.IRole
	// Code is the code of the function: a `bootstrap` for Linux and Architecture.
	//
	// Default: the go command builds it from the source of this module.
	Code awslambda.Code

	// otherResources is the number of resources in the stack that do not belong to feeds; 0
	// means those of an importer and its store.
	otherResources int
}

const (
	maxPublishInterval = 24 * time.Hour
	maxInteger         = 1 << 53 // up to which a float64 has all whole numbers
)

func (p ImporterProps) withDefaults() ImporterProps {
	settings.Fill(&p.ImporterSettings)
	settings.Fill(&p.LoggingSettings)
	return p
}

// Names that SSM accepts as the first part of a parameter's path, and names that it
// reserves for AWS (Systems Manager user guide, "Requirements and constraints for parameter
// names").
var (
	parameterPath  = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)
	reservedForAWS = regexp.MustCompile(`(?i)^(aws|ssm)`)
)

// checkStackName rejects a name that SSM would reject in the parameters of feeds.
func (p ImporterProps) checkStackName(stack string) error {
	var problems problems
	problems.name("StackName", stack, parameterPath, "1 to 128 of a-z A-Z 0-9 _ . -")
	if len(p.Feeds) > 0 && !isToken(stack) && reservedForAWS.MatchString(stack) {
		problems.addf("StackName: must not begin with aws or ssm, which SSM reserves for AWS, "+
			"because the settings of feeds are parameters under it; got %q", stack)
	}
	return problems.join()
}

func (p ImporterProps) validate() error {
	var problems problems
	problems.required("Store", p.Store == nil)
	problems.settings(p.ImporterSettings)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey})
	problems.known("PublishInterval", p.PublishInterval)
	interval := durationOf(p.PublishInterval, settings.PublishInterval)
	if interval < time.Minute || interval > maxPublishInterval || interval%time.Minute != 0 {
		problems.addf("PublishInterval: must be whole minutes in [1m, 24h], got %v", interval)
	}
	problems.number("ReservedConcurrency", p.ReservedConcurrency, 1, maxReserved)
	checkFunctionOptions(&problems, p.FunctionOptions)
	checkCode(&problems, p.Code)
	checkIndexBytes(&problems, p.MaxIndexBytes)
	checkFeeds(&problems, p.Feeds)
	checkFeedsFit(&problems, p.Feeds, orDefault(p.otherResources, importerResources))
	checkSecretsFit(&problems, p.Feeds)
	checkListKey(&problems, p.ListKey)
	checkProtected(&problems, p.Protected)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p ImporterProps) check(scope constructs.Construct) error {
	var problems problems
	stack := orDefault(p.StackName, stackName(scope))
	home := placeOf(scope)
	checkFree(&problems, scope, "", "StackName", stack)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, home)
	if p.Store != nil {
		checkUnused(&problems, scope, p.Store.uses()...)
		checkStoreIn(&problems, p.Store, home)
	}
	checkLayersIn(&problems, p.Layers, home)
	checkFit(&problems, p.withDefaults().longestEnvironment(stack), p.Environment, p.growing()...)
	return errors.Join(p.validate(), p.checkStackName(stack), problems.join(),
		checkRole(scope, "Role", p.Role), checkRole(scope, "SchedulerRole", p.SchedulerRole))
}

// checkIndexBytes rejects a size that is known and is not a positive number of whole bytes.
func checkIndexBytes(p *problems, size *float64) {
	if size == nil || isNumberToken(*size) {
		return
	}
	if *size < 1 || *size > maxInteger || *size != math.Trunc(*size) {
		p.addf("MaxIndexBytes: must be a whole number above 0, got %v", *size)
	}
}

// received returns what the function receives, in a deployment with a name. MaxIndexBytes is
// indexBytesToken if it is a token.
func (p ImporterProps) received(stack string) settings.ImporterFunction {
	received := settings.Default[settings.ImporterFunction]()
	received.Stack = stack
	if p.Store != nil { // a pipeline defines it later
		received.ListBucket = *p.Store.listBucket.BucketName()
		received.IndexBucket = *p.Store.indexBucket.BucketName()
		received.Table = *p.Store.table.TableName()
	}
	received.Logging = p.LoggingSettings
	received.Importer = p.ImporterSettings
	received.Guards.ListGuards = p.Guards
	received.Events = p.Events
	received.SecretPins = settings.PinSecrets(p.Feeds, isToken)
	switch {
	case p.MaxIndexBytes == nil:
	case isNumberToken(*p.MaxIndexBytes):
		received.MaxIndexBytes = indexBytesToken
	default:
		received.MaxIndexBytes = int(*p.MaxIndexBytes)
	}
	return received
}

// indexBytesToken stands for a MaxIndexBytes that is known only at deployment. It is the
// longest number.
const indexBytesToken = math.MinInt64

// encode returns the settings for the function as JSON. CloudFormation inserts the value of
// a MaxIndexBytes that is a token, as a bare number.
func (p ImporterProps) encode(stack string) string {
	received := p.received(stack)
	text := received.Encode()
	if received.MaxIndexBytes != indexBytesToken {
		return text
	}
	const member = `"maxIndexBytes":` // inside a string, its quotes would be escaped
	return strings.Replace(text, fmt.Sprint(member, indexBytesToken), member+*awscdk.Tokenization_StringifyNumber(p.MaxIndexBytes), 1)
}

// longestEnvironment returns the function's own variables with the longest names that its
// tokens can stand for.
func (p ImporterProps) longestEnvironment(stack string) map[string]string {
	received := p.received(longest(stack, maxStackName))
	received.ListBucket = longest(received.ListBucket, maxBucketName)
	received.IndexBucket = longest(received.IndexBucket, maxBucketName)
	received.Table = longest(received.Table, maxTableName)
	return ownVariables(received.Encode(), p.MemoryMiB)
}

// growing returns the props that make the environment longer. The user can shorten them.
func (p ImporterProps) growing() []string {
	var props []string
	if len(p.ListKey) > maxTokenBytes { // shortening another one gains little
		props = append(props, "ListKey")
	}
	if len(p.Protected) > 0 {
		props = append(props, "Protected")
	}
	if len(feedSecrets(p.Feeds)) > 0 { // each one is pinned to its host
		props = append(props, "Feeds")
	}
	return props
}

// Importer is the function that publishes the lists as an index and a table. Events of the
// list bucket and schedules invoke it. Events that fail are sent to a queue.
type Importer struct {
	constructs.Construct
	steps steps

	function    *function
	options     FunctionOptions
	deadLetters awssqs.Queue
	stack       string
	interval    time.Duration // between publishes
}

// ToString returns the path of the construct.
func (i *Importer) ToString() *string { return i.Node().Path() }

// NewImporter defines an [Importer]. It panics if the props are not valid.
func NewImporter(scope constructs.Construct, id string, props *ImporterProps) *Importer {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults()
	this := &Importer{options: p.FunctionOptions, stack: orDefault(p.StackName, stackName(scope)),
		interval: durationOf(p.PublishInterval, settings.PublishInterval)}
	begin(this, scope, id, problems)
	claim(this, "", "StackName", this.stack)
	useOnce(this, p.Store.uses()...)
	this.steps.letLogsUse(this, p.EncryptionKey)
	keepLogsReadable(this, p.Store.previous)
	this.steps.letEventsUse(this, p.EncryptionKey)
	this.deadLetters = newDeadLetters(this, p.EncryptionKey)
	this.function = newFunction(this, &this.steps, functionProps{
		FunctionOptions: p.FunctionOptions,

		name:        "importer",
		description: "Keeps the published index equal to the lists of malicious names",
		role:        p.Role,
		code:        p.Code,
		settings:    p.encode(this.stack),
		memoryMiB:   p.MemoryMiB,
		timeout:     settings.Duration(settings.ImporterTimeout),
		concurrency: p.ReservedConcurrency,
		key:         p.EncryptionKey,
		statements:  importerStatements(this, p),
		folders:     importerFolders(p.Feeds),
		findings: []finding{{rule: "Serverless-LambdaDLQ",
			reason: "events that fail go to a queue by the function's event invoke configuration, which also says why"}},
	})
	this.invokeOnEvents(p)
	this.invokeOnSchedule(this.interval)
	this.storeFeeds(p.Feeds)
	this.scheduleFeeds(p)
	this.letRoleUse(p)
	return this
}

// letRoleUse adds the steps for buckets and keys that belong to another account.
func (i *Importer) letRoleUse(p ImporterProps) {
	statements, role, keys := importerStatements(i, p), i.function.role, p.Store.keys
	i.steps.letRoleUseBucket(i, "ImporterListBucket", p.Store.ListBucket(), role, statements)
	i.steps.letRoleUseBucket(i, "ImporterIndexBucket", p.Store.IndexBucket(), role, statements)
	i.steps.letRoleUseKeys(i, "ImporterKey", role, statements,
		bothKeys(p.Store.previous, keys.lists, keys.index, keys.table, p.EncryptionKey)...)
	i.steps.letRoleReadSecrets(i, role, feedSecrets(p.Feeds))
	i.steps.letDeploymentUse(i, p.EncryptionKey)
	i.steps.remindOfEventBus(i, "List", p.Store.ListBucket())
}

// newDeadLetters defines the queue for events that failed every time. Only people read it.
func newDeadLetters(scope constructs.Construct, key awskms.IKey) awssqs.Queue {
	const days = 14 // the maximum in SQS
	props := &awssqs.QueueProps{
		EnforceSSL:      jsii.Bool(true),
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(days)),
	}
	if key != nil {
		props.Encryption, props.EncryptionMasterKey = awssqs.QueueEncryption_KMS, key
	}
	queue := awssqs.NewQueue(scope, jsii.String("DeadLetters"), props)
	accept(queue,
		finding{rule: "AwsSolutions-SQS3", reason: whyLastQueue},
		finding{rule: "Serverless-SQSRedrivePolicy", reason: whyLastQueue})
	return queue
}

const whyLastQueue = "it is the dead-letter queue"

// Function returns the function. Invoke it with {"feed":"<id>"} to import one feed, or with
// {"publish":true} to publish.
func (i *Importer) Function() awslambda.IFunction { return i.function.Function }

// Role returns the function's role.
func (i *Importer) Role() awsiam.IRole { return i.function.role }

// Connections returns the security groups of the function, which control what it can reach.
// It panics if the function is not in a VPC.
func (i *Importer) Connections() awsec2.Connections {
	return i.function.connections(i, i.options)
}

// LogGroup returns the log group of the function.
func (i *Importer) LogGroup() awslogs.ILogGroup { return i.function.logGroup }

// DeadLetters returns the queue of events that failed every time.
func (i *Importer) DeadLetters() awssqs.IQueue { return i.deadLetters }

// GrantInvoke lets grantee start an import or a publish.
func (i *Importer) GrantInvoke(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeGiven(i, "GrantInvoke", grantee)
	i.steps.remindOfFixedRole(i, "GrantInvokeImporter", grantee, statement{
		actions: []string{"lambda:InvokeFunction"}, resources: []string{*i.function.FunctionArn()}})
	return i.function.GrantInvoke(grantee)
}

// Metric returns a metric that the function writes, such as "ImportRejected", as a sum.
func (i *Importer) Metric(name string, options *MetricOptions) Metric {
	return ownMetric(i.stack, name, options)
}

// MetricErrors returns the number of runs that failed.
func (i *Importer) MetricErrors(options *MetricOptions) Metric {
	return i.function.MetricErrors(options)
}

// MetricDeadLetters returns how many events are in the dead-letter queue.
func (i *Importer) MetricDeadLetters(options *MetricOptions) Metric {
	return i.deadLetters.MetricApproximateNumberOfMessagesVisible(options)
}

// Steps returns what is left to do by hand, before or after a deployment.
func (i *Importer) Steps() []Step { return slices.Clone(i.steps) }

const (
	eventsService  = "events.amazonaws.com"
	maxEventAge    = 6 * time.Hour // the longest that Lambda keeps an event
	eventRetries   = 2             // the most retries in Lambda
	targetID       = "Importer"
	publishPayload = settings.PublishEvent
)

// invokeOnEvents invokes the function when lists change. The rule does not match objects
// that the function itself writes.
func (i *Importer) invokeOnEvents(p ImporterProps) {
	i.newRule("ListEvents", &awsevents.CfnRuleProps{
		Description: jsii.String("A list was uploaded or deleted"),
		EventPattern: map[string]any{
			"source":      []any{"aws.s3"},
			"detail-type": []any{"Object Created", "Object Deleted"},
			"detail": map[string]any{
				"bucket": map[string]any{"name": []any{*p.Store.ListBucket().BucketName()}},
				"object": map[string]any{"key": []any{
					map[string]any{"prefix": settings.BlockPrefix},
					map[string]any{"prefix": settings.AllowPrefix},
					map[string]any{"prefix": settings.GuardPrefix},
					p.ListKey,
				}},
			},
		},
	}, nil)
	keepFailedEvents(i, i.function, i.deadLetters, maxEventAge)
}

// invokeOnSchedule makes the function publish regularly.
func (i *Importer) invokeOnSchedule(interval time.Duration) {
	i.newRule("Schedule", &awsevents.CfnRuleProps{
		Description:        jsii.String("Publish: entries and feeds expire, the index is renewed"),
		ScheduleExpression: jsii.String(rate(interval)),
	}, jsii.String(publishPayload))
}

// rate formats whole minutes as a rate expression of EventBridge.
func rate(interval time.Duration) string {
	minutes := int(interval.Minutes())
	switch {
	case minutes == 1:
		return "rate(1 minute)"
	case minutes == 60:
		return "rate(1 hour)"
	case minutes%60 == 0:
		return fmt.Sprintf("rate(%d hours)", minutes/60)
	default:
		return fmt.Sprintf("rate(%d minutes)", minutes)
	}
}

// newRule defines a rule whose target is the function.
func (i *Importer) newRule(id string, props *awsevents.CfnRuleProps, input *string) {
	newRule(i, id, props, ruleTarget{id: targetID, function: i.function, input: input, deadLetters: i.deadLetters})
}

// ruleTarget is a function that a rule invokes.
type ruleTarget struct {
	id          string
	function    *function
	input       *string      // nil = the event
	deadLetters awssqs.Queue // for events that could not be delivered; nil = none
}

// newRule defines a rule with one target. Resources are defined one by one, because the CDK's
// own targets package pulls in the constructs of forty services.
func newRule(c constructs.Construct, id string, props *awsevents.CfnRuleProps, to ruleTarget) awsevents.CfnRule {
	target := &awsevents.CfnRule_TargetProperty{Arn: to.function.FunctionArn(), Id: &to.id, Input: to.input}
	if to.deadLetters != nil {
		target.DeadLetterConfig = &awsevents.CfnRule_DeadLetterConfigProperty{Arn: to.deadLetters.QueueArn()}
	}
	props.State, props.Targets = jsii.String("ENABLED"), &[]any{target}
	rule := awsevents.NewCfnRule(c, &id, props)
	awslambda.NewCfnPermission(c, jsii.String(id+"Permission"), &awslambda.CfnPermissionProps{
		Action:        jsii.String("lambda:InvokeFunction"),
		FunctionName:  to.function.FunctionArn(),
		Principal:     jsii.String(eventsService),
		SourceArn:     rule.AttrArn(),
		SourceAccount: awscdk.Stack_Of(c).Account(),
	})
	if to.deadLetters != nil {
		to.deadLetters.AddToResourcePolicy(sendFrom(c, rule, to.deadLetters).forPrincipal(
			awsiam.NewServicePrincipal(jsii.String(eventsService), nil)))
	}
	return rule
}

// keepFailedEvents makes Lambda send events to a queue if the function failed every time.
func keepFailedEvents(c constructs.Construct, f *function, deadLetters awssqs.IQueue, maxAge time.Duration) {
	awslambda.NewCfnEventInvokeConfig(c, jsii.String("EventInvokeConfig"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             f.FunctionName(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumEventAgeInSeconds: jsii.Number(maxAge.Seconds()),
		MaximumRetryAttempts:     jsii.Number(eventRetries),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: deadLetters.QueueArn()},
		},
	})
}
