package catalog

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
