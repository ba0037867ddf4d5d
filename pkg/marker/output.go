package marker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/keyprefix"
)

// Layout makes the keys of the objects that the marker writes.
type Layout struct{ marked, failed keyprefix.Prefix }

// NewLayout returns the layout with the prefix of the marked logs and that of failed records,
// both with the expressions of Firehose.
func NewLayout(prefix, errorPrefix string) (*Layout, error) {
	marked, failed, err := keyprefix.Parse(prefix, errorPrefix)
	if err != nil {
		return nil, fmt.Errorf("reading the prefixes of the marked logs: %w", err)
	}
	return &Layout{marked, failed}, nil
}

// Keys are the keys of what is written for one version of a log object. They follow from that
// version alone, so a repeat finds that they exist.
type Keys struct {
	Marked string // its marked records
	failed string // its records that cannot be read, as Firehose sets them aside
}

// hashInKey finds the hash in the name of a marked object.
var hashInKey = regexp.MustCompile(`/vpc-[0-9a-f]+_\d{12}_\d{8}T\d{4}Z_([0-9a-f]{16})\.json\.gz$`)

// HashInKey returns the hash in the key of a marked object, which identifies the version of the
// log object. It returns false for an object that the marker did not write.
func HashInKey(key string) (hash uint64, ok bool) {
	found := hashInKey.FindStringSubmatch(key)
	if found == nil {
		return 0, false
	}
	hash, err := strconv.ParseUint(found[1], 16, 64)
	return hash, err == nil
}

// hashDigits is the number of hexadecimal digits of a hash in a key.
const hashDigits = 16

// Keys returns the keys for a version of an object with this name. They never end in ".log.gz",
// so the marker does not read what it wrote. The version is part of the keys: an object that
// is overwritten is marked again under another key.
func (l *Layout) Keys(o *Object, name Name) Keys {
	sum := sha256.Sum256([]byte(strings.Join([]string{o.Bucket, o.Key, o.identity()}, "\n")))
	hash := hex.EncodeToString(sum[:])[:hashDigits]
	random := func() string { return hash[:11] } // the length of Firehose's random strings
	file := fmt.Sprintf("%s_%s_%s_%s", name.vpc, name.account, name.Time.Format("20060102T1504Z"), hash)
	return Keys{
		Marked: l.marked.Key(name.Time, "", random) + file + ".json.gz",
		failed: l.failed.Key(name.Time, keyprefix.ProcessingFailed, random) + file + ".failed.json",
	}
}
