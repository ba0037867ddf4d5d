package resolverwatch

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// DeliveryProps configures a [Delivery].
type DeliveryProps struct {
	// Transformer marks the records, see [Transformer.Function]. One that is imported must
	// be imported with SameEnvironment or SkipPermissions. Required.
	Transformer awslambda.IFunction
	// OutputBucket is an existing bucket that marked logs are written to.
	//
	// Default: a new bucket.
	OutputBucket awss3.IBucket
	// OutputBucketName is the name of the new bucket.
	//
	// Default: CloudFormation chooses one.
	OutputBucketName string
	// OutputKey is the customer's key that objects of the output bucket are encrypted with.
	//
	// Default: that of an existing bucket, as far as it is known, else EncryptionKey.
	OutputKey awskms.IKey
	// Prefix begins the keys of marked logs. It may hold Firehose's !{timestamp:...}
	// expressions, which become the partitions of the catalog's table; without any,
	// Firehose appends year, month, day and hour. A missing final slash is added.
	//
	// Default: dns-query-logs/!{timestamp:yyyy/MM/dd}/.
	Prefix string
	// Format of the objects: JSON, a record a line, or PARQUET, which Firehose converts the
	// marked records to. Parquet files hold the catalogued columns only.
	//
	// Default: JSON.
	Format Format
	// ParquetPrefix begins the keys of Parquet files, by the rules of Prefix. The two formats
	// lie in different folders, because a table can have only one format. With JSON it says
	// where the files of an earlier PARQUET are.
	//
	// Default: dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/.
	ParquetPrefix string
	// Schema is the Glue table that PARQUET converts records by. It is required with PARQUET;
	// a [Pipeline] with a catalog sets it for both formats. With JSON the role may only read
	// it: a switch of the format, and its rollback, then find the permission in place.
	//
	// Default: nothing is converted.
	Schema *Schema
	// SourceBackup keeps the records as Resolver wrote them under `raw/`, with JSON too.
	// Firehose cannot turn a backup off: set it when a stream with a backup goes back to
	// JSON, so that the template describes what the stream does.
	//
	// Default: PARQUET has a backup. JSON has none, because the marked record is the original.
	SourceBackup bool
	// WithoutSourceBackup leaves out the backup of PARQUET, which holds the only copy of
	// members without a column. It has no effect on a stream that has a backup already.
	//
	// Default: PARQUET has a backup.
	WithoutSourceBackup bool
	// ErrorPrefix begins the keys of records that could not be marked. It must hold
	// !{firehose:error-output-type}.
	//
	// Default: delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/.
	ErrorPrefix string
	// Compression of the objects.
	//
	// Default: [CompressionGZIP]; [CompressionNone] with PARQUET, whose files are compressed
	// inside.
	Compression Compression
	// BufferInterval is how long Firehose collects before it writes an object, 0 to 900 s.
	//
	// Default: 60 s.
	BufferInterval awscdk.Duration
	// BufferSize is how much Firehose collects before it writes an object, in whole MiB
	// from 1 to 128; from 64 with PARQUET.
	//
	// Default: 5 MiB; 128 MiB with PARQUET.
	BufferSize awscdk.Size
	// ProcessorBufferSize is how much Firehose gives the transformer at once, from 0.2
	// MiB. More than 1 MiB is refused: the answer, which is larger, could exceed Lambda's
	// limit and lose the batch to the error prefix.
	//
	// Default: 1 MiB.
	ProcessorBufferSize awscdk.Size
	// ProcessorBufferInterval is how long Firehose collects for the transformer, 0 to
	// 900 s.
	//
	// Default: 60 s.
	ProcessorBufferInterval awscdk.Duration
	// MarkedLogRetention is how long marked logs stay in a new bucket. They say which machine
	// asked for which name, which is personal data in many countries.
	//
	// Default: they are never deleted.
	MarkedLogRetention awscdk.Duration
	// Versioned keeps replaced and deleted objects in a new bucket. Logs are then gone only
	// NoncurrentVersionExpiration after MarkedLogRetention.
	//
	// Default: there are no versions, because Firehose writes each object once.
	Versioned bool
	// NoncurrentVersionExpiration is how long they are kept: whole days, from 1.
	//
	// Default: 90 days with Versioned.
	NoncurrentVersionExpiration awscdk.Duration
	// LifecycleRules of a new bucket, in addition to the rule of MarkedLogRetention.
	//
	// Default: uploads that were never completed are removed after 7 days.
	LifecycleRules []*awss3.LifecycleRule
	// LogRetention is how long CloudWatch keeps the stream's error log.
	//
	// Default: three months.
	LogRetention awslogs.RetentionDays
	// Role is the role by which Firehose invokes the transformer and writes. It must trust
	// firehose.amazonaws.com. A role that this app can change gets the permissions that
	// Firehose needs; for any other role they are a step, see Steps.
	//
	// Default: a new role.
	Role awsiam.IRole
	// EncryptionKey encrypts the stream, its log and a new bucket. It also encrypts the objects
	// that are written to an existing bucket whose own key is not known.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// PreviousKeys are the customer's keys that the stream and the marked logs were encrypted
	// with before. Firehose may decrypt with them what is still in the stream, and
	// [Delivery.GrantReadLogs] includes them.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// AccessLogBucket takes the server access logs of a new bucket.
	//
	// Default: no access logs.
	AccessLogBucket awss3.IBucket
	// RemovalPolicy is what happens to the new bucket when it leaves the stack: RETAIN,
	// RETAIN_ON_UPDATE_OR_DELETE or DESTROY.
	//
	// Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

// Limits of Firehose ("Quotas" and "Buffering hints" of its developer guide).
const (
	maxBufferInterval  = 900 * time.Second
	maxBufferMiB       = 128
	minProcessorMiB    = 0.2
	maxProcessorMiB    = 1
	defaultInterval    = 60 * time.Second
	defaultBufferMiB   = 5
	processorRetries   = 3
	defaultCompression = CompressionGZIP
)

// Compression is how the objects of a delivery stream are compressed.
type Compression string

// Compressions, by Firehose's names for them. Athena does not read Snappy and ZIP.
const (
	CompressionGZIP         Compression = "GZIP"
	CompressionNone         Compression = "UNCOMPRESSED"
	CompressionHadoopSnappy Compression = "HADOOP_SNAPPY"
	CompressionSnappy       Compression = "Snappy"
	CompressionZIP          Compression = "ZIP"
)

func (p DeliveryProps) withDefaults() DeliveryProps {
	p.Format = orDefault(p.Format, FormatJSON)
	p.Prefix, _ = withSlash(orDefault(p.Prefix, defaultPrefix))
	p.ParquetPrefix, _ = withSlash(orDefault(p.ParquetPrefix, defaultParquetPrefix))
	p.ErrorPrefix, _ = withSlash(orDefault(p.ErrorPrefix, defaultErrorPrefix))
	p.Compression = orDefault(p.Compression, p.defaultCompression())
	if p.BufferInterval == nil {
		p.BufferInterval = seconds(defaultInterval)
	}
	if p.ProcessorBufferInterval == nil {
		p.ProcessorBufferInterval = seconds(defaultInterval)
	}
	if p.BufferSize == nil {
		p.BufferSize = awscdk.Size_Mebibytes(jsii.Number(p.defaultBufferMiB()))
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
	problems.required("Transformer", p.Transformer == nil)
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "OutputBucketName", p.OutputBucketName != "")
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "MarkedLogRetention", p.MarkedLogRetention != nil)
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "Versioned", p.Versioned)
	problems.versions(p.Versioned, p.NoncurrentVersionExpiration)
	problems.exclusive("OutputBucket", p.OutputBucket != nil, "LifecycleRules", len(p.LifecycleRules) > 0)
	problems.days("MarkedLogRetention", p.MarkedLogRetention)
	problems.lifecycle("LifecycleRules", p.LifecycleRules)
	problems.logRetention("LogRetention", p.LogRetention)
	problems.removal(p.RemovalPolicy)
	problems.bucketName("OutputBucketName", p.OutputBucketName)
	problems.previousKeys(p.PreviousKeys)
	problems.keys(map[string]awskms.IKey{
		"EncryptionKey": p.EncryptionKey, "OutputKey": p.OutputKey, "OutputBucket.EncryptionKey": keyUnless(p.OutputKey, p.OutputBucket)})
	problems.wrap("Prefix", checkPrefix(p.Prefix))
	if p.ErrorPrefix != "" {
		problems.wrap("ErrorPrefix", checkErrorPrefix(p.ErrorPrefix))
	}
	choice(&problems, "Compression", p.Compression,
		CompressionGZIP, CompressionNone, CompressionHadoopSnappy, CompressionSnappy, CompressionZIP)
	problems.parquet(p)
	problems.duration("BufferInterval", p.BufferInterval, 0, maxBufferInterval)
	problems.duration("ProcessorBufferInterval", p.ProcessorBufferInterval, 0, maxBufferInterval)
	if size := problems.size("BufferSize", p.BufferSize, p.defaultBufferMiB()); size < 1 || size > maxBufferMiB || size != float64(int(size)) {
		problems.addf("BufferSize: must be whole MiB in [1, %d], got %g MiB", maxBufferMiB, size)
	}
	if size := problems.size("ProcessorBufferSize", p.ProcessorBufferSize, maxProcessorMiB); size < minProcessorMiB || size > maxProcessorMiB {
		problems.addf("ProcessorBufferSize: must be in [%g MiB, %d MiB], got %g MiB: the marked records of a larger batch "+
			"could exceed the 6 MB that Lambda answers; BufferSize is the size of objects", minProcessorMiB, maxProcessorMiB, size)
	}
	return problems.join()
}
