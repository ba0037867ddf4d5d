package importer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// change is a change of the list bucket that causes an event.
type change struct {
	key  string
	list string // "" = the object is deleted
}

// changes are five changes of two feeds. Regardless of how their events are delivered, the
// index must match the bucket in the end.
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

// The events come after all changes, in each of the 120 orders. Each order is tried with
// duplicates of no event, of one event at the end, of all events at once, and of all events at
// the end.
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

// withDuplicates returns an order of events, without and with duplicates.
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

// The events come in each of the 945 ways in which every event comes after its change, while
// other changes are still made. Every event comes a second time at the end.
func TestEnumeration_eventsWhileListsChange(t *testing.T) {
	t.Parallel()
	all, runs := 0, 0
	for timeline := range timelines(len(changes)) {
		if all++; !isTaken(8, all) {
			continue
		}
		runs++
		w := newWorld()
		for _, moment := range timeline {
			if moment.isEvent {
				w.handle(t, keys(changes[moment.change].key)...)
				w.served(t) // fails if the index is not complete
			} else {
				w.apply(changes[moment.change])
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

// moment is a change of the bucket or the delivery of its event.
type moment struct {
	change  int
	isEvent bool
}

// timelines yields every sequence of n changes, in their order, and their events, in any order
// but each after its change.
func timelines(n int) func(yield func([]moment) bool) {
	return func(yield func([]moment) bool) {
		var extend func(done []moment, next int, pending []int) bool
		extend = func(done []moment, next int, pending []int) bool {
			if next == n && len(pending) == 0 {
				return yield(done)
			}
			if next < n && !extend(append(slices.Clone(done), moment{next, false}), next+1, append(slices.Clone(pending), next)) {
				return false
			}
			for i, change := range pending {
				rest := slices.Delete(slices.Clone(pending), i, i+1)
				if !extend(append(slices.Clone(done), moment{change, true}), next, rest) {
					return false
				}
			}
			return true
		}
		extend(nil, 0, nil)
	}
}

// permutations yields every order of the numbers from 0 to n-1.
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
	for timeline := range timelines(5) {
		seen[fmt.Sprint(timeline)] = true
	}
	if len(seen) != 945 {
		t.Errorf("%d timelines, want 9 * 7 * 5 * 3", len(seen))
	}
}
