package resolverwatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/monitor"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Delivery carries the logs to S3: a delivery stream that has the records marked, and the
// bucket that they are written to. The bucket is stateful, so it is retained. Without a stream,
// it is the bucket that an [S3LogSource] writes to.
type Delivery struct {
	constructs.Construct
	steps steps

	stream   awskinesisfirehose.DeliveryStream
	bucket   awss3.IBucket
	role     awsiam.IRole
	logGroup awslogs.LogGroup
	prefix   string
	parquet  string // the prefix of Parquet files
	failures string // the prefix of records that failed
	format   Format
	key      awskms.IKey
	previous []awskms.IKey
	watched  *monitor.Stream // without its name
}

// ToString returns the path of the construct.
func (d *Delivery) ToString() *string { return d.Node().Path() }

// NewDelivery defines a [Delivery]. It panics if the props are not valid.
func NewDelivery(scope constructs.Construct, id string, props *DeliveryProps) *Delivery {
	defer explain(scope, id)
	given := orEmpty(props)
	problems := given.check(scope)
	p := given.withDefaults()
	this := &Delivery{bucket: p.OutputBucket, prefix: p.Prefix, parquet: p.ParquetPrefix, failures: p.ErrorPrefix, format: p.Format, key: p.OutputKey, previous: p.PreviousKeys}
	this.watched = p.watched()
	begin(this, scope, id, problems)
	claimBuckets(this, givenName{"OutputBucketName", p.OutputBucketName})
	this.warnOfSlash("Prefix", given.Prefix)
	this.warnOfSlash("ParquetPrefix", given.ParquetPrefix)
	this.warnOfSlash("ErrorPrefix", given.ErrorPrefix)
	this.steps.letLogsUse(this, p.EncryptionKey)
	keepLogsReadable(this, p.PreviousKeys)
	if this.bucket == nil {
		this.steps.remindOfAccessLogs(this, p.AccessLogBucket)
		this.bucket = newBucket(this, "Logs", bucketProps{
			name: p.OutputBucketName, key: p.EncryptionKey, accessLogs: p.AccessLogBucket,
			lifecycle: outputLifecycle(p), removal: p.RemovalPolicy, versioned: p.Versioned,
		})
	}
	useOnce(this, p.uses(this.bucket)...)
	if p.WithoutStream {
		return this
	}
	this.logGroup = newLogGroup(this, p.LogRetentionSettings, p.EncryptionKey)
	role, ready := newDeliveryRole(this, p)
	this.role = role
	this.stream = newStream(this, p, ready)
	this.letRoleUse(p)
	return this
}

// watched returns what alarms need to know of the stream.
func (p DeliveryProps) watched() *monitor.Stream {
	return &monitor.Stream{
		Buffer:   p.BufferInterval.Std() + durationOf(p.ProcessorBufferInterval, settings.ProcessorBufferInterval),
		Converts: p.Format == FormatParquet,
		OwnKey:   p.EncryptionKey != nil,
	}
}

// letRoleUse adds the steps for a bucket and keys that belong to another account.
func (d *Delivery) letRoleUse(p DeliveryProps) {
	statements := deliveryStatements(d, p)
	d.steps.letRoleUseBucket(d, "DeliveryOutputBucket", d.bucket, d.role, statements)
	d.steps.letRoleUseKeys(d, "DeliveryKey", d.role, statements, bothKeys(p.PreviousKeys, p.OutputKey, p.EncryptionKey)...)
	d.steps.letDeploymentUse(d, p.EncryptionKey)
}

// outputLifecycle returns the rules that delete logs after their retention time.
func outputLifecycle(p DeliveryProps) []*awss3.LifecycleRule {
	rules := slices.Clone(p.LifecycleRules)
	if p.MarkedLogRetentionDays != 0 {
		rules = append(rules, &awss3.LifecycleRule{
			Id: jsii.String("LogRetention"), Expiration: awscdk.Duration_Days(jsii.Number(p.MarkedLogRetentionDays))})
	}
	return append(rules, versionRules(p.Versioned, p.NoncurrentVersionExpiration)...)
}

