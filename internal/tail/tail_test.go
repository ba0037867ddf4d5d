package tail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC)

// world is a bucket that a stream writes to, and a clock.
type world struct {
	now      time.Time
	objects  map[string]time.Time
	down     map[string]bool // objects that cannot be read
	read     map[string]int  // how often an object was read to its end
	shown    map[string]int  // the matches that were shown of an object; each has three
	warnings []string
	keys     int // that were listed
}

func newWorld() *world {
	return &world{now: start, objects: map[string]time.Time{}, down: map[string]bool{}, read: map[string]int{}, shown: map[string]int{}}
}

func (w *world) List(_ context.Context, prefix, after string, visit func(Object)) error {
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if strings.HasPrefix(key, prefix) && key > after {
			w.keys++
			visit(Object{Key: key, Size: 1, written: w.objects[key]})
		}
	}
	return nil
}

// Read shows the matches of an object one by one; an object that is down ends after the first.
func (w *world) Read(_ context.Context, objects []*Pending) ([]error, error) {
	errs := make([]error, len(objects))
	for i, o := range objects {
		for n := range 3 {
			if n == 1 && w.down[o.Key] {
				errs[i] = errors.New("down")
				break
			}
			if n >= o.Shown {
				w.shown[o.Key]++
				o.Shown++
			}
		}
		if errs[i] == nil {
			w.read[o.Key]++
		}
	}
	return errs, nil
}

// folders are one for each day.
func folders(from, until time.Time) (all []string) {
	for day := from.Truncate(24 * time.Hour); !day.After(until); day = day.Add(24 * time.Hour) {
		all = append(all, day.Format("2006/01/02/"))
	}
	return all
}

func (w *world) follower() *Follower {
	return &Follower{
		Bucket: w, Reader: w, Folders: folders, Since: start, Now: func() time.Time { return w.now },
		Warn: func(text string) { w.warnings = append(w.warnings, text) },
	}
}

// write stores an object with records that arrived some time ago.
func (w *world) write(age time.Duration) string {
	key := fmt.Sprintf("%s-%04d", w.now.Add(-age).Format("2006/01/02/stream-15-04-05"), len(w.objects))
	w.objects[key] = w.now
	return key
}

func (w *world) poll(t *testing.T, f *Follower) {
	t.Helper()
	if err := f.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A simulation of a day: objects that come in time, late, on the other side of midnight, and
// fail for a while. Each is read once, with each match shown once, and memory stays small.
func TestFollower_everyObjectOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 0))
		w := newWorld()
		w.write(time.Minute) // at the start, so it counts
		f := w.follower()
		healAt := map[string]time.Time{}
		most := 0
		for end := start.Add(24 * time.Hour); w.now.Before(end); w.now = w.now.Add(time.Duration(random.IntN(120)) * time.Second) {
			switch random.IntN(4) {
			case 0:
				w.write(time.Duration(random.IntN(900)) * time.Second)
			case 1:
				if random.IntN(10) == 0 {
					w.write(time.Duration(random.IntN(24)) * time.Hour)
				}
			case 2:
				if random.IntN(20) == 0 {
					key := w.write(time.Minute)
					w.down[key], healAt[key] = true, w.now.Add(time.Duration(random.IntN(540))*time.Second)
				}
			}
			for key, at := range healAt {
				if w.now.After(at) {
					delete(w.down, key)
				}
			}
			w.poll(t, f)
			most = max(most, len(f.read))
		}
		w.now = w.now.Add(sweepEvery)
		w.down = nil
		w.poll(t, f)

		for key := range w.objects {
			if w.read[key] != 1 || w.shown[key] != 3 {
				t.Fatalf("seed %d: %s was read %d times, and %d matches were shown", seed, key, w.read[key], w.shown[key])
			}
		}
		if f.Objects != len(w.objects) || f.skipped != 0 {
			t.Errorf("seed %d: %d objects and %d skipped of %d", seed, f.Objects, f.skipped, len(w.objects))
		}
		if most > len(w.objects)/3 {
			t.Errorf("seed %d: %d of %d objects were remembered", seed, most, len(w.objects))
		}
	}
}

// Objects that were written before are not read, and neither are folder markers.
func TestFollower_since(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.now = start.Add(-time.Second)
	old := w.write(0)
	w.now = start
	w.objects["2026/11/30/"] = start
	young := w.write(0)
	w.poll(t, w.follower())
	if w.read[old] != 0 || w.read[young] != 1 || len(w.read) != 1 {
		t.Errorf("read %v", w.read)
	}
}

// An object that cannot be read is tried again and then given up, once with a warning each.
func TestFollower_givesUp(t *testing.T) {
	t.Parallel()
	w := newWorld()
	f := w.follower()
	key := w.write(0)
	w.down[key] = true
	for range 80 {
		w.poll(t, f)
		w.now = w.now.Add(15 * time.Second)
	}
	want := []string{"down; it is tried again", "down; it is left out, so matches in it are missing"}
	if !slices.Equal(w.warnings, want) || f.skipped != 1 || w.shown[key] != 1 {
		t.Errorf("warnings %q, %d skipped, %d matches", w.warnings, f.skipped, w.shown[key])
	}
}

// Between two looks at all folders, old keys are not listed again.
func TestFollower_listsLittle(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range 1000 {
		w.now = start.Add(-time.Duration(1000-i) * time.Minute)
		w.write(0)
	}
	w.now = start
	f := w.follower()
	w.poll(t, f)
	w.keys = 0
	for range 4 {
		w.now = w.now.Add(15 * time.Second)
		w.write(0)
		w.poll(t, f)
	}
	if w.keys > 20 || f.Objects != 4 {
		t.Errorf("%d keys were listed for %d objects", w.keys, f.Objects)
	}
}

// A second run that continues where the first one was interrupted leaves nothing out.
func TestFollower_Resume(t *testing.T) {
	t.Parallel()
	w := newWorld()
	f := w.follower()
	if f.Resume() != start {
		t.Errorf("before the first poll: %v", f.Resume())
	}
	for range 100 {
		w.write(time.Minute)
		w.now = w.now.Add(15 * time.Second)
		if w.now.Sub(start)%(10*time.Minute) == 0 {
			w.write(20 * time.Hour)
		}
		w.poll(t, f)
	}
	w.write(20 * time.Hour) // it comes late, and nobody has looked for it

	second := w.follower()
	second.Since = f.Resume()
	w.poll(t, second)
	for key := range w.objects {
		if w.read[key] == 0 {
			t.Errorf("%s was left out", key)
		}
	}
	if again := second.Objects; again > 25 {
		t.Errorf("%d objects were read again", again)
	}
}
