//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func newImporter(stack awscdk.Stack, props resolverwatch.ImporterProps) *resolverwatch.Importer {
	props.Store = resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		EncryptionKey: props.EncryptionKey})
	props.Code = code()
	return resolverwatch.NewImporter(stack, "Importer", &props)
}

func TestImporter_defaults(t *testing.T) {
	stack := newStack(t)
	newImporter(stack, resolverwatch.ImporterProps{})
	made := synth(t, stack)
	made.one("AWS::Lambda::Function", "").want(t, object{
		"MemorySize": 1024, "Timeout": 900, "ReservedConcurrentExecutions": nil, "Architectures": []any{"arm64"},
		"Environment.Variables.GOMEMLIMIT": "921MiB",
	})
	made.one("AWS::Lambda::Function", "").wantReceived(t, object{"stack": "Test", "listBucket": "<StoreListsF1F6557C>",
		"indexBucket": "<StoreIndex955BD0F1>", "table": "<StoreTable0CCFA19B>"})
	if parameters := made.ids("AWS::SSM::Parameter"); len(parameters) > 0 {
		t.Errorf("parameters without feeds: %v", parameters)
	}
}

// A rule that matches only feeds and the single list invokes the function on uploads,
// because the function writes to the same bucket and must not invoke itself.
func TestImporter_events(t *testing.T) {
	stack := newStack(t)
	newImporter(stack, resolverwatch.ImporterProps{})
	made := synth(t, stack)
	rule := made.one("AWS::Events::Rule", "ListEvents")
	rule.want(t, object{
		"State": "ENABLED",
		"EventPattern": object{
			"source":      []any{"aws.s3"},
			"detail-type": []any{"Object Created", "Object Deleted"},
			"detail": object{
				"bucket": object{"name": []any{object{"Ref": "StoreListsF1F6557C"}}},
				"object": object{"key": []any{object{"prefix": "feeds/"}, object{"prefix": "allow/"}, object{"prefix": "guards/"}, "config/all-malicious-domains.txt"}},
			},
		},
		"Targets.0.Input": nil,
	})
	schedule := made.one("AWS::Events::Rule", "Schedule")
	schedule.want(t, object{"ScheduleExpression": "rate(1 hour)", "Targets.0.Input": `{"publish":true}`})
	for _, r := range []resource{rule, schedule} {
		if got := withoutHashes(flatten(r.get("Targets.0.Arn"))); got != "<ImporterFunction.Arn>" {
			t.Errorf("target %s", got)
		}
		if got := withoutHashes(flatten(r.get("Targets.0.DeadLetterConfig.Arn"))); got != "<ImporterDeadLetters.Arn>" {
			t.Errorf("dead letters %s", got)
		}
	}
	permission := made.one("AWS::Lambda::Permission", "ListEvents")
	permission.want(t, object{"Principal": "events.amazonaws.com", "Action": "lambda:InvokeFunction", "SourceAccount": "<AWS::AccountId>"})
	if got := withoutHashes(flatten(permission.get("SourceArn"))); got != "<ImporterListEvents.Arn>" {
		t.Errorf("events of %s may invoke", got)
	}
	made.one("AWS::Lambda::EventInvokeConfig", "").want(t, object{"MaximumEventAgeInSeconds": 21600, "MaximumRetryAttempts": 2})
	for id, r := range made.resources {
		if strings.HasPrefix(r.Type, "Custom::") {
			t.Errorf("%s of type %s: a custom resource", id, r.Type)
		}
	}
}

func TestImporter_deadLetters(t *testing.T) {
	stack := newStack(t)
	newImporter(stack, resolverwatch.ImporterProps{})
	made := synth(t, stack)
	made.one("AWS::SQS::Queue", "").want(t, object{"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": true})
	policy := made.one("AWS::SQS::QueuePolicy", "")
	text, _ := json.Marshal(policy.get("PolicyDocument.Statement"))
	for _, part := range []string{"aws:SecureTransport", "events.amazonaws.com", "aws:SourceArn", "aws:SourceAccount"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the queue's policy lacks %s: %s", part, text)
		}
	}
}

