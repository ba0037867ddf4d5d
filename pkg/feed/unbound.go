package feed

import (
	"bytes"
	"errors"
	"hash/maphash"

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
//     leads nowhere is a block, for the whole zone if it is a redirect zone, and for the
//     name alone otherwise. The zone may come before or after its data.
//   - Other attributes are skipped.
//
// The case of a name and a leading or final dot make no difference.
type unboundReader struct {
	redirected      nameSet // redirect zones
	blocked         nameSet // names whose data lead nowhere
	transparent     []byte  // the last transparent zone, as long as its data may still follow
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
	switch string(bytes.ToLower(zoneType)) {
	case "static", "deny", "refuse", "inform_deny",
		"always_deny", "always_refuse", "always_nxdomain", "always_nodata", "always_null":
		c.addZone(cutLeadingDot(name), indicator.ScopeSubtree, indicator.ActionBlock)
	case "redirect", "inform_redirect":
		u.readRedirect(c, cutLeadingDot(name))
	case "transparent", "always_transparent":
		u.transparent = append(u.transparent[:0], cutLeadingDot(name)...)
		u.transparentLine = c.line
	case "typetransparent", "inform", "nodefault", "noview", "ipset", "block_a", "truncate":
		c.skip(name, SkipDirective)
	default:
		c.reject(value, errZoneType)
	}
	return rest
}

// readRedirect reads a redirect zone. It is skipped, unless its data came before it: they were
// added for the name alone, and the zone widens that.
func (u *unboundReader) readRedirect(c *collector, name []byte) {
	if !u.redirected.add(name) {
		c.err = refuse(ErrTooLarge, c.line, "over %d redirect zones", maxNameSet)
		return
	}
	if u.blocked.has(name) {
		c.addZone(name, indicator.ScopeSubtree, indicator.ActionBlock)
		return
	}
	c.skip(name, SkipRedirectZone)
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
	name = cutLeadingDot(name)
	if sameName(name, u.transparent) {
		c.skip(name, SkipDirective)
		u.transparent = u.transparent[:0]
	}
	u.allowTransparent(c)

	recordType, data := cutRecord(record)
	switch recordType {
	case "A", "AAAA":
		if answer, _ := cutWord(data); textLeadsNowhere(answer) {
			u.addBlocked(c, name)
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

// addBlocked adds a name whose data lead nowhere.
func (u *unboundReader) addBlocked(c *collector, name []byte) {
	if u.redirected.has(name) {
		c.addZone(name, indicator.ScopeSubtree, indicator.ActionBlock)
		return
	}
	u.blocked.add(name) // once the set is full, a later redirect zone is skipped
	c.addZone(name, indicator.ScopeName, indicator.ActionBlock)
}

// readLong accepts comments and attributes that do not list names.
func (u *unboundReader) readLong(c *collector, head []byte) bool {
	text := trim(head)
	attribute, _, found := bytes.Cut(text, []byte{':'})
	switch {
	case len(text) == 0:
		return false
	case text[0] == '#':
		return true
	case !found || !all(attribute, isOptionByte) || bytes.HasPrefix(attribute, []byte("local-")):
		return false
	}
	c.skip(text, SkipDirective)
	return true
}

// maxNameSet limits the memory of a nameSet to about 20 MB.
const maxNameSet = 1 << 20

// nameSet is a set of names that differ by more than case and a final dot. It holds hashes,
// which take less memory than names; the zero nameSet is empty.
type nameSet struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
	text   []byte
}

// add reports whether there was room for the name.
func (s *nameSet) add(name []byte) bool {
	if s.hashes == nil {
		s.seed, s.hashes = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	if len(s.hashes) >= maxNameSet {
		return s.has(name)
	}
	s.hashes[s.hash(name)] = struct{}{}
	return true
}

func (s *nameSet) has(name []byte) bool {
	if s.hashes == nil {
		return false
	}
	_, found := s.hashes[s.hash(name)]
	return found
}

func (s *nameSet) hash(name []byte) uint64 {
	s.text = append(s.text[:0], bytes.TrimSuffix(name, []byte{'.'})...)
	for i, c := range s.text {
		if 'A' <= c && c <= 'Z' {
			s.text[i] = c | 0x20
		}
	}
	return maphash.Bytes(s.seed, s.text)
}

// sameName reports whether two names differ only by case and a final dot.
func sameName(a, b []byte) bool {
	return bytes.EqualFold(bytes.TrimSuffix(a, []byte{'.'}), bytes.TrimSuffix(b, []byte{'.'}))
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
