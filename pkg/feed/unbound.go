package feed

import (
	"bytes"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var (
	errAttribute = errors.New("no unbound attribute")
	errZoneType  = errors.New("local-zone of a type that is not known")
	errLocalData = errors.New("local-data without a record")
)

// unboundReader reads unbound configuration. A `local-zone` of a type that refuses,
// drops or answers with nothing is a block; a transparent one without data is an
// exception from a zone above it, so an allow entry. One of type redirect is skipped,
// because its data decide: `local-data` with an address that leads nowhere is a
// block, for the whole zone if it is the redirected one, else for the name alone.
// Other attributes are skipped.
type unboundReader struct {
	redirected      []byte
	transparent     []byte // the last such zone while its data may follow
	transparentLine int
}

func (u *unboundReader) line(c *collector, line []byte) {
	text := trim(line)
	for len(text) > 0 && text[0] != '#' {
		text = u.attribute(c, text)
	}
}

func (u *unboundReader) end(c *collector) { u.allowTransparent(c) }

// attribute reads one attribute and returns the rest of the line.
func (u *unboundReader) attribute(c *collector, text []byte) (rest []byte) {
	attribute, value, found := bytes.Cut(text, []byte{':'})
	value = trim(value)
	if string(attribute) != "local-data" {
		u.allowTransparent(c)
	}
	switch {
	case !found || !allOf(attribute, isOptionOctet):
		c.reject(text, errAttribute)
	case string(attribute) == "local-zone":
		return u.zone(c, value)
	case string(attribute) == "local-data":
		return u.data(c, value)
	case len(value) > 0: // else the heading of a clause
		c.skip(text, SkipDirective)
	}
	return nil
}

func (u *unboundReader) zone(c *collector, value []byte) (rest []byte) {
	name, rest := cutQuoted(value)
	kind, rest := cutQuoted(rest)
	switch string(kind) {
	case "static", "deny", "refuse", "inform_deny",
		"always_deny", "always_refuse", "always_nxdomain", "always_nodata", "always_null":
		c.zone(name, indicator.ScopeSubtree, indicator.ActionBlock)
	case "redirect", "inform_redirect":
		u.redirected = append(u.redirected[:0], name...)
		c.skip(name, SkipRewrite)
	case "transparent", "always_transparent":
		u.transparent = append(u.transparent[:0], name...)
		u.transparentLine = c.line
	case "typetransparent", "inform", "nodefault", "noview", "ipset", "block_a", "truncate":
		c.skip(name, SkipDirective)
	default:
		c.reject(value, errZoneType)
	}
	return rest
}

// allowTransparent takes the last transparent zone, whose data did not follow.
func (u *unboundReader) allowTransparent(c *collector) {
	if len(u.transparent) == 0 {
		return
	}
	line := c.line
	c.line = u.transparentLine
	c.zone(u.transparent, indicator.ScopeSubtree, indicator.ActionAllow)
	c.line = line
	u.transparent = u.transparent[:0]
}

// data reads `"name [ttl] [class] type data"`.
func (u *unboundReader) data(c *collector, value []byte) (rest []byte) {
	text, rest := cutQuoted(value)
	name, record := cutWord(text)
	if bytes.Equal(name, u.transparent) {
		c.skip(name, SkipDirective)
		u.transparent = u.transparent[:0]
	}
	u.allowTransparent(c)
	kind, data := cutRecord(record)
	switch kind {
	case "A", "AAAA":
		scope := indicator.ScopeName
		if bytes.Equal(name, u.redirected) {
			scope = indicator.ScopeSubtree
		}
		if answer, _ := cutWord(data); isNowhere(answer) {
			c.zone(name, scope, indicator.ActionBlock)
		} else {
			c.skip(name, SkipRewrite)
		}
	case "CNAME", "DNAME":
		c.skip(name, SkipRewrite)
	case "":
		c.reject(value, errLocalData)
	default:
		c.skip(name, SkipDirective)
	}
	return rest
}

// cutQuoted returns the first value, in double, single or no quotes, and the rest.
func cutQuoted(text []byte) (value, rest []byte) {
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		if end := bytes.IndexByte(text[1:], text[0]); end >= 0 {
			return trim(text[1 : 1+end]), trim(text[end+2:])
		}
	}
	return cutWord(text)
}
