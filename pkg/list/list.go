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
	categories texts
	references texts
}

// packed is an entry of a [List]. Times are in seconds since 1970; 0 means unknown.
type packed struct {
	firstSeen, expiresAt int64
	offset               uint32 // of the value in the text
	category, reference  uint32 // numbers of texts
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
		Category:   indicator.Category(l.categories.at(p.category)),
		Reference:  l.references.at(p.reference),
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
	categories interner
	references interner
	full       bool // no more references are added
	leftOut    int  // entries whose references were left out
}

func newBuilder(memory int64) *builder {
	return &builder{memory: memory, categories: newInterner(), references: newInterner()}
}

// add packs a copy of entry.
func (b *builder) add(entry *indicator.Indicator) error {
	l := &b.list
	offset := len(l.text)
	if len(l.entries) == maxEntries || offset > maxText {
		return errTooLarge
	}
	need := memoryToList(len(l.entries), int64(offset)) + memoryToBuild(len(l.entries), int64(offset)) +
		memoryOfCategories(&b.categories.texts)
	if b.memory > 0 && need > b.memory {
		return errMemory
	}

	l.text = entry.AppendValue(l.text)
	l.entries = append(l.entries, packed{
		firstSeen:  toUnix(entry.FirstSeen),
		expiresAt:  toUnix(entry.ExpiresAt),
		offset:     uint32(offset), // maxText bounds it
		category:   b.categories.number(string(entry.Category)),
		reference:  b.reference(CleanText(entry.Reference), need),
		length:     uint8(len(l.text) - offset), //nolint:gosec // a name has at most 253 octets
		scope:      entry.Scope,
		action:     entry.Action,
		severity:   entry.Severity,
		confidence: entry.Confidence,
	})
	return nil
}

// reference returns the number of a reference. No verdict needs references. So once they
// take the memory that there is for them, no more of them are added. If entries need the
// memory too, all references are left out. need is the memory for everything else.
func (b *builder) reference(text string, need int64) uint32 {
	if text == "" {
		return 0
	}
	if number, known := b.references.find(text); known {
		return number
	}

	limit, used := int64(maxReferences), memoryOfReferences(&b.references.texts)
	if b.memory > 0 {
		limit = min(limit, b.memory/referenceShare)
	}
	b.full = b.full || used+memoryOfReference(len(text)) > limit
	if b.memory > 0 && need+used > b.memory {
		b.leftOut += b.list.dropReferences()
		b.full, b.references = true, newInterner()
	}
	if b.full {
		b.leftOut++
		return 0
	}
	return b.references.number(text)
}

// build sorts the entries and merges those that have the same key. It returns the number of
// entries that were merged into others. The builder must not be used afterwards.
func (b *builder) build() (List, int) {
	l := &b.list
	l.categories, l.references = b.categories.texts, b.references.texts // merge reads them
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
	l.categories, l.references = b.categories.texts, b.references.texts
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
	// Both texts are those of one of the entries.
	first.category, _ = b.categories.find(string(into.Category))
	first.reference, _ = b.references.find(into.Reference)
}
