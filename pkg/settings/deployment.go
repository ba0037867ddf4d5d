package settings

import "log/slog"

// Deployment holds all settings of a deployment. In cdk.json they are under the context key
// "resolverwatch".
//
// A field with its zero value is unset. [Fill] sets the defaults of the tags; where a
// default depends on another setting, the tag `unset` describes it, and the construct that
// uses the setting applies it.
type Deployment struct {
	// StackName is the name of the CloudFormation stack.
	StackName string `json:"stackName" default:"Resolverwatch"`
	// Account is the AWS account to deploy to, as text of twelve digits.
	Account string `json:"account" unset:"the account of the credentials"`
	// Region is the AWS Region to deploy to.
	Region string `json:"region" unset:"the Region of the credentials"`
	// TerminationProtection keeps the stack from being deleted by accident.
	TerminationProtection bool `json:"terminationProtection"`
	// Tags are added to everything that CloudFormation can tag.
	Tags map[string]string `json:"tags"`
	// RemovalPolicy says what happens to the buckets, the table and the key of createKey when
	// they are removed from the stack. With "retain-on-update-or-delete", a failed first
	// deployment leaves nothing behind. Log groups are always deleted.
	RemovalPolicy RemovalPolicy `json:"removalPolicy" default:"retain" oneof:"retain retain-on-update-or-delete destroy"`
	// KeyARN is the ARN of your KMS key that encrypts everything. Its policy must let AWS
	// services use it; synthesis prints how.
	KeyARN string `json:"keyArn" unset:"keys of the AWS services"`
	// PreviousKeyARNs are the ARNs of the KMS keys that encrypted everything before keyArn or
	// createKey did. Data from that time is still read with them.
	PreviousKeyARNs []string `json:"previousKeyArns"`
	// CreateKey creates a KMS key for everything, with the policy that it needs.
	CreateKey bool `json:"createKey"`
	// AccessLogBucket is the name of an existing bucket that receives the S3 access logs.
	AccessLogBucket string `json:"accessLogBucket" unset:"no access logs"`
	Logging

	Store        StoreSection        `json:"store"`
	Importer     Importer            `json:"importer"`
	Feeds        map[string]Feed     `json:"feeds"`
	Transformer  Transformer         `json:"transformer"`
	Delivery     DeliverySection     `json:"delivery"`
	QueryLogging QueryLoggingSection `json:"queryLogging"`
	Catalog      CatalogSection      `json:"catalog"`
}

// RemovalPolicy says what happens to data that is removed from the stack.
type RemovalPolicy string

// The zero RemovalPolicy is RemovalPolicyRetain.
const (
	RemovalPolicyRetain  RemovalPolicy = "retain"
	RemovalPolicyDestroy RemovalPolicy = "destroy"
	// RemovalPolicyRetainOnUpdateOrDelete retains resources, except those that a failed first
	// deployment created.
	RemovalPolicyRetainOnUpdateOrDelete RemovalPolicy = "retain-on-update-or-delete"
)

// Logging configures the logs of functions.
type Logging struct {
	// LogLevel is the lowest level that the functions log.
	LogLevel slog.Level `json:"logLevel" default:"info" oneof:"debug info warn error" anycase:"true" legacy:"LOG_LEVEL"`
	LogRetention
}

// LogRetention configures a log group. Its numbers are the ones that CloudWatch Logs accepts
// (PutRetentionPolicy in its API).
type LogRetention struct {
	// LogRetentionDays is how long the logs of the functions and of the delivery stream are
	// kept. They contain no query names.
	LogRetentionDays int `json:"logRetentionDays" default:"90" oneof:"1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653"`
}

// StoreSection is the section "store": the settings of new resources, and the names of
// existing resources to use instead.
type StoreSection struct {
	Store
	// ExistingTable is the name of a table to use instead of a new one.
	ExistingTable string `json:"existingTable"`
	// ExistingListBucket is the name of a bucket to use instead of a new one.
	ExistingListBucket string `json:"existingListBucket"`
	// ExistingIndexBucket is the name of a bucket to use instead of a new one.
	ExistingIndexBucket string `json:"existingIndexBucket"`
}

// Store says where lists, indicators and the index are stored.
type Store struct {
	// TableName is the name of the indicator table.
	TableName string `json:"tableName" unset:"chosen by CloudFormation"`
	// ReadCapacity is the capacity of the table in read units. It makes the table provisioned.
	ReadCapacity int `json:"readCapacity" min:"1" unset:"on demand; 500 if only writeCapacity is set"`
	// WriteCapacity is the capacity of the table in write units. It makes the table
	// provisioned.
	WriteCapacity int `json:"writeCapacity" min:"1" unset:"on demand; 500 if only readCapacity is set"`
	// ListBucketName is the name of the bucket that lists are uploaded to.
	ListBucketName string `json:"listBucketName" unset:"chosen by CloudFormation"`
	// IndexBucketName is the name of the bucket that holds the index.
	IndexBucketName string `json:"indexBucketName" unset:"chosen by CloudFormation"`
}

// DefaultCapacity is the read and write capacity of a provisioned table in the original
// sample.
const DefaultCapacity = 500

// DeliverySection is the section "delivery".
type DeliverySection struct {
	Delivery
	// ExistingOutputBucket is the name of a bucket to use instead of a new one. With keyArn or
	// createKey, objects there are encrypted with that key.
	ExistingOutputBucket string `json:"existingOutputBucket"`
	// ExistingStream is the name of a delivery stream that query logging sends to, instead of a
	// new one. No other setting of delivery and catalog may be set with it. Nothing is marked
	// until you set up the transformer in that stream.
	ExistingStream string `json:"existingStream"`
}

// QueryLoggingSection is the section "queryLogging".
type QueryLoggingSection struct {
	// Enabled creates the query logging configuration.
	Enabled *bool `json:"enabled" default:"true"`
	QueryLogging
	// VPCIDs are the ids of the VPCs whose queries are logged.
	VPCIDs []string `json:"vpcIds" unset:"none; VPCs can be associated after the deployment"`
}

// QueryLogging configures the query logging configuration, which sends the queries of VPCs
// to the delivery stream.
type QueryLogging struct {
	// Name of the query logging configuration. Changing it replaces the configuration: remove
	// the VPCs first, see docs/architecture.md.
	Name string `json:"name" unset:"derived from the name of the stack"`
	// ShareWith are the accounts, organizations and organizational units that may associate
	// their own VPCs: account ids and ARNs.
	ShareWith []string `json:"shareWith" unset:"not shared"`
}

// CatalogSection is the section "catalog".
type CatalogSection struct {
	// Enabled creates the Glue database, its tables and the Athena workgroup.
	Enabled *bool `json:"enabled" default:"true"`
	Catalog
}

// Catalog configures what Athena needs to query the marked logs.
type Catalog struct {
	// Database is the name of the Glue database.
	Database string `json:"database" unset:"derived from the name of the stack"`
	// WorkGroup is the name of the Athena workgroup.
	WorkGroup string `json:"workGroup" unset:"derived from the name of the stack"`
	// BytesScannedLimitGiB is the amount of data at which Athena cancels a query.
	BytesScannedLimitGiB int `json:"bytesScannedLimitGiB" default:"100" min:"1"`
}
