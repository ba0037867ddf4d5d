package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/feed/spool"
)

const (
	// maxZstdWindow limits the memory of a zstd decoder. `zstd -19` uses 8 MiB.
	maxZstdWindow = 32 << 20
	// ratioFloor is how many bytes a list may expand to before its ratio counts.
	ratioFloor = 1 << 20
	// readAhead is the size of the buffer in front of a decompressor.
	readAhead = 64 << 10
)

// source is a list after decompression, with its limits enforced.
type source struct {
	raw         *countingReader
	text        io.Reader
	compression string
	limits      Limits
	n           int64 // bytes of text read
	close       func()
}

// openSource finds the compression from the first bytes of r. Closing the source does not
// close r.
func openSource(r io.Reader, limits Limits) (*source, error) {
	s := &source{
		raw:    &countingReader{r: r, limit: limits.InputBytes},
		limits: limits,
		close:  func() {},
	}
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
		// A single goroutine is enough, because the caller reads the list in order.
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
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

// explain turns an error of the archive into a refusal. An error of the underlying reader
// says nothing about the list, so it is passed on.
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

// countingReader counts the bytes of a list before decompression and enforces their limit.
type countingReader struct {
	r     io.Reader
	n     int64
	limit int64
	err   error // from r, unless it is io.EOF
}

func (c *countingReader) Read(p []byte) (int, error) {
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

// isZstd also recognizes skippable frames, which parallel compressors write first (RFC 8878
// section 3.1.2).
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

// archives lists the first bytes of files that are not text. gzip and zstd are listed
// because they are only supported as the outermost layer.
var archives = []struct{ name, magic string }{
	{"gzip", "\x1f\x8b"},
	{"zstd", "\x28\xb5\x2f\xfd"},
	{"zip", "PK\x03\x04"},
	{"zip", "PK\x05\x06"},
	{"bzip2", "BZh91AY&SY"},
	{"xz", "\xfd7zXZ\x00"},
	{"7z", "7z\xbc\xaf\x27\x1c"},
	{"rar", "Rar!\x1a\x07"},
	{"lz4", "\x04\x22\x4d\x18"},
	{"PDF", "%PDF-"},
}

// A tar archive has its magic bytes at an offset (POSIX.1 ustar).
const (
	tarMagic  = "ustar"
	tarOffset = 257
)

// archiveName returns the kind of archive that starts with head, or "".
func archiveName(head []byte) string {
	for _, archive := range archives {
		if bytes.HasPrefix(head, []byte(archive.magic)) {
			return archive.name
		}
	}
	if len(head) > tarOffset && bytes.HasPrefix(head[tarOffset:], []byte(tarMagic)) {
		return "tar"
	}
	return ""
}

// windowBytes is the initial size of a window, and the length of the head from which the
// format is detected.
const windowBytes = 256 << 10

// maxEmptyReads is how often in a row a reader may return nothing before it counts as broken.
const maxEmptyReads = 100

// byteOrderMark is the UTF-8 byte order mark, which some editors put at the start of a file.
var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

// window shows a stream piece by piece: lines for the line formats, values for JSON. The bytes
// that it returns are valid until the next call.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int   // the part of buf that is not consumed
	offset     int64 // of buf in the stream
	err        error // sticky; io.EOF at the end
	marked     bool  // there is a byte order mark after the one at the start
	dropping   bool  // the rest of the current line is not wanted
}

func newWindow(r io.Reader) *window { return &window{r: r, buf: make([]byte, windowBytes)} }

// head fills the window, drops a byte order mark, and returns the rest. The end of the
// stream is not an error.
func (w *window) head() ([]byte, error) {
	for w.end < len(w.buf) && w.err == nil {
		w.end += w.read()
	}
	if w.err != nil && !errors.Is(w.err, io.EOF) {
		return nil, w.err
	}
	if bytes.HasPrefix(w.buf[:w.end], byteOrderMark) {
		w.start = len(byteOrderMark)
		w.marked = bytes.Contains(w.buf[w.start:w.end], byteOrderMark)
	}
	return w.buf[w.start:w.end], nil
}

// nextLine returns the next line without its line feed, or false after the last one. If a line is
// over the limit, it returns only the head and sets cut.
func (w *window) nextLine(limit int) (line []byte, cut, ok bool, err error) {
	if w.dropping {
		if err := w.dropLine(); err != nil {
			return nil, false, false, err
		}
	}

	searched := 0
	for {
		if i := bytes.IndexByte(w.buf[w.start+searched:w.end], '\n'); i >= 0 {
			line = w.buf[w.start : w.start+searched+i]
			w.start += len(line) + 1
			if len(line) > limit {
				line, cut = cutLine(line, limit)
			}
			return line, cut, true, nil
		}
		searched = w.end - w.start
		if searched > limit+1 { // one more byte may be a carriage return
			w.dropping = true
			return w.buf[w.start : w.start+limit], true, true, nil
		}
		if w.more() {
			continue
		}
		if !errors.Is(w.err, io.EOF) {
			return nil, false, false, w.err
		}
		line = w.buf[w.start:w.end]
		w.start = w.end
		line, cut = cutLine(line, limit)
		return line, cut, len(line) > 0, nil
	}
}

// cutLine returns the head of a line if it is over the limit.
func cutLine(line []byte, limit int) (head []byte, cut bool) {
	if len(bytes.TrimSuffix(line, []byte{'\r'})) > limit {
		return line[:limit], true
	}
	return line, false
}

// dropLine moves past the rest of a line whose head was returned.
func (w *window) dropLine() error {
	for {
		if i := bytes.IndexByte(w.buf[w.start:w.end], '\n'); i >= 0 {
			w.start += i + 1
			break
		}
		w.start = w.end
		if !w.more() {
			if !errors.Is(w.err, io.EOF) {
				return w.err
			}
			break
		}
	}
	w.dropping = false
	return nil
}

// more reads more of the stream into the window, and reports whether it got anything.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	w.makeRoom()
	n := w.read()
	fresh := w.buf[w.end : w.end+n]
	// Text never contains a NUL, but a file that was being written during a crash ends in
	// many of them.
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
			overlap := max(w.start, w.end+1-len(byteOrderMark))
			w.marked = w.marked || bytes.Contains(w.buf[overlap:w.end+n], byteOrderMark)
			return n
		}
	}
	w.err = io.ErrNoProgress
	return 0
}

