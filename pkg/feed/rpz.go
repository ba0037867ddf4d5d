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
	errNoRecord   = errors.New("not a DNS record of a type that policies use")
	errTrigger    = errors.New("invalid address in an rpz-ip trigger")
	errOutside    = errors.New("owner name outside the zone, which servers ignore")
	errApexPolicy = errors.New("policy for the zone itself")
)

// rpzReader reads response policy zones.
//
//   - The actions NXDOMAIN (`CNAME .`), NODATA (`CNAME *.`) and `rpz-drop.`, and addresses
//     that lead nowhere, are blocks.
//   - `rpz-passthru.` and a CNAME to the owner itself are allow entries.
//   - `rpz-tcp-only.` is skipped as narrowed, and other answers are rewrites.
//   - `rpz-ip` triggers are addresses; triggers on clients and name servers are skipped.
//
// Owner names are relative to the zone. The name of the zone is the owner of the SOA record,
// which may be relative to `$ORIGIN`, or else the first `$ORIGIN`. It is removed from owner names
// that end in it. Zones without SOA, NS or TTL are read as well. If owner names are absolute and
// the name of the zone is not in the file, [zoneGuess] finds it, or the list is refused.
type rpzReader struct {
	apex        []byte // without a final dot; empty if unknown
	origin      []byte // the same; empty for the root
	hasOrigin   bool
	owner       []byte // of the previous record
	parentheses int
	guess       zoneGuess
}

func (z *rpzReader) readLine(c *collector, line []byte) {
	line = cutZoneComment(line)
	text := trim(line)
	if len(text) == 0 || text[0] == '#' {
		return
	}
	if z.guess.isOpen() || len(z.apex) == 0 && z.guess.mustOpen(line) {
		z.hold(c, line)
		return
	}
	z.readZoneLine(c, line, text)
}

func (z *rpzReader) finish(c *collector) {
	if z.guess.isOpen() {
		z.endHold(c)
	}
}

// readLong accepts a line whose comment starts within the head, and records of types that are
// skipped.
func (z *rpzReader) readLong(c *collector, head []byte) bool {
	text := trim(head)
	if len(text) == 0 || z.parentheses > 0 {
		return false
	}
	record := text
	if !isSpace(head[0]) {
		_, record = cutWord(text)
	}
	recordType, _ := cutRecord(record)
	if text[0] != '#' && len(cutZoneComment(head)) == len(head) && (recordType != "other" || bytes.IndexByte(text, '(') >= 0) {
		return false
	}
	z.readLine(c, head)
	return true
}

// hold keeps a line until the name of the zone is known.
func (z *rpzReader) hold(c *collector, line []byte) {
	if name, known := z.guess.addZone(line); known {
		z.apex = append(z.apex, name...)
		if z.endHold(c); c.err == nil {
			z.readLine(c, line)
		}
		return
	}
	if z.guess.add(c.line, line); z.guess.isFull() {
		z.endHold(c)
	}
}

// endHold decides on the name of the zone, and reads the lines that were held.
func (z *rpzReader) endHold(c *collector) {
	lines := z.guess.close()
	if len(z.apex) == 0 {
		apex, err := z.guess.decide()
		if err != nil {
			c.err = atLine(err, lines[0].number)
			return
		}
		z.apex = append(z.apex, apex...)
	}
	last := c.line
	for _, line := range lines {
		c.line = line.number
		z.readLine(c, line.text)
	}
	c.line = last
}

