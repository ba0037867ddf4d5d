package resolverlog_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

func compress(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// reserve returns compressed data with a reserved flag.
func reserve(zipped []byte) []byte {
	zipped = bytes.Clone(zipped)
	zipped[3] |= 0x80
	return zipped
}

func TestExpander(t *testing.T) {
	t.Parallel()
	text := []byte(record11)
	zipped := compress(t, text)
	for _, tt := range []struct {
		name    string
		record  []byte
		limit   int
		want    string
		wantErr error
	}{
		{"plain", text, 10, record11, nil},
		{"empty", nil, 10, "", nil},
		{"gzip", zipped, len(text), record11, nil},
		{"gzip with the highest limit", zipped, math.MaxInt, record11, nil},
		{"several gzip members", append(bytes.Clone(zipped), zipped...), math.MaxInt, record11 + record11, nil},
		{"one byte over the limit", zipped, len(text) - 1, "", &resolverlog.TooLargeError{Limit: len(text) - 1}},
		{"gzip bomb", compress(t, make([]byte, 1<<24)), 1 << 16, "", &resolverlog.TooLargeError{Limit: 1 << 16}},
		{"truncated", zipped[:len(zipped)-5], math.MaxInt, "", io.ErrUnexpectedEOF},
		{"magic only", []byte{0x1f, 0x8b}, math.MaxInt, "", io.ErrUnexpectedEOF},
		{"a flag that RFC 1952 reserves", reserve(zipped), math.MaxInt, "", kgzip.ErrHeader},
		{"such a flag in the second member", append(bytes.Clone(zipped), reserve(zipped)...), math.MaxInt, "", kgzip.ErrHeader},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var e resolverlog.Expander
			for range 2 { // the second time with reused memory
				got, err := e.Expand(tt.record, tt.limit)
				if string(got) != tt.want || !sameError(err, tt.wantErr) {
					t.Errorf("got %q, error %v; want %q, %v", got, err, tt.want, tt.wantErr)
				}
			}
		})
	}
}

// What counts as expanded is what the expander worked for, whether it failed or not.
func TestExpander_Expanded(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("x"), 5000)
	zipped := compress(t, text)
	var e resolverlog.Expander
	for _, tt := range []struct {
		name   string
		record []byte
		limit  int
		want   int
	}{
		{"all", zipped, 5000, 5000},
		{"up to the limit", zipped, 1000, 1001},
		{"not compressed", text, 5000, 0},
		{"all, and the checksum is wrong", append(bytes.Clone(zipped[:len(zipped)-8]), 0, 0, 0, 0, 0, 0, 0, 0), 5000, 5000},
		{"no header", zipped[:5], 5000, 0},
		{"reserved flag", reserve(zipped), 5000, 0},
	} {
		_, _ = e.Expand(tt.record, tt.limit) // see TestExpander
		if got := e.Expanded(); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", tt.name, got, tt.want)
		}
	}
}

func sameError(got, want error) bool {
	var large *resolverlog.TooLargeError
	if errors.As(want, &large) {
		limit := large.Limit
		return errors.As(got, &large) && large.Limit == limit
	}
	return errors.Is(got, want)
}

func TestExpander_allocatesNothing(t *testing.T) {
	zipped := compress(t, []byte(record11))
	var e resolverlog.Expander
	if n := testing.AllocsPerRun(100, func() {
		if _, err := e.Expand(zipped, 1<<20); err != nil {
			t.Fail()
		}
	}); n > 1 { // the io.LimitReader
		t.Errorf("%v allocations", n)
	}
}
