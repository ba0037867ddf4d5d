package verdict_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// A line that is unmarked and marked again is the same line.
func TestUnmark_golden(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "urlhaus block subtree evil.example malware_download high 90")
	log, err := os.ReadFile("testdata/log.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	m := verdict.NewMarker(x, verdict.Options{})
	for record := range bytes.Lines(log) {
		if bytes.Contains(record, []byte(`"verdict"`)) {
			continue // the record already has a verdict
		}
		lines, err := m.Mark(nil, record)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(lines) {
			object, removed := verdict.Unmark(line)
			again, err := m.Mark(nil, object)
			if removed == "" || err != nil || !bytes.Equal(again, line) {
				t.Errorf("marked again: %s%v, want %s", again, err, line)
			}
		}
	}
}

func TestUnmark(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, line, want string }{
		{"clean", `{"a":1,"verdict":"clean","index_generation":7}` + "\n", `{"a":1}`},
		{"empty object", `{"verdict":"unknown","verdict_reason":"no_index"}`, `{}`},
		{"malicious", `{"a":1,"verdict":"malicious","index_generation":7,"threat":{"feeds":["a"]}}`, `{"a":1}`},
		{"query name that contains a mark", `{"query_name":"\",\"verdict\":\"clean\"}","verdict":"clean"}`, `{"query_name":"\",\"verdict\":\"clean\"}"}`},
		{"unmarked", `{"a":1}`, ""},
		{"verdict that is not ours", `{"a":1,"verdict":"bad"}`, ""},
		{"members after the mark", `{"a":1,"verdict":"clean","b":2}`, ""},
		{"mark inside a member", `{"a":{"b":1,"verdict":"clean"}}`, ""},
		{"truncated", `{"a":1,"verdict":"clean"`, ""},
		{"not an object", `"verdict":"clean"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, removed := verdict.Unmark([]byte(test.line))
			if string(got) != test.want || (removed != "") != (test.want != "") ||
				removed != "" && !strings.Contains(test.line, `"`+string(removed)+`"`) {
				t.Errorf("got %s and verdict %q", got, removed)
			}
		})
	}
}

// Every line that was marked can be unmarked.
func FuzzUnmark(f *testing.F) {
	f.Add([]byte(`{"query_name":"www.evil.example."}`))
	f.Add([]byte(`{ }`))
	f.Add([]byte(`{"verdict ":"x"}`))
	m := verdict.NewMarker(newIndex(f, "urlhaus block subtree evil.example"), verdict.Options{})
	f.Fuzz(func(t *testing.T, record []byte) {
		lines, err := m.Mark(nil, record)
		if err != nil || bytes.Contains(record, []byte("verdict")) {
			return // the record may already have a verdict
		}
		for line := range bytes.Lines(lines) {
			object, removed := verdict.Unmark(line)
			if again, err := m.Mark(nil, object); removed == "" || err != nil || !bytes.Equal(again, line) {
				t.Errorf("marked again: %s%v, want %s", again, err, line)
			}
		}
	})
}
