package sample

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

var start = time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)

func records(n int) []Record {
	g := New(1, start)
	all := make([]Record, n)
	for i := range all {
		all[i] = g.Next()
	}
	return all
}

func TestGenerator_repeatable(t *testing.T) {
	t.Parallel()
	first, second := records(3000), records(3000)
	for i := range first {
		if !bytes.Equal(first[i].Data, second[i].Data) {
			t.Fatalf("record %d differs: %q and %q", i, first[i].Data, second[i].Data)
		}
	}
}

// A short run already contains everything.
func TestGenerator_coverage(t *testing.T) {
	t.Parallel()
	ledger := NewLedger()
	var all bytes.Buffer
	for _, record := range records(200) {
		ledger.Add(&record)
		for _, line := range record.Lines {
			all.Write(line.Object)
		}
		all.Write(record.Data)
	}
	verdicts := ledger.Verdicts()
	for _, want := range []string{Malicious, Allowed, Clean, Unknown} {
		if verdicts[want] == 0 {
			t.Errorf("no query has verdict %s", want)
		}
	}
	if len(ledger.Failed) < 6 || ledger.Dropped < 3 {
		t.Errorf("%d malformed records, %d dropped", len(ledger.Failed), ledger.Dropped)
	}
	for _, want := range []string{`"1.100000"`, `"resolver-endpoint"`, `"Address"`, `"srcids":["i-`, `{"message":"`, `"NXDOMAIN"`, `"BLOCK"`,
		`\\.beacon`, `c2=`, `"CNAME"`, "\x1f\x8b"} {
		if !bytes.Contains(all.Bytes(), []byte(want)) {
			t.Errorf("no record has %q", want)
		}
	}
}

// All names and addresses are reserved.
func TestGenerator_reservedNames(t *testing.T) {
	t.Parallel()
	reserved := regexp.MustCompile(`(?i)^(|.*\.example\.?|.*\.test\.?|.*\.in-addr\.arpa\.|instance-data\.|\.|` +
		`192\.0\.2\.\d+|198\.51\.100\.\d+|203\.0\.113\.\d+|2001:db8:.*)$`)
	for _, record := range records(2000) {
		for _, line := range record.Lines {
			var object struct {
				Name    string                            `json:"query_name"`
				Answers []struct{ Rdata, Address string } `json:"answers"`
			}
			if err := json.Unmarshal(line.Object, &object); err != nil {
				t.Fatalf("%v in %s", err, line.Object)
			}
			names := []string{object.Name}
			for _, answer := range object.Answers {
				words := strings.Fields(answer.Rdata + answer.Address)
				names = append(names, words[len(words)-1]) // an SRV answer begins with numbers
			}
			for _, name := range names {
				if !reserved.MatchString(name) {
					t.Errorf("%q is not reserved", name)
				}
			}
		}
	}
}

func TestFeed_Without(t *testing.T) {
	t.Parallel()
	for _, f := range Feeds() {
		if f.ID != BotnetC2 {
			continue
		}
		less := f.Without("beacon.botnet.example")
		if bytes.Contains(less.Body(), []byte("beacon.botnet")) || len(less.lines) != len(f.lines)-1 ||
			!bytes.Contains(f.Body(), []byte("beacon.botnet")) {
			t.Errorf("%d lines became %d", len(f.lines), len(less.lines))
		}
	}
}

