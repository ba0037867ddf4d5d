package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/resolverwatch/resolverwatch/pkg/feed/spool"
)

// An input can be read again from wherever the first reading ended.
func TestSpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	text := strings.Repeat("0123456789abcdef\n", 200_000) // over what is kept in memory
	for name, input := range map[string]func() io.Reader{
		"an input that can seek":      func() io.Reader { return strings.NewReader(text) },
		"an input that cannot":        func() io.Reader { return struct{ io.Reader }{strings.NewReader(text)} },
		"an input in pieces":          func() io.Reader { return iotest.HalfReader(strings.NewReader(text)) },
		"an input with a late end":    func() io.Reader { return iotest.DataErrReader(strings.NewReader(text)) },
		"an input that is read later": func() io.Reader { r := strings.NewReader("x" + text); _, _ = r.ReadByte(); return r },
	} {
		for _, first := range []int64{0, 10, 1 << 20, 2 << 20, int64(len(text))} {
			s := spool.New(input())
			if n, err := io.CopyN(io.Discard, s, first); n != first || err != nil {
				t.Fatalf("%s: read %d, %v", name, n, err)
			}
			if err := s.Rewind(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(s); err != nil || string(got) != text {
				t.Errorf("%s, again after %d bytes: %d bytes, %v", name, first, len(got), err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// An error of the input is repeated after what came before it.
func TestSpool_error(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	s := spool.New(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)))
	for range 2 {
		if got, err := io.ReadAll(s); string(got) != "abc" || !errors.Is(err, broken) {
			t.Errorf("%q, %v", got, err)
		}
		if err := s.Rewind(); err != nil {
			t.Fatal(err)
		}
	}
}

// A full disk is an error that says what is needed.
func TestSpool_noRoom(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	_, err := io.Copy(io.Discard, spool.New(struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 2<<20))}))
	if err == nil || !strings.Contains(err.Error(), "read it twice") {
		t.Errorf("error %v", err)
	}
}

// A sample has whole lines from all over the list, whatever its length, and no more than 256 KiB.
func TestTake(t *testing.T) {
	t.Parallel()
	for _, lines := range []int{1, 100, 10_000, 100_000, 1_000_000} {
		var text bytes.Buffer
		for i := range lines {
			fmt.Fprintf(&text, "line %d end\n", i)
		}
		whole := text.String()
		head := text.Next(min(text.Len(), 100_000))
		s := spool.Take(head, &text)
		if again, err := spool.New(strings.NewReader("bom" + whole)).TakeAt(3); err != nil || !slices.EqualFunc(again.Runs, s.Runs, bytes.Equal) {
			t.Errorf("%d lines: another sample by seeking, %v", lines, err)
		}
		size, last := 0, -1
		s.EachLine(func(line []byte) bool {
			var number int
			if n, err := fmt.Sscanf(string(line), "line %d end", &number); n != 1 || err != nil || number <= last {
				t.Fatalf("%d lines: %q after line %d", lines, line, last)
			}
			last = number
			size += len(line) + 1
			return true
		})
		if size > 1<<18 || last < lines*93/100-1 {
			t.Errorf("%d lines: %d bytes, the last line is %d", lines, size, last)
		}
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ n, most int }{{0, 10}, {5, 10}, {10, 10}, {11, 10}, {1000, 10}, {1_000_000, 2048}} {
		picked := spool.Pick(tt.n, tt.most)
		if len(picked) != min(tt.n, tt.most) {
			t.Errorf("%d of %d: %d picked", tt.most, tt.n, len(picked))
		}
		for i, index := range picked {
			if index >= tt.n || i > 0 && index <= picked[i-1] {
				t.Errorf("%d of %d: %d after %d", tt.most, tt.n, index, picked[i-1])
			}
		}
	}
}
