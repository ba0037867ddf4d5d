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

var (
	errNoRecord = errors.New("not a DNS record of a type that policies use")
	errTrigger  = errors.New("invalid address in an rpz-ip trigger")
)

// rpzReader reads response policy zones.
//
//   - The actions NXDOMAIN (`CNAME .`), NODATA (`CNAME *.`) and `rpz-drop.`, and addresses
//     that lead nowhere, are blocks.
//   - `rpz-passthru.` and a CNAME to the owner itself are allow entries.
//   - `rpz-tcp-only.` is skipped as narrowed, and other answers are rewrites.
//   - `rpz-ip` triggers are addresses; triggers on clients and name servers are skipped.
//
// Owner names are relative to the zone. The name of the zone comes from `$ORIGIN` or the SOA
// record, and is removed from owner names that end in it. Zones without SOA, NS or TTL are
// read as well.
type rpzReader struct {
	apex, origin []byte // without final dots; empty if unknown
	owner        []byte // of the previous record
	parentheses  int
}

func (z *rpzReader) readLine(c *collector, line []byte) {
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
		z.readDirective(c, text)
	case isSpace(line[0]):
		z.readRecord(c, text, text)
	default:
		owner, rest := cutWord(text)
		z.owner = append(z.owner[:0], owner...)
		z.readRecord(c, rest, text)
	}
}

func (z *rpzReader) finish(*collector) {}

func (z *rpzReader) readDirective(c *collector, text []byte) {
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

// readRecord reads a record of the current owner. line is the whole line.
func (z *rpzReader) readRecord(c *collector, record, line []byte) {
	recordType, data := cutRecord(record)
	switch recordType {
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
	action, why := z.actionOf(recordType, answer)
	owner := z.relativeName(z.owner)
	if why != 0 {
		c.skip(owner, why)
		return
	}
	addTrigger(c, owner, action)
}

// setApex takes the name of the zone from the owner of its SOA record.
func (z *rpzReader) setApex() {
	if !z.isApex() {
		z.apex = append(z.apex[:0], bytes.TrimSuffix(z.owner, []byte{'.'})...)
		z.origin = append(z.origin[:0], z.apex...)
	}
}

func (z *rpzReader) isApex() bool {
	return string(z.owner) == "@" || bytes.EqualFold(bytes.TrimSuffix(z.owner, []byte{'.'}), z.apex)
}

// actionOf returns the action of a policy, or the reason why it neither blocks nor allows.
func (z *rpzReader) actionOf(recordType string, answer []byte) (indicator.Action, Skip) {
	if recordType == "A" || recordType == "AAAA" {
		if textLeadsNowhere(answer) {
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
		return indicator.ActionAllow, 0 // older zones write rpz-passthru like this
	}
	return 0, SkipRewrite
}

// relativeName returns an owner name without the name of the zone.
func (z *rpzReader) relativeName(owner []byte) []byte {
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

// addTrigger adds the owner name of a policy. It is a query name, unless its last label
// declares another kind of trigger.
func addTrigger(c *collector, owner []byte, action indicator.Action) {
	const prefix = "rpz-"
	dot := bytes.LastIndexByte(owner, '.')
	label := owner[dot+1:]
	if len(label) < len(prefix) || !bytes.EqualFold(label[:len(prefix)], []byte(prefix)) {
		c.addZone(owner, indicator.ScopeName, action)
		return
	}

	switch strings.ToLower(string(label)) {
	case "rpz-ip":
		block, err := parseTrigger(string(owner[:max(dot, 0)]))
		if err != nil {
			c.reject(owner, err)
			return
		}
		c.addAddress(block, action)
	case "rpz-client-ip", "rpz-nsip", "rpz-nsdname":
		c.skip(owner, SkipTrigger)
	default:
		c.addZone(owner, indicator.ScopeName, action)
	}
}

// parseTrigger reads the owner name of a block of addresses: the prefix length, then the
// octets or groups in reverse order, with `zz` for `::`.
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
		return netip.Prefix{}, errPrefix
	}
	return parseBlock([]byte(block.String())) // unmaps IPv4 in IPv6
}

// joinGroups writes the groups of an IPv6 address, one of which may be `zz`.
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

// cutZoneComment removes a comment, which starts with a `;` outside quotes.
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

// cutRecord reads the part of a DNS record after the owner name: TTL and class, both optional
// and in any order (RFC 1035 section 5.1), the type as [parseRecordType] returns it, and the
// data. The type is empty if the record has none.
func cutRecord(text []byte) (recordType string, data []byte) {
	for {
		var word []byte
		word, text = cutWord(text)
		switch recordType = parseRecordType(word); {
		case recordType != "":
			return recordType, text
		case !isTTL(word) && !isClass(word):
			return "", nil
		}
	}
}

// parseRecordType returns the type in upper case, "other" for the types that never decide
// anything, and "" if word is not a type.
func parseRecordType(word []byte) string {
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

// isTTL accepts seconds, and the units of BIND as in 1h30m.
func isTTL(word []byte) bool {
	return len(word) > 0 && isDigit(word[0]) && all(word, func(c byte) bool {
		return isDigit(c) || strings.IndexByte("smhdwSMHDW", c) >= 0
	})
}
