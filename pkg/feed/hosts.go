package feed

import (
	"bytes"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var (
	errNotHosts = errors.New("line does not start with an address")
	errNoName   = errors.New("address without a name")
)

// hostsReader reads hosts files: an address and one or more names a line, each of which is
// an entry. A name is a block if its address leads nowhere, and a rewrite otherwise.
//
// Resolvers know only comments with `#`. Lists also have comments with `;`, `//` and `!`. Names
// contain neither `#`, `;` nor `//`, so these end a line wherever they are; `!` starts a comment
// at the start of a word.
type hostsReader struct {
	address []byte // of the previous line; nearly all lines have the same one
	blocks  bool   // address leads nowhere
}

func (h *hostsReader) readLine(c *collector, line []byte) {
	if comment := bytes.IndexByte(line, '#'); comment >= 0 {
		line = line[:comment]
	}
	text := trim(line)
	if len(text) == 0 || isComment(text) {
		return
	}

	names, ok := h.cutAddress(text)
	if !ok {
		c.reject(text, errNotHosts)
		return
	}
	if len(names) == 0 || isComment(names) {
		c.reject(text, errNoName)
		return
	}
	for more := true; more; more = len(names) > 0 && !isComment(names) {
		var word []byte
		word, names = cutHostName(names)
		switch {
		case isLocalName(word):
			c.skip(word, SkipHousekeeping)
		case !h.blocks:
			c.skip(word, SkipRewrite)
		default:
			c.addOwner(word, indicator.ScopeName, indicator.ActionBlock)
		}
	}
}

func (h *hostsReader) finish(*collector) {}

// readLong accepts a line whose names end within the head, at a comment.
func (h *hostsReader) readLong(c *collector, head []byte) bool {
	text := trim(head)
	complete := bytes.IndexByte(text, '#') >= 0
	for rest := text; len(rest) > 0 && !complete; {
		name, next := cutHostName(rest)
		complete = isComment(rest) || len(next) == 0 && len(name) < len(rest)
		rest = next
	}
	if complete {
		h.readLine(c, text)
	}
	return complete
}

// cutHostName returns the first name of a hosts line, and the rest from the next name on. The
// rest is empty if a comment follows the name without a space.
func cutHostName(names []byte) (name, rest []byte) {
	for i, c := range names {
		if isNameByte[c] {
			continue
		}
		switch {
		case c == ';' || c == '/' && i+1 < len(names) && names[i+1] == '/':
			return names[:i], nil
		case isSpace(c) || c >= utf8.RuneSelf && wideSpace(names[i:]) > 0:
			return names[:i], trimLeft(names[i:])
		}
	}
	return names, nil
}

// shortAddresses are forms of addresses that lead nowhere which the C library reads, although
// they have fewer than four octets. https://man7.org/linux/man-pages/man3/inet_aton.3.html
var shortAddresses = []string{"0", "0.0", "0.0.0", "127.1", "127.0.1"}

// parseHostsAddress reports whether word is an address at the start of a hosts line, and
// whether it leads nowhere. The zone of an IPv6 address is ignored.
func parseHostsAddress(word []byte) (blocks, ok bool) {
	host, _, _ := bytes.Cut(word, []byte{'%'})
	ip, err := parseAddress(host)
	if err != nil {
		isShort := slices.Contains(shortAddresses, string(word))
		return isShort, isShort
	}
	return leadsNowhere(ip), true
}

// startsShortLine reports whether a line starts with a short address, given its first word and
// the rest. A number before an address is a cell of a table.
func startsShortLine(word, rest []byte) bool {
	name, _ := cutWord(rest)
	return slices.Contains(shortAddresses, string(word)) && looksLikeIndicator(name) && !isAddress(name)
}

// cutAddress returns the part of a line after its address, and reports whether it has one.
func (h *hostsReader) cutAddress(text []byte) (names []byte, ok bool) {
	if n := len(h.address); n > 0 && n < len(text) && isSpace(text[n]) && bytes.Equal(text[:n], h.address) {
		return trimLeft(text[n+1:]), true
	}
	word, names := cutWord(text)
	if bytes.Equal(word, h.address) {
		return names, true
	}
	blocks, ok := parseHostsAddress(word)
	if ok {
		h.address = append(h.address[:0], word...)
		h.blocks = blocks
	}
	return names, ok
}

// isLocalName reports whether a name is one of those that every hosts file has for the
// machine itself.
func isLocalName(name []byte) bool {
	switch string(name) {
	case "localhost", "localhost.localdomain", "localhost4", "localhost6", "localhost6.localdomain6",
		"local", "broadcasthost", "loopback",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
		"ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "0.0.0.0":
		return true
	}
	return false
}

// startsName reports whether text begins with a word that can be a name of a hosts file. A
// number, a date, or a word after an address that leads somewhere is another cell of a table.
func startsName(text []byte, blocks bool) bool {
	word, _ := cutWord(text)
	letters, dots := false, false
	for _, c := range word {
		if !isNameByte[c] && c < 0x80 {
			return false
		}
		letters = letters || isLetter(c) || c >= 0x80
		dots = dots || c == '.'
	}
	return letters && (dots || blocks) || textLeadsNowhere(word)
}
