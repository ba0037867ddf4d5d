package check_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/records/check"
)

// The checker shares no code with the transformer: it imports only the standard library.
func TestImports(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			if strings.Contains(i.Path.Value, ".") {
				t.Errorf("%s imports %s", file.Name(), i.Path.Value)
			}
		}
	}
}

// state is a state with a small index.
func state(t *testing.T) check.State {
	t.Helper()
	lists, err := check.NewLists(7, []check.Entry{
		{Feed: "a", Scope: "subtree", Value: "evil.example", Severity: "high", Confidence: 90, Category: "malware"},
		{Feed: "b", Scope: "under", Value: "evil.example", Severity: "low", Confidence: 5},
		{Feed: "b", Scope: "cidr", Value: "192.0.2.7/32", Severity: "critical", Confidence: 1},
		{Feed: "ok", Allow: true, Scope: "subtree", Value: "fine.evil.example"},
	}, "ok")
	if err != nil {
		t.Fatal(err)
	}
	return check.State{Lists: lists}
}

const clean, threat = `,"verdict":"clean","index_generation":7}`, `{"indicator":"evil.example","scope":"subtree","matched":"evil.example",` +
	`"part":"query_name","feeds":["a"],"category":"malware","severity":"high","confidence":90}`

// The oracle decides records by hand-written marks.
func TestBatch_Check_marks(t *testing.T) {
	t.Parallel()
	stale := state(t)
	stale.Stale = true
	for _, tt := range []struct {
		name, object, mark string
		state              check.State
	}{
		{"clean", `{"query_name":"a.test."}`, clean, state(t)},
		{"stale", `{"query_name":"a.test."}`, `,"verdict":"unknown","verdict_reason":"stale_index","index_generation":7}`, stale},
		{"stale and listed", `{"query_name":"evil.example"}`, `,"verdict":"malicious","index_generation":7,"threat":` + threat + `}`, stale},
		{"no index", `{"query_name":"a.test."}`, `,"verdict":"unknown","verdict_reason":"no_index"}`, check.State{}},
		{"no name", `{}`, `"verdict":"unknown","verdict_reason":"bad_name","index_generation":7}`, state(t)},
		{"root", `{"query_name":"."}`, clean, state(t)},
		{"escaped dot", `{"query_name":"x\\.evil.example"}`, clean, state(t)},
		{"OCSF", `{"query":{"hostname":"EVIL.example."}}`, `,"verdict":"malicious","index_generation":7,"threat":` + threat + `}`, state(t)},
		{
			"address of an answer", `{"query_name":"evil.example","answers":[{"Type":"A","Rdata":"192.0.2.7"}]}`,
			`,"verdict":"malicious","index_generation":7,"threat":{"indicator":"192.0.2.7","scope":"cidr","matched":"192.0.2.7",` +
				`"part":"answers[0]","feeds":["b"],"category":"","severity":"critical","confidence":1,"more_parts":1}}`, state(t),
		},
		{
			"allowed", `{"query_name":"fine.evil.example","answers":[{"Type":"A","Rdata":"192.0.2.7"}]}`,
			`,"verdict":"allowed","index_generation":7,"threat":{"indicator":"evil.example","scope":"subtree","matched":"fine.evil.example",` +
				`"part":"query_name","feeds":["a","b"],"category":"malware","severity":"high","confidence":90,` +
				`"allowed_by":"fine.evil.example (ok)"}}`, state(t),
		},
	} {
		line := strings.TrimSuffix(tt.object, "}") + tt.mark + "\n"
		batch := check.Batch{
			Records:  []check.Record{{ID: "1", Data: encode(tt.object)}},
			Response: []byte(fmt.Sprintf(`{"records":[{"recordId":"1","result":"Ok","data":%q}]}`, encode(line))),
		}
		if counts, err := batch.Check(tt.state); err != nil || counts.Ok != 1 {
			t.Errorf("%s: %+v, %v", tt.name, counts, err)
		}
	}
}

