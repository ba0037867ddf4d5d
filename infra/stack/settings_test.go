//go:build !race

package stack_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/config"
	declaration "github.com/resolverwatch/resolverwatch/pkg/settings"
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
	{"importer.listKey", "lists/all.txt", []string{`\"listKey\":\"lists/all.txt\"`, `"/lists/all.txt"`}},
	{"delivery.outputBucketName", "marked", []string{`"BucketName":"marked"`}},
	{"transformer.memoryMiB", "512", []string{`"MemorySize":512`, `\"maxIndexBytes\":218103808`}},
	{"transformer.timeout", "61s", []string{`"Timeout":61`}},
	{"delivery.prefix", "logs/!{timestamp:yyyy/MM/dd/HH}/", []string{`"Prefix":"logs/!{timestamp:yyyy/MM/dd/HH}/"`, `"projection.arrived.interval.unit":"HOURS"`}},
	{"delivery.format", "PARQUET", []string{`"ParquetSerDe"`, `"TableName":"dns_logs_parquet"`, `"Prefix":"dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/"`, `"Prefix":"raw/!{timestamp:yyyy/MM/dd}/"`, `"S3BackupMode":"Enabled"`}},
	{"delivery.errorPrefix", "failed/!{firehose:error-output-type}/", []string{`"ErrorOutputPrefix":"failed/!{firehose:error-output-type}/"`}},
	{"delivery.compression", "UNCOMPRESSED", []string{`"CompressionFormat":"UNCOMPRESSED"`}},
	{"delivery.bufferInterval", "5m", []string{`"IntervalInSeconds":300`}},
	{"delivery.bufferSizeMiB", "64", []string{`"SizeInMBs":64`}},

	{"stackName", "Other", []string{`\"stack\":\"Other\"`}},
	{"account", "111122223333", []string{`111122223333`}},
	{"region", "eu-west-1", []string{`eu-west-1`}},
	{"removalPolicy", "destroy", []string{`"DeletionPolicy":"Delete"`}},
	{"keyArn", "arn:aws:kms:eu-west-1:111122223333:key/0000", []string{`"KmsKeyArn":"arn:aws:kms:eu-west-1:111122223333:key/0000"`, `ToDoKeyPolicy`}},
	{"previousKeyArns", "arn:aws:kms:eu-west-1:111122223333:key/earlier", []string{`"Sid":"PreviousKeysForS3"`, `"arn:aws:kms:eu-west-1:111122223333:key/earlier"`}},
	{"createKey", "true", []string{`"AWS::KMS::Key"`, `"EnableKeyRotation":true`}},
	{"accessLogBucket", "access", []string{`"DestinationBucketName":"access"`}},
	{"logLevel", "debug", []string{`\"logLevel\":\"DEBUG\"`}},
	{"logRetentionDays", "1", []string{`"RetentionInDays":1`}},
	{"store.existingTable", "mine", []string{`\"table\":\"mine\"`}},
	{"store.existingListBucket", "mine", []string{`\"listBucket\":\"mine\"`, `ToDoListBucketEvents`}},
	{"store.indexBucketName", "published", []string{`"BucketName":"published"`}},
	{"store.existingIndexBucket", "mine", []string{`\"indexBucket\":\"mine\"`}},
	{"importer.memoryMiB", "2048", []string{`"MemorySize":2048`}},
	{"importer.protected", "corp.example,corp.test", []string{`\"protected\":[\"corp.example\",\"corp.test\"]`}},
	{"importer.guards.shrinkPercent", "12.5", []string{`\"shrinkPercent\":12.5`}},
	{"importer.guards.maxListBytes", "1000001", []string{`\"maxListBytes\":1000001`}},
	{"importer.guards.maxWideBlocks", "5000", []string{`\"maxWideBlocks\":5000`}},
	{"importer.guards.maxFeedIPv4", "33554432", []string{`\"maxFeedIPv4\":33554432`}},
	{"importer.guards.maxFeedIPv6", "2199023255552", []string{`\"maxFeedIPv6\":2199023255552`}},
	{"importer.guards.maxTotalIPv4", "1073741824", []string{`\"maxTotalIPv4\":1073741824`}},
	{"importer.guards.maxTotalIPv6", "70368744177664", []string{`\"maxTotalIPv6\":70368744177664`}},
	{"feeds", `{"urlhaus":{"format":"csv"}}`, []string{`"/Other/feeds/urlhaus"`, `{\"format\":\"csv\"}`}},
	{"transformer.pollInterval", "31s", []string{`\"pollInterval\":\"31s\"`}},
	{"transformer.failureMode", "fail", []string{`\"failureMode\":\"fail\"`}},
	{"transformer.checkAnswers", "names", []string{`\"checkAnswers\":\"names\"`}},
	{"delivery.existingOutputBucket", "mine", []string{`s3:::mine`}},
	{"delivery.existingStream", "dns", []string{`deliverystream/dns`, `ToDoStreamTransformation`}},
	{"delivery.markedLogRetentionDays", "400", []string{`"ExpirationInDays":400`, `NOW-401DAYS`}},
	{"queryLogging.name", "all-vpcs", []string{`"Name":"all-vpcs"`}},
	{"queryLogging.vpcIds", "vpc-0a1b2c3d4e5f60001", []string{`"ResourceId":"vpc-0a1b2c3d4e5f60001"`}},
	{"queryLogging.shareWith", "444455556666", []string{`"AWS::RAM::ResourceShare"`, `"444455556666"`}},
	{"catalog.database", "dns", []string{`"DatabaseName":"dns"`}},
	{"catalog.workGroup", "soc", []string{`"AWS::Athena::WorkGroup"`, `"Name":"soc"`}},
	{"monitoring.alarmTopicArns", "arn:aws:sns:eu-west-1:111122223333:alarms", []string{`"AlarmActions":["arn:aws:sns:eu-west-1:111122223333:alarms"]`}},
	{"monitoring.silence", "20m", []string{`"EvaluationPeriods":4,"MetricName":"IncomingRecords"`}},
	{"monitoring.maxListAge", "7d", []string{`"Threshold":604800`}},
	{"monitoring.unknownPercent", "2.5", []string{`"Threshold":2.5`}},
	{"monitoring.outbreakPercent", "3.5", []string{`"Threshold":3.5`}},
	{"monitoring.outbreakRecords", "5000", []string{`IF(malicious \u003e 5000,`}},
	{"monitoring.firewallEvents", "true", []string{`"DNS Firewall Block"`}},
	{"catalog.compaction", "true", []string{`"dns_logs_compacted"`, `"dns_logs_all"`, `{\"compact\":true}`, `"CompactionFailed"`}},
	{"catalog.bytesScannedLimitGiB", "10", []string{`"BytesScannedCutoffPerQuery":10737418240`}},

	{"alerts.topicName", "dns-logs-match-topic", []string{`"TopicName":"dns-logs-match-topic"`}}, // of the sample
	{"alerts.emails", "soc@corp.example,oncall@corp.example", []string{`"Endpoint":"soc@corp.example"`, `"Endpoint":"oncall@corp.example"`, `ToDoConfirmEmail`}},
	{"alerts.existingTopicArn", "arn:aws:sns:eu-west-1:111122223333:soc", []string{`\"topic\":\"arn:aws:sns:eu-west-1:111122223333:soc\"`}},
	{"alerts.securityHub", "true", []string{`"securityhub:BatchImportFindings"`, `ToDoSecurityHub`}},
	{"alerts.maxFindingSeverity", "medium", []string{`\"maxFindingSeverity\":\"medium\"`}},
	{"alerts.window", "30m", []string{`\"window\":\"30m\"`}},
	{"alerts.retell", "2d", []string{`\"retell\":\"2d\"`}},
	{"alerts.digest", "daily", []string{`\"digest\":\"daily\"`, `"cron(5 6 * * ? *)"`}},
	{"hunts.maliciousHosts", "true", []string{`{\"query\":\"malicious-hosts\",`}},
	{"hunts.firstSeen", "true", []string{`{\"query\":\"first-seen\",`}},
	{"hunts.beacons", "true", []string{`{\"query\":\"beacons\",`}},
	{"hunts.ownResolvers", "true", []string{`{\"query\":\"own-resolvers\",`}},
	{"hunts.lookBack", "50h", []string{`\"lookBack\":\"50h\"`}},
	{"hunts.retroLookBack", "60d", []string{`\"retroLookBack\":\"60d\"`}},
	{"hunts.maxRows", "200", []string{`\"maxRows\":200`}},

	{"source.s3", "true", []string{`"AWS::Lambda::EventSourceMapping"`, `"AWSLogDeliveryWrite"`}},
	{"source.existingLogBucket", "archive", []string{`\"logBucket\":\"archive\"`, `ToDoLogBucketPolicy`, `ToDoLogBucketEvents`}},
	{"source.logBucketName", "resolver-logs", []string{`"BucketName":"resolver-logs"`}},
	{"source.logPrefix", "org", []string{`\"logPrefix\":\"org/\"`, `"wildcard":"org/AWSLogs/*/vpcdnsquerylogs/*.log.gz"`, `"Arn"]},"/org/"]]`}},
	{"source.rawLogRetentionDays", "31", []string{`"ExpirationInDays":31`}},
	{"source.vpcIds", "vpc-0a1b2c3d4e5f60002", []string{`"ResourceId":"vpc-0a1b2c3d4e5f60002"`}},
	{"source.marker.memoryMiB", "1111", []string{`"MemorySize":1111`}},
	{"source.marker.timeout", "6m", []string{`"Timeout":360`, `"VisibilityTimeout":2160`}},
	{"source.marker.maxConcurrency", "50", []string{`"MaximumConcurrency":50`}},
}

