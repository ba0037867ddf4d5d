package feed_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// slowReader reads lists with regular expressions and the decoders of the standard library. It
// shares no code with Parse, and supports as much of the formats as the lists of the corpus
// need.
type slowReader struct {
	accepted []string // as [render] writes them
	entries  int
}

func slowRead(format feed.Format, text string) *slowReader {
	s := &slowReader{}
	text = strings.TrimPrefix(text, "\ufeff")
	switch format {
	case feed.CSV:
		s.csv(text)
	case feed.JSON:
		s.json(text)
	case feed.MISP, feed.STIX:
		s.list(slowJSON(format, text))
	default:
		for line := range strings.Lines(strings.ReplaceAll(text, "\ufeff", "\n")) {
			if line = strings.TrimSpace(line); line != "" {
				s.line(format, line)
			}
		}
	}
	return s
}

var slowHash = regexp.MustCompile(`^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$`)

// list accepts the values of entries that slowJSON found.
func (s *slowReader) list(found *slowList) {
	s.entries = len(found.entries)
	for _, entry := range found.entries {
		block, isAddress := slowAddress(entry.value)
		url := slowURL.FindStringSubmatch(entry.value)
		switch {
		case entry.kind == "", slowHash.MatchString(entry.value):
		case isAddress:
			s.accept("cidr ", block)
		case entry.kind == "address":
		case url != nil:
			s.host(url[1])
		case entry.kind == "host":
			s.target("name ", entry.value)
		default:
			s.target("subtree ", strings.TrimPrefix(strings.TrimPrefix(entry.value, "*"), "."))
		}
	}
}

func (s *slowReader) line(format feed.Format, line string) {
	switch format {
	case feed.Plain, feed.Wildcard:
		s.plain(line)
	case feed.Hosts:
		s.hosts(line)
	case feed.Adblock:
		s.adblock(line)
	case feed.Dnsmasq:
		s.dnsmasq(line)
	case feed.Unbound:
		s.unbound(line)
	case feed.BIND:
		s.bind(line)
	case feed.RPZ:
		s.rpz(line)
	}
}

var slowWholeSite = regexp.MustCompile(`/\*?$`)

var slowComment = regexp.MustCompile(`(^|\s+)(#|;|!|//).*$`)

func (s *slowReader) plain(line string) {
	if line = slowComment.ReplaceAllString(line, ""); line == "" {
		return
	}
	s.entries++
	bare := strings.TrimPrefix(strings.TrimPrefix(line, "*"), ".")
	if bare != line {
		bare = slowWholeSite.ReplaceAllString(bare, "")
		if _, isAddress := slowAddress(bare); !isAddress {
			s.name("subtree ", bare)
		}
		return
	}
	s.target("subtree ", line)
}

var slowHostsComment = regexp.MustCompile(`(#|;|//|(^|[\s\p{Z}])!).*$`)

func (s *slowReader) hosts(line string) {
	line = slowHostsComment.ReplaceAllString(line, "")
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	s.entries += max(1, len(words)-1)
	for _, word := range words[1:] {
		switch {
		case word == "localhost", words[0] != "0.0.0.0" && words[0] != "127.0.0.1" && words[0] != "0":
		default:
			s.owner("name ", word)
		}
	}
}

var (
	slowHeading  = regexp.MustCompile(`^!|^#|^\[Adblock.*\]$`)
	slowRule     = regexp.MustCompile(`^(@@)?(\|\||\||://)?([^/^|$*]+)(\^\|?|\|)?(?:\$(.*))?$`)
	slowWhole    = regexp.MustCompile(`^((all|document|doc|important)(,|$))*$`)
	slowBareRule = regexp.MustCompile(`^[0-9A-Za-z.:_-]+$`)
)

func (s *slowReader) adblock(line string) {
	if slowHeading.MatchString(line) {
		return
	}
	s.entries++
	rule := slowRule.FindStringSubmatch(line)
	if rule == nil || !slowWhole.MatchString(rule[5]) {
		return
	}
	scope, host := "name ", rule[3]
	switch {
	case rule[2] == "||":
		scope = "subtree "
	case rule[2] == "" && !slowBareRule.MatchString(host), rule[2] == "" && rule[4] != "":
		return
	}
	if rule[4] == "" && (strings.HasSuffix(host, ".") || !strings.ContainsAny(host, ".:")) {
		return
	}
	if rule[1] != "" {
		scope = "allow " + scope
	}
	if block, ok := slowAddress(host); ok {
		s.accept("cidr ", block)
		return
	}
	s.name(scope, host)
}

var slowOption = regexp.MustCompile(`^(address|server)=/([^/]+)/(0\.0\.0\.0|127\.0\.0\.1)?$`)

func (s *slowReader) dnsmasq(line string) {
	if line[0] == '#' {
		return
	}
	s.entries++
	if option := slowOption.FindStringSubmatch(line); option != nil {
		s.owner("subtree ", option[2])
	}
}

var slowZone = regexp.MustCompile(`^local-zone:\s*"(.*)"\s+(\w+)$`)

func (s *slowReader) unbound(line string) {
	if line[0] == '#' {
		return
	}
	s.entries++
	switch zone := slowZone.FindStringSubmatch(line); {
	case zone == nil:
	case strings.HasPrefix(zone[1], "*."):
		s.owner("under ", zone[1][2:])
	case zone[2] == "always_nxdomain" || zone[2] == "static":
		s.owner("subtree ", zone[1])
	case zone[2] == "transparent":
		s.owner("allow subtree ", zone[1])
	}
}

