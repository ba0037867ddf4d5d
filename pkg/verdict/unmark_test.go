package verdict_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// What is marked anew after its mark was taken off is marked as before.
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
			continue // it came with a verdict
		}
		lines, err := m.Mark(nil, record)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(lines) {
			object, was := verdict.Unmark(line)
			again, err := m.Mark(nil, object)
			if was == "" || err != nil || !bytes.Equal(again, line) {
				t.Errorf("marked anew: %s%v, want %s", again, err, line)
			}
		}
	}
}

func TestUnmark(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, line, want string }{
		{"clean", `{"a":1,"verdict":"clean","index_generation":7}` + "\n", `{"a":1}`},
		{"an empty object", `{"verdict":"unknown","verdict_reason":"no_index"}`, `{}`},
		{"malicious", `{"a":1,"verdict":"malicious","index_generation":7,"threat":{"feeds":["a"]}}`, `{"a":1}`},
		{"a name that says so", `{"query_name":"\",\"verdict\":\"clean\"}","verdict":"clean"}`, `{"query_name":"\",\"verdict\":\"clean\"}"}`},
		{"unmarked", `{"a":1}`, ""},
		{"somebody else's verdict", `{"a":1,"verdict":"bad"}`, ""},
		{"members behind it", `{"a":1,"verdict":"clean","b":2}`, ""},
		{"in a member", `{"a":{"b":1,"verdict":"clean"}}`, ""},
		{"cut off", `{"a":1,"verdict":"clean"`, ""},
		{"no object", `"verdict":"clean"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, was := verdict.Unmark([]byte(test.line))
			if string(got) != test.want || (was != "") != (test.want != "") || was != "" && !strings.Contains(test.line, `"`+string(was)+`"`) {
				t.Errorf("%s, %q", got, was)
			}
		})
	}
}

// Whatever is marked can be unmarked.
func FuzzUnmark(f *testing.F) {
	f.Add([]byte(`{"query_name":"www.evil.example."}`))
	f.Add([]byte(`{ }`))
	f.Add([]byte(`{"verdict ":"x"}`))
	m := verdict.NewMarker(newIndex(f, "urlhaus block subtree evil.example"), verdict.Options{})
	f.Fuzz(func(t *testing.T, record []byte) {
		lines, err := m.Mark(nil, record)
		if err != nil || bytes.Contains(record, []byte("verdict")) {
			return // it may have come with a verdict
		}
		for line := range bytes.Lines(lines) {
			object, was := verdict.Unmark(line)
			if again, err := m.Mark(nil, object); was == "" || err != nil || !bytes.Equal(again, line) {
				t.Errorf("marked anew: %s%v, want %s", again, err, line)
			}
		}
	})
}
