package brokenlists

import (
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

const allow = indicator.ActionAllow

// lineFormats are lists of a known format that block nothing, or something else.
func lineFormats() []List {
	return []List{
		{Name: "hosts-localhost-only.txt", Wrong: "a hosts file as it is delivered", Want: "refused no_entries, 5 skipped"},
		{Name: "hosts-of-a-company.txt", Wrong: "a hosts file that is in use", Want: "refused no_entries, 4 skipped"},
		{Name: "hosts-columns-swapped.txt", Wrong: "a hosts file the wrong way round", Want: "refused unreadable"},
		{Name: "adblock-exceptions-only.txt", Wrong: "exceptions and nothing else", Want: "takes 2"},
		{Name: "adblock-cosmetic-only.txt", Wrong: "rules that block no host", Want: "refused no_entries, 5 skipped"},
		{Name: "rpz-passthru-only.txt", Wrong: "a zone of exceptions", Want: "takes 2"},
		{Name: "rpz-header-only.txt", Wrong: "a zone without records", Want: "refused no_entries"},
		{Name: "rpz-rewrites.txt", Wrong: "a zone that rewrites", Want: "takes 1, 2 skipped"},
		{Name: "dnsmasq-forwards.conf", Wrong: "a configuration of dnsmasq", Want: "refused no_entries, 3 rejected, 1 single_label"},
		{Name: "unbound-config.conf", Wrong: "a configuration of unbound", Want: "refused no_entries, 3 rejected, 2 single_label"},
		{Name: "bind-forwards.conf", Wrong: "a configuration of BIND", Want: "refused no_entries, 2 skipped"},
		{Name: "mixed-formats.txt", Wrong: "lines of four formats", Want: "takes 5, 3 rejected"},
		{Name: "no-final-newline.txt", Wrong: "cut within its last name", Want: "takes 2"}, // only shrink can know
		{Name: "says-more.txt", Wrong: "fewer entries than it says", Want: "refused cut_off"},
		{Name: "wildcard-addresses.txt", Wrong: "wildcards over addresses", Want: "takes 1, 2 skipped"},
		{Name: "named-otherwise.txt", Wrong: "JSON where hosts are expected", Want: "refused bad_settings",
			Settings: list.Options{Format: feed.Hosts}, made: text(`["evil.example"]`)},
		{Name: "plain-named-hosts.txt", Wrong: "plain names where a hosts file is expected", Want: "refused too_many_invalid no_entries, 30 rejected",
			Settings: list.Options{Format: feed.Hosts}, made: text(names(30))},
	}
}

// tables are CSV.
func tables() []List {
	return []List{
		{Name: "csv-shifted-columns.csv", Wrong: "a cell too many in each row", Want: "refused too_many_invalid no_entries, 25 rejected"},
		{Name: "csv-one-shifted.csv", Wrong: "a cell too many in one row", Want: "takes 25, 1 rejected"},
		{Name: "csv-headings-only.csv", Wrong: "headings and no row", Want: "refused no_entries"},
		{Name: "csv-other-separator.csv", Wrong: "rows with another separator than the headings", Want: "refused too_many_invalid no_entries, 25 rejected"},
		{Name: "csv-open-quote.csv", Wrong: "a quote that does not close", Want: "takes 2, 1 rejected"},
		{Name: "csv-no-headings-known.csv", Wrong: "columns without indicators", Want: "refused no_entries, 3 rejected"},
		{Name: "csv-no-such-column.csv", Wrong: "not the column that the settings name", Want: "refused bad_settings",
			Settings: list.Options{Column: "bad_host"}},
		{Name: "csv-empty-cells.csv", Wrong: "rows without an indicator", Want: "refused no_entries, 2 skipped, 1 single_label"},
	}
}

// otherJSON is JSON but that of MISP and STIX.
func otherJSON() []List {
	return []List{
		{Name: "json-error.json", Wrong: "an error object", Want: "refused unreadable"},
		{Name: "json-message.json", Wrong: "an error of API Gateway", Want: "refused unreadable"},
		{Name: "json-numbers.json", Wrong: "an array of numbers", Want: "refused unreadable"},
		{Name: "json-null.json", Wrong: "null", Want: "refused no_entries, 1 single_label"},
		{Name: "json-empty.json", Wrong: "an empty object", Want: "refused unreadable"},
		{Name: "json-empty-array.json", Wrong: "an empty array", Want: "refused no_entries"},
		{Name: "json-cut.json", Wrong: "cut within a name", Want: "refused unreadable"},
		{Name: "json-cut-between.json", Wrong: "cut between two entries", Want: "refused unreadable"},
		{Name: "json-trailing-text.json", Wrong: "text behind it", Want: "refused unreadable"},
		{Name: "json-unknown-shape.json", Wrong: "names where members are named", Want: "refused unreadable"},
		{Name: "json-as-base64.json", Wrong: "the list in base64, as some APIs give it", Want: "refused unreadable"},
		{Name: "json-single-quotes.json", Wrong: "written out by Python", Want: "refused unreadable"},
		{Name: "json-comma-missing.json", Wrong: "no comma between two entries", Want: "refused unreadable"},
		{Name: "json-no-key.json", Wrong: "an answer that wants a key", Want: "refused unreadable"},
		{Name: "json-lines-cut.ndjson", Wrong: "lines, the last one cut", Want: "refused unreadable"},
		{Name: "json-mostly-odd.json", Wrong: "objects of another kind", Want: "refused too_many_invalid, 30 rejected"},
		{Name: "json-depth-bomb.json", Wrong: "nested a million levels", Want: "refused too_large", made: repeated("", "[", 1<<20, "")},
		{Name: "json-object-bomb.json", Wrong: "objects nested a million levels", Want: "refused too_large", made: repeated(`{"data":`, `{"x":`, 1<<20, "")},
		{Name: "json-long-string.json", Wrong: "a string of 10 MiB", Want: "refused too_large", made: repeated(`["`, "x", 10<<20, `"]`)},
		{Name: "json-many-members.json", Wrong: "an object of a million members", Want: "refused unreadable", made: repeated("{", `"x":1,`, 1<<20, `"y":2}`)},
	}
}

// misp is what MISP gives, or something in its place.
func misp() []List {
	const attribute = `{"type":"domain","value":"bad.example"},`
	return []List{
		{Name: "misp-cut.json", Wrong: "an event that is cut", Want: "refused unreadable"},
		{Name: "misp-page.json", Wrong: "the page to log in", Want: "refused unreadable"},
		{Name: "misp-error.json", Wrong: "an error about the key", Want: "refused no_entries, 1 skipped"},
		{Name: "misp-empty-event.json", Wrong: "an event without attributes", Want: "refused no_entries"},
		{Name: "misp-empty-answer.json", Wrong: "no event", Want: "refused no_entries"},
		{Name: "misp-manifest.json", Wrong: "the manifest of a feed instead of an event", Want: "refused unreadable"},
		{Name: "misp-nothing-to-detect.json", Wrong: "to_ids false throughout", Want: "refused no_entries, 2 skipped"},
		{Name: "misp-all-deleted.json", Wrong: "deleted attributes and objects", Want: "refused no_entries, 2 skipped"},
		{Name: "misp-hashes-only.json", Wrong: "neither names nor addresses", Want: "refused no_entries, 2 skipped"},
		{Name: "misp-wrong-types.json", Wrong: "members of other types", Want: "refused no_entries, 7 rejected, 1 skipped"},
		{Name: "misp-twice.json", Wrong: "attributes twice in an event", Want: "refused unreadable"},
		{Name: "misp-values-twice.json", Wrong: "a value twice in an attribute", Want: "takes 1, 1 rejected"},
		{Name: "misp-too-wide.json", Wrong: "what covers everything", Want: "takes 1, 1 rejected, 1 protected, 1 shared_host, 1 single_label, 1 special_address, 1 wide_block"},
		{Name: "misp-depth-bomb.json", Wrong: "nested a million levels", Want: "refused too_large", made: repeated(`{"Event":{"x":`, "[", 1<<20, "")},
		{Name: "misp-long-value.json", Wrong: "a value of 10 MiB", Want: "refused too_large",
			made: repeated(`{"Attribute":[{"type":"domain","value":"`, "x", 10<<20, `"}]}`)},
		{Name: "misp-long-sample.json", Wrong: "a sample of 12 MiB beside a name, which is right", Want: "takes 1, 1 skipped",
			made: repeated(`{"Attribute":[{"type":"malware-sample","value":"x","data":"`, "QUFB", 3<<20, `"},{"type":"domain","value":"evil.example"}]}`)},
		{Name: "misp-late-deletion.json", Wrong: "an object that says behind 10,000 attributes that it is deleted", Want: "refused too_large",
			made: repeated(`{"Object":[{"Attribute":[`, attribute, 10_000, `{}],"deleted":true}]}`)},
		{Name: "warninglist-substring.json", Wrong: "a warninglist of parts of names", Want: "refused unreadable"},
		{Name: "warninglist-regex.json", Wrong: "a warninglist of expressions", Want: "refused unreadable"},
		{Name: "warninglist-cut.json", Wrong: "a warninglist that is cut before its type", Want: "refused unreadable"},
		{Name: "warninglist-names-as-cidr.json", Wrong: "a name in a warninglist of blocks", Want: "takes 1, 1 rejected"},
		{Name: "warninglist-long.json", Wrong: "a warninglist of 72 MiB before its type", Want: "refused too_large",
			made: repeated(`{"description":"d","list":[`, `"bad.example","worse.example",`, 3<<20, `"x.example"],"type":"string"}`)},
	}
}

// stix is what a server of STIX gives, or something in its place.
func stix() []List {
	return []List{
		{Name: "stix-cut.json", Wrong: "a bundle that is cut", Want: "refused unreadable"},
		{Name: "stix-empty-bundle.json", Wrong: "a bundle of nothing", Want: "refused no_entries"},
		{Name: "stix-no-objects.json", Wrong: "a bundle without objects", Want: "refused no_entries"},
		{Name: "stix-revoked-only.json", Wrong: "revoked indicators", Want: "refused no_entries, 2 skipped"},
		{Name: "stix-observed-only.json", Wrong: "names without an indicator", Want: "refused no_entries, 2 skipped"},
		{Name: "stix-conditions-only.json", Wrong: "patterns that mean less than a name", Want: "refused no_entries, 5 skipped"},
		{Name: "stix-bad-patterns.json", Wrong: "patterns that are none", Want: "takes 1, 4 rejected"},
		{Name: "stix-wrong-types.json", Wrong: "members of other types", Want: "refused no_entries, 5 rejected"},
		{Name: "stix-twice.json", Wrong: "objects twice in a bundle", Want: "refused unreadable"},
		{Name: "stix-other-languages.json", Wrong: "rules of YARA and Snort", Want: "refused no_entries, 2 skipped"},
		{Name: "stix-too-wide.json", Wrong: "what covers everything", Want: "takes 1, 1 rejected, 1 protected, 1 shared_host, 1 single_label, 1 special_address, 1 wide_block"},
		{Name: "stix-depth-bomb.json", Wrong: "nested a million levels", Want: "refused too_large", made: repeated(`{"type":"bundle","x":`, `{"x":`, 1<<20, "")},
		{Name: "stix-bracket-bomb.json", Wrong: "a pattern of half a million brackets", Want: "takes 1, 1 rejected",
			made: repeated(`{"type":"bundle","objects":[{"type":"indicator","pattern":"[domain-name:value='evil.example']"},{"type":"indicator","pattern":"`, "(", 1<<19, `"}]}`)},
		{Name: "stix-long-pattern.json", Wrong: "a pattern of 10 MiB", Want: "refused too_large",
			made: repeated(`{"type":"bundle","objects":[{"type":"indicator","pattern":"[domain-name:value='`, "x", 10<<20, `']"}]}`)},
		{Name: "taxii-page.json", Wrong: "one page of several", Want: "refused unreadable"},
		{Name: "taxii-error.json", Wrong: "an error of TAXII", Want: "refused unreadable"},
	}
}

// comparisons are lists that can be wrong only beside the one that they replace.
func comparisons() []List {
	return []List{
		{Name: "half-a-list.txt", Wrong: "half of the entries are gone", Want: "refused shrink", Previous: 4000, made: text(names(2000))},
		{Name: "half-a-short-list.txt", Wrong: "half of a short list is gone, which may be", Want: "takes 900", Previous: 1800, made: text(names(900))},
		{Name: "another-list.txt", Wrong: "three times the entries", Want: "refused growth", Previous: 5000, made: text(names(15_000))},
		{Name: "one-name.txt", Wrong: "one name where thousands were", Want: "refused shrink", Previous: 4000, made: text("evil.example\n")},
		{Name: "one-name-over-and-over.txt", Wrong: "one name, thousands of times", Want: "refused shrink, 3999 repeated", Previous: 4000,
			made: repeated("", "evil.example\n", 4000, "")},
	}
}
