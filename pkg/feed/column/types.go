package column

import (
	"slices"
	"strings"
)

// ValueType is what a row says about the type of its value.
type ValueType uint8

// The types of a value.
const (
	TypeAny         ValueType = iota // no type is given, or the value itself shows it
	TypeName                         // a name; the value may also be an address or a URL
	TypeURL                          // a URL, or a part of one
	TypeAddress                      // an address or a block
	TypeAddressPort                  // an address with a port, even without brackets
	TypeNameAddress                  // `domain|ip`: both are indicators
	TypeNamePort                     // `hostname|port`
	TypeAddressPair                  // `ip-dst|port`
	TypeOther                        // neither a name nor an address
	TypeUnknown                      // a word that is not known; its value is not an indicator
)

// IsIndicator reports whether a value of the type can be an indicator.
func (t ValueType) IsIndicator() bool { return t < TypeOther }

// typeWords are the words for types, as [normalize] returns them.
var typeWords = indexTypes(map[ValueType]string{
	// ThreatFox, OTX, CrowdStrike, MISP, STIX, Zeek, Sophos, Volexity, SEKOIA.
	TypeName: "domain domains domain_name domain_names domainname fqdn hostname hostnames host hosts host_name dns dns_name " +
		"domain_name_value hostname_value network_domain c2_domain phishing_domain malicious_domain intel_domain " +
		"indicator_domain domain_port host_port hostname_port domain_hostname hostname_domain subdomain subdomains fully_qualified_domain_name",
	TypeURL: "url urls uri uris url_value link_url malicious_url phishing_url c2_url download_url payload_url intel_url " +
		"indicator_url url_full uri_url",
	TypeAddress: "ip ips ipv4 ipv6 ip_address ip_addresses ipaddress ip_addr ipaddr ipv4_addr ipv6_addr ipv4_address " +
		"ipv6_address ipv4address ipv6address ipv4_addr_value ipv6_addr_value ip_dst ip_src c2_ip malicious_ip cidr cidrs subnet " +
		"netblock network ip_range ip_address_block ipv4_cidr ipv6_cidr intel_addr intel_subnet addr ip_v4 ip_v6 " +
		"ipv4_network ipv6_network src_ip dst_ip remote_ip ip_c2 c2_ip_address",
	TypeAddressPort: "ip_port ipv4_port ipv6_port ip_address_port",
	TypeOther: "md5 sha1 sha_1 sha_256 sha224 sha256 sha384 sha512 hash hashes file files filename file_name file_path filepath imphash " +
		"ssdeep tlsh email emails e_mail mail email_address email_addr emailsender email_src email_dst mutex mutex_name registry " +
		"registry_key regkey yara sigma snort cve vulnerability asn as ja3 ja3s x509 certificate btc bitcoin wallet user " +
		"username user_account user_name process process_name package pdb sha256_hash md5_hash sha1_hash hash_md5 hash_sha1 " +
		"hash_sha256 filehash_md5 filehash_sha1 filehash_sha256 filehash command_line commandline service service_name link " +
		"reference text comment description other attachment note tool path user_agent useragent intel_file_hash intel_email " +
		"intel_file_name intel_software intel_user_name intel_cert_hash intel_pubkey_hash",
})

func indexTypes(texts map[ValueType]string) map[string]ValueType {
	index := map[string]ValueType{}
	for kind, words := range texts {
		for word := range strings.FieldsSeq(words) {
			index[word] = kind
		}
	}
	return index
}

// pairs are the types of MISP whose values have two parts.
var pairs = map[string]ValueType{
	"domain|ip": TypeNameAddress, "hostname|ip": TypeNameAddress,
	"hostname|port": TypeNamePort, "domain|port": TypeNamePort,
	"ip-src|port": TypeAddressPair, "ip-dst|port": TypeAddressPair, "ip|port": TypeAddressPair,
}

// qualifiers are words of a type that do not change what its value is.
var qualifiers = []string{
	"c2", "cnc", "c", "and", "control", "command", "malicious", "phishing", "malware", "address", "name", "names", "value",
	"indicator", "ioc", "network", "remote", "bad", "type", "the", "of", "a", "download", "payload", "landing", "attacker",
	"external", "suspicious", "server", "defanged", "v4", "v6", "full", "exact",
}

// ParseType returns the type that a word stands for. Text that cannot be the name of a type is
// unknown.
func ParseType(word string) ValueType {
	switch word { // a shortcut for the usual spellings
	case "":
		return TypeAny
	case "domain", "hostname":
		return TypeName
	case "url":
		return TypeURL
	case "ip":
		return TypeAddress
	case "ip:port":
		return TypeAddressPort
	}
	if len(word) > maxTypeBytes {
		return TypeUnknown
	}
	if strings.IndexByte(word, '|') >= 0 {
		if kind, found := pairs[strings.ToLower(strings.ReplaceAll(word, " ", ""))]; found {
			return kind
		}
		return TypeOther // a pair of a file and a hash, or the like
	}
	text := normalize(word)
	if kind, found := typeWords[text]; found {
		return kind
	}
	return typeOfPhrase(text)
}

// maxTypeBytes is longer than any name of a type; longer text is prose.
const maxTypeBytes = 40

// typeOfPhrase reads a type of several words, such as `malicious domain`: one word names the
// type, and the others are qualifiers.
func typeOfPhrase(text string) ValueType {
	found := TypeUnknown
	for part := range strings.SplitSeq(text, "_") {
		kind, isType := typeWords[part]
		switch {
		case isType && kind == TypeOther:
			return TypeOther
		case slices.Contains(qualifiers, part):
		case !isType, found != TypeUnknown && found != kind:
			return TypeUnknown
		default:
			found = kind
		}
	}
	return found
}

// IsOff reports whether the cell of a column [Withdrawn] says that the row was withdrawn:
// anything but an empty cell or a no.
func IsOff(cell string) bool {
	switch strings.ToLower(cell) {
	case "", "-", "0", "false", "no", "n", "f", "none", "null", "never", "n/a", "na", "nan", "[]", "{}", "\\n":
		return false
	}
	return !strings.HasPrefix(cell, "0000-00-00") && !strings.HasPrefix(cell, "0001-01-01")
}

// IsNo reports whether a cell of a column such as [Active] or [Detection] is negative.
func IsNo(cell string) bool {
	switch strings.ToLower(cell) {
	case "0", "false", "no", "n", "f", "inactive", "disabled", "off":
		return true
	}
	return false
}

// IsDismissed reports whether a word of a column such as [Status] or [Category] says that the
// value is not malicious, or no longer. Words such as offline are not among these: a server
// that is down today may be up tomorrow.
func IsDismissed(cell string) bool {
	switch normalize(cell) {
	case "false_positive", "falsepositive", "fp", "removed", "deleted", "revoked", "withdrawn", "retracted", "inactive",
		"disabled", "expired", "whitelisted", "whitelist", "allowlisted", "allowlist", "benign", "legitimate", "legit",
		"harmless", "clean", "safe", "good", "not_malicious", "nonmalicious", "invalid", "rejected", "original":
		return true
	}
	return false
}
