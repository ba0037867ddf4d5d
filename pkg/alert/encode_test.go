package alert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// maxBytes is the size of a message at most.
const maxBytes = 200 << 10

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// message returns a message with every member.
func message() alert.Message {
	return alert.Message{
		Version: alert.Version, Origin: alert.OriginHunt, Stack: "prod", Query: "tunnels", Generation: 7,
		Test: strings.Repeat("0a", 16), TruncatedRows: 3, TruncatedRecords: 40,
		Rows: []alert.Row{{
			AccountID: "111122223333", Region: "eu-west-1", VPCID: "vpc-0example", SrcAddr: "10.0.1.11", Instance: "i-0example",
			Indicator: "botnet.example", Scope: "subtree", Matched: "beacon.botnet.example", Part: "answers[1]",
			Feeds: []string{"botnet", "urls"}, Category: "botnet_cc", Severity: "critical", Confidence: 99, Firewall: "BLOCK",
			FirstSeen: noon, LastSeen: noon.Add(59 * time.Second), Records: 41, Details: map[string]string{"names": "120", "characters": "4000"},
		}},
	}
}

// The bytes of version 1. Other programs write and read them.
func TestMessage_Encode(t *testing.T) {
	t.Parallel()
	m := message()
	const want = `{"version":1,"origin":"hunt","stack":"prod","query":"tunnels","test":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","generation":7,"rows":[` +
		`{"account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-0example","srcaddr":"10.0.1.11","instance":"i-0example",` +
		`"indicator":"botnet.example","scope":"subtree","matched":"beacon.botnet.example","part":"answers[1]","feeds":["botnet","urls"],` +
		`"category":"botnet_cc","severity":"critical","confidence":99,"firewall":"BLOCK","first_seen":"2026-11-30T12:00:00Z",` +
		`"last_seen":"2026-11-30T12:00:59Z","records":41,"details":{"characters":"4000","names":"120"}}],` +
		`"truncated_rows":3,"truncated_records":40}`
	if diff := cmp.Diff(want, string(m.Encode())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	empty := alert.Message{Origin: alert.OriginFirehose}
	const wantEmpty = `{"version":1,"origin":"firehose","stack":"","rows":[],"truncated_rows":0,"truncated_records":0}`
	if diff := cmp.Diff(wantEmpty, string(empty.Encode())); diff != "" {
		t.Errorf("an empty message (-want +got):\n%s", diff)
	}
}

// SQS gets printable ASCII, whatever the texts are.
func TestMessage_Encode_texts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ json, decoded string }{
		`a"b\c`:                    {`"a\"b\\c"`, `a"b\c`},
		"nul\x00 tab\t line\n\x7f": {`"nul\u0000 tab\u0009 line\u000a\u007f"`, "nul\x00 tab\t line\n\x7f"},
		"münchen\u2028\u202e":      {`"m\u00fcnchen\u2028\u202e"`, "münchen\u2028\u202e"},
		"🜏":                        {`"\ud83d\udf0f"`, "🜏"},
		"bad\xff\xc0utf":           {`"bad\ufffd\ufffdutf"`, "bad\ufffd\ufffdutf"},
		"\xed\xa0\x80":             {`"\ufffd\ufffd\ufffd"`, "\ufffd\ufffd\ufffd"},
		"</script>":                {`"</script>"`, "</script>"},
	} {
		m := message()
		m.Rows[0].Matched = text
		body := m.Encode()
		if !bytes.Contains(body, []byte(`"matched":`+want.json+`,`)) {
			t.Errorf("%q: got %s", text, body)
		}
		got, err := alert.Decode(body)
		if err != nil || got.Rows[0].Matched != want.decoded {
			t.Errorf("%q: decoded %+v, error %v", text, got, err)
		}
	}
}

