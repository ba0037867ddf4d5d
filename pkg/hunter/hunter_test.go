package hunter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/hunter"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

const tunnelColumns = "account_id|vpc_id|srcaddr|registrable|day|names|characters|mean_length|example"

func tunnelRow(i int) string {
	return fmt.Sprintf("111122223333|vpc-1|10.0.%d.%d|evil.example|2026-11-30|120|5000|41.2|a.evil.example", i/250, i%250)
}

func tunnelRows(n int) (rows []string) {
	for i := range n {
		rows = append(rows, tunnelRow(i))
	}
	return rows
}

// Each query becomes rows with an identity of its own, and the other columns become details.
func TestHunter_Invoke_rows(t *testing.T) {
	t.Parallel()
	const at = "2026-11-30T12:00:00Z"
	moment := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	host := alert.Row{AccountID: "111122223333", VPCID: "vpc-1", SrcAddr: "10.0.0.1", Severity: "medium", Feeds: []string{}}
	with := func(change func(*alert.Row)) []alert.Row {
		row := host
		change(&row)
		return []alert.Row{row}
	}
	for _, tc := range []struct {
		query  string
		result hunter.Result
		want   []alert.Row
	}{{
		query: "malicious-hosts",
		result: result("account_id|vpc_id|srcaddr|instances|worst_severity|logged_queries|indicators|first_seen|last_seen|indicator|indicator_hosts",
			"111122223333|vpc-1|10.0.0.1|i-1|critical|7|2|2026-11-30T10:00:00Z|2026-11-30T11:00:00Z|evil.example|3"),
		want: with(func(r *alert.Row) {
			r.Indicator, r.Scope, r.Severity, r.Records, r.Instance = "evil.example", "malicious-hosts", "critical", 7, "i-1"
			r.FirstSeen, r.LastSeen = moment("2026-11-30T10:00:00Z"), moment("2026-11-30T11:00:00Z")
			r.Details = map[string]string{"indicators": "2", "indicator_hosts": "3", "instances": "i-1"}
		}),
	}, {
		query: "retro-hunt",
		result: result("account_id|vpc_id|srcaddr|instances|indicator|scope|feeds|category|severity|confidence|added_at|example|logged_queries|unmarked|first_seen|last_seen",
			"111122223333|vpc-1|10.0.0.1|i-1 i-2|evil.example|subtree|a b|botnet_cc|high|90|2026-11-29T00:00:00Z|www.evil.example|5|4|2026-11-01T10:00:00Z|2026-11-02T11:00:00Z",
			"111122223333|vpc-1|10.0.0.2|-|marked.example|name|a|-|high|90|2026-11-29T00:00:00Z|marked.example|5|0|2026-11-30T10:00:00Z|2026-11-30T11:00:00Z"),
		want: with(func(r *alert.Row) {
			r.Indicator, r.Scope, r.Severity, r.Confidence, r.Records = "evil.example", "subtree", "high", 90, 5
			r.Feeds, r.Category, r.Matched = []string{"a", "b"}, "botnet_cc", "www.evil.example"
			r.FirstSeen, r.LastSeen = moment("2026-11-01T10:00:00Z"), moment("2026-11-02T11:00:00Z")
			r.Details = map[string]string{"instances": "i-1 i-2", "added_at": "2026-11-29T00:00:00Z", "unmarked": "4"}
		}),
	}, {
		query:  "tunnels",
		result: result(tunnelColumns, "111122223333|vpc-1|10.0.0.1|evil.example|2026-11-30|120|5000|41.2|a.evil.example"),
		want: with(func(r *alert.Row) {
			r.Indicator, r.Scope, r.Records, r.Matched = "evil.example", "tunnels 2026-11-30", 120, "a.evil.example"
			r.FirstSeen, r.LastSeen = moment("2026-11-30T00:00:00Z"), moment("2026-11-30T11:50:00Z")
			r.Details = map[string]string{"day": "2026-11-30", "names": "120", "characters": "5000", "mean_length": "41.2"}
		}),
	}, {
		query: "nxdomain-domains",
		result: result("account_id|vpc_id|srcaddr|day|domains|mean_length|with_digits|example",
			"111122223333|vpc-1|10.0.0.1|2026-11-29|25|9.5|3|qxzvkj.example"),
		want: with(func(r *alert.Row) {
			r.Indicator, r.Scope, r.Records, r.Matched = "2026-11-29", "nxdomain-domains", 25, "qxzvkj.example"
			r.FirstSeen, r.LastSeen = moment("2026-11-29T00:00:00Z"), moment("2026-11-29T23:59:59Z")
			r.Details = map[string]string{"day": "2026-11-29", "domains": "25", "mean_length": "9.5", "with_digits": "3"}
		}),
	}, {
		query: "beacons",
		result: result("account_id|vpc_id|srcaddr|query_name|queries|median_seconds|spread|hosts|first_seen|last_seen",
			"111122223333|vpc-1|10.0.0.1|c2.example|30|600|2.5|1|2026-11-29T10:00:00Z|2026-11-30T11:00:00Z"),
		want: with(func(r *alert.Row) {
			r.Indicator, r.Scope, r.Records = "c2.example", "beacons", 30
			r.FirstSeen, r.LastSeen = moment("2026-11-29T10:00:00Z"), moment("2026-11-30T11:00:00Z")
			r.Details = map[string]string{"queries": "30", "median_seconds": "600", "spread": "2.5", "hosts": "1"}
		}),
	}, {
		query:  "first-seen",
		result: result("account_id|vpc_id|srcaddr|registrable", "111122223333|vpc-1|10.0.0.1|new.example"),
	}, {
		query:  "of-a-user", // without any parameter
		result: result("account_id|vpc_id|srcaddr|bytes", "-|-|-|9"),
		want: []alert.Row{{
			Scope: "of-a-user", Severity: "medium", Feeds: []string{}, Details: map[string]string{"bytes": "9"},
			FirstSeen: moment("2026-11-29T10:00:00Z"), LastSeen: moment("2026-11-30T11:50:00Z"),
		}},
	}} {
		t.Run(tc.query, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.queries[tc.query], w.result = bounded, tc.result
			if tc.query == "of-a-user" {
				w.queries[tc.query] = "SELECT 1"
			}
			event := fmt.Sprintf(`{"query":%q,"at":%q}`, tc.query, at)
			if tc.query == "retro-hunt" {
				event = published("dns", at)
			}
			p := w.process("1")
			p.settings.Stack = "dns"
			if _, err := p.invoke(t, event); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, w.rows(t)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			for _, m := range w.messages(t) {
				if m.Origin != alert.OriginHunt || m.Query != tc.query || m.Stack != "dns" {
					t.Errorf("origin %q, query %q, stack %q", m.Origin, m.Query, m.Stack)
				}
			}
		})
	}
}

