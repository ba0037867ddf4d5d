package feed

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// collector receives what the readers find. It counts the entries, completes them with the
// defaults of the options, and emits them.
type collector struct {
	options Options
	emit    func(*indicator.Indicator) error
	line    int
	err     error // from emit: the parse must stop
	allows  bool  // the current entries are allow entries, whatever they declare

	base   indicator.Indicator // the defaults of an entry
	entry  indicator.Indicator // the entry that is emitted
	texts  arena
	clock  clock
	counts counts

	categories categoryCache
	words      wordCache

	columns []column.Reading // how the columns are read, for the report
	types   map[string]int   // skipped entries by the type that their rows say
}

type counts struct {
	entries, accepted, rejected, addresses, allowed int
	expected                                        int // entries that the list claims to have
	skips                                           [skipEnd]int
}

func newCollector(o Options, emit func(*indicator.Indicator) error) *collector {
	c := &collector{options: o, emit: emit, allows: o.Action == indicator.ActionAllow}
	c.categories.known = map[string]indicator.Category{}
	c.types = map[string]int{}
	c.words = newWordCache()
	if o.Line == nil {
		c.options.Line = new(int)
	}
	c.base.Category = o.Category
	c.base.Severity = cmp.Or(o.Severity, indicator.DefaultSeverity)
	c.base.Confidence = indicator.DefaultConfidence
	if o.Confidence != nil {
		c.base.Confidence = *o.Confidence
	}
	c.entry = c.base
	return c
}

// addOwner adds a name from a place where an address has no effect.
func (c *collector) addOwner(text []byte, scope indicator.Scope, action indicator.Action) {
	if isAddress(text) {
		c.skip(text, SkipAddressAsName)
		return
	}
	c.addName(text, scope, action)
}

// addZone adds an owner name that may start with `*.`. If it does, the entry covers
// everything under the name; if not, scope applies.
func (c *collector) addZone(text []byte, scope indicator.Scope, action indicator.Action) {
	if len(text) > 2 && text[0] == '*' && text[1] == '.' {
		if isAddress(text[2:]) {
			c.skip(text, SkipAddressWildcard)
			return
		}
		text, scope = text[2:], indicator.ScopeUnder
	}
	switch {
	case len(text) == 1 && text[0] == '*':
		c.reject(text, errMatchesAll)
	case bytes.IndexByte(text, '*') >= 0:
		c.skip(text, SkipPattern)
	default:
		c.addOwner(text, scope, action)
	}
}

// addTarget adds a block entry for a target. text is what the target was parsed from.
func (c *collector) addTarget(t target, text []byte, scope indicator.Scope) {
	switch {
	case t.err != nil:
		c.reject(text, t.err)
	case t.skip != 0:
		c.skip(text, t.skip)
	case t.block.IsValid():
		c.addAddress(t.block, indicator.ActionBlock)
	case t.partial:
		c.addName(t.host, indicator.ScopeName, indicator.ActionBlock)
	default:
		c.addName(t.host, scope, indicator.ActionBlock)
	}
}

// addName adds a name that is not parsed yet.
func (c *collector) addName(text []byte, scope indicator.Scope, action indicator.Action) {
	name, err := domainname.Parse(c.texts.keep(text))
	if err != nil {
		c.reject(text, err)
		return
	}

	action = c.actionFor(action)
	if c.options.Registrable && action == indicator.ActionBlock {
		if name, err = registrable(name); err != nil {
			c.reject(text, err)
			return
		}
		scope = indicator.ScopeSubtree
	}
	if c.options.Scope != 0 {
		scope = c.options.Scope
	}
	c.entry.Name, c.entry.Block = name, netip.Prefix{}
	c.entry.Scope, c.entry.Action = scope, action
	c.accept()
}

func (c *collector) addAddress(block netip.Prefix, action indicator.Action) {
	c.entry.Name, c.entry.Block = domainname.Name{}, block
	c.entry.Scope, c.entry.Action = indicator.ScopeCIDR, c.actionFor(action)
	c.accept()
}

// actionFor returns the action of an entry whose list declares the given one. Nothing in an
// allow feed blocks. In a block feed, the list's own exceptions still allow.
func (c *collector) actionFor(declared indicator.Action) indicator.Action {
	if c.allows {
		return indicator.ActionAllow
	}
	return declared
}

func (c *collector) accept() {
	if c.err != nil {
		return
	}
	c.counts.entries++
	c.counts.accepted++
	if c.entry.Action == indicator.ActionAllow {
		c.counts.allowed++
	}
	if c.entry.Block.IsValid() {
		c.counts.addresses++
	}
	*c.options.Line = c.line
	c.err = c.emit(&c.entry)
}

func (c *collector) reject(text []byte, err error) {
	c.counts.entries++
	c.counts.rejected++
	if c.options.OnReject != nil {
		c.options.OnReject(LineError{Line: c.line, Text: shown(text), Err: err})
	}
}

func (c *collector) skip(text []byte, why Skip) {
	c.counts.entries++
	c.counts.skips[why]++
	if c.options.OnSkip != nil {
		c.options.OnSkip(SkippedLine{Line: c.line, Text: shown(text), Why: why})
	}
}

// maxTypes and maxTypeBytes limit what a report says about types, because their names are text of the list.
const (
	maxTypes     = 40
	maxTypeBytes = 40
)

// skipType skips an entry because of the type that its row names.
func (c *collector) skipType(text, name []byte) {
	word := "(other)"
	if len(name) <= maxTypeBytes {
		word = strings.ToLower(string(name))
	}
	if _, found := c.types[word]; !found && len(c.types) == maxTypes {
		word = "(other)"
	}
	c.types[word]++
	c.skip(text, SkipOtherType)
}

func (c *collector) report(format Format, from *source) Report {
	r := Report{
		Format:      format,
		Compression: from.compression,
		InputBytes:  from.raw.n,
		Bytes:       from.n,
		Lines:       c.line,
		Entries:     c.counts.entries,
		Accepted:    c.counts.accepted,
		Rejected:    c.counts.rejected,
		Skips:       map[Skip]int{},
		Addresses:   c.counts.addresses,
		Allowed:     c.counts.allowed,
		Expected:    c.counts.expected,
		Columns:     c.columns,
		Types:       c.types,
	}
	for why, n := range c.counts.skips {
		if n > 0 {
			r.Skips[Skip(why)] = n
			r.Skipped += n
		}
	}
	return r
}

func registrable(name domainname.Name) (domainname.Name, error) {
	short, err := publicsuffix.EffectiveTLDPlusOne(name.String())
	if err != nil {
		return domainname.Name{}, fmt.Errorf("shortening to the registrable domain: %w", err)
	}
	return domainname.Parse(short)
}

// arenaBytes is how many bytes of text share one allocation. A caller that keeps a single
// name keeps the whole allocation alive.
const arenaBytes = 16 << 10

// arena converts short byte slices to strings, with one allocation for many of them.
type arena struct{ chunk strings.Builder }

func (a *arena) keep(text []byte) string {
	if a.chunk.Cap()-a.chunk.Len() < len(text) {
		a.chunk.Reset()
		a.chunk.Grow(max(arenaBytes, len(text)))
	}
	start := a.chunk.Len()
	a.chunk.Write(text)
	return a.chunk.String()[start:]
}
