package feed

import (
	"bytes"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var (
	errAttribute = errors.New("not an unbound attribute")
	errZoneType  = errors.New("unknown local-zone type")
	errLocalData = errors.New("local-data without a record")
)

// unboundReader reads unbound configuration.
//
//   - A `local-zone` of a type that refuses, drops or gives an empty answer is a block.
//   - A transparent zone without data is an exception from a zone above it, so it is an
//     allow entry.
//   - A redirect zone is skipped, because its data decide: `local-data` with an address that
//     leads nowhere is a block, for the whole zone if it is the redirect zone, and for the
//     name alone otherwise.
//   - Other attributes are skipped.
type unboundReader struct {
	redirected      []byte
	transparent     []byte // the last transparent zone, as long as its data may still follow
	transparentLine int
}

func (u *unboundReader) readLine(c *collector, line []byte) {
	text := trim(line)
	for len(text) > 0 && text[0] != '#' {
		text = u.readAttribute(c, text)
	}
}

func (u *unboundReader) finish(c *collector) { u.allowTransparent(c) }

// readAttribute reads one attribute and returns the rest of the line.
func (u *unboundReader) readAttribute(c *collector, text []byte) (rest []byte) {
	attribute, value, found := bytes.Cut(text, []byte{':'})
	value = trim(value)
	if string(attribute) != "local-data" {
		u.allowTransparent(c)
	}
	switch {
	case !found || !all(attribute, isOptionByte):
		c.reject(text, errAttribute)
	case string(attribute) == "local-zone":
		return u.readZone(c, value)
	case string(attribute) == "local-data":
		return u.readData(c, value)
	case len(value) > 0: // without a value it is the heading of a clause
		c.skip(text, SkipDirective)
	}
	return nil
}

func (u *unboundReader) readZone(c *collector, value []byte) (rest []byte) {
	name, rest := cutQuoted(value)
	zoneType, rest := cutQuoted(rest)
	switch string(zoneType) {
	case "static", "deny", "refuse", "inform_deny",
		"always_deny", "always_refuse", "always_nxdomain", "always_nodata", "always_null":
		c.addZone(name, indicator.ScopeSubtree, indicator.ActionBlock)
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

// allowTransparent adds the last transparent zone as an allow entry. It is called once it is
// clear that no data follow the zone.
func (u *unboundReader) allowTransparent(c *collector) {
	if len(u.transparent) == 0 {
		return
	}
	line := c.line
	c.line = u.transparentLine
	c.addZone(u.transparent, indicator.ScopeSubtree, indicator.ActionAllow)
	c.line = line
	u.transparent = u.transparent[:0]
}

// readData reads `"name [ttl] [class] type data"`.
func (u *unboundReader) readData(c *collector, value []byte) (rest []byte) {
	text, rest := cutQuoted(value)
	name, record := cutWord(text)
	if bytes.Equal(name, u.transparent) {
		c.skip(name, SkipDirective)
		u.transparent = u.transparent[:0]
	}
	u.allowTransparent(c)

	recordType, data := cutRecord(record)
	switch recordType {
	case "A", "AAAA":
		scope := indicator.ScopeName
		if bytes.Equal(name, u.redirected) {
			scope = indicator.ScopeSubtree
		}
		if answer, _ := cutWord(data); textLeadsNowhere(answer) {
			c.addZone(name, scope, indicator.ActionBlock)
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

// cutQuoted returns the first value, which may be in double quotes, single quotes or none,
// and the rest.
func cutQuoted(text []byte) (value, rest []byte) {
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		if end := bytes.IndexByte(text[1:], text[0]); end >= 0 {
			return trim(text[1 : 1+end]), trim(text[end+2:])
		}
	}
	return cutWord(text)
}
