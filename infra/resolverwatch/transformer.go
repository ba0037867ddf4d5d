package resolverwatch

import (
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// TransformerProps configures a [Transformer].
type TransformerProps struct {
	TransformerSettings
	FunctionOptions

	// IndexBucket holds the published index under `index/`. It may be in another Region or
	// account, so that many Regions can share one list; another account must let the
	// function read in its policies. A bucket that another stack of this app defines in
	// another Region or account must have a physical name, such as the IndexBucketName of
	// an [IndicatorStore]. Required.
	IndexBucket awss3.IBucket
	// IndexKey is the customer managed key of the index bucket.
	//
	// Default: the key of IndexBucket, if it is known.
	IndexKey awskms.IKey
	// PreviousKeys are the customer managed keys that the index was encrypted with in the
	// past. Until the next publish, the function decrypts with one of these.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// AlertQueue is the queue that matches are sent to, such as the queue of [Alerts]. It must
	// be in the account and Region of the stack.
	//
	// Default: matches are sent nowhere.
	AlertQueue awssqs.IQueue
	// StackName is the value of the metrics' dimension `Stack`. Two transformers in a stack
	// need different names. In a [Pipeline] the importer uses the same name.
	//
	// Default: the name of the stack.
	StackName string
	// ReachBounds are those of the importer that publishes the index: the ReachBounds of its Guards.
	// The function does not load an index that exceeds them. A [Pipeline] sets them.
	//
	// Default: the defaults of an importer.
	ReachBounds ReachBounds
	// ReservedConcurrency limits how many invocations run at once, and reserves them from
	// the concurrency of the account. Firehose retries a throttled invocation three times;
	// if it is throttled each time, the batch goes to the error prefix without marks.
	//
	// Default: nothing is reserved, because new accounts have too little concurrency.
	ReservedConcurrency int
	// EncryptionKey encrypts the function's environment and logs.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
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

// transformerKind separates the names of transformers from those of importers, because both
// functions of a pipeline have the same name.
const transformerKind = "Transformer"

func (p TransformerProps) withDefaults() TransformerProps {
	settings.Fill(&p.TransformerSettings)
	settings.Fill(&p.LoggingSettings)
	settings.Fill(&p.ReachBounds)
	p.IndexKey = firstKey(p.IndexKey, ownKey(p.IndexBucket))
	return p
}

func (p TransformerProps) validate() error {
	var problems problems
	problems.settings(p.TransformerSettings)
	problems.settings(p.ReachBounds)
	problems.wholeSeconds("Timeout", p.Timeout)
	problems.required("IndexBucket", p.IndexBucket == nil)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey, "IndexKey": p.IndexKey, "IndexBucket.EncryptionKey": keyUnless(p.IndexKey, p.IndexBucket)})
	checkPreviousKeys(&problems, p.PreviousKeys)
	problems.number("ReservedConcurrency", p.ReservedConcurrency, 1, maxReserved)
	checkFunctionOptions(&problems, p.FunctionOptions)
	checkCode(&problems, p.Code)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p TransformerProps) check(scope constructs.Construct) error {
	var problems problems
	stack := orDefault(p.StackName, stackName(scope))
	checkFree(&problems, scope, transformerKind, "StackName", stack)
	checkIndexFrom(&problems, scope, p)
	checkKeyOf(&problems, "IndexKey", p.IndexKey, p.IndexBucket)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, placeOf(scope))
	checkLayersIn(&problems, p.Layers, placeOf(scope))
	checkFit(&problems, p.withDefaults().longestEnvironment(stack), p.Environment)
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}

// received returns what the function receives, in a deployment with a name.
func (p TransformerProps) received(stack string) settings.TransformerFunction {
	received := settings.Default[settings.TransformerFunction]()
	received.Stack = stack
	if p.IndexBucket != nil { // a pipeline defines it later
		received.IndexBucket = *p.IndexBucket.BucketName()
	}
	if p.AlertQueue != nil {
		received.AlertQueue = *p.AlertQueue.QueueUrl()
	}
	received.Logging = p.LoggingSettings
	received.Transformer = p.TransformerSettings
	received.ReachBounds = p.ReachBounds
	return received
}

// longestEnvironment returns the function's own variables with the longest names that its
// tokens can stand for.
func (p TransformerProps) longestEnvironment(stack string) map[string]string {
	received := p.received(longest(stack, maxStackName))
	received.IndexBucket = longest(received.IndexBucket, maxBucketName)
	received.AlertQueue = longest(received.AlertQueue, maxQueueURL)
	return ownVariables(received.Encode(), p.MemoryMiB)
}

// Transformer is the function that marks query logs for a delivery stream.
type Transformer struct {
	constructs.Construct
	steps steps

	function  *function
	options   FunctionOptions
	stack     string
	memoryMiB int
	// pollInterval is how long transformers may have different indexes.
	pollInterval time.Duration
}

// ToString returns the path of the construct.
func (t *Transformer) ToString() *string { return t.Node().Path() }

