package brokenlists

import (
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

const allow = indicator.ActionAllow

// lineFormats returns lists in a known format that block nothing or the wrong names.
func lineFormats() []List {
	return []List{
		{Name: "hosts-localhost-only.txt", Wrong: "a default hosts file", Want: "refused no_entries, 5 skipped"},
		{Name: "hosts-of-a-company.txt", Wrong: "a company's own hosts file", Want: "refused no_entries, 4 skipped"},
		{Name: "hosts-columns-swapped.txt", Wrong: "a hosts file with swapped columns", Want: "refused unreadable"},
		{Name: "adblock-exceptions-only.txt", Wrong: "only exceptions", Want: "takes 2"},
		{Name: "adblock-cosmetic-only.txt", Wrong: "rules that do not block hosts", Want: "refused no_entries, 5 skipped"},
		{Name: "rpz-passthru-only.txt", Wrong: "a zone with only exceptions", Want: "takes 2"},
		{Name: "rpz-header-only.txt", Wrong: "a zone without records", Want: "refused no_entries"},
		{Name: "rpz-rewrites.txt", Wrong: "a zone with rewrites", Want: "takes 1, 2 skipped"},
		{Name: "dnsmasq-forwards.conf", Wrong: "a dnsmasq configuration", Want: "refused no_entries, 3 rejected, 1 single_label"},
		{Name: "unbound-config.conf", Wrong: "an unbound configuration", Want: "refused no_entries, 3 skipped"},
		{Name: "bind-forwards.conf", Wrong: "a BIND configuration", Want: "refused no_entries, 2 skipped"},
		{Name: "mixed-formats.txt", Wrong: "lines of four formats", Want: "takes 5, 3 rejected"},
		{Name: "no-final-newline.txt", Wrong: "truncated inside the last name", Want: "takes 1, 1 unknown_tld"},
		{Name: "says-more.txt", Wrong: "fewer entries than its header says", Want: "refused cut_off"},
		{Name: "wildcard-addresses.txt", Wrong: "wildcards in addresses", Want: "takes 1, 2 skipped"},
		{Name: "named-otherwise.txt", Wrong: "JSON where hosts are expected", Want: "refused bad_settings",
			Settings: list.Options{Format: feed.Hosts}, made: text(`["evil.example"]`)},
		{Name: "plain-named-hosts.txt", Wrong: "plain names where a hosts file is expected", Want: "refused too_many_invalid no_entries, 30 rejected",
			Settings: list.Options{Format: feed.Hosts}, made: text(names(30))},
	}
}

// tables returns CSV lists.
func tables() []List {
	return []List{
		{Name: "csv-shifted-columns.csv", Wrong: "an extra cell in each row", Want: "refused too_many_invalid no_entries, 25 rejected"},
		{Name: "csv-one-shifted.csv", Wrong: "an extra cell in one row", Want: "takes 25, 1 rejected"},
		{Name: "csv-headings-only.csv", Wrong: "headings without rows", Want: "refused no_entries"},
		{Name: "csv-other-separator.csv", Wrong: "rows and headings with different separators", Want: "takes 25"},
		{Name: "csv-open-quote.csv", Wrong: "an unclosed quote", Want: "takes 2, 1 rejected"},
		{Name: "csv-no-headings-known.csv", Wrong: "columns without indicators", Want: "refused unreadable"},
		{Name: "csv-no-such-column.csv", Wrong: "the configured column is missing", Want: "refused bad_settings",
			Settings: list.Options{Column: "bad_host"}},
		{Name: "csv-empty-cells.csv", Wrong: "rows without an indicator", Want: "refused no_entries, 3 skipped"},
	}
}

// otherJSON returns JSON lists that are neither MISP nor STIX.
func otherJSON() []List {
	return []List{
		{Name: "json-error.json", Wrong: "an error object", Want: "refused unreadable"},
		{Name: "json-message.json", Wrong: "an API Gateway error", Want: "refused unreadable"},
		{Name: "json-numbers.json", Wrong: "an array of numbers", Want: "refused unreadable"},
		{Name: "json-null.json", Wrong: "null", Want: "refused no_entries, 1 single_label"},
		{Name: "json-empty.json", Wrong: "an empty object", Want: "refused unreadable"},
		{Name: "json-empty-array.json", Wrong: "an empty array", Want: "refused no_entries"},
		{Name: "json-cut.json", Wrong: "truncated inside a name", Want: "refused unreadable"},
		{Name: "json-cut-between.json", Wrong: "truncated between two entries", Want: "refused unreadable"},
		{Name: "json-trailing-text.json", Wrong: "text after the JSON", Want: "refused unreadable"},
		{Name: "json-unknown-shape.json", Wrong: "names as member names", Want: "refused unreadable"},
		{Name: "json-as-base64.json", Wrong: "the list in base64, as some APIs return it", Want: "refused unreadable"},
		{Name: "json-single-quotes.json", Wrong: "Python syntax with single quotes", Want: "refused unreadable"},
		{Name: "json-comma-missing.json", Wrong: "a missing comma between two entries", Want: "refused unreadable"},
		{Name: "json-no-key.json", Wrong: "a response that asks for an API key", Want: "refused unreadable"},
		{Name: "json-lines-cut.ndjson", Wrong: "JSON lines, the last one truncated", Want: "refused unreadable"},
		{Name: "json-mostly-odd.json", Wrong: "objects of another type", Want: "refused too_many_invalid, 30 rejected"},
		{Name: "json-depth-bomb.json", Wrong: "nested a million levels deep", Want: "refused too_large", made: repeated("", "[", 1<<20, "")},
		{Name: "json-object-bomb.json", Wrong: "a million nested objects", Want: "refused too_large", made: repeated(`{"data":`, `{"x":`, 1<<20, "")},
		{Name: "json-long-string.json", Wrong: "a string of 10 MiB", Want: "refused too_large", made: repeated(`["`, "x", 10<<20, `"]`)},
		{Name: "json-many-members.json", Wrong: "an object with a million members", Want: "refused unreadable", made: repeated("{", `"x":1,`, 1<<20, `"y":2}`)},
	}
}

// misp returns responses of MISP, or other responses in their place.
func misp() []List {
	const attribute = `{"type":"domain","value":"bad.example"},`
	return []List{
		{Name: "misp-cut.json", Wrong: "a truncated event", Want: "refused unreadable"},
		{Name: "misp-page.json", Wrong: "a login page", Want: "refused unreadable"},
		{Name: "misp-error.json", Wrong: "an error about the API key", Want: "refused unreadable"},
		{Name: "misp-empty-event.json", Wrong: "an event without attributes", Want: "refused no_entries"},
		{Name: "misp-empty-answer.json", Wrong: "an empty response", Want: "refused no_entries"},
		{Name: "misp-manifest.json", Wrong: "a feed manifest instead of an event", Want: "refused unreadable"},
		{Name: "misp-nothing-to-detect.json", Wrong: "to_ids is false everywhere", Want: "refused no_entries, 2 skipped"},
		{Name: "misp-all-deleted.json", Wrong: "deleted attributes and objects", Want: "refused no_entries, 2 skipped"},
		{Name: "misp-hashes-only.json", Wrong: "no names or addresses", Want: "refused no_entries, 2 skipped"},
		{Name: "misp-wrong-types.json", Wrong: "members of the wrong type", Want: "refused no_entries, 7 rejected, 1 skipped"},
		{Name: "misp-twice.json", Wrong: "repeated attributes member", Want: "refused unreadable"},
		{Name: "misp-values-twice.json", Wrong: "repeated value member", Want: "takes 1, 1 rejected"},
		{Name: "misp-too-wide.json", Wrong: "entries that cover everything", Want: "takes 1, 1 rejected, 1 protected, 1 shared_host, 1 single_label, 1 special_address, 1 wide_block"},
		{Name: "misp-depth-bomb.json", Wrong: "nested a million levels deep", Want: "refused too_large", made: repeated(`{"Event":{"x":`, "[", 1<<20, "")},
		{Name: "misp-long-value.json", Wrong: "a value of 10 MiB", Want: "refused too_large",
			made: repeated(`{"Attribute":[{"type":"domain","value":"`, "x", 10<<20, `"}]}`)},
		{Name: "misp-long-sample.json", Wrong: "a valid name next to a sample of 12 MiB", Want: "takes 1, 1 skipped",
			made: repeated(`{"Attribute":[{"type":"malware-sample","value":"x","data":"`, "QUFB", 3<<20, `"},{"type":"domain","value":"evil.example"}]}`)},
		{Name: "misp-late-deletion.json", Wrong: "an object that is marked deleted after 10,000 attributes", Want: "refused too_large",
			made: repeated(`{"Object":[{"Attribute":[`, attribute, 10_000, `{}],"deleted":true}]}`)},
		{Name: "warninglist-substring.json", Wrong: "a warninglist of substrings", Want: "refused unreadable"},
		{Name: "warninglist-regex.json", Wrong: "a warninglist of regular expressions", Want: "refused unreadable"},
		{Name: "warninglist-cut.json", Wrong: "a warninglist truncated before its type", Want: "refused unreadable"},
		{Name: "warninglist-names-as-cidr.json", Wrong: "a name in a warninglist of blocks", Want: "takes 1, 1 rejected"},
		{Name: "warninglist-long.json", Wrong: "a warninglist with 72 MiB before its type", Want: "refused too_large",
			made: repeated(`{"description":"d","list":[`, `"bad.example","worse.example",`, 3<<20, `"x.example"],"type":"string"}`)},
	}
}

// stix returns responses of STIX servers, or other responses in their place.
func stix() []List {
	return []List{
		{Name: "stix-cut.json", Wrong: "a truncated bundle", Want: "refused unreadable"},
		{Name: "stix-empty-bundle.json", Wrong: "an empty bundle", Want: "refused no_entries"},
		{Name: "stix-no-objects.json", Wrong: "a bundle without objects", Want: "refused no_entries"},
		{Name: "stix-revoked-only.json", Wrong: "only revoked indicators", Want: "refused no_entries, 2 skipped"},
		{Name: "stix-observed-only.json", Wrong: "names without indicators", Want: "refused no_entries, 2 skipped"},
		{Name: "stix-conditions-only.json", Wrong: "patterns with extra conditions", Want: "refused no_entries, 5 skipped"},
		{Name: "stix-bad-patterns.json", Wrong: "invalid patterns", Want: "takes 4, 4 rejected"},
		{Name: "stix-wrong-types.json", Wrong: "members of the wrong type", Want: "refused no_entries, 5 rejected"},
		{Name: "stix-twice.json", Wrong: "repeated objects member", Want: "refused unreadable"},
		{Name: "stix-other-languages.json", Wrong: "rules of YARA and Snort", Want: "refused no_entries, 2 skipped"},
		{Name: "stix-too-wide.json", Wrong: "entries that cover everything", Want: "takes 1, 1 rejected, 1 protected, 1 shared_host, 1 single_label, 1 special_address, 1 wide_block"},
		{Name: "stix-depth-bomb.json", Wrong: "nested a million levels deep", Want: "refused too_large", made: repeated(`{"type":"bundle","x":`, `{"x":`, 1<<20, "")},
		{Name: "stix-bracket-bomb.json", Wrong: "a pattern of half a million brackets", Want: "takes 1, 1 rejected",
			made: repeated(`{"type":"bundle","objects":[{"type":"indicator","pattern":"[domain-name:value='evil.example']"},{"type":"indicator","pattern":"`, "(", 1<<19, `"}]}`)},
		{Name: "stix-long-pattern.json", Wrong: "a pattern of 10 MiB", Want: "refused too_large",
			made: repeated(`{"type":"bundle","objects":[{"type":"indicator","pattern":"[domain-name:value='`, "x", 10<<20, `']"}]}`)},
		{Name: "taxii-page.json", Wrong: "one page of several", Want: "refused unreadable"},
		{Name: "taxii-error.json", Wrong: "a TAXII error", Want: "refused unreadable"},
	}
}

// comparisons returns lists that are wrong only in comparison with the list that they replace.
func comparisons() []List {
	return []List{
		{Name: "half-a-list.txt", Wrong: "half of the entries are missing", Want: "refused shrink", Previous: 4000, made: text(names(2000))},
		{Name: "half-a-short-list.txt", Wrong: "half of a short list is missing, which is allowed", Want: "takes 900", Previous: 1800, made: text(names(900))},
		{Name: "another-list.txt", Wrong: "three times the entries", Want: "refused growth", Previous: 5000, made: text(names(15_000))},
		{Name: "other-names.txt", Wrong: "as many entries, but for other names", Want: "refused shrink", Previous: 4000,
			made: text(strings.ReplaceAll(names(4000), "bad", "harmless"))},
		{Name: "exceptions.txt", Wrong: "the rules became exceptions", Want: "refused shrink", Previous: 4000,
			made: text(strings.NewReplacer("bad", "@@||bad", "\n", "^\n").Replace(names(4000)))},
		{Name: "exceptions-beside-rules.txt", Wrong: "there is an exception for each rule", Want: "refused shrink", Previous: 4000,
			made: text(strings.NewReplacer("bad", "||bad", "\n", "^\n").Replace(names(4000)) +
				strings.NewReplacer("bad", "@@||bad", "\n", "^\n").Replace(names(4000)))},
		{Name: "one-name.txt", Wrong: "one name instead of thousands", Want: "refused shrink", Previous: 4000, made: text("evil.example\n")},
		{Name: "one-name-over-and-over.txt", Wrong: "the same name thousands of times", Want: "refused shrink, 3999 repeated", Previous: 4000,
			made: repeated("", "evil.example\n", 4000, "")},
	}
}
