package term

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// Writer applies [printable.Text] to everything that is written to it, except for the colors of its
// own [Colors], if it has some. Text of others cannot have them, because they are signed with a number
// that differs for every writer. It is safe for concurrent use.
type Writer struct {
	mu        sync.Mutex
	out       io.Writer
	text      *printable.Writer
	signature string
	colored   bool
	rest      []byte // the beginning of a signed sequence that the last write cut
}

// NewWriter returns a writer to out, without colors.
func NewWriter(out io.Writer) *Writer {
	signature := fmt.Sprintf(";%d", rand.Uint64()) //nolint:gosec // the generator of the runtime cannot be predicted from outside
	return &Writer{out: out, text: printable.NewWriter(out), signature: signature}
}

// signed returns the sequence of a color as it is written to w. It looks like one to everything that
// measures text.
func (w *Writer) signed(c color) string { return begin + string(c) + w.signature + end }

// SetColors turns colors on or off. It is called before anything is written.
func (w *Writer) SetColors(on bool) { w.colored = on }

// Unwrap returns the writer below.
func (w *Writer) Unwrap() io.Writer { return w.out }

// Write writes p. The beginning of a signed sequence at its end waits for the next write.
func (w *Writer) Write(p []byte) (int, error) {
	if !w.colored {
		return w.text.Write(p)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for len(w.rest) > 0 {
		n, err := w.writePart()
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		w.rest = w.rest[n:]
	}
	return len(p), nil
}

// writePart writes the text up to the next sequence, or a sequence, and returns its length. It
// returns 0 if the rest may be the beginning of a sequence.
func (w *Writer) writePart() (int, error) {
	at := bytes.IndexByte(w.rest, begin[0])
	if at < 0 {
		at = len(w.rest)
	}
	if at > 0 {
		_, err := w.text.Write(w.rest[:at])
		return at, err
	}

	for _, c := range []color{boldRed, red, yellow, green, cyan, reset} {
		signed := w.signed(c)
		if bytes.HasPrefix(w.rest, []byte(signed)) {
			if err := w.text.Close(); err != nil { // it may hold half a rune
				return 0, err
			}
			_, err := io.WriteString(w.out, c.sequence())
			return len(signed), err
		}
		if strings.HasPrefix(signed, string(w.rest)) {
			return 0, nil
		}
	}
	_, err := w.text.Write(w.rest[:1]) // an escape of others
	return 1, err
}

// Close writes what waits for more. It does not close the writer below.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		if _, err := w.text.Write(w.rest); err != nil {
			return err
		}
		w.rest = nil
	}
	return w.text.Close()
}
