package settings

// SourceSection is the section "source": where the query logs come from. A VPC has one source,
// because all of them write to the same tables: queryLogging.vpcIds log to Firehose, and vpcIds
// of this section to S3. docs/sources.md helps to choose.
type SourceSection struct {
	// Firehose creates a delivery stream, and marks the records on their way through it. Without
	// it, s3 is the only source.
	Firehose *bool `json:"firehose" default:"true"`
	// S3 creates a bucket that Resolver writes its logs to, and a function that marks them. With
	// queryLogging.enabled there is a query logging configuration for it, too.
	S3 bool `json:"s3"`
	// ExistingLogBucket is the name of a bucket to use instead of a new one. It may belong to
	// another account. Its policy is not changed; synthesis prints what it needs.
	ExistingLogBucket string `json:"existingLogBucket"`
	LogSource
	// VPCIDs are the ids of the VPCs whose queries are logged to S3.
	VPCIDs []string `json:"vpcIds" unset:"none; VPCs can be associated after the deployment"`
	// Marker configures the function that marks the objects.
	Marker Marker `json:"marker"`
	// Backfill creates a state machine that marks the objects that are in the bucket already. It
	// costs nothing until it runs.
	Backfill *bool `json:"backfill" default:"true"`
}

// LogSource configures the bucket that Resolver writes its logs to.
type LogSource struct {
	// LogBucketName is the name of the bucket that Resolver writes to.
	LogBucketName string `json:"logBucketName" unset:"chosen by CloudFormation"`
	// LogPrefix begins the keys of the logs of Resolver, before AWSLogs/. A missing final slash
	// is added.
	LogPrefix string `json:"logPrefix" unset:"none"`
	// RawLogRetentionDays is the number of days after which the logs of Resolver are deleted.
	// The marked logs have all their members, so the originals are needed only to mark them
	// again.
	RawLogRetentionDays int `json:"rawLogRetentionDays" unset:"kept forever" min:"1" max:"36500"`
}
