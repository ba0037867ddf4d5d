package notifier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/hub"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/killable"
	"github.com/resolverwatch/resolverwatch/test/localclient"
	"github.com/resolverwatch/resolverwatch/test/localsecurityhub"
)

const (
	home       = "111122223333"
	productARN = "arn:aws:securityhub:eu-west-1:" + home + ":product/" + home + "/default"
	window     = time.Hour
	// visibility is the time after which the queue delivers a message again.
	visibility = 12 * time.Minute
)

// world is everything that outlives a process: the table, the clock, and all that was sent.
type world struct {
	mu  sync.Mutex
	now time.Time

	rows    map[string]notifier.Sent
	states  map[string]notifier.State
	tests   map[string]notifier.TestOutcome
	events  []notifier.Event
	notices []notifier.Notice

	hub    *localsecurityhub.Server
	client notifier.Hub
	logs   bytes.Buffer
	digest settings.Digest
	broken map[string]error // by call
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		now:    time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
		rows:   map[string]notifier.Sent{},
		states: map[string]notifier.State{},
		tests:  map[string]notifier.TestOutcome{},
		broken: map[string]error{},
		hub:    localsecurityhub.New(localsecurityhub.Config{Account: home, Region: "eu-west-1", Partition: "aws"}),
	}
	w.connect(t)
	t.Cleanup(func() {
		if refused := w.hub.Refused(); len(refused) > 0 && len(w.broken) == 0 {
			t.Errorf("Security Hub refused %q", refused)
		}
	})
	return w
}

// connect lets the adapter talk to the hub, so that every finding takes the form of the API.
func (w *world) connect(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(w.hub)
	t.Cleanup(server.Close)
	config := localclient.Config(server.URL)
	config.RetryMaxAttempts = 1
	w.client = hub.New(config)
}

