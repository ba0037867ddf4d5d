package feed

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

var (
	errWords       = errors.New("several words: if this is a hosts file or a table, set its format or column")
	errPort        = errors.New("port out of range [1, 65535]")
	errHost        = errors.New("URL without a host")
	errName        = errors.New("name where an address is expected")
	errNotAddress  = errors.New("neither a name nor an address")
	errLeadingZero = errors.New("IPv4 octet with a leading zero, which some programs read as octal")
	errZone        = errors.New("IPv6 address with a zone, which only has a meaning on one machine")
	errPrefix      = errors.New("CIDR prefix length out of range")
	errText        = errors.New("neither a name nor an address")
	errHash        = errors.New("neither a name nor an address, but a hash or a mail address")
)

// target is the result of reading text that should be a name, an address or a URL. Exactly
// one of host, block, skip and err is set.
type target struct {
	host    []byte // a name that is not parsed yet
	partial bool   // the text means less than the whole host
	block   netip.Prefix
	skip    Skip
	err     error
}

// parseTarget reads a name, an address, a CIDR block, a URL, or a part of a URL that has a
// host. Defanged text is refanged. The text must not be empty or have white space at its
// ends.
func parseTarget(text []byte) target {
	if rest, found := cutScheme(text); found {
		return parseURL(rest)
	}
	text = refang(text)
	if rest, found := cutScheme(text); found {
		return parseURL(rest)
	}
	if mayBeAddress(text) {
		if block, err := parseBlock(text); err == nil {
			return target{block: block}
		} else if !errors.Is(err, errNotAddress) {
			return target{err: err}
		}
	}

	authority, path := cutPath(text)
	switch {
	case text[0] == '*' || text[0] == '.':
		return parseWildcard(authority, path)
	case text[0] == '/' && len(text) > 1:
		return target{skip: SkipPath}
	case bytes.IndexByte(text, '*') >= 0 && !isWholeSite(path) || bytes.IndexByte(authority, '*') >= 0:
		return target{skip: SkipPattern}
	case bytes.IndexByte(authority, '@') >= 0 || isHash(text):
		return target{skip: SkipOtherType}
	}
	return parseAuthority(authority, len(path) > 0)
}

// cutPath splits a URL without a scheme where its path, query or fragment starts.
func cutPath(text []byte) (authority, path []byte) {
	if end := bytes.IndexAny(text, "/?#"); end >= 0 {
		return text[:end], text[end:]
	}
	return text, nil
}

// isWholeSite reports whether a path covers all of a site. Lists for firewalls end each entry
// in a slash.
func isWholeSite(path []byte) bool {
	return len(path) == 0 || string(path) == "/" || string(path) == "/*"
}

// cutScheme removes `scheme://`. Some lists write `://` without a scheme.
func cutScheme(text []byte) (rest []byte, found bool) {
	colon := bytes.IndexByte(text, ':')
	if colon < 0 || len(text) < colon+3 || text[colon+1] != '/' || text[colon+2] != '/' || !isScheme(text[:colon]) {
		return nil, false
	}
	return text[colon+3:], true
}

// isScheme reports whether text may come before `://`.
func isScheme(text []byte) bool {
	for _, c := range text {
		if !isNameByte[c] && c != '+' {
			return false
		}
	}
	return true
}

// parseURL reads the part of a URL after `scheme://`. A backslash ends the host, because
// browsers treat it as a slash.
func parseURL(rest []byte) target {
	end, unusual := 0, false
	for ; end < len(rest); end++ {
		c := rest[end]
		if isNameByte[c] || c == ':' {
			continue
		}
		if c == '/' || c == '?' || c == '#' || c == '\\' {
			break
		}
		unusual = true
	}

	rest = rest[:end]
	if unusual { // user information, brackets, defanged dots, wildcards
		rest = refang(rest)
		rest = rest[bytes.LastIndexByte(rest, '@')+1:]
		if bytes.IndexByte(rest, '*') >= 0 {
			return target{skip: SkipPattern}
		}
	}
	return parseAuthority(rest, true)
}

// parseAuthority reads `host` or `host:port`.
func parseAuthority(text []byte, partial bool) target {
	host, port, hasPort := text, []byte(nil), false
	if colon := bytes.LastIndexByte(text, ':'); colon >= 0 && text[len(text)-1] != ']' {
		host, port, hasPort = text[:colon], text[colon+1:], true
	}
	switch {
	case len(host) == 0:
		return target{err: errHost}
	case len(port) > 0 && !isPort(port):
		return target{err: errPort}
	case host[0] == '[' && host[len(host)-1] == ']':
		host = host[1 : len(host)-1]
	}

	if mayBeAddress(host) {
		if ip, err := parseAddress(host); err == nil {
			return target{block: netip.PrefixFrom(ip, ip.BitLen())}
		} else if !errors.Is(err, errNotAddress) {
			return target{err: err}
		}
	}
	return target{host: host, partial: partial || hasPort}
}

