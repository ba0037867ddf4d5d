package athena_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

const sound = `{"version":"1.100000","account_id":"012345678901","query_name":"www.evil.example.",` +
	`"answers":[{"Rdata":"192.0.2.1","Type":"A","Class":"IN"}],"srcids":{"instance":"i-1"},` +
	`"verdict":"malicious","index_generation":7,"threat":{"indicator":"evil.example","feeds":["a","b"],"confidence":50}}`

const soundRow = `["www.evil.example.","012345678901",[["192.0.2.1","A","IN"]],"{\"instance\":\"i-1\"}",7,"evil.example",["a","b"],50]`

const unreadable = `[null,null,null,null,null,null,null,null]`

// oddLines are lines that could break a query. None may do so, and the rows around the line
// must be returned. Row is the row that the line itself is read as.
var oddLines = []struct {
	name, line, row string
	hiveReads       bool // Hive's SerDe reads it without an error
	nativeRow       string
}{
	{name: "sound", line: sound, row: soundRow, hiveReads: true},
	{name: "cut off", line: `{"query_name":"x",`, row: unreadable},
	{name: "not JSON", line: `hello`, row: unreadable},
	{name: "empty", line: ``, row: unreadable},
	{name: "blank", line: `  `, row: unreadable},
	{name: "a list", line: `["a"]`, row: unreadable, nativeRow: `[null,"a",null,null,null,null,null,null]`},
	{name: "two objects", line: `{"query_name":"a"}{"query_name":"b"}`,
		row: `["a",null,null,null,null,null,null,null]`, hiveReads: true},
	{name: "byte order mark", line: "\ufeff" + `{"query_name":"a"}`, row: unreadable, hiveReads: true},
	{name: "invalid UTF-8", line: "{\"query_name\":\"a\xffb\"}", row: `["a` + "\ufffd" + `b",null,null,null,null,null,null,null]`},
	{name: "a name twice", line: `{"query_name":"a","query_name":"b"}`,
		row: `["b",null,null,null,null,null,null,null]`, hiveReads: true},
	{name: "a name in two cases", line: `{"query_name":"a","Query_Name":"b"}`,
		row: `["b",null,null,null,null,null,null,null]`, hiveReads: true},
	{name: "srcids as a list", line: `{"query_name":"a","srcids":["i-1","rslvr-in-1"]}`,
		row: `["a",null,null,"[\"i-1\",\"rslvr-in-1\"]",null,null,null,null]`},
	{name: "srcids empty", line: `{"query_name":"a","srcids":{}}`, row: `["a",null,null,"{}",null,null,null,null]`,
		hiveReads: true},
	{name: "srcids null", line: `{"query_name":"a","srcids":null}`, row: `["a",null,null,null,null,null,null,null]`,
		hiveReads: true},
	{name: "answers empty", line: `{"query_name":"a","answers":[]}`, row: `["a",null,[],null,null,null,null,null]`,
		hiveReads: true},
	{name: "answers of the preview", line: `{"query_name":"a","answers":[{"Address":"192.0.2.1 ","Type":"A"}]}`,
		row: `["a",null,[[null,"A",null]],null,null,null,null,null]`, hiveReads: true},
	{name: "members missing", line: `{"query_name":"a"}`, row: `["a",null,null,null,null,null,null,null]`, hiveReads: true},
	{name: "numbers for text", line: `{"query_name":5,"account_id":12}`,
		row: `["5","12",null,null,null,null,null,null]`, hiveReads: true},
	{name: "an unknown member", line: `{"query_name":"a","new":{"a":[1,{"b":[]}]}}`,
		row: `["a",null,null,null,null,null,null,null]`, hiveReads: true},
	{name: "as deep as the marker allows", line: `{"query_name":"a","new":` + strings.Repeat("[", 63) +
		strings.Repeat("]", 63) + `}`, row: `["a",null,null,null,null,null,null,null]`, hiveReads: true},
}

// OpenX's SerDe reads all of them, both its own code and Trino's reader.
func TestSerde_openx(t *testing.T) {
	l := open(t)
	for i, odd := range oddLines {
		t.Run(odd.name, func(t *testing.T) {
			l.oddTable(t, i, openxSerde)
			for _, reader := range []string{native, serde} {
				want := odd.row
				if reader == native && odd.nativeRow != "" {
					want = odd.nativeRow
				}
				got := l.query(t, reader, oddQuery)
				if len(got.Rows) != 3 || text(got.Rows[0]) != soundRow || text(got.Rows[2]) != soundRow {
					t.Errorf("%s: the lines around it: %s", reader, text(got.Rows))
				} else if text(got.Rows[1]) != want {
					t.Errorf("%s: %s, want %s", reader, text(got.Rows[1]), want)
				}
			}
		})
	}
}

// refusedLines are lines that the marker refuses: each would fail every query of its
// partition, with one of the readers or both.
var refusedLines = []string{
	`{"query_name":"a","answers":"x"}`,
	`{"query_name":"a","answers":["x"]}`,
	`{"query_name":"a","answers":5}`,
	`{"query_name":"a","Answers":[true]}`,
	`{"query_name":"a","verdict":"malicious","threat":"x"}`,
	`{"query_name":"a","verdict":"clean","index_generation":"x"}`,
	`{"query_name":"a","verdict":"clean","index_generation":{}}`,
	`{"query_name":"a","verdict":"malicious","threat":{"confidence":"high"}}`,
}

func TestSerde_refused(t *testing.T) {
	l := open(t)
	marker := verdict.NewMarker(october.index(t, firstGeneration), verdict.Options{})
	for _, line := range refusedLines {
		if _, err := marker.Mark(nil, []byte(line)); !errors.Is(err, verdict.ErrShape) {
			t.Errorf("%s: marked, %v", line, err)
		}
		bucket := l.bucket(t, map[string][]byte{"odd/1.gz": compress(t, []byte(sound+"\n"+line+"\n"))})
		l.glue.put(jsonTable("odd", "s3://"+bucket+"/odd/", openxSerde, catalog.Columns()))
		failed := 0
		for _, reader := range []string{native, serde} {
			if _, err := l.trino.query(reader, database, oddQuery); err != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Errorf("%s: refused without need", line)
		}
	}
}

// With Hive's SerDe, the query fails at the first bad line, so the tables use OpenX's
// SerDe.
func TestSerde_hive(t *testing.T) {
	l := open(t)
	for i, odd := range oddLines {
		t.Run(odd.name, func(t *testing.T) {
			l.oddTable(t, i, hiveSerde)
			for _, reader := range []string{native, serde} {
				if _, err := l.trino.query(reader, database, oddQuery); (err == nil) != odd.hiveReads {
					t.Errorf("%s: error %v, want it to read on: %t", reader, err, odd.hiveReads)
				}
			}
		})
	}
}

const oddQuery = `SELECT query_name, account_id, answers, srcids, index_generation, threat.indicator, threat.feeds,
	threat.confidence FROM odd`

// oddTable makes the table "odd" consist of an odd line between two good ones.
func (l *lab) oddTable(t *testing.T, i int, library string) {
	t.Helper()
	bucket := l.bucket(t, map[string][]byte{"odd/1.gz": compress(t, []byte(sound+"\n"+oddLines[i].line+"\n"+sound+"\n"))})
	columns := catalog.Columns()
	if library == hiveSerde { // it cannot read an object as text
		for i := range columns {
			if columns[i].Name == "srcids" {
				columns[i].Type = "map<string,string>"
			}
		}
	}
	l.glue.put(jsonTable("odd", "s3://"+bucket+"/odd/", library, columns))
}

func text(value any) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(out.String())
}
