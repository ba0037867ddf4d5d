package feed

import "github.com/resolverwatch/resolverwatch/pkg/indicator"

// plainReader reads lists with one name, address, CIDR block or URL a line, and wildcard
// lists. Comments start with `#`, `;`, `!` or `//`, at the start of a line or after white
// space. A line with several words is rejected.
type plainReader struct{}

func (plainReader) readLine(c *collector, line []byte) {
	text := trim(line)
	if isSimpleName(text) {
		c.addName(text, indicator.ScopeSubtree, indicator.ActionBlock)
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
	c.addTarget(parseTarget(text), text, indicator.ScopeSubtree)
}

func (plainReader) finish(*collector) {}

// readLong accepts a URL too: its host is in the head.
func (r plainReader) readLong(c *collector, head []byte) bool {
	text := trim(head)
	if len(text) == 0 {
		return false
	}
	entry := cutComment(text)
	if isComment(text) || len(entry) < len(text) {
		r.readLine(c, entry)
		return true
	}
	t := parseTarget(text)
	if indexSpace(text) >= 0 || t.skip == 0 && !t.partial {
		return false
	}
	c.addTarget(t, text, indicator.ScopeSubtree)
	return true
}

// isSimpleName reports whether text can only be a name: letters, digits, hyphens,
// underscores and dots, not starting with a dot, not ending in a digit, and not a hash.
// It lets most lines of most lists skip parseTarget.
func isSimpleName(text []byte) bool {
	if len(text) == 0 || text[0] == '.' || isDigit(text[len(text)-1]) {
		return false
	}
	for _, c := range text {
		if !isNameByte[c] {
			return false
		}
	}
	return !isHash(text)
}