// If there are too many rows, the worst stay, and what is cut is counted.
func TestMessage_Encode_tooManyRows(t *testing.T) {
	t.Parallel()
	m := alert.Message{Origin: alert.OriginFirehose, TruncatedRows: 1, TruncatedRecords: 5}
	records := 0
	for i := range 1000 {
		r := row()
		r.SrcAddr, r.Records = fmt.Sprint("10.0.0.", i), 1+i%7
		r.Severity = []string{"low", "high", "medium", "critical"}[i%4]
		m.Rows = append(m.Rows, r)
		records += r.Records
	}
	want := slices.Clone(m.Rows)
	rank := func(r alert.Row) int { return slices.Index([]string{"low", "medium", "high", "critical"}, r.Severity) }
	slices.SortStableFunc(want, func(a, b alert.Row) int { return 100*(rank(b)-rank(a)) + b.Records - a.Records })

	got, err := alert.Decode(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != alert.MaxRows || got.TruncatedRows != 1+1000-alert.MaxRows {
		t.Errorf("%d rows stay, %d are counted", len(got.Rows), got.TruncatedRows)
	}
	kept := 0
	for i := range got.Rows {
		kept += got.Rows[i].Records
		if got.Rows[i].ID() != want[i].ID() {
			t.Fatalf("row %d is of %s, want %s", i, got.Rows[i].SrcAddr, want[i].SrcAddr)
		}
	}
	if kept+got.TruncatedRecords != records+5 {
		t.Errorf("%d records in rows and %d cut, of %d", kept, got.TruncatedRecords, records+5)
	}
	if diff := cmp.Diff(*got, m, emptyLists); diff != "" {
		t.Errorf("the message differs from what was decoded (-decoded +message):\n%s", diff)
	}
}

// emptyLists treats nil as an empty list, as JSON does.
var emptyLists = cmpopts.EquateEmpty()

// Texts of hostile records do not take the room of others, and at least one row always fits.
func TestMessage_Encode_hugeTexts(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("\x00", 1<<20)
	hostile := row()
	for _, text := range []*string{
		&hostile.AccountID, &hostile.Region, &hostile.VPCID, &hostile.SrcAddr, &hostile.Instance, &hostile.Indicator,
		&hostile.Scope, &hostile.Matched, &hostile.Part, &hostile.Category, &hostile.Firewall,
	} {
		*text = huge
	}
	hostile.Details = map[string]string{}
	for i := range 100 {
		hostile.Feeds = append(hostile.Feeds, huge)
		hostile.Details[fmt.Sprintf("%03d", i)+huge] = huge
	}
	hostile.Severity = "critical"

	m := alert.Message{Origin: alert.OriginHunt, Query: huge, Stack: huge, Rows: []alert.Row{hostile, hostile, hostile, row()}}
	body := m.Encode()
	got, err := alert.Decode(body)
	if err != nil || len(body) > maxBytes || len(got.Rows) < 1 || len(got.Rows)+got.TruncatedRows != 4 {
		t.Errorf("%d bytes, error %v", len(body), err)
	}

	hostile.Feeds, hostile.Details, hostile.Severity = nil, nil, "low"
	m = alert.Message{Origin: alert.OriginFirehose, Rows: []alert.Row{hostile, row()}}
	if got, err := alert.Decode(m.Encode()); err != nil || len(got.Rows) != 2 {
		t.Errorf("a hostile row and another one: %+v, error %v", got, err)
	}
}

// Times that JSON cannot hold do not make a message that nobody can read.
func TestMessage_Encode_times(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want time.Time }{
		{time.Time{}, time.Time{}},
		{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{time.Date(12_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{time.Unix(math.MaxInt64/2, 0), time.Time{}},
		{noon.In(time.FixedZone("", 3600)), noon},
		{noon.Add(123456789), noon.Add(123456789)},
	} {
		m := message()
		m.Rows[0].FirstSeen = tt.in
		got, err := alert.Decode(m.Encode())
		if err != nil || !got.Rows[0].FirstSeen.Equal(tt.want) {
			t.Errorf("%v: got %+v, error %v", tt.in, got, err)
		}
	}
}

func TestDecode_errors(t *testing.T) {
	t.Parallel()
	rows := func(row string) string { return `{"version":1,"origin":"s3","rows":[{"severity":"low"},` + row + `]}` }
	for _, tt := range []struct{ name, body, want string }{
		{"empty", "", "byte 0: not valid JSON"},
		{"text", "secret.example", "byte 1: not valid JSON"},
		{"truncated", `{"version":1`, "byte 12: not valid JSON"},
		{"null", "null", `the member "version" is missing`},
		{"array", "[]", ": must be of type struct"},
		{"no version", `{"origin":"s3"}`, `the member "version" is missing`},
		{"version of another type", `{"version":"secret"}`, "version: must be of type int"},
		{"later version", `{"version":2,"origin":7}`, "unknown version of a message: 2, but this program reads version 1; update it"},
		{"version 0", `{"version":0}`, "unknown version of a message: 0"},
		{"other origin", `{"version":1,"origin":"secret"}`, "origin: must be one of [firehose s3 backfill hunt]"},
		{"hunt without query", `{"version":1,"origin":"hunt"}`, "query: a hunt must have one"},
		{"bad id of a test", `{"version":1,"origin":"s3","test":"secret"}`, "test: must be 32 hexadecimal digits"},
		{"capitals in the id of a test", `{"version":1,"origin":"s3","test":"` + strings.Repeat("A", 32) + `"}`, "test: must be 32 hexadecimal digits"},
		{"negative rows", `{"version":1,"origin":"s3","truncated_rows":-1}`, "truncated_rows: must not be negative"},
		{"negative records", `{"version":1,"origin":"s3","truncated_records":-1}`, "truncated_records: must not be negative"},
		{"negative generation", `{"version":1,"origin":"s3","generation":-1}`, "generation: must be of type uint64"},
		{"too many rows", `{"version":1,"origin":"s3","rows":[` + strings.Repeat("{},", alert.MaxRows) + `{}]}`, "rows: message is too large: 401, at most 400"},
		{"too many bytes", `{"version":1,"origin":"s3","x":"` + strings.Repeat("x", maxBytes) + `"}`, "decoding a message of 204834 bytes: message is too large: at most 204800 bytes"},
		{"long stack", `{"version":1,"origin":"s3","stack":"` + strings.Repeat("x", 129) + `"}`, "stack: message is too large: at most 128 bytes"},
		{"long query", `{"version":1,"origin":"s3","query":"` + strings.Repeat("x", 129) + `"}`, "query: message is too large: at most 128 bytes"},
		{"other severity", rows(`{"severity":"secret"}`), "rows[1].severity: must be low, medium, high or critical"},
		{"confidence", rows(`{"severity":"low","confidence":101}`), "rows[1].confidence: must be in [0, 100]"},
		{"firewall", rows(`{"severity":"low","firewall":"secret"}`), "rows[1].firewall: must be ALERT or BLOCK, or absent"},
		{"records", rows(`{"severity":"low","records":-1}`), "rows[1].records: must not be negative"},
		{"long indicator", rows(`{"indicator":"` + strings.Repeat("x", 513) + `"}`), "rows[1].indicator: message is too large: at most 512 bytes"},
		{"feeds", rows(`{"severity":"low","feeds":[` + strings.Repeat(`"a",`, 16) + `"a"]}`), "rows[1].feeds: message is too large: at most 16"},
		{"long feed", rows(`{"severity":"low","feeds":["` + strings.Repeat("x", 129) + `"]}`), "rows[1].feeds: message is too large: at most 128 bytes"},
		{"long detail", rows(`{"severity":"low","details":{"x":"` + strings.Repeat("x", 257) + `"}}`), "rows[1].details: message is too large: at most 256 bytes"},
		{"time", rows(`{"severity":"low","first_seen":"secret"}`), "a member has a value that cannot be read, such as a time that is not RFC 3339"},
		{"member of another type", rows(`{"records":"secret"}`), "rows.records: must be of type int"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := alert.Decode([]byte(tt.body))
			if err == nil || m != nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %+v, error %v, want %q", m, err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error contains a text of the message: %v", err)
			}
		})
	}
}

