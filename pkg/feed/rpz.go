package feed

import (
	"bytes"
	"errors"

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
