// Package resolverlog reads Route 53 Resolver query logs. A [Scanner] takes the bytes of
// one record, from Firehose or from a log file, and returns its log objects, each with its
// original bytes and the few values that marking needs.
//
// A record has zero, one or many objects, bare or in an envelope, in every shape that
// Resolver has written, or in OCSF, which Route 53 Global Resolver writes. [Scanner] lists
// the shapes. Reading is strict: each object is checked as JSON to its last byte. Nothing is
// changed or copied: values point into the record.
//
// The format: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html
package resolverlog

import (
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// Shape says which members an object has its values in.
type Shape int

// The shapes of objects.
const (
	ShapeOther    Shape = iota // there is no query name
	ShapeResolver              // the members of Resolver query logs, such as `query_name`
	ShapeOCSF                  // DNS Activity of the Open Cybersecurity Schema Framework: `query.hostname`
)

// Object is one log object. The case of member names matters, and if a member is repeated,
// the last one counts. A text is unset if its member is missing or not a string. The values
// of an OCSF object are in the fields of the Resolver members that mean the same.
type Object struct {
	Bytes []byte // original bytes, from the opening to the closing brace
	Empty bool   // the object has no members
	Shape Shape

	QueryName      jsonscan.Text
	QueryType      jsonscan.Text
	QueryTimestamp jsonscan.Text
	Rcode          jsonscan.Text
	Answers        []Answer // the elements of `answers` that are objects

	// OddAnswers reports that `answers`, in upper or lower case, is or contains a string, a
	// number or a boolean. Resolver does not write that, and it fails queries over the row.
	OddAnswers bool

	// The host that sent the query, and the action of DNS Firewall.
	AccountID      jsonscan.Text
	Region         jsonscan.Text
	VPCID          jsonscan.Text
	SourceAddr     jsonscan.Text
	Instance       jsonscan.Text // srcids.instance; in the preview shape the id that starts with "i-"
	FirewallAction jsonscan.Text

	// Delayed reports that the record was delivered late, according to
	// `additional_properties.is_delayed`.
	Delayed bool

	// Verdict is the member `verdict`, if it is a string. It is set if the object was already
	// marked.
	Verdict jsonscan.Text
	// Reserved is the name of a member that we would add but that the object already has.
	// Clash is the name of such a member that the object has twice or in another case, so
	// that Athena would see it twice. Both can be empty.
	Reserved, Clash string

	epochMillis int64   // the time of an OCSF object, in milliseconds since 1970 UTC; 0 if unset
	reserved    [4]bool // which of our members the object has
}

// AppendTime appends when the query was made: `query_timestamp` as it was written or, of an
// OCSF object, `time_dt`, or `time` in the form of RFC 3339. It appends nothing if none of
// them is there.
func (o *Object) AppendTime(dst []byte) []byte {
	switch {
	case o.QueryTimestamp.IsSet():
		return o.QueryTimestamp.Append(dst)
	case o.epochMillis != 0:
		return time.UnixMilli(o.epochMillis).UTC().AppendFormat(dst, "2006-01-02T15:04:05.999Z07:00")
	default:
		return dst
	}
}

// Answer is one resource record of an answer. The case of its member names does not matter:
// tools that read the log through a table write them in lower case, as OCSF does.
type Answer struct {
	Index int // position in `answers`
	Type  jsonscan.Text
	// Rdata is the member `Rdata` or, in the preview shape, `Address`.
	Rdata jsonscan.Text
}