var importerPermissions = []string{
	"dynamodb:BatchWriteItem on <StoreTable.Arn>",
	"dynamodb:DeleteItem on <StoreTable.Arn>",
	"dynamodb:GetItem on <StoreTable.Arn>",
	"dynamodb:PutItem on <StoreTable.Arn>",
	"dynamodb:Query on <StoreTable.Arn>",
	"dynamodb:Scan on <StoreTable.Arn>",
	"logs:CreateLogStream on <ImporterLogGroup.Arn>",
	"logs:PutLogEvents on <ImporterLogGroup.Arn>",
	"s3:DeleteObject on <StoreIndex.Arn>/index/*",
	"s3:GetObject on <StoreIndex.Arn>/index/*",
	"s3:PutObject on <StoreIndex.Arn>/index/*",
	"s3:GetObject on <StoreIndex.Arn>/indicators/current.ndjson.gz",
	"s3:PutObject on <StoreIndex.Arn>/indicators/current.ndjson.gz",
	`s3:ListBucket on <StoreIndex.Arn>`,
	"s3:ListBucket on <StoreLists.Arn>",
	"s3:GetObject on <StoreLists.Arn>/accepted/*",
	"s3:GetObject on <StoreLists.Arn>/allow/*",
	"s3:GetObject on <StoreLists.Arn>/config/all-malicious-domains.txt",
	"s3:GetObject on <StoreLists.Arn>/feeds/*",
	"s3:GetObject on <StoreLists.Arn>/guards/*",
	"s3:GetObjectVersion on <StoreLists.Arn>/guards/*",
	"s3:DeleteObject on <StoreLists.Arn>/accepted/*",
	"s3:GetObjectTagging on <StoreLists.Arn>/allow/*",
	"s3:GetObjectTagging on <StoreLists.Arn>/config/all-malicious-domains.txt",
	"s3:GetObjectTagging on <StoreLists.Arn>/feeds/*",
	"s3:GetObjectVersion on <StoreLists.Arn>/allow/*",
	"s3:GetObjectVersion on <StoreLists.Arn>/config/all-malicious-domains.txt",
	"s3:GetObjectVersion on <StoreLists.Arn>/feeds/*",
	"s3:GetObjectVersionTagging on <StoreLists.Arn>/allow/*",
	"s3:GetObjectVersionTagging on <StoreLists.Arn>/config/all-malicious-domains.txt",
	"s3:GetObjectVersionTagging on <StoreLists.Arn>/feeds/*",
	"s3:PutObject on <StoreLists.Arn>/accepted/*",
	"s3:PutObject on <StoreLists.Arn>/reports/*",
	"sqs:SendMessage on <ImporterDeadLetters.Arn>",
	"ssm:GetParameter on arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/Test/feeds/*",
}

// Everything that the function may do: it cannot change what users upload, and it can
// delete only indexes and accepted lists, which it wrote itself.
func TestImporter_permissions(t *testing.T) {
	stack := newStack(t)
	newImporter(stack, resolverwatch.ImporterProps{})
	synth(t, stack).wantPermissions("ImporterRole", importerPermissions...)
}

