//go:build !race

package stack_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/config"
)

// settings lists every setting with a value in the form that -c gives, and text that the
// template must then contain, to show that no setting is ignored or misread.
var settings = []struct {
	key, value string
	want       []string
}{
	// The parameters of the original sample.
	{"store.tableName", "indicators", []string{`"TableName":"indicators"`}},
	{"store.readCapacity", "51", []string{`"ReadCapacityUnits":51`}},
	{"store.writeCapacity", "52", []string{`"WriteCapacityUnits":52`}},
	{"store.listBucketName", "interesting", []string{`"BucketName":"interesting"`}},
	{"importer.listKey", "lists/all.txt", []string{`"RESOLVERWATCH_LEGACY_KEY":"lists/all.txt"`, `"/lists/all.txt"`}},
	{"delivery.outputBucketName", "marked", []string{`"BucketName":"marked"`}},
	{"transformer.memoryMiB", "512", []string{`"MemorySize":512`, `"RESOLVERWATCH_MAX_INDEX_BYTES":"218103808"`}},
	{"transformer.timeoutSeconds", "61", []string{`"Timeout":61`}},
	{"delivery.prefix", "logs/!{timestamp:yyyy/MM/dd/HH}/", []string{`"Prefix":"logs/!{timestamp:yyyy/MM/dd/HH}/"`, `"projection.arrived.interval.unit":"HOURS"`}},
	{"delivery.format", "PARQUET", []string{`"ParquetSerDe"`, `"TableName":"dns_logs_parquet"`, `"Prefix":"dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/"`, `"Prefix":"raw/!{timestamp:yyyy/MM/dd}/"`, `"S3BackupMode":"Enabled"`}},
	{"delivery.errorPrefix", "failed/!{firehose:error-output-type}/", []string{`"ErrorOutputPrefix":"failed/!{firehose:error-output-type}/"`}},
	{"delivery.compression", "UNCOMPRESSED", []string{`"CompressionFormat":"UNCOMPRESSED"`}},
	{"delivery.bufferIntervalSeconds", "300", []string{`"IntervalInSeconds":300`}},
	{"delivery.bufferSizeMiB", "64", []string{`"SizeInMBs":64`}},

	{"stackName", "Other", []string{`"RESOLVERWATCH_STACK":"Other"`}},
	{"account", "111122223333", []string{`111122223333`}},
	{"region", "eu-west-1", []string{`eu-west-1`}},
	{"removalPolicy", "destroy", []string{`"DeletionPolicy":"Delete"`}},
	{"keyArn", "arn:aws:kms:eu-west-1:111122223333:key/0000", []string{`"KmsKeyArn":"arn:aws:kms:eu-west-1:111122223333:key/0000"`, `ToDoKeyPolicy`}},
	{"previousKeyArns", "arn:aws:kms:eu-west-1:111122223333:key/earlier", []string{`"Sid":"PreviousKeysForS3"`, `"arn:aws:kms:eu-west-1:111122223333:key/earlier"`}},
	{"createKey", "true", []string{`"AWS::KMS::Key"`, `"EnableKeyRotation":true`}},
	{"accessLogBucket", "access", []string{`"DestinationBucketName":"access"`}},
	{"store.billing", "provisioned", []string{`"ReadCapacityUnits":500`, `"WriteCapacityUnits":500`}},
	{"store.existingTable", "mine", []string{`"RESOLVERWATCH_TABLE":"mine"`}},
	{"store.existingListBucket", "mine", []string{`"RESOLVERWATCH_LIST_BUCKET":"mine"`, `ToDoListBucketEvents`}},
	{"store.indexBucketName", "published", []string{`"BucketName":"published"`}},
	{"store.existingIndexBucket", "mine", []string{`"RESOLVERWATCH_INDEX_BUCKET":"mine"`}},
	{"store.noncurrentVersionDays", "33", []string{`"NoncurrentDays":33`}},
	{"importer.memoryMiB", "2048", []string{`"MemorySize":2048`}},
	{"importer.timeoutSeconds", "601", []string{`"Timeout":601`}},
	{"importer.publishEveryMinutes", "30", []string{`"rate(30 minutes)"`}},
	{"importer.protected", "corp.example,corp.test", []string{`"RESOLVERWATCH_PROTECTED":"corp.example corp.test"`}},
	{"importer.deletionGraceHours", "48", []string{`"RESOLVERWATCH_DELETION_GRACE":"48h0m0s"`}},
	{"importer.guards", `{"shrinkPercent":12.5}`, []string{`\"shrinkPercent\":12.5`}},
	{"importer.logRetentionDays", "1", []string{`"RetentionInDays":1`}},
	{"importer.logLevel", "debug", []string{`"RESOLVERWATCH_LOG_LEVEL":"DEBUG"`}},
	{"importer.reservedConcurrency", "2", []string{`"ReservedConcurrentExecutions":2`}},
	{"feeds", `{"urlhaus":{"format":"csv"}}`, []string{`"/Other/feeds/urlhaus"`, `{\"format\":\"csv\"}`}},
	{"transformer.pollSeconds", "31", []string{`"RESOLVERWATCH_POLL_INTERVAL":"31s"`}},
	{"transformer.maxIndexAgeDays", "3", []string{`"RESOLVERWATCH_MAX_INDEX_AGE":"72h0m0s"`}},
	{"transformer.coldStartWaitMillis", "500", []string{`"RESOLVERWATCH_COLD_START_WAIT":"500ms"`}},
	{"transformer.failureMode", "fail", []string{`"RESOLVERWATCH_FAILURE_MODE":"fail"`}},
	{"transformer.checkCnames", "false", []string{`"RESOLVERWATCH_CHECK_CNAMES":"false"`}},
	{"transformer.checkAddresses", "false", []string{`"RESOLVERWATCH_CHECK_ADDRESSES":"false"`}},
	{"transformer.logRetentionDays", "3", []string{`"RetentionInDays":3`}},
	{"transformer.logLevel", "error", []string{`"RESOLVERWATCH_LOG_LEVEL":"ERROR"`}},
	{"delivery.existingOutputBucket", "mine", []string{`s3:::mine`}},
	{"delivery.existingStream", "dns", []string{`deliverystream/dns`, `ToDoStreamTransformation`}},
	{"delivery.processorBufferMiB", "0.5", []string{`"ParameterName":"BufferSizeInMBs","ParameterValue":"0.5"`}},
	{"delivery.processorBufferIntervalSeconds", "7", []string{`"ParameterName":"BufferIntervalInSeconds","ParameterValue":"7"`}},
	{"delivery.markedLogRetentionDays", "400", []string{`"ExpirationInDays":400`, `NOW-401DAYS`}},
	{"delivery.logRetentionDays", "5", []string{`"RetentionInDays":5`}},
	{"queryLogging.name", "all-vpcs", []string{`"Name":"all-vpcs"`}},
	{"queryLogging.vpcIds", "vpc-0a1b2c3d4e5f60001", []string{`"ResourceId":"vpc-0a1b2c3d4e5f60001"`}},
	{"queryLogging.shareWith", "444455556666", []string{`"AWS::RAM::ResourceShare"`, `"444455556666"`}},
	{"catalog.database", "dns", []string{`"DatabaseName":"dns"`}},
	{"catalog.workGroup", "soc", []string{`"AWS::Athena::WorkGroup"`, `"Name":"soc"`}},
	{"catalog.bytesScannedLimitGiB", "10", []string{`"BytesScannedCutoffPerQuery":10737418240`}},
	{"catalog.resultRetentionDays", "8", []string{`"ExpirationInDays":8`}},
}