// A finding keeps its identity while its counts grow and its example changes, and the next day is
// another finding.
func TestHunter_Invoke_identity(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, row := range []string{
		"111122223333|vpc-1|10.0.0.1|evil.example|2026-11-30|120|5000|41.2|a.evil.example",
		"111122223333|vpc-1|10.0.0.1|evil.example|2026-11-30|990|90000|43.9|zz.evil.example",
		"111122223333|vpc-1|10.0.0.1|evil.example|2026-12-01|120|5000|41.2|a.evil.example",
	} {
		w.result = result(tunnelColumns, row)
		w.invoke(t, "1", `{"query":"tunnels"}`)
	}
	rows := w.rows(t)
	if rows[0].ID() != rows[1].ID() || rows[0].ID() == rows[2].ID() {
		t.Errorf("ids %s, %s and %s", rows[0].ID(), rows[1].ID(), rows[2].ID())
	}
}

// The SQL covers the look-back; queries that count by days get whole days.
func TestHunter_Invoke_period(t *testing.T) {
	t.Parallel()
	const sql = "from_iso8601_timestamp('%s') from_iso8601_timestamp('%s')"
	for _, tc := range []struct {
		event, from, until string
	}{
		{`{"query":"malicious-hosts"}`, "2026-11-29T10:00:00Z", "2026-11-30T11:50:00Z"},
		{`{"query":"malicious-hosts","at":"2026-11-30T11:00:00Z"}`, "2026-11-29T09:00:00Z", "2026-11-30T10:50:00Z"},
		{`{"query":"malicious-hosts","at":"2031-01-01T00:00:00Z"}`, "2026-11-29T10:00:00Z", "2026-11-30T11:50:00Z"}, // not now
		{`{"query":"malicious-hosts","parameters":{"from":"2026-11-01"}}`, "2026-11-01T00:00:00Z", "2026-11-30T11:50:00Z"},
		{`{"query":"tunnels"}`, "2026-11-29T00:00:00Z", "2026-11-30T11:50:00Z"},
		{`{"query":"coverage"}`, "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
		{`{"query":"first-seen"}`, "2026-11-29T11:50:00Z", "2026-11-30T11:50:00Z"},
	} {
		w := newWorld()
		w.result = result("account_id|vpc_id|srcaddr|indicator|registrable|day")
		for _, name := range []string{"malicious-hosts", "coverage", "first-seen"} {
			w.queries[name] = bounded
		}
		w.invoke(t, "1", tc.event)
		if want := fmt.Sprintf(sql, tc.from, tc.until); !strings.Contains(w.ran[0], want) {
			t.Errorf("%s: ran %s, want %s", tc.event, w.ran[0], want)
		}
	}
}

// failure returns why a run failed, or "".
func failure(answer string, err error) string {
	if err != nil {
		return err.Error()
	}
	var done struct {
		Failed string `json:"failed"`
	}
	if err := json.Unmarshal([]byte(answer), &done); err != nil {
		return err.Error()
	}
	return done.Failed
}

// Anything but the known events is an error and counts as a failed hunt.
func TestHunter_Invoke_events(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]string{
		`{`:                         "decoding the event",
		`{}`:                        "unknown event",
		`{"source":"aws.s3"}`:       "unknown event",
		`{"query":"../x"}`:          "at most 64 characters",
		`{"query":"Tunnels; DROP"}`: "at most 64 characters",
		`{"query":"nobody-has-it"}`: "not in the workgroup",
		`{"query":"tunnels","parameters":{"names":"1"}}`:         "unknown parameter names",
		`{"query":"tunnels","parameters":{"until":"1999"}}`:      "until",
		`{"query":"tunnels","parameters":{"from":"2026-12-24"}}`: "must be later than from",
	} {
		w := newWorld()
		p := w.process("1")
		answer, err := p.invoke(t, event)
		if got := failure(answer, err); !strings.Contains(got, want) {
			t.Errorf("%s: failed with %q, want a text that contains %q", event, got, want)
		}
		if p.counts["HuntFailed"] != 1 || p.counts["HuntSucceeded"] != 0 || len(w.ran) != 0 {
			t.Errorf("%s: counted %v, ran %d", event, p.counts, len(w.ran))
		}
	}
}

