package firehoseparquet_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/test/system/firehoseparquet"
)

func schema(t testing.TB, columns ...firehoseparquet.Column) *firehoseparquet.Schema {
	t.Helper()
	s, err := firehoseparquet.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// converted converts records to Parquet and returns the rows of the file.
func converted(t testing.TB, s *firehoseparquet.Schema, records ...string) []map[string]any {
	t.Helper()
	var rows []firehoseparquet.Row
	for _, record := range records {
		more, failure := s.Rows([]byte(record))
		if failure != nil {
			t.Fatalf("%v in %s", failure, record)
		}
		rows = append(rows, more...)
	}
	file, err := s.Encode(rows, firehose.Snappy)
	if err != nil {
		t.Fatal(err)
	}
	back, err := firehoseparquet.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

type (
	array  = []any
	object = map[string]any
)

// Values in columns of each type.
func TestSchema_Rows_values(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typ, json string
		want      any
		failure   string // part of the message, if the record fails
	}{
		{typ: "string", json: `"é\n\u00e9"`, want: "é\né"},
		{typ: "string", json: `""`, want: ""},
		{typ: "string", json: `null`, want: nil},
		{typ: "string", json: `12.50`, want: "12.50"},
		{typ: "string", json: `true`, want: "true"},
		{typ: "string", json: `{"Instance": "I-1", "a": [{"B": null}], "x": "<&>"}`,
			want: `{"instance":"I-1","a":[{"b":null}],"x":"<&>"}`},
		{typ: "string", json: `["a", 1, false]`, want: `["a",1,false]`},
		{typ: "string", json: `{}`, want: `{}`},
		{typ: "varchar(10)", json: `"a"`, want: "a"},
		{typ: "bigint", json: `9223372036854775807`, want: int64(9223372036854775807)},
		{typ: "bigint", json: `" 7 "`, want: int64(7)},
		{typ: "bigint", json: `9223372036854775808`, failure: `For input string: "9223372036854775808"`},
		{typ: "bigint", json: `"oops"`, failure: `For input string: "oops"`},
		{typ: "bigint", json: `1.5`, failure: `For input string: "1.5"`},
		{typ: "bigint", json: `[1]`, failure: `For input string: "[1]"`},
		{typ: "int", json: `-2147483648`, want: int32(-2147483648)},
		{typ: "int", json: `2147483648`, failure: `2147483648`},
		{typ: "tinyint", json: `-128`, want: int32(-128)},
		{typ: "tinyint", json: `128`, failure: `128`},
		{typ: "smallint", json: `32767`, want: int32(32767)},
		{typ: "float", json: `1.5`, want: float32(1.5)},
		{typ: "double", json: `"1e300"`, want: 1e300},
		{typ: "double", json: `1e999`, failure: `1e999`},
		{typ: "double", json: `"NaN"`, failure: `NaN`},
		{typ: "boolean", json: `true`, want: true},
		{typ: "boolean", json: `"FALSE"`, want: false},
		{typ: "boolean", json: `1`, failure: `For input string: "1"`},
		{typ: "array<string>", json: `["a", null, ""]`, want: array{"a", nil, ""}},
		{typ: "array<string>", json: `[]`, want: array{}},
		{typ: "array<string>", json: `null`, want: nil},
		{typ: "array<string>", json: `"a"`, want: array{"a"}},
		{typ: "array<array<int>>", json: `[[1, 2], [], null, [3]]`, want: array{array{int32(1), int32(2)}, array{}, nil, array{int32(3)}}},
		{typ: "array<struct<a:int,b:string>>", json: `[{"A": 1, "c": 2}, null, {}]`,
			want: array{object{"a": int32(1), "b": nil}, nil, object{"a": nil, "b": nil}}},
		{typ: "array<struct<a:int>>", json: `{"a": 1}`, want: array{object{"a": int32(1)}}},
		{typ: "array<int>", json: `[1, "x"]`, failure: `For input string: "x"`},
		{typ: "struct<a:int,b:array<string>>", json: `{}`, want: object{"a": nil, "b": nil}},
		{typ: "struct<a:int,b:array<string>>", json: `[1, ["x"], "extra"]`, want: object{"a": int32(1), "b": array{"x"}}},
		{typ: "struct<a:int,b:array<string>>", json: `[1]`, want: object{"a": int32(1), "b": nil}},
		{typ: "struct<a:int>", json: `42`, failure: `Data is not JSONObject  but java.lang.Long with value 42`},
		{typ: "struct<a:int>", json: `"x"`, failure: `java.lang.String with value x`},
		{typ: "struct<a:struct<b:int>>", json: `{"a": {"b": 5}}`, want: object{"a": object{"b": int32(5)}}},
		{typ: "map<string,string>", json: `{"Key": "V", "n": null}`, want: object{"key": "V", "n": nil}},
		{typ: "map<string,string>", json: `{"k": "1", "l": "2", "K": "3"}`, want: object{"k": "3", "l": "2"}},
		{typ: "string", json: `{"k": "1", "l": "2", "K": "3"}`, want: `{"k":"3","l":"2"}`},
		{typ: "map<string,string>", json: `{}`, want: object{}},
		{typ: "map<string,string>", json: `["a"]`, failure: "a map column cannot hold"},
	}
	for _, test := range tests {
		t.Run(test.typ+" "+test.json, func(t *testing.T) {
			t.Parallel()
			s := schema(t, firehoseparquet.Column{Name: "before", Type: "string"}, firehoseparquet.Column{Name: "c", Type: test.typ})
			record := `{"before":"b","c":` + test.json + `}`
			if test.failure != "" {
				_, failure := s.Rows([]byte(record))
				if failure == nil || failure.Code != "DataFormatConversion.MalformedData" ||
					!strings.HasPrefix(failure.Message, "Data does not match the schema. ") ||
					!strings.Contains(failure.Message, test.failure) {
					t.Errorf("got %v, want MalformedData with %q", failure, test.failure)
				}
				return
			}
			want := []map[string]any{{"before": "b", "c": test.want}, {"before": nil, "c": nil}}
			if diff := cmp.Diff(want, converted(t, s, record, `{}`)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Each object of a record becomes one row. A record of anything else is malformed.
func TestSchema_Rows_records(t *testing.T) {
	t.Parallel()
	const malformed, unparsable = "DataFormatConversion.MalformedData", "DataFormatConversion.ParseError"
	tests := []struct {
		name, record string
		want         []string // values of column a, "-" for null
		code         string
	}{
		{"one", `{"a":"1"}`, []string{"1"}, ""},
		{"newline", `{"a":"1"}` + "\n", []string{"1"}, ""},
		{"several", `{"a":"1"}{"a":"2"} {}` + "\r\n" + `{"A":"4"}`, []string{"1", "2", "-", "4"}, ""},
		{"unknown members", `{"b":1,"c":{"a":"no"},"a":"1"}`, []string{"1"}, ""},
		{"upper-case name", `{"A":"1"}`, []string{"1"}, ""},
		{"duplicate", `{"a":"1","a":"2"}`, []string{"2"}, ""},
		{"duplicate in two cases", `{"a":"1","A":"2"}`, []string{"2"}, ""},
		{"invalid UTF-8", "{\"a\":\"x\xffy\"}", []string{"x\ufffdy"}, ""},
		{"empty", ``, nil, malformed},
		{"blank", " \n", nil, malformed},
		{"array", `[{"a":"1"},{"a":"2"}]`, nil, malformed},
		{"array after an object", `{"a":"1"}[{"a":"2"}]`, nil, malformed},
		{"scalar", `5`, nil, malformed},
		{"null", `null`, nil, malformed},
		{"not JSON", `hello`, nil, unparsable},
		{"truncated", `{"a":"1"}{"a":`, nil, unparsable},
		{"byte order mark", "\ufeff" + `{"a":"1"}`, nil, unparsable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := schema(t, firehoseparquet.Column{Name: "a", Type: "string"})
			if test.code != "" {
				if _, failure := s.Rows([]byte(test.record)); failure == nil || failure.Code != test.code || failure.Message == "" {
					t.Errorf("got %v, want %s", failure, test.code)
				}
				return
			}
			var got []string
			for _, row := range converted(t, s, test.record) {
				text, _ := row["a"].(string)
				if row["a"] == nil {
					text = "-"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A record is converted with all its objects or fails whole. Each failure is reported at the
// position of its record.
func TestSchema_Convert(t *testing.T) {
	t.Parallel()
	const malformed, unparsable = "DataFormatConversion.MalformedData", "DataFormatConversion.ParseError"
	records := []struct{ record, code string }{
		{`{"Name":"a","other":1,"count":7}`, ""},
		{`{"count":"many"}`, malformed},
		{`{"name":"b"}{"name":"c","list":[],"count":7}`, ""},
		{`not JSON`, unparsable},
		{`[{"name":"x"}]`, malformed},
		{`{"list":["x",null]}`, ""},
		{"\n", malformed},
		{`{"name":"lost"}{"count":"with it"}`, malformed},
	}
	var input [][]byte
	for _, r := range records {
		input = append(input, []byte(r.record))
	}
	s := schema(t, firehoseparquet.Column{Name: "name", Type: "string"}, firehoseparquet.Column{Name: "count", Type: "bigint"},
		firehoseparquet.Column{Name: "list", Type: "array<string>"})
	file, failures, err := s.Convert(input, firehose.Snappy)
	if err != nil || len(failures) != len(records) {
		t.Fatalf("%d failures for %d records, %v", len(failures), len(records), err)
	}
	for i, r := range records {
		code := ""
		if failures[i] != nil {
			code = failures[i].Code
		}
		if code != r.code {
			t.Errorf("%s: code %q, want %q", r.record, code, r.code)
		}
	}
	rows, err := firehoseparquet.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"name": "a", "count": int64(7), "list": nil},
		{"name": "b", "count": nil, "list": nil},
		{"name": "c", "count": int64(7), "list": array{}},
		{"name": nil, "count": nil, "list": array{"x", nil}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if file, failures, err := s.Convert([][]byte{[]byte("not JSON")}, firehose.Snappy); file != nil || len(failures) != 1 || err != nil {
		t.Errorf("nothing to convert: %d bytes, %v, %v; want no file", len(file), failures, err)
	}
}

func TestParse_refusals(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		"timestamp": `"timestamp" is not emulated`, "decimal(10,2)": "not emulated", "uniontype<int>": "not emulated", "": "not emulated",
		"array<string": "missing", "array": "missing", "string>": "at the end", "map<string>": "missing",
		"map<array<int>,int>": "key", "struct<a:int,a:int>": "duplicate", "struct<>": "empty", "struct<a>": "missing", "varchar(1": "length",
		strings.Repeat("array<", 40) + "int" + strings.Repeat(">", 40): "deeper",
	} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			_, err := firehoseparquet.Parse([]firehoseparquet.Column{{Name: "fine", Type: "int"}, {Name: "bad", Type: typ}})
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"bad"`) {
				t.Errorf("got %v, want an error with %q about the column", err, want)
			}
		})
	}
	for name, columns := range map[string][]firehoseparquet.Column{
		"no columns": nil, "duplicate": {{Name: "a", Type: "int"}, {Name: "A", Type: "int"}}, "no name": {{Type: "int"}},
	} {
		if _, err := firehoseparquet.Parse(columns); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestSchema_Encode_compressions(t *testing.T) {
	t.Parallel()
	s := schema(t, firehoseparquet.Column{Name: "a", Type: "string"})
	rows, _ := s.Rows([]byte(strings.Repeat(`{"a":"the same again"}`, 1_000)))
	for _, compression := range []string{firehose.Snappy, firehose.GZIP, firehose.Uncompressed} {
		file, err := s.Encode(rows, compression)
		if err != nil {
			t.Fatal(err)
		}
		if (len(file) > 14_000) != (compression == firehose.Uncompressed) {
			t.Errorf("%s: %d bytes", compression, len(file))
		}
		if back, err := firehoseparquet.Decode(file); err != nil || len(back) != 1_000 || back[999]["a"] != "the same again" {
			t.Errorf("%s: reading back: %v", compression, err)
		}
	}
	if _, err := s.Encode(rows, "ZSTD"); err == nil {
		t.Error("an unsupported compression was accepted")
	}
}

// Every record is either converted or fails. All rows can be encoded and read back with all
// columns.
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
			t.Fatalf("got both %d rows and failure %v", len(rows), failure)
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
				t.Fatalf("row %v lacks columns", row)
			}
		}
	})
}
