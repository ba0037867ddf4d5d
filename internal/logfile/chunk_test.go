package logfile

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestObjectLength(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     int
	}{
		{"an object", `{"a":1}`, 7},
		{"white space first", " \n{}", 4},
		{"followed by another", `{}{}`, 2},
		{"braces in a string", `{"a":"}{"}`, 10},
		{"an escaped quote", `{"a":"\"}"}`, 11},
		{"on several lines", "{\n\"a\": [{},\n{}]\n}", 17},
		{"truncated", `{"a":{}`, 0},
		{"truncated in a string", "{\"a\":\"b\n{}", -1},
		{"truncated before the next", "{\"a\":1\n{}", -1},
		{"not an object", `hello {}`, -1},
		{"an array", `[{}]`, 3},
		{"the rest of an array", ",\n{}]", 4},
		{"the end of an array", "]\n", 0},
		{"a byte order mark", "\ufeff{}", 5},
		{"after a time", `2026-11-01T10:00:00.000Z {"a":1}`, 32},
		{"after a time and a stream", "2026-11-01T10:00:00.000000+00:00 vpc-1_i-1 {\n}", 46},
		{"after milliseconds", "1793527200000\t{}", 16},
		{"time on another line", "2026-11-01T10:00:00.000Z\n{}", -1},
		{"after a time in quotes", `"10:00" {}`, -1},
		{"empty", ``, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := objectLength([]byte(test.in)); got != test.want {
				t.Errorf("objectLength(%q) = %d, want %d", test.in, got, test.want)
			}
		})
	}
}

// For every layout, the chunks together are the text, and no chunk begins within a record.
func TestChunker_layouts(t *testing.T) {
	record := `{"query_name":"` + strings.Repeat("x", 300) + `.example.","answers":[{"Rdata":"}{"}]}`
	pretty := strings.ReplaceAll(record, ",", ",\n  ")
	for _, test := range []struct{ name, separator, record string }{
		{"one on each line", "\n", record},
		{"array on one line", ",", record},
		{"array with one on each line", ",\n", record},
		{"array with records on several lines", ",\n", pretty},
		{"CRLF", "\r\n", record},
		{"no line ends", "", record},
		{"on several lines", "\n", pretty},
		{"blank lines between", "\n\n\n", record},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Repeat(test.record+test.separator, 3*chunkBytes/len(test.record))
			cut := chunker{reader: iotest.HalfReader(strings.NewReader(text)), line: 1}
			var joined bytes.Buffer
			chunks := 0
			for ; ; chunks++ {
				chunk, line, err := cut.next(nil)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if start := chunk[fillerLength(chunk):]; len(start) > 0 && !bytes.HasPrefix(start, []byte(`{"query_name"`)) {
					t.Fatalf("chunk %d begins with %.40q", chunks, start)
				}
				if want := 1 + bytes.Count(joined.Bytes(), []byte{'\n'}); line != want {
					t.Fatalf("chunk %d begins at line %d, want %d", chunks, line, want)
				}
				joined.Write(chunk)
			}
			if joined.String() != text {
				t.Errorf("the chunks have %d bytes, want %d", joined.Len(), len(text))
			}
			if chunks < 3 {
				t.Errorf("%d chunks: the text was not cut", chunks)
			}
		})
	}
}

// Records after a time are cut between records too, if they have several lines.
func TestChunker_prefix(t *testing.T) {
	for _, record := range []string{`{"query_name":"x.example."}`, "{\n  \"query_name\": \"x.example.\",\n  \"answers\": [\n{}\n]\n}"} {
		one := "2026-11-01T10:00:00.000000+00:00 vpc-1_i-1 " + record + "\n"
		cut := chunker{reader: strings.NewReader(strings.Repeat(one, 3*chunkBytes/len(one))), line: 1}
		chunks := 0
		for ; ; chunks++ {
			chunk, _, err := cut.next(nil)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.TrimSpace(string(chunk)); !strings.HasPrefix(text, "2026-") || !strings.HasSuffix(text, "}") {
				t.Fatalf("chunk %d begins with %.60q and ends with %q", chunks, text, text[max(0, len(text)-20):])
			}
		}
		if chunks < 3 {
			t.Errorf("%d chunks: the text was not cut", chunks)
		}
	}
}

func TestChunker_noRecord(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`{"a":"`), io.LimitReader(zeros{}, maxRecordBytes+1))
	cut := chunker{reader: endless, line: 1}
	if _, _, err := cut.next(nil); err == nil || !strings.Contains(err.Error(), "not a Resolver query log") {
		t.Errorf("an endless record gives %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRecords(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []string // records
		refused  []int    // lines
	}{
		{"lines", "{1}\n{2}\n", []string{"{1}", "{2}"}, nil},
		{"no line end after the last line", "{1}\n{2}", []string{"{1}", "{2}"}, nil},
		{"an object on several lines", "{\n1\n}\n{2}\n", []string{"{\n1\n}", "{2}"}, nil},
		{"a bad line between", "{1}\nnonsense\n{2}\n", []string{"{1}", "{2}"}, []int{11}},
		{"a truncated line", "{1\n{2}\n", []string{"{2}"}, []int{10}},
		{"an array", "[{1},{2}]\n", []string{"{1}", "{2}"}, nil},
		{"an array with one on each line", "[\n{1},\n{2}\n]\n{3}", []string{"{1}", "{2}", "{3}"}, nil},
		{"an array with objects on several lines", "[{\n1\n},{2}, {\n3}\n]", []string{"{\n1\n}", "{2}", "{\n3}"}, nil},
		{"text between the elements of an array", "[{1},\nx {2}]\n{3}\n", []string{"{1}", "{3}"}, []int{11}},
		{"text after an object", "{1}\n{2} x\n{3}", []string{"{1}", "{2}", "{3}"}, []int{11}},
		{"byte order marks", "\ufeff{1}\n\ufeff{2}\n", []string{"{1}", "{2}"}, nil},
		{"after a time", "10:00 {1}\n10:01 words\n10:02 {\n2\n}\n", []string{"{1}", "{\n2\n}"}, []int{11}},
		{"before and after tabs", "EVENTS\t1793527200000\t{1}\tstream\t1793527200000\n{2}\n", []string{"{1}", "{2}"}, nil},
		{"encoded as texts", `"{1}"` + "\n[\"{2}\",\"{\\n3}\"]\n", []string{"{1}", "{2}", "{\n3}"}, nil},
		{"a text that is not a record", `"hello"` + "\n{1}\n", []string{"{1}"}, []int{10}},
		{"a table", "@timestamp,@message\n2026,\"{1}\"\n2026,no\n\"{\"\"2\"\"}\",2026\n", []string{"{1}", `{"2"}`}, []int{12}},
		{"the line of an error after an object with lines", "{\n1\n}\nx\n{2}", []string{"{\n1\n}", "{2}"}, []int{13}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			var refused []int
			mark := func(record []byte) error {
				record = bytes.TrimSpace(record)
				if !bytes.HasPrefix(record, []byte("{")) || !bytes.HasSuffix(record, []byte("}")) {
					if len(record) > 0 {
						return errors.New("not an object")
					}
					return nil
				}
				got = append(got, string(record))
				return nil
			}
			Records([]byte(test.in), 10, mark, func(line int, _ error) { refused = append(refused, line) })
			if strings.Join(got, "|") != strings.Join(test.want, "|") {
				t.Errorf("records %q, want %q", got, test.want)
			}
			if len(refused) != len(test.refused) || len(refused) > 0 && refused[0] != test.refused[0] {
				t.Errorf("refused lines %v, want %v", refused, test.refused)
			}
		})
	}
}
