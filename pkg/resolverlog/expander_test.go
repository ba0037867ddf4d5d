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
