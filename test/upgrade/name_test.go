//go:build !race

package upgrade_test

import (
	"slices"
	"strings"
)

// named are the resources on the page, in its order. Other types are stateless: functions,
// roles, rules and named queries are recreated from the template.
var named = []struct {
	typ, path, name string // the path is of the construct, without the pipeline's own
}{
	{"AWS::S3::Bucket", "/Store/Lists/", "list bucket"},
	{"AWS::S3::Bucket", "/Store/Index/", "index bucket"},
	{"AWS::DynamoDB::Table", "/Store/Table/", "table"},
	{"AWS::S3::Bucket", "/Delivery/Logs/", "output bucket"},
	{"AWS::S3::Bucket", "/LogSource/Logs/", "log bucket"},
	{"AWS::SQS::Queue", "/LogSource/", "queues of log objects"},
	{"AWS::KinesisFirehose::DeliveryStream", "/Delivery/Stream/", "stream"},
	{"AWS::Route53Resolver::ResolverQueryLoggingConfig", "/QueryLogging/Config", "query logging configuration"},
	{"AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation", "/Association", "VPC association"},
	{"AWS::Glue::Database", "/Catalog/Database", "database"},
	{"AWS::Glue::Table", "/Catalog/Table", "`dns_logs`"},
	{"AWS::Glue::Table", "/Catalog/ParquetTable", "`dns_logs_parquet`"},
	{"AWS::Glue::Table", "/Catalog/IndicatorTable", "`indicators`"},
	{"AWS::Glue::Table", "/Catalog/CompactedTable", "`dns_logs_compacted`"},
	{"AWS::Glue::Table", "/Catalog/AllLogs", "`dns_logs_all`"},
	{"AWS::Athena::WorkGroup", "/Catalog/WorkGroup", "workgroup"},
	{"AWS::S3::Bucket", "/Catalog/Results/", "results bucket"},
	{"AWS::KMS::Key", "/Key/", "key"},
	{"AWS::SQS::Queue", "/Importer/DeadLetters/", "dead-letter queue"},
	{"AWS::SQS::Queue", "/Alerts/", "queues of alerts"},
	{"AWS::DynamoDB::Table", "/Alerts/Sent/", "table of sent alerts"},
	{"AWS::SNS::Topic", "/Alerts/Topic/", "topic"},
	{"AWS::SNS::Subscription", "/Alerts/Email-", "subscription"},
	{"AWS::SQS::Queue", "/Hunts/DeadLetters/", "dead-letter queue of hunts"},
	{"AWS::Scheduler::Schedule", "/Hunts/Run-", "schedules of hunts"},
	{"AWS::SSM::Parameter", "/Feed-", "settings of the feed"},
	{"AWS::Logs::LogGroup", "/LogGroup/", "log groups"},
}

// name returns the page's name for the resource, or "" if the page leaves it out.
func (r *resource) name() string {
	path, _ := r.Metadata["aws:cdk:path"].(string)
	for _, known := range named {
		if r.Type == known.typ && strings.Contains(path, known.path) {
			return known.name
		}
	}
	return ""
}

// rank returns the position of a resource in the order of the page.
func rank(name string) int {
	for i, known := range named {
		if known.name == name {
			return i
		}
	}
	return len(named)
}

// owner returns the part that a role belongs to, or "".
func (r *resource) owner() string {
	path, _ := r.Metadata["aws:cdk:path"].(string)
	steps := strings.Split(path, "/")
	for step, name := range map[string]string{"Importer": "importer", "Transformer": "transformer", "Delivery": "stream",
		"Alerts": "notifier", "Hunts": "hunter", "LogSource": "marker", "Backfill": "state machine of backfills"} {
		if slices.Contains(steps, step) && strings.HasSuffix(path, "/Role/Resource") {
			return name
		}
	}
	return ""
}