// buildIndex builds an index of the sample feeds.
func buildIndex(t *testing.T) *index.Index {
	t.Helper()
	builder := index.NewBuilder()
	for _, f := range Feeds() {
		allow := strings.HasPrefix(f.Key, "allow/")
		builder.Feed(f.ID, allow)
		options := feed.Options{Format: feed.Format(f.Settings.Format)}
		if allow {
			options.Action = indicator.ActionAllow
		}
		report, err := feed.Parse(bytes.NewReader(f.Body()), options, func(i *indicator.Indicator) error { return builder.Add(f.ID, i) })
		if err != nil || report.Rejected > 0 {
			t.Fatalf("feed %s: %v, %+v", f.ID, err, report)
		}
	}
	data, err := builder.Build(index.Options{Generation: 1, Seed: 1, BuiltAt: start})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The expected results agree with those of the marker.
func TestGenerator_expectations(t *testing.T) {
	t.Parallel()
	marker := verdict.NewMarker(buildIndex(t), verdict.Options{})
	for i, record := range records(5000) {
		marked, err := marker.Mark(nil, inflate(t, record.Data))
		if (err != nil) != (record.Failed != "") {
			t.Errorf("record %d: got %v, want failure %q: %s", i, err, record.Failed, record.Data)
			continue
		}
		lines := bytes.SplitAfter(marked, []byte("\n"))
		if lines = lines[:len(lines)-1]; len(lines) != len(record.Lines) {
			t.Errorf("record %d has %d lines, want %d: %s", i, len(lines), len(record.Lines), record.Data)
			continue
		}
		for j, line := range lines {
			if err := record.Lines[j].Check(line); err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		}
	}
}

func ExampleGenerator() {
	g := New(7, start)
	ledger := NewLedger()
	for range 1000 {
		record := g.Next()
		ledger.Add(&record)
	}
	fmt.Println(ledger.Records, "records,", ledger.Dropped, "to drop")
	// Output: 1000 records, 4 to drop
}

func TestLine_Check(t *testing.T) {
	t.Parallel()
	line := Line{Object: []byte(`{"query_name":"x"}`), Want: Want{Verdict: "malicious", Indicator: "e", Part: "query_name", Feeds: []string{"f"}}}
	good := `{"query_name":"x","verdict":"malicious","index_generation":1,"threat":{"indicator":"e","part":"query_name","feeds":["f"]}}` + "\n"
	tests := []struct{ name, marked, want string }{
		{"good", good, ""},
		{"other verdict", strings.Replace(good, "malicious", "clean", 1), "verdict"},
		{"other indicator", strings.Replace(good, `"e"`, `"g"`, 1), "indicator"},
		{"other feeds", strings.Replace(good, `["f"]`, `["f","g"]`, 1), "feeds"},
		{"other object", strings.Replace(good, `:"x"`, `:"y"`, 1), "bytes"},
		{"re-encoded", strings.Replace(good, `{"query_name"`, `{ "query_name"`, 1), "bytes"},
		{"not JSON", `{"query_name":"x","verdict"}` + "\n", "JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := fmt.Sprint(line.Check([]byte(test.marked)))
			if (test.want == "" && got != "<nil>") || !strings.Contains(got, test.want) {
				t.Error(cmp.Diff(test.want, got))
			}
		})
	}
}

// inflate decompresses a record like the transformer, because the marker reads only text.
func inflate(t *testing.T, data []byte) []byte {
	t.Helper()
	if !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		return data
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The queries of several days are in order but for the first ones, end with the last day, and are
// fewer by night.
func TestGenerator_Over(t *testing.T) {
	t.Parallel()
	const days, records = 8, 20_000
	g := New(1, start)
	g.Over(start, days, records)
	byHour, keys, last := map[int]int{}, map[string]bool{}, time.Time{}
	for range records {
		record := g.Next()
		for _, line := range record.Lines {
			stamp, _, _ := strings.Cut(line.Key, "/")
			at, err := time.Parse(time.RFC3339, stamp)
			if err != nil || at.Before(start) || at.After(start.AddDate(0, 0, days)) {
				t.Fatalf("a query at %s: %v", stamp, err)
			}
			if keys[line.Key] {
				t.Fatalf("two queries are %s", line.Key)
			}
			keys[line.Key] = true
			byHour[at.Hour()]++
			if len(keys) > spreadQueries && at.Before(last) {
				t.Fatalf("a query at %v is after one at %v", at, last)
			}
			last = at
		}
	}
	if end := start.AddDate(0, 0, days); end.Sub(last) > 6*time.Hour {
		t.Errorf("the last query is at %v, long before %v", last, end)
	}
	if noon, midnight := byHour[12], byHour[0]; noon < 2*midnight || midnight == 0 {
		t.Errorf("%d queries at noon, %d at midnight", noon, midnight)
	}
}

func TestFeed_With(t *testing.T) {
	t.Parallel()
	before := Feeds()[1]
	after := before.With(LateLine)
	if bytes.Contains(before.Body(), []byte(LateName)) || !bytes.HasSuffix(after.Body(), []byte("\n"+LateLine+"\n")) {
		t.Errorf("the list ends with %q", after.Body()[len(after.Body())-100:])
	}
}
