package compactor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

// file is an object with rows.
type file struct {
	key     string
	rows    []string
	written time.Time
}

// write is what a statement of a killed run writes later.
type write struct {
	at   time.Time
	file file
}

// world is a workgroup, a bucket and a ledger in memory. Its clock stands still during a run.
type world struct {
	t       *testing.T
	process *killable.Process
	now     time.Time

	files   []file
	pending []write
	view    string
	copies  []string // what the view has from the copies: the first and the last day, and those between that it has not
	state   State

	fails func(partition string) bool // whether a statement about a day fails half way
	late  map[string]bool             // rows that came after a copy, which the view may not have yet
	done  []string                    // partitions that were copied, in order
}

var layout = Layout{Before: "dns-query-logs/", After: "/", Format: "%Y/%m/%d"}

// begin is when the compactor of a world is turned on.
var begin = time.Date(2026, 11, 9, 7, 0, 0, 0, time.UTC)

// newWorld returns a world with logs of some days, three objects each, but for 9 November.
func newWorld(t *testing.T) *world {
	w := &world{t: t, process: &killable.Process{}, now: begin, late: map[string]bool{}, view: "SELECT FROM dns_logs"}
	for d := range 9 {
		at := time.Date(2026, 11, 4+d, 0, 0, 0, 0, time.UTC)
		for hour := range 3 {
			if d != 5 {
				w.addLog(at, fmt.Sprint(hour), at.Add(time.Duration(hour)*time.Hour+time.Hour))
			}
		}
	}
	return w
}

// addLog stores a log object of a day.
func (w *world) addLog(day time.Time, name string, written time.Time) {
	key := layout.logs(day) + name
	w.files = append(w.files, file{key, []string{key}, written})
}

func (w *world) compactor() *Compactor {
	return New(Config{Athena: w, Ledger: w, Objects: w, Bucket: "out", Layout: layout, now: func() time.Time { return w.now }})
}

// hours lets time pass, with a run each hour. A process that is killed is followed by another one.
func (w *world) hours(n int) {
	w.t.Helper()
	for range n {
		if w.process.Killed() {
			w.process = &killable.Process{}
		}
		if _, err := w.compactor().invoke(w.t.Context()); err != nil && !w.process.Killed() {
			w.t.Fatal(err)
		}
		w.now = w.now.Add(time.Hour)
		w.pending = slices.DeleteFunc(w.pending, func(p write) bool {
			if p.at.After(w.now) {
				return false
			}
			w.files = append(w.files, p.file)
			return true
		})
		w.check()
	}
}

var (
	between = regexp.MustCompile(`WHERE arrived BETWEEN '([^']*)' AND '([^']*)'(?: AND arrived NOT IN \((.*)\))?$`)
	unload  = regexp.MustCompile(`(?s)^UNLOAD \(SELECT .* FROM dns_logs WHERE arrived = '([^']*)'\)\nTO 's3://out/([^']*)' WITH`)
)

// copied reports whether the view reads a partition from the copies.
func (w *world) copied(partition string) bool {
	c := w.copies
	return c != nil && c[1] <= partition && partition <= c[2] && !strings.Contains(c[3], partition)
}

// read returns how often each row is in the view.
func (w *world) read() map[string]int {
	rows := map[string]int{}
	for _, f := range w.files {
		folder := strings.SplitAfterN(f.key, "/", 2)
		partition := folder[1][:len("2026/11/04")]
		if w.copied(partition) == (folder[0] == "compacted/") {
			for _, row := range f.rows {
				rows[row]++
			}
		}
	}
	return rows
}

// check fails the test if the view does not have each row of the logs once.
func (w *world) check() {
	w.t.Helper()
	rows := w.read()
	for _, f := range w.files {
		if strings.HasPrefix(f.key, layout.Before) && rows[f.key] != 1 && (!w.late[f.key] || rows[f.key] > 1) {
			w.t.Fatalf("%v: the view has %s %d times; the view is %q", w.now, f.key, rows[f.key], w.view)
		}
	}
}

// Do implements Athena. A statement writes in two steps. If its run is killed, the second one comes
// four hours later.
func (w *world) Do(_ context.Context, sql string) (int64, error) {
	if view, isView := strings.CutPrefix(sql, "CREATE OR REPLACE VIEW dns_logs_all AS\n"); isView {
		return 0, w.process.Call("view", func() error { w.view, w.copies = view, between.FindStringSubmatch(view); return nil })
	}
	found := unload.FindStringSubmatch(sql)
	if found == nil {
		w.t.Fatalf("unknown statement: %s", sql)
	}
	partition, folder := found[1], found[2]
	var rows []string
	for _, f := range w.files {
		if strings.HasPrefix(f.key, layout.Before+partition) {
			rows = append(rows, f.rows...)
		}
		if strings.HasPrefix(f.key, folder) {
			return 0, errors.New("HIVE_PATH_ALREADY_EXISTS")
		}
	}
	if len(rows) == 0 {
		return 0, w.process.Call("copy", func() error { return nil })
	}
	name := folder + fmt.Sprint(w.now.Unix())
	err := w.process.Call("copy", func() error {
		w.files = append(w.files, file{name + "-a", rows[:1], w.now})
		w.pending = append(w.pending, write{w.now.Add(4 * time.Hour), file{name + "-b", rows[1:], w.now.Add(4 * time.Hour)}})
		return nil
	})
	if err != nil {
		return 0, err
	}
	w.pending = slices.DeleteFunc(w.pending, func(p write) bool { return p.file.key == name+"-b" })
	if w.fails != nil && w.fails(partition) {
		return 1, errors.New("HIVE_BAD_DATA")
	}
	w.files = append(w.files, file{name + "-b", rows[1:], w.now})
	w.done = append(w.done, partition)
	return 1, nil
}

func (w *world) State(context.Context) (state State, err error) {
	return w.state, w.process.Call("read", func() error { state = w.state; return nil })
}

func (w *world) PutState(_ context.Context, state State) error {
	return w.process.Call("put", func() error {
		if state.Revision != w.state.Revision {
			return storage.ErrConflict
		}
		state.Revision++
		w.state = state
		return nil
	})
}

func (w *world) List(_ context.Context, prefix string, each func(storage.Object) error) error {
	return w.process.Call("list", func() error {
		for _, f := range w.files {
			if strings.HasPrefix(f.key, prefix) {
				if err := each(storage.Object{Key: f.key, Size: 1, LastModified: f.written}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (w *world) Delete(_ context.Context, key string) error {
	return w.process.Call("delete", func() error {
		w.files = slices.DeleteFunc(w.files, func(f file) bool { return f.key == key })
		return nil
	})
}
