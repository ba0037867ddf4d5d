package notifier_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

var (
	goodSubject = regexp.MustCompile(`^Resolverwatch: (\d+ hosts?|storm of \d+ alerts?), worst (low|medium|high|critical)$`)
	goodKey     = regexp.MustCompile(`^(match#[0-9a-f]{32}|hunt#tunnels#[0-9a-f]{32}|cap#\d+|backlog)$`)
	goodRefusal = regexp.MustCompile(`^time=\S+ level=ERROR msg="message refused" message=m why="[a-z_0-9\[\]., :]+"\n$`)
	goodID      = regexp.MustCompile(`^resolverwatch/eu-west-1/(\d{12}|other)/(vpc-[0-9a-f]+|other)/([0-9a-f.:]+|other)/[0-9a-f]{16}$`)
)

// wantHarmless checks that texts of rows stay where they belong.
func (w *world) wantHarmless(t *testing.T) {
	t.Helper()
	for key := range w.rows {
		if !goodKey.MatchString(key) {
			t.Errorf("key %q", key)
		}
	}
	for key := range w.states {
		if !goodKey.MatchString(key) {
			t.Errorf("key %q", key)
		}
	}
	for _, notice := range w.notices {
		if !goodSubject.MatchString(notice.Subject) || len(notice.Subject) > 100 {
			t.Errorf("subject %q", notice.Subject)
		}
		if len(notice.Body) > 256<<10 || !utf8.ValidString(notice.Body) {
			t.Errorf("a body of %d bytes", len(notice.Body))
		}
		wantPlain(t, notice.Body)
	}
	for _, e := range w.events {
		if len(e.Detail) > 60<<10 || !json.Valid(e.Detail) {
			t.Errorf("an event of %d bytes", len(e.Detail))
		}
	}
	for id := range w.hub.Findings() {
		if !goodID.MatchString(id) {
			t.Errorf("finding %q", id)
		}
	}
	if refused := w.hub.Refused(); len(refused) > 0 {
		t.Errorf("Security Hub refused: %q", refused)
	}
}

// wantPlain checks that a terminal obeys nothing in a text, and that nothing in it is a link.
// The texts of tests contain no dots of ours.
func wantPlain(t *testing.T, body string) {
	t.Helper()
	for _, r := range body {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Errorf("the body has %U", r)
		}
	}
	if strings.Contains(strings.ReplaceAll(body, "[.]", ""), "evil.") || strings.Contains(body, "://") {
		t.Errorf("a link in %q", body)
	}
}

// Texts of rows may be anything.
func FuzzNotifier_hostileRows(f *testing.F) {
	f.Add("evil.example", "\x1b[2J\u202eevil.example", "http://evil.example/", false)
	f.Add("", " ", "\n\nSubject: x\r\n", true)
	f.Add(strings.Repeat("\xff", 5000), strings.Repeat("ü", 3000), strings.Repeat("evil.", 300), false)
	f.Add("evil.example' onclick=", `"},{"`, "10.0.0.1", true)
	f.Add("198.51.100.0/24", "fe80::1%evil.example", "::ffff:192.0.2.1", false)
	f.Fuzz(func(t *testing.T, a, b, c string, isHunt bool) {
		w := newWorld(t)
		r := row(1, a, 1, w.now)
		r.Matched, r.SrcAddr, r.VPCID, r.AccountID, r.Instance, r.Region = b, c, a, b, c, a
		r.Category, r.Part, r.Scope = b, c, a
		r.Feeds, r.Details = []string{a, b, c}, map[string]string{a: b, c: a}
		m := alert.Message{Rows: []alert.Row{r, row(2, c, 5, w.now)}}
		if isHunt {
			m.Origin, m.Query = alert.OriginHunt, "tunnels"
		}
		p := w.process()
		kept := p.deliver(t, newMessage("m", m)) // one with longer texts than messages have is refused
		w.wantHarmless(t)
		if log := w.logs.String(); log != "" && (len(kept) == 0 || !goodRefusal.MatchString(log)) {
			t.Errorf("logged %q", log)
		}
		for name := range p.counts {
			if !regexp.MustCompile(`^[A-Z][A-Za-z]+$`).MatchString(name) {
				t.Errorf("metric %q", name)
			}
		}
	})
}

// The largest texts fit into every target.
func TestNotifier_longTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name, word := strings.Repeat("long.", 102), strings.Repeat("long.", 25)
	r := row(1, name, 1, w.now)
	r.Matched, r.SrcAddr, r.VPCID, r.AccountID, r.Instance, r.Region = name, word, word, word, word, word
	r.Category, r.Part, r.Details = word, word, map[string]string{}
	for range 15 { // and one that every row has
		r.Feeds = append(r.Feeds, word)
		r.Details[strings.Repeat("x", len(r.Feeds))] = word + word
	}
	if kept := w.process().deliver(t, newMessage("m", alert.Message{Rows: []alert.Row{r}})); len(kept) > 0 {
		t.Fatal(w.logs.String())
	}
	w.wantHarmless(t)
	if len(w.events) != 1 || len(w.notices) != 1 || len(w.hub.Findings()) != 1 {
		t.Errorf("%d events, %d notices, %d findings", len(w.events), len(w.notices), len(w.hub.Findings()))
	}
}

// Times that JSON could not hold in UTC are put within bounds.
func TestNotifier_oddTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"version":1,"origin":"firehose","rows":[{"account_id":"1","vpc_id":"v","srcaddr":"s","indicator":"i",` +
		`"scope":"name","severity":"high","feeds":null,"records":7,"first_seen":"9999-12-31T23:59:59-23:00","last_seen":"0000-01-01T00:00:00Z"}]}`
	if kept := w.process().deliver(t, message{"m", body}); len(kept) > 0 {
		t.Fatal(w.logs.String())
	}
	sent := w.details(t, malicious)
	if len(sent) != 1 || sent[0].Records != 7 {
		t.Errorf("alerts %+v", sent)
	}
	w.wantHarmless(t)
}
