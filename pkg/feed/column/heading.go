// Package column decides which column of a table, or which member of JSON objects, holds the
// indicators of a list. Start with [Choose]: it looks at the headings and at a sample of rows,
// and returns a [Plan] that says how each column is read and why. It refuses to guess: if two
// columns could hold the indicators, the error is an [*UnclearError] that shows both.
package column

import (
	"slices"
	"strings"
	"unicode"
)

// Role is what a column holds.
type Role uint8

// The roles. URL, Name and Address are the ones that make an entry.
const (
	None Role = iota
	URL
	Name
	Address
	Path
	Type
	Category
	Severity
	Confidence
	Reference // where a report can be read; never an indicator
	FirstSeen
	Expires
	Detection // whether the row is meant for detection, as MISP's to_ids
	Withdrawn // set if the row was withdrawn: a flag or a date
	Active    // whether the row still counts
	Status    // a word, such as online or false_positive
	Context   // something about the indicator: its victim, its reporter, its files
	RoleCount
)

var roleNames = [RoleCount]string{
	None: "not read", URL: "URL", Name: "name", Address: "address", Path: "path", Type: "type",
	Category: "category", Severity: "severity", Confidence: "confidence", Reference: "reference",
	FirstSeen: "first seen", Expires: "expiry", Detection: "for detection", Withdrawn: "withdrawn",
	Active: "active", Status: "status", Context: "not read",
}

// String returns the role in words, as reports show it.
func (r Role) String() string { return roleNames[r] }

// IsIndicator reports whether a value with this role is enough to make an entry.
func (r Role) IsIndicator() bool { return r == URL || r == Name || r == Address }

// strength says how much a heading of an indicator proves.
type strength uint8

const (
	vague    strength = iota // nearly anything may be under it: `name`
	hostLike                 // a host, which may also be a sensor or the reverse name of an address
	generic                  // an indicator of any type: `ioc`, `value`
	definite                 // an indicator of one type: `domain`, `url`, `ip`
)

// Heading is the meaning of a heading. If two headings have the same role, the one with the
// lower rank is preferred.
type Heading struct {
	Role     Role
	Rank     int
	strength strength
}

// words are headings with one meaning, as [normalize] returns them, the preferred ones first.
type words struct {
	role     Role
	strength strength
	texts    string
}

