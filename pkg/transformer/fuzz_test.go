package transformer

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// slowAnswer answers one event in the simplest way. It returns nil if event is not a Firehose
// event.
func slowAnswer(x *index.Index, event []byte) []answer {
	var outer map[string]json.RawMessage
	if json.Unmarshal(event, &outer) != nil {
		return nil
	}
	var records []map[string]json.RawMessage
	if json.Unmarshal(outer["records"], &records) != nil || records == nil {
		return nil
	}
	answers := []answer{}
	for _, members := range records {
		var id, data *string
		if json.Unmarshal(members["recordId"], &id) != nil || id == nil {
			return nil
		}
		result, lines := "ProcessingFailed", []byte(nil)
		if json.Unmarshal(members["data"], &data) == nil && data != nil {
			result, lines = slowMark(x, *data)
		}
		encoded := base64.StdEncoding.EncodeToString(lines)
		answers = append(answers, answer{RecordID: id, Result: &result, Data: &encoded, lines: string(lines)})
	}
	return answers
}

func slowMark(x *index.Index, data string) (result string, lines []byte) {
	record, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "ProcessingFailed", nil
	}
	if reader, err := gzip.NewReader(bytes.NewReader(record)); err == nil {
		if record, err = io.ReadAll(reader); err != nil {
			return "ProcessingFailed", nil
		}
	}
	lines, err = verdict.NewMarker(x, verdict.Options{}).Mark(nil, record)
	switch {
	case err != nil:
		return "ProcessingFailed", nil
	case len(lines) == 0:
		return "Dropped", nil
	}
	return "Ok", lines
}

// FuzzInvoke compares with a transformer made of encoding/json, encoding/base64 and the
// marker.
func FuzzInvoke(f *testing.F) {
	f.Add(event(clean, evil+"\n", "", "x", `{"query_name":"\u0065vil.example"}{}`))
	f.Add([]byte(`{"records":[{"recordId":"\ud800","data":"e30\u003d"},{"recordId":"1","recordId":"2","data":null}]}`))
	f.Add([]byte(`{"records":[{"recordId":"1","data":"e31="},{"recordId":"1","data":"e30\n="}]}`))
	tr, s, _ := newTransformer(f, nil)
	x, err := index.Open(s.now.object)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		want := slowAnswer(x, event)
		response, err := tr.Invoke(context.Background(), event)
		if (err == nil) != (want != nil) {
			t.Fatalf("error %v, want %d answers", err, len(want))
		}
		if err != nil {
			return
		}
		var ids []string
		for _, a := range want {
			ids = append(ids, *a.RecordID)
		}
		for i, got := range check(t, response, ids...) {
			if *got.Result != *want[i].Result || got.lines != want[i].lines {
				t.Fatalf("record %d: got %s %q, want %s %q", i, *got.Result, got.lines, *want[i].Result, want[i].lines)
			}
		}
	})
}