// makeRoom frees space at the end of the window: it moves the part that is not consumed to
// the front, or else grows the window.
func (w *window) makeRoom() {
	switch {
	case w.end < len(w.buf):
		return
	case w.start > 0:
		copy(w.buf, w.buf[w.start:w.end])
		w.offset += int64(w.start)
		w.end -= w.start
		w.start = 0
	default: // a single value fills the window; the caller limits how long a value may be
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
}

// opening is a list at its start: the window to read it from, and its sample.
type opening struct {
	again  *spool.Spool
	source *source
	in     *window
	mark   int  // of the start of the list in the window
	whole  bool // the window has the whole list
	sample *spool.Sample
	found  *tableText // in the sample, once it was looked for
}

// open opens a list and takes its sample. If the list is longer than a window, it is read twice:
// once for the sample.
func open(again *spool.Spool, o *Options) (*opening, error) {
	opened := &opening{again: again}
	head, err := opened.start(o)
	if err != nil {
		return opened, err
	}
	opened.sample = spool.Whole(head)
	if opened.whole || !needsSample(head, o) {
		return opened, nil
	}
	var taken *spool.Sample
	if opened.source.compression == "" {
		if taken, err = again.TakeAt(opened.mark); err != nil {
			return opened, err
		}
	}
	if taken == nil {
		taken = spool.Take(head, opened.source)
	}
	if err := opened.restart(o); err != nil {
		return opened, err
	}
	taken.Head = opened.in.buf[opened.in.start:opened.in.end]
	opened.sample = taken
	return opened, nil
}

// start opens the list and returns its head.
func (p *opening) start(o *Options) (head []byte, err error) {
	if p.source, err = openSource(p.again, o.Limits.withDefaults()); err != nil {
		return nil, err
	}
	if p.in == nil {
		p.in = newWindow(p.source)
	} else {
		p.in = &window{r: p.source, buf: p.in.buf}
	}
	head, err = p.in.head()
	p.mark, p.whole = p.in.start, errors.Is(p.in.err, io.EOF)
	return head, err
}

// restart goes back to the start of the list.
func (p *opening) restart(o *Options) error {
	if p.whole {
		p.in.start = p.mark
		return nil
	}
	p.source.Close()
	if err := p.again.Rewind(); err != nil {
		return err
	}
	_, err := p.start(o)
	return err
}

// needsSample reports whether anything is decided by the lines of a list.
func needsSample(head []byte, o *Options) bool {
	return !looksLikeJSON(head) && (o.Format == "" || o.Format == CSV)
}
