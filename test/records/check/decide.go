package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// State is what a transformer may have in service.
type State struct {
	Lists *Lists // nil: no index
	Stale bool   // the index is too old to call anything clean
}

// decision is what a mark must say.
type decision struct {
	verdict, reason string
	match           match
	matched, part   string
	moreParts       int
}

// decide returns what the mark of an object must say.
func (s State) decide(o object) decision {
	if s.Lists == nil {
		return decision{verdict: "unknown", reason: "no_index"}
	}

	l := lookup{lists: s.Lists}
	name, found := o.queryName()
	named := found && l.name(name, "query_name")
	if !l.covered {
		l.answers(o.answers())
	}

	d := l.worst
	d.moreParts = max(len(l.bad)-1, 0)
	switch {
	case d.verdict != "":
	case !named:
		d.verdict, d.reason = "unknown", "bad_name"
	case s.Stale:
		d.verdict, d.reason = "unknown", "stale_index"
	default:
		d.verdict = "clean"
	}
	return d
}

// lookup looks up the parts of an object.
type lookup struct {
	lists   *Lists
	worst   decision
	bad     map[string]bool // malicious parts
	covered bool            // an allow feed covers the last name
}

// name looks up a name and returns false if it is not one.
func (l *lookup) name(text []byte, part string) bool {
	labels, ok := labelsOf(text)
	if !ok {
		l.covered = false
		return false
	}
	m := l.lists.matchName(labels)
	l.covered = m.covered
	l.keep(m, strings.Join(labels, "."), part)
	return true
}

// keep keeps the most severe malicious match, or else the first that was vetoed.
func (l *lookup) keep(m match, matched, part string) {
	if m.outcome == "" {
		return
	}
	if m.outcome == "malicious" {
		if l.bad == nil {
			l.bad = map[string]bool{}
		}
		l.bad[part] = true
	}
	replaces := l.worst.verdict == "" || m.outcome == "malicious" &&
		(l.worst.verdict == "allowed" || rank(severities, m.severity) > rank(severities, l.worst.match.severity))
	if replaces {
		l.worst = decision{verdict: m.outcome, match: m, matched: shownText(matched), part: part}
	}
}

// shownText returns text as a mark shows it, with U+FFFD for each byte that is not UTF-8.
func shownText(text string) string { return string([]rune(text)) }

// answer is an element of `answers`, with its place.
type answer struct {
	kind, rdata []byte
	part        string
}

// answers returns the answers that are objects.
func (o object) answers() []answer {
	raw := o.members["answers"]
	var elements []json.RawMessage
	switch {
	case len(raw) > 0 && raw[0] == '{':
		elements = []json.RawMessage{raw}
	case !o.isArray("answers") || json.Unmarshal(raw, &elements) != nil:
		return nil
	}

	var list []answer
	for i, element := range elements {
		if element[0] != '{' {
			continue
		}
		a := answer{part: fmt.Sprintf("answers[%d]", i)}
		var address []byte
		for _, m := range walk(element) {
			value, _ := text(m.raw)
			switch {
			case strings.EqualFold(m.name, "type"):
				a.kind = value
			case strings.EqualFold(m.name, "rdata"):
				a.rdata = value
			case strings.EqualFold(m.name, "address"):
				address = value
			}
		}
		if a.rdata == nil {
			a.rdata = address
		}
		list = append(list, a)
	}
	return list
}

// answers looks up the names and addresses in answers.
func (l *lookup) answers(list []answer) {
	for _, a := range list {
		rdata := bytes.TrimRight(a.rdata, " ")
		switch strings.ToUpper(string(a.kind)) {
		case "A", "AAAA":
			l.address(rdata, a.part)
		case "CNAME":
			l.name(rdata, a.part)
		case "MX", "SRV":
			fields := strings.FieldsFunc(string(rdata), isBlank)
			if len(fields) > 0 {
				l.target(fields[len(fields)-1], a.part)
			}
		case "HTTPS", "SVCB", "TYPE64", "TYPE65":
			l.service(fieldsOf(string(rdata)), a.part)
		}
	}
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// target looks up the target of a service. The root says that there is none.
func (l *lookup) target(name, part string) {
	if name != "." {
		l.name([]byte(name), part)
	}
}

// service looks up the target and the hints of an HTTPS or SVCB answer.
func (l *lookup) service(fields []string, part string) {
	if len(fields) < 2 || strings.Trim(fields[0], "0123456789") != "" {
		return
	}
	l.target(fields[1], part)
	for _, parameter := range fields[2:] {
		key, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(key, "ipv4hint") && !strings.EqualFold(key, "ipv6hint") {
			continue
		}
		for hint := range strings.SplitSeq(strings.Trim(value, `"`), ",") {
			l.address([]byte(hint), part)
		}
	}
}

// fieldsOf splits presentation text at blanks that are neither in quotes nor escaped.
func fieldsOf(rdata string) []string {
	var fields []string
	field, quoted := strings.Builder{}, false
	end := func() {
		if field.Len() > 0 {
			fields = append(fields, field.String())
			field.Reset()
		}
	}
	for i := 0; i < len(rdata); i++ {
		c := rdata[i]
		switch {
		case c == '\\' && i+1 < len(rdata):
			field.WriteByte(c)
			i++
			c = rdata[i]
		case c == '"':
			quoted = !quoted
		case isBlank(rune(c)) && !quoted:
			end()
			continue
		}
		field.WriteByte(c)
	}
	end()
	return fields
}

// nat64 is where a resolver puts IPv4 addresses for clients that have only IPv6.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// address looks up an address, and the IPv4 address that it carries.
func (l *lookup) address(text []byte, part string) {
	plain, _, _ := strings.Cut(string(text), "%")
	address, err := netip.ParseAddr(plain)
	if err != nil {
		return
	}
	l.keep(l.lists.matchAddr(address), address.String(), part)
	if nat64.Contains(address) {
		octets := address.As16()
		inner := netip.AddrFrom4([4]byte(octets[12:]))
		l.keep(l.lists.matchAddr(inner), address.String(), part)
	}
}

// labelsOf returns the labels of a name in lower case, with escapes as they are written, or
// false if the name does not fit into a DNS packet. The root has no labels.
func labelsOf(name []byte) (labels []string, ok bool) {
	if string(name) == "." {
		return nil, true
	}

	wire, octets := 1, 0
	var label []byte
	end := func() bool {
		if octets == 0 || octets > 63 {
			return false
		}
		wire += octets + 1
		labels = append(labels, string(label))
		label, octets = nil, 0
		return true
	}
	for i := 0; i < len(name); octets++ {
		size := 1
		switch {
		case name[i] == '.':
			if !end() {
				return nil, false
			}
			octets-- // the dot is not in the next label
		case name[i] == '\\' && i+3 < len(name) && len(bytes.Trim(name[i+1:i+4], "0123456789")) == 0:
			size = 4
		case name[i] == '\\' && i+1 < len(name):
			size = 2
		}
		if name[i] != '.' {
			label = append(label, lower(name[i:i+size])...)
		}
		i += size
	}
	if final := len(labels) > 0 && octets == 0; !final && !end() {
		return nil, false
	}
	return labels, wire <= 255
}

// lower returns text with its ASCII letters in lower case.
func lower(text []byte) []byte {
	text = bytes.Clone(text)
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c + 'a' - 'A'
		}
	}
	return text
}
