package index

import (
	"bytes"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/internal/textsort"
)

// nameList holds the entries on names while an index is built. Entries are added in any order
// and are pending until sortPending sorts them into a run.
type nameList struct {
	arena   arena // the keys of the pending entries
	pending []*pendingEntries
	count   int  // of the pending entries
	alike   bool // all pending entries are the same on different names, as in most lists

	sorted arena // the keys of all runs
	runs   []run
}

// pendingEntries is a part of the pending entries, so that more can be added without copying
// them.
type pendingEntries struct {
	keys    [partEntries]uint32 // places in the arena
	entries [partEntries]entry
}

const partEntries = 1 << 12

// run is a list of entries in the order of their keys. Entries on the same name have the same
// place. The keys of a run are in this order in memory too, because each later step reads
// all of them, and would wait for the memory otherwise.
type run struct {
	keys    []uint32 // places in [nameList.sorted]
	entries []entry
}

// add adds an entry on a name.
func (l *nameList) add(name string, e entry) error {
	key, err := l.arena.add(name)
	if err != nil {
		return err
	}
	if l.count == len(l.pending)*partEntries {
		l.pending = append(l.pending, new(pendingEntries))
	}
	l.alike = l.count == 0 || l.alike && e == l.pending[0].entries[0]
	part := l.pending[l.count/partEntries]
	part.keys[l.count%partEntries], part.entries[l.count%partEntries] = key, e
	l.count++
	return nil
}

// at returns a pending entry and the place of its key.
func (l *nameList) at(number int) (key uint32, e entry) {
	part := l.pending[number/partEntries]
	return part.keys[number%partEntries], part.entries[number%partEntries]
}

// len returns the number of entries, including repeated ones.
func (l *nameList) len() (total int) {
	for i := range l.runs {
		total += len(l.runs[i].keys)
	}
	return total + l.count
}

// sortPending sorts the pending entries into a run.
func (l *nameList) sortPending() error {
	if l.count == 0 {
		return nil
	}
	r, err := l.sortRun()
	if err != nil {
		return err
	}
	l.runs = append(l.runs, r)
	l.clearPending()
	return nil
}

func (l *nameList) clearPending() {
	l.arena.clear()
	l.pending, l.count = nil, 0
}

// sortRun returns the pending entries as a run.
func (l *nameList) sortRun() (run, error) {
	items := make([]textsort.Item, l.count)
	for i := range items {
		key, _ := l.at(i)
		items[i] = textsort.Item{Place: key, Number: bounded(i)}
	}
	textsort.Sort(items, l.arena.key)

	r := run{make([]uint32, len(items)), make([]entry, len(items))}
	var keys [prefetched][]byte
	var previous []byte
	for i, item := range items {
		if i%prefetched == 0 {
			for n, next := range items[i:min(i+prefetched, len(items))] {
				keys[n] = l.arena.key(next.Place)
			}
		}

		if l.alike {
			r.entries[i] = l.pending[0].entries[0] // the others need not be fetched
		} else {
			_, r.entries[i] = l.at(int(item.Number))
		}
		key := keys[i%prefetched]
		if i > 0 && bytes.Equal(key, previous) {
			r.keys[i] = r.keys[i-1]
			continue
		}
		var err error
		if r.keys[i], err = l.sorted.addKey(key); err != nil {
			return run{}, err
		}
		previous = key
	}
	return r, nil
}

// prefetched is how many keys are looked up at a time. They are all over the memory, and the
// processor waits for several of them at once only if nothing else is between the look-ups.
const prefetched = 16

// each calls yield for every name, in the order of the keys, with all entries on it. It
// removes the entries. The slice is valid until yield returns.
func (l *nameList) each(yield func(key uint32, entries []entry)) {
	l.arena = arena{} // frees its memory
	heads := newHeads(l.runs, &l.sorted)
	var list []entry
	for len(heads.runs) > 0 {
		key, name := heads.runs[0].keys[0], heads.key(0)
		list = list[:0]
		for len(heads.runs) > 0 && bytes.Equal(heads.key(0), name) {
			list = append(list, heads.take()...)
		}
		yield(key, list)
	}
	l.runs = nil
}

// heads is a heap of runs, ordered by the first key of what is left of each of them.
type heads struct {
	runs   []run
	sorted *arena
}

func newHeads(runs []run, sorted *arena) *heads {
	h := &heads{slices.Clone(runs), sorted}
	for i := len(h.runs)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
	return h
}

func (h *heads) key(i int) []byte { return h.sorted.key(h.runs[i].keys[0]) }

// take removes the first name of the first run and returns the entries on it.
func (h *heads) take() []entry {
	first := &h.runs[0]
	n := 1
	for n < len(first.keys) && first.keys[n] == first.keys[0] {
		n++
	}
	entries := first.entries[:n]
	first.keys, first.entries = first.keys[n:], first.entries[n:]
	if len(first.keys) == 0 {
		last := len(h.runs) - 1
		h.runs[0] = h.runs[last]
		h.runs = h.runs[:last]
	}
	h.down(0)
	return entries
}

// down moves a run down the heap to where it belongs.
func (h *heads) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.runs); child++ {
			if bytes.Compare(h.key(child), h.key(least)) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		h.runs[i], h.runs[least] = h.runs[least], h.runs[i]
		i = least
	}
}
