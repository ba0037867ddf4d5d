package settings

import (
	"fmt"
	"reflect"
	"slices"
)

// maxFeedBytes is the largest value of a standard SSM parameter, 4 KiB.
const maxFeedBytes = 4 << 10

// Feed is what the SSM parameter of a feed holds, as a JSON object. Every member can be left
// out, and so can the parameter: a folder with a list in it is a feed.
type Feed struct {
	// Format of the list.
	Format string `json:"format,omitempty" unset:"detected" oneof:"plain hosts adblock dnsmasq unbound bind rpz wildcard csv json misp stix"`
	// Scope of every name: the name alone, the name and everything under it, or only what is
	// under it.
	Scope string `json:"scope,omitempty" unset:"as the format defines it" oneof:"name subtree under"`
	// Column that holds the names: the heading of a CSV list, or a member of a JSON list.
	Column string `json:"column,omitempty" unset:"detected"`
	// Registrable cuts every name to its registrable domain, "a.b.evil.example" to
	// "evil.example", as the original sample did.
	Registrable bool `json:"registrable,omitempty"`
	// Category of entries that have none of their own.
	Category string `json:"category,omitempty"`
	// Severity of entries that have none of their own.
	Severity string `json:"severity,omitempty" default:"medium" oneof:"low medium high critical" anycase:"true"`
	// Confidence of entries that have none of their own.
	Confidence *int `json:"confidence,omitempty" default:"50" min:"0" max:"100"`
	// MaxAge is how long the feed counts after its last accepted list, like "36h" or "7d".
	MaxAge Duration `json:"maxAge,omitempty" unset:"forever" min:"1s"`
	// Force is the reason why lists of this feed are accepted although a guard refuses them.
	// Every report shows it.
	Force string `json:"force,omitempty" unset:"guards refuse"`

	// URL is where the importer fetches the list, https only. The list is stored in the folder
	// of the feed and checked like an upload; the newest object of the folder counts, whoever
	// stored it. The following settings need a URL.
	URL string `json:"url,omitempty" unset:"lists are uploaded"`
	// Schedule says when the list is fetched, as EventBridge Scheduler writes it, in UTC:
	// "rate(6 hours)" or "cron(15 4 * * ? *)", at most every 5 minutes.
	Schedule string `json:"schedule,omitempty" default:"rate(1 hour)"`
	// Allow makes the fetched list one of names that are never marked.
	Allow bool `json:"allow,omitempty"`
	// SecretARN is the ARN of the Secrets Manager secret that the server asks for. It needs
	// secretHeader or secretQuery. A deployment pins it to the host of the URL: if only the
	// parameter of the feed is changed to another host, secret or header, nothing is sent.
	SecretARN string `json:"secretArn,omitempty"`
	// SecretKey is the member of a secret that is a JSON object.
	SecretKey string `json:"secretKey,omitempty" unset:"the whole secret is sent"`
	// SecretHeader is the name of the request header that carries the secret as it is: for
	// Authorization, the secret includes the scheme ("Bearer ..."). The header is sent only to
	// the host of the URL.
	SecretHeader string `json:"secretHeader,omitempty"`
	// SecretQuery is the name of the query parameter that carries the secret.
	SecretQuery string `json:"secretQuery,omitempty"`
}

// DecodeFeed reads the value of a feed's parameter. A member that is not a setting is an
// error that names the nearest setting.
func DecodeFeed(text []byte) (Feed, error) {
	var feed Feed
	if len(text) > maxFeedBytes {
		return feed, fmt.Errorf("feed settings of %d bytes: must be at most %d", len(text), maxFeedBytes)
	}
	d := decoder{unknown: func(section reflect.Type, _, name string) error {
		if slices.Contains(legacyFeedMembers, name) {
			return nil
		}
		return fmt.Errorf("member %q: %s", name, unknown(section, name))
	}}
	err := d.decode(text, &feed)
	return feed, err
}
