package resolverwatch

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// folders rejects prefixes of delivered logs that overlap with the importer's own prefixes,
// if one existing bucket is both the output bucket and the list bucket or the index bucket:
// a marked log under feeds/ would be imported as a list.
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
		relation := sameBucket(delivery.OutputBucket, used.bucket)
		if relation == "" {
			continue
		}
		for _, written := range delivery.written() {
			for _, folder := range used.folders {
				if overlap(written.prefix, folder) {
					p.addf("%s: objects under %s would be mixed with those under %s in %s, which %s also the output bucket: "+
						"use another prefix or another bucket", written.prop, written.prefix, folder, used.prop, relation)
				}
			}
		}
	}
}

// writtenPrefix is a prefix that Firehose writes under, with the prop that sets it.
type writtenPrefix struct{ prop, prefix string }

// written returns the prefixes of everything that the stream writes or may have written.
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

// overlap reports whether an object under a Firehose prefix can be inside folder, or have
// folder as its key. Expressions produce dates and words that are not names of folders,
// unless a timestamp contains quoted text.
func overlap(prefix, folder string) bool {
	literal, expressions, _ := strings.Cut(prefix, "!{")
	if strings.HasPrefix(literal, folder) {
		return true
	}
	return strings.HasPrefix(folder, literal) && (strings.HasSuffix(literal, "/") || strings.Contains(expressions, "'"))
}

// sameBucket returns "is" if two references are to the same bucket, "may be" if that is
// only known at deployment, and otherwise "".
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

// formatFolders rejects prefixes of the two formats with which the tables of both formats
// would read the same objects, or one format would lie in the folder of the other.
func (p *problems) formatFolders(prefix, parquetPrefix string) {
	prefix, _ = withSlash(orDefault(prefix, defaultPrefix))
	parquetPrefix, _ = withSlash(orDefault(parquetPrefix, defaultParquetPrefix))
	folder, parquetFolder := writtenFolder(prefix), writtenFolder(parquetPrefix)
	if isToken(prefix) || isToken(parquetPrefix) || !nested(folder, parquetFolder) && !nested(parquetFolder, folder) {
		return
	}
	p.addf("Prefix and ParquetPrefix: must be in separate folders, because each format has a table of its own, "+
		"got %q and %q; change one of them", prefix, parquetPrefix)
}

// nested reports whether outer is the same folder as inner, or contains it. The root folder
// "" contains only itself: the names in it are dates.
func nested(inner, outer string) bool {
	return inner == outer || outer != "" && strings.HasSuffix(outer, "/") && strings.HasPrefix(inner, outer)
}

// otherFolders rejects prefixes of marked logs under which failed records or the source
// backup are written, too: the tables would read those as marked logs.
func (p *problems) otherFolders(given DeliveryProps) {
	given = given.withDefaults()
	others := given.written()[2:] // after the prefixes of the formats
	for _, logs := range given.written()[:2] {
		for _, other := range others {
			if isToken(logs.prefix) || isToken(other.prefix) || !mixed(logs.prefix, other.prefix) {
				continue
			}
			prop := strings.TrimPrefix(logs.prop, "Delivery.")
			if other.prop == "Delivery.ErrorPrefix" {
				p.addf("%s and ErrorPrefix: must be in separate folders, because the table would read failed records as logs, "+
					"got %q and %q; change one of them", prop, logs.prefix, other.prefix)
			} else {
				p.addf("%s: must not be in the folder of the source backup, %s, got %q; use another folder", prop, other.prefix, logs.prefix)
			}
		}
	}
}

// mixed reports whether objects under other can be in a partition of the logs under prefix.
// A partition begins with a timestamp, so words in other's place of it are not mixed up.
func mixed(prefix, other string) bool {
	rest, found := strings.CutPrefix(other, writtenFolder(prefix))
	return found && strings.HasPrefix(rest, "!{timestamp:")
}