// otherSettings lists settings that only remove something from the template, or that take
// effect outside of it.
var otherSettings = []string{"monitoring.enabled", "monitoring.dashboard", "monitoring.arrivalAlarm", "queryLogging.enabled", "catalog.enabled", "terminationProtection", "tags", "delivery.sourceBackup",
	"alerts.enabled", "alerts.topic", "hunts.enabled", "hunts.retroHunt", "hunts.coverage", "hunts.tunnels", "hunts.generatedNames",
	"source.firehose", "source.backfill"}

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
				if strings.HasPrefix(setting.key, "source.") {
					context[config.ContextKey+".source.s3"] = "true"
				}
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
var exclusive = []string{"store.existingTable", "store.existingListBucket", "store.existingIndexBucket",
	"keyArn", "delivery.existingOutputBucket", "delivery.existingStream", "delivery.format", "alerts.existingTopicArn",
	"source.existingLogBucket", "catalog.compaction"}

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
		"monitoring":            object{"enabled": false},
		"terminationProtection": true, "tags": object{"team": "soc"}})
	stack := define(t, context)
	text, _ := json.Marshal(template(t, stack))
	for _, typ := range []string{"AWS::Route53Resolver", "AWS::Glue", "AWS::Athena", "AWS::CloudWatch"} {
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

// With alerts off there is no trace of them or of hunts. The rest of the template is the same,
// apart from what the other functions may do for alerts.
func TestSettings_alertsOff(t *testing.T) {
	off := template(t, define(t, appContext(t, object{"alerts": object{"enabled": false}})))
	text, _ := json.Marshal(off)
	for _, trace := range []string{"Alert", "Hunt", "Notifier", "AWS::SNS", "sns:", "AWS::Lambda::EventSourceMapping", "AWS::Scheduler",
		"SendMatches", "events:PutEvents", "securityhub", "alertQueue"} {
		if strings.Contains(string(text), trace) {
			t.Errorf("the template has %s", trace)
		}
	}
	on := template(t, define(t, appContext(t, nil)))["Resources"].(object)
	for id := range off["Resources"].(object) {
		if on[id] == nil {
			t.Errorf("%s is not in the template with alerts", id)
		}
	}
}

// Each switch of a query removes its schedule. Without a topic, the other ways to tell people
// are left.
func TestSettings_queriesOff(t *testing.T) {
	none := text(t, define(t, appContext(t, object{"alerts": object{"topic": false}, "hunts": object{
		"retroHunt": false, "coverage": false, "tunnels": false, "generatedNames": false}})))
	for _, trace := range []string{"AWS::Scheduler::Schedule\"", settingsEvent, "AWS::SNS", "sns:Publish"} {
		if strings.Contains(none, trace) {
			t.Errorf("the template has %s", trace)
		}
	}
	if !strings.Contains(none, "events:PutEvents") {
		t.Error("there are no events either")
	}
	without := text(t, define(t, appContext(t, object{"hunts": object{"enabled": false}})))
	if strings.Contains(without, "AWS::Scheduler") || !strings.Contains(without, "AWS::SNS::Topic") {
		t.Error("hunts cannot be turned off without alerts")
	}
}

const settingsEvent = `"detail-type":["Index published"]`

// With logs in S3 alone, there is no trace of Firehose. Everything else is the same as with both
// sources, so that a stack can be switched.
func TestSettings_firehoseOff(t *testing.T) {
	alone := template(t, define(t, appContext(t, object{"source": object{"s3": true, "firehose": false}})))
	text, _ := json.Marshal(alone)
	for _, trace := range []string{"Firehose", "firehose.amazonaws.com", "PipelineTransformer", "DeliveryStream", "deliverystream"} {
		if strings.Contains(string(text), trace) {
			t.Errorf("the template has %s", trace)
		}
	}
	both := template(t, define(t, appContext(t, object{"source": object{"s3": true}})))["Resources"].(object)
	for id := range alone["Resources"].(object) {
		if both[id] == nil {
			t.Errorf("%s is not in the template with both sources", id)
		}
	}
}

// Without a backfill there is no state machine, and the marker cannot write manifests.
func TestSettings_backfillOff(t *testing.T) {
	all := text(t, define(t, appContext(t, object{"source": object{"s3": true, "backfill": false}})))
	for _, trace := range []string{"states", "StepFunctions", "backfill", "Backfill"} {
		if strings.Contains(all, trace) {
			t.Errorf("the template has %s", trace)
		}
	}
}

// If 0 has a meaning of its own, it is not the default.
func TestSettings_zeroes(t *testing.T) {
	all := text(t, define(t, appContext(t, map[string]any{"delivery": object{"bufferInterval": "0s"}})))
	if want := `"IntervalInSeconds":0`; !strings.Contains(all, want) {
		t.Errorf("the template lacks %s", want)
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
		"format": "PARQUET", "sourceBackup": false}})))
	if want := `FROM dns_logs_parquet`; !strings.Contains(all, want) {
		t.Errorf("the template lacks %s", want)
	}
	if strings.Contains(all, "S3BackupMode") {
		t.Error("an unwanted backup exists")
	}
}