// vocabulary holds the known headings, with the sources that use them. A heading with
// dots that is not in it is looked up by its last part: `threat.indicator.domain` (Elastic
// Common Schema) and `source.fqdn` (IntelMQ) end in what they hold.
var vocabulary = []words{
	// URLhaus, Phishtank, OpenPhish, CrowdStrike, Palo Alto Unit 42.
	{URL, definite, "url urls uri download_url payload_url full_url url_full phish_url malicious_url phishing_url"},
	// Blackbook, OTX, IntelMQ (fqdn), Amnesty, Unit 42 (c2), dnstwist, STIX paths.
	{Name, definite, "domain domain_name domainname domains fqdn dns dns_name dns_names rrname query_name qname " +
		"domain_name_value malicious_domain phishing_domain c2 c2s c2_domain c2_server c2_host c2_address c_c cnc cnc_domain"},
	// urlhaus-filter for Splunk, Feodo Tracker (the reverse name of the address).
	{Name, hostLike, "hostname host host_name hosts hostnames"},
	// ThreatFox, OTX (indicator), Zeek (indicator), MISP and Volexity (value), Sophos (data), SEKOIA (ioc).
	{Name, generic, "indicator indicators indicator_value ioc iocs ioc_value observable observable_value value entry data " +
		"stix_value indicator_name domain_ip ip_domain domain_or_ip ip_or_domain domains_ips host_ip ip_host ip_url url_ip " +
		"domain_url url_domain"},
	{Name, vague, "name site website server entity item"},
	// Feodo Tracker (dst_ip), SSLBL (dstip), IntelMQ (source.ip), CrowdStrike, STIX paths.
	{Address, definite, "ip ip_address ipaddress ip_addr ipaddr ipv4 ipv6 ips dst_ip dstip dest_ip cidr network netblock " +
		"ip_range subnet ipv4_addr_value ipv6_addr_value malicious_ip c2_ip c2_ip_address ipv4_address ipv6_address ip_s"},
	{Address, generic, "address"},
	{Path, definite, "path url_path uri_path"},

	// ThreatFox (ioc_type), Sophos (Indicator_type), Volexity (entity_type), Zeek, MISP (type).
	{Type, definite, "ioc_type indicator_type entity_type observable_type attribute_type type types kind ioctype indicatortype"},
	{Category, definite, "threat_type threat category classification malware malware_printable malware_family family " +
		"malware_name class"},
	{Severity, definite, "severity"},
	{Confidence, definite, "confidence confidence_level"},

	// URLhaus, ThreatFox (reference), Zeek (meta.source), SEKOIA (Link), IntelMQ (event_description.url).
	{Reference, definite, "reference references urlhaus_link urlhaus_reference link links source sources report reports " +
		"report_url blog blog_url blog_post tweet tweets twitter post article write_up writeup external_reference " +
		"external_references ref refs see advisory publication news story citation credit more_info information info_url " +
		"details phish_detail_url malware_malpedia malpedia permalink virustotal vt vt_link urlscan event_description.url " +
		"meta.source meta.url meta.desc pulse_source url_source source_url reference_url urlhaus_url screenshot manual docs " +
		"documentation homepage license"},
	{FirstSeen, definite, "first_seen first_seen_utc firstseen dateadded date_added date added created created_at valid_from " +
		"firstseen_utc time.source time.observation insertdate insert_date creation_date submission_time"},
	{Expires, definite, "expires expires_at expiry expiration valid_until expiration_date end_of_validity"},

	// MISP and IntelMQ; abuse.ch (false positive); German and Polish warning lists (DeleteDate).
	{Detection, definite, "to_ids toids ids"},
	{Withdrawn, definite, "false_positive false_positives falsepositive is_false_positive fp removed removed_at removed_on " +
		"is_removed date_removed removal_date deleted deleted_at is_deleted delete_date deletedate deletion_date date_deleted " +
		"revoked revoked_at is_revoked retracted retracted_at withdrawn withdrawn_at whitelisted is_whitelisted allowlisted " +
		"is_allowlisted benign is_benign disabled is_disabled inactive"},
	{Active, definite, "active is_active isactive enabled is_enabled malicious is_malicious"},
	{Status, definite, "status state url_status c2_status verdict disposition label fuzzer"},

	// Columns about somebody else, or about the indicator.
	{Context, definite, "brand brands target targets targeted victim victims victim_domain target_domain targeted_brand " +
		"legitimate legitimate_domain legit original original_domain impersonated impersonates company organisation " +
		"organization customer mimics spoofed real_domain"},
	{Context, definite, "reporter reporters reported_by sensor sensors observer analyst author researcher submitter user " +
		"username contact email e_mail abuse_contact collector honeypot probe computer device machine endpoint asset workstation agent detected_by seen_by observed_by " +
		"affected_host infected_host src_ip srcip source_ip_of_victim client client_ip"},
	{Context, definite, "file files filename file_name filenames file_path filepath sample samples sample_name process " +
		"process_name service task task_name tool tool_name script module driver dll mutex registry md5 sha1 sha256 sha512 " +
		"hash hashes md5_hash sha1_hash sha256_hash ssdeep tlsh imphash md5sum sha256sum dropped_filename itw_filename " +
		"path_name pdb yara signature"},
	{Context, definite, "registrar nameserver nameservers name_server ns nshost nsname ns_name nsip mx reverse_dns rdns ptr " +
		"reverse_name reverse source.reverse_dns destination.reverse_dns provider isp asn as as_name as_number as_owner asname " +
		"hoster hosting_provider dns_a dns_aaaa dns_mx dns_ns cname resolver parent registrant whois country city geoip " +
		"cc tld port dst_port description descriptions desc note notes comment comments remark remarks remarks_note message " +
		"tags tag title info feed_name feed_url feed_provider id uuid event_id resolved_ip resolved_ips resolves_to resolution " +
		"a_record destination_ip destination_fqdn destination_url destination_domain redirect redirects_to final_url " +
		"landing_site"},
}

// vagueRank is above the ranks of all headings that are not vague.
const vagueRank = 1000

// Proves reports whether the heading alone shows that an object is an entry of a list.
func (h Heading) Proves() bool {
	return (h.Role == Name || h.Role == Address) && h.strength >= generic
}

// IsVague reports whether the heading is one that many unrelated documents have.
func (h Heading) IsVague() bool { return h.Rank >= vagueRank }

var known = indexVocabulary()

