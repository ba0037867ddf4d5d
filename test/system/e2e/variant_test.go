//go:build e2e

package e2e_test

import "github.com/resolverwatch/resolverwatch/internal/localaws/sample"

// variant is a way to deploy the app.
type variant struct {
	name string
	// settings are given to the app by path.
	settings map[string]any
	stack    string
	listKey  string // of the one list without a feed id
	key      bool   // a customer managed key encrypts everything
	// rating is the expected rating of records marked by the feed malware-hosts.
	rating string
	// existing are the existing resources that the deployment uses.
	existing *existing
	// replays reports whether records are diverted and brought back with the command.
	replays bool
	// changes are settings that are changed after the drive. This deployment also shows what
	// is the same in all: the code, and that a second deployment changes nothing.
	changes map[string]any
}

// failsWithoutIndex reports whether the transformer fails until there is an index.
func (v variant) failsWithoutIndex() bool { return v.settings["transformer.failureMode"] == "fail" }

// variants returns a deployment that sets only the VPC, one that sets every possible
// setting to a non-default value and has both sources of logs, one that writes Parquet and has no
// alerts, one that uses existing resources, and one without Firehose.
func variants(vpc, newVPC string, x *existing) []variant {
	return []variant{
		{name: "defaults", settings: map[string]any{"queryLogging.vpcIds": vpc}, stack: "Resolverwatch",
			listKey: "config/all-malicious-domains.txt", rating: " medium 50",
			replays: true, changes: changed(vpc, newVPC)},
		{name: "everything-set", settings: everything(vpc, newVPC), stack: "Marked", key: true,
			listKey: "lists/ours.txt", rating: "malware_download high 80", replays: true},
		{name: "parquet", settings: converting(vpc), stack: "Columns", key: true,
			listKey: "config/all-malicious-domains.txt", rating: " medium 50"},
		{name: "existing", settings: using(vpc, x), stack: "Guest", key: true, existing: x,
			listKey: "config/all-malicious-domains.txt", rating: " medium 50"},
		{name: "logs-in-s3", settings: inBucket(vpc), stack: "InBucket", replays: true,
			listKey: "config/all-malicious-domains.txt", rating: " medium 50"},
	}
}

// remoteFeed is the feed with a URL. Its host name can never exist (RFC 2606).
const remoteFeed = "remote"

// everything sets every setting of a deployment with new resources.
func everything(vpc, bucketVPC string) map[string]any {
	feeds := map[string]any{remoteFeed: map[string]any{"url": "https://feeds.example/list.txt",
		"schedule": "rate(6 hours)", "format": "plain", "severity": "low"}}
	for _, feed := range sample.Feeds() {
		if feed.Settings.Category != "" {
			feeds[string(feed.ID)] = feed.Settings
		}
	}
	return map[string]any{
		"stackName": "Marked", "tags": map[string]any{"team": "security"}, "createKey": true,
		"logRetentionDays": 30, "logLevel": "debug",
		"store.tableName": "marked-indicators", "store.readCapacity": 7, "store.writeCapacity": 9,
		"store.listBucketName": "marked-lists-e2e", "store.indexBucketName": "marked-index-e2e",
		"importer.listKey": "lists/ours.txt", "importer.memoryMiB": 1536, "importer.protected": "corp.example",
		"importer.guards.shrinkPercent": 35, "feeds": feeds,
		"transformer.memoryMiB": 512, "transformer.timeout": "90s", "transformer.pollInterval": "20s",
		"transformer.failureMode": "fail", "transformer.checkAnswers": "all",
		"delivery.outputBucketName": "marked-logs-e2e", "delivery.prefix": "marked/y=!{timestamp:yyyy/MM/dd/HH}",
		"delivery.errorPrefix":    "failed/!{firehose:error-output-type}/!{timestamp:yyyy}/",
		"delivery.bufferInterval": "75s", "delivery.bufferSizeMiB": 3, "delivery.markedLogRetentionDays": 400,
		"source.s3": true, "source.vpcIds": bucketVPC, "source.logBucketName": "marked-raw-logs-e2e", "source.logPrefix": "dns",
		"source.rawLogRetentionDays": 31, "source.marker.memoryMiB": 1024, "source.marker.timeout": "6m",
		"source.marker.maxConcurrency": 50,
		"queryLogging.vpcIds":          vpc, "queryLogging.name": "marked-queries", "queryLogging.shareWith": "444455556666",
		"alerts.topicName": "marked-alerts", "alerts.emails": "soc@corp.example", "alerts.securityHub": true,
		"alerts.maxFindingSeverity": "high", "alerts.window": "30m", "alerts.retell": "1d",
		"hunts.maliciousHosts": true, "hunts.firstSeen": true, "hunts.beacons": true, "hunts.ownResolvers": true,
		"hunts.lookBack": "50h", "hunts.retroLookBack": "60d", "hunts.maxRows": 500,
		"monitoring.silence": "1h", "monitoring.maxListAge": "7d", "monitoring.unknownPercent": 2,
		"monitoring.outbreakPercent": 5, "monitoring.outbreakRecords": 5000, "monitoring.firewallEvents": true,
		"catalog.database": "marked_db", "catalog.workGroup": "marked-group", "catalog.bytesScannedLimitGiB": 3,
	}
}

// converting sets what Parquet needs, and a key, which Firehose then uses twice. It turns alerts
// off.
func converting(vpc string) map[string]any {
	return map[string]any{
		"stackName": "Columns", "createKey": true, "alerts.enabled": false, "queryLogging.vpcIds": vpc, "queryLogging.name": "columns",
		"delivery.format": "PARQUET", "delivery.bufferSizeMiB": 64,
	}
}

// inBucket has S3 as the only source of logs.
func inBucket(vpc string) map[string]any {
	return map[string]any{
		"stackName": "InBucket", "source.s3": true, "source.firehose": false, "source.vpcIds": vpc, "queryLogging.name": "in-bucket",
	}
}

// using sets the names of the existing resources.
func using(vpc string, x *existing) map[string]any {
	return map[string]any{
		"stackName": "Guest", "keyArn": x.key, "accessLogBucket": x.accessLogs, "queryLogging.vpcIds": vpc, "queryLogging.name": "guest",
		"store.existingListBucket": x.lists, "store.existingIndexBucket": x.index, "store.existingTable": x.table,
		"delivery.existingOutputBucket": x.logs, "alerts.existingTopicArn": x.topic, "alerts.digest": "hourly",
	}
}
