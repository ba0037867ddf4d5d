// Package resolverlog reads Route 53 Resolver query logs. What goes in is the bytes
// of one record as Firehose or a log file holds it, what comes out are the log
// objects in it, each with its own bytes and the few values that marking needs.
//
// A record holds zero, one or many objects, bare or in an envelope, in every shape
// that Resolver has written ([Scanner] lists them). Reading is strict (each object is
// checked as JSON to its last byte) and leaves everything as it is: values are places
// in the record, and an object's bytes are those that Resolver wrote.
//
// The format: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html
package resolverlog

import "github.com/resolverwatch/resolverwatch/pkg/jsonscan"

// Object is one log object. Member names count in exact case, and of a repeated
// member the last counts. A text is unset if its member is absent or no string.
type Object struct {
	Bytes []byte // from the opening to the closing brace, as written
	Empty bool   // it has no members

	QueryName      jsonscan.Text
	QueryType      jsonscan.Text
	QueryTimestamp jsonscan.Text
	Rcode          jsonscan.Text
	Answers        []Answer // those of `answers` that are objects

	// OddAnswers means that `answers`, in any case, is a string, a number or a boolean, or
	// holds one. Resolver writes none; a reader of rows ends at it.
	OddAnswers bool

	// The host that asked, and what DNS Firewall did.
	AccountID      jsonscan.Text
	VPCID          jsonscan.Text
	SourceAddr     jsonscan.Text
	Instance       jsonscan.Text // srcids.instance; in the preview shape the id that starts with "i-"
	FirewallAction jsonscan.Text

	// Verdict is the member of this name, if it is a string: somebody marked the object.
	Verdict jsonscan.Text
	// Reserved is a member that we would add, and that the object already has; Clash
	// is one that it has twice, or in another case, so that Athena sees it twice.
	// Both are empty if there is none.
	Reserved, Clash string

	message     jsonscan.Text
	messageType jsonscan.Text
	logEvents   []byte  // the value of this member
	reserved    [4]bool // which members of ours it has
}

// Answer is one resource record of an answer.
type Answer struct {
	Index int // in `answers`
	Type  jsonscan.Text
	// Rdata is the member of this name or, in the preview shape, `Address`.
	Rdata jsonscan.Text
}
