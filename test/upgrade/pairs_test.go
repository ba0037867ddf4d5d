//go:build !race

package upgrade_test

// pair is a change that people make to a deployment. To add one, add a literal to the
// table, and run the test with -update.
type pair struct {
	// change names the change, in Markdown.
	change string
	// before and after are the two sides.
	before, after side
	// worst is the worst permitted outcome for a resource. Anything worse fails the test,
	// even with -update.
	worst outcome
	// todo says what a person has to do, in Markdown.
	todo string
}

// group is a part of the page's table.
type group struct {
	title string
	pairs []pair
}

const (
	keyA = `"arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-0000-0000-0000-000000000000"`
	keyB = `"arn:aws:kms:eu-west-1:111122223333:key/bbbbbbbb-0000-0000-0000-000000000000"`
)

var (
	byDefault = deployed(`{}`)
	parquet   = deployed(`{"delivery":{"format":"PARQUET"}}`)
	twoVPCs   = deployed(`{"queryLogging":{"vpcIds":["vpc-0a1b2c3d4e5f60001","vpc-0a1b2c3d4e5f60002"]}}`)
	inS3      = deployed(`{"source":{"s3":true}}`)
	onlyS3    = deployed(`{"source":{"s3":true,"firehose":false}}`)
	twoFeeds  = deployed(`{"feeds":{"malware":{"severity":"high"},"urlhaus":{"url":"https://example.com/list.txt"}}}`)
)

