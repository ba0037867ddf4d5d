//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

const transformerArn = "arn:aws:lambda:eu-west-1:111122223333:function:transformer"

func transformer(stack awscdk.Stack) awslambda.IFunction {
	return awslambda.Function_FromFunctionAttributes(stack, jsii.String("Fn"), &awslambda.FunctionAttributes{
		FunctionArn: jsii.String(transformerArn), SkipPermissions: jsii.Bool(true)})
}

const destination = "ExtendedS3DestinationConfiguration."

// The CDK determines the order of a processor's parameters.
func TestDelivery_defaults(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack)})
	made := synth(t, stack)
	made.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		"DeliveryStreamName":                         nil,
		"DeliveryStreamType":                         "DirectPut",
		"DeliveryStreamEncryptionConfigurationInput": object{"KeyType": "AWS_OWNED_CMK"},
		"Tags":                                                            []any{object{"Key": "LogDeliveryEnabled", "Value": "true"}},
		destination + "Prefix":                                            "dns-query-logs/!{timestamp:yyyy/MM/dd}/",
		destination + "ErrorOutputPrefix":                                 "delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
		destination + "CompressionFormat":                                 "GZIP",
		destination + "FileExtension":                                     ".json.gz",
		destination + "BufferingHints":                                    object{"IntervalInSeconds": 60, "SizeInMBs": 5},
		destination + "DataFormatConversionConfiguration":                 object{"Enabled": false},
		destination + "S3BackupMode":                                      nil,
		destination + "ProcessingConfiguration.Enabled":                   true,
		destination + "ProcessingConfiguration.Processors.0.Parameters.1": object{"ParameterName": "LambdaArn", "ParameterValue": transformerArn},
		destination + "ProcessingConfiguration.Processors.0.Parameters.2": object{"ParameterName": "BufferIntervalInSeconds", "ParameterValue": "60"},
		destination + "ProcessingConfiguration.Processors.0.Parameters.3": object{"ParameterName": "BufferSizeInMBs", "ParameterValue": "1"},
		destination + "ProcessingConfiguration.Processors.0.Parameters.4": object{"ParameterName": "NumberOfRetries", "ParameterValue": "3"},
	})
	bucket := made.one("AWS::S3::Bucket", "")
	bucket.want(t, object{"BucketName": nil, "LifecycleConfiguration.Rules.1": nil, "VersioningConfiguration": nil})
	if bucket.DeletionPolicy != "Retain" {
		t.Errorf("deletion policy %q", bucket.DeletionPolicy)
	}
	wantTLSOnly(t, made.one("AWS::S3::BucketPolicy", ""))
	made.one("AWS::Logs::LogGroup", "").want(t, object{"RetentionInDays": 90})
	if got := warnings(t, stack); got != "" {
		t.Errorf("warnings: %s", got)
	}
}

// Firehose may write logs and invoke the one function. It may not delete what it wrote, and
// another account cannot make it act as a confused deputy.
func TestDelivery_permissions(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack)})
	made := synth(t, stack)
	made.wantPermissions("Delivery",
		"lambda:GetFunctionConfiguration on "+transformerArn,
		"lambda:GetFunctionConfiguration on "+transformerArn+":$LATEST",
		"lambda:InvokeFunction on "+transformerArn,
		"lambda:InvokeFunction on "+transformerArn+":$LATEST",
		"logs:PutLogEvents on <DeliveryLogGroup.Arn>",
		"s3:AbortMultipartUpload on <DeliveryLogs.Arn>/*",
		"s3:GetBucketLocation on <DeliveryLogs.Arn>",
		"s3:GetObject on <DeliveryLogs.Arn>/*",
		"s3:ListBucket on <DeliveryLogs.Arn>",
		"s3:ListBucketMultipartUploads on <DeliveryLogs.Arn>",
		"s3:PutObject on <DeliveryLogs.Arn>/*",
	)
	made.one("AWS::IAM::Role", "").want(t, object{"AssumeRolePolicyDocument.Statement.0.Condition": object{
		"StringEquals": object{"sts:ExternalId": object{"Ref": "AWS::AccountId"}}}})
	if policies := made.ids("AWS::IAM::Policy"); len(policies) > 0 {
		t.Errorf("the CDK added policies: %v", policies)
	}
	role := made.ids("AWS::IAM::Role")[0]
	if depends := list(made.one("AWS::KinesisFirehose::DeliveryStream", "").DependsOn); !strings.Contains(flatten(depends), role) {
		t.Errorf("the stream does not wait for its role: %v", depends)
	}
}