// NewTransformer defines a [Transformer]. It panics if the props are not valid.
func NewTransformer(scope constructs.Construct, id string, props *TransformerProps) *Transformer {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults()
	this := &Transformer{
		memoryMiB: p.MemoryMiB, options: p.FunctionOptions, stack: orDefault(p.StackName, stackName(scope)),
		pollInterval: p.PollInterval.Std()}
	begin(this, scope, id, problems)
	claim(this, transformerKind, "StackName", this.stack)
	this.steps.letLogsUse(this, p.EncryptionKey)
	keepLogsReadable(this, p.PreviousKeys)
	received := p.received(this.stack)
	this.function = newFunction(this, &this.steps, functionProps{
		FunctionOptions: p.FunctionOptions,

		name:        "transformer",
		description: "Marks Route 53 Resolver query logs on their way through Firehose",
		role:        p.Role,
		code:        p.Code,
		settings:    received.Encode(),
		memoryMiB:   p.MemoryMiB,
		timeout:     p.Timeout,
		concurrency: p.ReservedConcurrency,
		key:         p.EncryptionKey,
		statements:  append(readIndex(p), sendMatches(p.AlertQueue)...),
		folders:     []string{"/" + settings.IndexPrefix + "*"},
		findings: []finding{
			{rule: "Serverless-LambdaDLQ", reason: "Firehose invokes the function and keeps what it cannot transform"},
			{rule: "Serverless-LambdaAsyncFailureDestination", reason: "Firehose invokes the function, never asynchronously"},
		},
	})
	this.steps.letRoleUseBucket(this, "TransformerIndexBucket", p.IndexBucket, this.function.role, readIndex(p))
	this.steps.letRoleUseKeys(this, "TransformerKey", this.function.role, readIndex(p), bothKeys(p.PreviousKeys, p.IndexKey)...)
	this.steps.letDeploymentUse(this, p.EncryptionKey)
	return this
}

// readIndex lets the function read the index and nothing else. Without the permission to
// list, S3 answers 403 instead of 404 before the first publish, and the function does not
// retry a 403. The permission has no condition on the prefix, because a request for an
// object has no prefix that S3 is known to compare.
func readIndex(p TransformerProps) []statement {
	bucket := p.IndexBucket
	statements := []statement{
		{sid: "ReadIndex", actions: []string{"s3:GetObject"}, resources: objects(bucket, settings.IndexPrefix+"*")},
		{sid: "SeeThatIndexIsMissing", actions: []string{"s3:ListBucket"}, resources: []string{*bucket.BucketArn()}},
	}
	return append(append(statements, keyUse("s3", keyRead, p.IndexKey)...), readPrevious(p.PreviousKeys, "s3")...)
}

// sendMatches lets a function send messages to the queue of alerts, if there is one.
func sendMatches(queue awssqs.IQueue) []statement {
	if queue == nil {
		return nil
	}
	return append([]statement{sendTo(queue)}, keyUse("sqs", keyWrite, queue.EncryptionMasterKey())...)
}

// sendTo lets a function send messages to the queue of alerts.
func sendTo(queue awssqs.IQueue) statement {
	return statement{sid: "SendMatches", actions: []string{"sqs:SendMessage"}, resources: []string{*queue.QueueArn()}}
}

// Function returns the function.
func (t *Transformer) Function() awslambda.IFunction { return t.function.Function }

// Role returns the function's role.
func (t *Transformer) Role() awsiam.IRole { return t.function.role }

// Connections returns the security groups of the function, which control what it can reach.
// It panics if the function is not in a VPC.
func (t *Transformer) Connections() awsec2.Connections {
	return t.function.connections(t, t.options)
}

// LogGroup returns the log group of the function.
func (t *Transformer) LogGroup() awslogs.ILogGroup { return t.function.logGroup }

// MaxIndexBytes returns the size of the largest index that the function can load while
// another one is active.
func (t *Transformer) MaxIndexBytes() int { return settings.MaxIndexBytes(t.memoryMiB) }

// GrantInvoke lets grantee, such as the role of a delivery stream, invoke the function.
func (t *Transformer) GrantInvoke(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeGiven(t, "GrantInvoke", grantee)
	t.steps.remindOfFixedRole(t, "GrantInvokeTransformer", grantee, statement{
		actions: []string{"lambda:InvokeFunction"}, resources: []string{*t.function.FunctionArn()}})
	return t.function.GrantInvoke(grantee)
}

// Metric returns a metric that the function writes, such as "Unknown", as a sum.
func (t *Transformer) Metric(name string, options *MetricOptions) Metric {
	return ownMetric(t.stack, name, options)
}

// MetricErrors returns the number of invocations that failed.
func (t *Transformer) MetricErrors(options *MetricOptions) Metric {
	return t.function.MetricErrors(options)
}

// MetricThrottles returns the number of invocations that were throttled.
func (t *Transformer) MetricThrottles(options *MetricOptions) Metric {
	return t.function.MetricThrottles(options)
}

// MetricDuration returns how long invocations take.
func (t *Transformer) MetricDuration(options *MetricOptions) Metric {
	return t.function.MetricDuration(options)
}

// seconds returns a whole number of seconds as the CDK's duration.
func seconds(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}

// Steps returns what is left to do by hand, before or after a deployment.
func (t *Transformer) Steps() []Step { return slices.Clone(t.steps) }
