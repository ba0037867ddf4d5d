package feed

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var errNoRecord = errors.New("no DNS record with a type that policies use")

// rpzReader reads response policy zones (draft-vixie-dnsop-dns-rpz). The actions
// NXDOMAIN (`CNAME .`), NODATA (`CNAME *.`) and `rpz-drop.` are blocks, and so are
// addresses that lead nowhere; `rpz-passthru.` and a CNAME to the owner itself allow;
// `rpz-tcp-only.` is skipped as narrowed, other answers are rewrites. `rpz-ip`
// triggers are addresses; triggers on clients and name servers are skipped.
//
// Owner names are relative to the zone, whose own name is known from `$ORIGIN` or the
// SOA record and is cut off owner names that end in it. Zones without SOA, NS or time
// to live are read as well.
type rpzReader struct {
	apex, origin []byte // without final dots; empty = not known
	owner        []byte // of the record before
	parentheses  int
}

func (z *rpzReader) line(c *collector, line []byte) {
	line = cutZoneComment(line)
	text := trim(line)
	if len(text) == 0 || text[0] == '#' {
		return
	}
	inside := z.parentheses > 0
	z.parentheses += bytes.Count(text, []byte{'('}) - bytes.Count(text, []byte{')'})
	switch {
	case inside: // the rest of an SOA or TXT record
	case text[0] == '$':
		z.directive(c, text)
	case isSpace(line[0]):
		z.record(c, text, text)
	default:
		owner, rest := cutWord(text)
		z.owner = append(z.owner[:0], owner...)
		z.record(c, rest, text)
	}
}

func (z *rpzReader) end(*collector) {}

func (z *rpzReader) directive(c *collector, text []byte) {
	word, value := cutWord(text)
	switch string(bytes.ToUpper(word)) {
	case "$TTL":
	case "$ORIGIN":
		z.origin = append(z.origin[:0], bytes.TrimSuffix(value, []byte{'.'})...)
		if len(z.apex) == 0 {
			z.apex = append(z.apex, z.origin...)
		}
	default:
		c.skip(text, SkipDirective)
	}
}

// record takes the record text of the current owner.
func (z *rpzReader) record(c *collector, record, line []byte) {
	kind, data := cutRecord(record)
	switch kind {
	case "":
		c.reject(line, errNoRecord)
		return
	case "SOA":
		z.setApex()
		return
	case "other":
		if !z.isApex() { // records of the zone itself are structure
			c.skip(line, SkipDirective)
		}
		return
	}
	answer, _ := cutWord(data)
	action, why := z.judge(kind, answer)
	owner := z.relative(z.owner)
	if why != 0 {
		c.skip(owner, why)
		return
	}
	takeTrigger(c, owner, action)
}

// setApex takes the owner of the SOA record for the name of the zone.
func (z *rpzReader) setApex() {
	if !z.isApex() {
		z.apex = append(z.apex[:0], bytes.TrimSuffix(z.owner, []byte{'.'})...)
		z.origin = append(z.origin[:0], z.apex...)
	}
}

func (z *rpzReader) isApex() bool {
	return string(z.owner) == "@" || bytes.EqualFold(bytes.TrimSuffix(z.owner, []byte{'.'}), z.apex)
}

// judge returns what a policy does, or why it neither blocks nor allows.
func (z *rpzReader) judge(kind string, answer []byte) (indicator.Action, Skip) {
	if kind == "A" || kind == "AAAA" {
		if isNowhere(answer) {
			return indicator.ActionBlock, 0
		}
		return 0, SkipRewrite
	}
	target := bytes.TrimSuffix(answer, []byte{'.'})
	switch {
	case len(target) == 0, string(target) == "*", bytes.EqualFold(target, []byte("rpz-drop")):
		return indicator.ActionBlock, 0
	case bytes.EqualFold(target, []byte("rpz-passthru")):
		return indicator.ActionAllow, 0
	case bytes.EqualFold(target, []byte("rpz-tcp-only")):
		return 0, SkipNarrowed
	case bytes.EqualFold(target, bytes.TrimSuffix(z.owner, []byte{'.'})):
		return indicator.ActionAllow, 0 // how old zones wrote rpz-passthru
	}
	return 0, SkipRewrite
}