// warnOfSlash warns if a prefix had no final slash.
func (d *Delivery) warnOfSlash(prop, given string) {
	if completed, added := withSlash(given); given != "" && added {
		warn(d, prop+"Slash", prop+": a final slash was added, so it is now "+completed+
			". Objects under the old prefix stay where they are; docs/migrating.md says how to query both.")
	}
}

// Stream returns the delivery stream, which query logging writes to, or nil if there is none.
func (d *Delivery) Stream() awskinesisfirehose.IDeliveryStream { return d.stream }

// OutputBucket returns the bucket that marked logs are written to.
func (d *Delivery) OutputBucket() awss3.IBucket { return d.bucket }

// OutputKey returns the customer managed key of the output bucket, or nil.
func (d *Delivery) OutputKey() awskms.IKey { return d.key }

// Format returns the format in which logs are written.
func (d *Delivery) Format() Format { return d.format }

// Prefix returns the prefix of marked logs in JSON, with its final slash. It does not
// depend on the current format.
func (d *Delivery) Prefix() string { return d.prefix }

// ParquetPrefix returns the prefix of marked logs in Parquet, with its final slash. It does
// not depend on the current format.
func (d *Delivery) ParquetPrefix() string { return d.parquet }

// ErrorPrefix returns the prefix of records that could not be marked or delivered, with its final
// slash.
func (d *Delivery) ErrorPrefix() string { return d.failures }

// Role returns the role that Firehose assumes to invoke the transformer and to write, or nil
// without a stream.
func (d *Delivery) Role() awsiam.IRole { return d.role }

// LogGroup returns the log group of the stream's errors, or nil without a stream.
func (d *Delivery) LogGroup() awslogs.ILogGroup { return d.logGroup }

// mustHaveStream panics if there is no stream.
func (d *Delivery) mustHaveStream(method string) {
	if d.stream == nil {
		panic(refuse(*d.Node().Path(), fmt.Errorf("%s: there is no stream; unset WithoutStream", method)))
	}
}

// GrantReadLogs lets grantee list and read the marked logs of both formats, and decrypt
// them with the customer managed key of the output bucket. If the grantee or the bucket
// belongs to another account, [Delivery.Steps] lists what cannot be added here.
func (d *Delivery) GrantReadLogs(grantee awsiam.IGrantable) awsiam.Grant {
	return d.steps.grant(d, "GrantReadLogs", grantee, append(
		readFolders(d.bucket, writtenFolder(d.prefix), writtenFolder(d.parquet)), useKeys("s3", keyRead, bothKeys(d.previous, d.key)...)...))
}

// GrantPutRecords lets grantee send records to the stream, as a replay does. It panics if
// the grantee belongs to another account, because streams have no resource policy that
// could admit it.
func (d *Delivery) GrantPutRecords(grantee awsiam.IGrantable) awsiam.Grant {
	d.mustHaveStream("GrantPutRecords")
	mustBeOfAccount(d, "GrantPutRecords", grantee, "the stream", "streams have no resource policy")
	d.steps.remindOfFixedRole(d, "GrantPutRecords", grantee, statement{
		actions: []string{"firehose:PutRecord", "firehose:PutRecordBatch"}, resources: []string{*d.stream.DeliveryStreamArn()}})
	return d.stream.GrantPutRecords(grantee)
}

// Metric returns a metric of the stream, such as "ThrottledRecords", as an average.
func (d *Delivery) Metric(name string, options *MetricOptions) Metric {
	d.mustHaveStream("Metric")
	return d.stream.Metric(&name, options)
}

// MetricDataFreshness returns the age of the oldest record that is not yet in S3.
func (d *Delivery) MetricDataFreshness(options *MetricOptions) Metric {
	d.mustHaveStream("MetricDataFreshness")
	return d.stream.Metric(jsii.String("DeliveryToS3.DataFreshness"), options)
}

