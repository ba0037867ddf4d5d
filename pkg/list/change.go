package list

import (
	"bytes"
	"net/netip"
	"sort"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Change is how a list differs from the accepted list of its feed. All numbers but Accepted and
// Entries count only entries in effect: those that do what the feed is for, which is to block
// or to allow, have not ended, and are not vetoed by an exception of the same list.
type Change struct {
	Accepted int `json:"accepted"` // all entries of the accepted list
	Entries  int `json:"entries"`  // all entries of the new list
	Before   int `json:"before"`   // of the accepted list; those that have ended since do not count
	Now      int `json:"now"`      // of the new list
	Kept     int `json:"kept"`     // of Before: what these match, the new list matches too
	Gone     int `json:"gone"`     // the others of Before
	New      int `json:"new"`      // of Now: the accepted list has no such entry
	// Highest is the largest Now of a list that the feed had within the last seven days.
	// WeekBefore and WeekGone are Before and Gone if the list is compared with the one of
	// seven days ago. They are 0 if they are not known.
	Highest    int `json:"highest,omitempty"`
	WeekBefore int `json:"week_before,omitempty"`
	WeekGone   int `json:"week_gone,omitempty"`
}

// CountChange returns the change from the number of entries in the accepted list and in the
// new list, if that is all that is known about them.
func CountChange(accepted, entries int) Change {
	kept := min(accepted, entries)
	return Change{
		Accepted: accepted, Entries: entries, Before: accepted, Now: entries,
		Kept: kept, Gone: accepted - kept, New: entries - kept,
	}
}

// ByCount returns the change without regard to which entries are gone. It is for a list that is
// the accepted list, read with other settings or guards: its publisher removed nothing.
func (c Change) ByCount() Change {
	counted := CountChange(c.Before, c.Now)
	counted.Accepted, counted.Entries, counted.Highest = c.Accepted, c.Entries, c.Highest
	return counted
}

// endsSoon is how far ahead an end counts as a removal if the entry had no end, or a later
// one. An owner who wants entries to go must not get around a guard by letting them end.
const endsSoon = 7 * 24 * time.Hour

// Comparison compares a list with the accepted list of its feed, which is read entry by entry,
// so its memory does not depend on the length of that list.
type Comparison struct {
	list   *List
	kind   indicator.Action // of the entries that count
	now    int64            // in seconds
	next   int              // the first entry of list whose value is not below value
	change Change

	// The entries of the accepted list with the last value.
	value  []byte
	before []packed
	buffer []byte // for the next value

	lengths map[int]bool // of the prefixes of list; nil until a block is looked up
}

// NewComparison returns a comparison of a list with an accepted list that blocks or allows.
func NewComparison(l *List, kind indicator.Action, now time.Time) *Comparison {
	c := &Comparison{list: l, kind: kind, now: now.Unix()}
	c.change.Entries = l.Len()
	for start := 0; start < l.Len(); {
		end := l.groupEnd(start)
		c.change.Now += c.countInEffect(l.entries[start:end], allParts)
		start = end
	}
	return c
}

// Compare compares two lists; see [NewComparison].
func Compare(accepted, l *List, kind indicator.Action, now time.Time) Change {
	c := NewComparison(l, kind, now)
	for entry := range accepted.All() {
		c.Add(entry)
	}
	return c.Change()
}

// Add adds an entry of the accepted list. Calls must be in the order of the entries.
func (c *Comparison) Add(entry *indicator.Indicator) {
	c.change.Accepted++
	c.buffer = entry.AppendValue(c.buffer[:0])
	if !bytes.Equal(c.buffer, c.value) {
		c.finishValue()
		c.value, c.buffer, c.before = c.buffer, c.value, c.before[:0]
	}
	c.before = append(c.before, packed{
		scope:     entry.Scope,
		action:    entry.Action,
		expiresAt: toUnix(entry.ExpiresAt),
	})
}

// Change returns the change. The comparison must not be used afterwards.
func (c *Comparison) Change() Change {
	c.finishValue()
	c.change.New += c.change.Now
	return c.change
}

// finishValue compares the entries with the last value.
func (c *Comparison) finishValue() {
	if len(c.before) == 0 {
		return
	}
	for c.next < c.list.Len() && c.list.value(&c.list.entries[c.next]) < string(c.value) {
		c.next++
	}
	var same []packed
	if c.next < c.list.Len() && c.list.value(&c.list.entries[c.next]) == string(c.value) {
		same = c.list.entries[c.next:c.list.groupEnd(c.next)]
	}

	var known parts
	for i := range c.before {
		entry := &c.before[i]
		effect := c.effectOf(c.before, entry)
		if effect == 0 {
			continue
		}
		known |= effect
		c.change.Before++
		if c.isCovered(effect, same, c.requiredEnd(entry)) {
			c.change.Kept++
		} else {
			c.change.Gone++
		}
	}
	c.change.New -= c.countInEffect(same, known)
}

// parts is a set of kinds of names and addresses.
type parts uint8

const (
	nameItself parts = 1 << iota // the name
	namesUnder                   // every name under it
	addresses                    // the addresses of a block
	allParts   = nameItself | namesUnder | addresses
)

func partsOf(scope indicator.Scope) (p parts) {
	if scope == indicator.ScopeCIDR {
		return addresses
	}
	if scope.Covers(0) {
		p |= nameItself
	}
	if scope.Covers(1) {
		p |= namesUnder
	}
	return p
}

// isLive reports whether an entry has not ended.
func (c *Comparison) isLive(entry *packed) bool {
	return entry.expiresAt == 0 || entry.expiresAt > c.now
}

// vetoed returns what the exceptions among entries of one value take away.
func (c *Comparison) vetoed(group []packed) (p parts) {
	if c.kind != indicator.ActionBlock {
		return 0
	}
	for i := range group {
		if group[i].action == indicator.ActionAllow && c.isLive(&group[i]) {
			p |= partsOf(group[i].scope)
		}
	}
	return p
}

// effectOf returns what an entry matches. group holds all entries with its value.
func (c *Comparison) effectOf(group []packed, entry *packed) parts {
	if entry.action != c.kind || !c.isLive(entry) {
		return 0
	}
	return partsOf(entry.scope) &^ c.vetoed(group)
}

// countInEffect returns how many entries of a group match some of these parts.
func (c *Comparison) countInEffect(group []packed, wanted parts) (count int) {
	for i := range group {
		if c.effectOf(group, &group[i])&wanted != 0 {
			count++
		}
	}
	return count
}

// requiredEnd returns how long an entry of the new list must last so that this entry of the
// accepted list counts as kept.
func (c *Comparison) requiredEnd(entry *packed) int64 {
	soon := c.now + int64(endsSoon/time.Second)
	if entry.expiresAt != 0 {
		return min(soon, entry.expiresAt)
	}
	return soon
}

// listed returns what the entries of a group match at least until a time.
func (c *Comparison) listed(group []packed, until int64) (p parts) {
	for i := range group {
		if ends := group[i].expiresAt; ends == 0 || ends >= until {
			p |= c.effectOf(group, &group[i])
		}
	}
	return p
}

// isCovered reports whether the new list matches what an entry with the last value matches, at
// least until a time. same are its entries with this value. As in an index, an exception vetoes
// entries that are not more specific.
func (c *Comparison) isCovered(effect parts, same []packed, until int64) bool {
	if effect&^c.listed(same, until) == 0 {
		return true
	}
	if effect&c.vetoed(same) != 0 {
		return false
	}
	for above := range c.above() {
		group := c.list.find([]byte(above))
		if c.vetoed(group)&(namesUnder|addresses) != 0 {
			return false
		}
		if c.listed(group, until)&(namesUnder|addresses) != 0 {
			return true
		}
	}
	return false
}

// above yields the values of the names or blocks that contain the last value, from the most
// specific one on.
func (c *Comparison) above() func(yield func(string) bool) {
	if c.before[0].scope != indicator.ScopeCIDR {
		return ancestors(string(c.value))
	}
	block, err := indicator.ParseBlock(string(c.value))
	if err != nil {
		return func(func(string) bool) {}
	}
	if c.lengths == nil {
		c.lengths = c.list.prefixLengths()
	}
	return func(yield func(string) bool) {
		for bits := block.Bits() - 1; bits >= 0; bits-- {
			wider := netip.PrefixFrom(block.Addr(), bits).Masked()
			if c.lengths[bits] && !yield(wider.String()) {
				return
			}
		}
	}
}

// prefixLengths returns the lengths of the prefixes in the list, of both address families.
func (l *List) prefixLengths() map[int]bool {
	lengths := map[int]bool{}
	for i := range l.entries {
		if p := &l.entries[i]; p.scope == indicator.ScopeCIDR {
			if block, err := indicator.ParseBlock(l.value(p)); err == nil {
				lengths[block.Bits()] = true
			}
		}
	}
	return lengths
}

// groupEnd returns the end of the entries that have the value of the entry at start.
func (l *List) groupEnd(start int) int {
	end := start + 1
	for end < len(l.entries) && l.value(&l.entries[start]) == l.value(&l.entries[end]) {
		end++
	}
	return end
}

// find returns the entries with a value.
func (l *List) find(value []byte) []packed {
	start := sort.Search(len(l.entries), func(i int) bool { return l.value(&l.entries[i]) >= string(value) })
	if start == len(l.entries) || l.value(&l.entries[start]) != string(value) {
		return nil
	}
	return l.entries[start:l.groupEnd(start)]
}
