package column_test

import (
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
)

func TestHeadingOf(t *testing.T) {
	t.Parallel()
	for role, texts := range map[column.Role][]string{
		column.URL:        {"url", "URL", "Download URL", "payload-url", "phishing urls", "URL (defanged)", "source.url"},
		column.Name:       {"domain", "#Domain", "\ufeffDomain", "Domain Name", "DomainAddress", "C2", "C2 server", "c2 domain", "fqdn", "Indicator", "IOC", "Observable", "threat.indicator.domain", "source.fqdn", "domain-name:value", "phishing site", "Host"},
		column.Address:    {"ip", "IP Address", "dst_ip", "ipAddress", "source.ip", "attacker ip", "CIDR", "C2 IP"},
		column.Type:       {"type", "Indicator_type", "entity_type", "IOC Type"},
		column.Reference:  {"reference", "Source", "source url", "write-up", "Report link", "blog post", "tweet", "meta.source", "event_description.url", "urlhaus_link"},
		column.Context:    {"brand", "Target domain", "reporter", "Sensor", "filename", "File Name", "SHA256 hash", "nameserver", "reverse_dns", "feed.url", "destination.ip", "dst_port", "ip country", "url hash"},
		column.Withdrawn:  {"false_positive", "removed_at", "DeleteDate", "is_deleted", "revoked"},
		column.Active:     {"is_active", "Active", "enabled"},
		column.Status:     {"status", "url_status", "verdict"},
		column.Detection:  {"to_ids"},
		column.FirstSeen:  {"first_seen", "Date added", "time.source", "Valid From"},
		column.Expires:    {"Valid Until", "expiry", "End of validity"},
		column.Category:   {"malware", "Threat type", "family"},
		column.None:       {"", "plek", "domain age", "threats_by_host", "url length"},
		column.Confidence: {"confidence_level"},
	} {
		for _, text := range texts {
			if got := column.HeadingOf(text).Role; got != role {
				t.Errorf("%q: %v, want %v", text, got, role)
			}
		}
	}
}

func TestParseType(t *testing.T) {
	t.Parallel()
	for kind, words := range map[column.ValueType][]string{
		column.TypeAny:         {""},
		column.TypeName:        {"domain", "Domain", "HOSTNAME", "fqdn", "domain-name", "domain-name:value", "Intel::DOMAIN", "Domain Name", "malicious domain", "C2 domain", "network (domain)", "host:port"},
		column.TypeURL:         {"url", "URI", "phishing URL", "Intel::URL"},
		column.TypeAddress:     {"ip", "IPv4", "ipv4-addr", "ip-dst", "IP Address", "CIDR", "C2 IP address", "Intel::SUBNET"},
		column.TypeAddressPort: {"ip:port", "IP:Port"},
		column.TypeNameAddress: {"domain|ip", "Domain | IP"},
		column.TypeNamePort:    {"hostname|port"},
		column.TypeAddressPair: {"ip-dst|port"},
		column.TypeOther:       {"md5", "SHA-256", "FileHash-SHA1", "filename|md5", "email-src", "email domain", "link", "text", "comment", "attachment", "file path", "Intel::FILE_HASH"},
		column.TypeUnknown:     {"person", "phishing", "domain generation algorithm", "a sentence that is much too long to be the name of any type"},
	} {
		for _, word := range words {
			if got := column.ParseType(word); got != kind {
				t.Errorf("%q: %v, want %v", word, got, kind)
			}
		}
	}
}

func TestIsDismissed(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"False Positive", "false_positive", "FP", "removed", "Benign", "whitelisted", "*original", "legitimate"} {
		if !column.IsDismissed(word) {
			t.Errorf("%q does not dismiss a row", word)
		}
	}
	for _, word := range []string{"online", "offline", "malicious", "phishing", "active", "new", "unknown", ""} {
		if column.IsDismissed(word) {
			t.Errorf("%q dismisses a row", word)
		}
	}
}
