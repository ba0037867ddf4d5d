package transformer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// queue is a [Queue] that keeps the messages.
type queue struct {
	mu     sync.Mutex
	bodies [][]byte
	answer func(context.Context) error // nil: it takes every message
}

func (q *queue) Send(ctx context.Context, body []byte) error {
	q.mu.Lock()
	q.bodies = append(q.bodies, bytes.Clone(body))
	answer := q.answer
	q.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(ctx)
}

// messages returns what arrived.
func (q *queue) messages(t testing.TB) (all []*alert.Message) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, body := range q.bodies {
		m, err := alert.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// withAlerts is a configuration with a queue and logs.
func withAlerts(q *queue, log, metrics *bytes.Buffer) func(*Config) {
	return func(c *Config) {
		c.Alerts, c.Settings.Stack = q, "prod"
		c.Log = slog.New(slog.NewJSONHandler(log, nil))
		c.Metrics = metrics
	}
}

// An invocation with matches sends one message, and one without them sends none.
func TestTransformer_alerts(t *testing.T) {
	t.Parallel()
	var q queue
	var log, metrics bytes.Buffer
	tr, _, _ := newTransformer(t, withAlerts(&q, &log, &metrics))
	invoke(t, tr, clean, "", `{"query_name":"evil.example","verdict":"malicious"}`, "{")
	if len(q.bodies) != 0 || strings.Contains(metrics.String(), "Alert") {
		t.Errorf("an invocation without matches sends %d messages; metrics %s", len(q.bodies), &metrics)
	}

	const object = `{"account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-0example","query_timestamp":"2026-11-23T11:59:0%dZ",` +
		`"query_name":"%s.evil.example.","srcaddr":"10.0.1.%d","srcids":{"instance":"i-0example"},"firewall_rule_action":"BLOCK"}`
	metrics.Reset()
	invoke(t, tr, clean, fmt.Sprintf(object, 1, "a", 11), fmt.Sprintf(object, 3, "b", 11)+fmt.Sprintf(object, 2, "c", 12),
		compress(t, fmt.Sprintf(object, 0, "d", 11)), evil+"{")
	row := alert.Row{
		AccountID: "111122223333", Region: "eu-west-1", VPCID: "vpc-0example", SrcAddr: "10.0.1.11", Instance: "i-0example",
		Indicator: "evil.example", Scope: "subtree", Matched: "a.evil.example", Part: "query_name", Feeds: []string{"list"},
		Severity: "medium", Confidence: 50, Firewall: "BLOCK", Records: 3,
		FirstSeen: start.Add(-time.Minute), LastSeen: start.Add(-57 * time.Second),
	}
	other := row
	other.SrcAddr, other.Matched, other.Records = "10.0.1.12", "c.evil.example", 1
	other.FirstSeen, other.LastSeen = start.Add(-58*time.Second), start.Add(-58*time.Second)
	want := []*alert.Message{{Version: 1, Origin: alert.OriginFirehose, Stack: "prod", Generation: 7, Rows: []alert.Row{row, other}}}
	if diff := cmp.Diff(want, q.messages(t)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if got := alertMetrics(t, &metrics); got != "rows 2, cut 0, failed 0" {
		t.Errorf("metrics: %s", got)
	}
}

// alertMetrics returns the metrics of alerts in the last line of metrics.
func alertMetrics(t *testing.T, metrics *bytes.Buffer) string {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(metrics.Bytes()), []byte("\n"))
	var got struct{ AlertRows, AlertRowsCut, AlertSendFailed *float64 }
	if err := json.Unmarshal(lines[len(lines)-1], &got); err != nil {
		t.Fatal(err)
	}
	if got.AlertRows == nil || got.AlertRowsCut == nil || got.AlertSendFailed == nil {
		return "none"
	}
	return fmt.Sprintf("rows %v, cut %v, failed %v", *got.AlertRows, *got.AlertRowsCut, *got.AlertSendFailed)
}

// Whatever happens to the message, the response is the same, nothing is an error, and a metric
// counts it. The log does not say what matched.
func TestTransformer_alerts_faults(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, tt := range []struct {
		name        string
		answer      func(context.Context) error
		wantMetrics string
		wantLog     string
	}{
		{"taken", func(context.Context) error { return nil }, "rows 1, cut 0, failed 0", ""},
		{"refused", func(context.Context) error { return errors.New("no such queue") }, "rows 0, cut 0, failed 1", "no such queue"},
		{"hangs", hang, "rows 0, cut 0, failed 1", "context deadline exceeded"},
		{"panics", func(context.Context) error { panic("secret.example") }, "rows 0, cut 0, failed 1", "panic while marking: string"},
		{
			"slow", func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(50 * time.Millisecond):
					return nil
				}
			}, "rows 1, cut 0, failed 0", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			quiet, _, _ := newTransformer(t, nil)
			in := event(clean, evil, "{", clean+evil, "")
			want, err := quiet.Invoke(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}

			var log, metrics bytes.Buffer
			tr, _, _ := newTransformer(t, withAlerts(&queue{answer: tt.answer}, &log, &metrics))
			for range 2 {
				log.Reset()
				got, err := tr.Invoke(context.Background(), in)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("response %s, error %v\nwant %s", got, err, want)
				}
				if got := alertMetrics(t, &metrics); got != tt.wantMetrics {
					t.Errorf("metrics: %s, want %s", got, tt.wantMetrics)
				}
				lines := strings.Split(strings.TrimSpace(log.String()), "\n")
				if sent := lines[0]; tt.wantLog != "" &&
					(len(lines) != 2 || !strings.Contains(sent, `"msg":"sending matches failed","rows":1,"records":2`) || !strings.Contains(sent, tt.wantLog)) {
					t.Errorf("log: %s", &log)
				}
				if strings.Contains(log.String(), "example") {
					t.Errorf("the log contains a name: %s", &log)
				}
			}
		})
	}
}