func TestDelivery_props(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer(stack),
		DeliverySettings: resolverwatch.DeliverySettings{
			OutputBucketName:       "marked.example",
			Prefix:                 "logs/!{timestamp:yyyy/MM/dd/HH}/",
			ErrorPrefix:            "errors/!{firehose:error-output-type}/",
			Compression:            "HADOOP_SNAPPY",
			BufferInterval:         new(resolverwatch.Duration),
			BufferSizeMiB:          128,
			MarkedLogRetentionDays: 400,
		},
		EncryptionKey:           key,
		ProcessorBufferSize:     awscdk.Size_Kibibytes(jsii.Number(512)),
		ProcessorBufferInterval: awscdk.Duration_Seconds(jsii.Number(5)),
		LifecycleRules: []*awss3.LifecycleRule{{Id: jsii.String("Cold"), Transitions: &[]*awss3.Transition{{
			StorageClass: awss3.StorageClass_GLACIER_INSTANT_RETRIEVAL(), TransitionAfter: awscdk.Duration_Days(jsii.Number(90))}}}},
		LogRetentionSettings: resolverwatch.LogRetentionSettings{LogRetentionDays: 7}, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	made := synth(t, stack)
	made.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		"DeliveryStreamEncryptionConfigurationInput.KeyType":                     "CUSTOMER_MANAGED_CMK",
		"DeliveryStreamEncryptionConfigurationInput.KeyARN":                      "<Key961B73FD.Arn>",
		destination + "EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN": "<Key961B73FD.Arn>",
		destination + "Prefix":                                            "logs/!{timestamp:yyyy/MM/dd/HH}/",
		destination + "ErrorOutputPrefix":                                 "errors/!{firehose:error-output-type}/",
		destination + "CompressionFormat":                                 "HADOOP_SNAPPY",
		destination + "BufferingHints":                                    object{"IntervalInSeconds": 0, "SizeInMBs": 128},
		destination + "ProcessingConfiguration.Processors.0.Parameters.2": object{"ParameterName": "BufferIntervalInSeconds", "ParameterValue": "5"},
		destination + "ProcessingConfiguration.Processors.0.Parameters.3": object{"ParameterName": "BufferSizeInMBs", "ParameterValue": "0.5"},
	})
	bucket := made.one("AWS::S3::Bucket", "")
	bucket.want(t, object{
		"BucketName": "marked.example",
		"LifecycleConfiguration.Rules.1.Transitions.0.StorageClass": "GLACIER_IR",
		"LifecycleConfiguration.Rules.2.ExpirationInDays":           400,
	})
	if bucket.DeletionPolicy != "Delete" {
		t.Errorf("deletion policy %q", bucket.DeletionPolicy)
	}
	made.one("AWS::Logs::LogGroup", "").want(t, object{"RetentionInDays": 7, "KmsKeyId": "<Key961B73FD.Arn>"})
	permissions := strings.Join(made.one("AWS::IAM::Role", "").permissions(), "\n")
	for _, part := range []string{`"kms:ViaService"`, "kms:EncryptionContext:aws:kinesisfirehose:arn"} {
		if !strings.Contains(permissions, part) {
			t.Errorf("the role lacks %s:\n%s", part, permissions)
		}
	}
}

// The original sample's prefixes lack the final slash, so day and stream name run together.
func TestDelivery_addsSlash(t *testing.T) {
	stack := newStack(t)
	delivery := resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer(stack),
		DeliverySettings: resolverwatch.DeliverySettings{
			Prefix:      "dns-query-logs/!{timestamp:yyyy/MM/dd}",
			ErrorPrefix: "failures/!{firehose:error-output-type}",
		}})
	synth(t, stack).one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		destination + "Prefix":            "dns-query-logs/!{timestamp:yyyy/MM/dd}/",
		destination + "ErrorOutputPrefix": "failures/!{firehose:error-output-type}/",
	})
	if got := delivery.Prefix(); got != "dns-query-logs/!{timestamp:yyyy/MM/dd}/" {
		t.Errorf("Prefix() = %s", got)
	}
	got := warnings(t, stack)
	for _, part := range []string{"Prefix: a final slash was added", "ErrorPrefix: a final slash was added", "docs/migrating.md"} {
		if !strings.Contains(got, part) {
			t.Errorf("no warning with %q: %s", part, got)
		}
	}
}

