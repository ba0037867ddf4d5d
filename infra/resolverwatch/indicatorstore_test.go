//go:build !race

package resolverwatch_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

func TestIndicatorStore_defaults(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewIndicatorStore(stack, "Store", nil)
	made := synth(t, stack)
	table := made.one("AWS::DynamoDB::Table", "Store")
	table.want(t, object{
		"BillingMode": "PAY_PER_REQUEST",
		"TableName":   nil,
		"KeySchema": []any{
			object{"AttributeName": "name", "KeyType": "HASH"}, object{"AttributeName": "entry", "KeyType": "RANGE"}},
		"TimeToLiveSpecification":          object{"AttributeName": "expires_at", "Enabled": true},
		"PointInTimeRecoverySpecification": object{"PointInTimeRecoveryEnabled": true},
		"DeletionProtectionEnabled":        true,
		"SSESpecification":                 object{"SSEEnabled": true},
	})
	for _, part := range []string{"Lists", "Index"} {
		bucket := made.one("AWS::S3::Bucket", part)
		bucket.want(t, object{
			"BucketName":              nil,
			"VersioningConfiguration": object{"Status": "Enabled"},
			"OwnershipControls":       object{"Rules": []any{object{"ObjectOwnership": "BucketOwnerEnforced"}}},
			"PublicAccessBlockConfiguration": object{"BlockPublicAcls": true, "BlockPublicPolicy": true,
				"IgnorePublicAcls": true, "RestrictPublicBuckets": true},
			"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm": "AES256",
			"LifecycleConfiguration.Rules.0.AbortIncompleteMultipartUpload.DaysAfterInitiation":               7,
			"LifecycleConfiguration.Rules.1.NoncurrentVersionExpiration.NoncurrentDays":                       90,
		})
		wantTLSOnly(t, made.one("AWS::S3::BucketPolicy", part))
	}
	made.one("AWS::S3::Bucket", "Lists").want(t, object{
		"NotificationConfiguration": object{"EventBridgeConfiguration": object{"EventBridgeEnabled": true}}})
	for id, resource := range made.resources {
		switch {
		case strings.HasPrefix(resource.Type, "Custom::"), resource.Type == "AWS::Lambda::Function":
			t.Errorf("%s of type %s: only stateful resources belong here", id, resource.Type)
		case resource.DeletionPolicy != "Retain":
			t.Errorf("%s: deletion policy %q", id, resource.DeletionPolicy)
		}
	}
}

func wantTLSOnly(t *testing.T, policy resource) {
	t.Helper()
	policy.want(t, object{
		"PolicyDocument.Statement.0.Effect":    "Deny",
		"PolicyDocument.Statement.0.Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
		"PolicyDocument.Statement.1.Condition": object{"NumericLessThan": object{"s3:TlsVersion": 1.2}},
	})
}

func TestIndicatorStore_props(t *testing.T) {
	stack := newStack(t)
	logs := awss3.Bucket_FromBucketName(stack, jsii.String("AccessLogs"), jsii.String("access-logs"))
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		StoreSettings: resolverwatch.StoreSettings{
			TableName:       "indicators",
			WriteCapacity:   50,
			ListBucketName:  "lists.example",
			IndexBucketName: "index.example",
		},
		NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(30)),
		EncryptionKey:               key, AccessLogBucket: logs, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	made := synth(t, stack)
	keyArn := "<" + *stack.GetLogicalId(key.Node().DefaultChild().(awscdk.CfnElement)) + ".Arn>"
	table := made.one("AWS::DynamoDB::Table", "Store")
	table.want(t, object{
		"TableName":                       "indicators",
		"BillingMode":                     nil, // PROVISIONED is CloudFormation's own default
		"ProvisionedThroughput":           object{"ReadCapacityUnits": 500, "WriteCapacityUnits": 50},
		"DeletionProtectionEnabled":       false,
		"SSESpecification.KMSMasterKeyId": keyArn,
	})
	if table.DeletionPolicy != "Delete" {
		t.Errorf("table: deletion policy %q", table.DeletionPolicy)
	}
	made.one("AWS::S3::Bucket", "Lists").want(t, object{
		"BucketName": "lists.example",
		"LoggingConfiguration.DestinationBucketName":                                                        "access-logs",
		"LoggingConfiguration.LogFilePrefix":                                                                "Test/Store/Lists/",
		"LifecycleConfiguration.Rules.1.NoncurrentVersionExpiration.NoncurrentDays":                         30,
		"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.KMSMasterKeyID": keyArn,
		"BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled":                             true,
	})
	made.one("AWS::S3::Bucket", "Index").want(t, object{"BucketName": "index.example"})
}