// MetricIncomingRecords returns the number of records that query logging sent.
func (d *Delivery) MetricIncomingRecords(options *MetricOptions) Metric {
	d.mustHaveStream("MetricIncomingRecords")
	return d.stream.MetricIncomingRecords(options)
}

// Steps returns what is left to do by hand, before or after a deployment.
func (d *Delivery) Steps() []Step { return slices.Clone(d.steps) }

// DeliveryProps configures a [Delivery].
type DeliveryProps struct {
	DeliverySettings
	LogRetentionSettings

	// Transformer marks the records, see [Transformer.Function]. An imported function must
	// be imported with SameEnvironment or SkipPermissions. Required, unless WithoutStream is set.
	Transformer awslambda.IFunction
	// WithoutStream leaves out the stream, because all logs come from elsewhere.
	//
	// Default: there is a stream.
	WithoutStream bool
	// OutputBucket is an existing bucket that marked logs are written to.
	//
	// Default: a new bucket.
	OutputBucket awss3.IBucket
	// OutputKey is the customer managed key that encrypts objects in the output bucket.
	//
	// Default: the key of an existing bucket, if it is known, otherwise EncryptionKey.
	OutputKey awskms.IKey
	// ParquetPrefix begins the keys of Parquet files, with the same rules as Prefix. The
	// two formats need different folders, because a table has only one format. With JSON it
	// says where the files from an earlier use of PARQUET are.
	//
	// Default: dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/.
	ParquetPrefix string
	// Schema is the Glue table whose schema PARQUET converts records to. It is required
	// with PARQUET; a [Pipeline] with a catalog sets it for both formats. With JSON it only
	// gives the role permission to read the table, so that the permission is in place when
	// the format is switched or the switch is rolled back.
	//
	// Default: nothing is converted.
	Schema *Schema
	// ProcessorBufferSize is how much data Firehose passes to the transformer at once, at
	// least 0.2 MiB. More than 1 MiB is rejected: the response, which is larger, could
	// exceed Lambda's limit, and the batch would end up under the error prefix.
	//
	// Default: 1 MiB.
	ProcessorBufferSize awscdk.Size
	// ProcessorBufferInterval is how long Firehose collects records for the transformer, 0
	// to 900 s.
	//
	// Default: 60 s.
	ProcessorBufferInterval awscdk.Duration
	// Versioned keeps replaced and deleted objects in a new bucket. Logs are then deleted
	// only NoncurrentVersionExpiration after MarkedLogRetentionDays.
	//
	// Default: no versions are kept, because Firehose writes each object once.
	Versioned bool
	// NoncurrentVersionExpiration is how long old versions are kept: whole days, at least
	// 1.
	//
	// Default: 90 days with Versioned.
	NoncurrentVersionExpiration awscdk.Duration
	// LifecycleRules of a new bucket, in addition to the rule of MarkedLogRetentionDays.
	//
	// Default: uploads that were never completed are removed after 7 days.
	LifecycleRules []*awss3.LifecycleRule
	// Role is the role that Firehose assumes to invoke the transformer and to write. It
	// must trust firehose.amazonaws.com. A role that this app can change gets the
	// permissions that Firehose needs; for any other role they become a step, which must be
	// done before the first deployment: see Steps.
	//
	// Default: a new role.
	Role awsiam.IRole
	// EncryptionKey encrypts the stream, its log and a new bucket. It also encrypts objects
	// that are written to an existing bucket whose own key is not known.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// PreviousKeys are the customer managed keys that the stream and the marked logs were
	// encrypted with in the past. Firehose may use them to decrypt what is still in the
	// stream, and [Delivery.GrantReadLogs] includes them.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// AccessLogBucket receives the server access logs of a new bucket.
	//
	// Default: no access logs.
	AccessLogBucket awss3.IBucket
	// RemovalPolicy is what happens to the new bucket when it leaves the stack: RETAIN,
	// RETAIN_ON_UPDATE_OR_DELETE or DESTROY.
	//
	// Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

// Limits of Firehose ("Quotas" and "Buffering hints" in its developer guide).
const (
	maxBufferInterval = 900 * time.Second
	minProcessorMiB   = 0.2
	processorRetries  = 3
)

func (p DeliveryProps) withDefaults() DeliveryProps {
	p.DeliverySettings = p.Filled()
	settings.Fill(&p.LogRetentionSettings)
	p.Prefix, _ = withSlash(p.Prefix)
	p.ParquetPrefix, _ = withSlash(orDefault(p.ParquetPrefix, defaultParquetPrefix))
	p.ErrorPrefix, _ = withSlash(p.ErrorPrefix)
	if p.ProcessorBufferInterval == nil {
		p.ProcessorBufferInterval = seconds(settings.ProcessorBufferInterval)
	}
	switch {
	case p.OutputKey != nil:
	case p.OutputBucket != nil:
		p.OutputKey = keyOfExisting(p.OutputBucket, p.EncryptionKey)
	default:
		p.OutputKey = p.EncryptionKey
	}
	return p
}

func (p DeliveryProps) validate() error {
	var problems problems
	problems.settings(p.DeliverySettings)
	problems.settings(p.LogRetentionSettings)
	problems.required("Transformer", p.Transformer == nil && !p.WithoutStream)
	problems.exclusive("WithoutStream", p.WithoutStream, "Transformer", p.Transformer != nil)
	problems.exclusive("WithoutStream", p.WithoutStream, "Role", p.Role != nil)
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "OutputBucketName", p.OutputBucketName != "")
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "MarkedLogRetentionDays", p.MarkedLogRetentionDays != 0)
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "Versioned", p.Versioned)
	checkVersions(&problems, p.Versioned, p.NoncurrentVersionExpiration)
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "LifecycleRules", len(p.LifecycleRules) > 0)
	checkLifecycle(&problems, "LifecycleRules", p.LifecycleRules)
	problems.removal(p.RemovalPolicy)
	checkBucketName(&problems, "OutputBucketName", p.OutputBucketName)
	checkPreviousKeys(&problems, p.PreviousKeys)
	checkKeys(&problems, map[string]awskms.IKey{
		"EncryptionKey": p.EncryptionKey, "OutputKey": p.OutputKey, "OutputBucket.EncryptionKey": keyUnless(p.OutputKey, p.OutputBucket)})
	problems.wrap("Prefix", checkPrefix(p.Prefix))
	if p.ErrorPrefix != "" {
		problems.wrap("ErrorPrefix", checkErrorPrefix(p.ErrorPrefix))
	}
	checkParquet(&problems, p)
	checkFormatFolders(&problems, p.Prefix, p.ParquetPrefix)
	checkOtherFolders(&problems, p)
	if p.BufferInterval != nil {
		problems.wholeSeconds("BufferInterval", *p.BufferInterval)
	}
	problems.duration("ProcessorBufferInterval", p.ProcessorBufferInterval, 0, maxBufferInterval)
	if size := problems.size("ProcessorBufferSize", p.ProcessorBufferSize, settings.ProcessorBufferMiB); size < minProcessorMiB || size > settings.ProcessorBufferMiB {
		problems.addf("ProcessorBufferSize: must be in [%g MiB, %d MiB], got %g MiB: the marked records of a larger batch "+
			"could exceed Lambda's response limit of 6 MB; BufferSizeMiB is the size of objects", minProcessorMiB, settings.ProcessorBufferMiB, size)
	}
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p DeliveryProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	checkKeyOf(&problems, "OutputKey", p.OutputKey, p.OutputBucket)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, home)
	checkAccessLogsIn(&problems, p.AccessLogBucket, home)
	checkOwnNames(&problems, scope, givenName{"OutputBucketName", p.OutputBucketName})
	checkUnused(&problems, scope, p.uses(p.OutputBucket)...)
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}
