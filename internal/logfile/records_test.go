package logfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// markStrictly accepts lines that hold one JSON object, and collects them.
func markStrictly(found *[]string) func(record []byte) error {
	return func(record []byte) error {
		record = bytes.TrimSpace(record)
		if len(record) == 0 {
			return nil
		}
		if record[0] != '{' || !json.Valid(record) {
			return errors.New("not an object")
		}
		*found = append(*found, string(record))
		return nil
	}
}

// Envelopes within envelopes are opened, but only to a few levels.
func TestRecords_nesting(t *testing.T) {
	const record = `{"query_name":"a.test"}`
	for _, test := range []struct {
		depth int
		want  int
	}{{1, 1}, {3, 1}, {maxNesting + 5, 0}} {
		text := record
		for range test.depth {
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			text = string(quoted)
		}
		var found []string
		refused := 0
		Records([]byte(text), 1, markStrictly(&found), func(int, error) { refused++ })
		if len(found) != test.want || refused != 1-test.want {
			t.Errorf("%d levels: %d records, %d refused", test.depth, len(found), refused)
		}
	}
}

// FuzzRecords checks that objects on lines of their own are found whatever is in other lines
// between them, unless such a line begins an object or an array that goes on, and that the
// numbers of refused lines exist.
func FuzzRecords(f *testing.F) {
	for _, seed := range []string{
		"hello", `{"a":1`, "10:00 {\n}", `[{"b":1},`, `"{\"b\":1}"`, `@timestamp,@message`, `x,"{""b"":1}"`, "\ufeff", "{}{}", `{"events":[{"message":"x"}]}`,
		`{"rawData":"e30="}`, "1793527200000\t{}\tx",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, between string) {
		const first, last = `{"first":1}`, `{"last":1}`
		text := first + "\n" + between + "\n" + last + "\n"
		lines := strings.Count(text, "\n")
		var found []string
		Records([]byte(text), 1, markStrictly(&found), func(line int, err error) {
			if line < 2 || line > lines || err == nil {
				t.Errorf("refused line %d of %d: %v", line, lines, err)
			}
		})
		if len(found) == 0 || found[0] != first {
			t.Fatalf("the first record is missing: %q", found)
		}
		if !strings.ContainsAny(between, `{"`) && found[len(found)-1] != last {
			t.Fatalf("the last record is missing: %q", found)
		}
	})
}