// A panic while a mark is collected does not fail the record.
func TestTransformer_alerts_collectPanics(t *testing.T) {
	t.Parallel()
	w := newWorker()
	w.collect(&verdict.Mark{Verdict: verdict.Malicious}) // a mark that the marker never makes
	if w.stats.alerts.broken != 1 {
		t.Errorf("counts %+v", w.stats.alerts)
	}

	var q queue
	var log, metrics bytes.Buffer
	tr, s, _ := newTransformer(t, withAlerts(&q, &log, &metrics))
	tr.tell(context.Background(), w, &loader.Loaded{Current: s.now.current}, &budget{})
	if w.stats.alerts.failed != 1 || len(q.bodies) != 0 || !strings.Contains(log.String(), "collecting 1 marks") {
		t.Errorf("counts %+v, %d messages, log %s", w.stats.alerts, len(q.bodies), &log)
	}
}

// The invocation waits for the queue for at most half a second, and for half of the time that
// is left.
func TestTransformer_alerts_bounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		left        time.Duration
		atMost      time.Duration
		wantSending bool
	}{
		{"no deadline", 0, maxSending, true},
		{"much time", time.Hour, maxSending, true},
		{"little time", 400 * time.Millisecond, 200 * time.Millisecond, true},
		{"no time", -time.Second, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var waited time.Duration
			q := &queue{answer: func(ctx context.Context) error {
				began := time.Now()
				<-ctx.Done()
				waited = time.Since(began)
				return ctx.Err()
			}}
			var log, metrics bytes.Buffer
			tr, _, _ := newTransformer(t, func(c *Config) {
				withAlerts(q, &log, &metrics)(c)
				c.clock = time.Now
			})
			invoke(t, tr, clean) // load the index

			ctx, cancel := context.Background(), func() {}
			if tt.left != 0 {
				ctx, cancel = context.WithDeadline(ctx, time.Now().Add(tt.left))
			}
			defer cancel()
			w := newWorker()
			w.matches.Reset(time.Now())
			match(t, w)
			left := newBudget(ctx, time.Now)
			tr.tell(ctx, w, nil, &left)
			if sent := len(q.bodies) > 0; sent != tt.wantSending || w.stats.alerts.failed != 1 {
				t.Errorf("sent %t, counts %+v", sent, w.stats.alerts)
			}
			if slack := time.Second; waited > tt.atMost+slack { // this machine may be busy
				t.Errorf("waited %v, at most %v", waited, tt.atMost)
			}
		})
	}
}

