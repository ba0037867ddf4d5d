package settings

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// A pin binds a feed's secret to the host that may receive it. A deployment pins the secrets of
// its feeds in the configuration of the importer, so whoever can only write the parameter of a
// feed cannot have a secret sent anywhere else.

// pinBytes is the length of a pin before it is encoded. The pins of 200 feeds fit into the
// variables of a function. To have a secret sent to another host, an attacker needs settings with
// one of these pins, and would search through about 2^72 of them.
const pinBytes = 10

// beginARN begins the ARN of every secret. A pin does not contain a colon.
const beginARN = "arn:"

// PinSecrets returns the pins of feeds for [ImporterFunction.SecretPins], by feed id. isToken
// reports whether the ARN of a secret is a placeholder that the deployment replaces: then the
// hash cannot cover it, and it precedes the pins of its feeds. Pins are separated by blanks.
func PinSecrets(feeds map[string]Feed, isToken func(string) bool) []string {
	var known []string
	later := map[string]string{} // by ARN that is not known yet
	for _, id := range slices.Sorted(maps.Keys(feeds)) {
		feed := feeds[id]
		switch arn := feed.SecretARN; {
		case arn == "" || feed.URL == "":
		case isToken(arn):
			later[arn] += " " + feed.pin(id, "")
		default:
			known = append(known, feed.pin(id, arn))
		}
	}
	var pins []string
	if len(known) > 0 {
		pins = append(pins, strings.Join(known, " "))
	}
	for _, arn := range slices.Sorted(maps.Keys(later)) {
		pins = append(pins, arn+later[arn])
	}
	return pins
}

// SecretPinned reports whether the secret of the feed may be sent to the host of its URL, as
// the feed's settings say. Without a secret there is nothing to pin.
func (f *Feed) SecretPinned(id string, pins []string) bool {
	if f.SecretARN == "" {
		return true
	}
	for _, entry := range pins {
		fields, arn := strings.Fields(entry), f.SecretARN
		if len(fields) > 0 && strings.HasPrefix(fields[0], beginARN) {
			if fields[0] != f.SecretARN {
				continue
			}
			fields, arn = fields[1:], ""
		}
		if slices.Contains(fields, f.pin(id, arn)) {
			return true
		}
	}
	return false
}

// pin returns the pin of the feed's secret. The member of the secret and the place in the
// request are part of it: the host could otherwise be sent another member, or find the secret
// where its logs show it.
func (f *Feed) pin(id, arn string) string {
	text, err := json.Marshal([]string{id, arn, f.SecretKey, f.pinnedHost(), strings.ToLower(f.SecretHeader), f.SecretQuery})
	if err != nil {
		panic(err) // strings can be encoded
	}
	hash := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(hash[:pinBytes])
}

// pinnedHost returns the host of the URL and its port, or "" if the URL is not valid.
func (f *Feed) pinnedHost() string {
	u, err := url.Parse(f.URL)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
