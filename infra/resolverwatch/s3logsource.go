package resolverwatch

import (
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// markerKind separates the names of markers from those of other functions, because all functions
// of a pipeline have the same name.
const markerKind = "Marker"

func (p S3LogSourceProps) withDefaults() S3LogSourceProps {
	settings.Fill(&p.MarkerSettings)
	settings.Fill(&p.Marking)
	settings.Fill(&p.ReachBounds)
	settings.Fill(&p.LoggingSettings)
	preset := deliveryDefaults
	p.Prefix, _ = withSlash(orDefault(p.Prefix, preset.Prefix))
	p.ErrorPrefix, _ = withSlash(orDefault(p.ErrorPrefix, preset.ErrorPrefix))
	if p.LogPrefix != "" {
		p.LogPrefix, _ = withSlash(p.LogPrefix)
	}
	p.IndexKey = firstKey(p.IndexKey, ownKey(p.IndexBucket))
	if p.OutputKey == nil && p.OutputBucket != nil {
		p.OutputKey = keyOfExisting(p.OutputBucket, p.EncryptionKey)
	}
	switch {
	case p.LogKey != nil:
	case p.LogBucket != nil:
		p.LogKey = ownKey(p.LogBucket)
	default:
		p.LogKey = p.EncryptionKey
	}
	return p
}

func (p S3LogSourceProps) validate() error {
	var problems problems
	problems.settings(p.LogSourceSettings)
	problems.settings(p.MarkerSettings)
	problems.settings(p.Marking)
	problems.settings(p.ReachBounds)
	problems.wholeSeconds("Timeout", p.Timeout)
	problems.required("IndexBucket", p.IndexBucket == nil)
	problems.required("OutputBucket", p.OutputBucket == nil)
	problems.exclusive("LogBucket", p.LogBucket != nil, "LogBucketName", p.LogBucketName != "")
	problems.exclusive("LogBucket", p.LogBucket != nil, "RawLogRetentionDays", p.RawLogRetentionDays != 0)
	problems.exclusive("LogBucket", p.LogBucket != nil, "LifecycleRules", len(p.LifecycleRules) > 0)
	checkLifecycle(&problems, "LifecycleRules", p.LifecycleRules)
	problems.exclusive("WithoutQueryLogging", p.WithoutQueryLogging, "VPCs", len(p.VPCs) > 0)
	checkBucketName(&problems, "LogBucketName", p.LogBucketName)
	checkLogPrefix(&problems, p.LogPrefix)
	problems.removal(p.RemovalPolicy)
	checkMarkedFormat(&problems, p.Format)
	problems.wrap("Prefix", checkPrefix(p.Prefix))
	if p.ErrorPrefix != "" {
		problems.wrap("ErrorPrefix", checkErrorPrefix(p.ErrorPrefix))
	}
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey, "IndexKey": p.IndexKey, "OutputKey": p.OutputKey,
		"LogKey": p.LogKey, "LogBucket.EncryptionKey": keyUnless(p.LogKey, p.LogBucket)})
	checkPreviousKeys(&problems, p.PreviousKeys)
	checkFunctionOptions(&problems, p.FunctionOptions)
	checkCode(&problems, p.Code)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p S3LogSourceProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	stack := orDefault(p.StackName, stackName(scope))
	checkFree(&problems, scope, markerKind, "StackName", stack)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, home)
	checkKeyOf(&problems, "LogKey", p.LogKey, p.LogBucket)
	checkAccessLogsIn(&problems, p.AccessLogBucket, home)
	checkLayersIn(&problems, p.Layers, home)
	checkLogsIn(&problems, p.LogBucket, home)
	checkOwnNames(&problems, scope, givenName{"LogBucketName", p.LogBucketName})
	checkLoops(&problems, p)
	if p.LogBucket != nil {
		checkUnused(&problems, scope, p.uses()...)
	}
	checkFit(&problems, p.longestEnvironment(stack), p.Environment)
	var logging error
	if !p.WithoutQueryLogging {
		logging = exceptUnset(p.queryLogging(nil).check(scope), "Stream")
	}
	return errors.Join(p.validate(), problems.join(), logging, checkRole(scope, "Role", p.Role))
}

// received returns what the function receives, in a deployment with a name.
func (p S3LogSourceProps) received(stack string) settings.MarkerFunction {
	p = p.withDefaults()
	received := settings.Default[settings.MarkerFunction]()
	received.Stack = stack
	if p.IndexBucket != nil && p.OutputBucket != nil { // a pipeline defines them later
		received.IndexBucket, received.OutputBucket = *p.IndexBucket.BucketName(), *p.OutputBucket.BucketName()
	}
	if p.LogBucket != nil {
		received.LogBucket = *p.LogBucket.BucketName()
	}
	if p.AlertQueue != nil {
		received.AlertQueue = *p.AlertQueue.QueueUrl()
	}
	received.LogPrefix, received.ReachBounds = p.LogPrefix, p.ReachBounds
	received.Logging, received.Transformer = p.LoggingSettings, p.Marking
	received.Delivery.Prefix, received.Delivery.ErrorPrefix = p.Prefix, p.ErrorPrefix
	return received
}

