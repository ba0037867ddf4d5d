package resolverwatch

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Prefixes and suffixes that S3 reserves in bucket names (S3 user guide, "General purpose
// bucket naming rules").
var (
	bucketName         = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	reservedBeginnings = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedEnds       = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

const bucketNameRule = "3 to 63 of a-z 0-9 . -, and begin and end with a letter or digit"

// bucketName rejects a name that S3 would reject, or that the CDK would reject without
// naming the prop.
func (p *problems) bucketName(prop, name string) {
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

// ownNames rejects a name that is given to several buckets, here or elsewhere in the stack
// of c.
func (p *problems) ownNames(c constructs.Construct, given ...givenName) {
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