// The answers that are wrong in any way are found.
func TestBatch_Check_wrong(t *testing.T) {
	t.Parallel()
	object := `{"query_name":"a.test."}`
	good := fmt.Sprintf(`{"records":[{"recordId":"1","result":"Ok","data":%q},{"recordId":"2","result":"ProcessingFailed","data":""},`+
		`{"recordId":"3","result":"Dropped","data":""}]}`, encode(`{"query_name":"a.test."`+clean+"\n"))
	records := []check.Record{{ID: "1", Data: encode(object)}, {ID: "2", Data: encode("x")}, {ID: "3"}}
	line := func(text string) string {
		return strings.Replace(good, encode(`{"query_name":"a.test."`+clean+"\n"), encode(text), 1)
	}
	for _, tt := range []struct{ name, response, want string }{
		{"nothing", good, ""},
		{"a record is missing", strings.Replace(good, `,{"recordId":"3","result":"Dropped","data":""}`, "", 1), "2 answers to 3 records"},
		{"another id", strings.Replace(good, `"2"`, `"1"`, 1), "answer is for the id"},
		{"no data member", strings.Replace(good, `,"data":""`, "", 1), "lacks a member"},
		{"failed instead of dropped", strings.Replace(good, "Dropped", "ProcessingFailed", 1), "ProcessingFailed, not Dropped"},
		{"dropped instead of failed", strings.Replace(good, "ProcessingFailed", "Dropped", 1), "Dropped, not ProcessingFailed"},
		{"failed with room", strings.Replace(good, `"result":"Ok","data":"`+encode(`{"query_name":"a.test."`+clean+"\n"), `"result":"ProcessingFailed","data":"`, 1), "not Ok"},
		{"unknown member", strings.Replace(good, `"result"`, `"x":1,"result"`, 1), "unknown field"},
		{"something follows", good + "{}", "follows"},
		{"too large", good + strings.Repeat(" ", check.MaxResponseBytes), "more than"},
		{"a byte is changed", line(`{"query_name":"b.test."` + clean + "\n"), "bytes of the object"},
		{"another verdict", line(strings.Replace(`{"query_name":"a.test."`+clean+"\n", "clean", "malicious", 1)), "verdict is"},
		{"another generation", line(strings.Replace(`{"query_name":"a.test."`+clean+"\n", "7", "8", 1)), "generation is"},
		{"no generation", line(`{"query_name":"a.test.","verdict":"clean"}` + "\n"), "generation is missing"},
		{"an invented threat", line(strings.Replace(`{"query_name":"a.test."`+clean+"\n", `}`, `,"threat":`+threat+`}`, 1)), "without a match"},
		{"an invented member", line(strings.Replace(`{"query_name":"a.test."`+clean+"\n", `}`, `,"x":1}`, 1)), "unknown field"},
		{"a member in another case", line(strings.Replace(`{"query_name":"a.test."`+clean+"\n", `"verdict"`, `"Verdict"`, 1)), "has a member"},
		{"no line end", line(`{"query_name":"a.test."` + clean), "not one line"},
		{"two lines", line(strings.Repeat(`{"query_name":"a.test."`+clean+"\n", 2)), "2 lines for 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			batch := check.Batch{Records: records, Response: []byte(tt.response)}
			_, err := batch.Check(state(t))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// A record in gzip is read to the end of its last member, and strictly, as RFC 1952 says.
func TestBatch_Check_compressed(t *testing.T) {
	t.Parallel()
	first, empty := compress(t, `{"query_name":"a.test."}`), compress(t, "")
	for _, tt := range []struct {
		name   string
		record []byte
		result string
		object string // the object in the answer
	}{
		{"nothing in it", empty, "Dropped", ""},
		{"one member", first, "Ok", `{"query_name":"a.test."}`},
		{"an empty member first", append(bytes.Clone(empty), first...), "Ok", `{"query_name":"a.test."}`},
		{"a reserved flag", reserve(empty, 5), "ProcessingFailed", ""},
		{"the last reserved flag", reserve(empty, 7), "ProcessingFailed", ""},
		{"a reserved flag of the second member", append(bytes.Clone(first), reserve(empty, 6)...), "ProcessingFailed", ""},
		{"something behind it", append(bytes.Clone(first), 'x'), "ProcessingFailed", ""},
		{"too large", compress(t, strings.Repeat(" ", 2<<20+1)), "ProcessingFailed", ""},
		{"too large together", append(compress(t, strings.Repeat(" ", 2<<20)), compress(t, " ")...), "ProcessingFailed", ""},
		{"as large as it may be", compress(t, strings.Repeat(" ", 2<<20)), "Dropped", ""},
	} {
		data := ""
		if tt.object != "" {
			data = encode(strings.TrimSuffix(tt.object, "}") + clean + "\n")
		}
		for _, result := range []string{"Ok", "Dropped", "ProcessingFailed"} {
			if result == "Ok" != (data != "") {
				continue
			}
			batch := check.Batch{
				Records:  []check.Record{{ID: "1", Data: encode(string(tt.record))}},
				Response: fmt.Appendf(nil, `{"records":[{"recordId":"1","result":%q,"data":%q}]}`, result, data),
			}
			if _, err := batch.Check(state(t)); (err == nil) != (result == tt.result) {
				t.Errorf("%s, answered with %s: %v", tt.name, result, err)
			}
		}
	}
}

func compress(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// reserve returns compressed data with one more flag.
func reserve(data []byte, bit int) []byte {
	data = bytes.Clone(data)
	data[3] |= 1 << bit
	return data
}