// A newer program may write members that this one does not know.
func TestDecode_unknownMembers(t *testing.T) {
	t.Parallel()
	m := message()
	body := bytes.Replace(m.Encode(), []byte(`"vpc_id"`), []byte(`"later":{"a":[1]},"vpc_id"`), 1)
	body = bytes.Replace(body, []byte(`"stack"`), []byte(`"new":null,"stack"`), 1)
	got, err := alert.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, *got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever the rows are, the message stays within its limits, is printable ASCII, has the
// members that encoding/json writes, and can be read again.
func FuzzMessage_Encode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("\x03\x05\xffbad\x00\n\x02\x08münchen\x01\x04\x10\x20\x40\x80"))
	f.Add(bytes.Repeat([]byte("\x1f\xf0\x9f\x9c\x8f\"\\\x7f\xc0"), 4000))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := fuzzed(data)
		rows, records := len(m.Rows)+m.TruncatedRows, sum(&m)
		body := m.Encode()
		if len(body) > maxBytes || len(m.Rows) > alert.MaxRows {
			t.Fatalf("%d bytes, %d rows", len(body), len(m.Rows))
		}
		for i, c := range body {
			if c < ' ' || c > '~' {
				t.Fatalf("byte %d is %#x", i, c)
			}
		}
		if len(m.Rows)+m.TruncatedRows != rows || sum(&m) != records {
			t.Errorf("%d rows and %d records became %d and %d", rows, records, len(m.Rows)+m.TruncatedRows, sum(&m))
		}

		got, err := alert.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		if ours, theirs := plain(t, &m), plain(t, got); !bytes.Equal(ours, theirs) {
			t.Errorf("decoded (-want +got):\n%s", cmp.Diff(m, *got, emptyLists))
		}
		if again := got.Encode(); !bytes.Equal(again, body) {
			t.Errorf("encoded again: %s\nwant %s", again, body)
		}
		if slow, ours := members(t, plain(t, got)), members(t, body); !reflect.DeepEqual(slow, ours) {
			t.Errorf("members (-encoding/json +ours):\n%s", cmp.Diff(slow, ours))
		}
	})
}

