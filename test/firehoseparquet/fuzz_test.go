package firehoseparquet_test

import (
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/test/firehoseparquet"
)

// Whatever a record holds, it is converted or fails: every row that comes out of it fits
// into a file, and can be read back with all columns.
func FuzzSchema_Rows(f *testing.F) {
	for _, record := range []string{
		`{"a":"1","b":[{"c":1}],"m":{"k":[true]},"d":1.5}{"A":{"x":null},"b":{"C":"2"}}`, `{"b":[[7]],"m":{}}`, `[{}]`, `{"a":`, "\n",
		"{\"a\":\"\xff\",\"\u0130\":1}", `{"m":{"K":[null],"k":[]}}`, `{"d":"1e400"}`, `{"b":5}`,
	} {
		f.Add([]byte(record))
	}
	s := schema(f, firehoseparquet.Column{Name: "a", Type: "string"}, firehoseparquet.Column{Name: "b", Type: "array<struct<c:bigint>>"},
		firehoseparquet.Column{Name: "m", Type: "map<string,array<boolean>>"}, firehoseparquet.Column{Name: "d", Type: "double"})
	f.Fuzz(func(t *testing.T, record []byte) {
		rows, failure := s.Rows(record)
		if (failure == nil) != (len(rows) > 0) {
			t.Fatalf("%d rows and the failure %v", len(rows), failure)
		}
		if failure != nil {
			return
		}
		file, err := s.Encode(rows, firehose.Snappy)
		if err != nil {
			t.Fatal(err)
		}
		back, err := firehoseparquet.Decode(file)
		if err != nil || len(back) != len(rows) {
			t.Fatalf("%d rows read of %d: %v", len(back), len(rows), err)
		}
		for _, row := range back {
			if len(row) != 4 {
				t.Fatalf("row %v has not all columns", row)
			}
		}
	})
}
