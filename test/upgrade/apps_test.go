//go:build !race

package upgrade_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// props returns the props of a pipeline with a VPC.
func props(stack awscdk.Stack) *resolverwatch.PipelineProps {
	vpc := awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Vpc"), &awsec2.VpcAttributes{
		VpcId: jsii.String("vpc-0a1b2c3d4e5f60001"), AvailabilityZones: jsii.Strings("unknown")})
	return &resolverwatch.PipelineProps{QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: []awsec2.IVpc{vpc}}}
}

func pipeline(id string) side {
	return inStack("pipeline "+id, func(stack awscdk.Stack) {
		resolverwatch.NewPipeline(stack, id, props(stack))
	})
}

var nestedPipeline = inStack("nested pipeline", func(stack awscdk.Stack) {
	nested := awscdk.NewNestedStack(stack, jsii.String("Nested"), nil)
	resolverwatch.NewPipeline(nested, "Pipeline", props(stack))
})

var pipelineInVPC = inStack("pipeline in a VPC", func(stack awscdk.Stack) {
	options := resolverwatch.FunctionOptions{
		VPC: awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Network"), &awsec2.VpcAttributes{
			VpcId:             jsii.String("vpc-0a1b2c3d4e5f60009"),
			AvailabilityZones: jsii.Strings("eu-west-1a"),
			PrivateSubnetIds:  jsii.Strings("subnet-0a1b2c3d4e5f60009"),
		}),
		Architecture: awslambda.Architecture_X86_64(),
	}
	with := props(stack)
	with.Importer = &resolverwatch.ImporterProps{FunctionOptions: options}
	with.Transformer = &resolverwatch.TransformerProps{FunctionOptions: options}
	resolverwatch.NewPipeline(stack, "Pipeline", with)
})

var pipelineWithRoles = inStack("pipeline with roles", func(stack awscdk.Stack) {
	role := func(id, service string) awsiam.IRole {
		return awsiam.NewRole(stack, &id, &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(&service, nil)})
	}
	with := props(stack)
	with.Importer = &resolverwatch.ImporterProps{Role: role("ImporterRole", "lambda.amazonaws.com")}
	with.Transformer = &resolverwatch.TransformerProps{Role: role("TransformerRole", "lambda.amazonaws.com")}
	with.Delivery = &resolverwatch.DeliveryProps{Role: role("DeliveryRole", "firehose.amazonaws.com")}
	resolverwatch.NewPipeline(stack, "Pipeline", with)
})

var twoPipelines = inStack("two pipelines", func(stack awscdk.Stack) {
	resolverwatch.NewPipeline(stack, "Pipeline", props(stack))
	resolverwatch.NewPipeline(stack, "Second", &resolverwatch.PipelineProps{
		Importer: &resolverwatch.ImporterProps{StackName: "Second"},
		Catalog: &resolverwatch.CatalogProps{
			CatalogSettings: resolverwatch.CatalogSettings{Database: "second", WorkGroup: "second"},
		},
	})
})

var taggedPipeline = inStack("tagged pipeline", func(stack awscdk.Stack) {
	resolverwatch.NewPipeline(stack, "Pipeline", props(stack))
	awscdk.Tags_Of(stack).Add(jsii.String("team"), jsii.String("soc"), nil)
})

var pipelineWithDatabase = inStack("pipeline with a database", func(stack awscdk.Stack) {
	with := props(stack)
	with.Catalog = &resolverwatch.CatalogProps{ExistingDatabaseName: "soc"}
	resolverwatch.NewPipeline(stack, "Pipeline", with)
})

// pipelineInParquet returns a pipeline that writes Parquet under a prefix; "" is the default.
func pipelineInParquet(prefix string) side {
	return inStack("pipeline in Parquet "+prefix, func(stack awscdk.Stack) {
		with := props(stack)
		with.Delivery = &resolverwatch.DeliveryProps{
			DeliverySettings: resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet},
			ParquetPrefix:    prefix,
		}
		resolverwatch.NewPipeline(stack, "Pipeline", with)
	})
}

var pipelineWithVersions = inStack("pipeline with versions", func(stack awscdk.Stack) {
	with := props(stack)
	with.Store = &resolverwatch.IndicatorStoreProps{NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(7))}
	resolverwatch.NewPipeline(stack, "Pipeline", with)
})

var pipelineWithRetention = inStack("pipeline with a retention", func(stack awscdk.Stack) {
	with := props(stack)
	with.Catalog = &resolverwatch.CatalogProps{ResultRetention: awscdk.Duration_Days(jsii.Number(7))}
	resolverwatch.NewPipeline(stack, "Pipeline", with)
})

var pipelineWithResults = inStack("pipeline with results", func(stack awscdk.Stack) {
	with := props(stack)
	with.Catalog = &resolverwatch.CatalogProps{
		ResultsBucket: awss3.Bucket_FromBucketName(stack, jsii.String("Results"), jsii.String("results-of-soc"))}
	resolverwatch.NewPipeline(stack, "Pipeline", with)
})