// sum returns the number of all records that a message is about.
func sum(m *alert.Message) int {
	records := m.TruncatedRecords
	for i := range m.Rows {
		records += m.Rows[i].Records
	}
	return records
}

// plain returns a message as encoding/json writes it, with empty lists for nil.
func plain(t *testing.T, m *alert.Message) []byte {
	t.Helper()
	same := *m
	same.Rows = append([]alert.Row{}, m.Rows...)
	for i := range same.Rows {
		same.Rows[i].Feeds = append([]string{}, same.Rows[i].Feeds...)
	}
	text, err := json.Marshal(same)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func members(t *testing.T, text []byte) (all map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// fuzzed makes a valid message of any bytes.
func fuzzed(data []byte) alert.Message {
	number := func(limit int) (n int) {
		if len(data) > 0 {
			n, data = int(data[0])%limit, data[1:]
		}
		return n
	}
	text := func() string {
		size := min(number(256)*(1+number(4)), len(data))
		s := string(data[:size])
		data = data[size:]
		return s
	}

	m := alert.Message{
		Origin: []alert.Origin{alert.OriginFirehose, alert.OriginS3, alert.OriginBackfill}[number(3)],
		Stack:  text(), Query: text(), Generation: uint64(number(256)), TruncatedRows: number(10), TruncatedRecords: number(10),
	}
	for copies := 1; len(data) > 0 && len(m.Rows) < 2*alert.MaxRows; copies = 1 + number(4)*number(256) {
		r := alert.Row{
			AccountID: text(), Region: text(), VPCID: text(), SrcAddr: text(), Instance: text(), Indicator: text(), Scope: text(),
			Matched: text(), Part: text(), Category: text(), Severity: []string{"low", "medium", "high", "critical"}[number(4)],
			Confidence: number(101), Firewall: []string{"", "ALERT", "BLOCK", "none"}[number(4)], Records: number(256),
			FirstSeen: noon.Add(time.Duration(number(256)) * time.Millisecond), LastSeen: time.Date(50*number(256), 1, 1, 0, 0, 0, 0, time.UTC),
		}
		for range number(20) {
			r.Feeds = append(r.Feeds, text())
		}
		if count := number(40); count > 30 {
			r.Details = map[string]string{}
			for range count {
				r.Details[text()] = text()
			}
		}
		for range copies {
			m.Rows = append(m.Rows, r)
		}
	}
	return m
}

func FuzzDecode(f *testing.F) {
	m := message()
	f.Add(m.Encode())
	f.Add([]byte(`{"version":1,"origin":"s3","rows":[{"severity":"HIGH","first_seen":"2026-11-30T12:00:00+01:00"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := alert.Decode(body)
		if err != nil {
			return
		}
		got, err := alert.Decode(m.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got, emptyLists); diff != "" {
			t.Errorf("decoded again (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkMessage_Encode(b *testing.B) {
	m := message()
	for len(m.Rows) < alert.MaxRows {
		m.Rows = append(m.Rows, m.Rows[0])
		m.Rows[len(m.Rows)-1].Details = nil
	}
	m.Rows[0].Details = nil
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(m.Encode())))
	}
}
