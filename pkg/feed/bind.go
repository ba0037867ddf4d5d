package feed

import (
	"bytes"
	"errors"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var (
	errZoneName  = errors.New("zone without a name")
	errStatement = errors.New("statement that does not end")
	errBrace     = errors.New("closing brace without an opening one")
)

// maxZoneBytes bounds what is kept of one statement: its name and type.
const maxZoneBytes = 1 << 10

// bindReader reads BIND configuration. A `zone` of type master or primary is a block:
// a list serves it from a file without the real records. Zones of other types are
// forwards, other statements are skipped, and so are the zones that every server has
// for itself (localhost, reverse zones). Statements may span lines.
type bindReader struct {
	depth     int    // of braces
	words     int    // of the statement at depth 0, so far
	keyword   []byte // of it
	name      []byte // its second word
	setting   []byte // the current statement at depth 1: its first word
	kind      []byte // of the zone
	start     int    // line of the statement
	closed    bool   // the statement ended in a brace, and may lack its semicolon
	inComment bool   // between /* and */
}

func (b *bindReader) line(c *collector, line []byte) {
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
			b.take(c, token)
		}
	}
}

func (b *bindReader) end(c *collector) {
	if b.closed {
		b.finish(c)
	}
	if b.words > 0 || b.depth > 0 {
		last := c.line
		c.line = max(b.start, 1)
		c.reject(b.name, errStatement)
		c.line = last
	}
}

func (b *bindReader) take(c *collector, token []byte) {
	switch token[0] {
	case '{':
		b.depth++
		b.setting = b.setting[:0]
	case '}':
		if b.depth == 0 {
			c.reject(token, errBrace)
			return
		}
		b.depth--
		b.closed = b.depth == 0
		b.setting = b.setting[:0]
	case ';':
		b.setting = b.setting[:0]
		if b.depth == 0 {
			b.finish(c)
		}
	default:
		b.word(c, bytes.Trim(token, `"`))
	}
}

func (b *bindReader) word(c *collector, word []byte) {
	word = word[:min(len(word), maxZoneBytes)]
	switch {
	case b.depth == 0:
		if b.closed {
			b.finish(c)
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
	case len(b.setting) == 0:
		b.setting = append(b.setting, word...)
	case string(b.setting) == "type":
		b.kind = append(b.kind[:0], word...)
	}
}

// finish takes the statement that ended.
func (b *bindReader) finish(c *collector) {
	line := c.line
	if b.words > 0 {
		c.line = b.start
		b.statement(c)
		c.line = line
	}
	b.words, b.closed = 0, false
	b.keyword, b.name, b.kind = b.keyword[:0], b.name[:0], b.kind[:0]
}

func (b *bindReader) statement(c *collector) {
	switch {
	case string(b.keyword) != "zone":
		c.skip(b.keyword, SkipDirective)
	case b.words < 2 || len(b.name) == 0:
		c.reject(b.keyword, errZoneName)
	case string(b.kind) != "master" && string(b.kind) != "primary":
		c.skip(b.name, SkipForward)
	case isOwnZone(b.name):
		c.skip(b.name, SkipHousekeeping)
	default:
		c.zone(b.name, indicator.ScopeSubtree, indicator.ActionBlock)
	}
}

// isOwnZone reports whether servers have a zone of that name without any list.
func isOwnZone(name []byte) bool {
	return isHousekeeping(name) || bytes.HasSuffix(name, []byte(".in-addr.arpa")) ||
		bytes.HasSuffix(name, []byte(".ip6.arpa"))
}

// cutToken returns the next token of a line and the rest: a word, a quoted word with
// its quotes, one of `{};`, or the opening of a comment that may span lines. The
// token is empty at the end of the line or where a comment up to it begins.
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
