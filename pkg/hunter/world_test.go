package hunter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/hunter"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

// world is everything that outlives a process: the workgroup, the queue, the table and the clock.
type world struct {
	mu      sync.Mutex
	now     time.Time
	queries map[string]string // text by name
	result  hunter.Result     // of every query
	ran     []string          // SQL that was run
	sent    [][]byte          // bodies of messages
	runs    map[string]hunter.Run
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// bounded is a query with the parameters of ours.
const bounded = "-- Which hosts?\n--\n-- Parameters\n--   from   timestamp  start\n--   until  timestamp  end\n" +
	"SELECT /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ /*until:*/current_timestamp/*:until*/"

// listed is a query with the parameters of the retro-hunt.
const listed = "-- Which hosts?\n--\n-- Parameters\n--   since  timestamp  added since\n--   from   timestamp  start\n--   until  timestamp  end\n" +
	"SELECT /*since:*/current_timestamp - INTERVAL '7' DAY/*:since*/ /*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/ /*until:*/current_timestamp/*:until*/"

func newWorld() *world {
	return &world{
		now:     noon,
		queries: map[string]string{"tunnels": bounded, "retro-hunt": listed},
		runs:    map[string]hunter.Run{},
	}
}

func (w *world) clone() *world {
	return &world{
		now: w.now, queries: maps.Clone(w.queries), result: w.result, ran: slices.Clone(w.ran),
		sent: slices.Clone(w.sent), runs: maps.Clone(w.runs),
	}
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// messages decodes what was sent.
func (w *world) messages(t *testing.T) (messages []*alert.Message) {
	t.Helper()
	for _, body := range w.sent {
		m, err := alert.Decode(body)
		if err != nil {
			t.Fatalf("the notifier cannot read a message: %v", err)
		}
		messages = append(messages, m)
	}
	return messages
}

// rows returns the rows that were sent, in order.
func (w *world) rows(t *testing.T) (rows []alert.Row) {
	t.Helper()
	for _, m := range w.messages(t) {
		rows = append(rows, m.Rows...)
	}
	return rows
}

// ids returns the identities of the findings that were sent, sorted and without repeats.
func (w *world) ids(t *testing.T) []string {
	t.Helper()
	var ids []string
	for _, row := range w.rows(t) {
		ids = append(ids, row.ID())
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// process is a process that runs a hunter in a world. At one of its calls it can be killed, lose
// the reply, or pause.
type process struct {
	*world
	killable.Process
	mu     sync.Mutex
	id     string             // of the invocation
	silent bool               // there is no queue
	counts map[string]float64 // metrics by name, or by name and query
	log    bytes.Buffer

	block    func(context.Context) error // instead of running a query
	failSend error
	settings settings.HunterFunction
}

func (w *world) process(id string) *process {
	return &process{world: w, id: id, counts: map[string]float64{}}
}

func (p *process) hunter(t *testing.T) *hunter.Hunter {
	t.Helper()
	c := hunter.Config{
		Athena: athena{p}, Runs: runs{p}, Queue: queue{p}, Metrics: p, Settings: p.settings,
		Log: slog.New(slog.NewJSONHandler(&p.log, nil)),
		Now: func() time.Time {
			p.world.mu.Lock()
			defer p.world.mu.Unlock()
			return p.now
		},
		RequestID: func(context.Context) string { return p.id },
	}
	if p.silent {
		c.Queue = nil
	}
	h, err := hunter.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// invoke handles an event and returns the answer.
func (p *process) invoke(t *testing.T, event string) (string, error) {
	t.Helper()
	answer, err := p.hunter(t).Invoke(t.Context(), []byte(event))
	return string(answer), err
}

// invoke handles an event in a new process and fails the test if there is an error.
func (w *world) invoke(t *testing.T, id, event string) *process {
	t.Helper()
	p := w.process(id)
	if _, err := p.invoke(t, event); err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	return p
}

// die kills the process at a call, either before or after the call changes the world.
func (p *process) die(at int, after bool) *process {
	p.Die(at, after)
	return p
}

// call makes a call: it applies the effect to the world.
func (p *process) call(name string, effect func() error) error {
	return p.Call(name, func() error {
		p.world.mu.Lock()
		defer p.world.mu.Unlock()
		return effect()
	})
}

// Write receives the lines of metrics.
func (p *process) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Killed() {
		return 0, killable.ErrKilled
	}
	var members map[string]any
	if err := json.Unmarshal(line, &members); err != nil {
		return 0, err
	}
	suffix := ""
	if query, found := members["Query"].(string); found {
		suffix = " " + query
	}
	for name, value := range members {
		if number, ok := value.(float64); ok {
			p.counts[name+suffix] += number
		}
	}
	return len(line), nil
}

type athena struct{ *process }

func (a athena) Query(_ context.Context, name string) (text string, err error) {
	err = a.call("Query", func() error {
		found, ok := a.queries[name]
		if !ok {
			return storage.ErrNotFound
		}
		text = found
		return nil
	})
	return text, err
}

func (a athena) Run(ctx context.Context, sql string, most int) (*hunter.Result, error) {
	result := &hunter.Result{}
	if a.block != nil {
		result.Bytes = 7
		return result, a.block(ctx)
	}
	err := a.call("Run", func() error {
		a.ran = append(a.ran, sql)
		*result = a.result
		if more := len(result.Rows) - most; more > 0 {
			result.Rows, result.More = result.Rows[:most], more
		}
		return nil
	})
	return result, err
}

type queue struct{ *process }

func (q queue) Send(_ context.Context, body []byte) error {
	return q.call("Send", func() error {
		if q.failSend != nil {
			return q.failSend
		}
		q.sent = append(q.sent, slices.Clone(body))
		return nil
	})
}

type runs struct{ *process }

func (r runs) Run(_ context.Context, hunt string) (run hunter.Run, err error) {
	err = r.call("Load", func() error {
		run = r.runs[hunt]
		return nil
	})
	return run, err
}

func (r runs) PutRun(_ context.Context, hunt string, run hunter.Run) error {
	return r.call("Store", func() error {
		if r.runs[hunt].Revision != run.Revision {
			return storage.ErrConflict
		}
		run.Revision++
		r.runs[hunt] = run
		return nil
	})
}

// result returns a result from rows of text, where "-" is NULL.
func result(columns string, rows ...string) hunter.Result {
	r := hunter.Result{Columns: strings.Split(columns, "|"), Bytes: 1000}
	for _, row := range rows {
		var cells []*string
		for _, text := range strings.Split(row, "|") {
			if text == "-" {
				cells = append(cells, nil)
			} else {
				cells = append(cells, &text)
			}
		}
		r.Rows = append(r.Rows, cells)
	}
	return r
}
