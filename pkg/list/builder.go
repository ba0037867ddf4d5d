package list

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/internal/textsort"
)

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
	entries    []packed
	text       []byte // the values, each after its length
	memory     int64  // see [Guards.Memory]
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
	count, text := len(b.entries), b.textBytes()
	if count == maxEntries || text > maxText {
		return errTooLarge
	}
	need := memoryToList(count, text) + memoryToBuild(count, text) + memoryOfCategories(&b.categories.texts)
	if b.memory > 0 && need > b.memory {
		return errMemory
	}

	start := len(b.text) + 1
	b.text = entry.AppendValue(append(b.text, 0))
	b.text[start-1] = uint8(len(b.text) - start) //nolint:gosec // a name has at most 253 octets
	b.entries = append(b.entries, packed{
		firstSeen:  toUnix(entry.FirstSeen),
		expiresAt:  toUnix(entry.ExpiresAt),
		offset:     uint32(start), //nolint:gosec // maxText bounds it
		category:   b.categories.number(string(entry.Category)),
		reference:  b.reference(CleanText(entry.Reference), need),
		scope:      entry.Scope,
		action:     entry.Action,
		severity:   entry.Severity,
		confidence: entry.Confidence,
	})
	return nil
}

// textBytes returns the total length of the values.
func (b *builder) textBytes() int64 { return int64(len(b.text) - len(b.entries)) }

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
		b.leftOut += dropReferences(b.entries)
		b.full, b.references = true, newInterner()
	}
	if b.full {
		b.leftOut++
		return 0
	}
	return b.references.number(text)
}

// value returns the value at an offset.
func (b *builder) value(offset uint32) []byte { return b.text[offset:][:b.text[offset-1]] }

// build sorts the entries and merges those that have the same key. It returns the number of
// entries that were merged into others. The builder must not be used afterwards.
//
// It puts the values into the order of the entries too, so that whoever reads the list reads
// memory in order.
func (b *builder) build() (sorted List, repeats int) {
	items := make([]textsort.Item, len(b.entries))
	for i := range b.entries {
		items[i] = textsort.Item{Place: b.entries[i].offset, Number: uint32(i)}
	}
	textsort.Sort(items, b.value)
	arrange(b.entries, items)

	sorted = List{entries: b.entries[:0], categories: b.categories.texts, references: b.references.texts}
	var text strings.Builder
	text.Grow(len(b.text))
	for start := 0; start < len(items); {
		value := b.value(items[start].Place)
		end := start + 1
		for end < len(items) && bytes.Equal(b.value(items[end].Place), value) {
			end++
		}

		text.WriteByte(byte(len(value))) //nolint:gosec // a name has at most 253 octets
		same := b.entries[start:end]
		for i := range same {
			same[i].offset = uint32(text.Len()) //nolint:gosec // maxText bounds it
		}
		text.Write(value)
		if len(same) > 1 {
			same = same[:b.mergeRepeats(&sorted, same)]
		}
		sorted.entries = append(sorted.entries, same...) // never beyond end
		start = end
	}
	sorted.text = text.String()
	return sorted, len(items) - len(sorted.entries)
}

// arrange puts entries into the order of items, whose numbers are the places of the entries. It
// needs no other memory, and takes the numbers out of the items.
func arrange(entries []packed, items []textsort.Item) {
	const arranged = math.MaxUint32
	for start := range items {
		first := entries[start]
		for at := start; items[at].Number != arranged; {
			next := int(items[at].Number)
			items[at].Number = arranged
			if next == start {
				entries[at] = first
				break
			}
			entries[at] = entries[next]
			at = next
		}
	}
}

// mergeRepeats sorts the entries with one value by scope and action, and merges those that have
// the same. It returns how many are left.
func (b *builder) mergeRepeats(l *List, same []packed) (left int) {
	compare := func(x, y packed) int {
		return cmp.Or(cmp.Compare(x.scope, y.scope), cmp.Compare(x.action, y.action))
	}
	slices.SortFunc(same, compare)
	for i := 1; i < len(same); i++ {
		if compare(same[left], same[i]) == 0 {
			b.merge(l, &same[left], &same[i])
			continue
		}
		left++
		same[left] = same[i]
	}
	return left + 1
}

// merge merges repeat into first by the rule of [indicator.Indicator.Merge].
func (b *builder) merge(l *List, first, repeat *packed) {
	into, from := l.details(first), l.details(repeat)
	into.Merge(&from)
	first.firstSeen, first.expiresAt = toUnix(into.FirstSeen), toUnix(into.ExpiresAt)
	first.severity, first.confidence = into.Severity, into.Confidence
	// Both texts are those of one of the entries.
	first.category, _ = b.categories.find(string(into.Category))
	first.reference, _ = b.references.find(into.Reference)
}
