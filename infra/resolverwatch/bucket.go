package resolverwatch

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// bucketProps are the properties in which the buckets of this package differ.
type bucketProps struct {
	name       string // "" = CloudFormation chooses
	versioned  bool
	key        awskms.IKey   // nil = SSE-S3
	objectKeys bool          // each object has a data key of its own, instead of one of the bucket
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
		props.BucketKeyEnabled = jsii.Bool(!p.objectKeys)
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

// checkVersions rejects an expiration that is not whole days, or that is set without versioning.
func checkVersions(p *problems, versioned bool, expiration awscdk.Duration) {
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

// Prefixes and suffixes that S3 reserves in bucket names (S3 user guide, "General purpose
// bucket naming rules").
var (
	bucketName         = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	reservedBeginnings = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedEnds       = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

const (
	maxBucketName  = 63
	bucketNameRule = "3 to 63 of a-z 0-9 . -, and begin and end with a letter or digit"
)

// checkBucketName rejects a name that S3 would reject, or that the CDK would reject without
// naming the prop.
func checkBucketName(p *problems, prop, name string) {
	if name == "" || isToken(name) {
		return
	}
	if !bucketName.MatchString(name) {
		p.name(prop, name, bucketName, bucketNameRule)
		return
	}
	for _, pair := range []string{"..", ".-", "-."} {
		if strings.Contains(name, pair) {
			p.addf("%s: must not contain %q, got %q", prop, pair, name)
		}
	}
	if _, err := netip.ParseAddr(name); err == nil {
		p.addf("%s: must not be an IP address, got %q", prop, name)
	}
	reserved := func(affix string) bool { return strings.HasPrefix(name, affix) }
	if i := slices.IndexFunc(reservedBeginnings, reserved); i >= 0 {
		p.addf("%s: must not begin with %s, which S3 reserves, got %q", prop, reservedBeginnings[i], name)
	}
	reserved = func(affix string) bool { return strings.HasSuffix(name, affix) }
	if i := slices.IndexFunc(reservedEnds, reserved); i >= 0 {
		p.addf("%s: must not end with %s, which S3 reserves, got %q", prop, reservedEnds[i], name)
	}
}

// givenName is the name of a new bucket, with the prop that sets it.
type givenName struct{ prop, name string }

// checkOwnNames rejects a name that is given to several buckets, here or elsewhere in the stack
// of c.
func checkOwnNames(p *problems, c constructs.Construct, given ...givenName) {
	for i, bucket := range given {
		if bucket.name == "" || !isKnown(bucket.name) {
			continue
		}
		owner := ownerOf(c, claimedBucket(bucket.name))
		if other := slices.IndexFunc(given[:i], func(other givenName) bool { return other.name == bucket.name }); other >= 0 {
			owner = given[other].prop
		}
		if owner != "" {
			p.addf("%s: %q is already the %s in this stack; each bucket needs a name of its own", bucket.prop, bucket.name, owner)
		}
	}
}

// claimBuckets claims the names that are set, see claim.
func claimBuckets(c constructs.Construct, names ...givenName) {
	for _, given := range names {
		if given.name != "" && isKnown(given.name) {
			claimAs(c, claimedBucket(given.name), given.prop)
		}
	}
}

func claimedBucket(name string) *string { return jsii.String("Resolverwatch bucket " + name) }

// A bucket or table that is given may be defined by the same app. Then synthesis knows how
// it is set up; otherwise it knows nothing about it.

// isVersioned reports whether a bucket is defined by the app with versioning.
func isVersioned(bucket awss3.IBucket) bool {
	resource := cfnBucket(bucket)
	if resource == nil {
		return false
	}
	var versioning struct{ Status string }
	resolve(resource, resource.VersioningConfiguration(), &versioning)
	return versioning.Status == "Enabled"
}

// sendsEvents reports whether a bucket is defined by the app and sends its events to
// EventBridge: by a property, or by the resource that the CDK defines for
// EventBridgeEnabled.
func sendsEvents(bucket awss3.IBucket) bool {
	resource := cfnBucket(bucket)
	if resource == nil {
		return false
	}
	type notifications struct{ EventBridgeConfiguration *struct{} }
	var set notifications
	resolve(resource, resource.NotificationConfiguration(), &set)
	if set.EventBridgeConfiguration != nil {
		return true
	}
	child := bucket.Node().TryFindChild(jsii.String("Notifications"))
	if child == nil {
		return false
	}
	custom, ok := child.Node().TryFindChild(jsii.String("Resource")).(awscdk.CfnResource)
	if !ok {
		return false
	}
	var properties struct{ NotificationConfiguration notifications }
	resolve(custom, custom.CfnProperties(), &properties)
	return properties.NotificationConfiguration.EventBridgeConfiguration != nil
}

// eventsStep returns the step for a bucket that does not send its events to EventBridge. For a
// bucket that the app defines, it names the prop: a later deployment could undo a command.
func eventsStep(id string, bucket awss3.IBucket, why string) Step {
	if cfnBucket(bucket) != nil {
		return Step{ID: id, Why: why, Text: "set EventBridgeEnabled of " + *bucket.Node().Path()}
	}
	return Step{
		ID:  id,
		Why: why + " The command replaces all notifications of the bucket: if it has some, add the member EventBridgeConfiguration to them.",
		Text: fmt.Sprintf("aws s3api put-bucket-notification-configuration --bucket %s --notification-configuration "+
			`'{"EventBridgeConfiguration":{}}'`, *bucket.BucketName()),
	}
}

// isIndicatorTable reports whether a table is defined by the app with the keys and the TTL
// attribute that the importer needs.
func isIndicatorTable(table awsdynamodb.ITable) bool {
	own, ok := table.(awsdynamodb.Table)
	if !ok {
		return false
	}
	resource, ok := own.Node().DefaultChild().(awsdynamodb.CfnTable)
	if !ok {
		return false
	}
	type key struct{ AttributeName, KeyType string }
	var keys []key
	resolve(resource, resource.KeySchema(), &keys)
	var expiry struct {
		AttributeName string
		Enabled       bool
	}
	resolve(resource, resource.TimeToLiveSpecification(), &expiry)
	want := []key{{settings.TablePartitionKey, "HASH"}, {settings.TableSortKey, "RANGE"}}
	return expiry.Enabled && expiry.AttributeName == settings.TableTTL && slices.Equal(keys, want)
}

// cfnBucket returns the resource of a bucket that the app defines, or nil.
func cfnBucket(bucket awss3.IBucket) awss3.CfnBucket {
	own, ok := bucket.(awss3.Bucket)
	if !ok {
		return nil
	}
	resource, _ := own.Node().DefaultChild().(awss3.CfnBucket)
	return resource
}

// resolve decodes a property of a resource. The CDK begins the names of its members with a
// lower case letter or, in custom resources, with a capital letter.
func resolve(resource constructs.IConstruct, property, into any) {
	if property == nil {
		return
	}
	text, err := json.Marshal(awscdk.Stack_Of(resource).Resolve(property))
	if err == nil {
		_ = json.Unmarshal(text, into) // a token in place of a value is treated as not known
	}
}

// checkLifecycle rejects rules that the CDK would reject at the end of the synthesis, where it
// does not say which bucket they belong to.
func checkLifecycle(p *problems, prop string, rules []*awss3.LifecycleRule) {
	for i, rule := range rules {
		prop := fmt.Sprintf("%s[%d]", prop, i)
		p.required(prop, rule == nil)
		if rule == nil {
			continue
		}
		checkTransitions(p, prop, rule)
		acts := rule.ExpirationDate != nil || rule.ExpiredObjectDeleteMarker != nil || rule.NoncurrentVersionsToRetain != nil ||
			rule.Transitions != nil || rule.NoncurrentVersionTransitions != nil
		for _, action := range []struct {
			name  string
			after awscdk.Duration
		}{
			{"Expiration", rule.Expiration},
			{"NoncurrentVersionExpiration", rule.NoncurrentVersionExpiration},
			{"AbortIncompleteMultipartUploadAfter", rule.AbortIncompleteMultipartUploadAfter},
		} {
			p.days(prop+"."+action.name, action.after)
			acts = acts || action.after != nil
		}
		if !acts {
			p.addf("%s: must have an action, such as Expiration or Transitions", prop)
		}
	}
}

// checkTransitions rejects transition times that are not whole days.
func checkTransitions(p *problems, prop string, rule *awss3.LifecycleRule) {
	if rule.Transitions != nil {
		for i, transition := range *rule.Transitions {
			if transition != nil {
				p.daysFrom(0, fmt.Sprintf("%s.Transitions[%d].TransitionAfter", prop, i), transition.TransitionAfter)
			}
		}
	}
	if rule.NoncurrentVersionTransitions != nil {
		for i, transition := range *rule.NoncurrentVersionTransitions {
			if transition != nil {
				p.days(fmt.Sprintf("%s.NoncurrentVersionTransitions[%d].TransitionAfter", prop, i), transition.TransitionAfter)
			}
		}
	}
}