var slowMaster = regexp.MustCompile(`^zone "(.*)" \{ type master; .*\};$`)

func (s *slowReader) bind(line string) {
	if line[0] == '#' {
		return
	}
	s.entries++
	if zone := slowMaster.FindStringSubmatch(line); zone != nil {
		s.owner("subtree ", zone[1])
	}
}

func (s *slowReader) rpz(line string) {
	line, _, _ = strings.Cut(line, ";")
	words := strings.Fields(line)
	if len(words) == 0 || words[0][0] == '$' || words[0][0] == '@' || words[0] == "NS" {
		return
	}
	s.entries++
	if len(words) != 3 || words[1] != "CNAME" {
		return
	}
	scope, owner := "name ", words[0]
	if bare, found := strings.CutPrefix(owner, "*."); found {
		scope, owner = "under ", bare
	}
	switch words[2] {
	case ".":
		s.owner(scope, owner)
	case "rpz-passthru.":
		s.owner("allow "+scope, owner)
	}
}

// csv reads a table whose headings are in a comment or the first row.
func (s *slowReader) csv(text string) {
	if found := regexp.MustCompile(`(?m)^# (id,.*)$`).FindStringSubmatch(text); found != nil {
		text = found[1] + "\n" + text
	}
	rows := csv.NewReader(strings.NewReader(text))
	rows.Comment, rows.TrimLeadingSpace, rows.FieldsPerRecord = '#', true, -1
	heading, err := rows.Read()
	for err == nil {
		var row []string
		if row, err = rows.Read(); err != nil {
			break
		}
		object := map[string]any{}
		for i, cell := range row {
			object[strings.ToLower(heading[i])] = cell
		}
		s.object(object)
	}
	if !errors.Is(err, io.EOF) {
		panic(err)
	}
}

func (s *slowReader) json(text string) {
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var value any
		if err := decoder.Decode(&value); err != nil {
			return
		}
		object := value.(map[string]any)
		for _, member := range []string{"list", "iocs"} {
			if list, found := object[member].([]any); found {
				value = list
			}
		}
		if list, isList := value.([]any); isList {
			for _, element := range list {
				s.element(element)
			}
			continue
		}
		s.object(object)
	}
}

func (s *slowReader) element(element any) {
	switch element := element.(type) {
	case map[string]any:
		s.object(element)
	case string:
		s.entries++
		if slowHash.MatchString(element) {
			return
		}
		s.target("subtree ", strings.TrimPrefix(element, "."))
	}
}

func (s *slowReader) object(o map[string]any) {
	s.entries++
	kind, _ := o["type"].(string)
	if ioc, found := o["ioc_type"].(string); found {
		kind = ioc
	}
	scope := "subtree "
	if path, _ := o["path"].(string); kind == "url" || path != "" || o["url"] != nil {
		scope = "name "
	}
	for _, member := range []string{"url", "domain", "host", "domain_name", "indicator", "ioc"} {
		value, found := o[member].(string)
		switch {
		case !found:
			continue
		case strings.HasPrefix(kind, "sha"):
		case kind == "ip:port":
			s.target(scope, regexp.MustCompile(`:\d+$`).ReplaceAllString(value, ""))
		default:
			s.target(scope, value)
		}
		return
	}
}

var (
	slowURL  = regexp.MustCompile(`^(?:[A-Za-z]*://)(?:[^/?#\\]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#\\:]+)(?::\d*)?(?:[/?#\\].*)?$`)
	slowPart = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+\]|[^/?#:@]+)(?::\d+(?:[/?#].*)?|[/?#].*)$`)
)

// target accepts a name, an address, or a URL or a part of one.
func (s *slowReader) target(scope, text string) {
	text = strings.NewReplacer("[.]", ".", "[:]", ":").Replace(text)
	block, isAddress := slowAddress(text)
	url := slowURL.FindStringSubmatch(text)
	part := slowPart.FindStringSubmatch(text)
	switch {
	case isAddress:
		s.accept("cidr ", block)
	case url != nil:
		s.host(url[1])
	case part != nil:
		s.host(part[1])
	default:
		s.name(scope, text)
	}
}

func (s *slowReader) host(host string) {
	if block, isAddress := slowAddress(host); isAddress {
		s.accept("cidr ", block)
		return
	}
	s.name("name ", host)
}

// owner accepts a name, but not an address.
func (s *slowReader) owner(scope, text string) {
	if _, isAddress := slowAddress(text); !isAddress {
		s.name(scope, text)
	}
}

var slowProfile = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

var (
	slowName   = regexp.MustCompile(`^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$`)
	slowNumber = regexp.MustCompile(`(^|\.)[0-9]+$`)
	slowASCII  = regexp.MustCompile(`^[\x00-\x7f]*$`)
)

func (s *slowReader) name(scope, text string) {
	if !slowASCII.MatchString(text) {
		text, _ = slowProfile.ToASCII(text)
	}
	text = strings.TrimSuffix(strings.ToLower(text), ".")
	if len(text) <= 253 && slowName.MatchString(text) && !slowNumber.MatchString(text) {
		s.accept(scope, text)
	}
}

func (s *slowReader) accept(scope, text string) { s.accepted = append(s.accepted, scope+text) }

// slowAddress returns an address or a CIDR block in canonical form.
func slowAddress(text string) (string, bool) {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.Unmap().String(), true
	}
	block, err := netip.ParsePrefix(text)
	if block.IsSingleIP() {
		return block.Addr().String(), true
	}
	return block.Masked().String(), err == nil
}
