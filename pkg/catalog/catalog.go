// Package catalog describes the marked log in one place: the members that Resolver writes,
// the members that we add, and the type of each column in a Glue table. The marker takes
// its member names from here and the Glue table takes its columns, so the two cannot
// differ.
//
// The package has no dependencies, because CDK apps that import the constructs link it.
package catalog

import "strings"

// Names of the members that we add at the top level of a record. They are reserved in
// incoming logs, in upper and lower case: Athena folds the case of names, and a duplicate
// name breaks the row. Renaming one is a breaking change.
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
	ThreatMoreParts  = "more_parts"
	ThreatMoreFeeds  = "more_feeds"
)

// Glue column types.
const (
	typeString = "string"
	typeInt    = "int"
	typeBigint = "bigint"
)

// Column is one top-level member of a marked record, or one member of a struct.
type Column struct {
	Name        string // lower case, as in Glue; in the record, `answers` has capitalised members
	Type        string // Glue type
	When        string // when the column has a value
	Description string // comment of the Glue column
}

// Columns returns the columns of a marked log: those of Resolver, then ours, then those that
// were added later. Columns are added at the end, so that files and readers that go by
// position keep their columns.
func Columns() []Column {
	return append(append(firstLogColumns(), markColumns()...), addedLogColumns()...)
}

// LogColumns returns the members that Resolver writes, according to its documentation and
// to real records. Members that a later version adds pass through the pipeline, but have no
// column.
func LogColumns() []Column { return append(firstLogColumns(), addedLogColumns()...) }

// addedLogColumns returns the members of Resolver that got their column later.
//
// additional_properties is an object, but its column is a string for the same reason as
// srcids: AWS documents one of its members and says nothing about the others.
func addedLogColumns() []Column {
	return []Column{
		{"additional_properties", typeString, "Resolver adds it", "JSON: about the delivery of the record, such as is_delayed"},
	}
}

// firstLogColumns returns the columns that the table had first.
//
// srcids is an object, but its column is a string: early records have a list there, and a
// map column would fail the whole query. A string column returns the JSON of both, and
// json_extract_scalar(srcids, '$.instance') reads a member.
func firstLogColumns() []Column {
	return []Column{
		{"version", typeString, always, "version of the log format, major.minor"},
		{"account_id", typeString, always, "account that owns the VPC; a string, to keep leading zeros"},
		{"region", typeString, always, "Region of the VPC"},
		{"vpc_id", typeString, always, "VPC that the query came from, or the VPC of the inbound endpoint"},
		{"query_timestamp", typeString, always, "when the query was made, ISO 8601 in UTC"},
		{"query_name", typeString, always, "query name, as the client wrote it"},
		{"query_type", typeString, always, "requested RRtype, or ANY"},
		{"query_class", typeString, always, "class of the query"},
		{"rcode", typeString, always, "response code, such as NOERROR or NXDOMAIN"},
		{"answers", "array<struct<rdata:string,type:string,class:string>>", always, "records in the answer, CNAME chain first; may be empty"},
		{"srcaddr", typeString, always, "address that the query came from"},
		{"srcport", typeString, always, "port that the query came from; a string in the log"},
		{"transport", typeString, "version 1.1 and later", "UDP, TCP or DOH"},
		{"srcids", typeString, "version 1.1 and later", "JSON: an object with instance, resolver_endpoint, resolver_network_interface; may be empty, or a list"},
		{"firewall_rule_action", typeString, onFirewall, "ALERT or BLOCK"},
		{"firewall_rule_group_id", typeString, onFirewall, "DNS Firewall rule group"},
		{"firewall_domain_list_id", typeString, onFirewall, "DNS Firewall domain list; absent for rules without one"},
	}
}

// Values of [Column.When].
const (
	always     = "always"
	onFirewall = "a DNS Firewall rule matched"
	onMatch    = "malicious, allowed"
)

// markColumns returns the members that we add, in the order of a marked record.
func markColumns() []Column {
	return []Column{
		{Verdict, typeString, always, "malicious, allowed, clean or unknown"},
		{VerdictReason, typeString, "unknown", "no_index, stale_index, bad_name or timeout"},
		{IndexGeneration, typeBigint, "an index was loaded", "generation of the index that the record was checked against"},
		{Threat, structOf(threatColumns()), onMatch, "what matched"},
	}
}

// threatColumns returns the members of [Threat], in the order of a marked record.
func threatColumns() []Column {
	return []Column{
		{ThreatIndicator, typeString, onMatch, "entry that matched: canonical name, address, or CIDR block"},
		{ThreatScope, typeString, onMatch, "what the entry covers: name, subtree, under or cidr"},
		{ThreatMatched, typeString, onMatch, "name or address that was seen, in canonical form"},
		{ThreatPart, typeString, onMatch, "where it was seen: query_name, or answers[i]"},
		{ThreatFeeds, "array<string>", onMatch, "feeds that list it, sorted, at most 16; more_feeds counts the others"},
		{ThreatCategory, typeString, onMatch, "kind of threat, as the feed names it; may be empty"},
		{ThreatSeverity, typeString, onMatch, "low, medium, high or critical"},
		{ThreatConfidence, typeInt, onMatch, "how sure the feed is, 0 to 100"},
		{ThreatAllowedBy, typeString, "allowed", "entry that vetoed the match, and its feed in parentheses"},
		// Members are added at the end, so that files with fewer of them stay readable.
		{ThreatMoreParts, typeInt, "other parts are malicious too", "how many other parts of the record (query name, answers) are malicious"},
		{ThreatMoreFeeds, typeInt, "feeds does not have all feeds", "how many feeds list it besides those in feeds"},
	}
}

func structOf(columns []Column) string {
	members := make([]string, len(columns))
	for i, column := range columns {
		members[i] = column.Name + ":" + column.Type
	}
	return "struct<" + strings.Join(members, ",") + ">"
}

// Partition is the partition column of log tables: when Firehose delivered the record, in
// UTC, in the format of the folders of the output bucket. A query is logged some time after
// it was made, so time filters must include one more day of partitions.
const Partition = "arrived"

// IndicatorPrefix is the folder of the index bucket with the published indicators, which
// has a table of its own. IndicatorKey is its only object: gzip with one JSON object per
// line. Each publish replaces the whole object, so a reader always sees exactly one
// generation.
const (
	IndicatorPrefix = "indicators/"
	IndicatorKey    = IndicatorPrefix + "current.ndjson.gz"
)

// IndicatorColumns returns the columns of the published indicators, which have one row for
// each entry of each feed in the index. Times are ISO 8601 in UTC, in seconds.
func IndicatorColumns() []Column {
	return []Column{
		{"indicator", typeString, always, "canonical name, address, or CIDR block"},
		{"scope", typeString, always, "what the entry covers: name, subtree, under or cidr"},
		{"action", typeString, always, "block, or allow, which vetoes block entries at the same depth or above"},
		{"feed", typeString, always, "feed that lists it"},
		{"vetoes_all", "boolean", "allow", "whether it vetoes entries of every feed or only of its own"},
		{"category", typeString, always, "kind of threat, as the feed names it; may be empty"},
		{"severity", typeString, always, "low, medium, high or critical"},
		{"confidence", typeInt, always, "how sure the feed is, 0 to 100"},
		{"added_at", typeString, always, "when the feed was first accepted with the entry"},
		{"expires_at", typeString, "the feed sets it", "when the entry expires, according to the feed"},
		{"generation", typeBigint, always, "generation of the published index"},
	}
}
