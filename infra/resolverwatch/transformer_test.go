//go:build !race

package resolverwatch_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
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
	made.one("AWS::Lambda::Function", "").want(t, object{
		"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": []any{"arm64"},
		"MemorySize": 256, "Timeout": 120, "FunctionName": nil, "ReservedConcurrentExecutions": nil,
		"Environment.Variables": object{
			"GOMEMLIMIT":                    "230MiB",
			"RESOLVERWATCH_STACK":           "Test",
			"RESOLVERWATCH_INDEX_BUCKET":    "index-bucket",
			"RESOLVERWATCH_POLL_INTERVAL":   "1m0s",
			"RESOLVERWATCH_MAX_INDEX_AGE":   "168h0m0s",
			"RESOLVERWATCH_COLD_START_WAIT": "2s",
			"RESOLVERWATCH_FAILURE_MODE":    "mark",
			"RESOLVERWATCH_CHECK_CNAMES":    "true",
			"RESOLVERWATCH_CHECK_ADDRESSES": "true",
			"RESOLVERWATCH_LOG_LEVEL":       "INFO",
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
		IndexBucket: indexBucket(stack), IndexKey: key, EncryptionKey: key, StackName: "prod",
		MemoryMiB: 512, Timeout: awscdk.Duration_Seconds(jsii.Number(60)),
		PollInterval:  awscdk.Duration_Seconds(jsii.Number(30)),
		MaxIndexAge:   awscdk.Duration_Days(jsii.Number(2)),
		ColdStartWait: awscdk.Duration_Millis(jsii.Number(500)), FailWithoutIndex: true, SkipCNAMEs: true, SkipAddresses: true,
		LogLevel: slog.LevelDebug, LogRetention: awslogs.RetentionDays_ONE_DAY, Code: code(),
	})
	made := synth(t, stack)
	made.one("AWS::Lambda::Function", "").want(t, object{
		"MemorySize": 512, "Timeout": 60,
		"Environment.Variables.GOMEMLIMIT":                    "460MiB",
		"Environment.Variables.RESOLVERWATCH_STACK":           "prod",
		"Environment.Variables.RESOLVERWATCH_POLL_INTERVAL":   "30s",
		"Environment.Variables.RESOLVERWATCH_MAX_INDEX_AGE":   "48h0m0s",
		"Environment.Variables.RESOLVERWATCH_COLD_START_WAIT": "500ms",
		"Environment.Variables.RESOLVERWATCH_FAILURE_MODE":    "fail",
		"Environment.Variables.RESOLVERWATCH_CHECK_CNAMES":    "false",
		"Environment.Variables.RESOLVERWATCH_CHECK_ADDRESSES": "false",
		"Environment.Variables.RESOLVERWATCH_LOG_LEVEL":       "DEBUG",
		"KmsKeyArn": "<Key961B73FD.Arn>",
	})
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

// Numbers that become text must be known at synthesis.
func TestTransformer_refusesTokens(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		number := awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
		unknown := awscdk.Duration_Seconds(number)
		resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{
			IndexBucket: indexBucket(stack), PollInterval: unknown, MaxIndexAge: unknown, ColdStartWait: unknown, MemoryMiB: int(*number)})
	},
		"Test/Transformer MemoryMiB",
		"Test/Transformer ColdStartWait",
		"Test/Transformer MaxIndexAge",
		"Test/Transformer PollInterval",
	)
}

func TestTransformer_refuses(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{
			MemoryMiB: 64, Timeout: awscdk.Duration_Minutes(jsii.Number(6)),
			PollInterval:  awscdk.Duration_Hours(jsii.Number(2)),
			MaxIndexAge:   awscdk.Duration_Minutes(jsii.Number(5)),
			ColdStartWait: awscdk.Duration_Minutes(jsii.Number(2)),
		})
	},
		"Test/Transformer IndexBucket",
		"Test/Transformer MemoryMiB",
		"Test/Transformer Timeout",
		"Test/Transformer PollInterval",
		"Test/Transformer MaxIndexAge",
		"Test/Transformer ColdStartWait",
	)
}
