package settings

import (
	"encoding/json"
	"fmt"
)

// maxFeedBytes is the largest value of a standard SSM parameter, 4 KiB.
const maxFeedBytes = 4 << 10

// Feed is what the SSM parameter of a feed holds, as a JSON object. Every member may
// be left out, and so may the parameter: a folder with a list in it is a feed.
type Feed struct {
	// Format of the list: plain, hosts, adblock, dnsmasq, unbound, bind, rpz,
	// wildcard, csv or json.
	//
	// Default: found by looking at the list.
	Format string `json:"format,omitempty"`
	// Scope of every name: name, subtree or under.
	//
	// Default: what the format means by a name.
	Scope string `json:"scope,omitempty"`
	// Column that holds the names of a CSV list, by its heading.
	//
	// Default: found by looking at the headings and the first rows.
	Column string `json:"column,omitempty"`
	// Registrable cuts every name to its registrable domain, as "a.b.evil.example" to
	// "evil.example".
	Registrable bool `json:"registrable,omitempty"`
	// Category of entries that have none of their own.
	Category string `json:"category,omitempty"`
	// Severity of entries that have none of their own: low, medium, high or critical.
	//
	// Default: medium.
	Severity string `json:"severity,omitempty"`
	// Confidence of entries that have none of their own, 0 to 100.
	//
	// Default: 50.
	Confidence *int `json:"confidence,omitempty"`
	// MaxAge is how long the feed counts after its last accepted list, like "36h" or
	// "7d".
	//
	// Default: for good.
	MaxAge string `json:"maxAge,omitempty"`
	// Force is the reason why lists of this feed are accepted although a guard
	// refuses them. It is written into every report.
	//
	// Default: guards refuse.
	Force string `json:"force,omitempty"`
}

// DecodeFeed reads the value of a feed's parameter. A member that is no setting is
// an error that names the nearest one that is.
func DecodeFeed(text []byte) (Feed, error) {
	var feed Feed
	if len(text) > maxFeedBytes {
		return feed, fmt.Errorf("feed settings of %d bytes: must be at most %d", len(text), maxFeedBytes)
	}
	if err := checkMembers(text, feed); err != nil {
		return feed, err
	}
	if err := json.Unmarshal(text, &feed); err != nil {
		return feed, fmt.Errorf("decoding feed settings: %w", err)
	}
	return feed, nil
}
