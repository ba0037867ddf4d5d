//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// bucketIn refers to a bucket outside the stack's account or Region.
func bucketIn(stack awscdk.Stack, name, account, region string) awss3.IBucket {
	return awss3.Bucket_FromBucketAttributes(stack, &name, &awss3.BucketAttributes{
		BucketName: &name, Account: &account, Region: &region})
}

func keyIn(stack awscdk.Stack, id, region string) awskms.IKey {
	return awskms.Key_FromKeyArn(stack, &id, jsii.String("arn:aws:kms:"+region+":111122223333:key/"+id))
}

// Everything that belongs to another Region or account is reported in one message, and
// props that the pipeline passes to its parts are reported once.
func TestEnvironment_refuses(t *testing.T) {
	app, stack := located(t, nil)
	there := stackIn(app, "There", "444455556666", "us-east-1")
	vpc := awsec2.NewVpc(there, jsii.String("Vpc"), &awsec2.VpcProps{MaxAzs: jsii.Number(1)})
	got := refusedBy(t, func() {
		newPipeline(stack, &resolverwatch.PipelineProps{
			EncryptionKey:   keyIn(stack, "mrk-1", "us-east-1"),
			AccessLogBucket: bucketIn(stack, "access", "444455556666", "eu-west-1"),
			Store: &resolverwatch.IndicatorStoreProps{
				Table:      awsdynamodb.Table_FromTableArn(stack, jsii.String("T"), jsii.String("arn:aws:dynamodb:us-east-1:444455556666:table/t")),
				ListBucket: bucketIn(stack, "lists", "111122223333", "us-east-1")},
			Delivery: &resolverwatch.DeliveryProps{
				OutputBucket: bucketIn(stack, "marked", "444455556666", "eu-west-1"), OutputKey: keyIn(stack, "k2", "us-east-1")},
			QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: []awsec2.IVpc{vpc}},
			Catalog:      &resolverwatch.CatalogProps{ResultsBucket: bucketIn(stack, "results", "111122223333", "us-east-1")},
		})
	})
	for _, want := range []string{
		"Test/Pipeline: EncryptionKey: is in Region us-east-1, must be in eu-west-1: a key can be used only in its own Region. Use a key in that Region; a multi-Region key may have a replica",
		"Test/Pipeline: AccessLogBucket: belongs to account 444455556666, must belong to 111122223333: S3 writes",
		"Test/Pipeline/Store: Table: belongs to account 444455556666, must belong to 111122223333: the functions find",
		"Test/Pipeline/Store: Table: is in Region us-east-1, must be in eu-west-1: the functions find",
		"Test/Pipeline/Store: ListBucket: is in Region us-east-1, must be in eu-west-1: S3 sends",
		"Test/Pipeline/Delivery: OutputKey: is in Region us-east-1, must be in eu-west-1: a key",
		"Test/Pipeline/QueryLogging: VPCs[0]: belongs to account 444455556666, must belong to 111122223333: only the owner",
		"Test/Pipeline/QueryLogging: VPCs[0]: is in Region us-east-1, must be in eu-west-1: a query logging configuration",
		"Test/Pipeline/Catalog: ResultsBucket: is in Region us-east-1, must be in eu-west-1: Athena",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("message lacks %q:\n%s", want, got)
		}
	}
	if lines := strings.Count(got, "\n") + 1; lines != 9 {
		t.Errorf("%d lines, want 9:\n%s", lines, got)
	}
	got = refusedBy(t, func() {
		store := resolverwatch.IndicatorStoreFromAttributes(stack, "Store", &resolverwatch.IndicatorStoreAttributes{
			ListBucketName: "lists", IndexBucketName: "index", TableName: "table", Region: "us-east-1"})
		resolverwatch.NewImporter(stack, "Importer", &resolverwatch.ImporterProps{Store: store, Code: code()})
	})
	if want := "Test/Importer: Store: is in Region us-east-1, must be in eu-west-1, because the events of the list bucket arrive in its own Region; " +
		"define the Importer in the store's Region, us-east-1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = refusedBy(t, func() {
		layer := awslambda.LayerVersion_FromLayerVersionArn(stack, jsii.String("Layer"), jsii.String("arn:aws:lambda:us-east-1:111122223333:layer:x:1"))
		resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), Code: code(),
			FunctionOptions: resolverwatch.FunctionOptions{Layers: []awslambda.ILayerVersion{layer}}})
	})
	if want := "Test/Transformer: Layers[0]: is in Region us-east-1, must be in eu-west-1: a function can use only layers of its own Region"; !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = refusedBy(t, func() {
		resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
			Stream: awskinesisfirehose.DeliveryStream_FromDeliveryStreamArn(stack, jsii.String("S"),
				jsii.String("arn:aws:firehose:us-east-1:444455556666:deliverystream/s"))})
	})
	for _, want := range []string{"Test/QueryLogging: Stream: belongs to account 444455556666", "Test/QueryLogging: Stream: is in Region us-east-1"} {
		if !strings.Contains(got, want) {
			t.Errorf("message lacks %q:\n%s", want, got)
		}
	}
}

// An index can serve other Regions and accounts, another account can keep the logs, and
// nothing is compared with a stack that fits any environment. The key of the stack's Region
// is not used for a bucket in another Region.
func TestEnvironment_allows(t *testing.T) {
	_, stack := located(t, nil)
	newPipeline(stack, &resolverwatch.PipelineProps{
		EncryptionKey: keyIn(stack, "k1", "eu-west-1"),
		Store:         &resolverwatch.IndicatorStoreProps{IndexBucket: bucketIn(stack, "index", "444455556666", "us-east-1")},
		Delivery:      &resolverwatch.DeliveryProps{OutputBucket: bucketIn(stack, "marked", "444455556666", "eu-west-1")},
	})
	for _, line := range synth(t, stack).one("AWS::IAM::Role", "TransformerRole").permissions() {
		if strings.HasPrefix(line, "kms:") && strings.Contains(line, "kms:ViaService") {
			t.Errorf("a key that cannot be that of the index: %s", line)
		}
	}
	anywhere := newStack(t)
	newPipeline(anywhere, &resolverwatch.PipelineProps{
		EncryptionKey: keyIn(anywhere, "k1", "us-east-1"),
		Store:         &resolverwatch.IndicatorStoreProps{ListBucket: bucketIn(anywhere, "lists", "444455556666", "us-east-1")}})
}

// A stack can refer to a bucket of another Region only by a physical name. The CDK would
// not say which construct and prop the name is missing for.
func TestTransformer_indexOfOtherStack(t *testing.T) {
	app, stack := located(t, nil)
	there := stackIn(app, "There", "111122223333", "us-east-1")
	define := func(id string, store *resolverwatch.IndicatorStore) {
		resolverwatch.NewTransformer(there, id, &resolverwatch.TransformerProps{
			IndexBucket: store.IndexBucket(), StackName: id, Code: code()})
	}
	got := refusedBy(t, func() { define("A", resolverwatch.NewIndicatorStore(stack, "Unnamed", nil)) })
	want := "There/A: IndexBucket: Test/Unnamed/Index is defined in another Region or account of this app and has no physical name, " +
		"so this stack cannot refer to it; set IndexBucketName of its IndicatorStore, or BucketName"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	define("C", resolverwatch.NewIndicatorStore(stack, "Named", &resolverwatch.IndicatorStoreProps{IndexBucketName: "published"}))
	synth(t, there).one("AWS::Lambda::Function", "C").want(t, object{"Environment.Variables.RESOLVERWATCH_INDEX_BUCKET": "published"})
}
