package verdict

import (
	"bytes"
	"net/netip"
	"unsafe"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// answerKind says which part of the Rdata of an answer is looked up.
type answerKind uint8

const (
	unchecked     answerKind = iota
	addressAnswer            // A, AAAA: the address
	nameAnswer               // CNAME: the target
	lastAnswer               // MX, SRV: the target, which is the last field
	serviceAnswer            // HTTPS, SVCB: the target, and the hints of addresses
)

// kindOf returns the kind of an answer by its type, whose case does not matter.
func kindOf(t jsonscan.Text) answerKind {
	switch raw := t.Raw(); string(raw) {
	case "A", "AAAA":
		return addressAnswer
	case "CNAME":
		return nameAnswer
	default:
		return kindOfOther(raw)
	}
}

// kindOfOther is kindOf for types that few records have.
func kindOfOther(raw []byte) answerKind {
	if len(raw) > len("TYPE65") {
		return unchecked
	}
	for _, t := range answerTypes {
		if len(raw) == len(t.name) && bytes.EqualFold(raw, []byte(t.name)) {
			return t.kind
		}
	}
	return unchecked
}

// answerTypes are the types of answers that are checked. TYPE64 and TYPE65 are the names of
// SVCB and HTTPS in programs that do not know the types (RFC 3597).
var answerTypes = [...]struct {
	name string
	kind answerKind
}{
	{"A", addressAnswer},
	{"AAAA", addressAnswer},
	{"CNAME", nameAnswer},
	{"MX", lastAnswer},
	{"SRV", lastAnswer},
	{"HTTPS", serviceAnswer},
	{"SVCB", serviceAnswer},
	{"TYPE64", serviceAnswer},
	{"TYPE65", serviceAnswer},
}

// lastField returns the last field of Rdata: the target in `10 mail.example.` (MX, RFC 1035)
// and in `0 5 5060 sip.example.` (SRV, RFC 2782).
func lastField(rdata []byte) []byte {
	rdata = bytes.TrimRight(rdata, " \t")
	return rdata[bytes.LastIndexAny(rdata, " \t")+1:]
}

// cutService splits the Rdata of an HTTPS or SVCB record, which is a priority, a target and
// parameters (RFC 9460 section 2.1).
func cutService(rdata []byte) (target, params []byte, ok bool) {
	priority, rest := cutField(rdata)
	target, params = cutField(rest)
	return target, params, isNumber(priority) && len(target) > 0
}

// cutField returns the first field of text and the text after it. Blanks in quotes or after
// a backslash do not end a field.
func cutField(text []byte) (field, rest []byte) {
	text = bytes.TrimLeft(text, " \t")
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return text[:i], text[i:]
		}
	}
	return text, nil
}

// cutHints returns the value of the next parameter in params that hints at addresses, and
// the parameters after it. The value is a list with commas. It is empty if no other
// parameter does.
func cutHints(params []byte) (hints, rest []byte) {
	for {
		var param []byte
		if param, params = cutField(params); len(param) == 0 {
			return nil, nil
		}
		key, value, _ := bytes.Cut(param, []byte{'='})
		if bytes.EqualFold(key, []byte("ipv4hint")) || bytes.EqualFold(key, []byte("ipv6hint")) {
			if hints = bytes.Trim(value, `"`); len(hints) > 0 {
				return hints, params
			}
		}
	}
}

func isNumber(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// parseAddr is [netip.ParseAddr] without copying text. It drops the zone, which has no
// meaning in an answer.
func parseAddr(text []byte) (netip.Addr, error) {
	text, _, _ = bytes.Cut(text, []byte{'%'})
	//nolint:gosec // only the error keeps the string, and the callers drop the error
	address, err := netip.ParseAddr(unsafe.String(unsafe.SliceData(text), len(text)))
	if err != nil {
		return netip.Addr{}, err
	}
	return address, nil
}

// translated is the prefix in which a DNS64 resolver, such as Resolver, puts IPv4 addresses
// for clients that have only IPv6 (RFC 6052 section 2.1).
var translated = [12]byte{0x00, 0x64, 0xff, 0x9b}

// EmbeddedIPv4 returns the IPv4 address that an address in 64:ff9b::/96 carries. A client
// that connects to the one talks to the other.
func EmbeddedIPv4(address netip.Addr) (inner netip.Addr, ok bool) {
	if !address.Is6() {
		return netip.Addr{}, false
	}
	octets := address.As16()
	if [12]byte(octets[:12]) != translated {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(octets[12:])), true
}
