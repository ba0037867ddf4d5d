package feed

import "strings"

// role is what a column of a table, or a member of a JSON object, holds.
type role uint8

const (
	roleNone role = iota
	roleURL
	roleName
	roleAddress
	rolePath
	roleType
	roleCategory
	roleSeverity
	roleConfidence
	roleReference
	roleFirstSeen
	roleExpires
	roleCount
)

// cells are the values of one row by role.
type cells [roleCount][]byte

// headingWords are the names under which lists have each role, in [normal] form, the
// preferred first. They are those of URLhaus, ThreatFox, Feodo Tracker, Blackbook,
// OTX, MISP's CSV and the like.
var headingWords = [roleCount][]string{
	roleURL: {"url", "urls", "uri"},
	roleName: {
		"domain", "domain_name", "domainname", "domains", "hostname", "host", "host_name", "hosts", "fqdn",
		"dns", "dns_name", "indicator", "indicator_value", "ioc", "ioc_value", "observable",
		"observable_value", "value", "entry", "name",
	},
	roleAddress: {
		"ip", "ip_address", "ipaddress", "ip_addr", "ipv4", "ipv6", "dst_ip", "dest_ip", "cidr", "network",
		"netblock", "ip_range", "address",
	},
	rolePath:       {"path", "url_path", "uri_path"},
	roleType:       {"ioc_type", "indicator_type", "type"},
	roleCategory:   {"threat_type", "threat", "category", "classification", "malware", "malware_printable", "malware_family", "family"},
	roleSeverity:   {"severity"},
	roleConfidence: {"confidence", "confidence_level"},
	roleReference:  {"reference", "references", "urlhaus_link", "urlhaus_reference", "link"},
	roleFirstSeen: {
		"first_seen", "first_seen_utc", "firstseen", "dateadded", "date_added", "date", "added", "created",
		"created_at", "valid_from",
	},
	roleExpires: {"expires", "expires_at", "expiry", "expiration", "valid_until"},
}

// vagueRank is the rank of "name", which many things have.
var vagueRank = len(headingWords[roleName]) - 1

// heading is what a heading means; the lower rank is preferred.
type heading struct {
	role role
	rank int
}

var headings = indexHeadings()

func indexHeadings() map[string]heading {
	index := map[string]heading{}
	for r, words := range headingWords {
		for rank, word := range words {
			index[word] = heading{role(r), rank}
		}
	}
	return index
}

// headingOf returns what a heading means, and no role if it is not known.
func headingOf(text string) heading { return headings[normal(text)] }

// normal brings a heading to one form: lower case, words joined by an underscore.
func normal(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return '_'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(text)))
}

// isIndicatorRole reports whether a role alone can make a row an entry.
func (r role) isIndicator() bool { return r == roleURL || r == roleName || r == roleAddress }
