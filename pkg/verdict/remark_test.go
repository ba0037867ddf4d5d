package verdict_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Marking a marked line again gives the same line.
func TestMarker_remark_golden(t *testing.T) {
	t.Parallel()
	log, err := os.ReadFile("testdata/log.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	x := newIndex(t, "urlhaus block subtree evil.example malware_download high 90")
	changed := 0
	m := verdict.NewMarker(x, verdict.Options{Remark: true, OnMark: func(m *verdict.Mark) {
		if m.Changed {
			changed++
		}
	}})
	for record := range bytes.Lines(log) {
		lines, err := m.Mark(nil, record)
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.Mark(nil, lines)
		if err != nil || !bytes.Equal(again, lines) {
			t.Errorf("marked again: %s%v, want %s", again, err, lines)
		}
	}
	if m.Counts().AlreadyMarked != 0 || changed != 1 { // the log has one marked record, without an index
		t.Errorf("%d changed, counts %+v", changed, m.Counts())
	}
}

// Only our own members are replaced. The rest of the object keeps its bytes.
func TestMarker_remark(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, line, want string }{
		{"clean", `{"a":1,"verdict":"clean","index_generation":7}` + "\n", `{"a":1}`},
		{"empty object", `{"verdict":"unknown","verdict_reason":"no_index"}`, `{}`},
		{"empty object with white space", `{ "verdict":"unknown","verdict_reason":"no_index"}`, `{ }`},
		{"malicious", `{"a":1,"verdict":"malicious","index_generation":7,"threat":{"feeds":["a"]}}`, `{"a":1}`},
		{"query name that contains a mark", `{"query_name":"\",\"verdict\":\"clean\"}","verdict":"clean"}`, `{"query_name":"\",\"verdict\":\"clean\"}"}`},
		{"unmarked", `{"a":1}`, `{"a":1}`},
		{"members after the mark", `{"a":1,"verdict":"clean","b":2}`, `{"a":1,"b":2}`},
		{"members before and after", `{ "index_generation" : 7 , "a" : 1.0e+05,"verdict":"clean" ,"a":{"verdict":1} , "threat":{}, "b":"\u0061" }`, `{ "a" : 1.0e+05,"a":{"verdict":1} , "b":"\u0061" }`},
		{"sorted by a tool", `{"index_generation":7,"query_name":"a.test","threat":null,"verdict":"clean","version":"1.1"}`, `{"query_name":"a.test","version":"1.1"}`},
		{"mark inside a member", `{"a":{"b":1,"verdict":"clean"}}`, `{"a":{"b":1,"verdict":"clean"}}`},
		{"name with an escape", `{"a":1,"v\u0065rdict":"clean"}`, `{"a":1}`},
		{"on several lines", "{\n  \"a\": 1,\n  \"verdict\": \"clean\"\n}", "{\n  \"a\": 1}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := newIndex(t, "list block subtree a.test")
			got, err := verdict.NewMarker(x, verdict.Options{Remark: true}).Mark(nil, []byte(test.line))
			if err != nil {
				t.Fatal(err)
			}
			want, err := verdict.NewMarker(x, verdict.Options{}).Mark(nil, []byte(test.want))
			if err != nil || string(got) != string(want) {
				t.Errorf("got %s, want %s%v", got, want, err)
			}
		})
	}
}

func TestMarker_remark_errors(t *testing.T) {
	t.Parallel()
	for _, line := range []string{`{"a":1,"verdict":"bad"}`, `{"verdict":"clean","VERDICT":"clean"}`, `{"threat":{}}`} {
		_, err := verdict.NewMarker(newIndex(t), verdict.Options{Remark: true}).Mark(nil, []byte(line))
		if !errors.Is(err, verdict.ErrReserved) {
			t.Errorf("%s: error %v", line, err)
		}
	}
	for _, line := range []string{`{"a":1,"verdict":"clean"`, `"verdict":"clean"}`} {
		if _, err := verdict.NewMarker(newIndex(t), verdict.Options{Remark: true}).Mark(nil, []byte(line)); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}

// A mark has changed if its decision has. Its generation and the form of its JSON do not
// count.
func TestMarker_remark_changed(t *testing.T) {
	t.Parallel()
	const record = `{"query_name":"www.evil.example."`
	x := newIndex(t, "corp block subtree evil.example phishing high 90")
	for _, test := range []struct {
		name, mark string
		changed    bool
	}{
		{"another verdict", `"verdict":"clean","index_generation":7`, true},
		{"without an index", `"verdict":"unknown","verdict_reason":"no_index"`, true},
		{
			"another generation", `"verdict":"malicious","index_generation":3,"threat":{"indicator":"evil.example","scope":"subtree",` +
				`"matched":"www.evil.example","part":"query_name","feeds":["corp"],"category":"phishing","severity":"high","confidence":90}`, false,
		},
		{
			"another form", `"threat":{"scope": "subtree", "indicator":"evil\u002eexample","feeds":["corp"],"matched":"www.evil.example",` +
				`"part":"query_name","category":"phishing","severity":"high","confidence":90},"verdict":"malicious"`, false,
		},
		{
			"another severity", `"verdict":"malicious","index_generation":7,"threat":{"indicator":"evil.example","scope":"subtree",` +
				`"matched":"www.evil.example","part":"query_name","feeds":["corp"],"category":"phishing","severity":"low","confidence":90}`, true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var mark verdict.Mark
			m := verdict.NewMarker(x, verdict.Options{Remark: true, OnMark: func(m *verdict.Mark) { mark = *m }})
			line, err := m.Mark(nil, []byte(record+","+test.mark+"}"))
			if err != nil {
				t.Fatal(err)
			}
			if mark.Changed != test.changed || mark.Previous == "" || mark.AlreadyMarked || mark.Verdict != verdict.Malicious {
				t.Errorf("changed %t, previous %q in %s", mark.Changed, mark.Previous, line)
			}
			if c := m.Counts(); c.AlreadyMarked != 0 || c.Malicious != 1 {
				t.Errorf("counts %+v", c)
			}
		})
	}
}

