package feed_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// repeat writes a line for each of n numbers.
func repeat(format string, n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, format, i)
	}
	return text.String()
}

// The format and the columns are decided by the whole list and not by its first lines. Each of
// these lists is longer than what is read at once.
func TestParse_wholeList(t *testing.T) {
	t.Parallel()
	const many = 40_000
	names := repeat("a%05d.example\n", many)
	tests := []struct {
		name, in string
		want     feed.Format
		accepted int
		err      error
	}{
		{"rules after many names", names + repeat("||b%05d.example^\n", many), feed.Adblock, 2 * many, nil},
		{"hosts after a few names", repeat("a%d.example\n", 30) + repeat("0.0.0.0 b%05d.example\n", many), feed.Hosts, many, nil},
		{"rows that contradict the column", "no,plek,van\n" + repeat("%d,a.example,x\n", 10) + repeat("%d,x,b.example\n", many), feed.CSV, many, nil},
		{"a column of URLs that turns out to repeat one host", repeat("a%05d.example,https://blog.vendor.test/x\n", many), feed.CSV, many, nil},
		{
			"two columns of names, of which the first lines have one",
			repeat("a%05d.example,\n", 100) + repeat("b%05d.example,c.example\n", many/2) + repeat("d%05[1]d.example,e%05[1]d.example\n", many), feed.CSV, 0, feed.ErrUnclear,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for kind, r := range readers(t, tt.in) {
				report, err := feed.Parse(r, feed.Options{}, ignore)
				if report.Format != tt.want || !errors.Is(err, tt.err) || report.Accepted < tt.accepted {
					t.Errorf("%s: read as %s, %d accepted, %v; want %s, %d, %v", kind, report.Format, report.Accepted, err, tt.want, tt.accepted, tt.err)
				}
			}
		})
	}
}

// readers returns the text as an input that can seek, as one that cannot, and packed.
func readers(t *testing.T, text string) map[string]io.Reader {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string]io.Reader{
		"file":   strings.NewReader(text),
		"stream": struct{ io.Reader }{strings.NewReader(text)},
		"gzip":   struct{ io.Reader }{&packed},
	}
}

// A list whose later rows do not have their indicators in the chosen column is refused. The
// sample cannot see them, because they are few.
func TestParse_lateContradiction(t *testing.T) {
	t.Parallel()
	text := "no,plek,van\n" + repeat("%d,a%[1]d.example,x\n", 50) + repeat("%d,x y,b%[1]d.example\n", 10)
	_, _, err := read(t, text, feed.Options{})
	if !errors.Is(err, feed.ErrUnclear) {
		t.Errorf("error %v, want %v", err, feed.ErrUnclear)
	}
	if _, _, err := read(t, text, feed.Options{Column: "plek"}); err != nil {
		t.Errorf("with the column named: %v", err)
	}
}

// An error of the input shows up as itself, however the list is read.
func TestParse_errorAfterTheSample(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	r := io.MultiReader(strings.NewReader(repeat("a%05d.example\n", 40_000)), errorReader{broken})
	n := 0
	_, err := feed.Parse(r, feed.Options{}, func(*indicator.Indicator) error { n++; return nil })
	if !errors.Is(err, broken) {
		t.Errorf("%d entries, error %v, want %v", n, err, broken)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
