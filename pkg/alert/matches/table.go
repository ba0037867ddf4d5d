package matches

// slotCount is a power of two, and twice the number of matches, so that a free slot is near.
const slotCount = 2 * maxMatches

// table finds matches by the hash of their identity. It is an open hash table of their indexes,
// which takes a third of the time that a map takes, and none to empty.
type table struct{ slots []uint16 } // the index plus one, or 0

func (t *table) clear() { clear(t.slots) }

// first returns the slot where a match with this hash is first looked for. If that is in use
// for another one, next returns where to look then.
func (t *table) first(hash uint64) int {
	if t.slots == nil {
		t.slots = make([]uint16, slotCount)
	}
	return int(hash % slotCount)
}

func (t *table) next(slot int) int { return (slot + 1) % slotCount }

// at returns the index in a slot.
func (t *table) at(slot int) (index int, found bool) {
	entry := t.slots[slot]
	return int(entry) - 1, entry != 0
}

func (t *table) set(slot, index int) { t.slots[slot] = uint16(index + 1) } //nolint:gosec // at most maxMatches

// insert adds a match that is not in the table.
func (t *table) insert(hash uint64, index int) {
	slot := t.first(hash)
	for t.slots[slot] != 0 {
		slot = t.next(slot)
	}
	t.set(slot, index)
}
