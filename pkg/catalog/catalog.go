// Package catalog describes the marked log, once: the members that Resolver writes,
// those that we add, and the column type of each in a Glue table. The marker takes
// its member names from here and the table its columns, so the two cannot differ.
//
// It is a leaf without dependencies: CDK apps that import the constructs link it.
package catalog

import "strings"

// Names of the members that we add at the top level of a record. In a log that
// reaches us they are reserved, in any case: Athena folds the case of names, and a
// name twice breaks the row. Renaming one is a breaking change.
const (
	Verdict         = "verdict"
	VerdictReason   = "verdict_reason"
	IndexGeneration = "index_generation"
	Threat          = "threat"
)

// Names of the members of [Threat].
const (
	ThreatIndicator  = "indicator"
	ThreatScope      = "scope"
	ThreatMatched    = "matched"
	ThreatPart       = "part"
	ThreatFeeds      = "feeds"
	ThreatCategory   = "category"
	ThreatSeverity   = "severity"
	ThreatConfidence = "confidence"
	ThreatAllowedBy  = "allowed_by"
)

// Glue column types.
const (
	typeString = "string"
	typeInt    = "int"
	typeBigint = "bigint"
)

// Column is one top-level member of a marked record, or one member of a struct.
type Column struct {
	Name        string // lower case, as in Glue; in the record `answers` has capitalised members
	Type        string // of Glue
	When        string // in which records it stands
	Description string
}

// Columns returns the columns of a marked log: those of Resolver, then ours.
func Columns() []Column { return append(LogColumns(), MarkColumns()...) }

// LogColumns returns the members that Resolver writes, by its documentation and by
// real records. Members that it adds in a later version pass through the pipeline,
// but have no column.
//
// srcids is text, though it is an object: early records have a list there, which a
// reader of maps answers with the end of the query. A reader of text gives the JSON of
// either; json_extract_scalar(srcids, '$.instance') picks a member.
func LogColumns() []Column {
	return []Column{
		{"version", typeString, always, "version of the log format, major.minor"},
		{"account_id", typeString, always, "account that owns the VPC; a string, for its leading zeros"},
		{"region", typeString, always, "Region of the VPC"},
		{"vpc_id", typeString, always, "VPC that the query came from, or that of the inbound endpoint"},
		{"query_timestamp", typeString, always, "when the query was made, ISO 8601 in UTC"},
		{"query_name", typeString, always, "name that was asked for, as it was asked"},
		{"query_type", typeString, always, "RRtype that was asked for, or ANY"},
		{"query_class", typeString, always, "class of the query"},
		{"rcode", typeString, always, "response code, such as NOERROR or NXDOMAIN"},
		{"answers", "array<struct<rdata:string,type:string,class:string>>", always, "records of the answer, CNAME chain first; may be empty"},
		{"srcaddr", typeString, always, "address that the query came from"},
		{"srcport", typeString, always, "port that the query came from; a string in the log"},
		{"transport", typeString, "version 1.1 and later", "UDP, TCP or DOH"},
		{"srcids", typeString, "version 1.1 and later", "JSON: an object with instance, resolver_endpoint, resolver_network_interface; may be empty, or a list"},
		{"firewall_rule_action", typeString, onFirewall, "ALERT or BLOCK"},
		{"firewall_rule_group_id", typeString, onFirewall, "DNS Firewall rule group"},
		{"firewall_domain_list_id", typeString, onFirewall, "DNS Firewall domain list; absent for rules without one"},
	}
}

// When a column has a value.
const (
	always     = "always"
	onFirewall = "a DNS Firewall rule matched"
	onMatch    = "malicious, allowed"
)

// MarkColumns returns the members that we add, in the order of a marked record.
func MarkColumns() []Column {
	return []Column{
		{Verdict, typeString, always, "malicious, allowed, clean or unknown"},
		{VerdictReason, typeString, "unknown", "no_index, stale_index, bad_name or timeout"},
		{IndexGeneration, typeBigint, "an index was loaded", "generation of the index that the record was checked against"},
		{Threat, structOf(ThreatColumns()), onMatch, "what matched"},
	}
}

// ThreatColumns returns the members of [Threat], in the order of a marked record.
func ThreatColumns() []Column {
	return []Column{
		{ThreatIndicator, typeString, onMatch, "entry that matched: canonical name, address, or CIDR block"},
		{ThreatScope, typeString, onMatch, "how far the entry reaches: name, subtree, under or cidr"},
		{ThreatMatched, typeString, onMatch, "name or address that was seen, in canonical form"},
		{ThreatPart, typeString, onMatch, "where it was seen: query_name, or answers[i]"},
		{ThreatFeeds, "array<string>", onMatch, "feeds that list it, sorted"},
		{ThreatCategory, typeString, onMatch, "kind of threat in the feed's words; empty if it does not say"},
		{ThreatSeverity, typeString, onMatch, "low, medium, high or critical"},
		{ThreatConfidence, typeInt, onMatch, "how sure the feed is, 0 to 100"},
		{ThreatAllowedBy, typeString, "allowed", "entry that vetoed the match, and its feed in parentheses"},
	}
}

func structOf(columns []Column) string {
	members := make([]string, len(columns))
	for i, column := range columns {
		members[i] = column.Name + ":" + column.Type
	}
	return "struct<" + strings.Join(members, ",") + ">"
}

// Partition is the column by which tables of logs are partitioned: when Firehose
// delivered the record, in UTC, as the folders of the output bucket are named. A query
// is logged somewhat later than it was made, so time filters must look a day further.
const Partition = "arrived"

// IndicatorPrefix is the folder of the index bucket that holds the published
// indicators, for a table over them. IndicatorKey is its one object: gzip of a JSON
// object a line. It is replaced whole, so that a reader meets one generation and never
// a part of it.
const (
	IndicatorPrefix = "indicators/"
	IndicatorKey    = IndicatorPrefix + "current.ndjson.gz"
)

// IndicatorColumns returns the columns of the published indicators: a row for each
// entry of each feed that went into the index. Times are ISO 8601 in UTC, to the
// second.
func IndicatorColumns() []Column {
	return []Column{
		{"indicator", typeString, always, "canonical name, address, or CIDR block"},
		{"scope", typeString, always, "how far the entry reaches: name, subtree, under or cidr"},
		{"action", typeString, always, "block, or allow: it vetoes block entries that are no deeper"},
		{"feed", typeString, always, "feed that lists it"},
		{"vetoes_all", "boolean", "allow", "it vetoes entries of every feed, not of its own alone"},
		{"category", typeString, always, "kind of threat in the feed's words; empty if it does not say"},
		{"severity", typeString, always, "low, medium, high or critical"},
		{"confidence", typeInt, always, "how sure the feed is, 0 to 100"},
		{"added_at", typeString, always, "when the feed was first accepted with the entry"},
		{"expires_at", typeString, "the feed says when", "when the entry ends by the feed's own word"},
		{"generation", typeBigint, always, "generation of the index that was published"},
	}
}