// Rows go into messages of the size that the notifier takes, and the rows beyond the bound are
// counted.
func TestHunter_Invoke_bounds(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(tunnelColumns, tunnelRows(1500)...)
	p := w.process("1")
	answer, err := p.invoke(t, `{"query":"tunnels"}`)
	if err != nil {
		t.Fatal(err)
	}
	var sizes, cut []int
	for _, m := range w.messages(t) {
		sizes, cut = append(sizes, len(m.Rows)), append(cut, m.TruncatedRows)
	}
	if diff := cmp.Diff([][]int{{400, 400, 200}, {500, 0, 0}}, [][]int{sizes, cut}); diff != "" {
		t.Error(diff)
	}
	if len(w.ids(t)) != 1000 || p.counts["HuntRows"] != 1000 || p.counts["HuntRowsCut"] != 500 || p.counts["HuntBytesScanned"] != 1000 {
		t.Errorf("%d findings, counted %v", len(w.ids(t)), p.counts)
	}
	if want := `{"query":"tunnels","rows":1000,"rows_cut":500,"rows_without_identity":0,"bytes_scanned":1000}`; answer != want {
		t.Errorf("answered %s, want %s", answer, want)
	}
}

// Without a queue the rows are only counted.
func TestHunter_Invoke_withoutQueue(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(tunnelColumns, tunnelRows(3)...)
	p := w.process("1")
	p.silent = true
	if _, err := p.invoke(t, `{"query":"tunnels"}`); err != nil {
		t.Fatal(err)
	}
	if p.counts["HuntRows"] != 3 || p.counts["HuntSucceeded"] != 1 || len(w.sent) != 0 {
		t.Errorf("counted %v, sent %d", p.counts, len(w.sent))
	}
}