var groups = []group{
	{"Names", []pair{
		{"`store.listBucketName` set later", byDefault, deployed(`{"store":{"listBucketName":"lists-of-soc"}}`), leavesBehind, newListBucket},
		{"`store.indexBucketName` set later", byDefault, deployed(`{"store":{"indexBucketName":"index-of-soc"}}`), leavesBehind, newIndexBucket},
		{"`store.tableName` set later", byDefault, deployed(`{"store":{"tableName":"indicators"}}`), leavesBehind, newTable},
		{"`store.tableName` changed", deployed(`{"store":{"tableName":"indicators"}}`), deployed(`{"store":{"tableName":"names"}}`), leavesBehind, newTable},
		{"`store.tableName` removed", deployed(`{"store":{"tableName":"indicators"}}`), byDefault, leavesBehind, newTable},
		{"`delivery.outputBucketName` set later", byDefault, deployed(`{"delivery":{"outputBucketName":"logs-of-soc"}}`), leavesBehind, newOutputBucket},
		{"`delivery.outputBucketName` changed", deployed(`{"delivery":{"outputBucketName":"logs-of-soc"}}`),
			deployed(`{"delivery":{"outputBucketName":"marked-logs-of-soc"}}`), leavesBehind, newOutputBucket},
		{"`delivery.outputBucketName` removed", deployed(`{"delivery":{"outputBucketName":"logs-of-soc"}}`), byDefault, leavesBehind, newOutputBucket},
	}},
	{"Existing resources", []pair{
		{"`store.existingListBucket` set later", byDefault, deployed(`{"store":{"existingListBucket":"lists-of-soc"}}`), leavesBehind, newListBucket},
		{"`store.existingIndexBucket` set later", byDefault, deployed(`{"store":{"existingIndexBucket":"index-of-soc"}}`), leavesBehind, newIndexBucket},
		{"`store.existingTable` set later", byDefault, deployed(`{"store":{"existingTable":"indicators"}}`), leavesBehind, newTable},
		{"`delivery.existingOutputBucket` set later", byDefault, deployed(`{"delivery":{"existingOutputBucket":"logs-of-soc"}}`), leavesBehind, newOutputBucket},
		{"All four removed: back to new ones",
			deployed(`{"store":{"existingListBucket":"lists-of-soc","existingIndexBucket":"index-of-soc","existingTable":"indicators"},"delivery":{"existingOutputBucket":"logs-of-soc"}}`),
			byDefault, leavesBehind, "As for another name: [copy the lists, publish, save your own entries](#another-bucket-or-table)."},
		{"`store.existingTable` changed", deployed(`{"store":{"existingTable":"indicators"}}`), deployed(`{"store":{"existingTable":"names"}}`), leavesBehind, newTable},
		{"`delivery.existingStream` set later, no VPCs in the settings", byDefault, deployed(`{"delivery":{"existingStream":"dns"}}`), deletes, "Remove associations that were made by hand first: CloudFormation cannot delete a configuration that has some. Nothing is marked until the transformer is set up in your stream."},
		{"`delivery.existingStream` set later, with VPCs", deployed(`{"queryLogging":{"vpcIds":["vpc-0a1b2c3d4e5f60001"]}}`),
			deployed(`{"queryLogging":{"vpcIds":["vpc-0a1b2c3d4e5f60001"]},"delivery":{"existingStream":"dns"}}`), fails, moveVPCs},
		{"`delivery.existingStream` removed", deployed(`{"delivery":{"existingStream":"dns"}}`), byDefault, deletes, "Remove associations that were made by hand first, and make them again."},
	}},
	{"Format and delivery", []pair{
		{"`delivery.format` from `JSON` to `PARQUET`", byDefault, parquet, inPlace, "[Decide about the backup](#json-and-parquet) first: it cannot be turned off again."},
		{"`delivery.format` from `PARQUET` to `JSON`", parquet, byDefault, inPlace, "Set [`delivery.sourceBackup`](#json-and-parquet) to `true` if the stream has a backup."},
		{"`delivery.format` to `PARQUET`, with `delivery.compression`", deployed(`{"delivery":{"compression":"Snappy"}}`),
			deployed(`{"delivery":{"compression":"Snappy","format":"PARQUET"}}`), refused, "Remove `delivery.compression`."},
		{"`catalog.enabled` off with `PARQUET`", parquet, deployed(`{"catalog":{"enabled":false},"delivery":{"format":"PARQUET"}}`), refused,
			"Keep the catalog: Firehose converts by its table."},
		{"`delivery.sourceBackup` off", parquet, deployed(`{"delivery":{"format":"PARQUET","sourceBackup":false}}`), inPlace, "Firehose does not turn the backup off: records are still kept under `raw/`."},
		{"`delivery.prefix` changed", byDefault, deployed(`{"delivery":{"prefix":"dns/!{timestamp:yyyy/MM/dd/HH}/"}}`), inPlace, "The table reads the new prefix only: move the objects of the old one, as for [the sample's keys](migrating.md#records-and-queries)."},
		{"`delivery.errorPrefix` changed", byDefault, deployed(`{"delivery":{"errorPrefix":"failed/!{firehose:error-output-type}/"}}`), inPlace, nothing},
		{"`delivery.compression` changed", byDefault, deployed(`{"delivery":{"compression":"UNCOMPRESSED"}}`), inPlace, "Nothing. Athena reads objects by their ending."},
		{"`delivery.markedLogRetentionDays` set later", byDefault, deployed(`{"delivery":{"markedLogRetentionDays":400}}`), inPlace, "Logs that are older are deleted within days of the deployment. Copy first what you want to keep."},
		{"`delivery.markedLogRetentionDays` removed", deployed(`{"delivery":{"markedLogRetentionDays":400}}`), byDefault, inPlace, nothing},
	}},
	{"Table", []pair{
		{"`store.readCapacity` or `store.writeCapacity` set later", byDefault, deployed(`{"store":{"readCapacity":500}}`), inPlace, nothing},
		{"`store.readCapacity` and `store.writeCapacity` removed", deployed(`{"store":{"readCapacity":500}}`), byDefault, inPlace, "Nothing. DynamoDB allows it four times in 24 hours."},
		{"`store.readCapacity` changed", deployed(`{"store":{"readCapacity":500}}`), deployed(`{"store":{"readCapacity":50}}`), inPlace, nothing},
	}},
	{"Keys", []pair{
		{"`keyArn` set later", byDefault, deployed(`{"keyArn":` + keyA + `}`), inPlace, "The policy of the key must let the services use it: synthesis prints the statements. Objects that are there stay as they are."},
		{"`keyArn` removed", deployed(`{"keyArn":` + keyA + `}`), byDefault, unreadable, oldKeyNeeded},
		{"`keyArn` changed from A to B", deployed(`{"keyArn":` + keyA + `}`), deployed(`{"keyArn":` + keyB + `}`), unreadable, oldKeyNeeded},
		{"`keyArn` of another Region", deployed(`{"region":"eu-west-1"}`), deployed(`{"region":"eu-west-1","keyArn":"arn:aws:kms:eu-west-3:111122223333:key/aaaaaaaa-0000-0000-0000-000000000000"}`),
			refused, "Name a key of the Region."},
		{"`keyArn` changed from A to B, with A in `previousKeyArns`", deployed(`{"keyArn":` + keyA + `}`),
			deployed(`{"keyArn":` + keyB + `,"previousKeyArns":[` + keyA + `]}`), inPlace, onlyNewObjects},
		{"`keyArn` removed, with A in `previousKeyArns`", deployed(`{"keyArn":` + keyA + `}`),
			deployed(`{"previousKeyArns":[` + keyA + `]}`), inPlace, onlyNewObjects},
		{"A removed from `previousKeyArns`", deployed(`{"keyArn":` + keyB + `,"previousKeyArns":[` + keyA + `]}`),
			deployed(`{"keyArn":` + keyB + `}`), unreadable, "Only when [nothing needs it](#another-key) any more."},
		{"`createKey` set later", byDefault, deployed(`{"createKey":true}`), inPlace, onlyNewObjects},
		{"`createKey` removed", deployed(`{"createKey":true}`), byDefault, unreadable, "Add the ARN of the key that leaves the stack to [`previousKeyArns`](#another-key) in the same deployment."},
		{"`createKey` in place of `keyArn`", deployed(`{"keyArn":` + keyA + `}`), deployed(`{"createKey":true}`), unreadable, oldKeyNeeded},
	}},
	{"Feeds", []pair{
		{"Feed added to `feeds`", byDefault, deployed(`{"feeds":{"malware":{"severity":"high"}}}`), added, nothing},
		{"Settings of a feed changed", deployed(`{"feeds":{"malware":{"severity":"high"}}}`), deployed(`{"feeds":{"malware":{"severity":"low"}}}`), inPlace, "Nothing. Its list is read again within an hour."},
		{"Feed with a URL added", deployed(`{"feeds":{"malware":{"severity":"high"}}}`), twoFeeds, added, nothing},
		{"Feed removed from `feeds`", deployed(`{"feeds":{"malware":{"severity":"high"}}}`), byDefault, remade,
			"[Delete its lists](operating.md#removing-a-feed): until then they count."},
		{"Feed with a URL removed", twoFeeds, deployed(`{"feeds":{"malware":{"severity":"high"}}}`), remade, "[Delete its lists](operating.md#removing-a-feed): until then they count."},
		{"`url` removed from a feed that stays", twoFeeds, deployed(`{"feeds":{"malware":{"severity":"high"},"urlhaus":{}}}`), inPlace, "Upload its lists from now on: the last one that was fetched counts until then."},
		{"`importer.listKey` changed", byDefault, deployed(`{"importer":{"listKey":"lists/all.txt"}}`), unchanged, "Upload the list under the new key. The old one counts for 24 hours, as if it were deleted."},
	}},
	{"Query logging", []pair{
		{"VPC added", deployed(`{"queryLogging":{"vpcIds":["vpc-0a1b2c3d4e5f60001"]}}`), twoVPCs, added, nothing},
		{"VPC removed", twoVPCs, deployed(`{"queryLogging":{"vpcIds":["vpc-0a1b2c3d4e5f60001"]}}`), remade, "Nothing. Its queries are not logged any more."},
		{"VPCs in another order", twoVPCs, deployed(`{"queryLogging":{"vpcIds":["vpc-0a1b2c3d4e5f60002","vpc-0a1b2c3d4e5f60001"]}}`), unchanged, nothing},
		{"`queryLogging.name` set later, no VPCs in the settings", byDefault, deployed(`{"queryLogging":{"name":"all-vpcs"}}`), deletes, "Remove associations that were made by hand first, and make them again: CloudFormation cannot delete a configuration that has some."},
		{"`queryLogging.name` set later, with VPCs", twoVPCs,
			deployed(`{"queryLogging":{"name":"all-vpcs","vpcIds":["vpc-0a1b2c3d4e5f60001","vpc-0a1b2c3d4e5f60002"]}}`), fails, moveVPCs},
		{"`queryLogging.shareWith` set later", byDefault, deployed(`{"queryLogging":{"shareWith":["444455556666"]}}`), unchanged, "Nothing. The share is new; accounts outside of your organization must accept it."},
		{"`queryLogging.enabled` off", twoVPCs, deployed(`{"queryLogging":{"enabled":false}}`), deletes, "Nothing is logged any more. Remove associations that were made by hand first."},
	}},
	{"Catalogue", []pair{
		{"`catalog.database` set later", byDefault, deployed(`{"catalog":{"database":"dns"}}`), deletes, "[Save views and tables](#another-database-or-workgroup) of your own."},
		{"`catalog.workGroup` set later", byDefault, deployed(`{"catalog":{"workGroup":"soc"}}`), deletes, "[Save queries](#another-database-or-workgroup) of your own; the history is gone."},
		{"`catalog.enabled` off", byDefault, deployed(`{"catalog":{"enabled":false}}`), deletes, "[Save views and queries](#another-database-or-workgroup) of your own. Logs stay."},
		{"`catalog.enabled` on", deployed(`{"catalog":{"enabled":false}}`), byDefault, added, nothing},
		{"`catalog.compaction` on", byDefault, deployed(`{"catalog":{"compaction":true}}`), added, "Let queries of your own read `dns_logs_all`. Days before the deployment are not copied."},
		{"`catalog.compaction` off", deployed(`{"catalog":{"compaction":true}}`), byDefault, remade, "Copies stay under `compacted/` of the output bucket: delete them. All days are in `dns_logs`."},
	}},
	{"Alerts and hunts", []pair{
		{"`alerts.enabled` off", byDefault, deployed(`{"alerts":{"enabled":false}}`), deletes, "Messages that wait in the queues are lost. Set `alerts.topic=false` instead if only the notices are too many. Hunts end, too."},
		{"`alerts.enabled` on", deployed(`{"alerts":{"enabled":false}}`), byDefault, added, "Subscribe to the topic: an output has the command."},
		{"`alerts.topic` off", byDefault, deployed(`{"alerts":{"topic":false}}`), deletes, "The subscriptions are deleted with the topic. Events stay."},
		{"`alerts.topicName` set later", byDefault, deployed(`{"alerts":{"topicName":"dns-matches"}}`), deletes, "Subscribe again: CloudFormation subscribes only the addresses of `alerts.emails`, and asks each to confirm."},
		{"`alerts.existingTopicArn` set later", byDefault, deployed(`{"alerts":{"existingTopicArn":"arn:aws:sns:eu-west-1:111122223333:soc"}}`), deletes, "Subscribe those to the existing topic who were subscribed to the other one."},
		{"Address added to `alerts.emails`", deployed(`{"alerts":{"emails":["soc@corp.example"]}}`), deployed(`{"alerts":{"emails":["oncall@corp.example","soc@corp.example"]}}`), added, "The new address must be confirmed, by the link in a mail of AWS."},
		{"Address removed from `alerts.emails`", deployed(`{"alerts":{"emails":["oncall@corp.example","soc@corp.example"]}}`), deployed(`{"alerts":{"emails":["soc@corp.example"]}}`), remade, nothing},
		{"`alerts.securityHub` on", byDefault, deployed(`{"alerts":{"securityHub":true}}`), unchanged, "Turn on Security Hub CSPM first: without it findings fail, and everything else works."},
		{"`alerts.window` or `alerts.retell` changed", byDefault, deployed(`{"alerts":{"window":"15m","retell":"1d"}}`), unchanged, nothing},
		{"`alerts.digest` set later", byDefault, deployed(`{"alerts":{"digest":"daily"}}`), unchanged, nothing},
		{"`hunts.enabled` off", byDefault, deployed(`{"hunts":{"enabled":false}}`), deletes, "Nothing is lost but hunts that failed and wait in the dead-letter queue."},
		{"`hunts.enabled` on", deployed(`{"hunts":{"enabled":false}}`), byDefault, added, nothing},
		{"A query of `hunts` off", byDefault, deployed(`{"hunts":{"tunnels":false}}`), remade, nothing},
		{"A query of `hunts` on", byDefault, deployed(`{"hunts":{"beacons":true}}`), added, "Look at its cost in [the queries](queries.md) first."},
	}},
	{"Logs in S3", []pair{
		{"`source.s3` on", byDefault, inS3, added, "Associate each VPC with [one source](sources.md): in both, its queries are in the table twice."},
		{"`source.s3` off", inS3, byDefault, deletes, "The log bucket stays, and logs that are not marked yet stay in it: wait until the queue of the marker is empty. " +
			"Remove associations that were made by hand first."},
		{"A VPC from `queryLogging.vpcIds` to `source.vpcIds`", deployed(`{"queryLogging":{"vpcIds":["vpc-0a1b2c3d4e5f60001"]},"source":{"s3":true}}`),
			deployed(`{"source":{"s3":true,"vpcIds":["vpc-0a1b2c3d4e5f60001"]}}`), remade,
			"CloudFormation adds the new association before it removes the old one: the queries of these minutes are [in the table twice](sources.md#moving-from-firehose-to-s3)."},
		{"`source.firehose` off, no VPCs in `queryLogging.vpcIds`", inS3, onlyS3, deletes, "Remove associations that were made by hand first. Records that are in the stream are delivered before it is deleted only if " +
			"nothing is logged to it for `delivery.bufferInterval`."},
		{"`source.firehose` on", onlyS3, inS3, added, nothing},
		{"`source.firehose` off and `source.s3` on, at once", byDefault, onlyS3, deletes, "Better in two steps, with the VPCs moved between them."},
		{"`source.s3` with `PARQUET`", parquet, deployed(`{"delivery":{"format":"PARQUET"},"source":{"s3":true}}`), refused, "Set `delivery.format` to `JSON`: the marker writes JSON."},
		{"VPC added to `source.vpcIds`", deployed(`{"source":{"s3":true,"vpcIds":["vpc-0a1b2c3d4e5f60001"]}}`),
			deployed(`{"source":{"s3":true,"vpcIds":["vpc-0a1b2c3d4e5f60001","vpc-0a1b2c3d4e5f60002"]}}`), added, nothing},
		{"`source.logBucketName` set later", inS3, deployed(`{"source":{"s3":true,"logBucketName":"dns-logs-of-soc"}}`), deletes, "Remove associations that were made by hand first, and make them again. Mark the logs of the old bucket first: it stays, but nothing reads it any more."},
		{"`source.existingLogBucket` removed", deployed(`{"source":{"s3":true,"existingLogBucket":"archive"}}`), inS3, deletes, "Remove associations that were made by hand first, and make them again. Logs that still come into the existing bucket are not marked any more."},
		{"`keyArn` changed from A to B, with both sources", deployed(`{"keyArn":` + keyA + `,"source":{"s3":true}}`),
			deployed(`{"keyArn":` + keyB + `,"source":{"s3":true}}`), unreadable, oldKeyNeeded},
		{"`keyArn` changed from A to B, with both sources and A in `previousKeyArns`", deployed(`{"keyArn":` + keyA + `,"source":{"s3":true}}`),
			deployed(`{"keyArn":` + keyB + `,"previousKeyArns":[` + keyA + `],"source":{"s3":true}}`), inPlace, onlyNewObjects},
		{"`source.existingLogBucket` set later", inS3, deployed(`{"source":{"s3":true,"existingLogBucket":"archive"}}`), deletes, "Remove associations that were made by hand first, and make them again. Mark the logs of the old bucket first: it stays, but nothing reads it any more."},
		{"`source.logPrefix` changed", inS3, deployed(`{"source":{"s3":true,"logPrefix":"dns/"}}`), deletes, "Remove associations that were made by hand first, and make them again. Logs under the old prefix are not marked any more."},
		{"`source.rawLogRetentionDays` set later", inS3, deployed(`{"source":{"s3":true,"rawLogRetentionDays":30}}`), inPlace, "Older logs of Resolver are deleted within days of the deployment. Mark them first."},
		{"`source.marker` changed", inS3, deployed(`{"source":{"s3":true,"marker":{"memoryMiB":1024,"maxConcurrency":50}}}`), unchanged, nothing},
		{"`source.backfill` off", inS3, deployed(`{"source":{"s3":true,"backfill":false}}`), deletes, "Backfills that run are stopped."},
	}},
	{"Functions", []pair{
		{"`transformer.memoryMiB` or `importer.memoryMiB` changed", byDefault,
			deployed(`{"transformer":{"memoryMiB":512},"importer":{"memoryMiB":2048}}`), unchanged, "Nothing. With less memory, lists or an index that fitted may be refused."},
		{"`logRetentionDays` changed", byDefault, deployed(`{"logRetentionDays":3}`), inPlace, "Logs that are older are deleted."},
	}},
	{"Stack", []pair{
		{"`stackName` changed", byDefault, deployed(`{"stackName":"Other"}`), anotherStack, "The new stack is empty, and a VPC can log to one of them. Name the buckets and the table of the first one as existing ones, move the VPCs, delete the first stack."},
		{"`account` and `region` set to where it is deployed", byDefault, deployed(`{"account":"111122223333","region":"eu-west-1"}`), unchanged, nothing},
		{"`region` changed", deployed(`{"account":"111122223333","region":"eu-west-1"}`), deployed(`{"account":"111122223333","region":"eu-west-3"}`), anotherStack, "A second deployment: delete the first one by [its own page](uninstall.md), if you do not need it."},
		{"`tags` added", byDefault, deployed(`{"tags":{"team":"soc"}}`), unchanged, "Nothing. CloudFormation tags all resources but the query logging configuration."},
		{"`terminationProtection` on", byDefault, deployed(`{"terminationProtection":true}`), unchanged, nothing},
		{"`removalPolicy` from `retain` to `destroy`", byDefault, deployed(`{"removalPolicy":"destroy"}`), released, "Only before you [delete everything](uninstall.md#removing-the-data-too): from now on a change of name deletes the table, too."},
		{"`removalPolicy` from `destroy` to `retain`", deployed(`{"removalPolicy":"destroy"}`), byDefault, inPlace, nothing},
		{"`removalPolicy` from `retain` to `retain-on-update-or-delete`", byDefault,
			deployed(`{"removalPolicy":"retain-on-update-or-delete"}`), inPlace, "Nothing. The table loses its protection from deletion by hand."},
		{"`accessLogBucket` set later", byDefault, deployed(`{"accessLogBucket":"access-logs"}`), inPlace, "The policy of that bucket must allow S3 to write: synthesis prints the statement."},
	}},
	{"Version", []pair{
		{"From the last release, with defaults", lastRelease("default"), release("default"), inPlace, newVersion},
		{"From the last release, with `createKey`, `PARQUET`, VPCs and feeds", lastRelease("parquet"), release("parquet"), inPlace, newVersion},
	}},
	{"Apps that import the constructs", []pair{
		{"The id of the pipeline changed", pipeline("Pipeline"), pipeline("Watch"), fails, "[Keep the id](#another-construct-id)."},
		{"The pipeline moved into a nested stack", pipeline("Pipeline"), nestedPipeline, fails, "[Move it in steps](#another-construct-id)."},
		{"A second pipeline added to the stack", pipeline("Pipeline"), twoPipelines, added, nothing},
		{"`VPC` and `Architecture` of the functions set later", pipeline("Pipeline"), pipelineInVPC, unchanged,
			"The VPC must reach S3, SQS and, for the importer, DynamoDB, Systems Manager and EventBridge. Until then the functions fail."},
		{"`Role` of the functions and of the delivery set later", pipeline("Pipeline"), pipelineWithRoles, inPlace,
			"Give a role that the app cannot change [its policy](architecture.md#roles-that-are-created-elsewhere) first: synthesis prints it."},
		{"`Tags` of the app added", pipeline("Pipeline"), taggedPipeline, inPlace, nothing},
		{"`ExistingDatabaseName` set later", pipeline("Pipeline"), pipelineWithDatabase, deletes,
			"[Save views and tables](#another-database-or-workgroup) of your own."},
		{"`ParquetPrefix` of the delivery changed", pipelineInParquet(""), pipelineInParquet("columns/!{timestamp:yyyy/MM/dd}/"), inPlace, "The table reads the new prefix only: move the objects of the old one."},
		{"`NoncurrentVersionExpiration` of the store changed", pipeline("Pipeline"), pipelineWithVersions, inPlace, "Versions that are older are deleted within days: reports name versions."},
		{"`ResultRetention` of the catalog changed", pipeline("Pipeline"), pipelineWithRetention, inPlace, nothing},
		{"`ResultsBucket` set later", pipeline("Pipeline"), pipelineWithResults, leavesBehind, "Delete the old bucket, when nobody needs the results."},
	}},
}

const (
	nothing = "Nothing."

	newListBucket   = "[Copy the lists and publish](#another-bucket-or-table) at once: until then nothing is published."
	newIndexBucket  = "[Publish](#another-bucket-or-table) at once: until then records are `unknown`."
	newTable        = "[Save your own entries, or restore the table](#another-bucket-or-table)."
	newOutputBucket = "[Copy the logs](#another-bucket-or-table) that queries should still see."

	onlyNewObjects = "Nothing. Objects that are there stay as they are."
	oldKeyNeeded   = "Add the old key to [`previousKeyArns`](#another-key) in the same deployment."
	newVersion     = "[Read the changelog](#another-version)."
	moveVPCs       = "[Deploy twice](#another-configuration-of-query-logging)."
)
