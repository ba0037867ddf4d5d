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
