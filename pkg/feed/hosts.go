package feed

import (
	"bytes"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var (
	errNotHosts = errors.New("line does not start with an address")
	errNoName   = errors.New("address without a name")
)

// hostsReader reads hosts files: an address and one or more names a line, each of which is
// an entry. A name is a block if its address leads nowhere, and a rewrite otherwise.
// Comments start with `#` anywhere, or with `!` at the start of a line.
type hostsReader struct {
	address []byte // of the previous line; nearly all lines have the same one
	blocks  bool   // address leads nowhere
}

func (h *hostsReader) readLine(c *collector, line []byte) {
	if comment := bytes.IndexByte(line, '#'); comment >= 0 {
		line = line[:comment]
	}
	text := trim(line)
	if len(text) == 0 || text[0] == '!' {
		return
	}

	word, names := cutWord(text)
	if !bytes.Equal(word, h.address) && !h.setAddress(word) {
		c.reject(text, errNotHosts)
		return
	}
	if len(names) == 0 {
		c.reject(text, errNoName)
	}
	for len(names) > 0 {
		word, names = cutWord(names)
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

// setAddress reports whether word is an address. The zone of an IPv6 address is ignored.
func (h *hostsReader) setAddress(word []byte) bool {
	host, _, _ := bytes.Cut(word, []byte{'%'})
	ip, err := parseAddress(host)
	if err != nil {
		return false
	}
	h.address = append(h.address[:0], word...)
	h.blocks = leadsNowhere(ip)
	return true
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
