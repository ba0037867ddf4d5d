package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// bucketProps are what the buckets of this package differ in.
type bucketProps struct {
	name       string // "" = CloudFormation chooses
	versioned  bool
	key        awskms.IKey   // nil = SSE-S3
	accessLogs awss3.IBucket // nil = none
	lifecycle  []*awss3.LifecycleRule
	removal    awscdk.RemovalPolicy // "" = RETAIN
}

// abandonedUploadDays is when parts of uploads that were never completed go; they are
// billed and no listing shows them.
const abandonedUploadDays = 7

// newBucket defines a bucket that is private, encrypted, TLS only and owned by its
// account alone.
func newBucket(scope constructs.Construct, id string, p bucketProps) awss3.Bucket {
	rules := append([]*awss3.LifecycleRule{{
		Id:                                  jsii.String("AbandonedUploads"),
		AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(abandonedUploadDays)),
	}}, p.lifecycle...)
	props := &awss3.BucketProps{
		BlockPublicAccess:      awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:             awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:             jsii.Bool(true),
		MinimumTLSVersion:      jsii.Number(1.2),
		ObjectOwnership:        awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Versioned:              &p.versioned,
		ServerAccessLogsBucket: p.accessLogs,
		LifecycleRules:         &rules,
		RemovalPolicy:          orDefault(p.removal, awscdk.RemovalPolicy_RETAIN),
	}
	if p.name != "" && !isUnanswered(p.name) { // S3 has no such name, and the CDK refuses it
		props.BucketName = &p.name
	}
	if p.key != nil {
		props.Encryption = awss3.BucketEncryption_KMS
		props.EncryptionKey = p.key
		props.BucketKeyEnabled = jsii.Bool(true)
	}
	if p.accessLogs != nil {
		props.ServerAccessLogsPrefix = jsii.String(*scope.Node().Path() + "/" + id + "/")
	}
	bucket := awss3.NewBucket(scope, &id, props)
	if retained(p.removal) { // a bucket that stays must stay closed to plain HTTP
		bucket.Policy().ApplyRemovalPolicy(orDefault(p.removal, awscdk.RemovalPolicy_RETAIN))
	}
	if p.accessLogs == nil {
		accept(bucket, finding{rule: "AwsSolutions-S1", reason: whyNoAccessLog})
	}
	return bucket
}

// remindOfAccessLogs says what an existing bucket needs to take access logs: the CDK adds
// it to those of the app alone.
func (s *steps) remindOfAccessLogs(c constructs.Construct, bucket awss3.IBucket) {
	if bucket == nil {
		return
	}
	if _, own := bucket.(awss3.Bucket); own {
		return
	}
	s.remind(c, Step{
		ID:  "AccessLogBucketPolicy",
		Why: "The policy of an existing bucket for access logs must let S3 write them; it must be of the same account and Region.",
		Text: "add to the policy of " + *bucket.BucketArn() + ": " + statement{
			sid: "ResolverwatchAccessLogs", actions: []string{"s3:PutObject"}, resources: objects(bucket, "*"),
			conditions: map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Stack_Of(c).Account()}},
		}.text(service("logging.s3.amazonaws.com")),
	})
}

// versionRules are those of a bucket that is versioned only if asked for.
func versionRules(versioned bool, expiration awscdk.Duration) []*awss3.LifecycleRule {
	if !versioned {
		return nil
	}
	if expiration == nil {
		expiration = awscdk.Duration_Days(jsii.Number(defaultNoncurrentDays))
	}
	return []*awss3.LifecycleRule{noncurrentRule(expiration)}
}

// versions refuses a time for versions that is not whole days, or without versions.
func (p *problems) versions(versioned bool, expiration awscdk.Duration) {
	p.days("NoncurrentVersionExpiration", expiration)
	if expiration != nil && !versioned {
		p.addf("NoncurrentVersionExpiration: has no meaning without Versioned")
	}
}

// noncurrentRule removes versions that were replaced or deleted that long ago, and then
// the delete markers without versions.
func noncurrentRule(expiration awscdk.Duration) *awss3.LifecycleRule {
	return &awss3.LifecycleRule{
		Id:                          jsii.String("NoncurrentVersions"),
		NoncurrentVersionExpiration: expiration,
		ExpiredObjectDeleteMarker:   jsii.Bool(true),
	}
}