func TestImporter_props(t *testing.T) {
	stack := newStack(t)
	newImporter(stack, resolverwatch.ImporterProps{
		ImporterSettings: resolverwatch.ImporterSettings{
			MemoryMiB: 2048,
			ListKey:   "list.txt",
			Protected: []string{"corp.example", "corp.test"},
			Guards:    resolverwatch.ListGuards{ShrinkPercent: 12.5},
		},
		FunctionOptions: resolverwatch.FunctionOptions{LoggingSettings: resolverwatch.LoggingSettings{
			LogLevel:     slog.LevelWarn,
			LogRetention: resolverwatch.LogRetentionSettings{LogRetentionDays: 365},
		}},
		StackName:           "prod",
		PublishInterval:     awscdk.Duration_Minutes(jsii.Number(15)),
		MaxIndexBytes:       jsii.Number(1 << 20),
		ReservedConcurrency: 1,
		Feeds:               map[string]resolverwatch.Feed{"urlhaus": {Format: "csv", Severity: "high"}},
	})
	made := synth(t, stack)
	function := made.one("AWS::Lambda::Function", "")
	function.want(t, object{"MemorySize": 2048, "ReservedConcurrentExecutions": 1})
	function.wantReceived(t, object{"stack": "prod", "listKey": "list.txt", "protected": []any{"corp.example", "corp.test"},
		"maxIndexBytes": 1 << 20, "guards": object{"shrinkPercent": 12.5}, "logLevel": "WARN",
		"listBucket": "<StoreListsF1F6557C>", "indexBucket": "<StoreIndex955BD0F1>", "table": "<StoreTable0CCFA19B>"})
	made.one("AWS::Events::Rule", "Schedule").want(t, object{"ScheduleExpression": "rate(15 minutes)"})
	made.one("AWS::Events::Rule", "ListEvents").want(t, object{"EventPattern.detail.object.key.3": "list.txt"})
	made.one("AWS::Logs::LogGroup", "").want(t, object{"RetentionInDays": 365})
	made.one("AWS::SSM::Parameter", "").want(t, object{
		"Name": "/prod/feeds/urlhaus", "Type": "String", "Value": `{"format":"csv","severity":"high"}`})
}

// A feed with a URL has its own schedule, and only for such feeds may the function write
// into the feed's folder and read its secret.
func TestImporter_fetchedFeeds(t *testing.T) {
	stack := newStack(t)
	const secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:feed-AbCdEf"
	newImporter(stack, resolverwatch.ImporterProps{Feeds: map[string]resolverwatch.Feed{
		"plain":   {},
		"fetched": {URL: "https://feeds.example/list.txt", Schedule: "rate(6 hours)", SecretARN: secret, SecretHeader: "Auth-Key"},
		"good":    {URL: "https://feeds.example/good.txt", Allow: true},
	}})
	made := synth(t, stack)
	if got := made.ids("AWS::SSM::Parameter"); len(got) != 3 {
		t.Errorf("parameters %v", got)
	}
	made.one("AWS::Scheduler::Schedule", "fetched").want(t, object{
		"ScheduleExpression": "rate(6 hours)", "FlexibleTimeWindow.Mode": "OFF", "Target.Input": `{"feed":"fetched"}`})
	made.one("AWS::Scheduler::Schedule", "good").want(t, object{"ScheduleExpression": "rate(1 hour)"})
	made.wantPermissions("ImporterRole", append([]string{
		"s3:PutObject on <StoreLists.Arn>/allow/good/*",
		"s3:PutObject on <StoreLists.Arn>/feeds/fetched/*",
		"secretsmanager:GetSecretValue on " + secret,
	}, importerPermissions...)...)
	made.wantPermissions("SchedulerRole",
		"lambda:InvokeFunction on <ImporterFunction.Arn>", "sqs:SendMessage on <ImporterDeadLetters.Arn>")
	made.one("AWS::IAM::Role", "SchedulerRole").want(t, object{
		"AssumeRolePolicyDocument.Statement.0.Condition.StringEquals.aws:SourceAccount": "<AWS::AccountId>"})
}

func TestImporter_customerKey(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	importer := newImporter(stack, resolverwatch.ImporterProps{EncryptionKey: key})
	made := synth(t, stack)
	made.one("AWS::SQS::Queue", "").want(t, object{"KmsMasterKeyId": "<Key961B73FD.Arn>"})
	text, _ := json.Marshal(made.one("AWS::KMS::Key", "").get("KeyPolicy.Statement"))
	for _, part := range []string{`"logs.`, "kms:EncryptionContext:aws:logs:arn", "events.amazonaws.com",
		`"Condition":{"ArnLike":{"kms:EncryptionContext:aws:sqs:arn":{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":sqs:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":*"]]}}}`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the key's policy lacks %s: %s", part, text)
		}
	}
	permissions := strings.Join(made.one("AWS::IAM::Role", "ImporterRole").permissions(), "\n")
	for _, service := range []string{"s3.", "dynamodb.", "sqs."} {
		if !strings.Contains(permissions, `"kms:ViaService":{"Fn::Join":["",["`+service) {
			t.Errorf("the role may not use the key through %s", service)
		}
	}
	if steps := importer.Steps(); len(steps) > 0 {
		t.Errorf("the app's own key adds no steps, got %v", steps)
	}
}

