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
	// wildcard, csv, json, misp or stix.
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

	// URL is where the importer fetches the list, https only. The list lands in the
	// folder of the feed like an upload and is judged like one; the newest object of
	// the folder counts, whoever put it there. What follows is about fetching and must
	// be unset without a URL.
	//
	// Default: lists are uploaded.
	URL string `json:"url,omitempty"`
	// Schedule of fetching as EventBridge Scheduler writes it, "rate(6 hours)" or
	// "cron(15 4 * * ? *)" in UTC, at most every 5 minutes.
	//
	// Default: [DefaultSchedule].
	Schedule string `json:"schedule,omitempty"`
	// Allow makes the list one of names that are never marked: it lands under allow/.
	//
	// Default: it lands under feeds/ and blocks.
	Allow bool `json:"allow,omitempty"`
	// SecretARN names the Secrets Manager secret that the server wants to see, by ARN.
	// It needs SecretHeader or SecretQuery.
	//
	// Default: the server wants none.
	SecretARN string `json:"secretArn,omitempty"`
	// SecretKey is the member of a secret that is a JSON object.
	//
	// Default: the secret's whole text is sent.
	SecretKey string `json:"secretKey,omitempty"`
	// SecretHeader is the name of the request header that carries the secret as it is:
	// for Authorization, the secret includes the scheme ("Bearer ..."). The header is
	// never sent to another host than that of the URL.
	SecretHeader string `json:"secretHeader,omitempty"`
	// SecretQuery is the name of the query parameter that carries the secret.
	SecretQuery string `json:"secretQuery,omitempty"`
	// MaxBytes bounds the list as the server sends it.
	//
	// Default: what the guards take of an upload, maxListBytes, which bounds it anyway.
	MaxBytes int64 `json:"maxBytes,omitempty"`
	// Timeout bounds one fetch from the first name lookup to the last byte, from "1s" to
	// "10m".
	//
	// Default: [DefaultFetchTimeout].
	Timeout string `json:"timeout,omitempty"`
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
