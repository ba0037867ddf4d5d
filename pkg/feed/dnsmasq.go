package feed

import (
	"bytes"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var (
	errOption     = errors.New("not a dnsmasq option")
	errSlashes    = errors.New("no /name/ after the option")
	errAnswer     = errors.New("neither an address nor a server after the name")
	errMatchesAll = errors.New("matches every name")
)

// dnsmasqReader reads dnsmasq configuration. The names of `address=/x/`, `server=/x/` and
// `local=/x/` are blocks if the answer leads nowhere: no answer, `#` (for `address`), an
// address as in hosts files, or (for `server` and `local`) a loopback address without a
// port. Other addresses are rewrites and forwards. Other options are skipped. A dot before a
// name makes no difference.
type dnsmasqReader struct{}

func (dnsmasqReader) readLine(c *collector, line []byte) {
	text := trim(line)
	if len(text) == 0 || text[0] == '#' {
		return
	}
	text = cutComment(text)
	key, value, _ := bytes.Cut(text, []byte{'='})
	key, value = trim(key), trim(value)
	switch {
	case !all(key, isOptionByte):
		c.reject(text, errOption)
		return
	case !isNameOption(key) || len(value) == 0 || value[0] != '/':
		c.skip(text, SkipDirective)
		return
	}

	end := bytes.LastIndexByte(value, '/')
	if end == 0 {
		c.reject(text, errSlashes)
		return
	}
	why, err := checkAnswer(string(key), value[end+1:])
	for names, more := value[1:end], true; more; {
		var name []byte
		name, names, more = bytes.Cut(names, []byte{'/'})
		addDnsmasqName(c, name, why, err)
	}
}

func (dnsmasqReader) finish(*collector) {}

// readLong accepts comments and options that do not list names.
func (dnsmasqReader) readLong(c *collector, head []byte) bool {
	text := trim(head)
	option, _, _ := bytes.Cut(text, []byte{'='})
	option = trim(option)
	switch {
	case len(text) == 0 || isNameOption(option) || !all(option, isOptionByte):
		return len(text) > 0 && text[0] == '#'
	default:
		c.skip(text, SkipDirective)
		return true
	}
}

// isNameOption reports whether an option can have names.
func isNameOption(option []byte) bool {
	switch string(option) {
	case "address", "server", "local":
		return true
	}
	return false
}

// addDnsmasqName adds one name of an option. why and err are what checkAnswer returned.
func addDnsmasqName(c *collector, name []byte, why Skip, err error) {
	switch {
	case isAddress(name):
		c.skip(name, SkipAddressAsName)
	case err != nil:
		c.reject(name, err)
	case why != 0:
		c.skip(name, why)
	case len(name) == 1 && name[0] == '#':
		c.reject(name, errMatchesAll)
	default:
		c.addZone(cutLeadingDot(name), indicator.ScopeSubtree, indicator.ActionBlock)
	}
}

// cutLeadingDot removes the dot before the name of a zone. A dot alone stays.
func cutLeadingDot(name []byte) []byte {
	if len(name) > 1 && name[0] == '.' {
		return name[1:]
	}
	return name
}

// checkAnswer returns the reason why an option with this answer is not a block, or zero.
func checkAnswer(option string, answer []byte) (Skip, error) {
	if len(answer) == 0 {
		return 0, nil
	}
	ip, err := parseAddress(answer)
	if option == "address" {
		switch {
		case string(answer) == "#" || err == nil && leadsNowhere(ip):
			return 0, nil
		case err != nil:
			return 0, errAnswer
		}
		return SkipRewrite, nil
	}

	// A loopback address with a port, such as `127.0.0.1#5353`, is a real server.
	if err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		return 0, nil
	}
	host, _, _ := bytes.Cut(answer, []byte{'#'})
	host, _, _ = bytes.Cut(host, []byte{'@'})
	if _, err := parseAddress(host); err != nil && len(host) > 0 {
		return 0, errAnswer
	}
	return SkipForward, nil
}

// isOptionByte reports whether the name of a dnsmasq or unbound option may contain c.
func isOptionByte(c byte) bool { return 'a' <= c && c <= 'z' || isDigit(c) || c == '-' }
