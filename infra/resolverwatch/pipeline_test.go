//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// newPipeline defines a pipeline whose functions are not built.
func newPipeline(stack awscdk.Stack, props *resolverwatch.PipelineProps) *resolverwatch.Pipeline {
	p := resolverwatch.PipelineProps{}
	if props != nil {
		p = *props
	}
	if p.Transformer == nil {
		p.Transformer = &resolverwatch.TransformerProps{}
	}
	if p.Importer == nil {
		p.Importer = &resolverwatch.ImporterProps{}
	}
	p.Transformer.Code, p.Importer.Code = code(), code()
	if !p.WithoutAlerts {
		p.Alerts = orNew(p.Alerts)
		p.Alerts.Code = code()
	}
	if !p.WithoutAlerts && !p.WithoutCatalog && !p.WithoutHunts && p.Stream == nil {
		p.Hunts = orNew(p.Hunts)
		p.Hunts.Code = code()
	}
	return resolverwatch.NewPipeline(stack, "Pipeline", &p)
}

// orNew returns props, or new ones.
func orNew[P any](props *P) *P {
	if props == nil {
		return new(P)
	}
	return props
}

// Settings of one part take effect in the others.
func TestPipeline_wiring(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		Transformer: &resolverwatch.TransformerProps{TransformerSettings: resolverwatch.TransformerSettings{MemoryMiB: 512}},
		Delivery: &resolverwatch.DeliveryProps{
			DeliverySettings: resolverwatch.DeliverySettings{Prefix: "logs/!{timestamp:yyyy/MM/dd}/", MarkedLogRetentionDays: 30}},
	})
	made := synth(t, stack)
	index := "<" + made.id("AWS::S3::Bucket", "StoreIndex") + ">"
	made.one("AWS::Lambda::Function", "Importer").wantReceived(t, object{"stack": "Test", "indexBucket": index,
		"listBucket":    "<" + made.id("AWS::S3::Bucket", "StoreLists") + ">",
		"table":         "<" + made.id("AWS::DynamoDB::Table", "StoreTable") + ">",
		"events":        true,
		"maxIndexBytes": (512 - 96) << 20 / 2})
	made.one("AWS::Lambda::Function", "Transformer").wantReceived(t, object{"stack": "Test", "indexBucket": index,
		"alertQueue": "<" + made.id("AWS::SQS::Queue", "AlertsQueue") + ">"})
	wantParameters(t, made, object{
		"projection.arrived.range":  "NOW-31DAYS,NOW",
		"storage.location.template": "s3://<" + made.id("AWS::S3::Bucket", "DeliveryLogs") + ">/logs/${arrived}/"})
	if pipeline.Delivery() == nil || pipeline.QueryLogging() == nil || pipeline.Catalog() == nil || pipeline.Store() == nil ||
		pipeline.Alerts() == nil || pipeline.Hunts() == nil {
		t.Error("a part is missing")
	}
	if steps := pipeline.Steps(); len(steps) != 2 || steps[0].ID != resolverwatch.StepAssociateVPC || steps[1].ID != resolverwatch.StepSubscribe {
		t.Errorf("steps %v", steps)
	}
}

func TestPipeline_encryptionKey(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	made := synth(t, stack)
	const arn = "<Key961B73FD.Arn>"
	const encryption = "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.KMSMasterKeyID"
	for _, id := range made.ids("AWS::S3::Bucket") {
		made.resources[id].want(t, object{encryption: arn})
	}
	for _, id := range made.ids("AWS::Logs::LogGroup") {
		made.resources[id].want(t, object{"KmsKeyId": arn})
	}
	for _, id := range made.ids("AWS::Lambda::Function") {
		made.resources[id].want(t, object{"KmsKeyArn": arn})
	}
	for _, id := range made.ids("AWS::DynamoDB::Table") {
		made.resources[id].want(t, object{"SSESpecification.KMSMasterKeyId": arn})
	}
	for _, id := range append(made.ids("AWS::SQS::Queue"), made.ids("AWS::SNS::Topic")...) {
		made.resources[id].want(t, object{"KmsMasterKeyId": arn})
	}
	made.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{"DeliveryStreamEncryptionConfigurationInput.KeyARN": arn})
	made.one("AWS::Athena::WorkGroup", "").want(t, object{
		"WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration.KmsKey": arn})
}