// The table above contains every setting. All settings of feeds, and all tags, count as one.
func TestSettings_areAllTested(t *testing.T) {
	tested := slices.Clone(otherSettings)
	for _, setting := range settings {
		tested = append(tested, setting.key)
	}
	for _, field := range declaration.Fields(reflect.TypeFor[declaration.Deployment]()) {
		key, _, _ := strings.Cut(field.Path, ".<")
		if !slices.Contains(tested, key) {
			t.Errorf("no test of the setting %s", key)
		}
	}
}

// Setting a default explicitly changes nothing. Defaults that another setting decides, and
// those of feeds, which the importer has, are not checked.
func TestSettings_defaults(t *testing.T) {
	unset, set := appContext(t, nil), appContext(t, nil)
	defaults := 0
	for _, field := range declaration.Fields(reflect.TypeFor[declaration.Deployment]()) {
		if value, found := field.Tag.Lookup("default"); found && !strings.Contains(field.Path, "<") {
			set[config.ContextKey+"."+field.Path] = value
			defaults++
		}
	}
	if defaults < 20 {
		t.Fatalf("only %d defaults are declared", defaults)
	}
	if diff := cmp.Diff(template(t, define(t, unset)), template(t, define(t, set))); diff != "" {
		t.Errorf("without settings (-) and with all defaults (+):\n%s", diff)
	}
}

