package resolverwatch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// deliveryDefaults has the prefixes of the original sample, with the final slash that it
// left out: without the slash, day and stream name run together in keys, and no partition
// can be derived from them.
var deliveryDefaults = DeliverySettings{}.Filled()

const (
	errorTypeExpression = "!{firehose:error-output-type}"
	maxPrefixBytes      = 512 // a key has at most 1,024, and Firehose appends to the prefix
	// hourlyExpression is what Firehose appends to a prefix without a timestamp.
	hourlyExpression = "!{timestamp:yyyy/MM/dd/HH}/"
)

// prefix is a prefix of Firehose's objects, split at its expressions.
type prefix struct{ parts []prefixPart }

// prefixPart is literal text, or an expression `!{namespace:value}`.
type prefixPart struct {
	literal          string
	namespace, value string // of an expression
}

var expression = regexp.MustCompile(`!\{([a-zA-Z]+):([^}]+)\}`)

// parsePrefix splits a prefix at its expressions.
func parsePrefix(text string) (prefix, error) {
	if isToken(text) {
		return prefix{}, errors.New("must be known at synthesis, where it is checked and the table's partitions are derived from it, got a token: " +
			"write it out, or look it up with StringParameter_ValueFromLookup")
	}
	if len(text) > maxPrefixBytes {
		return prefix{}, fmt.Errorf("must have at most %d characters, got %d", maxPrefixBytes, len(text))
	}
	if strings.HasPrefix(text, "/") {
		return prefix{}, fmt.Errorf("must not begin with a slash: the keys would have an empty first folder; got %q", text)
	}
	var parsed prefix
	at := 0
	for _, match := range expression.FindAllStringSubmatchIndex(text, -1) {
		parsed.addLiteral(text[at:match[0]])
		parsed.parts = append(parsed.parts, prefixPart{namespace: text[match[2]:match[3]], value: text[match[4]:match[5]]})
		at = match[1]
	}
	parsed.addLiteral(text[at:])
	for _, part := range parsed.parts {
		if strings.Contains(part.literal, "!{") || strings.Contains(part.literal, "${") {
			return prefix{}, fmt.Errorf("must have expressions of the form !{namespace:value} only, got %q", text)
		}
	}
	return parsed, nil
}

func (p *prefix) addLiteral(text string) {
	if text != "" {
		p.parts = append(p.parts, prefixPart{literal: text})
	}
}

func (p prefix) hasExpression() bool {
	for _, part := range p.parts {
		if part.namespace != "" {
			return true
		}
	}
	return false
}

// withSlash returns the prefix with a final slash, which every prefix needs, and reports
// whether it was missing.
func withSlash(text string) (completed string, added bool) {
	if strings.HasSuffix(text, "/") {
		return text, false
	}
	return text + "/", true
}

// checkPrefix rejects a prefix of delivered records that Firehose would reject.
func checkPrefix(text string) error {
	if isUnanswered(text) {
		return nil
	}
	parsed, err := parsePrefix(text)
	if err != nil {
		return err
	}
	for _, part := range parsed.parts {
		switch {
		case part.namespace == "" || part.namespace == "timestamp":
		case part.namespace == "firehose" && part.value == "random-string":
		case part.namespace == "firehose":
			return fmt.Errorf("must not use !{firehose:%s}, which belongs in ErrorPrefix, got %q", part.value, text)
		default:
			return fmt.Errorf("must not use !{%s:...}: the stream has no dynamic partitioning, got %q", part.namespace, text)
		}
	}
	return nil
}

// checkErrorPrefix rejects an error prefix that Firehose would reject, or one that hides
// what failed.
func checkErrorPrefix(text string) error {
	if isUnanswered(text) {
		return nil
	}
	parsed, err := parsePrefix(text)
	if err != nil {
		return err
	}
	for _, part := range parsed.parts {
		if part.namespace != "" && part.namespace != "timestamp" && part.namespace != "firehose" {
			return fmt.Errorf("must not use !{%s:...}, which Firehose does not support here, got %q", part.namespace, text)
		}
	}
	if !strings.Contains(text, errorTypeExpression) {
		return fmt.Errorf("must contain %s, which separates kinds of failure, got %q", errorTypeExpression, text)
	}
	return nil
}