// otherSettings lists settings that only remove something from the template, or that take
// effect outside of it.
var otherSettings = []string{"queryLogging.enabled", "catalog.enabled", "terminationProtection", "tags",
	"delivery.parquetPrefix", "delivery.sourceBackup"}

func TestSettings(t *testing.T) {
	// All settings that can be combined are in one stack, because a stack takes a third of
	// a second.
	together := appContext(t, nil)
	for _, setting := range settings {
		if !slices.Contains(exclusive, setting.key) {
			together[config.ContextKey+"."+setting.key] = setting.value
		}
	}
	common := text(t, define(t, together))
	for _, setting := range settings {
		t.Run(setting.key, func(t *testing.T) {
			all := common
			if slices.Contains(exclusive, setting.key) {
				context := appContext(t, nil)
				context[config.ContextKey+"."+setting.key] = setting.value
				all = text(t, define(t, context))
			}
			for _, want := range setting.want {
				if !strings.Contains(all, want) {
					t.Errorf("%s=%s: the template lacks %s", setting.key, setting.value, want)
				}
			}
		})
	}
}

// exclusive lists the settings that exclude another one of the table.
var exclusive = []string{"store.billing", "store.existingTable", "store.existingListBucket", "store.existingIndexBucket",
	"keyArn", "delivery.existingOutputBucket", "delivery.existingStream", "delivery.format"}

