package feed

import (
	"bytes"
	"errors"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var (
	errZoneName  = errors.New("zone without a name")
	errStatement = errors.New("statement is not closed")
	errBrace     = errors.New("closing brace without an opening one")
)

// maxZoneBytes limits how much is kept of the words of a statement.
const maxZoneBytes = 1 << 10

// bindReader reads BIND configuration. A `zone` of type master or primary is a block,
// because a list serves it from a file that lacks the real records. Zones of other types are
// forwards. Other statements are skipped, and so are the zones that every server has for
// itself (localhost, reverse zones). Statements may span lines.
type bindReader struct {
	depth     int    // of braces
	words     int    // read so far of the statement at depth 0
	keyword   []byte // its first word
	name      []byte // its second word
	option    []byte // the first word of the current statement at depth 1
	zoneType  []byte
	start     int  // line of the statement
	closed    bool // the statement ended in a brace, and may lack its semicolon
	inComment bool // between /* and */
}

func (b *bindReader) readLine(c *collector, line []byte) {
	for len(line) > 0 {
		if b.inComment {
			_, rest, found := bytes.Cut(line, []byte("*/"))
			if !found {
				return
			}
			b.inComment, line = false, rest
			continue
		}

		var token []byte
		token, line = cutToken(line)
		switch {
		case len(token) == 0:
			return
		case string(token) == "/*":
			b.inComment = true
		default:
			b.readToken(c, token)
		}
	}
}

func (b *bindReader) finish(c *collector) {
	if b.closed {
		b.endStatement(c)
	}
	if b.words > 0 || b.depth > 0 {
		last := c.line
		c.line = max(b.start, 1)
		c.reject(b.name, errStatement)
		c.line = last
	}
}

func (b *bindReader) readToken(c *collector, token []byte) {
	switch token[0] {
	case '{':
		b.depth++
		b.option = b.option[:0]
	case '}':
		if b.depth == 0 {
			c.reject(token, errBrace)
			return
		}
		b.depth--
		b.closed = b.depth == 0
		b.option = b.option[:0]
	case ';':
		b.option = b.option[:0]
		if b.depth == 0 {
			b.endStatement(c)
		}
	default:
		b.readWord(c, bytes.Trim(token, `"`))
	}
}

func (b *bindReader) readWord(c *collector, word []byte) {
	word = word[:min(len(word), maxZoneBytes)]
	switch {
	case b.depth == 0:
		if b.closed {
			b.endStatement(c)
		}
		b.words++
		switch b.words {
		case 1:
			b.start = c.line
			b.keyword = append(b.keyword[:0], word...)
		case 2:
			b.name = append(b.name[:0], word...)
		}
	case b.depth > 1:
	case len(b.option) == 0:
		b.option = append(b.option, word...)
	case string(b.option) == "type":
		b.zoneType = append(b.zoneType[:0], word...)
	}
}

// endStatement adds the statement that just ended, under the line where it started.
func (b *bindReader) endStatement(c *collector) {
	line := c.line
	if b.words > 0 {
		c.line = b.start
		b.addStatement(c)
		c.line = line
	}
	b.words, b.closed = 0, false
	b.keyword, b.name, b.zoneType = b.keyword[:0], b.name[:0], b.zoneType[:0]
}

func (b *bindReader) addStatement(c *collector) {
	switch {
	case string(b.keyword) != "zone":
		c.skip(b.keyword, SkipDirective)
	case b.words < 2 || len(b.name) == 0:
		c.reject(b.keyword, errZoneName)
	case string(b.zoneType) != "master" && string(b.zoneType) != "primary":
		c.skip(b.name, SkipForward)
	case isLocalZone(b.name):
		c.skip(b.name, SkipHousekeeping)
	default:
		c.addZone(b.name, indicator.ScopeSubtree, indicator.ActionBlock)
	}
}

// isLocalZone reports whether servers usually have a zone with this name for themselves.
func isLocalZone(name []byte) bool {
	return isLocalName(name) || bytes.HasSuffix(name, []byte(".in-addr.arpa")) ||
		bytes.HasSuffix(name, []byte(".ip6.arpa"))
}

// cutToken returns the next token of a line and the rest. A token is a word, a quoted word
// with its quotes, one of `{};`, or the start of a comment that may span lines. It is empty at
// the end of the line or at a comment that ends with the line.
func cutToken(line []byte) (token, rest []byte) {
	line = trimLeft(line)
	switch {
	case len(line) == 0 || line[0] == '#' || bytes.HasPrefix(line, []byte("//")):
		return nil, nil
	case bytes.HasPrefix(line, []byte("/*")):
		return line[:2], line[2:]
	case line[0] == '"':
		if end := bytes.IndexByte(line[1:], '"'); end >= 0 {
			return line[:end+2], line[end+2:]
		}
	case strings.IndexByte("{};", line[0]) >= 0:
		return line[:1], line[1:]
	}
	end := bytes.IndexAny(line[1:], " \t\r{};")
	if end < 0 {
		return line, nil
	}
	return line[:end+1], line[end+1:]
}
