package resolverwatch

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Delivery carries the logs to S3: a delivery stream that has the records marked, and the
// bucket that they are written to. The bucket is stateful, so it is retained.
type Delivery struct {
	constructs.Construct
	steps steps

	stream   awskinesisfirehose.DeliveryStream
	bucket   awss3.IBucket
	role     awsiam.IRole
	logGroup awslogs.LogGroup
	prefix   string
	parquet  string // the prefix of Parquet files
	format   Format
	key      awskms.IKey
	previous []awskms.IKey
}

// ToString returns the path of the construct.
func (d *Delivery) ToString() *string { return d.Node().Path() }

// NewDelivery defines a [Delivery]. It panics if the props are not valid.
func NewDelivery(scope constructs.Construct, id string, props *DeliveryProps) *Delivery {
	defer explain(scope, id)
	given := orEmpty(props)
	problems := given.check(scope)
	p := given.withDefaults()
	this := &Delivery{bucket: p.OutputBucket, prefix: p.Prefix, parquet: p.ParquetPrefix, format: p.Format, key: p.OutputKey, previous: p.PreviousKeys}
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
	this.logGroup = awslogs.NewLogGroup(this, jsii.String("LogGroup"), &awslogs.LogGroupProps{
		Retention:     orDefault(p.LogRetention, awslogs.RetentionDays_THREE_MONTHS),
		EncryptionKey: p.EncryptionKey,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	role, ready := newDeliveryRole(this, p)
	this.role = role
	this.stream = newStream(this, p, ready)
	this.letRoleUse(p)
	return this
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
	if p.MarkedLogRetention != nil {
		rules = append(rules, &awss3.LifecycleRule{Id: jsii.String("LogRetention"), Expiration: p.MarkedLogRetention})
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

// Stream returns the delivery stream, which query logging writes to.
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

// Role returns the role that Firehose assumes to invoke the transformer and to write.
func (d *Delivery) Role() awsiam.IRole { return d.role }

// LogGroup returns the log group of the stream's errors.
func (d *Delivery) LogGroup() awslogs.ILogGroup { return d.logGroup }

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
	mustBeOfAccount(d, "GrantPutRecords", grantee, "the stream", "streams have no resource policy")
	d.steps.remindOfFixedRole(d, "GrantPutRecords", grantee, statement{
		actions: []string{"firehose:PutRecord", "firehose:PutRecordBatch"}, resources: []string{*d.stream.DeliveryStreamArn()}})
	return d.stream.GrantPutRecords(grantee)
}

// Metric returns a metric of the stream, such as "ThrottledRecords", as an average.
func (d *Delivery) Metric(name string, options *MetricOptions) Metric {
	return d.stream.Metric(&name, options)
}

// MetricDataFreshness returns the age of the oldest record that is not yet in S3.
func (d *Delivery) MetricDataFreshness(options *MetricOptions) Metric {
	return d.stream.Metric(jsii.String("DeliveryToS3.DataFreshness"), options)
}

// MetricIncomingRecords returns the number of records that query logging sent.
func (d *Delivery) MetricIncomingRecords(options *MetricOptions) Metric {
	return d.stream.MetricIncomingRecords(options)
}

// Steps returns what is left to do by hand, before or after a deployment.
func (d *Delivery) Steps() []Step { return slices.Clone(d.steps) }
