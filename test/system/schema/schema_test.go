// Package schema_test validates the events of the notifier against the published schemas.
package schema_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// folder has the published schemas.
const folder = "../../../docs/schemas"

// files are the schemas by detail type.
var files = map[string]string{
	"Malicious query":       "malicious-query-v1.json",
	"Malicious query storm": "malicious-query-storm-v1.json",
	"Suspicious behaviour":  "suspicious-behaviour-v1.json",
}

func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	compiled := map[string]*jsonschema.Schema{}
	for detailType, name := range files {
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		schema, err := compiler.Compile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		compiled[detailType] = schema
	}
	return compiled
}

// memory is a table that keeps rows, and a bus that keeps events.
type memory struct {
	mu sync.Mutex // the notifier claims several matches at once

	sent   map[string]notifier.Sent
	states map[string]notifier.State
	events []notifier.Event
}

func (m *memory) Sent(context.Context, []string) (map[string]notifier.Sent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.sent), nil
}

func (m *memory) PutSent(_ context.Context, key string, row notifier.Sent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	row.Revision++
	m.sent[key] = row
	return nil
}

func (m *memory) States(context.Context, []string) (map[string]notifier.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.states), nil
}

func (m *memory) PutState(_ context.Context, key string, state notifier.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states[key] = state
	return nil
}

func (m *memory) PutTest(context.Context, string, notifier.TestOutcome) error { return nil }

func (m *memory) Put(_ context.Context, events []notifier.Event) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, events...)
	return make([]error, len(events))
}

// deliver gives messages to a notifier, an hour after the last ones.
func (m *memory) deliver(t *testing.T, hour int, messages ...alert.Message) {
	t.Helper()
	s := settings.Default[settings.NotifierFunction]()
	n, err := notifier.New(notifier.Config{
		Settings: s, Table: m, Bus: m, Workers: 1,
		Now: func() time.Time { return time.Date(2030, 1, 1, hour, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	type record struct {
		ID   string `json:"messageId"`
		Body string `json:"body"`
	}
	var event struct{ Records []record }
	for i := range messages {
		messages[i].Version = alert.Version
		body, err := json.Marshal(messages[i])
		if err != nil {
			t.Fatal(err)
		}
		event.Records = append(event.Records, record{string(rune('a' + i)), string(body)})
	}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := n.Invoke(t.Context(), text)
	if err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Fatalf("%s, %v", answer, err)
	}
}

// randomRow returns a row of texts that an attacker or a broken list might choose.
func randomRow(random *rand.Rand) alert.Row {
	text := func() string {
		return []string{
			"", "evil.example", "10.0.0.1", "name", "cidr", "tunnels", "critical", "\x00\x1b[2J", "\u202e\u00fc", "\xff\xfe",
			strings.Repeat("x", 128), strings.Repeat("\u00fc", 64),
		}[random.IntN(12)]
	}
	at := func() time.Time { return time.Unix(random.Int64N(1<<40)-1<<39, random.Int64N(1e9)).UTC() }
	row := alert.Row{
		AccountID: text(), Region: text(), VPCID: text(), SrcAddr: text(), Instance: text(), Indicator: text(), Scope: text(),
		Matched: text(), Part: text(), Category: text(),
		Severity: []string{"low", "medium", "high", "critical"}[random.IntN(4)], Firewall: []string{"", "ALERT", "BLOCK"}[random.IntN(3)],
		Confidence: random.IntN(101), Records: random.IntN(10), FirstSeen: time.Unix(0, 0), LastSeen: time.Unix(0, 0),
		Details: map[string]string{},
	}
	for _, to := range []*time.Time{&row.FirstSeen, &row.LastSeen} {
		if moment := at(); moment.Year() > 0 && moment.Year() < 9999 {
			*to = moment
		}
	}
	for range random.IntN(17) {
		row.Feeds = append(row.Feeds, text())
		row.Details[text()] = text()
	}
	return row
}

// Every event that the notifier writes is valid, whatever is in the rows.
func TestSchemas_eventsAreValid(t *testing.T) {
	compiled := schemas(t)
	random := rand.New(rand.NewPCG(1, 2))
	m := &memory{sent: map[string]notifier.Sent{}, states: map[string]notifier.State{}}
	for hour := range 20 {
		stream := alert.Message{Origin: alert.OriginFirehose, Stack: "Resolverwatch", Generation: 7, TruncatedRows: random.IntN(3)}
		hunt := alert.Message{Origin: alert.OriginHunt, Query: "tunnels", Stack: strings.Repeat("s", 128)}
		for range 60 + hour {
			stream.Rows = append(stream.Rows, randomRow(random))
			hunt.Rows = append(hunt.Rows, randomRow(random))
		}
		m.deliver(t, hour, stream, hunt, alert.Message{Origin: alert.OriginFirehose, Test: strings.Repeat("0a", 16)})
	}

	counts := map[string]int{}
	for _, event := range m.events {
		counts[event.DetailType]++
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(event.Detail))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled[event.DetailType].Validate(value); err != nil {
			t.Fatalf("%s: %v\n%s", event.DetailType, err, event.Detail)
		}
	}
	for detailType := range files {
		if counts[detailType] < 10 {
			t.Errorf("only %d events %q", counts[detailType], detailType)
		}
	}
	t.Logf("valid events by type: %v", counts)
}

// The schemas refuse what breaks a promise, so that a valid event means something.
func TestSchemas_refuse(t *testing.T) {
	compiled := schemas(t)
	m := &memory{sent: map[string]notifier.Sent{}, states: map[string]notifier.State{}}
	row := alert.Row{
		AccountID: "111122223333", VPCID: "vpc-0a1b", SrcAddr: "10.0.0.1", Indicator: "evil.example", Scope: "name", Severity: "high", Records: 1,
	}
	m.deliver(t, 0, alert.Message{Origin: alert.OriginFirehose, Rows: []alert.Row{row}, TruncatedRows: 1},
		alert.Message{Origin: alert.OriginHunt, Query: "tunnels", Rows: []alert.Row{{Indicator: "evil.example", Scope: "tunnels", Severity: "low"}}})
	for _, event := range m.events {
		var required struct{ Required []string }
		text, err := os.ReadFile(filepath.Join(folder, files[event.DetailType]))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &required); err != nil {
			t.Fatal(err)
		}
		if len(required.Required) < 8 {
			t.Errorf("%s requires only %v", event.DetailType, required.Required)
		}
		for _, member := range required.Required {
			for name, change := range map[string]func(map[string]any){
				"without": func(e map[string]any) { delete(e, member) },
				"null":    func(e map[string]any) { e[member] = nil },
			} {
				var detail map[string]any
				if err := json.Unmarshal(event.Detail, &detail); err != nil {
					t.Fatal(err)
				}
				change(detail)
				if compiled[event.DetailType].Validate(any(detail)) == nil {
					t.Errorf("%s, %s %s: valid", event.DetailType, member, name)
				}
			}
		}
	}
}
