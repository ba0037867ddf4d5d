package settings

import (
	"log/slog"
	"time"
)

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
	Source       SourceSection       `json:"source"`
	QueryLogging QueryLoggingSection `json:"queryLogging"`
	Catalog      CatalogSection      `json:"catalog"`
	Alerts       AlertsSection       `json:"alerts"`
	Hunts        HuntsSection        `json:"hunts"`
	Monitoring   MonitoringSection   `json:"monitoring"`
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
	// new one. No other setting of delivery and catalog may be set with it, and there are no
	// hunts. Nothing is marked until you set up the transformer in that stream.
	ExistingStream string `json:"existingStream"`
}

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
	// Compaction copies each closed day of marked logs into a few large Parquet files, and makes the
	// named queries read them. It pays for many VPCs with logs in S3: see docs/sources.md. It needs
	// hunts, and marked logs in JSON by days.
	Compaction bool `json:"compaction"`
}

// AlertsSection is the section "alerts".
type AlertsSection struct {
	// Enabled sends alerts about matches. It creates a queue, a table, a function and a topic.
	// Without it, matches are only in the marked logs.
	Enabled *bool `json:"enabled" default:"true"`
	// Topic sends notices to an SNS topic. Events are on the default event bus either way.
	Topic *bool `json:"topic" default:"true"`
	Alerts
	// ExistingTopicARN is the ARN of an SNS topic of this Region to use instead of a new one.
	ExistingTopicARN string `json:"existingTopicArn"`
}

// Alerts says who gets alerts about matches, and how often.
type Alerts struct {
	// TopicName is the name of the SNS topic.
	TopicName string `json:"topicName" unset:"chosen by CloudFormation"`
	// Emails are addresses that receive the notices of the topic. AWS asks each one to confirm.
	Emails []string `json:"emails" unset:"none; anyone can subscribe to the topic after the deployment"`
	// SecurityHub writes each match as a finding to AWS Security Hub CSPM, which must be on.
	SecurityHub bool `json:"securityHub"`
	Alerting
}

// Constants of the queue to the notifier.
const (
	// AlertVisibility is how long a message that the notifier received is hidden: six times its
	// timeout (Lambda developer guide, "Configuring a queue to use with Lambda").
	AlertVisibility = 6 * NotifierTimeout
	// AlertReceives is how often a message is tried before it goes to the dead-letter queue.
	AlertReceives = 5
	// AlertBatch and AlertBatchWindow are the most messages of an invocation, and how long
	// Lambda collects them. Rows of one batch are merged before anything is written.
	AlertBatch       = 100
	AlertBatchWindow = 30 * time.Second
	// NotifierConcurrency is the least that Lambda accepts for a queue. It bounds the notices in
	// a storm.
	NotifierConcurrency = 2
)

// HuntsSection is the section "hunts".
type HuntsSection struct {
	// Enabled runs queries of the marked logs on a schedule. Their findings become alerts. It
	// needs alerts and the catalog.
	Enabled *bool `json:"enabled" default:"true"`
	Hunts
}

// Hunts says which queries run on a schedule. Each one scans logs, which costs money: see
// docs/operating.md.
type Hunts struct {
	// MaliciousHosts asks every hour which hosts had malicious queries. Alerts tell the same
	// within a minute, so it is for records that are marked elsewhere.
	MaliciousHosts bool `json:"maliciousHosts"`
	// RetroHunt looks for names in older logs after a publish with new indicators, at most once
	// a day.
	RetroHunt *bool `json:"retroHunt" default:"true"`
	// Coverage asks every day which VPCs stopped logging.
	Coverage *bool `json:"coverage" default:"true"`
	// Tunnels asks every hour which hosts send data through DNS queries.
	Tunnels *bool `json:"tunnels" default:"true"`
	// GeneratedNames asks every day which hosts try many names that do not exist, as malware with
	// generated names does.
	GeneratedNames *bool `json:"generatedNames" default:"true"`
	// FirstSeen reports every day the domains that nobody asked for before. It scans 30 days.
	FirstSeen bool `json:"firstSeen"`
	// Beacons asks every day which hosts ask for one rare name at regular intervals.
	Beacons bool `json:"beacons"`
	// OwnResolvers asks every day which hosts look for resolvers other than yours.
	OwnResolvers bool `json:"ownResolvers"`
	// LookBack is how far back a query looks. It is longer than the interval of the queries, so
	// that late records are found. There is one alert for a finding all the same.
	LookBack Duration `json:"lookBack" default:"26h" min:"25h" max:"31d"`
	// RetroLookBack is how far back the retro-hunt looks.
	RetroLookBack Duration `json:"retroLookBack" default:"30d" min:"1d" max:"400d"`
	// MaxRows is the number of rows of a result that become alerts. Further ones are counted.
	MaxRows int `json:"maxRows" default:"1000" min:"1" max:"10000"`
}