// A result without the columns of an identity is an error that names them. A row whose identity
// is NULL is counted as a failure, and the other rows are sent.
func TestHunter_Invoke_badResults(t *testing.T) {
	t.Parallel()
	good := tunnelRow(1)
	for _, tc := range []struct {
		name   string
		result hunter.Result
		want   string // part of the error
		failed float64
		rows   int
	}{
		{name: "no columns", result: hunter.Result{}, want: "account_id, vpc_id, srcaddr, registrable, day", failed: 1},
		{name: "a column is missing", result: result("account_id|vpc_id|srcaddr|day", "1|2|3|2026-11-30"), want: "registrable", failed: 1},
		{name: "a row is short", result: result(tunnelColumns, good, "1|2"), want: "row 2 of the result has 2 cells", failed: 1},
		{name: "no identity", result: result(tunnelColumns, good, "1|2|3|-|2026-11-30|1|1|1|x", "1|2|3||2026-11-30|1|1|1|x"), failed: 1, rows: 1},
		{name: "no day", result: result(tunnelColumns, good, "1|2|3|evil.example|yesterday|1|1|1|x"), failed: 1, rows: 1},
		{name: "no numbers", result: result(tunnelColumns, "1|2|3|evil.example|2026-11-30|many|-|NaN|-"), rows: 1},
		{name: "no rows", result: result(tunnelColumns)},
	} {
		w := newWorld()
		w.result = tc.result
		p := w.process("1")
		got := failure(p.invoke(t, `{"query":"tunnels"}`))
		if (got != "") != (tc.want != "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: failed with %q, want %q", tc.name, got, tc.want)
		}
		if len(w.rows(t)) != tc.rows || p.counts["HuntFailed"] != tc.failed || p.counts["HuntFailed"]+p.counts["HuntSucceeded"] != 1 ||
			p.counts["HuntFailed tunnels"] != tc.failed {
			t.Errorf("%s: sent %d rows, counted %v", tc.name, len(w.rows(t)), p.counts)
		}
	}
}