// match adds a match to a worker.
func match(t *testing.T, w *worker) {
	t.Helper()
	tr, _, _ := newTransformer(t, nil)
	m := verdict.NewMarker(tr.indexes.Get(context.Background(), time.Minute).Index, verdict.Options{OnMatch: w.observe})
	if _, err := m.Mark(nil, []byte(evil)); err != nil || w.matches.Empty() {
		t.Fatal(err)
	}
}

// Each invocation tells its own matches, also if many run at once and none waits for the others.
func TestTransformer_alerts_concurrent(t *testing.T) {
	t.Parallel()
	var q queue
	tr, _, _ := newTransformer(t, func(c *Config) { c.Alerts = &q })
	const workers, rounds, records = 8, 20, 30
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			record := fmt.Sprintf(`{"query_name":"evil.example","srcaddr":"10.0.0.%d"}`, worker)
			for range rounds {
				invoke(t, tr, many(record, records)...)
			}
		})
	}
	group.Wait()
	byHost := map[string]int{}
	for _, m := range q.messages(t) {
		if len(m.Rows) != 1 || m.Rows[0].Records != records {
			t.Fatalf("message with the rows %+v", m.Rows)
		}
		byHost[m.Rows[0].SrcAddr]++
	}
	if len(byHost) != workers || len(q.bodies) != workers*rounds {
		t.Errorf("%d messages about %d hosts", len(q.bodies), len(byHost))
	}
}

// A million matches in a minute make at most 500 messages, and every match is counted in one of
// them. The responses are those without alerts.
func TestTransformer_alerts_storm(t *testing.T) {
	t.Parallel()
	const records = 2000 // of a batch of 1 MiB
	batches := 500
	if testing.Short() {
		batches = 20
	}
	var events [][]byte
	for i := range 5 { // that are sent in turn
		list := make([]string, records)
		for j := range list {
			n := i*records + j
			list[j] = fmt.Sprintf(`{"account_id":"111122223333","vpc_id":"vpc-%d","query_timestamp":"2026-11-23T11:59:%02dZ","query_name":"%x.evil.example",`+
				`"srcaddr":"10.%d.%d.1"}`, n%3, n%60, n%700, n%7, n%256)
		}
		events = append(events, event(list...))
	}

	var q queue
	quiet, _, _ := newTransformer(t, nil)
	tr, _, _ := newTransformer(t, func(c *Config) { c.Alerts = &q })
	var got, want []byte
	for i := range batches {
		var err error
		if got, err = tr.Append(context.Background(), got[:0], events[i%len(events)]); err != nil {
			t.Fatal(err)
		}
		if i >= len(events) {
			continue
		}
		if want, err = quiet.Append(context.Background(), want[:0], events[i]); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("batch %d: error %v, or another response", i, err)
		}
	}

	counted, rows := 0, 0
	for _, m := range q.messages(t) {
		counted += m.TruncatedRecords
		rows += len(m.Rows)
		for i := range m.Rows {
			counted += m.Rows[i].Records
		}
	}
	if len(q.bodies) > batches || counted != batches*records || rows > batches*alert.MaxRows {
		t.Errorf("%d messages with %d rows, which count %d of %d matches", len(q.bodies), rows, counted, batches*records)
	}
}

// Alerts cost no allocation if they are off, none for a record, and few for an invocation.
func TestTransformer_alerts_allocations(t *testing.T) {
	off, _, _ := newTransformer(t, nil)
	on, _, _ := newTransformer(t, func(c *Config) { c.Alerts = taker{} })
	allocations := func(tr *Transformer, record string, records int) float64 {
		in := event(many(record, records)...)
		var out []byte
		return fewestAllocations(func() {
			var err error
			if out, err = tr.Append(context.Background(), out[:0], in); err != nil {
				t.Fatal(err)
			}
		})
	}
	const slack = 2
	if without, with := allocations(off, clean, 100), allocations(on, clean, 100); with > without+slack {
		t.Errorf("without a match: %v allocations, and %v with alerts", without, with)
	}
	few, lots := allocations(on, evil, 10), allocations(on, evil, 2000)
	if lots > few+slack {
		t.Errorf("%v allocations for 10 matches and %v for 2,000", few, lots)
	}
	if without := allocations(off, evil, 10); few > without+10 {
		t.Errorf("with matches: %v allocations, and %v with alerts", without, few)
	}
}

// taker is a queue that takes every message.
type taker struct{}

func (taker) Send(context.Context, []byte) error { return nil }
