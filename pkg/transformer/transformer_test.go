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

	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

const (
	clean = `{"query_name":"www.a.test."}`
	evil  = `{"query_name":"www.evil.example."}`
)

func TestTransformer_Invoke_records(t *testing.T) {
	t.Parallel()
	envelope := `{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{\"query_name\":\"a.test\"}"},{"message":"{\"query_name\":\"evil.example\"}"}]}`
	control := `{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}`
	for _, tt := range []struct {
		name, record, want string
	}{
		{"clean", clean, "clean@7"},
		{"malicious", evil, "malicious@7"},
		{"bad name", `{"query_name":"a..b"}`, "bad_name@7"},
		{"line end", clean + "\n", "clean@7"},
		{"two objects", clean + evil, "clean@7 malicious@7"},
		{"message", `{"message":"{\"query_name\":\"evil.example\"}"}`, "malicious@7"},
		{"CloudWatch Logs", envelope, "clean@7 malicious@7"},
		{"CloudWatch Logs, compressed", compress(t, envelope), "clean@7 malicious@7"},
		{"CloudWatch Logs, control", compress(t, control), "Dropped"},
		// Firehose delivers or sets aside a record as a whole; "resolverwatch scan" marks the other
		// messages of one that was set aside.
		{"CloudWatch Logs, one message in words", strings.Replace(envelope, `{\"query_name\":\"a.test\"}`, "words", 1), "ProcessingFailed"},
		{"OCSF", `{"query":{"hostname":"evil.example."},"answers":[]}`, "malicious@7"},
		{"record that was set aside", `{"attemptsMade":1,"rawData":"e30="}`, "ProcessingFailed"},
		{"already marked", `{"query_name":"evil.example","verdict":"clean"}`, "clean"},
		{"empty", "", "Dropped"},
		{"white space", " \r\n", "Dropped"},
		{"text", "Hello World", "ProcessingFailed"},
		{"array", "[" + clean + "]", "ProcessingFailed"},
		{"nested too deep", strings.Repeat(`{"a":`, 10_000), "ProcessingFailed"},
		{"malformed second object", clean + `{"query_name"`, "ProcessingFailed"},
		{"our member in another case", `{"query_name":"a.test","Verdict":"x"}`, "ProcessingFailed"},
		{"truncated gzip", compress(t, envelope)[:20], "ProcessingFailed"},
		{"gzip bomb", compress(t, strings.Repeat(" ", 2<<20)+clean), "ProcessingFailed"},
		{"gzip of the maximum size", compress(t, strings.Repeat(" ", 2<<20-len(clean))+clean), "clean@7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr, _, _ := newTransformer(t, nil)
			got := words(t, invoke(t, tr, clean, tt.record, evil))
			if want := "clean@7 " + tt.want + " malicious@7"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestTransformer_Invoke_bytes(t *testing.T) {
	t.Parallel()
	tr, _, _ := newTransformer(t, nil)
	const want = `{"records":[` +
		`{"recordId":"a","result":"Ok","data":"eyJxdWVyeV9uYW1lIjoiYS50ZXN0IiwidmVyZGljdCI6ImNsZWFuIiwiaW5kZXhfZ2VuZXJhdGlvbiI6N30K"},` +
		`{"recordId":"b","result":"Dropped","data":""},{"recordId":"c","result":"ProcessingFailed","data":""}]}`
	in := []byte(`{"records":[{"recordId":"a","data":"eyJxdWVyeV9uYW1lIjoiYS50ZXN0In0="},{"recordId":"b","data":""},{"recordId":"c","data":"e"}]}`)
	for range 3 { // the response is the same each time
		got, err := tr.Invoke(context.Background(), in)
		if err != nil || string(got) != want {
			t.Errorf("got response %s, error %v\nwant %s", got, err, want)
		}
	}
	got, err := tr.Append(context.Background(), []byte("before "), in)
	if err != nil || string(got) != "before "+want {
		t.Errorf("appended %s, error %v", got, err)
	}
}

func TestTransformer_Invoke_events(t *testing.T) {
	t.Parallel()
	const data = `"data":"eyJxdWVyeV9uYW1lIjoiYS50ZXN0In0="` // a clean record
	for _, tt := range []struct {
		name, event string
		ids         []string
		want        string
	}{
		{"no records", `{"records":[]}`, nil, ""},
		{"repeated ids", `{"records":[{"recordId":"a",` + data + `},{"recordId":"a",` + data + `}]}`, []string{"a", "a"}, "clean@7 clean@7"},
		{"empty id", `{"records":[{"recordId":"",` + data + `}]}`, []string{""}, "clean@7"},
		{"members of a Kinesis source", `{"records":[{` + data + `,"recordId":"a","kinesisRecordMetadata":{"shardId":"s","sequenceNumber":"1"}}]}`, []string{"a"}, "clean@7"},
		{"white space", " {\n\"records\" : [ { \"recordId\" : \"a\" ,\t" + data + " } ] } \n", []string{"a"}, "clean@7"},
		{"escapes", `{"records":[{"recordId":"\u0061\n\"<",` + strings.Replace(data, "=", `\u003d`, 1) + `}]}`, []string{"a\n\"<"}, "clean@7"},
		{"escaped names", `{"r\u0065cords":[{"record\u0049d":"a","d\u0061ta":""}]}`, []string{"a"}, "Dropped"},
		{"last member counts", `{"records":7,"records":[{"recordId":"x","recordId":"a","data":7,` + data + `}]}`, []string{"a"}, "clean@7"},
		{"no data", `{"records":[{"recordId":"a"},{"recordId":"b",` + data + `}]}`, []string{"a", "b"}, "ProcessingFailed clean@7"},
		{"data is null", `{"records":[{"recordId":"a","data":null}]}`, []string{"a"}, "ProcessingFailed"},
		{"data is a number", `{"records":[{"recordId":"a","data":7}]}`, []string{"a"}, "ProcessingFailed"},
		{"data is not base64", `{"records":[{"recordId":"a","data":"%%%%"},{"recordId":"b","data":"eyJ"}]}`, []string{"a", "b"}, "ProcessingFailed ProcessingFailed"},
		{"data with control characters", "{\"records\":[{\"recordId\":\"a\",\"data\":\"\\r\\neyJ9\"}]}", []string{"a"}, "ProcessingFailed"},
		{"names in another case", `{"Records":[],"records":[{"RecordId":"x","recordId":"a",` + data + `}]}`, []string{"a"}, "clean@7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr, _, _ := newTransformer(t, nil)
			response, err := tr.Invoke(context.Background(), []byte(tt.event))
			if err != nil {
				t.Fatal(err)
			}
			if got := words(t, check(t, response, tt.ids...)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTransformer_Invoke_noEvent(t *testing.T) {
	t.Parallel()
	tr, _, _ := newTransformer(t, nil)
	for _, event := range []string{
		"", "hello", "null", "[]", "{}", `{"records":null}`, `{"records":{}}`, `{"records":[7]}`, `{"records":[null]}`,
		`{"records":[{"data":""}]}`, `{"records":[{"recordId":7,"data":""}]}`, `{"Records":[]}`,
		`{"records":[]} x`, `{"records":[]`, `{"Records":[{"s3":{}}]}`,
	} {
		got, err := tr.Append(context.Background(), []byte("before"), []byte(event))
		if !errors.Is(err, errEvent) || string(got) != "before" {
			t.Errorf("%q: response %q, error %v", event, got, err)
		}
	}
}

// The response answers each record and stays within its limit, however long the lines are.
func TestTransformer_Invoke_limit(t *testing.T) {
	t.Parallel()
	record := func(size int) string {
		return `{"query_name":"a.test","padding":"` + strings.Repeat("x", size) + `"}`
	}
	for _, tt := range []struct {
		name           string
		size, records  int
		wantFailed     bool
		wantLessThanOk int
	}{
		{"1 MiB of small records", 250, 3_500, false, 2_500_000},
		{"3 MiB of small records", 100, 21_000, false, 6_000_001},
		{"3 MiB of medium records", 1_000, 3_000, false, 6_000_001},
		{"more than fits", 1_000, 4_400, true, 6_000_001},
		{"large records", 900_000, 6, true, 6_000_001},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			tr, _, _ := newTransformer(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
			records := make([]string, tt.records)
			for i := range records {
				records[i] = record(tt.size)
			}
			answers := invoke(t, tr, records...)
			failed, size := 0, 0
			for _, a := range answers {
				size += len(*a.Data)
				if *a.Result == "ProcessingFailed" {
					failed++
				}
			}
			if (failed > 0) != tt.wantFailed || size > tt.wantLessThanOk {
				t.Errorf("got %d of %d records failed and %d bytes of data", failed, len(answers), size)
			}
			if tt.wantFailed != strings.Contains(log.String(), "no room in the response") {
				t.Errorf("log: %s", &log)
			}
		})
	}
}

// An event with more records than a response can answer is an error. It must not be answered
// partially.
func TestTransformer_Invoke_tooMany(t *testing.T) {
	t.Parallel()
	tr, _, _ := newTransformer(t, nil)
	in := []byte(`{"records":[` + strings.Repeat(`{"recordId":"1","data":""},`, 120_000) + `{"recordId":"1","data":""}]}`)
	if got, err := tr.Invoke(context.Background(), in); err == nil {
		t.Errorf("response of %d bytes", len(got))
	}
}

func TestTransformer_Invoke_outOfTime(t *testing.T) {
	t.Parallel()
	var c *clock
	seen := 0
	tr, _, c := newTransformer(t, func(config *Config) {
		config.onMark = func(*verdict.Mark) {
			if seen++; seen == 100 {
				c.advance(81 * time.Second)
			}
		}
	})
	ctx := &deadline{context.Background(), c.now().Add(100 * time.Second)}
	response, err := tr.Invoke(ctx, event(many(clean, 300)...))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 300 {
		ids = append(ids, fmt.Sprint(i))
	}
	got := words(t, check(t, response, ids...))
	inTime, late := strings.Count(got, "clean@7"), strings.Count(got, "timeout@7")
	if inTime < 100 || inTime > 100+64 || inTime+late != 300 {
		t.Errorf("got %d records that were looked up and %d that were not", inTime, late)
	}
}

// deadline is a context with a deadline on the test clock.
type deadline struct {
	context.Context
	at time.Time
}

func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

func many(record string, n int) []string {
	records := make([]string, n)
	for i := range records {
		records[i] = record
	}
	return records
}

// A panic fails only its record.
func TestTransformer_Invoke_panic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tr, _, _ := newTransformer(t, func(c *Config) {
		c.Log = slog.New(slog.NewJSONHandler(&log, nil))
		c.onMark = func(m *verdict.Mark) {
			if m.Verdict == verdict.Malicious {
				panic("secret.example")
			}
		}
	})
	got := words(t, invoke(t, tr, clean, evil, clean+evil, clean))
	if want := "clean@7 ProcessingFailed ProcessingFailed clean@7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if text := log.String(); !strings.Contains(text, `"first":"1","error":"panic while marking`) || strings.Contains(text, "secret") {
		t.Errorf("log: %s", text)
	}
}

// The log must never contain anything from a record.
func TestTransformer_Invoke_log(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tr, _, _ := newTransformer(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	invoke(t, tr, clean, evil)
	if log.Len() != 0 {
		t.Errorf("log of an invocation without failures: %s", &log)
	}
	invoke(t, tr, clean, `{"secret":secret}`, `{"VERDICT":"secret"}`, compress(t, "secret")[:15])
	var line struct {
		Records int
		First   string
		Error   string
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil { // one line
		t.Fatalf("%v in %s", err, &log)
	}
	if line.Records != 3 || line.First != "1" || line.Error != "byte 10: want a value" {
		t.Errorf("log: %s", &log)
	}
	if strings.Contains(strings.ToLower(log.String()), "secret") {
		t.Errorf("the log contains text from a record: %s", &log)
	}
}

func TestTransformer_Invoke_metrics(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tr, s, c := newTransformer(t, func(c *Config) { c.Metrics, c.Settings.Stack = &out, "prod" })
	c.advance(90 * time.Second)
	s.fail(errors.New("throttled"), nil)
	invoke(t, tr, clean)
	s.fail(nil, nil)
	c.advance(time.Minute)
	invoke(t, tr, clean, evil, evil, "", "x", `{}`, `{"verdict":"clean"}`,
		`{"query":{"hostname":"a.test"},"answers":[{"type":"HTTPS","rdata":"?"}],"additional_properties":{"is_delayed":true}}`)

	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != 3 {
		t.Fatalf("lines: %q", lines)
	}
	for i, want := range []map[string]float64{
		{"Records": 1, "Unknown": 1, "UnknownNoIndex": 1, "IndexLoadFailed": 1, "ShapeResolver": 1},
		{
			"Records": 8, "Clean": 2, "Malicious": 2, "Dropped": 1, "ProcessingFailed": 1, "Unknown": 1, "UnknownBadName": 1,
			"AlreadyMarked": 1, "IndexGeneration": 7, "IndexAge": 150,
			"ShapeResolver": 3, "ShapeOCSF": 1, "ShapeOther": 2, "Delayed": 1, "UnreadAnswers": 1,
		},
	} {
		var got map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if got["Stack"] != "prod" {
			t.Errorf("got dimension %v", got["Stack"])
		}
		delete(got, "Stack")
		delete(got, "_aws")
		for name, value := range got {
			if value != want[name] {
				t.Errorf("line %d: got %s %v, want %v", i, name, value, want[name])
			}
			delete(want, name)
		}
		if len(want) > 0 {
			t.Errorf("line %d lacks %v", i, want)
		}
	}
}

// Concurrent invocations each get their own answers with a single generation, even while
// indexes change.
func TestTransformer_Invoke_concurrent(t *testing.T) {
	t.Parallel()
	tr, s, c := newTransformer(t, nil)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			record := fmt.Sprintf(`{"query_name":"w%d.evil.example"}`, worker)
			for range 50 {
				answers := invoke(t, tr, many(record, 20)...)
				verdicts := words(t, answers)
				if first, _, _ := strings.Cut(verdicts, " "); strings.Count(verdicts, first) != 20 {
					t.Errorf("verdicts of one event: %s", verdicts)
				}
				for _, a := range answers {
					if !strings.HasPrefix(a.lines, strings.TrimSuffix(record, "}")) {
						t.Errorf("line of another event: %s", a.lines)
					}
				}
			}
		})
	}
	for generation := range uint64(20) {
		s.set(publish(t, 8+generation, start, "evil.example"))
		c.advance(2 * time.Minute)
		time.Sleep(time.Millisecond)
	}
	group.Wait()
}

func TestTransformer_Append_allocations(t *testing.T) {
	const maxAllocations = 10
	tr, _, _ := newTransformer(t, nil)
	allocations := func(records int) float64 {
		in := event(many(`{"query_name":"www.a.test.","answers":[{"Rdata":"192.0.2.1","Type":"A"}]}`, records)...)
		var out []byte
		return fewestAllocations(func() {
			var err error
			if out, err = tr.Append(context.Background(), out[:0], in); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, lots := allocations(10), allocations(2_000)
	if few > maxAllocations {
		t.Errorf("got %v allocations for an invocation, want at most %v", few, maxAllocations)
	}
	if lots-few > 2 {
		t.Errorf("got %v allocations for 10 records and %v for 2,000", few, lots)
	}
}

// fewestAllocations returns the allocations of the run of f that needs the fewest. A mean would
// count the buffers that garbage collection takes from a pool, and those that the race detector
// drops at random.
func fewestAllocations(f func()) float64 {
	fewest := testing.AllocsPerRun(1, f)
	for range 40 {
		fewest = min(fewest, testing.AllocsPerRun(1, f))
	}
	return fewest
}

func TestNew_errors(t *testing.T) {
	t.Parallel()
	for _, config := range []Config{
		{},
		{Store: &store{}, Settings: settings.TransformerFunction{Transformer: settings.Transformer{PollInterval: -1}}},
		{Store: &store{}, Settings: settings.TransformerFunction{Marking: settings.Marking{ColdStartWait: -1}}},
		{Store: &store{}, Settings: settings.TransformerFunction{Marking: settings.Marking{MaxIndexAge: -1}}},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("no error for %+v", config)
		}
	}
}
