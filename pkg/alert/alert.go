// Package alert defines the message by which the functions that find matches tell the
// notifier: the transformer, the marker of objects, and the scheduled queries. Rows go in, a
// message of bounded size comes out, and the notifier reads it again.
//
// A row is a host that asked for an indicator, with the number of its records in one
// invocation. A message is version 1 of a format that other programs may write and read, so
// members are added but never changed or removed.
package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Version is the version of messages.
const Version = 1

// Origin says where matches were found.
type Origin string

// The origins of matches.
const (
	OriginFirehose Origin = "firehose" // query logs on their way through Firehose
	OriginS3       Origin = "s3"       // log objects in a bucket, as they arrive
	OriginBackfill Origin = "backfill" // old log objects
	OriginHunt     Origin = "hunt"     // a scheduled query
)

// Message is what one invocation found. SQS gets it as one JSON object.
type Message struct {
	Version int    `json:"version"`
	Origin  Origin `json:"origin"`
	// Stack is the name of the stack that found the matches.
	Stack string `json:"stack"`
	// Query is the name of the scheduled query, for OriginHunt.
	Query string `json:"query,omitempty"`
	// Test is the id of a test alert: 32 hexadecimal digits, or "" for real matches.
	Test string `json:"test,omitempty"`
	// Generation is that of the index that marked the records, 0 if unknown.
	Generation uint64 `json:"generation,omitempty"`
	// TruncatedRows and TruncatedRecords count what did not fit into the message.
	TruncatedRows    int   `json:"truncated_rows"`
	TruncatedRecords int   `json:"truncated_records"`
	Rows             []Row `json:"rows"`
}

// Row is a host that asked for an indicator. The texts come from records and lists, so an
// attacker may have chosen them.
type Row struct {
	AccountID string `json:"account_id"`
	Region    string `json:"region,omitempty"`
	VPCID     string `json:"vpc_id"`
	SrcAddr   string `json:"srcaddr"`
	Instance  string `json:"instance,omitempty"` // id of an EC2 instance

	Indicator string   `json:"indicator"`
	Scope     string   `json:"scope"`             // name, subtree, under or cidr; of a behaviour, its query's name
	Matched   string   `json:"matched,omitempty"` // the observed name or address
	Part      string   `json:"part,omitempty"`    // query_name or answers[i]
	Feeds     []string `json:"feeds"`
	Category  string   `json:"category,omitempty"`
	Severity  string   `json:"severity"` // low, medium, high or critical
	// Confidence is 0 to 100.
	Confidence int `json:"confidence,omitempty"`
	// Firewall is [FirewallAlert] or [FirewallBlock] if a DNS Firewall rule acted on every
	// record, and the weaker of the two if both did.
	Firewall string `json:"firewall,omitempty"`

	FirstSeen time.Time `json:"first_seen"` // query time of the first record
	LastSeen  time.Time `json:"last_seen"`  // query time of the last record
	Records   int       `json:"records"`
	// Details are facts of a scheduled query by column, such as the number of names.
	Details map[string]string `json:"details,omitempty"`
}

// What DNS Firewall did, in the words of the query log.
const (
	FirewallAlert = "ALERT" // the query went through
	FirewallBlock = "BLOCK"
)

// weakerFirewall returns what DNS Firewall did at least in two cases. A blocked query is less
// urgent, so a row must not say that its records were blocked if one of them was not.
func weakerFirewall(a, b string) string {
	switch {
	case a == b || b == FirewallBlock:
		return a
	case a == FirewallBlock:
		return b
	default:
		return ""
	}
}

// idDigits is the number of hexadecimal digits of an id.
const idDigits = 32

// ID returns the identity of a match: the same host and indicator have the same id, whichever
// function found the match. It has 32 hexadecimal digits, so that texts of attackers never
// become keys.
func (r *Row) ID() string {
	text := fmt.Appendf(nil, "%q", []string{r.AccountID, r.VPCID, r.SrcAddr, r.Indicator, r.Scope})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:idDigits]
}

// Merge adds a row with the same id to r. The texts that differ are those of the row that was
// seen last; Firewall is the weaker one.
func (r *Row) Merge(other *Row) {
	if r.ID() != other.ID() {
		panic(fmt.Sprintf("merging the matches %s and %s", r.ID(), other.ID()))
	}
	first, last, records := r.FirstSeen, r.LastSeen, r.Records+other.Records
	firewall := weakerFirewall(r.Firewall, other.Firewall)
	if other.LastSeen.After(last) {
		*r, last = *other, other.LastSeen
	}
	if other.FirstSeen.Before(first) {
		first = other.FirstSeen
	}
	r.FirstSeen, r.LastSeen, r.Records, r.Firewall = first, last, records, firewall
}
