package localaws

import (
	"slices"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Access keys of people, valid with any secret. The owner may do everything. The operator has
// the permissions that `rollback`, `publish`, `allow`, `status` and `index diff` need.
const (
	OwnerKey    = "LOCALOWNER"
	OperatorKey = "LOCALOPERATOR"
)

// Access keys of the stack's roles.
const (
	importerKey    = "LOCALIMPORTER"
	transformerKey = "LOCALTRANSFORMER"
	firehoseKey    = "LOCALFIREHOSE"
)

// policies returns the S3 permissions of each role in the deployed stack, by access key. The
// local DynamoDB and Parameter Store do not check permissions.
func policies(legacyKey string, feeds map[indicator.FeedID]settings.Feed) map[string]s3.Policy {
	lists := under(ListBucket, settings.BlockPrefix+"*", settings.AllowPrefix+"*", legacyKey)
	guards := under(ListBucket, settings.GuardPrefix+"*")
	accepted := under(ListBucket, settings.AcceptedPrefix+"*")
	reports := under(ListBucket, settings.ReportPrefix+"*")
	indexes := under(IndexBucket, index.Prefix+"*")

	return map[string]s3.Policy{
		OwnerKey: s3.FullAccess(),
		importerKey: {
			{Actions: []string{"s3:ListBucket"}, Resources: []string{ListBucket}},
			{Actions: []string{"s3:ListBucket"}, Resources: []string{IndexBucket},
				Prefixes: []string{index.Prefix + "*", catalog.IndicatorPrefix + "*"}},
			{Actions: []string{"s3:GetObject", "s3:GetObjectVersion"}, Resources: lists},
			{Actions: []string{"s3:GetObjectTagging", "s3:GetObjectVersionTagging"}, Resources: lists},
			{Actions: []string{"s3:GetObject", "s3:GetObjectVersion"}, Resources: guards},
			{Actions: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Resources: accepted},
			{Actions: []string{"s3:PutObject"}, Resources: slices.Concat(reports, fetchedLists(feeds))},
			{Actions: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Resources: indexes},
			{Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: under(IndexBucket, catalog.IndicatorKey)},
		},
		// On AWS the operator also needs cloudformation:DescribeStacks, lambda:InvokeFunction on
		// the importer, and dynamodb:Query, PutItem, DeleteItem and Scan on the table.
		OperatorKey: {
			{Actions: []string{"s3:GetObject"}, Resources: indexes},
			{Actions: []string{"s3:PutObject"}, Resources: under(IndexBucket, index.CurrentKey)},
			{Actions: []string{"s3:ListBucket"}, Resources: []string{IndexBucket}, Prefixes: []string{index.Prefix + "*"}},
		},
		transformerKey: {
			{Actions: []string{"s3:GetObject"}, Resources: indexes},
			{Actions: []string{"s3:ListBucket"}, Resources: []string{IndexBucket}, Prefixes: []string{index.Prefix + "*"}},
		},
		firehoseKey: {
			{Actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, Resources: under(LogBucket, "*")},
			{Actions: []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
				Resources: []string{LogBucket}},
		},
	}
}

// fetchedLists returns the lists that the importer may write: those of feeds with a URL.
func fetchedLists(feeds map[indicator.FeedID]settings.Feed) []string {
	var keys []string
	for id, feed := range feeds {
		switch {
		case feed.URL == "":
		case feed.Allow:
			keys = append(keys, settings.AllowPrefix+string(id)+"/*")
		default:
			keys = append(keys, settings.BlockPrefix+string(id)+"/*")
		}
	}
	return under(ListBucket, keys...)
}

// under returns the resources of a policy for keys in a bucket.
func under(bucket string, keys ...string) []string {
	resources := make([]string, len(keys))
	for i, key := range keys {
		resources[i] = bucket + "/" + key
	}
	return resources
}
