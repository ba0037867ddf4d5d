package resolverwatch

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// folders refuses prefixes of delivered logs that overlap with what the importer reads and
// writes, if one existing bucket is both the output bucket and the list bucket or the index
// bucket: a marked log under feeds/ would be imported as a list.
func (p *problems) folders(given PipelineProps) {
	store, importer := orEmpty(given.Store), orEmpty(given.Importer).withDefaults()
	delivery := orEmpty(given.Delivery).withDefaults()
	for _, used := range []struct {
		prop    string
		bucket  awss3.IBucket
		folders []string
	}{
		{"Store.ListBucket", store.ListBucket, []string{settings.BlockPrefix, settings.AllowPrefix, settings.GuardPrefix,
			settings.AcceptedPrefix, settings.ReportPrefix, importer.ListKey}},
		{"Store.IndexBucket", store.IndexBucket, []string{settings.IndexPrefix, catalog.IndicatorPrefix}},
	} {
		is := sameBucket(delivery.OutputBucket, used.bucket)
		if is == "" {
			continue
		}
		for _, written := range delivery.written() {
			for _, folder := range used.folders {
				if overlap(written.prefix, folder) {
					p.addf("%s: objects under %s would lie among those of %s in %s, which %s the output bucket, too: "+
						"use another prefix or another bucket", written.prop, written.prefix, folder, used.prop, is)
				}
			}
		}
	}
}

// writtenPrefix is a prefix that Firehose writes under, and the prop that it comes from.
type writtenPrefix struct{ prop, prefix string }

// written returns the prefixes of everything that the stream writes or has written.
func (p DeliveryProps) written() []writtenPrefix {
	prefixes := []writtenPrefix{
		{"Delivery.Prefix", p.Prefix},
		{"Delivery.ParquetPrefix", p.ParquetPrefix},
		{"Delivery.ErrorPrefix", p.ErrorPrefix},
	}
	if p.keepsSource() {
		prefixes = append(prefixes, writtenPrefix{"Delivery.Format", backupPrefix}, writtenPrefix{"Delivery.Format", backupErrorPrefix})
	}
	return prefixes
}

// overlap reports whether an object under a prefix of Firehose can lie under folder, or in
// its place if it is a key. The values of expressions are dates and words that are not
// names of folders, unless a timestamp has quoted text.
func overlap(prefix, folder string) bool {
	literal, expressions, _ := strings.Cut(prefix, "!{")
	if strings.HasPrefix(literal, folder) {
		return true
	}
	return strings.HasPrefix(folder, literal) && (strings.HasSuffix(literal, "/") || strings.Contains(expressions, "'"))
}

// sameBucket returns "is" for two references to one bucket, "may be" if only the
// deployment can tell, and otherwise "".
func sameBucket(a, b awss3.IBucket) string {
	if a == nil || b == nil {
		return ""
	}
	one, other := *a.BucketName(), *b.BucketName()
	_, isOwn := a.(awss3.Bucket)
	_, otherIsOwn := b.(awss3.Bucket)
	switch {
	case isUnanswered(one) || isUnanswered(other):
		return ""
	case one == other:
		return "is"
	case !isOwn && !otherIsOwn && (isToken(one) || isToken(other)):
		return "may be"
	}
	return ""
}
