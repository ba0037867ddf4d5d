//go:build !race

package resolverwatch_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func indexBucket(stack awscdk.Stack) awss3.IBucket {
	return awss3.Bucket_FromBucketName(stack, jsii.String("IndexBucket"), jsii.String("index-bucket"))
}

func TestTransformer_defaults(t *testing.T) {
	stack := newStack(t)
	transformer := resolverwatch.NewTransformer(stack, "Transformer",
		&resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), Code: code()})
	made := synth(t, stack)
	function := made.one("AWS::Lambda::Function", "")
	function.want(t, object{
		"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": []any{"arm64"},
		"MemorySize": 256, "Timeout": 120, "FunctionName": nil, "ReservedConcurrentExecutions": nil,
		"Environment.Variables": object{
			"GOMEMLIMIT":    "230MiB",
			"RESOLVERWATCH": `{"indexBucket":"index-bucket","stack":"Test"}`,
		},
	})
	made.one("AWS::Logs::LogGroup", "").want(t, object{"RetentionInDays": 90})
	if got, want := transformer.MaxIndexBytes(), 80<<20; got != want {
		t.Errorf("MaxIndexBytes %d, want %d", got, want)
	}
}

// Everything that the function may do: it cannot use a table or write objects, and reads
// only the index.
func TestTransformer_permissions(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewTransformer(stack, "Transformer",
		&resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), Code: code()})
	made := synth(t, stack)
	made.wantPermissions("Transformer",
		"s3:GetObject on arn:<AWS::Partition>:s3:::index-bucket/index/*",
		`s3:ListBucket on arn:<AWS::Partition>:s3:::index-bucket`,
		"logs:CreateLogStream on <TransformerLogGroup.Arn>",
		"logs:PutLogEvents on <TransformerLogGroup.Arn>",
	)
	if policies := made.ids("AWS::IAM::Policy"); len(policies) > 0 {
		t.Errorf("policies in addition to the role's own: %v", policies)
	}
}

func TestTransformer_props(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{
		TransformerSettings: resolverwatch.TransformerSettings{
			MemoryMiB:    512,
			Timeout:      resolverwatch.Duration(time.Minute),
			PollInterval: resolverwatch.Duration(30 * time.Second),
			FailureMode:  resolverwatch.FailureModeFail,
			CheckAnswers: resolverwatch.CheckAnswersNone,
		},
		FunctionOptions: resolverwatch.FunctionOptions{LoggingSettings: resolverwatch.LoggingSettings{
			LogLevel:     slog.LevelDebug,
			LogRetention: resolverwatch.LogRetentionSettings{LogRetentionDays: 1},
		}},
		IndexBucket:   indexBucket(stack),
		IndexKey:      key,
		EncryptionKey: key,
		StackName:     "prod",
		ReachBounds:   resolverwatch.ReachBounds{MaxFeedIPv4: 1000},
		Code:          code(),
	})
	made := synth(t, stack)
	function := made.one("AWS::Lambda::Function", "")
	function.want(t, object{
		"MemorySize": 512, "Timeout": 60, "Environment.Variables.GOMEMLIMIT": "460MiB", "KmsKeyArn": "<Key961B73FD.Arn>",
	})
	function.wantReceived(t, object{"stack": "prod", "indexBucket": "index-bucket", "pollInterval": "30s", "failureMode": "fail",
		"checkAnswers": "none", "logLevel": "DEBUG", "maxFeedIPv4": 1000})
	made.one("AWS::Logs::LogGroup", "").want(t, object{"RetentionInDays": 1, "KmsKeyId": "<Key961B73FD.Arn>"})
	made.wantPermissions("Transformer",
		"s3:GetObject on arn:<AWS::Partition>:s3:::index-bucket/index/*",
		`s3:ListBucket on arn:<AWS::Partition>:s3:::index-bucket`,
		"logs:CreateLogStream on <TransformerLogGroup.Arn>",
		"logs:PutLogEvents on <TransformerLogGroup.Arn>",
		`kms:Decrypt on <Key.Arn> if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["s3.",{"Ref":"AWS::Region"},".",{"Ref":"AWS::URLSuffix"}]]}}}`,
		`kms:Decrypt on <Key.Arn> if {"ArnLike":{"kms:EncryptionContext:aws:lambda:FunctionArn":{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":lambda:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":function:*"]]}}}`,
	)
}

// One index serves many Regions: its key is used through S3 in the key's Region.
func TestTransformer_indexOfOtherRegion(t *testing.T) {
	stack := newStack(t)
	key := awskms.Key_FromKeyArn(stack, jsii.String("Key"), jsii.String("arn:aws:kms:eu-west-1:111122223333:key/0000"))
	resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{Code: code(),
		IndexBucket: awss3.Bucket_FromBucketAttributes(stack, jsii.String("I"), &awss3.BucketAttributes{
			BucketName: jsii.String("home-index"), Region: jsii.String("eu-west-1"), EncryptionKey: key})})
	permissions := strings.Join(synth(t, stack).one("AWS::IAM::Role", "Transformer").permissions(), "\n")
	const want = `kms:Decrypt on arn:aws:kms:eu-west-1:111122223333:key/0000 if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["s3.eu-west-1.",`
	if !strings.Contains(permissions, want) {
		t.Errorf("no %s in\n%s", want, permissions)
	}
}

// Settings must be known at synthesis.
func TestTransformer_refusesTokens(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		number := awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
		text := *awscdk.NewCfnParameter(stack, jsii.String("T"), nil).ValueAsString()
		props := &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack)}
		props.MemoryMiB = int(*number)
		props.PollInterval = resolverwatch.Duration(*number)
		props.FailureMode = resolverwatch.FailureMode(text)
		props.LogRetentionDays = int(*number)
		resolverwatch.NewTransformer(stack, "Transformer", props)
	},
		"Test/Transformer MemoryMiB",
		"Test/Transformer PollInterval",
		"Test/Transformer FailureMode",
		"Test/Transformer LogRetentionDays",
	)
}

func TestTransformer_refuses(t *testing.T) {
	props := &resolverwatch.TransformerProps{}
	props.MemoryMiB = 64
	props.Timeout = resolverwatch.Duration(6*time.Minute + time.Millisecond)
	props.PollInterval = resolverwatch.Duration(2 * time.Hour)
	props.FailureMode = "stop"
	props.CheckAnswers = "some"
	props.LogLevel = slog.LevelInfo + 1
	props.LogRetentionDays = 45
	props.ReachBounds.MaxFeedIPv4 = 1<<32 + 1
	wantRefused(t, func(stack awscdk.Stack) { resolverwatch.NewTransformer(stack, "Transformer", props) },
		"Test/Transformer MemoryMiB",
		"Test/Transformer Timeout",
		"Test/Transformer PollInterval",
		"Test/Transformer FailureMode",
		"Test/Transformer CheckAnswers",
		"Test/Transformer MaxFeedIPv4",
		"Test/Transformer Timeout",
		"Test/Transformer IndexBucket",
		"Test/Transformer LogLevel",
		"Test/Transformer LogRetentionDays",
	)
}
