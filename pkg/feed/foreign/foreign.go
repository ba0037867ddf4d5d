// Package foreign recognizes files of other kinds that people mistake for lists: rules of
// intrusion detection and of proxies, and the like. They hold names, but not as a list: a rule
// may let a name through.
package foreign

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kind is a kind of file that is not a list.
type kind struct {
	name string
	// words are what a line must contain, one of them, before the regular expression is tried.
	words []string
	// line matches a line that only such files have. It must match as many lines as needed. If
	// most is set, it must match the first line that is not a comment and more than half of all.
	line   *regexp.Regexp
	needed int
	most   bool
}

// kinds are tried in their order.
var kinds = []kind{
	{name: "Suricata rules", words: []string{"->", "<>", "<-"}, needed: 1, line: regexp.MustCompile(
		`^#?\s*(alert|drop|reject\w*|pass|log|sdrop|activate|dynamic)\s+\w[\w-]*\s+\S.*\s(->|<>|<-)\s+\S.*\(.*(sid|msg)\s*:`)},
	{name: "YARA rules", words: []string{"rule "}, needed: 1, line: regexp.MustCompile(`^\s*((private|global)\s+)*rule\s+\w+\s*(:[\w\s]+)?\{?\s*$`)},
	{name: "Sigma rules", words: []string{"logsource"}, needed: 1, line: regexp.MustCompile(`^logsource:\s*$`)},
	{name: "Clash rules", words: []string{"- ", "payload"}, needed: 1, line: regexp.MustCompile(
		`^\s*-\s+['"]?(DOMAIN|DOMAIN-SUFFIX|DOMAIN-KEYWORD|DOMAIN-REGEX|IP-CIDR6?|GEOIP|GEOSITE|RULE-SET|PROCESS-NAME|MATCH)\s*,|^payload:\s*$`)},
	{name: "Surge rules", words: []string{","}, needed: 1, most: true, line: regexp.MustCompile(
		`^\s*(DOMAIN|HOST|host|(?i:DOMAIN-SUFFIX|DOMAIN-KEYWORD|DOMAIN-SET|DOMAIN-WILDCARD|HOST-SUFFIX|HOST-KEYWORD|HOST-WILDCARD|` +
			`IP-CIDR6?|IP6-CIDR|IP-ASN|GEOIP|USER-AGENT|URL-REGEX|PROCESS-NAME|DEST-PORT|SRC-IP|RULE-SET|FINAL|AND|OR|NOT))\s*,\s*[^,\s]+(\s*,\s*` +
			`(?i:REJECT|DIRECT|PROXY|no-resolve|[\w-]+).*)?$`)},
	{name: "firewall rules", words: []string{" -j ", "iptables", "ip6tables", "ipset", "nft", "ufw", "hash:", "add ", "create "}, needed: 1, most: true, line: regexp.MustCompile(
		`^\s*(-[AI]\s+[\w-]+\s.*-j\s+\w+|(iptables|ip6tables|ipset|nft|ufw)\s+\S.*|(add|create)\s+\S+\s+(hash:\w+|[0-9a-fA-F.:]+(/\d+)?)(\s.*)?)$`)},
	{name: "a proxy configuration script", words: []string{"FindProxyForURL"}, needed: 1, line: regexp.MustCompile(`^\s*function\s+FindProxyForURL\s*\(`)},
	{name: "keys or certificates", words: []string{"-----BEGIN"}, needed: 1, line: regexp.MustCompile(`^-----BEGIN ([A-Z ]*KEY( BLOCK)?|[A-Z ]*CERTIFICATE[A-Z ]*)-----\s*$`)},
	{name: "a Git LFS pointer, not the file itself", words: []string{"git-lfs"}, needed: 1, line: regexp.MustCompile(`^version https://git-lfs\.github\.com/spec/`)},
}

// maxLines is how many lines are looked at.
const maxLines = 400

// Name returns the kind of file that text is, or "" if it may be a list. The text is the start
// of a file.
func Name(text []byte) string {
	counts := make([]int, len(kinds))
	first := make([]bool, len(kinds)) // the first line matches
	lines := 0
	for seen := 0; len(text) > 0 && seen < maxLines; seen++ {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		line = bytes.TrimRight(line, " \t\r")
		if len(line) == 0 {
			continue
		}
		if line[0] != '#' && line[0] != ';' && line[0] != '!' && line[0] != '[' { // `[` begins a section
			lines++
		}
		for i := range kinds {
			if kinds[i].mayMatch(line) && kinds[i].line.Match(line) {
				counts[i]++
				first[i] = first[i] || lines == 1
			}
		}
	}
	for i := range kinds {
		if counts[i] >= kinds[i].needed && (!kinds[i].most || first[i] && 2*counts[i] > lines) {
			return kinds[i].name
		}
	}
	return ""
}

// mayMatch is a quick test that spares nearly every line of a list the regular expression.
func (k *kind) mayMatch(line []byte) bool {
	return slices.ContainsFunc(k.words, func(word string) bool { return bytes.Contains(line, []byte(word)) })
}

// Markup returns the kind of document that a text with markup is, or "" for a web page and for
// an error of a bucket. The text must begin with `<`.
func Markup(text []byte) string {
	const searched = 4 << 10
	start := strings.ToLower(string(text[:min(len(text), searched)]))
	for _, known := range []struct{ mark, name string }{
		{"stix_package", "a STIX 1 document in XML"},
		{"openioc", "an OpenIOC document in XML"},
		{"<ioc ", "an OpenIOC document in XML"},
		{"<<<<<<<", "a file with merge conflicts"},
		{"<html", ""}, {"<!doctype", ""}, {"<head", ""}, {"<body", ""}, {"<title", ""}, {"<script", ""}, {"<meta", ""},
		{"<div", ""}, {"<p>", ""}, {"<a ", ""}, {"<h1", ""}, {"<br", ""}, {"<center", ""}, {"<!--", ""},
		{"<error", ""},
		{"<rss", "a news feed in XML"},
		{"<feed", "a news feed in XML"},
	} {
		if strings.Contains(start, known.mark) {
			return known.name
		}
	}
	if strings.Contains(start, ">") {
		return "an XML document"
	}
	return ""
}

// Encoding returns the name of the encoding if head is UTF-16 or UTF-32, and "" if not.
func Encoding(head []byte) string {
	switch {
	case len(head) < 2:
		return ""
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return "UTF-32"
	case head[0] == 0xff && head[1] == 0xfe, head[0] == 0xfe && head[1] == 0xff:
		return "UTF-16"
	}

	// Without a byte order mark, it is UTF-16 if the first characters are all ASCII:
	// every other byte is zero, and only those are.
	const characters = 8
	if len(head) < 2*characters {
		return ""
	}
	zeros := [2]int{}
	for i, c := range head[:2*characters] {
		if c == 0 {
			zeros[i%2]++
		}
	}
	if zeros == [2]int{0, characters} || zeros == [2]int{characters, 0} {
		return "UTF-16 without a byte order mark"
	}
	return ""
}

// title matches the title of an HTML page, or the code of an S3 error.
var title = regexp.MustCompile(`(?is)<(?:title|code)[^>]*>([^<]{1,80})`)

const maxTitleSearch = 4 << 10 // bytes

// PageTitle returns what a web page or an error of a bucket says about itself.
func PageTitle(page []byte) string {
	if found := title.FindSubmatch(page[:min(len(page), maxTitleSearch)]); found != nil {
		return "it says " + strconv.Quote(string(bytes.TrimSpace(found[1])))
	}
	return "it begins with <"
}
