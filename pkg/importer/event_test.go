package importer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// A change of the list bucket, and the event that tells of it.
type change struct {
	key  string
	list string // "" = the object is deleted
}

// changes are five that one feed and another go through. Whatever the events of them do
// on their way, what serves in the end is what lies in the bucket.
var changes = []change{
	{key: "feeds/f/list.txt", list: "one.example\n"},
	{key: "feeds/f/second.txt", list: "two.example\n"},
	{key: "feeds/g/list.txt", list: "three.example\n"},
	{key: "feeds/f/list.txt", list: "newest.example\n"},
	{key: "feeds/f/second.txt"},
}

const changed = "f block subtree newest.example\ng block subtree three.example"

func (w *world) apply(c change) {
	if c.list == "" {
		w.remove(c.key)
		return
	}
	w.put(c.key, c.list)
}

// All 120 orders of five events that come late, each of them with duplicates in several
// ways: none, of one event at the end, of all at once, of all at the end.
func TestEnumeration_anyOrderOfLateEvents(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, c := range changes {
		w.apply(c)
	}
	orders, all, runs := 0, 0, 0
	for order := range permutations(len(changes)) {
		orders++
		for _, events := range withDuplicates(order) {
			if all++; !isTaken(8, all) {
				continue
			}
			runs++
			late := w.clone()
			for _, event := range events {
				late.handle(t, keys(changes[event].key)...)
			}
			wantFinished(t, late, changed)
		}
	}
	t.Logf("%d orders, %d with duplicates: %d tried, 0 wrong", orders, all, runs)
}

// withDuplicates returns an order of events and what becomes of it when events are
// delivered more than once.
func withDuplicates(order []int) (all [][]int) {
	all = append(all, order)
	for _, event := range order {
		all = append(all, append(slices.Clone(order), event))
	}
	var atOnce []int
	for _, event := range order {
		atOnce = append(atOnce, event, event)
	}
	return append(all, atOnce, append(slices.Clone(order), order...))
}

// All 945 ways in which the events of five changes can come after their change, in any
// order and while the changes go on. Every event comes twice: once so, and once more at
// the end.
func TestEnumeration_eventsWhileListsChange(t *testing.T) {
	t.Parallel()
	all, runs := 0, 0
	for steps := range timelines(len(changes)) {
		if all++; !isTaken(8, all) {
			continue
		}
		runs++
		w := newWorld()
		for _, step := range steps {
			if step.event {
				w.handle(t, keys(changes[step.change].key)...)
				w.served(t) // fails unless it is whole
			} else {
				w.apply(changes[step.change])
			}
		}
		wantEqual(t, "served", w.served(t), changed)
		for i := range changes {
			w.handle(t, keys(changes[len(changes)-1-i].key)...)
		}
		w.pass(time.Hour)
		wantFinished(t, w, changed)
	}
	t.Logf("%d timelines: %d tried, 0 wrong", all, runs)
}

// step is a change of the bucket, or the delivery of its event.
type step struct {
	change int
	event  bool
}

// timelines yields every sequence of n changes in their order and of their events in any
// order, each after its change.
func timelines(n int) func(yield func([]step) bool) {
	return func(yield func([]step) bool) {
		var extend func(done []step, next int, pending []int) bool
		extend = func(done []step, next int, pending []int) bool {
			if next == n && len(pending) == 0 {
				return yield(done)
			}
			if next < n && !extend(append(slices.Clone(done), step{next, false}), next+1, append(slices.Clone(pending), next)) {
				return false
			}
			for i, change := range pending {
				rest := slices.Delete(slices.Clone(pending), i, i+1)
				if !extend(append(slices.Clone(done), step{change, true}), next, rest) {
					return false
				}
			}
			return true
		}
		extend(nil, 0, nil)
	}
}

// permutations yields every order of the numbers below n.
func permutations(n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		var place func(rest, placed []int) bool
		place = func(rest, placed []int) bool {
			if len(rest) == 0 {
				return yield(placed)
			}
			for i := range rest {
				others := slices.Delete(slices.Clone(rest), i, i+1)
				if !place(others, append(slices.Clone(placed), rest[i])) {
					return false
				}
			}
			return true
		}
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		place(all, nil)
	}
}

func TestTimelines(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for steps := range timelines(5) {
		seen[fmt.Sprint(steps)] = true
	}
	if len(seen) != 945 {
		t.Errorf("%d timelines, want 9 * 7 * 5 * 3", len(seen))
	}
}