func TestIndicatorStore_provisionedTable(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		BillingMode: awsdynamodb.BillingMode_PROVISIONED})
	synth(t, stack).one("AWS::DynamoDB::Table", "").want(t, object{
		"ProvisionedThroughput": object{"ReadCapacityUnits": 500, "WriteCapacityUnits": 500}})
}

func TestIndicatorStore_existing(t *testing.T) {
	stack := newStack(t)
	store := resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		Table:       awsdynamodb.Table_FromTableName(stack, jsii.String("T"), jsii.String("indicators")),
		ListBucket:  awss3.Bucket_FromBucketName(stack, jsii.String("L"), jsii.String("lists")),
		IndexBucket: awss3.Bucket_FromBucketName(stack, jsii.String("I"), jsii.String("index")),
	})
	if made := synth(t, stack); len(made.resources) > 0 {
		t.Errorf("new resources in addition to existing ones: %v", made.resources)
	}
	warned, steps := warnings(t, stack), store.Steps()
	for i, command := range []string{
		"aws dynamodb update-time-to-live --table-name indicators ",
		"aws s3api put-bucket-versioning --bucket lists ",
		"aws s3api put-bucket-notification-configuration --bucket lists ",
	} {
		if !strings.Contains(warned, command) {
			t.Errorf("no warning with the command %q:\n%s", command, warned)
		}
		if len(steps) != 3 || !strings.Contains(steps[i].Text, command) {
			t.Errorf("steps %v", steps)
		}
	}
	for _, step := range steps { // people copy them
		if out, err := exec.Command("sh", "-n", "-c", step.Text).CombinedOutput(); err != nil {
			t.Errorf("%s is not a valid command: %s\n%s", step.ID, step.Text, out)
		}
	}
}

func TestIndicatorStore_refuses(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
			Table:                       awsdynamodb.Table_FromTableName(stack, jsii.String("T"), jsii.String("indicators")),
			StoreSettings:               resolverwatch.StoreSettings{TableName: "x", ReadCapacity: -1, ListBucketName: "Lists"},
			NoncurrentVersionExpiration: awscdk.Duration_Hours(jsii.Number(36)),
		})
	},
		"Test/Store ReadCapacity",
		"Test/Store Table and TableName",
		"Test/Store TableName",
		"Test/Store ListBucketName",
		"Test/Store ReadCapacity and WriteCapacity",
		"Test/Store NoncurrentVersionExpiration",
	)
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
			BillingMode: awsdynamodb.BillingMode_PAY_PER_REQUEST, StoreSettings: resolverwatch.StoreSettings{WriteCapacity: 5}})
	}, "Test/Store ReadCapacity and WriteCapacity")
}

func TestIndicatorStore_grants(t *testing.T) {
	stack := newStack(t)
	store := resolverwatch.NewIndicatorStore(stack, "Store", nil)
	user := awsiam.NewRole(stack, jsii.String("User"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
	store.GrantReadList(user)
	store.GrantUploadBlock(user)
	store.GrantUploadAllow(user)
	policy := synth(t, stack).one("AWS::IAM::Policy", "User")
	text := flatten(plain(policy.get("PolicyDocument")))
	for _, part := range []string{"dynamodb:Query", "s3:PutObject", "/feeds/*", "/allow/*", "/reports/*"} {
		if !strings.Contains(text, part) {
			t.Errorf("grant lacks %s: %s", part, text)
		}
	}
	for _, part := range []string{"dynamodb:PutItem", "dynamodb:DeleteItem", "/accepted/"} {
		if strings.Contains(text, part) {
			t.Errorf("grant has %s", part)
		}
	}
}

// A changed logical id would replace the table or a bucket of every deployment.
func TestIndicatorStore_logicalIDs(t *testing.T) {
	stack := newStack(t)
	resolverwatch.NewIndicatorStore(stack, "Store", nil)
	made := synth(t, stack)
	for _, id := range []string{"StoreTable0CCFA19B", "StoreListsF1F6557C", "StoreIndex955BD0F1"} {
		if _, found := made.resources[id]; !found {
			t.Errorf("no %s among %v", id, append(made.ids("AWS::S3::Bucket"), made.ids("AWS::DynamoDB::Table")...))
		}
	}
}
