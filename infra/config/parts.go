package config

import (
	"log/slog"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Store describes where lists, indicators and the index are stored.
type Store struct {
	// TableName of the indicator table.
	//
	// Default: chosen by CloudFormation.
	TableName string `json:"tableName"`
	// Billing of the table.
	//
	// Default: on-demand.
	Billing Billing `json:"billing"`
	// ReadCapacity of a provisioned table, in units.
	//
	// Default: 500.
	ReadCapacity int `json:"readCapacity"`
	// WriteCapacity of a provisioned table, in units.
	//
	// Default: 500.
	WriteCapacity int `json:"writeCapacity"`
	// ExistingTable is the name of a table to use instead of a new one.
	ExistingTable string `json:"existingTable"`
	// ListBucketName of the bucket that lists are uploaded to.
	//
	// Default: chosen by CloudFormation.
	ListBucketName string `json:"listBucketName"`
	// ExistingListBucket is the name of a bucket to use instead of a new one.
	ExistingListBucket string `json:"existingListBucket"`
	// IndexBucketName of the bucket that holds the index.
	//
	// Default: chosen by CloudFormation.
	IndexBucketName string `json:"indexBucketName"`
	// ExistingIndexBucket is the name of a bucket to use instead of a new one.
	ExistingIndexBucket string `json:"existingIndexBucket"`
	// NoncurrentVersionDays is how long replaced and deleted lists and indexes are kept.
	//
	// Default: 90.
	NoncurrentVersionDays int `json:"noncurrentVersionDays"`
}

// Importer is the function that turns lists into the index.
type Importer struct {
	// ListKey is the object that is the feed "default", as the original sample reads it.
	//
	// Default: "config/all-malicious-domains.txt".
	ListKey string `json:"listKey"`
	// MemoryMiB of the function.
	//
	// Default: 1024.
	MemoryMiB int `json:"memoryMiB"`
	// TimeoutSeconds of the function.
	//
	// Default: 900.
	TimeoutSeconds int `json:"timeoutSeconds"`
	// PublishEveryMinutes is how often the index is published without an upload. Publishing
	// removes expired feeds, and shows transformers that the importer works.
	//
	// Default: 60.
	PublishEveryMinutes int `json:"publishEveryMinutes"`
	// Protected names, such as your own zones, are never marked, whatever a list says.
	Protected []string `json:"protected"`
	// DeletionGraceHours is how long a feed still counts after its last list was deleted; 0
	// means not at all.
	//
	// Default: 24.
	DeletionGraceHours *int `json:"deletionGraceHours"`
	// Guards prevent an upload from replacing a good list with a bad one.
	//
	// Default: [settings.DefaultGuards], threshold by threshold.
	Guards settings.Guards `json:"guards"`
	// LogRetentionDays of the function's log.
	//
	// Default: 90.
	LogRetentionDays int `json:"logRetentionDays"`
	// LogLevel of the function.
	//
	// Default: info.
	LogLevel slog.Level `json:"logLevel"`
	// ReservedConcurrency of the function.
	//
	// Default: nothing is reserved.
	ReservedConcurrency int `json:"reservedConcurrency"`
}

// Transformer is the function that marks records on their way through Firehose.
type Transformer struct {
	// MemoryMiB of the function. It limits the index, because two must fit into memory.
	//
	// Default: 256.
	MemoryMiB int `json:"memoryMiB"`
	// TimeoutSeconds of the function.
	//
	// Default: 120.
	TimeoutSeconds int `json:"timeoutSeconds"`
	// PollSeconds between two checks for a newer index.
	//
	// Default: 60.
	PollSeconds int `json:"pollSeconds"`
	// MaxIndexAgeDays without a publish, after which "clean" becomes "unknown".
	//
	// Default: 7.
	MaxIndexAgeDays int `json:"maxIndexAgeDays"`
	// ColdStartWaitMillis is how long a cold start waits for the first index.
	//
	// Default: 2000.
	ColdStartWaitMillis int `json:"coldStartWaitMillis"`
	// FailureMode is what the function does without an index: mark the records unknown, or
	// fail, so that Firehose retries.
	//
	// Default: mark.
	FailureMode settings.FailureMode `json:"failureMode"`
	// CheckCNAMEs also looks up the CNAME targets in answers.
	//
	// Default: true.
	CheckCNAMEs bool `json:"checkCnames"`
	// CheckAddresses also looks up the addresses in answers.
	//
	// Default: true.
	CheckAddresses bool `json:"checkAddresses"`
	// LogRetentionDays of the function's log.
	//
	// Default: 90.
	LogRetentionDays int `json:"logRetentionDays"`
	// LogLevel of the function.
	//
	// Default: info.
	LogLevel slog.Level `json:"logLevel"`
}

// Delivery is the Firehose delivery stream and the bucket that it writes to.
type Delivery struct {
	// OutputBucketName of the bucket for the marked logs.
	//
	// Default: chosen by CloudFormation.
	OutputBucketName string `json:"outputBucketName"`
	// ExistingOutputBucket is the name of a bucket to use instead of a new one.
	ExistingOutputBucket string `json:"existingOutputBucket"`
	// ExistingStream is the name of a delivery stream that query logging sends to, instead
	// of a new one. Nothing is marked then.
	ExistingStream string `json:"existingStream"`
	// Prefix of the keys of marked logs.
	//
	// Default: "dns-query-logs/!{timestamp:yyyy/MM/dd}/".
	Prefix string `json:"prefix"`
	// Format of the objects.
	//
	// Default: JSON.
	Format Format `json:"format"`
	// ParquetPrefix of the keys of marked logs in Parquet.
	//
	// Default: "dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/".
	ParquetPrefix string `json:"parquetPrefix"`
	// SourceBackup keeps the records as Resolver wrote them. Firehose cannot turn it off
	// again: a stream that goes back from Parquet to JSON keeps its backup.
	//
	// Default: true with Parquet, false with JSON.
	SourceBackup *bool `json:"sourceBackup"`
	// ErrorPrefix of records that could not be marked or delivered.
	//
	// Default: "delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/".
	ErrorPrefix string `json:"errorPrefix"`
	// Compression of the objects, named as in Firehose.
	//
	// Default: GZIP.
	Compression string `json:"compression"`
	// BufferIntervalSeconds until an object is written, whatever its size; 0 means at once.
	//
	// Default: 60.
	BufferIntervalSeconds *int `json:"bufferIntervalSeconds"`
	// BufferSizeMiB at which an object is written before the interval ends.
	//
	// Default: 5.
	BufferSizeMiB int `json:"bufferSizeMiB"`
	// ProcessorBufferMiB is the size of a batch for the transformer.
	//
	// Default: 1, which is also the maximum.
	ProcessorBufferMiB float64 `json:"processorBufferMiB"`
	// ProcessorBufferIntervalSeconds until a batch is sent to the transformer, whatever its
	// size; 0 means at once.
	//
	// Default: 60.
	ProcessorBufferIntervalSeconds *int `json:"processorBufferIntervalSeconds"`
	// MarkedLogRetentionDays until a marked log is deleted.
	//
	// Default: marked logs are kept forever.
	MarkedLogRetentionDays int `json:"markedLogRetentionDays"`
	// LogRetentionDays of the stream's own error log.
	//
	// Default: 90.
	LogRetentionDays int `json:"logRetentionDays"`
}

// QueryLogging is the configuration that sends the queries of VPCs to the stream.
type QueryLogging struct {
	// Enabled creates the query logging configuration.
	//
	// Default: true.
	Enabled bool `json:"enabled"`
	// Name of the configuration.
	//
	// Default: derived from the stack's name.
	Name string `json:"name"`
	// VPCIDs of the VPCs whose queries are logged.
	//
	// Default: none; they can be associated after the deployment.
	VPCIDs []string `json:"vpcIds"`
	// ShareWith are the accounts, organizations and organizational units that may associate
	// their own VPCs: account ids and ARNs.
	//
	// Default: not shared.
	ShareWith []string `json:"shareWith"`
}

// Catalog is what Athena needs to query the marked logs.
type Catalog struct {
	// Enabled creates the database, its tables and the workgroup.
	//
	// Default: true.
	Enabled bool `json:"enabled"`
	// Database is the name of the Glue database.
	//
	// Default: derived from the stack's name.
	Database string `json:"database"`
	// WorkGroup is the name of the Athena workgroup.
	//
	// Default: derived from the stack's name.
	WorkGroup string `json:"workGroup"`
	// BytesScannedLimitGiB is the amount of data at which Athena cancels a query.
	//
	// Default: 100.
	BytesScannedLimitGiB int `json:"bytesScannedLimitGiB"`
	// ResultRetentionDays until query results are deleted.
	//
	// Default: 30.
	ResultRetentionDays int `json:"resultRetentionDays"`
}
