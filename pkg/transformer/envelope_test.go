package transformer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var envelopeSeeds = []string{
	`{"invocationId":"i","records":[{"recordId":"1","approximateArrivalTimestamp":1,"data":"e30="},{"recordId":"2","data":""}]}`,
	`{"records":[]}`,
	` { "records" : [ { "data" : "e30=" , "recordId" : "1" } ] } `,
	`{"records":[{"recordId":"\u0061","data":"e30\u003d"}]}`,
	`{"records":[{"recordId":"a","recordId":"b"}],"records":[{"recordId":"<é>","data":7}]}`,
	`{"records":null}`, `{"records":[null]}`, `[]`, `{"records":[{}]}x`,
}

// snapshot is a comparable form of a record.
type snapshot struct {
	ID, Data string
	Bad      bool
}

func snapshots(records []record) (list []snapshot) {
	for _, r := range records {
		// Bytes that are not UTF-8 are not base64 either, so it does not matter what replaces
		// them.
		list = append(list, snapshot{string(r.id), string([]rune(string(r.data))), r.bad})
	}
	return list
}

// Everything that the fast scan accepts must give the same records as encoding/json.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range envelopeSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		var fast, slow envelope
		if fast.scan(event) != nil {
			return
		}
		if err := slow.decode(event); err != nil {
			t.Fatalf("scan accepted something that is not an event: %v", err)
		}
		if diff := cmp.Diff(snapshots(slow.records), snapshots(fast.records)); diff != "" {
			t.Fatalf("records (-decoded +scanned):\n%s", diff)
		}
	})
}

func TestEnvelope_scan(t *testing.T) {
	t.Parallel()
	for i, seed := range envelopeSeeds {
		var e envelope
		if err := e.scan([]byte(seed)); (err == nil) != (i < 3) {
			t.Errorf("%s: error %v", seed, err)
		}
	}
	// The answer contains the id exactly as decode returns it.
	var e envelope
	if err := e.decode([]byte(`{"records":[{"recordId":"\u0061\"\n","data":"\u0065"}]}`)); err != nil {
		t.Fatal(err)
	}
	if got, want := snapshots(e.records), []snapshot{{`"a\"\n"`, "e", false}}; !cmp.Equal(got, want) {
		t.Errorf("decoded %+v, want %+v", got, want)
	}
	if err := e.parse([]byte(`{"records":[` + strings.Repeat("[", 100))); err == nil {
		t.Error("no error for a malformed event")
	}
}
