package importer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// A pointer whose numbers or time are out of range is counted and repaired by the next
// publish: generations continue after the last one that was published, and a pin stays.
func TestImporter_Handle_repairsThePointer(t *testing.T) {
	t.Parallel()
	const firstFree = 3 // two generations are published before
	for _, tc := range []struct {
		name       string
		change     func(w *world)
		generation uint64 // that serves afterwards
		highest    uint64
		pinned     bool
	}{
		{"beyond the largest number of JSON", func(w *world) { w.current.Highest = 1 << 53 }, firstFree, firstFree, false},
		{"the last number", func(w *world) { w.current.Highest = math.MaxUint64 }, firstFree, firstFree, false},
		{"no number is left", func(w *world) { w.current.Highest = index.MaxGeneration }, firstFree, firstFree, false},
		{"a wrapped counter", func(w *world) { w.current.Highest = 0 }, firstFree, firstFree, false},
		{"a generation that was never published", func(w *world) {
			w.current.Generation, w.current.Highest = math.MaxUint64, math.MaxUint64
			w.current.Object = index.ObjectKey(math.MaxUint64, w.current.Hash)
		}, firstFree, firstFree, false},
		{"all of it is zero", func(w *world) { w.current.Generation, w.current.Highest = 0, 0 }, firstFree, firstFree, false},
		{"made-up index objects", func(w *world) {
			w.current.Highest = index.MaxGeneration
			for _, generation := range []uint64{1<<53 - 1, 1 << 60, math.MaxUint64} {
				w.indexes[index.ObjectKey(generation, w.current.Hash)] = []byte("none")
			}
		}, firstFree, firstFree, false},
		{"renewed in another century", func(w *world) { w.current.RenewedAt = w.now.AddDate(100, 0, 0) }, firstFree, firstFree, false},
		{"pinned and the last number", func(w *world) {
			w.current.Highest, w.current.Pinned, w.current.Pin = math.MaxUint64, true, &index.Pin{By: "me", At: w.now}
		}, 2, 2, true},
		{"pinned and renewed in the future", func(w *world) {
			w.current.RenewedAt, w.current.Pinned = w.now.AddDate(1, 0, 0), true
		}, 2, 2, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			for i := range 2 {
				w.put("feeds/f/list.txt", fmt.Sprintf("evil%d.example\n", i))
				w.handle(t, keys("feeds/f/list.txt")...)
			}
			tc.change(w)
			w.put("feeds/f/list.txt", "new.example\n")
			p := w.handle(t, keys("feeds/f/list.txt")...)
			if p.counts["PointerInvalid"] != 1 {
				t.Errorf("metrics are %v", p.counts)
			}
			if w.current.Generation != tc.generation || w.current.Highest != tc.highest || w.current.Pinned != tc.pinned {
				t.Errorf("CURRENT is %+v", w.current)
			}
			if served := w.served(t); tc.pinned == strings.Contains(served, "new.example") {
				t.Errorf("served is %s", served)
			}
			if !w.current.RenewedAt.Equal(w.now) {
				t.Errorf("renewed at %v, now is %v", w.current.RenewedAt, w.now)
			}

			w.put("feeds/f/list.txt", "newer.example\n")
			if p := w.handle(t, keys("feeds/f/list.txt")...); p.counts["PointerInvalid"] != 0 {
				t.Errorf("the pointer is not repaired: %+v", w.current)
			}
		})
	}
}

// A clock that is a little ahead does not raise an alarm.
func TestImporter_Handle_clockSkew(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/f/list.txt", "evil.example\n")
	w.handle(t, keys("feeds/f/list.txt")...)
	w.current.RenewedAt = w.now.Add(2 * time.Minute)
	if p := w.handle(t, scheduled()); p.counts["PointerInvalid"] != 0 {
		t.Errorf("metrics are %v", p.counts)
	}
}

// A pointer that is wrong in another way is an error: somebody has to look at it, because it
// may be pinned. It stays as it is.
func TestImporter_Handle_pointerOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *index.Current){
		"another object": func(c *index.Current) { c.Object = index.ObjectKey(7, c.Hash) },
		"no hash":        func(c *index.Current) { c.Hash = "" },
		"a feed twice":   func(c *index.Current) { c.Feeds = append(c.Feeds, c.Feeds...) },
		"not a pointer":  func(c *index.Current) { *c = index.Current{} },
		"both": func(c *index.Current) {
			c.Hash, c.Highest = "", math.MaxUint64
		},
	} {
		w := newWorld()
		w.put("feeds/f/list.txt", "evil.example\n")
		w.handle(t, keys("feeds/f/list.txt")...)
		change(&w.current)
		before := fmt.Sprint(w.current)
		p := w.process()
		err := p.importer(t).Handle(context.Background(), scheduled())
		if !errors.Is(err, index.ErrCurrent) || p.counts["ImportFailed"] != 1 || p.counts["PointerInvalid"] != 1 {
			t.Errorf("%s: error %v, metrics are %v", name, err, p.counts)
		}
		if after := fmt.Sprint(w.current); after != before {
			t.Errorf("%s: the pointer is %s", name, after)
		}
	}
}

// Numbers that no integer of ours can hold come out of the decoder with the error.
func TestImporter_Handle_numbersThatOverflow(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"18446744073709551616", "1e30", "-1", "9007199254740992.5"} {
		w := newWorld()
		w.put("feeds/f/list.txt", "evil.example\n")
		w.handle(t, keys("feeds/f/list.txt")...)
		text, err := json.Marshal(w.current)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), `"highest":1`, `"highest":`+number, 1))
		w.put("feeds/f/list.txt", "new.example\n")
		p := w.process()
		p.pointerText = text
		if err := p.importer(t).Handle(context.Background(), keys("feeds/f/list.txt")...); err != nil {
			t.Errorf("%s: %v", number, err)
		}
		if w.current.Generation != 2 || p.counts["PointerInvalid"] != 1 || !strings.Contains(w.served(t), "new.example") {
			t.Errorf("%s: CURRENT is %+v, metrics are %v", number, w.current, p.counts)
		}
	}
}

// A repair can be killed at every call.
func TestEnumeration_repairKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	begin := newWorld()
	begin.put("feeds/f/list.txt", "evil.example\n")
	begin.handle(t, keys("feeds/f/list.txt")...)
	begin.put("feeds/f/list.txt", "new.example\n")
	begin.current.Highest = math.MaxUint64
	triggers := []importer.Trigger{scheduled()}
	calls := begin.clone().handle(t, triggers...).Calls
	for at := range everyCall(len(calls)) {
		for _, after := range []bool{false, true} {
			w := begin.clone()
			_ = w.process().die(at, after).importer(t).Handle(context.Background(), triggers...)
			w.pass(time.Minute)
			w.handle(t, triggers...)
			const want = "f block subtree new.example"
			if served, tabled := w.served(t), w.tabled(); served != want || tabled != want {
				t.Fatalf("killed at %q: served is %q, the table is %q", calls[at-1], served, tabled)
			}
			// The killed run may have used a number.
			if current := w.current; current.Generation > 3 || current.Highest != current.Generation {
				t.Fatalf("killed at %q: CURRENT is %+v", calls[at-1], current)
			}
		}
	}
	t.Logf("%d calls, %d kills, 0 broken", len(calls), 2*len(calls))
}