// Statements that cannot be added to an existing key are listed in a warning.
func TestImporter_existingKey(t *testing.T) {
	stack := newStack(t)
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/0000"
	importer := newImporter(stack, resolverwatch.ImporterProps{
		EncryptionKey: awskms.Key_FromKeyArn(stack, jsii.String("Key"), jsii.String(arn))})
	synth(t, stack)
	got := warnings(t, stack)
	for _, part := range []string{"add to the policy of " + arn, "logs.", `{"Service":"events.amazonaws.com"}`, "logs.<AWS::Region>.<AWS::URLSuffix>", "kms:GenerateDataKey"} {
		if !strings.Contains(got, part) {
			t.Errorf("no warning with %q:\n%s", part, got)
		}
	}
	steps := importer.Steps()
	if len(steps) != 2 {
		t.Errorf("steps %v", steps)
	}
	for _, step := range steps {
		if *awscdk.Token_IsUnresolved(step.Why) {
			t.Errorf("%s: CloudFormation does not accept a token in a description: %s", step.ID, step.Why)
		}
	}
}

func TestImporter_refuses(t *testing.T) {
	confidence := 101
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewImporter(stack, "Importer", &resolverwatch.ImporterProps{
			ImporterSettings: resolverwatch.ImporterSettings{
				MemoryMiB: 20_000,
				Guards:    resolverwatch.ListGuards{ShrinkPercent: 200},
				ListKey:   "feeds/x/list.txt",
				Protected: []string{"corp.example", "https://x/", "", "10.0.0.0/8"},
			},
			PublishInterval: awscdk.Duration_Seconds(jsii.Number(90)), ReservedConcurrency: -1, MaxIndexBytes: jsii.Number(-1),
			Feeds: map[string]resolverwatch.Feed{
				"Bad Id": {}, "manual": {}, "words": {Format: "xls", Severity: "huge", Confidence: &confidence},
				"fetched": {URL: "http://feeds.example/x"}, "old": {MaxAge: resolverwatch.Duration(time.Millisecond)},
			},
		})
	},
		"Test/Importer Store",
		"Test/Importer MemoryMiB",
		"Test/Importer Guards.ShrinkPercent",
		"Test/Importer PublishInterval",
		"Test/Importer ReservedConcurrency",
		"Test/Importer MaxIndexBytes",
		`Test/Importer Feeds["Bad Id"]`,
		`Test/Importer Feeds["fetched"]`,
		`Test/Importer Feeds["manual"]`,
		`Test/Importer Feeds["old"]`,
		`Test/Importer Feeds["words"]`,
		`Test/Importer Feeds["words"]`,
		`Test/Importer Feeds["words"]`,
		"Test/Importer ListKey",
		"Test/Importer Protected[1]",
		"Test/Importer Protected[2]",
		"Test/Importer Protected[3]",
	)
}

