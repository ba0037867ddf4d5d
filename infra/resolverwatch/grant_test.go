//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

const (
	ownAccount   = "111122223333"
	otherAccount = "444455556666"
)

// newStackOf returns a stack like newStack, but in a known account.
func newStackOf(t *testing.T, account string) awscdk.Stack {
	t.Helper()
	return awscdk.NewStack(newStack(t).Node().Root().(constructs.Construct), jsii.String("Known"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: &account, Region: jsii.String("eu-west-1")}})
}

// wantGranted compares everything that the policy of a principal allows, like
// wantPermissions.
func (m template) wantGranted(policy string, want ...string) {
	m.t.Helper()
	document := m.one("AWS::IAM::Policy", policy).get("PolicyDocument")
	got := resource{Properties: object{"Policies": []any{object{"PolicyDocument": document}}}}.permissions()
	for i := range got {
		got[i] = strings.ReplaceAll(withoutHashes(got[i]), "arn:<AWS::Partition>:", "")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Errorf("granted to %s (-want +got):\n%s", policy, diff)
	}
}

func newRole(stack awscdk.Stack, id string) awsiam.Role {
	return awsiam.NewRole(stack, &id, &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
}

func existingKey(stack awscdk.Stack, id string) awskms.IKey {
	return awskms.Key_FromKeyArn(stack, &id, jsii.String("arn:aws:kms:eu-west-1:"+ownAccount+":key/"+strings.ToLower(id)))
}

// A bucket or table that is referred to by its name does not know its key, but the props
// do. A grant allows only its own task, on the folders that the task uses.
func TestGrants_existingResources(t *testing.T) {
	stack := newStack(t)
	store := resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		Table:         awsdynamodb.Table_FromTableName(stack, jsii.String("T"), jsii.String("indicators")),
		ListBucket:    awss3.Bucket_FromBucketName(stack, jsii.String("L"), jsii.String("lists")),
		IndexBucket:   indexBucket(stack),
		EncryptionKey: existingKey(stack, "KeyOfStore"),
	})
	delivery := resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer(stack), OutputBucket: outputBucket(stack), OutputKey: existingKey(stack, "KeyOfLogs")})
	catalog := resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{
		OutputBucket: delivery.OutputBucket(), OutputKey: delivery.OutputKey(),
		IndexBucket: store.IndexBucket(), IndexKey: existingKey(stack, "KeyOfIndex"),
		ResultsBucket: awss3.Bucket_FromBucketName(stack, jsii.String("R"), jsii.String("results")),
		EncryptionKey: existingKey(stack, "KeyOfResults"),
	})
	grants := []awsiam.Grant{
		store.GrantUploadBlock(newRole(stack, "BlockLists")), store.GrantUploadAllow(newRole(stack, "AllowLists")),
		store.GrantReadList(newRole(stack, "Lister")),
		delivery.GrantReadLogs(newRole(stack, "Reader")), catalog.GrantQuery(newRole(stack, "Analyst")),
	}
	for _, grant := range grants {
		grant.AssertSuccess()
	}
	made := synth(t, stack)
	const (
		key         = "arn:aws:kms:eu-west-1:111122223333:key/"
		viaS3       = ` if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["s3.eu-west-1.",{"Ref":"AWS::URLSuffix"}]]}}}`
		viaDynamoDB = ` if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["dynamodb.eu-west-1.",{"Ref":"AWS::URLSuffix"}]]}}}`
		table       = "dynamodb:<AWS::Region>:<AWS::AccountId>:table/indicators"
	)
	for uploader, folder := range map[string]string{"BlockLists": "feeds", "AllowLists": "allow"} {
		made.wantGranted(uploader,
			"kms:Decrypt on "+key+"keyofstore"+viaS3, "kms:GenerateDataKey on "+key+"keyofstore"+viaS3,
			"s3:AbortMultipartUpload on s3:::lists/"+folder+"/*", "s3:PutObject on s3:::lists/"+folder+"/*",
			"s3:GetBucketLocation on s3:::lists", "s3:GetObject on s3:::lists/reports/*",
			`s3:ListBucket on s3:::lists if {"StringLike":{"s3:prefix":["`+folder+`","`+folder+`/*","reports","reports/*"]}}`,
		)
	}
	made.wantGranted("Lister",
		"dynamodb:BatchGetItem on "+table, "dynamodb:DescribeTable on "+table, "dynamodb:GetItem on "+table,
		"dynamodb:Query on "+table, "dynamodb:Scan on "+table,
		"kms:Decrypt on "+key+"keyofstore"+viaDynamoDB, "kms:DescribeKey on "+key+"keyofstore"+viaDynamoDB,
	)
	logs := []string{
		"kms:Decrypt on " + key + "keyoflogs" + viaS3,
		"s3:GetBucketLocation on s3:::marked",
	}
	made.wantGranted("Reader", append(logs,
		"s3:GetObject on s3:::marked/dns-query-logs/*", "s3:GetObject on s3:::marked/dns-query-logs-parquet/*",
		`s3:ListBucket on s3:::marked if {"StringLike":{"s3:prefix":["dns-query-logs","dns-query-logs/*",`+
			`"dns-query-logs-parquet","dns-query-logs-parquet/*"]}}`)...)
	made.wantGranted("Analyst", append(append(logs,
		"kms:Decrypt on "+key+"keyofindex"+viaS3,
		"kms:Decrypt on "+key+"keyofresults"+viaS3, "kms:GenerateDataKey on "+key+"keyofresults"+viaS3,
		"s3:GetObject on s3:::marked/dns-query-logs/*",
		`s3:ListBucket on s3:::marked if {"StringLike":{"s3:prefix":["dns-query-logs","dns-query-logs/*"]}}`,
		"s3:GetBucketLocation on s3:::index-bucket", "s3:GetObject on s3:::index-bucket/indicators/*",
		`s3:ListBucket on s3:::index-bucket if {"StringLike":{"s3:prefix":["indicators","indicators/*"]}}`,
	), queryPermissions()...)...)
}