// relative returns an owner name without the name of the zone.
func (z *rpzReader) relative(owner []byte) []byte {
	name, absolute := bytes.CutSuffix(owner, []byte{'.'})
	if !absolute && len(z.origin) > 0 && !bytes.EqualFold(z.origin, z.apex) {
		name = bytes.Join([][]byte{name, z.origin}, []byte{'.'})
		absolute = true
	}
	cut := len(name) - len(z.apex) - 1
	if absolute && len(z.apex) > 0 && cut > 0 && name[cut] == '.' && bytes.EqualFold(name[cut+1:], z.apex) {
		return name[:cut]
	}
	return name
}

// cutZoneComment cuts a comment off, which begins with `;` outside quotes.
func cutZoneComment(line []byte) []byte {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			return line[:i]
		}
	}
	return line
}

var errTrigger = errors.New("no address in an rpz-ip trigger")

// takeTrigger takes the owner name of a policy: a query name, or one whose last label
// says that it is another trigger.
func takeTrigger(c *collector, owner []byte, action indicator.Action) {
	const prefix = "rpz-"
	dot := bytes.LastIndexByte(owner, '.')
	label := owner[dot+1:]
	if len(label) < len(prefix) || !bytes.EqualFold(label[:len(prefix)], []byte(prefix)) {
		c.zone(owner, indicator.ScopeName, action)
		return
	}
	switch strings.ToLower(string(label)) {
	case "rpz-ip":
		block, err := parseTrigger(string(owner[:max(dot, 0)]))
		if err != nil {
			c.reject(owner, err)
			return
		}
		c.address(block, action)
	case "rpz-client-ip", "rpz-nsip", "rpz-nsdname":
		c.skip(owner, SkipTrigger)
	default:
		c.zone(owner, indicator.ScopeName, action)
	}
}

// parseTrigger reads the owner name of a block of addresses: its length, then octets
// or groups from the right, with `zz` for `::`.
func parseTrigger(text string) (netip.Prefix, error) {
	labels := strings.Split(text, ".")
	bits, err := strconv.Atoi(labels[0])
	groups := labels[1:]
	if err != nil || len(groups) < 2 {
		return netip.Prefix{}, errTrigger
	}
	slices.Reverse(groups)
	address := strings.Join(groups, ".")
	if len(groups) != 4 || slices.Contains(groups, "zz") {
		address = joinGroups(groups)
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}, errTrigger
	}
	block, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}, errBits
	}
	return parseBlock([]byte(block.String())) // IPv4 in IPv6 is unmapped there
}

// joinGroups writes the groups of an IPv6 address, of which one may be `zz`.
func joinGroups(groups []string) string {
	address := strings.Join(groups, ":")
	address = strings.Replace(address, ":zz:", "::", 1)
	if rest, found := strings.CutPrefix(address, "zz:"); found {
		address = "::" + rest
	}
	if rest, found := strings.CutSuffix(address, ":zz"); found {
		address = rest + "::"
	}
	return address
}

// cutRecord reads what follows the owner name of a DNS record: time to live and
// class, in any order and both optional (RFC 1035 section 5.1), the type as
// [recordType] has it, and the data. The type is empty if there is none.
func cutRecord(text []byte) (kind string, data []byte) {
	for {
		var word []byte
		word, text = cutWord(text)
		switch kind = recordType(word); {
		case kind != "":
			return kind, text
		case !isTTL(word) && !isClass(word):
			return "", nil
		}
	}
}

// recordType returns the type in upper case, "other" for types that decide nothing,
// and the empty text for what is no type.
func recordType(word []byte) string {
	if len(word) == 0 || len(word) > len("CNAME") {
		return ""
	}
	var upper [len("CNAME")]byte
	for i, c := range word {
		if upper[i] = c; isLetter(c) {
			upper[i] = c &^ 0x20
		}
	}
	switch string(upper[:len(word)]) {
	case "A":
		return "A"
	case "AAAA":
		return "AAAA"
	case "CNAME":
		return "CNAME"
	case "DNAME":
		return "DNAME"
	case "SOA":
		return "SOA"
	case "NS", "MX", "TXT", "PTR", "SRV", "HTTPS", "SVCB", "CAA":
		return "other"
	}
	return ""
}

func isClass(word []byte) bool { return len(word) == 2 && bytes.EqualFold(word, []byte("IN")) }

// isTTL knows seconds and the units of BIND, as in 1h30m.
func isTTL(word []byte) bool {
	return len(word) > 0 && isDigit(word[0]) && allOf(word, func(c byte) bool {
		return isDigit(c) || strings.IndexByte("smhdwSMHDW", c) >= 0
	})
}