// text returns the template of a stack and its environment, without HTML escapes.
func text(t *testing.T, stack awscdk.Stack) string {
	t.Helper()
	text, err := json.Marshal(template(t, stack))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), `\u0026`, "&") + *stack.Environment()
}

func TestSettings_switches(t *testing.T) {
	context := appContext(t, map[string]any{"queryLogging": object{"enabled": false}, "catalog": object{"enabled": false},
		"terminationProtection": true, "tags": object{"team": "soc"}})
	stack := define(t, context)
	text, _ := json.Marshal(template(t, stack))
	for _, typ := range []string{"AWS::Route53Resolver", "AWS::Glue", "AWS::Athena"} {
		if strings.Contains(string(text), typ) {
			t.Errorf("%s exists", typ)
		}
	}
	// CloudFormation puts the tags of the stack on each resource.
	if tags := *stack.Tags().TagValues(); len(tags) != 1 || *tags["team"] != "soc" {
		t.Errorf("tags %v", tags)
	}
	if !*stack.TerminationProtection() {
		t.Error("no termination protection")
	}
}

// If 0 has a meaning of its own, it is not the default.
func TestSettings_zeroes(t *testing.T) {
	all := text(t, define(t, appContext(t, map[string]any{"importer": object{"deletionGraceHours": 0},
		"delivery": object{"bufferIntervalSeconds": 0, "processorBufferIntervalSeconds": 0}})))
	for _, want := range []string{`"RESOLVERWATCH_DELETION_GRACE":"0s"`, `"IntervalInSeconds":0`,
		`"ParameterName":"BufferIntervalInSeconds","ParameterValue":"0"`} {
		if !strings.Contains(all, want) {
			t.Errorf("the template lacks %s", want)
		}
	}
}

// With this policy, a failed first deployment leaves nothing behind, not even a key. The
// backup of an earlier Parquet stays with JSON.
func TestSettings_kept(t *testing.T) {
	all := text(t, define(t, appContext(t, map[string]any{
		"removalPolicy": "retain-on-update-or-delete", "createKey": true, "delivery": object{"sourceBackup": true}})))
	if strings.Contains(all, `"DeletionPolicy":"Retain"`) || !strings.Contains(all, `"DeletionPolicy":"RetainExceptOnCreate"`) {
		t.Error("a resource whose creation failed is retained")
	}
	if !strings.Contains(all, `"S3BackupMode":"Enabled"`) {
		t.Error("with JSON, the backup is left out")
	}
}

// Settings of Parquet have no effect without it.
func TestSettings_parquet(t *testing.T) {
	all := text(t, define(t, appContext(t, map[string]any{"delivery": object{
		"format": "PARQUET", "parquetPrefix": "columns/!{timestamp:yyyy/MM/dd/HH}", "sourceBackup": false}})))
	for _, want := range []string{`"Prefix":"columns/!{timestamp:yyyy/MM/dd/HH}/"`, `FROM dns_logs_parquet`} {
		if !strings.Contains(all, want) {
			t.Errorf("the template lacks %s", want)
		}
	}
	if strings.Contains(all, "S3BackupMode") {
		t.Error("an unwanted backup exists")
	}
}

// The table above contains every setting.
func TestSettings_areAllTested(t *testing.T) {
	tested := slices.Clone(otherSettings)
	for _, setting := range settings {
		tested = append(tested, setting.key)
	}
	text, err := json.Marshal(config.Default())
	if err != nil {
		t.Fatal(err)
	}
	var tree object
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	for _, key := range leaves(tree, "") {
		if !slices.Contains(tested, key) {
			t.Errorf("no test of the setting %s", key)
		}
	}
}

// leaves returns the paths of settings; all thresholds of guards count as one.
func leaves(tree object, path string) []string {
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		below, isObject := tree[name].(object)
		if isObject && name != "guards" {
			keys = append(keys, leaves(below, path+name+".")...)
			continue
		}
		keys = append(keys, path+name)
	}
	return keys
}

// Settings that cannot work are rejected with the name of the setting.
func TestSettings_refused(t *testing.T) {
	for key, want := range map[string][2]string{
		"importer.logRetentionDays": {"45", "resolverwatch.importer.logRetentionDays: must be one of [1 3 5 7 "},
	} {
		t.Run(key, func(t *testing.T) {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), want[1]) {
					t.Errorf("got %v, want %q", err, want[1])
				}
			}()
			context := appContext(t, nil)
			context[config.ContextKey+"."+key] = want[0]
			define(t, context)
		})
	}
}
