//go:build e2e

package e2e_test

import "github.com/resolverwatch/resolverwatch/internal/localaws/sample"

// variant is a way to deploy the app, with the expected facts.
type variant struct {
	name string
	// settings are given to the app by path.
	settings map[string]any
	stack    string
	listKey  string // of the one list without a feed id
	key      bool   // a customer managed key encrypts everything
	// rating is the expected rating of records marked by the feed malware-hosts.
	rating string
	want   map[string]string
	// existing are the existing resources that the deployment uses, and afterwards are the
	// facts about them that are expected once the steps by hand are done.
	existing   *existing
	afterwards map[string]string
	// changes are settings that are changed after the drive, and updated are the facts
	// expected then.
	changes map[string]any
	updated map[string]string
}

// failsWithoutIndex reports whether the transformer fails until there is an index.
func (v variant) failsWithoutIndex() bool { return v.settings["transformer.failureMode"] == "fail" }

// variants returns a deployment that sets only the VPC, one that sets every possible
// setting to a non-default value, one that writes Parquet, and one that uses existing
// resources.
func variants(vpc, newVPC string, x *existing) []variant {
	return []variant{
		{name: "defaults", settings: map[string]any{"queryLogging.vpcIds": vpc}, stack: "Resolverwatch",
			listKey: "config/all-malicious-domains.txt", rating: " medium 50", want: wantDefaults(vpc),
			changes: changed(vpc, newVPC), updated: wantUpdated(vpc, newVPC)},
		{name: "everything-set", settings: everything(vpc), stack: "Marked", key: true,
			listKey: "lists/ours.txt", rating: "malware_download high 80", want: wantEverything(vpc)},
		{name: "parquet", settings: converting(vpc), stack: "Columns", key: true,
			listKey: "config/all-malicious-domains.txt", rating: " medium 50", want: wantConverting(vpc)},
		{name: "existing", settings: using(vpc, x), stack: "Guest", key: true, existing: x, afterwards: wantAfterSteps,
			listKey: "config/all-malicious-domains.txt", rating: " medium 50", want: wantUsing(vpc)},
	}
}

// remoteFeed is the feed with a URL. Its host name can never exist (RFC 2606).
const remoteFeed = "remote"

// everything sets every setting of a deployment with new resources.
func everything(vpc string) map[string]any {
	feeds := map[string]any{remoteFeed: map[string]any{"url": "https://feeds.example/list.txt",
		"schedule": "rate(6 hours)", "format": "plain", "severity": "low", "timeout": "3s"}}
	for _, feed := range sample.Feeds() {
		if feed.Settings.Category != "" {
			feeds[string(feed.ID)] = feed.Settings
		}
	}
	return map[string]any{
		"stackName": "Marked", "tags": map[string]any{"team": "security"}, "createKey": true,
		"store.tableName": "marked-indicators", "store.billing": "provisioned",
		"store.readCapacity": 7, "store.writeCapacity": 9, "store.noncurrentVersionDays": 11,
		"store.listBucketName": "marked-lists-e2e", "store.indexBucketName": "marked-index-e2e",
		"importer.listKey": "lists/ours.txt", "importer.memoryMiB": 1536, "importer.timeoutSeconds": 600,
		"importer.publishEveryMinutes": 30, "importer.protected": "corp.example", "importer.logRetentionDays": 30,
		"importer.reservedConcurrency": 2, "importer.guards.shrinkPercent": 35, "feeds": feeds,
		"transformer.memoryMiB": 512, "transformer.timeoutSeconds": 90, "transformer.pollSeconds": 20,
		"transformer.maxIndexAgeDays": 3, "transformer.coldStartWaitMillis": 3000, "transformer.logRetentionDays": 14,
		"transformer.failureMode":   "fail",
		"delivery.outputBucketName": "marked-logs-e2e", "delivery.prefix": "marked/y=!{timestamp:yyyy/MM/dd/HH}",
		"delivery.errorPrefix":           "failed/!{firehose:error-output-type}/!{timestamp:yyyy}/",
		"delivery.bufferIntervalSeconds": 75, "delivery.bufferSizeMiB": 3, "delivery.processorBufferMiB": 0.5,
		"delivery.processorBufferIntervalSeconds": 45, "delivery.markedLogRetentionDays": 400,
		"delivery.logRetentionDays": 7,
		"queryLogging.vpcIds":       vpc, "queryLogging.name": "marked-queries", "queryLogging.shareWith": "444455556666",
		"catalog.database": "marked_db", "catalog.workGroup": "marked-group", "catalog.bytesScannedLimitGiB": 3,
		"catalog.resultRetentionDays": 5,
	}
}

// converting sets what Parquet needs, and a key, which Firehose then uses twice.
func converting(vpc string) map[string]any {
	return map[string]any{
		"stackName": "Columns", "createKey": true, "queryLogging.vpcIds": vpc, "queryLogging.name": "columns",
		"delivery.format": "PARQUET", "delivery.parquetPrefix": "columns/!{timestamp:yyyy/MM/dd}/", "delivery.bufferSizeMiB": 64,
	}
}

// using sets the names of the existing resources.
func using(vpc string, x *existing) map[string]any {
	return map[string]any{
		"stackName": "Guest", "keyArn": x.key, "accessLogBucket": x.accessLogs, "queryLogging.vpcIds": vpc, "queryLogging.name": "guest",
		"store.existingListBucket": x.lists, "store.existingIndexBucket": x.index, "store.existingTable": x.table,
		"delivery.existingOutputBucket": x.logs,
	}
}
