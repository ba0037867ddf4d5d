package marker

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Object is a version of a log object.
type Object struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Version is the id of the version, or "" in a bucket without versions and in a listing. It
	// only says what to read.
	Version string `json:"version_id,omitempty"`
	// ETag tells the versions of an object apart, with or without quotes. Unlike the id of a
	// version, both events and listings have it.
	ETag string `json:"etag"`
	Size int64  `json:"size,omitempty"` // bytes
}

// identity returns what tells this version of the object from others.
func (o *Object) identity() string { return strings.Trim(o.ETag, `"`) }

// logKey is the name of an object that Resolver writes. The documents show the folders; the
// name is what Resolver is seen to write.
//
// https://docs.aws.amazon.com/athena/latest/ug/querying-r53-resolver-logs.html
var logKey = regexp.MustCompile(`(?:^|/)AWSLogs/(\d{12})/vpcdnsquerylogs/(vpc-[0-9a-f]+)/(\d{4}/\d{2}/\d{2})/` +
	`(vpc-[0-9a-f]+)_vpcdnsquerylogs_(\d{12})_(\d{8}T\d{4}Z)_([0-9a-z]+)\.log\.gz$`)

// Name is what the key of a log object says.
type Name struct {
	account string
	vpc     string
	// Time is when Resolver began the file, in UTC, to the minute. The day of the marked object
	// is taken from it, so that a repeat in a month writes the same key.
	Time time.Time
}

// notLogError means that an object is not one that Resolver wrote.
type notLogError struct{ key, why string }

// Error says which object, and why.
func (e *notLogError) Error() string {
	return fmt.Sprintf("%q is not an object of Resolver query logs: %s", e.key, e.why)
}

// ParseKey reads the key of a log object. It returns a [notLogError] for other keys, and so for
// the objects that the marker writes.
func ParseKey(key string) (Name, error) {
	found := logKey.FindStringSubmatch(key)
	if found == nil {
		return Name{}, &notLogError{key, "its key does not end in AWSLogs/<account>/vpcdnsquerylogs/<vpc>/<year>/<month>/<day>/" +
			"<vpc>_vpcdnsquerylogs_<account>_<time>_<hash>.log.gz"}
	}
	account, folder, day, vpc, owner, stamp := found[1], found[2], found[3], found[4], found[5], found[6]
	began, err := time.Parse("20060102T1504Z", stamp)
	switch {
	case folder != vpc:
		return Name{}, &notLogError{key, "the folder and the name have different VPCs"}
	case account != owner:
		return Name{}, &notLogError{key, "the folder and the name have different accounts"}
	case err != nil:
		return Name{}, &notLogError{key, "the time in the name does not exist"}
	}
	if _, err := time.Parse("2006/01/02", day); err != nil {
		return Name{}, &notLogError{key, "the day of its folder does not exist"}
	}
	return Name{account: account, vpc: vpc, Time: began}, nil
}
