package list

import (
	"hash/maphash"
	"strings"
)

// texts are numbered texts, one after the other in a single string. Number 0 is the empty
// text.
type texts struct {
	text string
	ends []uint32
}

func (t *texts) len() int { return len(t.ends) }

// at returns a text. Its memory is that of all texts.
func (t *texts) at(number uint32) string {
	if number == 0 {
		return ""
	}
	start := uint32(0)
	if number > 1 {
		start = t.ends[number-2]
	}
	return t.text[start:t.ends[number-1]]
}

// interner numbers texts in the order in which they first occur. It keeps copies, because
// a text of a parser may share its memory with a longer one. Texts come out of lists, so they
// are found by a hash that nobody outside can compute.
type interner struct {
	texts
	buffer  *strings.Builder
	numbers map[uint64]uint32 // by hash; texts with the same hash have the next free keys
	seed    maphash.Seed
}

func newInterner() interner {
	return interner{buffer: &strings.Builder{}, numbers: map[uint64]uint32{}, seed: maphash.MakeSeed()}
}

// number returns the number of a text. It adds the text if it is new.
func (n *interner) number(text string) uint32 {
	key, number, known := n.look(text)
	if known {
		return number
	}

	n.buffer.WriteString(text)
	n.text = n.buffer.String()                   // shares the memory of the buffer
	n.ends = append(n.ends, uint32(len(n.text))) //nolint:gosec // maxReferences and maxText bound it
	number = uint32(len(n.ends))                 //nolint:gosec // at most as many as entries
	n.numbers[key] = number
	return number
}

// find returns the number of a text, if it has one.
func (n *interner) find(text string) (number uint32, known bool) {
	_, number, known = n.look(text)
	return number, known
}

// look returns the key of a text among the numbers.
func (n *interner) look(text string) (key uint64, number uint32, known bool) {
	if text == "" {
		return 0, 0, true
	}
	for key = maphash.String(n.seed, text); ; key++ {
		number, known = n.numbers[key]
		if !known || n.at(number) == text {
			return key, number, known
		}
	}
}
