package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow bounds the memory of a zstd decoder; the window of `zstd -19` is 8 MiB.
	maxWindow = 32 << 20
	// ratioFloor is how much a list may expand before its ratio counts.
	ratioFloor = 1 << 20
	// readAhead is the buffer in front of a decompressor.
	readAhead = 64 << 10
)

// source is a list after decompression, within its limits.
type source struct {
	raw         *counter
	text        io.Reader
	compression string
	limits      Limits
	n           int64 // bytes of text read
	close       func()
}

// open looks at the first bytes of r. The caller closes the source, which does not
// close r.
func open(r io.Reader, limits Limits) (*source, error) {
	s := &source{raw: &counter{r: r, limit: limits.InputBytes}, limits: limits, close: func() {}}
	buffered := bufio.NewReaderSize(s.raw, readAhead)
	magic, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, s.explain(err)
	}
	switch {
	case isGzip(magic):
		s.compression = "gzip"
		var unzip *gzip.Reader
		if unzip, err = gzip.NewReader(buffered); err != nil {
			return nil, s.explain(err)
		}
		s.text = unzip
	case isZstd(magic):
		s.compression = "zstd"
		// One goroutine: the list is read on the caller's, in its order.
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, s.explain(err)
		}
		s.text, s.close = decoder, decoder.Close
	default:
		s.text = buffered
	}
	return s, nil
}

// Read reads uncompressed bytes.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.text.Read(p)
	s.n += int64(n)
	switch {
	case s.n > s.limits.ExpandedBytes:
		return 0, refuse(ErrTooLarge, 0, "over %d bytes uncompressed", s.limits.ExpandedBytes)
	case s.compression != "" && s.n > ratioFloor && s.n/s.limits.Ratio > s.raw.n:
		return 0, refuse(ErrRatio, 0, "%d bytes out of %d", s.n, s.raw.n)
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	}
	return n, s.explain(err)
}

// Close frees the decompressor.
func (s *source) Close() { s.close() }

// explain tells errors of the archive from those of the reader under it.
func (s *source) explain(err error) error {
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		return err
	case s.raw.err != nil:
		return fmt.Errorf("reading list: %w", s.raw.err)
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return refuseFor(ErrTruncated, 0, fmt.Errorf("%s: %w", s.compression, io.ErrUnexpectedEOF))
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return refuseFor(ErrTooLarge, 0, err)
	}
	return refuseFor(ErrCorrupt, 0, fmt.Errorf("%s: %w", s.compression, err))
}

// counter counts and bounds the bytes of a list as they come.
type counter struct {
	r     io.Reader
	n     int64
	limit int64
	err   error // of r, but for the end
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.n > c.limit {
		return 0, refuse(ErrTooLarge, 0, "over %d bytes", c.limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) }

// isZstd also knows skippable frames, with which parallel compressors begin
// (RFC 8878 section 3.1.2).
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

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
