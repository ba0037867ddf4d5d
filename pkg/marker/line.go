package marker

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

const (
	// blockBytes is how much text is marked at once.
	blockBytes = 256 << 10
	// maxLineBytes limits one line. Resolver's longest records have some 100 KB.
	maxLineBytes = 16 << 20
	// readBytes is the size of a read from an object, before it is decompressed.
	readBytes = 256 << 10
)

// Errors of objects. None of them is cured by reading the object again.
var (
	errNotGzip  = errors.New("the object is not gzip")
	errCut      = errors.New("the object is cut off or damaged")
	errLongLine = errors.New("the object has a line that is too long")
)

// isOfObject reports whether the cause of an error is the object, and not a service or a setting.
func isOfObject(err error) bool {
	for _, own := range []error{errNotGzip, errCut, errLongLine, errPanicked} {
		if errors.Is(err, own) {
			return true
		}
	}
	var notLog *notLogError
	return errors.As(err, &notLog)
}

// lineReader cuts the text of a compressed object into blocks of whole lines.
type lineReader struct {
	text  io.Reader
	rest  []byte // text after the last block
	line  int    // number of the first line of rest, from 1
	ended bool
}

// newLineReader reads the gzip header of an object. It returns an error of the reader as it
// is.
func newLineReader(object io.Reader) (*lineReader, error) {
	reader, err := gzip.NewReader(object)
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, io.EOF):
		return nil, errNotGzip
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errCut
	case err != nil:
		return nil, err
	}
	return &lineReader{text: reader, line: 1}, nil
}

// next returns the next block and the number of its first line. It uses the memory of buf if
// the block fits. At the end of the object it returns io.EOF.
func (r *lineReader) next(buf []byte) (block []byte, line int, err error) {
	block, line = append(buf[:0], r.rest...), r.line //nolint:gocritic // reuses the memory of the caller
	r.rest = r.rest[:0]
	for limit := blockBytes; ; limit *= 2 {
		if block, err = r.fill(block, limit); err != nil {
			return block, 0, err
		}
		end := bytes.LastIndexByte(block, '\n') + 1
		switch {
		case r.ended && len(block) == 0:
			return block, 0, io.EOF
		case r.ended:
			end = len(block)
		case end == 0 && len(block) < maxLineBytes:
			continue
		case end == 0:
			return block, 0, fmt.Errorf("%w: line %d has more than %d MiB", errLongLine, line, maxLineBytes>>20)
		}
		r.rest = append(r.rest, block[end:]...)
		r.line += bytes.Count(block[:end], []byte{'\n'})
		return block[:end], line, nil
	}
}

// fill reads until block has limit bytes or the object ends.
func (r *lineReader) fill(block []byte, limit int) ([]byte, error) {
	if cap(block) < limit {
		block = append(make([]byte, 0, limit), block...)
	}
	for len(block) < limit && !r.ended {
		n, err := r.text.Read(block[len(block):limit])
		block = block[:len(block)+n]
		var corrupt flate.CorruptInputError
		switch {
		case errors.Is(err, io.EOF):
			r.ended = true
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader),
			errors.As(err, &corrupt):
			return block, errCut
		case err != nil:
			return block, err
		}
	}
	return block, nil
}