// Hunt is a named query that runs on a schedule.
type Hunt struct {
	Query string
	Every time.Duration
}

// Scheduled returns the queries that are on. The schedule of the retro-hunt only looks whether a
// publish waits for one. Unset switches have their defaults.
func (h Hunts) Scheduled() []Hunt {
	const day = hoursPerDay * time.Hour
	Fill(&h)
	var on []Hunt
	for _, hunt := range []struct {
		on bool
		Hunt
	}{
		{h.MaliciousHosts, Hunt{"malicious-hosts", time.Hour}},
		{*h.RetroHunt, Hunt{QueryRetroHunt, time.Hour}},
		{*h.Coverage, Hunt{"coverage", day}},
		{*h.Tunnels, Hunt{"tunnels", time.Hour}},
		{*h.GeneratedNames, Hunt{"nxdomain-domains", day}},
		{h.FirstSeen, Hunt{"first-seen", day}},
		{h.Beacons, Hunt{"beacons", day}},
		{h.OwnResolvers, Hunt{"own-resolvers", day}},
	} {
		if hunt.on {
			on = append(on, hunt.Hunt)
		}
	}
	return on
}

// MonitoringSection is the section "monitoring".
type MonitoringSection struct {
	// Enabled creates the alarms, the dashboard and the rules that watch the deployment.
	Enabled *bool `json:"enabled" default:"true"`
	Monitoring
}

// Monitoring configures the alarms and the dashboard.
type Monitoring struct {
	// AlarmTopicARNs are the ARNs of SNS topics of this account and Region that alarms notify.
	AlarmTopicARNs []string `json:"alarmTopicArns" unset:"the topic of the alerts"`
	// Dashboard creates the dashboard.
	Dashboard *bool `json:"dashboard" default:"true"`
	// ArrivalAlarm tells when logs stop. Turn it off if your VPCs ask for nothing for hours.
	ArrivalAlarm *bool `json:"arrivalAlarm" default:"true"`
	// Silence is how long nothing arrives before the alarm about logs that stopped.
	Silence Duration `json:"silence" default:"30m" min:"10m" max:"24h"`
	// MaxListAge is the age of the oldest list before the alarm about old lists. A list that is
	// fetched and did not change counts as new.
	MaxListAge Duration `json:"maxListAge" default:"48h" min:"1h" max:"365d"`
	// UnknownPercent is how many records may have the verdict unknown while there is an index.
	UnknownPercent float64 `json:"unknownPercent" default:"1" min:"0.01" max:"100"`
	// OutbreakPercent is how many records of 15 minutes may be malicious. Above it, and above
	// outbreakRecords, there is an alarm about an outbreak or a bad list.
	OutbreakPercent float64 `json:"outbreakPercent" default:"1" min:"0.01" max:"100"`
	// OutbreakRecords is how many malicious records of 15 minutes never raise that alarm.
	OutbreakRecords int `json:"outbreakRecords" default:"1000" min:"1"`
	// FirewallEvents forwards the events of Route 53 Resolver DNS Firewall, alerts and blocks, to
	// the topics of the alarms.
	FirewallEvents bool `json:"firewallEvents"`
}
