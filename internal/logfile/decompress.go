package logfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// readBytes is the size of reads from a file before decompression.
const readBytes = 256 << 10

// zstdWindowBytes bounds what a zstd frame may ask for.
const zstdWindowBytes = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// decompress returns the text of raw, which is gzip (also of several members, as
// Firehose writes it), zstd, or plain, told apart by the first bytes and never by
// the name.
func decompress(raw io.Reader) (io.Reader, func(), error) {
	buffered := bufio.NewReaderSize(raw, readBytes)
	head, err := buffered.Peek(len(zstdMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		reader, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, nil, fmt.Errorf("reading gzip: %w", err)
		}
		return named{"gzip", reader}, func() { _ = reader.Close() }, nil
	case bytes.HasPrefix(head, zstdMagic):
		reader, err := zstd.NewReader(buffered, zstd.WithDecoderMaxMemory(zstdWindowBytes), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, fmt.Errorf("reading zstd: %w", err)
		}
		return named{"zstd", reader}, reader.Close, nil
	default:
		return buffered, func() {}, nil
	}
}

// named says in errors which decompression found the fault, and that the text
// before it is not the whole.
type named struct {
	kind string
	io.Reader
}

func (n named) Read(p []byte) (int, error) {
	count, err := n.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("the %s data is cut or damaged: %w; fetch the file again", n.kind, err)
	}
	return count, err
}
