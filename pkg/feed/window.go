package feed

import (
	"bytes"
	"errors"
	"io"
)

// windowBytes is the first size of a window, and how much of a list its format is
// judged by.
const windowBytes = 256 << 10

// maxEmptyReads is how often a reader may return nothing before it counts as broken.
const maxEmptyReads = 100

// window shows a stream piece by piece: lines for the line formats, values for JSON.
// What it returns is valid until the next call.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int   // of what is not consumed
	offset     int64 // of buf in the stream
	err        error // sticky; io.EOF at the end
}

func newWindow(r io.Reader) *window { return &window{r: r, buf: make([]byte, windowBytes)} }

// head fills the window, drops a byte order mark, and returns all that is there. An
// error of the stream but for its end is returned.
func (w *window) head() ([]byte, error) {
	for w.end < len(w.buf) && w.err == nil {
		w.end += w.read()
	}
	if w.err != nil && !errors.Is(w.err, io.EOF) {
		return nil, w.err
	}
	if bytes.HasPrefix(w.buf[:w.end], byteOrderMark) {
		w.start = len(byteOrderMark)
	}
	return w.buf[w.start:w.end], nil
}

// line returns the next line without its end, or false after the last one.
func (w *window) line(limit int) (line []byte, ok bool, err error) {
	searched := 0
	for {
		if i := bytes.IndexByte(w.buf[w.start+searched:w.end], '\n'); i >= 0 {
			line = w.buf[w.start : w.start+searched+i]
			w.start += len(line) + 1
			return line, true, checkLine(line, limit)
		}
		searched = w.end - w.start
		if searched > limit+1 { // the one may be a carriage return
			return nil, false, refuse(ErrLongLine, 0, "over %d bytes", limit)
		}
		if w.more() {
			continue
		}
		if !errors.Is(w.err, io.EOF) {
			return nil, false, w.err
		}
		line = w.buf[w.start:w.end]
		w.start = w.end
		return line, len(line) > 0, checkLine(line, limit)
	}
}

func checkLine(line []byte, limit int) error {
	if len(line) > limit && len(bytes.TrimSuffix(line, []byte{'\r'})) > limit {
		return refuse(ErrLongLine, 0, "over %d bytes", limit)
	}
	return nil
}

// more reads on, and reports whether there is more to see.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	w.makeRoom()
	n := w.read()
	fresh := w.buf[w.end : w.end+n]
	// No text holds a NUL; a file that was cut off by a crash ends in many.
	if i := bytes.IndexByte(fresh, 0); i >= 0 {
		n = i
		w.err = refuse(ErrBinary, 0, "NUL at byte %d", w.offset+int64(w.end+n))
	}
	w.end += n
	return n > 0
}

func (w *window) read() (n int) {
	for range maxEmptyReads {
		if n, w.err = w.r.Read(w.buf[w.end:]); n > 0 || w.err != nil {
			return n
		}
	}
	w.err = io.ErrNoProgress
	return 0
}

// makeRoom moves what is not consumed to the front, or else grows.
func (w *window) makeRoom() {
	switch {
	case w.end < len(w.buf):
		return
	case w.start > 0:
		copy(w.buf, w.buf[w.start:w.end])
		w.offset += int64(w.start)
		w.end -= w.start
		w.start = 0
	default: // one value fills it; the caller bounds how long a value may be
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
}