// longestEnvironment returns the function's own variables with the longest names that its
// tokens can stand for.
func (p S3LogSourceProps) longestEnvironment(stack string) map[string]string {
	p = p.withDefaults()
	received := p.received(longest(stack, maxStackName))
	for _, name := range []*string{&received.IndexBucket, &received.OutputBucket, &received.LogBucket} {
		*name = longest(orDefault(*name, p.LogBucketName), maxBucketName)
	}
	received.AlertQueue = longest(received.AlertQueue, maxQueueURL)
	return ownVariables(received.Encode(), p.MemoryMiB)
}

// S3LogSource marks the query logs that Resolver writes to S3. It has the log bucket, the query
// logging configuration, and the marker: a function that marks each new object and writes the
// marked records where a [Delivery] would write them. The log bucket is stateful, so it is
// retained.
type S3LogSource struct {
	constructs.Construct
	steps steps

	bucket       awss3.IBucket
	queryLogging *QueryLogging
	queue        awssqs.Queue
	deadLetters  awssqs.Queue
	function     *function
	options      FunctionOptions
	stack        string
	logPrefix    string
	output       awss3.IBucket
	outputKey    awskms.IKey
	memoryMiB    int
	pollInterval time.Duration
}

// ToString returns the path of the construct.
func (s *S3LogSource) ToString() *string { return s.Node().Path() }

// NewS3LogSource defines an [S3LogSource]. It panics if the props are not valid.
func NewS3LogSource(scope constructs.Construct, id string, props *S3LogSourceProps) *S3LogSource {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults()
	this := &S3LogSource{
		stack: orDefault(p.StackName, stackName(scope)), options: p.FunctionOptions, bucket: p.LogBucket,
		logPrefix: p.LogPrefix, output: p.OutputBucket, outputKey: p.OutputKey, memoryMiB: p.MemoryMiB,
		pollInterval: p.Marking.PollInterval.Std()}
	begin(this, scope, id, problems)
	claim(this, markerKind, "StackName", this.stack)
	claimBuckets(this, givenName{"LogBucketName", p.LogBucketName})
	this.steps.letLogsUse(this, p.EncryptionKey)
	keepLogsReadable(this, p.PreviousKeys)
	this.steps.letEventsUse(this, p.EncryptionKey)
	this.newLogBucket(p)
	p.LogBucket = this.bucket
	useOnce(this, p.uses()...)
	this.newQueue(p)
	this.newMarker(p)
	readQueue(this, queueReader{
		queue: this.queue, function: this.function, batch: markerBatch, concurrency: p.MaxConcurrency})
	this.sendCreated(p)
	this.letRoleUse(p)
	if !p.WithoutQueryLogging {
		this.queryLogging = NewQueryLogging(this, "QueryLogging", p.queryLogging(this.bucket))
	}
	return this
}

// queryLogging returns the props of the query logging configuration.
func (p S3LogSourceProps) queryLogging(bucket awss3.IBucket) *QueryLoggingProps {
	p = p.withDefaults()
	props := &QueryLoggingProps{
		QueryLoggingSettings: QueryLoggingSettings{Name: p.QueryLogName, ShareWith: p.ShareWith},
		LogBucket:            bucket,
		VPCs:                 p.VPCs,
		ShareOutside:         p.ShareOutside,
	}
	if bucket != nil {
		props.LogPrefix = p.LogPrefix
	}
	return props
}

// newMarker defines the function that marks.
func (s *S3LogSource) newMarker(p S3LogSourceProps) {
	received := p.received(s.stack)
	s.function = newFunction(s, &s.steps, functionProps{
		FunctionOptions: p.FunctionOptions,

		name:        "marker",
		description: "Marks the query logs that Resolver writes to S3",
		role:        p.Role,
		code:        p.Code,
		settings:    received.Encode(),
		memoryMiB:   p.MemoryMiB,
		timeout:     p.Timeout,
		key:         p.EncryptionKey,
		statements:  s.statements(p),
		folders: []string{"/" + settings.IndexPrefix + "*", "/" + p.logFolder() + "*", "/" + writtenFolder(p.Prefix) + "*",
			"/" + writtenFolder(p.ErrorPrefix) + "*"},
		findings: []finding{
			{rule: "Serverless-LambdaDLQ", reason: whyQueueKeeps},
			{rule: "Serverless-LambdaAsyncFailureDestination", reason: whyQueueKeeps},
		},
	})
}