// The defaults that the format decides are those of [declaration.Delivery.Filled]. Setting
// them explicitly changes nothing either.
func TestSettings_defaultsByFormat(t *testing.T) {
	for _, format := range []declaration.Format{declaration.FormatJSON, declaration.FormatParquet} {
		filled := declaration.Delivery{Format: format}.Filled()
		unset := appContext(t, object{"delivery": object{"format": string(format)}})
		set := appContext(t, object{"delivery": object{"format": string(format), "sourceBackup": *filled.SourceBackup,
			"compression": string(filled.Compression), "bufferSizeMiB": filled.BufferSizeMiB}})
		if diff := cmp.Diff(template(t, define(t, unset)), template(t, define(t, set))); diff != "" {
			t.Errorf("%s, without the settings (-) and with their defaults (+):\n%s", format, diff)
		}
	}
}

// A capacity makes the table provisioned, with the documented default for the other one.
func TestSettings_capacity(t *testing.T) {
	one := appContext(t, object{"store": object{"readCapacity": 50}})
	both := appContext(t, object{"store": object{"readCapacity": 50, "writeCapacity": declaration.DefaultCapacity}})
	if diff := cmp.Diff(template(t, define(t, one)), template(t, define(t, both))); diff != "" {
		t.Errorf("without writeCapacity (-) and with its default (+):\n%s", diff)
	}
}

// Values within their bounds that cannot work are rejected by the construct, with the name of
// the prop.
func TestSettings_refused(t *testing.T) {
	for key, want := range map[string][2]string{ // value, construct and prop
		"transformer.timeout":    {"1500ms", "/Transformer: Timeout: "},
		"delivery.bufferSizeMiB": {"63", "/Delivery: BufferSizeMiB: "},
	} {
		t.Run(key, func(t *testing.T) {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), want[1]) {
					t.Errorf("got %v, want %q", err, want[1])
				}
			}()
			context := appContext(t, object{"delivery": object{"format": "PARQUET"}})
			context[config.ContextKey+"."+key] = want[0]
			define(t, context)
		})
	}
}
