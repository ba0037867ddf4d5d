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
				if start := bytes.TrimSpace(chunk); len(start) > 0 && !bytes.HasPrefix(start, []byte(`{"query_name"`)) {
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