// Without an index there is nothing to mark with, so marks stay.
func TestMarker_remark_noIndex(t *testing.T) {
	t.Parallel()
	const line = `{"query_name":"a.test","verdict":"malicious"}` + "\n"
	m := verdict.NewMarker(nil, verdict.Options{Remark: true})
	got, err := m.Mark(nil, []byte(line))
	if err != nil || string(got) != line || m.Counts().AlreadyMarked != 1 {
		t.Errorf("got %s, error %v, counts %+v", got, err, m.Counts())
	}
}

// Every line that was marked can be marked again, with the same result.
func FuzzRemark(f *testing.F) {
	f.Add([]byte(`{"query_name":"www.evil.example."}`))
	f.Add([]byte(`{ }`))
	f.Add([]byte(`{"verdict ":"x"}`))
	f.Add([]byte(`{"a":1,"verdict":"clean", "b" : {} }`))
	x := newIndex(f, "urlhaus block subtree evil.example")
	m := verdict.NewMarker(x, verdict.Options{})
	again := verdict.NewMarker(x, verdict.Options{Remark: true})
	f.Fuzz(func(t *testing.T, record []byte) {
		lines, err := m.Mark(nil, record)
		if err != nil {
			return
		}
		got, err := again.Mark(nil, lines)
		if err != nil {
			t.Fatalf("%v for %s", err, lines)
		}
		if twice, err := again.Mark(nil, got); err != nil || !bytes.Equal(twice, got) {
			t.Errorf("%s%v, want %s", twice, err, got)
		}
		if !bytes.Contains(record, []byte("verdict")) && !bytes.Contains(record, []byte(`\u`)) && !bytes.Equal(got, lines) {
			t.Errorf("marked again: %s, want %s", got, lines)
		}
	})
}

// Marks go, and nothing else does: a member with one of our names, but without a verdict, is not a
// mark.
func TestUnmark(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"blank", " \r\n", " \r\n"},
		{"not marked", `{"query_name":"a.example" }`, `{"query_name":"a.example" }`},
		{"marked", `{"verdict":"malicious","query_name":"a.example","threat":{"feeds":["a"]},"index_generation":1}`, `{"query_name":"a.example"}` + "\n"},
		{"one of two", `{"query_name":"a.example"}{"query_name":"b.example","verdict":"clean"}`,
			`{"query_name":"a.example"}` + "\n" + `{"query_name":"b.example"}` + "\n"},
		{"an unknown verdict", `{"query_name":"a.example","verdict":"odd"}`, `{"query_name":"a.example"}` + "\n"},
		{"no verdict", `{"query_name":"a.example","threat":{}}`, `{"query_name":"a.example","threat":{}}`},
		{"no verdict beside a mark", `{"query_name":"a.example","threat":{}}{"verdict":"clean"}`, `{"query_name":"a.example","threat":{}}` + "\n{}\n"},
		{"another case", `{"query_name":"a.example","Verdict":"clean"}`, `{"query_name":"a.example","Verdict":"clean"}`},
	} {
		got, err := verdict.Unmark([]byte("> "), []byte(tt.in))
		if err != nil || string(got) != "> "+tt.want {
			t.Errorf("%s: got %q, error %v", tt.name, got, err)
		}
	}
	if got, err := verdict.Unmark(nil, []byte(`{"query_name":`)); err == nil || len(got) > 0 {
		t.Errorf("got %q, error %v", got, err)
	}
}