func TestPipeline_removalPolicyAndAccessLogs(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		AccessLogBucket: awss3.Bucket_FromBucketName(stack, jsii.String("A"), jsii.String("access"))})
	made := synth(t, stack)
	for _, id := range append(made.ids("AWS::S3::Bucket"), made.ids("AWS::DynamoDB::Table")...) {
		if policy := made.resources[id].DeletionPolicy; policy != "Delete" {
			t.Errorf("%s: deletion policy %q", id, policy)
		}
	}
	for _, id := range made.ids("AWS::S3::Bucket") {
		made.resources[id].want(t, object{"LoggingConfiguration.DestinationBucketName": "access"})
	}
}

// Missing statements in the policy of an access log bucket are reported once for all parts.
// The CDK adds them to a bucket of the app.
func TestPipeline_accessLogBucketPolicy(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{
		QueryLogging:    &resolverwatch.QueryLoggingProps{VPCs: vpcs(stack, 0, 1)},
		WithoutAlerts:   true,
		AccessLogBucket: awss3.Bucket_FromBucketName(stack, jsii.String("A"), jsii.String("access"))})
	const want = `"Principal":{"Service":"logging.s3.amazonaws.com"},"Resource":["arn:<AWS::Partition>:s3:::access/*"]`
	if steps := pipeline.Steps(); len(steps) != 1 || steps[0].ID != "AccessLogBucketPolicy" {
		t.Errorf("steps %v", steps)
	}
	synth(t, stack)
	if got := warnings(t, stack); !strings.Contains(got, want) {
		t.Errorf("no warning with %s:\n%s", want, got)
	}
	stack = newStack(t)
	pipeline = newPipeline(stack, &resolverwatch.PipelineProps{
		QueryLogging:    &resolverwatch.QueryLoggingProps{VPCs: vpcs(stack, 0, 1)},
		WithoutAlerts:   true,
		AccessLogBucket: awss3.NewBucket(stack, jsii.String("A"), nil)})
	if steps := pipeline.Steps(); len(steps) > 0 {
		t.Errorf("the app's own bucket adds no steps, got %v", steps)
	}
}

// A nested stack has no name at synthesis, but a database needs one.
func TestPipeline_nestedStack(t *testing.T) {
	stack := newStack(t)
	nested := awscdk.NewNestedStack(stack, jsii.String("Dns"), nil)
	resolverwatch.NewPipeline(nested, "Pipeline", &resolverwatch.PipelineProps{
		Importer: &resolverwatch.ImporterProps{Code: code()}, Transformer: &resolverwatch.TransformerProps{Code: code()}})
	made := synth(t, nested.(awscdk.Stack))
	made.one("AWS::Glue::Database", "").want(t, object{"DatabaseInput.Name": "test_dns_d0de50cb"})
	made.one("AWS::Athena::WorkGroup", "").want(t, object{"Name": "<AWS::StackName>"})
	if got := made.one("AWS::Lambda::Function", "Importer").received(t)["stack"]; got != "<AWS::StackName>" {
		t.Errorf("the importer's stack is %v", got)
	}
}