// Existing buckets and tables may each be encrypted with their own key.
func TestImporter_existingPartsWithKeys(t *testing.T) {
	stack := newStack(t)
	key := func(id string) awskms.IKey {
		return awskms.Key_FromKeyArn(stack, &id, jsii.String("arn:aws:kms:eu-west-1:111122223333:key/"+id))
	}
	bucket := func(id string) awss3.IBucket {
		return awss3.Bucket_FromBucketAttributes(stack, &id, &awss3.BucketAttributes{BucketName: &id, EncryptionKey: key(id + "-key")})
	}
	own := key("own")
	resolverwatch.NewImporter(stack, "Importer", &resolverwatch.ImporterProps{Code: code(), EncryptionKey: own,
		Store: resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
			ListBucket: bucket("lists"), IndexBucket: bucket("index"), EncryptionKey: own})})
	permissions := strings.Join(synth(t, stack).one("AWS::IAM::Role", "ImporterRole").permissions(), "\n")
	for _, want := range []string{
		`kms:GenerateDataKey on arn:aws:kms:eu-west-1:111122223333:key/lists-key if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["s3.eu-west-1.",{"Ref":"AWS::URLSuffix"}]]}}}`,
		`kms:Decrypt on arn:aws:kms:eu-west-1:111122223333:key/index-key if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["s3.`,
		`kms:ReEncryptTo on arn:aws:kms:eu-west-1:111122223333:key/own if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["dynamodb.`,
	} {
		if !strings.Contains(permissions, want) {
			t.Errorf("no %s in\n%s", want, permissions)
		}
	}
}

// A role's policies stay below 10,240 bytes, however many feeds there are.
func TestImporter_manyFeeds(t *testing.T) {
	feeds := func(n int, secret func(i int) string) map[string]resolverwatch.Feed {
		all := map[string]resolverwatch.Feed{"allowed": {URL: "https://lists.example/a", Allow: true}}
		for i := range n {
			all[fmt.Sprintf("feed-%03d", i)] = resolverwatch.Feed{URL: "https://lists.example/x", SecretARN: secret(i), SecretHeader: "X-Key"}
		}
		return all
	}
	arn := func(name string) string {
		return "arn:aws:secretsmanager:eu-west-1:111122223333:secret:" + name + "-AbCdEf"
	}
	stack := newStack(t)
	newImporter(stack, resolverwatch.ImporterProps{Feeds: feeds(200, func(int) string { return arn("all") })})
	var stored []string
	for _, line := range synth(t, stack).one("AWS::IAM::Role", "ImporterRole").permissions() {
		if strings.HasPrefix(line, "s3:PutObject") && !strings.Contains(line, "/accepted/") && !strings.Contains(line, "/reports/") &&
			strings.Contains(line, "StoreLists") {
			stored = append(stored, withoutHashes(line))
		}
	}
	if want := []string{"s3:PutObject on <StoreLists.Arn>/allow/*", "s3:PutObject on <StoreLists.Arn>/feeds/*"}; !slices.Equal(stored, want) {
		t.Errorf("stores in %q, want %q", stored, want)
	}
	wantRefused(t, func(stack awscdk.Stack) {
		newImporter(stack, resolverwatch.ImporterProps{Feeds: feeds(50, func(i int) string { return arn(fmt.Sprintf("feed-%03d", i)) })})
	}, "Test/Importer Feeds")
}

// A key under a folder that has a meaning would count twice, or guard what it is to block.
func TestImporter_refusesListKey(t *testing.T) {
	for _, folder := range []string{"feeds/", "allow/", "guards/", "guards/protected/", "accepted/", "reports/"} {
		wantRefused(t, func(stack awscdk.Stack) {
			newImporter(stack, resolverwatch.ImporterProps{ImporterSettings: resolverwatch.ImporterSettings{ListKey: folder + "all.txt"}})
		}, "Test/Importer ListKey")
	}
}

// SSM reserves names for AWS. Without feeds there are no parameters, so any name works.
func TestImporter_refusesStackName(t *testing.T) {
	feeds := map[string]resolverwatch.Feed{"x": {Format: "csv"}}
	for _, name := range []string{"aws-dns", "SSMfeeds"} {
		wantRefused(t, func(stack awscdk.Stack) {
			newImporter(stack, resolverwatch.ImporterProps{StackName: name, Feeds: feeds})
		}, "Test/Importer StackName")
	}
	wantRefused(t, func(stack awscdk.Stack) {
		newImporter(stack, resolverwatch.ImporterProps{StackName: "a b"})
	}, "Test/Importer StackName")
	newImporter(newStack(t), resolverwatch.ImporterProps{StackName: "aws-dns"})
}
