// Package list reads threat lists. It parses a list, drops entries that match too much, and sorts
// and merges the others. It can refuse a whole list. It also writes the report on a list.
//
// The importer and the command read lists with the same code, so `feed lint` shows what an
// import would do.
package list

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// List is a list that passed its guards. Its entries are in the order of
// [indicator.Indicator.Compare], and every key is unique. A List is immutable.
//
// A list of a million names must leave enough memory to build an index at the same time. So
// entries are packed: each takes 40 bytes and the text of its name, without pointers that
// the garbage collector would have to follow.
type List struct {
	entries    []packed
	text       []byte // the values of all entries, one after the other
	categories []string
	references []string
}

// packed is an entry of a [List]. Times are in seconds since 1970; 0 means unknown.
type packed struct {
	firstSeen, expiresAt int64
	offset               uint32 // of the value in the text
	category, reference  uint32 // in the string tables
	length               uint8  // of the value
	scope                indicator.Scope
	action               indicator.Action
	severity             indicator.Severity
	confidence           indicator.Confidence
}

// Len returns the number of entries.
func (l *List) Len() int { return len(l.entries) }

// Bytes returns the total length of all values.
func (l *List) Bytes() (total int64) {
	for i := range l.entries {
		total += int64(l.entries[i].length)
	}
	return total
}

// expired returns the number of entries that have ended.
func (l *List) expired(now time.Time) (n int) {
	for i := range l.entries {
		if ends := l.entries[i].expiresAt; ends != 0 && ends <= now.Unix() {
			n++
		}
	}
	return n
}

// All yields the entries in order. An entry is valid until the next one is yielded.
func (l *List) All() iter.Seq[*indicator.Indicator] {
	return func(yield func(*indicator.Indicator) bool) {
		var entry indicator.Indicator
		for i := range l.entries {
			l.unpack(&l.entries[i], &entry)
			if !yield(&entry) {
				return
			}
		}
	}
}

func (l *List) value(p *packed) []byte { return l.text[p.offset:][:p.length] }

func (l *List) unpack(p *packed, entry *indicator.Indicator) {
	*entry = indicator.Indicator{
		Scope:      p.scope,
		Action:     p.action,
		Severity:   p.severity,
		Confidence: p.confidence,
		Category:   indicator.Category(l.categories[p.category]),
		Reference:  l.references[p.reference],
		FirstSeen:  fromUnix(p.firstSeen),
		ExpiresAt:  fromUnix(p.expiresAt),
	}
	if err := entry.SetValue(string(l.value(p))); err != nil {
		panic(fmt.Errorf("unpacking an entry that was packed before: %w", err))
	}
}

// measureReach returns how much of the public address space the block entries cover, and how
// many of them are wide.
func (l *List) measureReach() (covered reach.Reach, wide int) {
	var set reach.Set
	var entry indicator.Indicator
	for i := range l.entries {
		if p := &l.entries[i]; p.scope == indicator.ScopeCIDR && p.action == indicator.ActionBlock {
			l.unpack(p, &entry)
			set.Add(entry.Block)
			if reach.IsWide(entry.Block) {
				wide++
			}
		}
	}
	return set.Reach(), wide
}

// compare is [indicator.Indicator.Compare] for packed entries.
func (l *List) compare(a, b packed) int {
	return cmp.Or(
		bytes.Compare(l.value(&a), l.value(&b)),
		cmp.Compare(a.scope, b.scope),
		cmp.Compare(a.action, b.action),
	)
}

func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func toUnix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// maxEntries and maxText bound the memory of a list, including repeated entries. No
// transformer could load an index that is larger. [Guards.Memory] is a tighter bound where
// the memory of the process is known.
const (
	maxEntries = 8_000_000
	maxText    = 512 << 20 // bytes
)

var (
	// errTooLarge ends the parsing of a list that exceeds maxEntries or maxText.
	errTooLarge = fmt.Errorf("more than %d entries or %d MiB of names", maxEntries, maxText>>20)
	// errMemory ends the parsing of a list that does not fit into [Guards.Memory].
	errMemory = errors.New("the list has too many entries for the importer's memory")
)

// builder collects entries in any order.
type builder struct {
	list       List
	memory     int64 // see [Guards.Memory]
	categories interned
	references interned
}

func newBuilder(memory int64) *builder {
	return &builder{memory: memory, categories: interned{}, references: interned{}}
}

// add packs a copy of entry.
func (b *builder) add(entry *indicator.Indicator) error {
	l := &b.list
	offset := len(l.text)
	if len(l.entries) == maxEntries || offset > maxText {
		return errTooLarge
	}
	if b.memory > 0 && memoryToList(len(l.entries), int64(offset))+memoryToBuild(len(l.entries), int64(offset)) > b.memory {
		return errMemory
	}

	l.text = entry.AppendValue(l.text)
	l.entries = append(l.entries, packed{
		firstSeen:  toUnix(entry.FirstSeen),
		expiresAt:  toUnix(entry.ExpiresAt),
		offset:     uint32(offset), // maxText bounds it
		category:   b.categories.number(&l.categories, string(entry.Category)),
		reference:  b.references.number(&l.references, CleanText(entry.Reference)),
		length:     uint8(len(l.text) - offset), //nolint:gosec // a name has at most 253 octets
		scope:      entry.Scope,
		action:     entry.Action,
		severity:   entry.Severity,
		confidence: entry.Confidence,
	})
	return nil
}

// build sorts the entries and merges those that have the same key. It returns the number of
// entries that were merged into others. The builder must not be used afterwards.
func (b *builder) build() (List, int) {
	l := &b.list
	slices.SortFunc(l.entries, l.compare)
	kept := l.entries[:0]
	for i := range l.entries {
		if len(kept) > 0 && l.compare(kept[len(kept)-1], l.entries[i]) == 0 {
			b.merge(&kept[len(kept)-1], &l.entries[i])
			continue
		}
		kept = append(kept, l.entries[i])
	}
	repeats := len(l.entries) - len(kept)
	l.entries = kept
	return *l, repeats
}

// merge merges repeat into first by the rule of [indicator.Indicator.Merge].
func (b *builder) merge(first, repeat *packed) {
	var into, from indicator.Indicator
	b.list.unpack(first, &into)
	b.list.unpack(repeat, &from)
	into.Merge(&from)
	first.firstSeen, first.expiresAt = toUnix(into.FirstSeen), toUnix(into.ExpiresAt)
	first.severity, first.confidence = into.Severity, into.Confidence
	first.category = b.categories.number(&b.list.categories, string(into.Category))
	first.reference = b.references.number(&b.list.references, into.Reference)
}

// interned numbers strings in the order in which they first occur.
type interned map[string]uint32

func (n interned) number(table *[]string, text string) uint32 {
	number, found := n[text]
	if !found {
		number = uint32(len(*table)) //nolint:gosec // not more than entries
		n[text] = number
		*table = append(*table, text)
	}
	return number
}
