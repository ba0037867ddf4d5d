package list

import (
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Cost bounds what a list costs beyond its own object. The cost of an index is at most the
// sum of the costs of its lists.
type Cost struct {
	IndexBytes int64 // in an index
	BuildBytes int64 // memory of the process while it builds an index
}

// Add returns the sum of two costs.
func (c Cost) Add(other Cost) Cost {
	return Cost{c.IndexBytes + other.IndexBytes, c.BuildBytes + other.BuildBytes}
}

// Parts of [Cost.IndexBytes], in bytes. They follow from the file format of package index.
const (
	// IndexOverhead is the cost of an index without entries: the header, and filters that are
	// too small to be dense.
	IndexOverhead = 16 << 10

	// A name takes its octets, of which a 32nd come again in the directory; 3 bytes of front
	// coding and up to 4 of its group; its share of the offsets; and, if its group has no
	// other name, 12 bytes for the group.
	bytesPerName = 24
	// Both filters together take 1.2 bytes per label, and more if there are few.
	bytesPerLabel = 2
	// An IPv6 block takes 16 bytes, 4 for the number of its group, and 12 for the group.
	bytesPerBlock = 32
	// A category takes its text and an offset.
	bytesPerCategory = 4
)

// Parts of [Cost.BuildBytes] and of the memory to hold a list, in bytes. They are about a
// quarter above measured values.
const (
	bytesPerGroup = 160
	// otherRatings is how many different ratings the other feeds are assumed to give to the
	// names of a list. Names with the same ratings share a group.
	otherRatings = 64

	bytesPerCategoryText  = 200 // and four times its length
	bytesPerReferenceText = 64  // and four times its length
	bytesPerTextByte      = 4

	// References take at most this share of [Guards.Memory], and at most maxReferences.
	referenceShare = 4
	maxReferences  = 512 << 20
)

// Cost returns an upper bound of what the list costs in an index.
func (l *List) Cost() Cost {
	cost := Cost{
		IndexBytes: bytesPerCategory*int64(l.categories.len()) + int64(len(l.categories.text)),
		BuildBytes: memoryToBuild(l.Len(), l.Bytes()) + memoryOfCategories(&l.categories),
	}
	for i := range l.entries {
		p := &l.entries[i]
		if p.scope == indicator.ScopeCIDR {
			cost.IndexBytes += bytesPerBlock
			continue
		}
		value := l.value(p)
		labels := 1 + strings.Count(value, ".")
		cost.IndexBytes += bytesPerName + 17*int64(len(value))/16 + int64(bytesPerLabel*labels)
	}
	groups := min(int64(l.Len()), otherRatings*l.ratings()*int64(1+l.categories.len()))
	cost.BuildBytes += bytesPerGroup * groups
	return cost
}

// ratings returns how many different combinations of action, scope, severity and confidence
// the entries have.
func (l *List) ratings() (count int64) {
	var seen [1 << 15]bool
	for i := range l.entries {
		p := &l.entries[i]
		rating := int(p.action)&3<<13 | int(p.scope)&7<<10 | int(p.severity)&7<<7 | int(p.confidence)&0x7F
		if !seen[rating] {
			seen[rating] = true
			count++
		}
	}
	return count
}

// EstimateCost bounds the cost of an accepted list of which only these two figures are known.
// It assumes that every label has one octet and that every entry has a category of its own.
func EstimateCost(entries int, text int64) Cost {
	return Cost{IndexBytes: 3*text + 96*int64(entries), BuildBytes: memoryToBuild(entries, text)}
}

// memoryToList returns the bytes that a process needs to hold a list without its categories
// and references. text is the total length of the values. This and memoryToBuild are a
// quarter above the measured values.
func memoryToList(entries int, text int64) int64 { return 42*int64(entries) + 5*text/4 }

// memoryToBuild returns the bytes that a process needs to build an index.
func memoryToBuild(entries int, text int64) int64 { return 75*int64(entries) + 5*text/2 }

// memoryOfCategories returns the bytes that a process needs for the categories of a list,
// including those of the index.
func memoryOfCategories(t *texts) int64 {
	return bytesPerCategoryText*int64(t.len()) + bytesPerTextByte*int64(len(t.text))
}

// memoryOfReferences returns the bytes that a process needs for the references of a list,
// including those in the bytes of its snapshot.
func memoryOfReferences(t *texts) int64 {
	return bytesPerReferenceText*int64(t.len()) + bytesPerTextByte*int64(len(t.text))
}

func memoryOfReference(length int) int64 {
	return bytesPerReferenceText + bytesPerTextByte*int64(length)
}

// memory returns the bytes that a process needs to hold the list.
func (l *List) memory() int64 {
	return memoryToList(l.Len(), l.Bytes()) + memoryOfReferences(&l.references)
}

// dropReferences removes all references and returns how many entries had one.
func (l *List) dropReferences() (dropped int) {
	l.references = texts{}
	return dropReferences(l.entries)
}

func dropReferences(entries []packed) (dropped int) {
	for i := range entries {
		if entries[i].reference != 0 {
			entries[i].reference = 0
			dropped++
		}
	}
	return dropped
}
