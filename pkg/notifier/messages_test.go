package notifier_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/test/golden"
)

var (
	update = flag.Bool("update", false, "rewrite testdata/messages.txt")
	golds  = golden.New("testdata/messages.txt", update)
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(golds.Main(m))
}

func textOf(notice *notifier.Notice) string {
	return fmt.Sprintf("subject: %s\nseverity: %s\nkind: %s\n\n%s", notice.Subject, notice.Severity, notice.Kind, notice.Body)
}

func (w *world) eventText(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	for _, e := range w.events {
		text.WriteString(e.DetailType + "\n")
		if err := json.Indent(&text, e.Detail, "", "  "); err != nil {
			t.Fatal(err)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// The golden file shows what people and programs get.
func TestMessages_alerts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	blocked := row(1, "other.example", 1, w.now)
	blocked.Severity, blocked.Firewall, blocked.Category = "medium", "BLOCK", "phishing"
	block := row(2, "198.51.100.0/24", 12, w.now)
	block.Scope, block.Matched, block.Part, block.Severity, block.Instance = "cidr", "198.51.100.7", "answers[0]", "critical", "i-0abc"
	tunnel := row(3, "tunnel.example", 812, w.now)
	tunnel.Scope, tunnel.Matched, tunnel.Feeds, tunnel.Details = "tunnels", "", nil, map[string]string{"names": "812", "characters": "40600"}
	w.process().deliver(t,
		newMessage("m1", alert.Message{Generation: 7, Rows: []alert.Row{row(1, "beacon.example", 41, w.now), blocked, block}}),
		newMessage("m2", alert.Message{Origin: alert.OriginHunt, Query: "tunnels", Rows: []alert.Row{tunnel}}))
	golds.Compare(t, w.eventText(t))
	golds.Compare(t, textOf(&w.notices[0]))
}

func TestMessages_storm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := alert.Message{TruncatedRows: 12, TruncatedRecords: 345}
	for host := range 112 {
		m.Rows = append(m.Rows, row(host, "evil.example", 1, w.now))
	}
	w.process().deliver(t, newMessage("m", m))
	w.events = w.events[len(w.events)-1:]
	golds.Compare(t, w.eventText(t))
	text := textOf(&w.notices[0])
	head, rest, _ := strings.Cut(text, "\n\nhigh: 10.0.0.2")
	golds.Compare(t, head+"\n(and so on)\n"+rest[strings.LastIndex(rest, "\nand "):])
}

func TestMessages_test(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.process().deliver(t, newMessage("m", alert.Message{Test: testAlert}))
	golds.Compare(t, w.eventText(t))
	golds.Compare(t, textOf(&w.notices[0]))
}

func TestMessages_findings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	instance := row(1, "beacon.example", 41, w.now)
	instance.Instance = "i-0abc"
	tunnel := row(3, "tunnel.example", 812, w.now.Add(-time.Hour))
	tunnel.Scope, tunnel.Matched, tunnel.Feeds = "tunnels", "", nil
	w.process().deliver(t,
		newMessage("m1", alert.Message{Rows: []alert.Row{instance}}),
		newMessage("m2", alert.Message{Origin: alert.OriginHunt, Query: "tunnels", Rows: []alert.Row{tunnel}}))
	text, err := json.MarshalIndent(w.hub.Findings(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "null") && !strings.Contains(line, `""`) { // members that were not sent
			lines = append(lines, line)
		}
	}
	golds.Compare(t, strings.Join(lines, ""))
}
