// Package printable makes text of others safe to show. File names, list entries and DNS names
// can hold control characters, which a terminal obeys, and marks that reorder the text around
// them. Such characters become escapes, so that a reader sees them and nothing obeys them.
//
// [Line] is for one field of a line, [Text] and [NewWriter] are for whole output, whose lines
// and tabs they keep. JSON in it stays valid JSON with the same meaning.
package printable

import (
	"io"
	"strconv"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns text without line ends, tabs, control characters, marks that do not show, and
// invalid UTF-8. They become the escapes \n, \t, \x1b, \u202e and \xff.
func Line(text string) string { return escaped(text, isLine) }

// Text is like [Line], but keeps line ends and tabs.
func Text(text string) string { return escaped(text, isText) }

func isLine(r rune) bool { return unicode.IsGraphic(r) }

func isText(r rune) bool { return r == '\n' || r == '\t' || unicode.IsGraphic(r) }

func escaped(text string, keep func(rune) bool) string {
	if isPlain(text, keep) {
		return text
	}
	dst, _ := appendEscaped(nil, text, keep, true)
	return string(dst)
}

// isPlain reports whether a text is ASCII that is kept as it is. Other texts may be kept too.
func isPlain[T string | []byte](text T, keep func(rune) bool) bool {
	for i := range len(text) {
		if c := text[i]; (c < ' ' || c > '~') && (c >= utf8.RuneSelf || !keep(rune(c))) {
			return false
		}
	}
	return true
}

// appendEscaped appends text to dst and returns the number of bytes that it read. Unless the
// text ends here, it leaves the beginning of a rune at the end unread.
func appendEscaped[T string | []byte](dst []byte, text T, keep func(rune) bool, ends bool) ([]byte, int) {
	for i := 0; i < len(text); {
		here := []byte(text[i:min(i+utf8.UTFMax, len(text))])
		if !ends && !utf8.FullRune(here) {
			return dst, i
		}
		r, size := utf8.DecodeRune(here)
		switch {
		case r == utf8.RuneError && size <= 1:
			dst = appendHex(append(dst, `\x`...), rune(here[0]), 2)
		case keep(r):
			dst = append(dst, here[:size]...)
		default:
			dst = appendEscape(dst, r)
		}
		i += size
	}
	return dst, len(text)
}

// appendEscape appends the escape of a rune. One that JSON could contain as it is becomes an
// escape of JSON.
func appendEscape(dst []byte, r rune) []byte {
	switch {
	case r < ' ':
		quoted := strconv.AppendQuoteRune(nil, r) // such as '\n' or '\x1b'
		return append(dst, quoted[1:len(quoted)-1]...)
	case r > 0xFFFF:
		high, low := utf16.EncodeRune(r)
		return appendEscape(appendEscape(dst, high), low)
	default:
		return appendHex(append(dst, `\u`...), r, 4)
	}
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[r>>shift&0xF])
	}
	return dst
}

// Writer applies [Text] to everything that is written to it. It is safe for concurrent use, and
// passes each write on as one write.
type Writer struct {
	mu   sync.Mutex
	out  io.Writer
	rest []byte // the beginning of a rune that the last write cut
	text []byte // reused
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Unwrap returns the writer below, for control characters of our own.
func (w *Writer) Unwrap() io.Writer { return w.out }

// Write writes p. The beginning of a rune at its end waits for the next write.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) == 0 && isPlain(p, isText) {
		return w.out.Write(p)
	}
	w.rest = append(w.rest, p...)
	text, n := appendEscaped(w.text[:0], w.rest, isText, false)
	w.rest, w.text = append(w.rest[:0], w.rest[n:]...), text
	if _, err := w.out.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what waits for the rest of a rune. It does not close the writer below.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, _ := appendEscaped(nil, w.rest, isText, true)
	w.rest = nil
	if len(text) == 0 {
		return nil
	}
	_, err := w.out.Write(text)
	return err
}
