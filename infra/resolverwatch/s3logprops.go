package resolverwatch

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// S3LogSourceProps configures an [S3LogSource].
type S3LogSourceProps struct {
	LogSourceSettings
	MarkerSettings
	FunctionOptions

	// Marking says how records are marked: PollInterval, FailureMode and CheckAnswers, as in a
	// [Transformer]. Its other settings are not used.
	//
	// Default: the defaults of a transformer.
	Marking TransformerSettings
	// ReachBounds are those of the importer that publishes the index: the ReachBounds of its Guards.
	// The marker does not load an index that exceeds them.
	//
	// Default: the default bounds.
	ReachBounds ReachBounds
	// AlertQueue is the queue that matches are sent to, such as the queue of [Alerts]. It must
	// be in the account and Region of the stack. A backfill sends no matches unless it is asked to.
	//
	// Default: matches are sent nowhere.
	AlertQueue awssqs.IQueue
	// IndexBucket holds the published index. See IndexBucket of [TransformerProps]. Required.
	IndexBucket awss3.IBucket
	// IndexKey is the customer managed key of the index bucket.
	//
	// Default: the key of IndexBucket, if it is known.
	IndexKey awskms.IKey
	// OutputBucket is the bucket for the marked logs, such as that of a [Delivery]. Required.
	OutputBucket awss3.IBucket
	// OutputKey is the customer managed key of the output bucket.
	//
	// Default: the key of OutputBucket, if it is known, otherwise EncryptionKey.
	OutputKey awskms.IKey
	// Prefix begins the keys of marked logs, with Firehose's expressions. The time in them is
	// that of the log object.
	//
	// Default: the default of a [Delivery].
	Prefix string
	// ErrorPrefix begins the keys of records that cannot be read.
	//
	// Default: the default of a [Delivery].
	ErrorPrefix string
	// Format of the marked logs. The marker writes JSON.
	//
	// Default: JSON.
	Format Format
	// LogBucket is an existing bucket that Resolver writes to. It must be in the Region of the
	// stack, and may belong to another account. If this app does not define it, its policy and
	// its notifications become steps: see Steps.
	//
	// Default: a new bucket.
	LogBucket awss3.IBucket
	// LogKey is the customer managed key of the log bucket. A bucket key must be off there,
	// because the delivery of logs does not work with one.
	//
	// Default: the key of LogBucket, if it is known; EncryptionKey for a new bucket.
	LogKey awskms.IKey
	// LifecycleRules of a new log bucket, in addition to the rule of RawLogRetentionDays.
	//
	// Default: uploads that were never completed are removed after 7 days.
	LifecycleRules []*awss3.LifecycleRule
	// WithoutQueryLogging leaves out the query logging configuration, for a bucket that another
	// configuration writes to.
	//
	// Default: there is one.
	WithoutQueryLogging bool
	// QueryLogName is the name of the query logging configuration. Changing it replaces the
	// configuration: remove the VPCs first.
	//
	// Default: derived from the path of the construct.
	QueryLogName string
	// ShareWith are the accounts, organizations and organizational units that may associate
	// their own VPCs.
	//
	// Default: not shared.
	ShareWith []string
	// ShareOutside lets accounts outside your organization accept the share.
	//
	// Default: only accounts of your organization can.
	ShareOutside bool
	// VPCs whose queries are logged to S3, at most 100. A VPC must not log to Firehose as well,
	// because every query would be in the table twice.
	//
	// Default: none, which is a warning; VPCs can be associated later.
	VPCs []awsec2.IVpc
	// StackName is the value of the metrics' dimension `Stack`. In a [Pipeline] all functions
	// use the same name.
	//
	// Default: the name of the stack.
	StackName string
	// EncryptionKey encrypts a new log bucket, the queues, and the function's environment and
	// logs.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// PreviousKeys are the customer managed keys that the index, the logs and the queues were
	// encrypted with in the past.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// AccessLogBucket receives the server access logs of a new log bucket.
	//
	// Default: no access logs.
	AccessLogBucket awss3.IBucket
	// RemovalPolicy is what happens to a new log bucket when it leaves the stack: RETAIN,
	// RETAIN_ON_UPDATE_OR_DELETE or DESTROY.
	//
	// Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
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

// resolverFolder is the folder that Resolver writes under, after the prefix of a configuration.
const resolverFolder = "AWSLogs/"

// logFolder returns the folder of the log bucket that Resolver writes under.
func (p S3LogSourceProps) logFolder() string { return p.withDefaults().LogPrefix + resolverFolder }

// logPrefix matches prefixes that policies and patterns of rules take literally.
var logPrefix = regexp.MustCompile(`^[a-zA-Z0-9_.=-][a-zA-Z0-9_.=/-]{0,200}$`)

func checkLogPrefix(p *problems, prefix string) {
	p.name("LogPrefix", prefix, logPrefix, "1 to 201 of a-z A-Z 0-9 _ . = - and slashes, and not begin with a slash")
}

// checkMarkedFormat rejects Parquet, which only Firehose writes. The queries ask only the table
// of the current format, so they would not see what the marker writes.
func checkMarkedFormat(p *problems, format Format) {
	if format == FormatParquet {
		p.addf("Format: must be %s with logs from S3, because only Firehose writes %s, and the queries would not find what the "+
			"marker writes; set delivery.format to %[1]s, or let the VPCs log to Firehose", FormatJSON, FormatParquet)
	}
}

// checkLoops rejects one bucket for the logs of Resolver and for the marked logs, if one could be
// taken for the other.
func checkLoops(p *problems, given S3LogSourceProps) {
	given = given.withDefaults()
	relation := sameBucket(given.LogBucket, given.OutputBucket)
	if relation == "" {
		return
	}
	for _, written := range []writtenPrefix{{"Prefix", given.Prefix}, {"ErrorPrefix", given.ErrorPrefix}} {
		if overlap(written.prefix, given.logFolder()) {
			p.addf("%s and LogPrefix: marked logs under %s would be mixed with the logs of Resolver under %s, because the log bucket %s "+
				"also the output bucket: use another prefix or another bucket", written.prop, written.prefix, given.logFolder(), relation)
		}
	}
	if folder := given.logFolder(); strings.HasPrefix(folder, settings.BackfillPrefix) {
		p.addf("LogPrefix: must not be under %s, where the output bucket has the manifests of backfills, got %q",
			settings.BackfillPrefix, given.LogPrefix)
	}
}

// uses returns what only one source may use: the log bucket, whose objects would be marked twice.
func (p S3LogSourceProps) uses() []use {
	id := *usedID("LogBucket", *p.LogBucket.BucketName(), p.LogBucket) + " " + p.logFolder()
	return []use{{"LogBucket", &id, fmt.Sprintf("the objects under %s would be marked twice; use another bucket or LogPrefix", p.logFolder())}}
}

// checkLogsIn rejects a log bucket in another Region, because its events arrive there.
func checkLogsIn(p *problems, bucket awss3.IBucket, home place) {
	if bucket == nil {
		return
	}
	checkSameRegion(p, "LogBucket", placeOfResource(bucket, *bucket.BucketArn()), home,
		"S3 sends the events of a bucket to EventBridge in the Region of the bucket. Define a source in that Region; "+
			"it may use the index of another Region")
}