// readZoneLine reads a line without its comment. text is the line without white space.
func (z *rpzReader) readZoneLine(c *collector, line, text []byte) {
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

func (z *rpzReader) readDirective(c *collector, text []byte) {
	word, value := cutWord(text)
	switch string(bytes.ToUpper(word)) {
	case "$TTL":
	case "$ORIGIN":
		z.setOrigin(value)
	default:
		c.skip(text, SkipDirective)
	}
}

// setOrigin sets the origin, which is relative to the one before if it has no final dot. Many
// zones forget the dot, so the first origin and one that repeats the one before are absolute.
func (z *rpzReader) setOrigin(value []byte) {
	name, absolute := bytes.CutSuffix(value, []byte{'.'})
	if !absolute && len(z.origin) > 0 && !isWithin(name, z.origin) {
		name = bytes.Join([][]byte{name, z.origin}, []byte{'.'})
	}
	z.origin, z.hasOrigin = append(z.origin[:0:0], name...), true
	if len(z.apex) == 0 {
		z.apex = append(z.apex, z.origin...)
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
		z.setApex(data)
		return
	case "other":
		if z.isApex() { // records of the zone itself are structure
			z.guess.addHints(data)
		} else {
			c.skip(line, SkipDirective)
		}
		return
	}

	owner, err := z.relativeName(z.owner)
	answer, _ := cutWord(data)
	action, why := z.actionOf(recordType, answer, owner)
	switch {
	case err != nil:
		c.reject(z.owner, err)
	case why != 0:
		c.skip(owner, why)
	default:
		addTrigger(c, owner, action)
	}
}

// setApex takes the name of the zone from the owner of its SOA record.
func (z *rpzReader) setApex(data []byte) {
	if apex, ok := z.absolute(z.owner); ok {
		z.apex = append(z.apex[:0:0], apex...)
	} else if string(z.owner) != "@" { // a zone without an origin that forgets the final dot
		z.apex = append(z.apex[:0], z.owner...)
	}
	z.guess.addHints(data)
}

// absolute returns an owner name without a final dot. ok is false if it is relative and the
// origin is unknown, so that it is relative to the zone.
func (z *rpzReader) absolute(owner []byte) (name []byte, ok bool) {
	if name, absolute := bytes.CutSuffix(owner, []byte{'.'}); absolute {
		return name, true
	}
	switch {
	case !z.hasOrigin:
		return owner, false
	case string(owner) == "@":
		return z.origin, true
	case len(z.origin) == 0:
		return owner, true
	}
	return bytes.Join([][]byte{owner, z.origin}, []byte{'.'}), true
}

func (z *rpzReader) isApex() bool {
	if name, ok := z.absolute(z.owner); ok {
		return len(z.apex) > 0 && bytes.EqualFold(name, z.apex)
	}
	return string(z.owner) == "@" || len(z.apex) > 0 && bytes.EqualFold(z.owner, z.apex)
}

// actionOf returns the action of a policy, or the reason why it neither blocks nor allows.
// owner is relative to the zone.
func (z *rpzReader) actionOf(recordType string, answer, owner []byte) (indicator.Action, Skip) {
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
	case sameName(target, z.owner), sameName(target, owner):
		return indicator.ActionAllow, 0 // older zones write rpz-passthru like this
	}
	return 0, SkipRewrite
}

// relativeName returns an owner name without the name of the zone. An absolute name outside the
// zone is a name that was written with a final dot.
func (z *rpzReader) relativeName(owner []byte) ([]byte, error) {
	written, isAbsolute := bytes.CutSuffix(owner, []byte{'.'})
	if !isAbsolute && (!z.hasOrigin || bytes.EqualFold(z.origin, z.apex)) && string(owner) != "@" {
		return cutZone(owner, z.apex), nil
	}
	name, ok := z.absolute(owner)
	switch inside := cutZone(name, z.apex); {
	case !ok || bytes.EqualFold(name, z.apex):
		return nil, errApexPolicy
	case isAbsolute && len(inside) == len(name):
		return written, nil
	case len(inside) == len(name) && len(z.apex) > 0:
		return nil, errOutside
	default:
		return inside, nil
	}
}

// cutZone removes the name of a zone from a name that ends in it.
func cutZone(name, zone []byte) []byte {
	if len(zone) > 0 && len(name) > len(zone) && isWithin(name, zone) {
		return name[:len(name)-len(zone)-1]
	}
	return name
}

// isWithin reports whether a name is a zone or ends in it. Neither has a final dot.
func isWithin(name, zone []byte) bool {
	cut := len(name) - len(zone) - 1
	return bytes.EqualFold(name, zone) || cut >= 0 && name[cut] == '.' && bytes.EqualFold(name[cut+1:], zone)
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
