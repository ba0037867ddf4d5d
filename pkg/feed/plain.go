package feed

import "github.com/resolverwatch/resolverwatch/pkg/indicator"

// plainReader reads lists with one name, address, CIDR block or URL a line, and
// wildcard lists. Comments begin with `#`, `;`, `!` or `//`, at the start of a line or
// after white space. A line of several words is rejected.
type plainReader struct{}

func (plainReader) line(c *collector, line []byte) {
	text := trim(line)
	if isSimpleName(text) {
		c.name(text, indicator.ScopeSubtree, indicator.ActionBlock)
		return
	}
	if len(text) == 0 || isComment(text) {
		return
	}
	text = cutComment(text)
	if indexSpace(text) >= 0 {
		c.reject(text, errWords)
		return
	}
	c.target(parseTarget(text), text, indicator.ScopeSubtree)
}

func (plainReader) end(*collector) {}

// isSimpleName reports whether text is nothing but a name: letters, digits, hyphen,
// underscore and dot, not beginning with a dot, not ending in a digit, no digest.
func isSimpleName(text []byte) bool {
	if len(text) == 0 || text[0] == '.' || isDigit(text[len(text)-1]) {
		return false
	}
	for _, c := range text {
		if !simple[c] {
			return false
		}
	}
	return !isHash(text)
}

// simple holds the octets of a name in ASCII, and the dot.
var simple = simpleOctets()

func simpleOctets() (octets [256]bool) {
	for c := range octets {
		octet := byte(c)
		octets[c] = isLetter(octet) || isDigit(octet) || octet == '-' || octet == '_' || octet == '.'
	}
	return octets
}