// Two pipelines in one stack must not share a database, a workgroup or settings of feeds.
func TestPipeline_twoInOneStack(t *testing.T) {
	second := func(stack awscdk.Stack, props resolverwatch.PipelineProps) {
		newPipeline(stack, nil)
		newPipeline(awscdk.NewNestedStack(stack, jsii.String("Nested"), nil).(awscdk.Stack), nil) // has names of its own
		scope := constructs.NewConstruct(stack, jsii.String("Second"))
		props.Transformer = &resolverwatch.TransformerProps{Code: code()}
		resolverwatch.NewPipeline(scope, "Pipeline", &props)
	}
	wantRefused(t, func(stack awscdk.Stack) {
		second(stack, resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{Code: code()}})
	},
		"Test/Second/Pipeline/Transformer StackName",
		"Test/Second/Pipeline/Importer StackName",
		"Test/Second/Pipeline/Alerts StackName",
		"Test/Second/Pipeline/Hunts StackName",
		"Test/Second/Pipeline/Catalog Database",
		"Test/Second/Pipeline/Catalog WorkGroup",
	)
	named := func() *resolverwatch.ImporterProps {
		return &resolverwatch.ImporterProps{Code: code(), StackName: "second"}
	}
	wantRefused(t, func(stack awscdk.Stack) {
		second(stack, resolverwatch.PipelineProps{Importer: named()})
	},
		"Test/Second/Pipeline/Catalog Database",
		"Test/Second/Pipeline/Catalog WorkGroup",
	)
	stack := newStack(t)
	second(stack, resolverwatch.PipelineProps{Importer: named(),
		Catalog: &resolverwatch.CatalogProps{CatalogSettings: resolverwatch.CatalogSettings{Database: "second", WorkGroup: "second"}}})
	if made := synth(t, stack); len(made.ids("AWS::Glue::Database")) != 2 {
		t.Errorf("databases %v", made.ids("AWS::Glue::Database"))
	}
}

func TestPipeline_withoutParts(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{WithoutQueryLogging: true, WithoutCatalog: true})
	made := synth(t, stack)
	for _, typ := range []string{queryLogConfig, glueTable, "AWS::Athena::WorkGroup"} {
		if ids := made.ids(typ); len(ids) > 0 {
			t.Errorf("%s: %v", typ, ids)
		}
	}
	if pipeline.QueryLogging() != nil || pipeline.Catalog() != nil {
		t.Error("a part that was left out exists")
	}
}

// An existing stream is not changed; a step says what it needs.
func TestPipeline_existingStream(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{Stream: existingStream(stack)})
	made := synth(t, stack)
	if ids := made.ids("AWS::KinesisFirehose::DeliveryStream"); len(ids) > 0 || pipeline.Delivery() != nil {
		t.Errorf("a second stream: %v", ids)
	}
	made.one(queryLogConfig, "").want(t, object{
		"DestinationArn": "arn:<AWS::Partition>:firehose:<AWS::Region>:<AWS::AccountId>:deliverystream/stream"})
	if got := warnings(t, stack); !strings.Contains(got, "turn on data transformation with <PipelineTransformerFunction") {
		t.Errorf("no warning: %s", got)
	}
}

// The bounds for address blocks are declared once, and both functions receive them.
func TestPipeline_reachBounds(t *testing.T) {
	stack := newStack(t)
	given := resolverwatch.ReachBounds{MaxFeedIPv4: 1 << 25, MaxFeedIPv6: 1 << 39, MaxTotalIPv4: 1 << 30, MaxTotalIPv6: 1 << 44}
	newPipeline(stack, &resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{
		ImporterSettings: resolverwatch.ImporterSettings{Guards: resolverwatch.ListGuards{ReachBounds: given}},
	}})
	made := synth(t, stack)
	bounds := object{"maxFeedIPv4": 1 << 25, "maxFeedIPv6": 1 << 39, "maxTotalIPv4": 1 << 30, "maxTotalIPv6": 1 << 44}
	want := plain(bounds)
	if diff := cmp.Diff(want, made.one("AWS::Lambda::Function", "Importer").received(t)["guards"]); diff != "" {
		t.Errorf("importer: %s", diff)
	}
	received, transformer := made.one("AWS::Lambda::Function", "Transformer").received(t), object{}
	for name := range bounds {
		transformer[name] = received[name]
	}
	if diff := cmp.Diff(want, plain(transformer)); diff != "" {
		t.Errorf("transformer: %s", diff)
	}
}

