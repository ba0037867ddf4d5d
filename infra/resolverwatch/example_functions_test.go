package resolverwatch_test

import (
	"log/slog"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// The store is kept when its stack is deleted. The role of an ingest job may upload lists
// and read the reports about them.
func ExampleNewIndicatorStore() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), nil)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	ingest := awsiam.Role_FromRoleName(stack, jsii.String("Ingest"), jsii.String("threat-intel-ingest"), nil)

	store := resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		EncryptionKey:               key,
		NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(30)),
	})
	store.GrantUploadBlock(ingest)
}

// One list serves several Regions: the transformer of another Region reads the index of the
// home Region.
func ExampleIndicatorStoreFromAttributes() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security-us-east-1"), nil)

	home := resolverwatch.IndicatorStoreFromAttributes(stack, "Home", &resolverwatch.IndicatorStoreAttributes{
		ListBucketName:  "security-lists",
		IndexBucketName: "security-index",
		TableName:       "security-indicators",
		Region:          "eu-west-1",
	})
	transformer := resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{
		IndexBucket: home.IndexBucket(),
	})
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer.Function(),
	})
}

// The importer runs in a VPC, fetches a feed with a secret that has its own key, and
// reaches a proxy there.
func ExampleNewImporter() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), nil)
	proxy := awsec2.NewSecurityGroup(stack, jsii.String("Proxy"), &awsec2.SecurityGroupProps{Vpc: vpc})
	secret := awssecretsmanager.NewSecret(stack, jsii.String("FeedKey"), nil)

	importer := resolverwatch.NewImporter(stack, "Importer", &resolverwatch.ImporterProps{
		FunctionOptions: resolverwatch.FunctionOptions{VPC: vpc},
		Store:           resolverwatch.NewIndicatorStore(stack, "Store", nil),
		Feeds: map[string]resolverwatch.Feed{
			"vendor": {
				URL:          "https://lists.example/domains.csv",
				SecretARN:    *secret.SecretArn(),
				SecretHeader: "X-Api-Key",
			},
		},
	})
	secret.GrantRead(importer.Function(), nil)
	proxy.Connections().AllowFrom(importer.Connections(), awsec2.Port_HTTPS(), jsii.String("feeds"))
}

// The platform team creates the role, and the app must not change it: Steps lists the
// policy that the role needs.
func ExampleNewTransformer() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), nil)
	store := resolverwatch.NewIndicatorStore(stack, "Store", nil)
	role := awsiam.Role_FromRoleName(stack, jsii.String("Role"), jsii.String("platform-transformer"),
		&awsiam.FromRoleNameOptions{Mutable: jsii.Bool(false)})

	transformer := resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{
		TransformerSettings: resolverwatch.TransformerSettings{MemoryMiB: 512},
		FunctionOptions: resolverwatch.FunctionOptions{
			LoggingSettings: resolverwatch.LoggingSettings{LogLevel: slog.LevelWarn},
		},
		IndexBucket: store.IndexBucket(),
		Role:        role,
	})
	for _, step := range transformer.Steps() {
		awscdk.NewCfnOutput(stack, &step.ID, &awscdk.CfnOutputProps{Value: &step.Text, Description: &step.Why})
	}
}

// Settings are fields of embedded structs. A literal names the struct; an assignment does not
// have to.
func ExampleTransformerProps() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Security"), nil)

	transformer := &resolverwatch.TransformerProps{
		TransformerSettings: resolverwatch.TransformerSettings{
			MemoryMiB: 512,
			Timeout:   resolverwatch.Duration(time.Minute),
		},
	}
	transformer.FailureMode = resolverwatch.FailureModeFail
	transformer.LogRetentionDays = 30

	resolverwatch.NewPipeline(stack, "Resolverwatch", &resolverwatch.PipelineProps{Transformer: transformer})
}