// statements returns everything that the marker may do. Without the permission to list, S3
// answers 403 instead of 404, and the marker could not tell that an object is gone or not marked
// yet. It has no condition on the prefix, because a request for an object has none.
func (s *S3LogSource) statements(p S3LogSourceProps) []statement {
	statements := []statement{
		{sid: "ReadIndex", actions: []string{"s3:GetObject"}, resources: objects(p.IndexBucket, settings.IndexPrefix+"*")},
		{sid: "ReadLogs", actions: []string{"s3:GetObject", "s3:GetObjectVersion"}, resources: objects(s.bucket, p.logFolder()+"*")},
		{sid: "WriteMarkedLogs", actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"},
			resources: inFolders(s.output, []string{writtenFolder(p.Prefix), writtenFolder(p.ErrorPrefix)})},
		{sid: "SeeObjects", actions: []string{"s3:ListBucket"},
			resources: []string{*p.IndexBucket.BucketArn(), *s.bucket.BucketArn(), *s.output.BucketArn()}},
		{sid: "ReceiveEvents", resources: []string{*s.queue.QueueArn()}, actions: receiveActions},
	}
	statements = append(statements, keyUse("s3", keyRead, p.IndexKey, p.LogKey)...)
	for _, write := range keyUse("s3", keyWrite, p.OutputKey) {
		write.sid = "KeyForMarkedLogs"
		statements = append(statements, write)
	}
	statements = append(statements, s.useQueues(p)...)
	return append(statements, readPrevious(p.PreviousKeys, "s3", "sqs")...)
}

// useQueues lets the marker send matches, and use the keys of the queues.
func (s *S3LogSource) useQueues(p S3LogSourceProps) []statement {
	if p.AlertQueue == nil {
		return keyUse("sqs", keyRead, p.EncryptionKey)
	}
	actions, key := keyRead, p.AlertQueue.EncryptionMasterKey()
	if key != nil {
		actions = keyWrite
	}
	return append([]statement{sendTo(p.AlertQueue)}, keyUse("sqs", actions, p.EncryptionKey, key)...)
}

// letRoleUse adds the steps for buckets and keys that belong to another account.
func (s *S3LogSource) letRoleUse(p S3LogSourceProps) {
	role, statements := s.function.role, s.statements(p)
	s.steps.letRoleUseBucket(s, "MarkerIndexBucket", p.IndexBucket, role, statements)
	s.steps.letRoleUseBucket(s, "MarkerLogBucket", s.bucket, role, statements)
	s.steps.letRoleUseBucket(s, "MarkerOutputBucket", s.output, role, statements)
	s.steps.letRoleUseKeys(s, "MarkerKey", role, statements,
		bothKeys(p.PreviousKeys, p.IndexKey, p.LogKey, p.OutputKey, p.EncryptionKey)...)
	s.steps.letDeploymentUse(s, p.EncryptionKey)
}

// LogBucket returns the bucket that Resolver writes to.
func (s *S3LogSource) LogBucket() awss3.IBucket { return s.bucket }

// QueryLogging returns the query logging configuration, or nil if there is none.
func (s *S3LogSource) QueryLogging() *QueryLogging { return s.queryLogging }

// Function returns the marker.
func (s *S3LogSource) Function() awslambda.IFunction { return s.function.Function }

// Role returns the marker's role.
func (s *S3LogSource) Role() awsiam.IRole { return s.function.role }

// Connections returns the security groups of the function, which control what it can reach.
// It panics if the function is not in a VPC.
func (s *S3LogSource) Connections() awsec2.Connections { return s.function.connections(s, s.options) }

// LogGroup returns the log group of the marker.
func (s *S3LogSource) LogGroup() awslogs.ILogGroup { return s.function.logGroup }

// Queue returns the queue of events about new objects.
func (s *S3LogSource) Queue() awssqs.IQueue { return s.queue }

// DeadLetters returns the queue of objects that could not be marked.
func (s *S3LogSource) DeadLetters() awssqs.IQueue { return s.deadLetters }

// MaxIndexBytes returns the size of the largest index that the marker can load while it uses
// another one.
func (s *S3LogSource) MaxIndexBytes() int { return settings.MaxIndexBytes(s.memoryMiB) }

// GrantInvoke lets grantee invoke the marker, as a dry run of a backfill does.
func (s *S3LogSource) GrantInvoke(grantee awsiam.IGrantable) awsiam.Grant {
	mustBeGiven(s, "GrantInvoke", grantee)
	s.steps.remindOfFixedRole(s, "GrantInvokeMarker", grantee, statement{
		actions: []string{"lambda:InvokeFunction"}, resources: []string{*s.function.FunctionArn()}})
	return s.function.GrantInvoke(grantee)
}

// Metric returns a metric that the marker writes, such as "Unknown", as a sum.
func (s *S3LogSource) Metric(name string, options *MetricOptions) Metric {
	return ownMetric(s.stack, name, options)
}

// MetricErrors returns the number of invocations that failed.
func (s *S3LogSource) MetricErrors(options *MetricOptions) Metric {
	return s.function.MetricErrors(options)
}

// MetricDeadLetters returns how many objects are in the dead-letter queue.
func (s *S3LogSource) MetricDeadLetters(options *MetricOptions) Metric {
	return s.deadLetters.MetricApproximateNumberOfMessagesVisible(options)
}

// Steps returns what is left to do by hand, before or after a deployment.
func (s *S3LogSource) Steps() []Step {
	all := slices.Clone(s.steps)
	if s.queryLogging != nil {
		all = append(all, s.queryLogging.Steps()...)
	}
	return all
}