func TestDelivery_existingBucket(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack),
		OutputBucket: awss3.Bucket_FromBucketName(stack, jsii.String("B"), jsii.String("marked"))})
	made := synth(t, stack)
	if buckets := append(made.ids("AWS::S3::Bucket"), made.ids("AWS::S3::BucketPolicy")...); len(buckets) > 0 {
		t.Errorf("the existing bucket was changed: %v", buckets)
	}
	made.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{destination + "BucketARN": "arn:<AWS::Partition>:s3:::marked"})
}

// A bucket known only by its name may be encrypted with the common key: without permission
// to use the key, Firehose could not write to it.
func TestDelivery_existingBucketUnderTheKey(t *testing.T) {
	stack := newStack(t)
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/0000"
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack),
		EncryptionKey: awskms.Key_FromKeyArn(stack, jsii.String("Key"), jsii.String(arn)),
		OutputBucket:  awss3.Bucket_FromBucketName(stack, jsii.String("B"), jsii.String("marked"))})
	made := synth(t, stack)
	made.one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		destination + "EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN": arn})
	permissions := strings.Join(made.one("AWS::IAM::Role", "DeliveryRole").permissions(), "\n")
	if want := `kms:GenerateDataKey on ` + arn + ` if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["s3.`; !strings.Contains(permissions, want) {
		t.Errorf("no %s in\n%s", want, permissions)
	}
}

// New Regions appear faster than releases of the CDK.
func TestDelivery_newerRegion(t *testing.T) {
	deliveryIn(t, "xx-newest-1").want(t, object{"DeliveryStreamType": "DirectPut", destination + "FileExtension": ".json.gz"})
}

// Firehose in the isolated Regions refuses a file extension.
func TestDelivery_isolatedRegions(t *testing.T) {
	for _, region := range []string{"us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1"} {
		deliveryIn(t, region).want(t, object{"DeliveryStreamType": "DirectPut", destination + "FileExtension": nil})
	}
}

// deliveryIn returns the stream of a delivery with defaults in a Region.
func deliveryIn(t *testing.T, region string) resource {
	t.Helper()
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir: jsii.String(t.TempDir()), Context: &map[string]any{"aws:cdk:bundling-stacks": []string{}}})
	stack := awscdk.NewStack(app, jsii.String("Test"), &awscdk.StackProps{Env: &awscdk.Environment{Region: &region}})
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack)})
	return synth(t, stack).one("AWS::KinesisFirehose::DeliveryStream", "")
}

// Settings must be known at synthesis; other intervals need not be.
func TestDelivery_tokens(t *testing.T) {
	number := func(stack awscdk.Stack) *float64 {
		return awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	}
	wantRefused(t, func(stack awscdk.Stack) {
		text := *awscdk.NewCfnParameter(stack, jsii.String("P"), nil).ValueAsString()
		resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack),
			DeliverySettings: resolverwatch.DeliverySettings{Prefix: text, ErrorPrefix: text, BufferSizeMiB: int(*number(stack))}})
	},
		"Test/Delivery BufferSizeMiB",
		"Test/Delivery Prefix",
		"Test/Delivery ErrorPrefix",
	)
	stack := newStack(t)
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer(stack), ProcessorBufferInterval: awscdk.Duration_Seconds(number(stack))})
	synth(t, stack).one("AWS::KinesisFirehose::DeliveryStream", "").want(t, object{
		destination + "ProcessingConfiguration.Processors.0.Parameters.2": object{"ParameterName": "BufferIntervalInSeconds", "ParameterValue": object{"Ref": "N"}}})
}

func TestDelivery_refuses(t *testing.T) {
	tooLong := resolverwatch.Duration(901500 * time.Millisecond)
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
			OutputBucket: indexBucket(stack),
			DeliverySettings: resolverwatch.DeliverySettings{
				OutputBucketName:       "x",
				MarkedLogRetentionDays: 1,
				Prefix:                 "/logs",
				ErrorPrefix:            "errors/",
				Compression:            "BROTLI",
				BufferInterval:         &tooLong,
				BufferSizeMiB:          129,
			},
			ProcessorBufferSize: awscdk.Size_Mebibytes(jsii.Number(3)),
		})
	},
		"Test/Delivery Compression",
		"Test/Delivery BufferInterval",
		"Test/Delivery BufferSizeMiB",
		"Test/Delivery Transformer",
		"Test/Delivery OutputBucket and OutputBucketName",
		"Test/Delivery OutputBucket and MarkedLogRetentionDays",
		"Test/Delivery OutputBucketName",
		"Test/Delivery Prefix",
		"Test/Delivery ErrorPrefix",
		"Test/Delivery BufferInterval",
		"Test/Delivery ProcessorBufferSize",
	)
}
