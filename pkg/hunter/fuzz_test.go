package hunter_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/hunter"
)

// Whatever Athena answers, each row is sent once, or counted, or the run is an error; and the
// notifier can read what was sent.
func FuzzHunter_Invoke(f *testing.F) {
	f.Add("tunnels", tunnelColumns, tunnelRow(1)+"\n"+tunnelRow(2))
	f.Add("coverage", "day|vpc_id|last_logged", "2026-11-29|vpc-1|-\n2026-11-29|*|-\n2026-11-27|vpc-1|-")
	f.Add("retro-hunt", retroColumns+"|unmarked", "1|2|3|evil.example|name|0\n1|2|3|evil.example|name|1")
	f.Add("mine", "account_id|vpc_id|srcaddr|day|severity|records", "-|-|-|2026-11-30T10:00:00Z|HIGH|9")
	f.Fuzz(func(t *testing.T, query, columns, rows string) {
		w := newWorld()
		w.queries[query] = bounded
		if query == "retro-hunt" {
			return // the schedule would have nothing to do
		}
		w.result = result(columns, strings.Split(rows, "\n")...)
		p := w.process("1")
		event, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := p.invoke(t, string(event))
		if p.counts["HuntSucceeded"]+p.counts["HuntFailed"] != 1 {
			t.Fatalf("counted %v", p.counts)
		}
		sent := len(w.rows(t))
		if err != nil {
			if sent > 0 {
				t.Fatalf("%d rows were sent in spite of %v", sent, err)
			}
			return
		}
		if failure(answer, err) != "" {
			return
		}
		var done struct {
			Rows int `json:"rows"`
			Bad  int `json:"rows_without_identity"`
		}
		if err := json.Unmarshal([]byte(answer), &done); err != nil {
			t.Fatal(err)
		}
		if query != "first-seen" && sent != done.Rows || query != "coverage" && done.Rows+done.Bad != len(w.result.Rows) {
			t.Fatalf("%d rows of %d were sent, answered %s", sent, len(w.result.Rows), answer)
		}
	})
}

// Events are texts of anybody who may invoke the function or put events on the bus.
func FuzzHunter_Invoke_event(f *testing.F) {
	for _, event := range []string{aPublish, aSchedule, `{"query":"tunnels","at":"2026-11-30T12:00:00Z","parameters":{"from":"7d"}}`, `[]`, `{"detail":null}`} {
		f.Add(event)
	}
	f.Fuzz(func(t *testing.T, event string) {
		w := newWorld()
		w.result = hunter.Result{Columns: strings.Split(tunnelColumns+"|indicator|scope", "|")}
		p := w.process("1")
		if failure(p.invoke(t, event)) != "" && p.counts["HuntFailed"] != 1 {
			t.Fatalf("counted %v", p.counts)
		}
		for name := range p.counts {
			if query, found := strings.CutPrefix(name, "HuntFailed "); found && w.queries[query] == "" {
				t.Fatalf("the dimension %q comes from the event", query)
			}
		}
		if len(w.ran) > 1 {
			t.Fatal(fmt.Sprint("ran ", len(w.ran)))
		}
	})
}
