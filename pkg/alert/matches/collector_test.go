package matches_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/alert/matches"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// newIndex returns an index. An entry is "feed severity scope value".
func newIndex(t testing.TB, entries ...string) *index.Index {
	t.Helper()
	b := index.NewBuilder()
	for _, text := range entries {
		words := strings.Fields(text)
		feed := indicator.FeedID(words[0])
		i := indicator.Indicator{Action: indicator.ActionBlock, Severity: indicator.SeverityLow, Confidence: 80, Category: "botnet_cc"}
		var err error
		if words[1] == "allow" {
			i.Action = indicator.ActionAllow
		} else if i.Severity, err = indicator.ParseSeverity(words[1]); err != nil {
			t.Fatal(err)
		}
		if i.Scope, err = indicator.ParseAnyScope(words[2]); err != nil {
			t.Fatal(err)
		}
		if err := i.SetValue(words[3]); err != nil {
			t.Fatal(err)
		}
		b.Feed(feed, words[1] == "allow")
		if err := b.Add(feed, &i); err != nil {
			t.Fatal(err)
		}
	}
	object, err := b.Build(index.Options{Generation: 7, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// room is that of the lines of a record in tests.
const room = 400

// collect marks records and returns the message about them.
func collect(t testing.TB, c *matches.Collector, x *index.Index, o verdict.Options, records ...string) alert.Message {
	t.Helper()
	c.Reset(now)
	o.OnMatch = c.Add
	marker := verdict.NewMarker(x, o)
	for _, record := range records {
		c.NextRecord()
		_, _ = marker.MarkWithin(nil, []byte(record), room) // a record that fails can have matches
	}
	var m alert.Message
	if !c.Empty() {
		c.Fill(&m)
	}
	return m
}

// record returns a log object.
func record(srcaddr, name, timestamp string) string {
	return fmt.Sprintf(`{"account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-0example","query_timestamp":"%s",`+
		`"query_name":"%s","srcaddr":"%s","srcids":{"instance":"i-0example"}}`, timestamp, name, srcaddr)
}

func TestCollector(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "botnet critical name beacon.botnet.example", "urls medium subtree botnet.example", "own high cidr 203.0.113.0/24",
		"ok allow subtree good.example", "urls high subtree good.example")
	var c matches.Collector
	m := collect(t, &c, x, verdict.Options{},
		record("10.0.1.11", "www.botnet.example.", "2026-11-30T10:00:30Z"),
		record("10.0.1.11", "BEACON.botnet.example.", "2026-11-30T10:00:40Z"),
		record("10.0.1.11", "www.a.test.", "2026-11-30T10:00:40Z"),
		record("10.0.1.11", "good.example.", "2026-11-30T10:00:40Z"),
		record("10.0.1.11", "a.botnet.example.", "2026-11-30T10:00:10Z"),
		record("10.0.1.11", "b.botnet.example.", "2026-11-30T10:00:50Z"),
		`{"query":{"hostname":"a.test"},"time":1796032800000,"cloud":{"region":"eu-west-2"},"src_endpoint":{"ip":"10.0.1.12"},`+
			`"answers":[{"type":"A","rdata":"192.0.2.1"},{"type":"A","rdata":"203.0.113.7"}],"disposition":"Blocked"}`)
	host := alert.Row{AccountID: "111122223333", Region: "eu-west-1", VPCID: "vpc-0example", SrcAddr: "10.0.1.11", Instance: "i-0example", Category: "botnet_cc", Confidence: 80}
	critical, medium := host, host
	critical.Indicator, critical.Scope, critical.Matched, critical.Part = "beacon.botnet.example", "name", "beacon.botnet.example", "query_name"
	critical.Feeds, critical.Severity, critical.Records = []string{"botnet", "urls"}, "critical", 1
	critical.FirstSeen, critical.LastSeen = at("10:00:40"), at("10:00:40")
	medium.Indicator, medium.Scope, medium.Matched, medium.Part = "botnet.example", "subtree", "www.botnet.example", "query_name"
	medium.Feeds, medium.Severity, medium.Records = []string{"urls"}, "medium", 3
	medium.FirstSeen, medium.LastSeen = at("10:00:10"), at("10:00:50")
	want := []alert.Row{critical, {
		Region: "eu-west-2", SrcAddr: "10.0.1.12", Indicator: "203.0.113.0/24", Scope: "cidr", Matched: "203.0.113.7", Part: "answers[1]",
		Feeds: []string{"own"}, Category: "botnet_cc", Severity: "high", Confidence: 80, Firewall: "BLOCK", Records: 1,
		FirstSeen: time.UnixMilli(1796032800000).UTC(), LastSeen: time.UnixMilli(1796032800000).UTC(),
	}, medium}
	if diff := gocmp.Diff(want, m.Rows); diff != "" || m.TruncatedRows != 0 || m.TruncatedRecords != 0 {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if body := m.Encode(); len(body) > 3*480 {
		t.Errorf("%d bytes", len(body))
	}
}

// at returns a time of the day.
func at(clock string) time.Time {
	t, err := time.Parse(time.DateTime, "2026-11-30 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

// Which marks count.
func TestCollector_marks(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urls high subtree evil.example")
	const evil, clean = `{"query_name":"evil.example"}`, `{"query_name":"a.test"}`
	long := `{"query_name":"evil.example","padding":"` + strings.Repeat("x", 200) + `"}`
	marked := func(line string) string { return strings.Replace(evil, "}", line, 1) }
	for _, tt := range []struct {
		name, record string
		options      verdict.Options
		want         int // records
	}{
		{"clean", clean, verdict.Options{}, 0},
		{"malicious", evil, verdict.Options{}, 1},
		{"several objects", evil + clean + evil, verdict.Options{}, 2},
		{"with less detail, because there is little room", long, verdict.Options{}, 1},
		{"without room", long + clean + long, verdict.Options{}, 0},
		// The lines would fit if they were clean, so all objects are looked up before the record fails.
		{"looked up, without room", strings.Repeat(evil, 4) + strings.Replace(evil, "}", `,"p":"`+strings.Repeat("x", 38)+`"}`, 1), verdict.Options{}, 5},
		{"not valid JSON after it", evil + "{", verdict.Options{}, 0},
		{"came with a mark", marked(`,"verdict":"malicious","threat":{"indicator":"evil.example"}}`), verdict.Options{}, 0},
		{"was clean before", marked(`,"verdict":"clean"}`), verdict.Options{Remark: true}, 1},
		{
			"was marked by an earlier generation",
			marked(`,"verdict":"malicious","index_generation":3,"threat":{"indicator":"evil.example","scope":"subtree","matched":"evil.example",` +
				`"part":"query_name","feeds":["urls"],"category":"botnet_cc","severity":"high","confidence":80}}`),
			verdict.Options{Remark: true}, 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c matches.Collector
			m := collect(t, &c, x, tt.options, tt.record)
			records := 0
			for i := range m.Rows {
				records += m.Rows[i].Records
			}
			if records != tt.want {
				t.Errorf("%d records, want %d: %+v", records, tt.want, m.Rows)
			}
		})
	}
}

// A time that cannot be read, or that is still to come, is that of the invocation.
func TestCollector_times(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urls high subtree evil.example")
	for text, want := range map[string]time.Time{
		"2026-11-30T10:00:00Z":          at("10:00:00"),
		"2026-11-30T10:00:00.177Z":      at("10:00:00").Add(177 * time.Millisecond),
		"2026-11-30T11:00:00+01:00":     at("10:00:00"),
		"2026-11-30T12:00:00Z":          now,
		"2026-11-30T12:00:01Z":          now,
		"9999-12-31T23:59:59Z":          now,
		"2026-11-30T10:00:60Z":          now,
		"2026-11-30T10:60:00Z":          now,
		"2026-11-30T24:00:00Z":          now,
		"2026-11-30T1a:00:00Z":          now,
		"2026-11-30T10-00-00Z":          now,
		"2026-11-30T19:20:177Z":         now,
		"yesterday":                     now,
		"":                              now,
		"0001-01-01T00:00:00Z":          {},
		`2026-11-30T10:00:0\u0030Z`:     at("10:00:00"),
		"2026-11-29T23:59:59Z":          at("00:00:00").Add(-time.Second),
		"2026-11-30T10:00:00.123456789": now,
	} {
		var c matches.Collector
		// The second record has the day of the first one.
		m := collect(t, &c, x, verdict.Options{}, record("10.0.0.1", "evil.example", "2026-11-30T09:00:00Z"), record("10.0.0.2", "evil.example", text))
		if got := m.Rows[1].FirstSeen; !got.Equal(want) {
			t.Errorf("%q became %v, want %v", text, got, want)
		}
	}
}

// The same matches of different hosts, in different VPCs and accounts, are different rows,
// whatever bytes they contain.
func TestCollector_identity(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urls high subtree evil.example", "urls high name www.evil.example", "urls low under www.evil.example")
	object := func(account, vpc, addr, name string) string {
		return fmt.Sprintf(`{"account_id":"%s","vpc_id":"%s","srcaddr":"%s","query_name":"%s"}`, account, vpc, addr, name)
	}
	long := strings.Repeat("x", 200)
	records := []string{
		object("1", "vpc-1", "10.0.0.1", "evil.example"), object("2", "vpc-1", "10.0.0.1", "evil.example"),
		object("1", "vpc-2", "10.0.0.1", "evil.example"), object("1", "vpc-1", "10.0.0.2", "evil.example"),
		object("1", "vpc-1", "10.0.0.1", "www.evil.example"), object("1", "vpc-1", "10.0.0.1", "a.www.evil.example"),
		object("1v", "pc-1", "10.0.0.1", "evil.example"), object("1vpc-1", "", "10.0.0.1", "evil.example"), object("", "", "", "evil.example"),
		object("\xff", "vpc-1", "10.0.0.1", "evil.example"), `{"query_name":"evil.example","srcaddr":7,"vpc_id":"v"}`,
	}
	var c matches.Collector
	m := collect(t, &c, x, verdict.Options{}, append(records, records...)...)
	if len(m.Rows) != len(records) {
		t.Errorf("%d rows, want %d", len(m.Rows), len(records))
	}
	for i := range m.Rows {
		if m.Rows[i].Records != 2 {
			t.Errorf("%d records: %+v", m.Rows[i].Records, m.Rows[i])
		}
	}

	// What is longer than any id or address is cut.
	m = collect(t, &c, x, verdict.Options{}, object(long, "v", "a", "evil.example"), object(long+"y", "v", "a", "evil.example"))
	if len(m.Rows) != 1 || len(m.Rows[0].AccountID) != alert.MaxWordBytes {
		t.Errorf("rows of long ids: %+v", m.Rows)
	}
}

// A storm of different matches is counted in bounded memory, and the worst ones stay.
func TestCollector_storm(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "a low subtree low.example", "b high subtree high.example", "c critical subtree critical.example")
	var c matches.Collector
	c.Reset(now)
	marker := verdict.NewMarker(x, verdict.Options{OnMatch: c.Add})
	total := 0
	mark := func(host int, name string) {
		c.NextRecord()
		total++
		if _, err := marker.Mark(nil, []byte(record(fmt.Sprintf("%x:%s", host, strings.Repeat("0", 100)), name, "2026-11-30T10:00:00Z"))); err != nil {
			t.Fatal(err)
		}
	}
	for host := range 200_000 {
		mark(host, "low.example")
		if host%1000 == 0 {
			mark(host, "high.example")
			mark(host, "high.example")
			mark(7, "critical.example")
		}
	}

	var m alert.Message
	c.Fill(&m)
	records := m.TruncatedRecords
	bySeverity := map[string]int{}
	for i := range m.Rows {
		records += m.Rows[i].Records
		bySeverity[m.Rows[i].Severity]++
	}
	if records != total || len(m.Rows)+m.TruncatedRows != 200_201 {
		t.Errorf("%d of %d records and %d of 200201 rows are counted", records, total, len(m.Rows)+m.TruncatedRows)
	}
	if want := map[string]int{"critical": 1, "high": 200, "low": 199}; !gocmp.Equal(bySeverity, want) || m.Rows[0].Records != 200 {
		t.Errorf("rows by severity %v, want %v; the first has %d records", bySeverity, want, m.Rows[0].Records)
	}

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m = alert.Message{}
	c = matches.Collector{}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if size := int(before.HeapAlloc) - int(after.HeapAlloc); size > 6<<20 {
		t.Errorf("the collector has %d bytes", size)
	}
}

// Marks without a match cost no allocation. Matches do not either, once the memory has grown.
func TestCollector_allocations(t *testing.T) {
	x := newIndex(t, "urls high subtree evil.example")
	var c matches.Collector
	marker := verdict.NewMarker(x, verdict.Options{OnMatch: c.Add})
	var records [][]byte
	for i := range 50 {
		records = append(records, []byte(record(fmt.Sprint("10.0.0.", i), "evil.example", "2026-11-30T10:00:00Z")),
			[]byte(record(fmt.Sprint("10.0.0.", i), "a.test", "2026-11-30T10:00:00Z")))
	}
	var lines []byte
	if n := testing.AllocsPerRun(100, func() {
		c.Reset(now)
		for _, record := range records {
			c.NextRecord()
			var err error
			if lines, err = marker.Mark(lines[:0], record); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations to add marks", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		var m alert.Message
		c.Fill(&m)
	}); n > 2 { // the message, and its texts
		t.Errorf("%v allocations to fill a message", n)
	}
}

// A collector that is used again has nothing of the invocation before.
func TestCollector_Reset(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urls high subtree evil.example")
	var c matches.Collector
	collect(t, &c, x, verdict.Options{}, record("10.0.0.1", "evil.example", "2026-11-30T10:00:00Z"))
	if m := collect(t, &c, x, verdict.Options{}, record("10.0.0.1", "a.test", "2026-11-30T10:00:00Z")); len(m.Rows) != 0 || !c.Empty() {
		t.Errorf("rows %+v", m.Rows)
	}
	m := collect(t, &c, x, verdict.Options{}, record("10.0.0.1", "evil.example", "2026-11-30T11:00:00Z"))
	if len(m.Rows) != 1 || m.Rows[0].Records != 1 || !m.Rows[0].FirstSeen.Equal(at("11:00:00")) {
		t.Errorf("rows %+v", m.Rows)
	}
}

// A storm of different matches, and one of the same few.
func BenchmarkCollector(b *testing.B) {
	x := newIndex(b, "urls high subtree evil.example")
	for name, hosts := range map[string]int{"different": 2000, "few": 50} {
		b.Run(name, func(b *testing.B) {
			var marks []verdict.Mark
			marker := verdict.NewMarker(x, verdict.Options{OnMark: func(m *verdict.Mark) {
				kept, object, threat := *m, *m.Object, *m.Threat
				threat.Match.Indicator, threat.Match.Feeds = slices.Clone(threat.Match.Indicator), slices.Clone(threat.Match.Feeds)
				kept.Object, kept.Threat = &object, &threat
				marks = append(marks, kept)
			}})
			for i := range 2000 {
				text := []byte(record(fmt.Sprintf("10.0.%d.%d", i%hosts/250, i%hosts%250), "www.evil.example.", fmt.Sprintf("2026-11-30T10:00:%02dZ", i*7%60)))
				if _, err := marker.Mark(nil, text); err != nil {
					b.Fatal(err)
				}
			}
			var c matches.Collector
			b.ReportAllocs()
			for b.Loop() {
				c.Reset(now)
				for i := range marks {
					c.NextRecord()
					c.Add(&marks[i])
				}
				var m alert.Message
				c.Fill(&m)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/match")
		})
	}
}
