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
	wantRefusal(t, func() {
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
	},
		"Test/Pipeline EncryptionKey", "Test/Pipeline AccessLogBucket", "Test/Pipeline/Store Table", "Test/Pipeline/Store Table",
		"Test/Pipeline/Store ListBucket", "Test/Pipeline/QueryLogging VPCs[0]", "Test/Pipeline/QueryLogging VPCs[0]",
		"Test/Pipeline/Delivery OutputKey", "Test/Pipeline/Catalog ResultsBucket",
	)
	wantRefusal(t, func() {
		store := resolverwatch.IndicatorStoreFromAttributes(stack, "Store", &resolverwatch.IndicatorStoreAttributes{
			ListBucketName: "lists", IndexBucketName: "index", TableName: "table", Region: "us-east-1"})
		resolverwatch.NewImporter(stack, "Importer", &resolverwatch.ImporterProps{Store: store, Code: code()})
	}, "Test/Importer Store")
	wantRefusal(t, func() {
		layer := awslambda.LayerVersion_FromLayerVersionArn(stack, jsii.String("Layer"), jsii.String("arn:aws:lambda:us-east-1:111122223333:layer:x:1"))
		resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), Code: code(),
			FunctionOptions: resolverwatch.FunctionOptions{Layers: []awslambda.ILayerVersion{layer}}})
	}, "Test/Transformer Layers[0]")
	wantRefusal(t, func() {
		resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
			Stream: awskinesisfirehose.DeliveryStream_FromDeliveryStreamArn(stack, jsii.String("S"),
				jsii.String("arn:aws:firehose:us-east-1:444455556666:deliverystream/s"))})
	}, "Test/QueryLogging Stream", "Test/QueryLogging Stream")
}

// An index can serve other Regions and accounts, another account can keep the logs, and
// nothing is compared with a stack that fits any environment. The key of the stack's Region
// is not used for a bucket in another Region.
func TestEnvironment_allows(t *testing.T) {
	_, stack := located(t, nil)
	newPipeline(stack, &resolverwatch.PipelineProps{
		EncryptionKey: keyIn(stack, "k1", "eu-west-1"), WithoutAlerts: true,
		Store:    &resolverwatch.IndicatorStoreProps{IndexBucket: bucketIn(stack, "index", "444455556666", "us-east-1")},
		Delivery: &resolverwatch.DeliveryProps{OutputBucket: bucketIn(stack, "marked", "444455556666", "eu-west-1")},
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
	wantRefusal(t, func() { define("A", resolverwatch.NewIndicatorStore(stack, "Unnamed", nil)) }, "There/A IndexBucket")
	define("C", resolverwatch.NewIndicatorStore(stack, "Named", &resolverwatch.IndicatorStoreProps{
		StoreSettings: resolverwatch.StoreSettings{IndexBucketName: "published"}}))
	synth(t, there).one("AWS::Lambda::Function", "C").wantReceived(t, object{"stack": "C", "indexBucket": "published"})
}
