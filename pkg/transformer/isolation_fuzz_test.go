package transformer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// eventOf returns an event with these records, which have the ids "0", "1" and so on.
func eventOf(records [][]byte) (event []byte, ids []string) {
	var list []string
	for i, data := range records {
		ids = append(ids, fmt.Sprint(i))
		list = append(list, fmt.Sprintf(`{"recordId":"%d","data":"%s"}`, i, base64.StdEncoding.EncodeToString(data)))
	}
	return []byte(`{"records":[` + strings.Join(list, ",") + `]}`), ids
}

// FuzzInvoke_isolation checks that no record changes the answer to another one: neither to those
// before and after it in an event, nor to those of later events of the same transformer.
//
// Text holds the records, separated by NUL. The bits of packed say which of them are compressed.
func FuzzInvoke_isolation(f *testing.F) {
	const nul = "\x00"
	named := `{"version":"1.1","query_name":"www.evil.example.","answers":[{"Rdata":"evil.example.","Type":"CNAME"}]}`
	f.Add([]byte(evil+nul+clean+nul+evil), byte(0))
	f.Add([]byte(`{"message":"{\"query_name\":\"evil.example\"}"}`+nul+named+named+nul+"{"), byte(5))
	f.Add([]byte(`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{\"query_name\":\"evil.example\"}"}]}`+nul+"{}"), byte(1))
	f.Add([]byte(`{"verdict":"clean","query_name":"evil.example"}`+nul+`{"Verdict":"x"}`+nul+nul+"[]"), byte(2))
	f.Add([]byte(`{"query_name":"\u0065vil.example","query_name":"x\\.evil.example."}`+nul+"{\"a\":\n\r1}"), byte(0))
	f.Add([]byte("{ }"+nul+`{"query":{"hostname":"evil.example"}}`+nul+`{"answers":[null,{"Type":"A"}]}`), byte(3))

	reused, s, _ := newTransformer(f, nil)
	invoke(f, reused, clean)
	f.Fuzz(func(t *testing.T, text []byte, packed byte) {
		records := bytes.Split(text, []byte(nul))
		const maxText, maxRecords = 1 << 15, 12
		if len(text) > maxText || len(records) > maxRecords {
			t.Skip("too large")
		}
		for i := range records {
			if packed>>(i%8)&1 != 0 {
				records[i] = []byte(compress(t, string(records[i])))
			}
		}

		together := answersTo(t, reused, records)
		for i, record := range records {
			fresh, err := New(Config{Store: s, clock: reused.config.clock})
			if err != nil {
				t.Fatal(err)
			}
			alone := answersTo(t, fresh, [][]byte{record})[0]
			if *alone.Result != *together[i].Result || alone.lines != together[i].lines {
				t.Fatalf("record %d %q is %s %q alone, but %s %q with the others", i, record,
					*alone.Result, alone.lines, *together[i].Result, together[i].lines)
			}
			if *alone.Result != "Ok" {
				continue
			}
			checkLines(t, alone.lines)
			if again := answersTo(t, fresh, [][]byte{[]byte(alone.lines)})[0]; again.lines != alone.lines {
				t.Fatalf("%q becomes %s %q if it is marked again", alone.lines, *again.Result, again.lines)
			}
		}
	})
}

func answersTo(t *testing.T, tr *Transformer, records [][]byte) []answer {
	t.Helper()
	event, ids := eventOf(records)
	response, err := tr.Invoke(context.Background(), event)
	if err != nil {
		t.Fatal(err)
	}
	return check(t, response, ids...)
}

// checkLines checks that each line is an object in which a reader that folds the case of names
// finds our members at most once.
func checkLines(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		if !json.Valid([]byte(line)) || strings.Contains(line, "\r") {
			t.Fatalf("not a line of JSON: %q", line)
		}
		seen := map[string]int{}
		decoder := json.NewDecoder(strings.NewReader(line))
		_, _ = decoder.Token() // the brace
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			seen[strings.ToLower(name.(string))]++
			var value json.RawMessage
			if err := decoder.Decode(&value); err != nil {
				return // nested deeper than encoding/json reads
			}
		}
		for _, ours := range []string{catalog.VerdictReason, catalog.IndexGeneration, catalog.Threat} {
			if seen[ours] > 1 {
				t.Fatalf("%q has %s %d times", line, ours, seen[ours])
			}
		}
		if seen[catalog.Verdict] != 1 {
			t.Fatalf("%q has %d verdicts", line, seen[catalog.Verdict])
		}
	}
}