func TestPipeline_refuses(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		stream := existingStream(stack)
		newPipeline(stack, &resolverwatch.PipelineProps{
			Stream: stream, WithoutQueryLogging: true, WithoutCatalog: true,
			Importer:     &resolverwatch.ImporterProps{MaxIndexBytes: jsii.Number(80<<20 + 1)},
			Transformer:  &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), ReachBounds: resolverwatch.ReachBounds{MaxFeedIPv4: 1}},
			Delivery:     &resolverwatch.DeliveryProps{Transformer: transformer(stack)},
			QueryLogging: &resolverwatch.QueryLoggingProps{Stream: stream},
			Catalog:      &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack), Prefix: "x"},
		})
	},
		"Test/Pipeline Transformer.IndexBucket",
		"Test/Pipeline Transformer.ReachBounds",
		"Test/Pipeline Delivery.Transformer",
		"Test/Pipeline QueryLogging.Stream",
		"Test/Pipeline Catalog.OutputBucket",
		"Test/Pipeline Catalog.Prefix",
		"Test/Pipeline Importer.MaxIndexBytes",
		"Test/Pipeline Stream and Delivery",
		"Test/Pipeline Stream and Catalog",
		"Test/Pipeline WithoutQueryLogging and QueryLogging",
		"Test/Pipeline WithoutQueryLogging and Stream",
		"Test/Pipeline WithoutCatalog and Catalog",
	)
}

// The props belong to the caller: a pipeline that changed them would change the next one.
func TestPipeline_leavesPropsAlone(t *testing.T) {
	stack := newStack(t)
	store, queryLogging := resolverwatch.IndicatorStoreProps{}, resolverwatch.QueryLoggingProps{}
	delivery := resolverwatch.DeliveryProps{}
	newPipeline(stack, &resolverwatch.PipelineProps{
		EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil),
		Store:         &store, QueryLogging: &queryLogging, Delivery: &delivery})
	if store.EncryptionKey != nil || queryLogging.Stream != nil || delivery.Transformer != nil || delivery.Prefix != "" {
		t.Errorf("changed: %+v %+v %+v", store, queryLogging, delivery)
	}
}

// Our constructs can be passed to the CDK as constructs.
func TestConstructs_arePassedToTheCDK(t *testing.T) {
	stack := newStack(t)
	p := newPipeline(stack, &resolverwatch.PipelineProps{QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: vpcs(stack, 0, 1)}})
	member := resolverwatch.NewQueryLoggingAssociation(stack, "Member", &resolverwatch.QueryLoggingAssociationProps{
		QueryLogConfigID: "rqlc-1", VPC: vpcs(stack, 1, 2)[0]})
	for path, c := range map[string]constructs.Construct{
		"Test/Pipeline": p, "Test/Pipeline/Store": p.Store(), "Test/Pipeline/Importer": p.Importer(),
		"Test/Pipeline/Transformer": p.Transformer(), "Test/Pipeline/Delivery": p.Delivery(),
		"Test/Pipeline/QueryLogging": p.QueryLogging(), "Test/Pipeline/Catalog": p.Catalog(), "Test/Member": member,
	} {
		awscdk.Tags_Of(c).Add(jsii.String("part"), &path, nil)
		if got := *c.Node().Path(); got != path || *c.ToString() != path {
			t.Errorf("path %s, want %s", got, path)
		}
		awscdk.NewCfnOutput(c, jsii.String("Out"), &awscdk.CfnOutputProps{Value: &path})
	}
	made := synth(t, stack)
	for _, id := range made.ids("AWS::S3::Bucket") {
		if text := flatten(made.resources[id].Properties["Tags"]); !strings.Contains(text, "Test/Pipeline") {
			t.Errorf("%s: tags %s", id, text)
		}
	}
}