func indexVocabulary() map[string]Heading {
	index := map[string]Heading{}
	ranks := [RoleCount]int{}
	for _, entry := range vocabulary {
		for _, text := range strings.Fields(entry.texts) {
			h := Heading{entry.role, ranks[entry.role], entry.strength}
			if entry.role.IsIndicator() && entry.strength == vague {
				h.Rank += vagueRank
			}
			ranks[entry.role]++
			index[text] = h
		}
	}
	return index
}

// HeadingOf returns the meaning of a heading. An unknown heading has the role [None].
func HeadingOf(text string) Heading {
	text = strings.TrimLeft(strings.TrimSpace(text), "#\ufeff \t\"'")
	for _, form := range []string{normalize(text), normalize(splitCamel(text))} {
		if h, found := known[form]; found {
			return h
		}
	}
	if dot := strings.LastIndexByte(text, '.'); dot >= 0 && dot+1 < len(text) {
		prefix := normalize(text[:dot])
		if strings.HasPrefix(prefix, "destination") || strings.HasPrefix(prefix, "feed") {
			return Heading{Role: Context, strength: definite}
		}
		return HeadingOf(text[dot+1:])
	}
	return compound(normalize(splitCamel(text)))
}

// nouns are the words that decide what several words mean together, if they come last:
// `C2 domain` is a domain, `domain registrar` is a registrar. A modifier before an indicator can
// say that it is not one: `report url`, `target domain`.
var (
	nouns = map[string]Heading{
		"url": {URL, 500, definite}, "urls": {URL, 500, definite}, "uri": {URL, 500, definite},
		"domain": {Name, 500, definite}, "domains": {Name, 500, definite}, "fqdn": {Name, 500, definite},
		"c2": {Name, 500, definite}, "cnc": {Name, 500, definite}, "c2s": {Name, 500, definite},
		"host": {Name, 501, hostLike}, "hostname": {Name, 501, hostLike},
		"ioc": {Name, 502, generic}, "iocs": {Name, 502, generic}, "indicator": {Name, 502, generic}, "indicators": {Name, 502, generic},
		"ip": {Address, 500, definite}, "ips": {Address, 500, definite}, "ipv4": {Address, 500, definite}, "ipv6": {Address, 500, definite},
	}
	// fillers end a heading without saying more.
	fillers = []string{"name", "names", "address", "addresses", "list", "value", "s", "server", "servers", "utc", "defanged"}
	// prepositions make something else of the noun after them: `threats_by_host`.
	prepositions = []string{"by", "per", "of", "from", "to", "for", "in", "on"}
	// evil are modifiers that make a vague noun definite.
	evil = []string{"c2", "cnc", "c", "malicious", "phishing", "malware", "bad", "evil"}
	// places are nouns that mean a name after such a modifier.
	places = []string{"site", "sites", "server", "servers", "website", "address", "addresses", "panel"}
)

// compound returns the meaning of a heading of several words that is not in the vocabulary.
func compound(text string) Heading {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == '_' })
	if len(parts) < 2 {
		return Heading{}
	}
	last := parts[len(parts)-1]
	if slices.Contains(places, last) && slices.ContainsFunc(parts[:len(parts)-1], isEvil) {
		return Heading{Name, 503, definite}
	}
	noun := parts
	for len(noun) > 1 && slices.Contains(fillers, noun[len(noun)-1]) {
		noun = noun[:len(noun)-1]
	}

	head := noun[len(noun)-1]
	for _, modifier := range noun[:len(noun)-1] {
		if slices.Contains(prepositions, modifier) {
			return Heading{}
		}
		if h := known[modifier]; h.Role == Reference || h.Role == Context {
			return Heading{Role: h.Role, strength: definite}
		}
	}
	if h, found := nouns[head]; found {
		return h
	}
	if h := known[head]; !h.Role.IsIndicator() && h.Role != Type {
		return h
	}
	return Heading{}
}

func isEvil(word string) bool { return slices.Contains(evil, word) }

// normalize converts a heading to lower case with words joined by underscores. Dots stay.
func normalize(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' })
	return strings.Join(words, "_")
}

// splitCamel separates the words of a heading such as DomainAddress.
func splitCamel(text string) string {
	var b strings.Builder
	before := rune(0)
	for _, r := range text {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte('_')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// SameHeading reports whether two texts are the same heading, whatever their case and the
// signs between their words.
func SameHeading(a, b string) bool {
	clean := func(text string) string { return strings.TrimLeft(strings.TrimSpace(text), "#\ufeff \t") }
	if a, b = clean(a), clean(b); strings.EqualFold(a, b) {
		return true
	}
	a, b = normalize(a), normalize(b)
	return a != "" && a == b
}
