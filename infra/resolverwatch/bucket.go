package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// bucketProps are the properties in which the buckets of this package differ.
type bucketProps struct {
	name       string // "" = CloudFormation chooses
	versioned  bool
	key        awskms.IKey   // nil = SSE-S3
	accessLogs awss3.IBucket // nil = none
	lifecycle  []*awss3.LifecycleRule
	removal    awscdk.RemovalPolicy // "" = RETAIN
}

// abandonedUploadDays is the age at which uploads that were never completed are removed.
// They are billed, and no listing shows them.
const abandonedUploadDays = 7

// newBucket defines a bucket that is private, encrypted, only reachable over TLS and owned
// by its account.
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
	if p.name != "" && !isUnanswered(p.name) { // not a valid name for S3; the CDK rejects it
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

// remindOfAccessLogs adds a step for an existing access log bucket, whose policy the CDK
// cannot change: it must allow S3 to write.
func (s *steps) remindOfAccessLogs(c constructs.Construct, bucket awss3.IBucket) {
	if bucket == nil {
		return
	}
	if _, own := bucket.(awss3.Bucket); own {
		return
	}
	s.remind(c, Step{
		ID:  "AccessLogBucketPolicy",
		Why: "The policy of an existing bucket for access logs must allow S3 to write them; the bucket must be in the same account and Region.",
		Text: "add to the policy of " + *bucket.BucketArn() + ": " + statement{
			sid: "ResolverwatchAccessLogs", actions: []string{"s3:PutObject"}, resources: objects(bucket, "*"),
			conditions: map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Stack_Of(c).Account()}},
		}.text(service("logging.s3.amazonaws.com")),
	})
}

// versionRules returns the lifecycle rules of a bucket that keeps versions only on request.
func versionRules(versioned bool, expiration awscdk.Duration) []*awss3.LifecycleRule {
	if !versioned {
		return nil
	}
	if expiration == nil {
		expiration = awscdk.Duration_Days(jsii.Number(defaultNoncurrentDays))
	}
	return []*awss3.LifecycleRule{noncurrentRule(expiration)}
}

// versions rejects an expiration that is not whole days, or that is set without versioning.
func (p *problems) versions(versioned bool, expiration awscdk.Duration) {
	p.days("NoncurrentVersionExpiration", expiration)
	if expiration != nil && !versioned {
		p.addf("NoncurrentVersionExpiration: has no effect without Versioned")
	}
}

// noncurrentRule removes versions once they have been noncurrent for that long, and then
// any delete marker without versions.
func noncurrentRule(expiration awscdk.Duration) *awss3.LifecycleRule {
	return &awss3.LifecycleRule{
		Id:                          jsii.String("NoncurrentVersions"),
		NoncurrentVersionExpiration: expiration,
		ExpiredObjectDeleteMarker:   jsii.Bool(true),
	}
}