// parseWildcard reads `*.name` and `.name`, which may be followed by the path of a whole site.
func parseWildcard(authority, path []byte) target {
	name := authority[1:]
	if authority[0] == '*' {
		if len(name) > 0 && name[0] != '.' {
			return target{skip: SkipPattern}
		}
		name = bytes.TrimPrefix(name, []byte{'.'})
	}
	switch {
	case len(name) == 0:
		return target{err: domainname.ErrRoot}
	case isAddress(name):
		return target{skip: SkipAddressWildcard}
	case bytes.ContainsAny(name, "*:") || !isWholeSite(path):
		return target{skip: SkipPattern}
	}
	return target{host: name}
}

// parseAddressPort reads the `ip:port` of ThreatFox. It writes IPv6 addresses without
// brackets, so the last group is the port even if the whole text is a valid address.
func parseAddressPort(text []byte) target {
	text = refang(text)
	colon := bytes.LastIndexByte(text, ':')
	if colon < 0 || text[0] == '[' {
		return parseTarget(text)
	}
	switch {
	case colon == 0:
		return target{err: errHost}
	case !isPort(text[colon+1:]):
		return target{err: errPort}
	}
	t := parseTarget(text[:colon])
	t.partial = true
	return t
}

// parseOnlyAddress is parseTarget for text that must not be a name.
func parseOnlyAddress(text []byte) target {
	t := parseTarget(text)
	if t.err == nil && t.skip == 0 && !t.block.IsValid() {
		return target{err: errName}
	}
	return t
}

func isPort(text []byte) bool {
	const longest = len("65535")
	if len(text) == 0 || len(text) > longest || !all(text, isDigit) {
		return false
	}
	port := 0
	for _, c := range text {
		port = 10*port + int(c-'0')
	}
	return 0 < port && port <= 65535
}

// isHash reports whether text is an MD5, SHA-1 or SHA-256 hash in hexadecimal.
func isHash(text []byte) bool {
	return (len(text) == 32 || len(text) == 40 || len(text) == 64) && all(text, isHex)
}

// defanged undoes the usual ways of writing an indicator so that nobody clicks on it.
var defanged = strings.NewReplacer(
	"[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[DOT]", ".", "(DOT)", ".",
	"[:]", ":", "[://]", "://", "[:/]", ":/", "[/]", "/", "[@]", "@", "[at]", "@",
)

// refang returns text as it was before it was defanged. The schemes `hxxp` and `hxxps` are
// left alone, because every scheme is removed anyway.
func refang(text []byte) []byte {
	for _, c := range text {
		if c == '[' || c == '(' || c == '{' {
			return []byte(defanged.Replace(string(text)))
		}
	}
	return text
}

// isAddress reports whether text is an address or a CIDR block.
func isAddress(text []byte) bool {
	if text == nil || !mayBeAddress(text) {
		return false
	}
	_, err := parseBlock(text)
	return err == nil
}

// mayBeAddress is a quick test that every address and block passes: text ends in a digit or
// contains a colon.
func mayBeAddress(text []byte) bool {
	return len(text) > 0 && isDigit(text[len(text)-1]) || bytes.IndexByte(text, ':') >= 0
}

// parseBlock reads an address or a CIDR block, clears the host bits and unmaps IPv4 in IPv6.
// The error is [errNotAddress] if text does not look like an address at all.
func parseBlock(text []byte) (netip.Prefix, error) {
	address, length, isBlock := bytes.Cut(text, []byte{'/'})
	ip, err := parseAddress(address)
	if err != nil {
		return netip.Prefix{}, err
	}

	bits := ip.BitLen()
	if isBlock {
		if len(length) == 0 || len(length) > 3 || !all(length, isDigit) {
			return netip.Prefix{}, errNotAddress // an address with a path
		}
		bits, _ = strconv.Atoi(string(length)) // cannot fail on three digits
		if ip.Is4() && bytes.IndexByte(address, ':') >= 0 {
			bits -= 96
		}
		if bits < 0 || bits > ip.BitLen() {
			return netip.Prefix{}, errPrefix
		}
	}
	return netip.PrefixFrom(ip, bits).Masked(), nil
}

// parseAddress reads an address without brackets.
func parseAddress(text []byte) (netip.Addr, error) {
	if bytes.IndexByte(text, ':') < 0 {
		return parseIPv4(text)
	}
	if bytes.IndexByte(text, '%') >= 0 {
		return netip.Addr{}, errZone
	}
	ip, err := netip.ParseAddr(string(text))
	if err != nil {
		return netip.Addr{}, errNotAddress
	}
	return ip.Unmap(), nil
}