// Texts of attackers reach the notifier within bounds and in ASCII, never the log, and never make
// a message too large.
func TestHunter_Invoke_hostileText(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hostile := []string{"\x00\x1b[31mred", "\xff\xfe", `"}],"rows":[`, "${jndi}", strings.Repeat("\U0001f600", 5000), "<script>", "\u202e", "=cmd()"}
	var rows []string
	for i := range 600 {
		text := strings.ReplaceAll(hostile[i%len(hostile)], "|", "")
		rows = append(rows, strings.Join([]string{text, text, fmt.Sprint(i), text + "secret.example", "2026-11-30", text, text, text, text}, "|"))
	}
	w.result = result(tunnelColumns, rows...)
	p := w.process("1")
	if _, err := p.invoke(t, `{"query":"tunnels"}`); err != nil {
		t.Fatal(err)
	}
	for _, body := range w.sent {
		if i := strings.IndexFunc(string(body), func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 || len(body) > 200<<10 {
			t.Fatalf("a message of %d bytes with %q", len(body), body[max(i, 0):][:10])
		}
	}
	for _, m := range w.messages(t) {
		if m.TruncatedRows != 0 {
			t.Errorf("a message without %d rows", m.TruncatedRows)
		}
	}
	if got := len(w.rows(t)); got != 600 || p.counts["HuntRows"] != 600 {
		t.Errorf("%d rows were sent, counted %v", got, p.counts["HuntRows"])
	}
	for _, text := range append(hostile, "secret.example") {
		if strings.Contains(p.log.String(), text) {
			t.Errorf("the log contains %q", text)
		}
	}
}

// A query gets 13 minutes, or the time that the invocation can spare. Then its context ends, and the
// hunt has failed.
func TestHunter_Invoke_timeLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ deadline, want time.Duration }{
		"no deadline":     {0, 13 * time.Minute},
		"whole function":  {15 * time.Minute, 13 * time.Minute},
		"late invocation": {5 * time.Minute, 3 * time.Minute},
		"no time":         {time.Minute, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newWorld().process("1")
			p.block = func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
			ctx := t.Context()
			if tc.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tc.deadline)
				defer cancel()
			}
			begin := time.Now()
			answer, err := p.hunter(t).Invoke(ctx, []byte(`{"query":"tunnels"}`))
			if took := time.Since(begin); took != tc.want {
				t.Errorf("%s: took %v, want %v", name, took, tc.want)
			}
			// It is not repeated, because a repeat would take as long.
			if err != nil || !strings.Contains(failure(string(answer), err), "was stopped") || p.counts["HuntFailed tunnels"] != 1 {
				t.Errorf("%s: answer %s, error %v, counted %v", name, answer, err, p.counts)
			}
		})
	}
}

// A query over the limit of the workgroup is not repeated, because a repeat would cost the same
// again. Other failures of a query are.
func TestHunter_Invoke_queryFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err      error
		repeated bool
	}{
		{fmt.Errorf("%w: Bytes scanned limit was exceeded", hunter.ErrLimit), false},
		{errors.New("internal error"), true},
	} {
		p := newWorld().process("1")
		p.block = func(context.Context) error { return tc.err }
		answer, err := p.invoke(t, `{"query":"tunnels"}`)
		if (err != nil) != tc.repeated || !strings.Contains(failure(answer, err), tc.err.Error()) {
			t.Errorf("%v: answer %s, error %v", tc.err, answer, err)
		}
		if p.counts["HuntFailed"] != 1 || p.counts["HuntSucceeded"] != 0 || p.counts["HuntBytesScanned"] != 7 {
			t.Errorf("%v: counted %v", tc.err, p.counts)
		}
	}
}

// If the queue refuses a message, the hunt has failed, and the repeat sends everything.
func TestHunter_Invoke_queueFails(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.result = result(tunnelColumns, tunnelRows(5)...)
	p := w.process("1")
	p.failSend = errors.New("access denied")
	_, err := p.invoke(t, `{"query":"tunnels"}`)
	if err == nil || !strings.Contains(err.Error(), "0 of 5 are sent: access denied") || p.counts["HuntSucceeded"] != 0 {
		t.Errorf("error %v, counted %v", err, p.counts)
	}
	w.invoke(t, "1", `{"query":"tunnels"}`)
	if len(w.ids(t)) != 5 {
		t.Errorf("%d findings", len(w.ids(t)))
	}
}

func TestNew_errors(t *testing.T) {
	t.Parallel()
	if _, err := hunter.New(hunter.Config{}); err == nil {
		t.Error("no error without ports")
	}
	if _, err := hunter.New(hunter.Config{Athena: athena{}, Runs: runs{}, Settings: settings.HunterFunction{}}); err != nil {
		t.Error(err)
	}
}