// clone copies the world, so that a test can continue in several ways. The copy has a hub of its
// own, without findings.
func (w *world) clone(t *testing.T) *world {
	t.Helper()
	c := newWorld(t)
	c.now, c.digest = w.now, w.digest
	c.rows, c.states, c.tests = maps.Clone(w.rows), maps.Clone(w.states), maps.Clone(w.tests)
	return c
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// process is a process that runs a notifier in a world. It records its calls. At one of them it
// can be killed, or something else can happen.
type process struct {
	*world
	killable.Process
	mu     sync.Mutex
	counts map[string]float64 // metrics by name, added up

	sleeps int
}

func (w *world) process() *process { return &process{world: w, counts: map[string]float64{}} }

func (p *process) notifier(t *testing.T) *notifier.Notifier {
	t.Helper()
	s := settings.Default[settings.NotifierFunction]()
	s.Table, s.ProductARN, s.Digest = "sent", productARN, p.digest
	n, err := notifier.New(notifier.Config{
		Settings: s, Table: table{p}, Bus: bus{p}, Topic: topic{p}, Hub: hubPort{p},
		Log: slog.New(slog.NewTextHandler(locked{p}, nil)), Metrics: p, Workers: 1,
		Now: func() time.Time {
			p.world.mu.Lock()
			defer p.world.mu.Unlock()
			return p.now
		},
		Sleep: func(context.Context, time.Duration) { p.sleeps++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// locked writes the log of all processes.
type locked struct{ *process }

func (l locked) Write(line []byte) (int, error) {
	l.world.mu.Lock()
	defer l.world.mu.Unlock()
	return l.logs.Write(line)
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
		word, _, _ := strings.Cut(name, " ")
		if err := p.broken[word]; err != nil {
			return err
		}
		return effect()
	})
}

// Write receives the lines of metrics.
func (p *process) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var members map[string]any
	if err := json.Unmarshal(line, &members); err != nil {
		return 0, err
	}
	for name, value := range members {
		if number, ok := value.(float64); ok {
			p.counts[name] += number
		}
	}
	return len(line), nil
}

type table struct{ *process }

func (tb table) Sent(_ context.Context, keys []string) (rows map[string]notifier.Sent, err error) {
	err = tb.call("Sent", func() error {
		rows = map[string]notifier.Sent{}
		for _, key := range keys {
			if row, found := tb.rows[key]; found {
				rows[key] = row
			}
		}
		return nil
	})
	return rows, err
}

func (tb table) PutSent(_ context.Context, key string, row notifier.Sent) error {
	return tb.call("PutSent "+key, func() error {
		if tb.rows[key].Revision != row.Revision {
			return storage.ErrConflict
		}
		row := row
		row.Revision++
		row.Delivered = slices.Clone(row.Delivered)
		tb.rows[key] = row
		return nil
	})
}

func (tb table) States(_ context.Context, keys []string) (states map[string]notifier.State, err error) {
	err = tb.call("States "+keys[0], func() error {
		states = map[string]notifier.State{}
		for _, key := range keys {
			if state, found := tb.states[key]; found {
				states[key] = state
			}
		}
		return nil
	})
	return states, err
}

func (tb table) PutState(_ context.Context, key string, state notifier.State) error {
	return tb.call("PutState "+key, func() error {
		if tb.states[key].Revision != state.Revision {
			return storage.ErrConflict
		}
		state := state
		state.Revision++
		tb.states[key] = state
		return nil
	})
}

func (tb table) PutTest(_ context.Context, key string, outcome notifier.TestOutcome) error {
	return tb.call("PutTest", func() error {
		tb.tests[key] = outcome
		return nil
	})
}

type bus struct{ *process }

func (b bus) Put(_ context.Context, events []notifier.Event) []error {
	err := b.call("Put", func() error {
		b.events = append(b.events, events...)
		return nil
	})
	return slices.Repeat([]error{err}, len(events))
}

type topic struct{ *process }

func (tp topic) Publish(_ context.Context, notice notifier.Notice) error {
	return tp.call("Publish", func() error {
		tp.notices = append(tp.notices, notice)
		return nil
	})
}

type hubPort struct{ *process }

func (h hubPort) Import(ctx context.Context, findings []notifier.Finding) (results []error) {
	err := h.call("Import", func() error {
		results = h.client.Import(ctx, findings)
		return nil
	})
	if err != nil {
		return slices.Repeat([]error{err}, len(findings))
	}
	return results
}

// message is a message in the queue.
type message struct {
	id   string
	body string
}

func newMessage(id string, m alert.Message) message {
	if m.Version == 0 {
		m.Version = alert.Version
	}
	if m.Origin == "" {
		m.Origin = alert.OriginFirehose
	}
	m.Stack = "Resolverwatch"
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return message{id, string(text)}
}

// row returns a row about a host and an indicator.
func row(host int, name string, records int, at time.Time) alert.Row {
	return alert.Row{
		AccountID: "444455556666", Region: "eu-west-1", VPCID: "vpc-0a1b", SrcAddr: fmt.Sprintf("10.0.%d.%d", host/250, host%250+1),
		Indicator: name, Scope: "subtree", Matched: "www." + name, Part: "query_name", Feeds: []string{"botnet"},
		Category: "c2", Severity: "high", Confidence: 90, FirstSeen: at, LastSeen: at.Add(time.Minute), Records: records,
	}
}

// event returns the event by which Lambda delivers messages.
func event(messages ...message) []byte {
	type record struct {
		ID     string `json:"messageId"`
		Body   string `json:"body"`
		Source string `json:"eventSource"`
	}
	out := struct{ Records []record }{}
	for _, m := range messages {
		out.Records = append(out.Records, record{m.id, m.body, "aws:sqs"})
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return text
}

// deliver gives messages to a process and returns those that the queue keeps. If
// the process died, it keeps all.
func (p *process) deliver(t *testing.T, messages ...message) (kept []message) {
	t.Helper()
	answer, err := p.notifier(t).Invoke(context.Background(), event(messages...))
	if p.Killed() {
		return messages
	}
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		t.Fatalf("answer %s: %v", answer, err)
	}
	for _, failure := range out.BatchItemFailures {
		for _, m := range messages {
			if m.id == failure.ItemIdentifier {
				kept = append(kept, m)
			}
		}
	}
	return kept
}

// drain delivers messages until the queue keeps none. SQS moves a message to the dead-letter
// queue after five deliveries.
func (w *world) drain(t *testing.T, messages []message) {
	t.Helper()
	for range 4 {
		if len(messages) == 0 {
			return
		}
		w.pass(visibility)
		messages = w.process().deliver(t, messages...)
	}
	if len(messages) > 0 {
		t.Fatalf("%d messages are never done; log: %s", len(messages), w.logs.String())
	}
}

// detail has the members of events that tests look at.
type detail struct {
	ID         string
	MatchID    string `json:"match_id"`
	Query      string
	Test       bool
	Host       struct{ SrcAddr string }
	Indicator  struct{ Value, Matched string }
	Severity   string
	Records    int
	Alerts     int
	Severities map[string]int
	CutRows    int `json:"truncated_rows"`
	Hosts      []struct{ SrcAddr, Severity string }
	Window     struct {
		SentBefore bool `json:"sent_before"`
		Suppressed int  `json:"suppressed_records"`
	}
}

// details returns the details of events of a type.
func (w *world) details(t *testing.T, detailType string) (list []detail) {
	t.Helper()
	for _, e := range w.events {
		if e.DetailType != detailType {
			continue
		}
		var d detail
		if err := json.Unmarshal(e.Detail, &d); err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

const (
	malicious = "Malicious query"
	storm     = "Malicious query storm"
	behaviour = "Suspicious behaviour"
)