// parseIPv4 is netip.ParseAddr without the conversion to a string, which would cost an
// allocation for each line of a list of addresses.
func parseIPv4(text []byte) (netip.Addr, error) {
	const longest = len("255.255.255.255")
	if len(text) == 0 || len(text) > longest {
		return netip.Addr{}, errNotAddress
	}

	var octets [4]byte
	field, value, digits, leadingZero := 0, 0, 0, false
	for _, c := range text {
		switch {
		case isDigit(c):
			leadingZero = leadingZero || digits == 1 && value == 0
			value = 10*value + int(c-'0')
			digits++
		case c != '.' || digits == 0 || value > 255 || field == 3:
			return netip.Addr{}, errNotAddress
		default:
			octets[field] = byte(value) //nolint:gosec // at most 255 by the case above
			field, value, digits = field+1, 0, 0
		}
	}

	switch {
	case field != 3 || digits == 0 || value > 255:
		return netip.Addr{}, errNotAddress
	case leadingZero:
		return netip.Addr{}, errLeadingZero
	}
	octets[3] = byte(value)
	return netip.AddrFrom4(octets), nil
}

// nowhere holds the blocks of addresses that lists answer with in order to block (RFC 6890):
// unspecified, loopback, "this network", reserved and discard-only. Private addresses are
// not among them, because a list may map a name to one of your own machines.
var nowhere = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/127"),
	netip.MustParsePrefix("100::/64"),
}

// leadsNowhere reports whether an answer of ip means that the name is blocked.
func leadsNowhere(ip netip.Addr) bool {
	for _, block := range nowhere {
		if block.Contains(ip) {
			return true
		}
	}
	return false
}

// textLeadsNowhere is leadsNowhere for text, which may be anything.
func textLeadsNowhere(text []byte) bool {
	ip, err := parseAddress(text)
	return err == nil && leadsNowhere(ip)
}

// ParseObservable reads the name, or the address or block, that a person means with text out
// of an alert, a report or a list: a name, an address, a URL, `host:port`, an Adblock rule
// for a whole host. Defanged text is refanged; white space, quotes and commas around it do
// not count. Exactly one of name and block is set. A name keeps its case and its final dot.
//
// The error says why the text can be neither. No entry of a list could mean such text, so it
// must not be looked up as if it were a name.
func ParseObservable(text string) (name string, block netip.Prefix, err error) {
	pasted := []byte(strings.TrimFunc(text, isAround))
	switch string(pasted) {
	case "":
		return "", block, domainname.ErrEmpty
	case ".": // the root, which is a name but cannot be listed
		return ".", block, nil
	}

	t := parsePasted(pasted)
	switch {
	case t.skip == SkipOtherType:
		return "", block, errHash
	case t.skip != 0:
		return "", block, fmt.Errorf("%w: %s", errText, t.skip)
	case t.err != nil:
		return "", block, t.err
	case t.block.IsValid():
		return "", t.block, nil
	}
	if err := checkHost(t.host); err != nil {
		return "", block, err
	}
	return string(t.host), block, nil
}

// isAround reports whether a rune before or after a name is not a part of it. Names in
// documents come with quotes, list separators, and spaces that have no width.
func isAround(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\"'`<>,;\u200b\u2060\ufeff\u201c\u201d\u2018\u2019\u00ab\u00bb", r)
}

// parsePasted is parseTarget for text that may be an Adblock rule.
func parsePasted(text []byte) target {
	rule, isException := bytes.CutPrefix(text, []byte("@@"))
	if isException || text[0] == '|' || text[len(text)-1] == '^' {
		pattern, _, _ := bytes.Cut(rule, []byte{'$'})
		host, _, why := cutHost(pattern)
		if why != 0 {
			return target{skip: why}
		}
		return parseAuthority(host, false)
	}

	plain := refang(text)
	if _, isURL := cutScheme(plain); !isURL && brokenURL.Match(plain) {
		return target{err: errHost}
	}
	return parseTarget(text)
}

// isEscape reports whether text begins with an escape of a name, `\.` or `\DDD`. Other
// backslashes are those of paths.
func isEscape(text []byte) bool {
	if len(text) < 2 || text[0] != '\\' {
		return false
	}
	return text[1] == '.' || len(text) > 3 && all(text[1:4], isDigit)
}

// brokenURL matches `http:/host`, which is not the host `http`.
var brokenURL = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:/`)

// checkHost returns an error if a host can be neither a name nor an address. DNS allows any
// octet in a name, but the names in logs have only the usual ones, escapes, and those of base64.
func checkHost(host []byte) error {
	switch {
	case len(host) == 0:
		return errHost
	case host[0] == '.':
		return domainname.ErrEmptyLabel
	case isHash(host):
		return errHash
	}

	if bytes.IndexFunc(host, unicode.IsSpace) >= 0 {
		return fmt.Errorf("%w: several words", errText)
	}

	for i, c := range host {
		if !isNameByte[c] && c < 0x80 && bytes.IndexByte([]byte("=+~"), c) < 0 && !isEscape(host[i:]) {
			return fmt.Errorf("%w: it has the character %q", errText, c)
		}
	}

	// No top-level domain is a number, so this is an address with a mistake in it.
	last := bytes.TrimSuffix(host, []byte{'.'})
	if last = last[bytes.LastIndexByte(last, '.')+1:]; len(last) > 0 && all(last, isDigit) {
		return fmt.Errorf("%w: its last label is a number", errText)
	}
	return nil
}
