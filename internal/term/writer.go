package term

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// Writer applies [printable.Text] to everything that is written to it, except for the sequences of
// our own colors if it has colors. It is safe for concurrent use.
type Writer struct {
	mu      sync.Mutex
	out     io.Writer
	text    *printable.Writer
	colored bool
	rest    []byte // the beginning of a sequence that the last write cut
}

// NewWriter returns a writer to out, without colors.
func NewWriter(out io.Writer) *Writer {
	return &Writer{out: out, text: printable.NewWriter(out)}
}

// SetColors turns colors on or off. It is called before anything is written.
func (w *Writer) SetColors(on bool) { w.colored = on }

// Unwrap returns the writer below.
func (w *Writer) Unwrap() io.Writer { return w.out }

// Write writes p. The beginning of a sequence at its end waits for the next write.
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
	at := bytes.IndexByte(w.rest, sequences[0][0])
	if at < 0 {
		at = len(w.rest)
	}
	if at > 0 {
		_, err := w.text.Write(w.rest[:at])
		return at, err
	}

	for _, sequence := range sequences {
		if bytes.HasPrefix(w.rest, []byte(sequence)) {
			if err := w.text.Close(); err != nil { // it may hold half a rune
				return 0, err
			}
			_, err := io.WriteString(w.out, sequence)
			return len(sequence), err
		}
		if strings.HasPrefix(sequence, string(w.rest)) {
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