// projection describes how Athena computes the partitions of the logs from a prefix, so
// that they need not be listed: one column whose values are the timestamps of the keys.
type projection struct {
	folder string // literal text before the timestamp
	format string // of the values, as java.time.format.DateTimeFormatter
	sql    string // of the values, as Athena's date_format
	after  string // literal text after the timestamp
	unit   string // HOURS or DAYS
}

// timestampFields are in the order in which their values sort, each with its counterpart in
// date_format.
var timestampFields = []struct{ java, sql, unit string }{
	{"yyyy", "%Y", ""}, {"MM", "%m", ""}, {"dd", "%d", "DAYS"}, {"HH", "%H", "HOURS"},
}

// newProjection parses a prefix that ends with a slash. Everything between the first and
// the last timestamp expression becomes part of the values, so that
// `year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/` works too.
func newProjection(text string) (projection, error) {
	parsed, err := parsePrefix(text)
	if err != nil {
		return projection{}, err
	}
	if !parsed.hasExpression() {
		parsed, _ = parsePrefix(text + hourlyExpression)
	}
	var p projection
	fields := 0
	for _, part := range parsed.parts {
		switch {
		case part.namespace == "timestamp":
			p.quote(&p.after)
			if !p.addFields(part.value, &fields) {
				return projection{}, fmt.Errorf("%w, got %q; write !{timestamp:yyyy/MM/dd/HH}/ for hours", errTimestamp, text)
			}
		case part.namespace != "":
			return projection{}, fmt.Errorf("must not contain !{%s:%s}: partition projection cannot compute its values; "+
				"use !{timestamp:...} alone", part.namespace, part.value)
		case p.format == "":
			p.folder += part.literal
		default:
			p.after += part.literal
		}
	}
	err = p.check(fields, text)
	return p, err
}

func (p *projection) check(fields int, text string) error {
	if fields < len(timestampFields)-1 {
		return fmt.Errorf("must contain year, month and day in this order, as !{timestamp:yyyy/MM/dd}/, got %q", text)
	}
	if strings.Contains(p.folder, "'") || strings.Contains(p.after, "'") {
		return fmt.Errorf("must not contain a quotation mark, got %q", text)
	}
	p.unit = timestampFields[fields-1].unit
	return nil
}

// quote moves literal text into the format.
func (p *projection) quote(literal *string) {
	if *literal == "" || p.format == "" {
		return
	}
	p.format += "'" + *literal + "'"
	p.sql += strings.ReplaceAll(*literal, "%", "%%")
	*literal = ""
}

var errTimestamp = errors.New("must use yyyy, MM, dd and HH in this order in !{timestamp:...}")

// addFields parses the value of a timestamp expression. Fields must come in the order in
// which values sort, otherwise a range of days would not be a range of values. It reports
// whether the value is valid.
func (p *projection) addFields(value string, fields *int) (ok bool) {
	for value != "" {
		if *fields < len(timestampFields) && strings.HasPrefix(value, timestampFields[*fields].java) {
			field := timestampFields[*fields]
			p.format += field.java
			p.sql += field.sql
			value = value[len(field.java):]
			*fields++
			continue
		}
		if !strings.ContainsRune("/-_.=", rune(value[0])) {
			return false
		}
		p.format += value[:1]
		p.sql += value[:1]
		value = value[1:]
	}
	return true
}

// checkFolders rejects prefixes of delivered logs that overlap with the importer's own prefixes,
// if one existing bucket is both the output bucket and the list bucket or the index bucket:
// a marked log under feeds/ would be imported as a list.
func checkFolders(p *problems, given PipelineProps) {
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
	if *p.Filled().SourceBackup {
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

// checkFormatFolders rejects prefixes of the two formats with which the tables of both formats
// would read the same objects, or one format would lie in the folder of the other.
func checkFormatFolders(p *problems, prefix, parquetPrefix string) {
	prefix, _ = withSlash(orDefault(prefix, deliveryDefaults.Prefix))
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

// checkOtherFolders rejects prefixes of marked logs under which failed records or the source
// backup are written, too: the tables would read those as marked logs.
func checkOtherFolders(p *problems, given DeliveryProps) {
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
