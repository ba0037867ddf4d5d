// Package role declares the callers of the embedded S3 and what each of them may do. The roles
// of the stack have the S3 permissions of the deployed roles: a test in test/synth compares
// them with the synthesized template. The demo runs without Node and the CDK, so it cannot
// read them from a template.
package role

import (
	"slices"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Access keys, valid with any secret.
const (
	Owner       = "LOCALOWNER"    // may do everything
	Operator    = "LOCALOPERATOR" // runs the commands for operators
	Importer    = "LOCALIMPORTER"
	Transformer = "LOCALTRANSFORMER"
	Delivery    = "LOCALFIREHOSE" // the delivery stream
)

// Deployment holds the names and settings that permissions contain.
type Deployment struct {
	ListBucket, IndexBucket, LogBucket string

	ListKey string // of the list that is the feed "default"
	Feeds   map[indicator.FeedID]settings.Feed
}

// Policies returns the S3 permissions of each role, by access key. The local DynamoDB and
// Parameter Store do not check permissions.
func (d *Deployment) Policies() map[string]s3.Policy {
	indexes := under(d.IndexBucket, settings.IndexPrefix+"*")

	return map[string]s3.Policy{
		Owner:    s3.FullAccess(),
		Importer: d.importer(),
		// docs/operating.md has the whole policy of an operator.
		Operator: {
			{Actions: []string{"s3:GetObject"}, Resources: indexes},
			{Actions: []string{"s3:PutObject"}, Resources: under(d.IndexBucket, index.CurrentKey)},
			{Actions: []string{"s3:ListBucket"}, Resources: []string{d.IndexBucket}, Prefixes: []string{settings.IndexPrefix + "*"}},
			{Actions: []string{"s3:GetObject"}, Resources: under(d.LogBucket, "dns-query-logs/*", "delivery-failures/*", "replay/*")},
			{Actions: []string{"s3:PutObject"}, Resources: under(d.LogBucket, "dns-query-logs/*", "replay/*")},
			{Actions: []string{"s3:ListBucket"}, Resources: []string{d.LogBucket}},
		},
		Transformer: {
			{Actions: []string{"s3:GetObject"}, Resources: indexes},
			{Actions: []string{"s3:ListBucket"}, Resources: []string{d.IndexBucket}},
		},
		Delivery: {
			{Actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, Resources: under(d.LogBucket, "*")},
			{Actions: []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
				Resources: []string{d.LogBucket}},
		},
	}
}

func (d *Deployment) importer() s3.Policy {
	lists := under(d.ListBucket, settings.BlockPrefix+"*", settings.AllowPrefix+"*", d.ListKey)
	guards := under(d.ListBucket, settings.GuardPrefix+"*")
	accepted := under(d.ListBucket, settings.AcceptedPrefix+"*")
	reports := under(d.ListBucket, settings.ReportPrefix+"*")
	indexes := under(d.IndexBucket, settings.IndexPrefix+"*")

	return s3.Policy{
		{Actions: []string{"s3:ListBucket"}, Resources: []string{d.ListBucket, d.IndexBucket}},
		{Actions: []string{"s3:GetObject", "s3:GetObjectVersion"}, Resources: slices.Concat(lists, guards)},
		{Actions: []string{"s3:GetObjectTagging", "s3:GetObjectVersionTagging"}, Resources: lists},
		{Actions: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Resources: slices.Concat(accepted, indexes)},
		{Actions: []string{"s3:PutObject"}, Resources: slices.Concat(reports, d.fetchedLists())},
		{Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: under(d.IndexBucket, catalog.IndicatorKey)},
	}
}

// fetchedLists returns the lists that the importer may write: those of feeds with a URL.
func (d *Deployment) fetchedLists() []string {
	var keys []string
	for id, feed := range d.Feeds {
		switch {
		case feed.URL == "":
		case feed.Allow:
			keys = append(keys, settings.AllowPrefix+string(id)+"/*")
		default:
			keys = append(keys, settings.BlockPrefix+string(id)+"/*")
		}
	}
	return under(d.ListBucket, keys...)
}

// under returns the resources of a policy for keys in a bucket.
func under(bucket string, keys ...string) []string {
	resources := make([]string, len(keys))
	for i, key := range keys {
		resources[i] = bucket + "/" + key
	}
	return resources
}