// The former name still grants block lists, and nothing that it did not say.
func TestGrants_upload(t *testing.T) {
	stack := newStack(t)
	store := resolverwatch.NewIndicatorStore(stack, "Store", nil)
	store.GrantUpload(newRole(stack, "Former"))
	store.GrantUploadBlock(newRole(stack, "Present"))
	made := synth(t, stack)
	former := flatten(plain(made.one("AWS::IAM::Policy", "Former").get("PolicyDocument")))
	present := flatten(plain(made.one("AWS::IAM::Policy", "Present").get("PolicyDocument")))
	if diff := cmp.Diff(present, former); diff != "" {
		t.Errorf("(-GrantUploadBlock +GrantUpload):\n%s", diff)
	}
	for _, part := range []string{"/allow/", "Tagging", "s3:Delete", "s3:*", "kms:*"} {
		if strings.Contains(present, part) {
			t.Errorf("the grant has %s: %s", part, present)
		}
	}
}

// queryPermissions returns the permissions that every query needs.
func queryPermissions() []string {
	group, glue := "athena:<AWS::Region>:<AWS::AccountId>:workgroup/Test", "glue:<AWS::Region>:<AWS::AccountId>:"
	want := []string{
		"s3:AbortMultipartUpload on s3:::results/results/*", "s3:GetObject on s3:::results/results/*",
		"s3:ListMultipartUploadParts on s3:::results/results/*", "s3:PutObject on s3:::results/results/*",
		"s3:GetBucketLocation on s3:::results", "s3:ListBucketMultipartUploads on s3:::results",
		`s3:ListBucket on s3:::results if {"StringLike":{"s3:prefix":["results","results/*"]}}`,
		"glue:GetDatabase on " + glue + "database/default",
	}
	for _, action := range []string{"BatchGetNamedQuery", "GetNamedQuery", "GetQueryExecution", "GetQueryResults", "GetWorkGroup",
		"ListNamedQueries", "StartQueryExecution", "StopQueryExecution"} {
		want = append(want, "athena:"+action+" on "+group)
	}
	for _, action := range []string{"GetDatabase", "GetPartitions", "GetTable", "GetTables"} {
		want = append(want, "glue:"+action+" on "+glue+"catalog", "glue:"+action+" on "+glue+"database/test",
			"glue:"+action+" on "+glue+"table/test/*")
	}
	return want
}

// A principal of another account needs permission in the policies of the resources, and in
// its own.
func TestGrants_otherAccount(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	reader := awsiam.Role_FromRoleArn(stack, jsii.String("Reader"), jsii.String("arn:aws:iam::"+otherAccount+":role/reader"), nil)
	delivery := resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
		Transformer: transformer(stack), EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	delivery.GrantReadLogs(reader)
	steps := delivery.Steps()
	if len(steps) != 1 || !strings.Contains(steps[0].Why, "account "+otherAccount) ||
		!strings.Contains(steps[0].Text, `"kms:Decrypt"`) || !strings.Contains(steps[0].Text, `"s3:GetObject"`) {
		t.Errorf("steps %v", steps)
	}
	made := synth(t, stack)
	for policy, action := range map[string]string{
		made.policyText(t, "AWS::S3::BucketPolicy", "PolicyDocument"): `"s3:GetObject"`,
		made.policyText(t, "AWS::KMS::Key", "KeyPolicy"):              `"kms:ViaService"`,
	} {
		if !strings.Contains(policy, action) || !strings.Contains(policy, `"AWS":"arn:aws:iam::`+otherAccount+`:role/reader"`) {
			t.Errorf("policy lacks %s of the reader: %s", action, policy)
		}
	}
}

func (m template) policyText(t *testing.T, typ, property string) string {
	t.Helper()
	text, err := json.Marshal(m.one(typ, "").get(property))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A bucket that the app does not own needs a step if the principal has no policy.
func TestGrants_existingBucketPolicy(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	store := resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
		ListBucket: awss3.Bucket_FromBucketAttributes(stack, jsii.String("L"), &awss3.BucketAttributes{
			BucketName: jsii.String("lists"), Account: jsii.String(otherAccount)}),
	})
	before := len(store.Steps())
	store.GrantUploadBlock(newRole(stack, "Uploader"))
	var text string
	for _, step := range store.Steps()[before:] {
		text += step.Text + "\n"
	}
	for _, want := range []string{`add to the policy of arn:`, `"s3:PutObject"`, `:s3:::lists/feeds/*`, `"Principal":{"AWS":["`} {
		if !strings.Contains(text, want) {
			t.Errorf("steps lack %s:\n%s", want, text)
		}
	}
}

func TestCatalog_grantQueryRefuses(t *testing.T) {
	catalog := func(stack awscdk.Stack) *resolverwatch.Catalog {
		return resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack)})
	}
	wantRefused(t, func(awscdk.Stack) {
		stack := newStackOf(t, ownAccount)
		catalog(stack).GrantQuery(awsiam.Role_FromRoleArn(stack, jsii.String("R"), jsii.String("arn:aws:iam::"+otherAccount+":role/r"), nil))
	}, "Known/Catalog GrantQuery")
	wantRefused(t, func(stack awscdk.Stack) {
		catalog(stack).GrantQuery(awsiam.NewAccountPrincipal(jsii.String(otherAccount)))
	}, "Test/Catalog GrantQuery")
}
