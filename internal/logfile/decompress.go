package logfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// readBytes is the size of a read from a file, before decompression.
const readBytes = 256 << 10

// zstdWindowBytes limits the memory that a zstd frame may request.
const zstdWindowBytes = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// maxCompressions limits how often a file may be compressed. A subscription of CloudWatch
// Logs compresses its records, and Firehose compresses the object again.
const maxCompressions = 2

// open returns the text of raw, which may be compressed, in UTF-8. The caller calls the
// returned function when it has read the text.
func open(raw io.Reader) (text io.Reader, release func(), err error) {
	var releases []func()
	release = func() {
		for _, release := range slices.Backward(releases) {
			release()
		}
	}

	text = raw
	for range maxCompressions {
		var one func()
		if text, one, err = decompress(text); err != nil {
			release()
			return nil, nil, err
		}
		releases = append(releases, one)
	}
	if text, err = decodeText(text); err != nil {
		release()
		return nil, nil, err
	}
	return text, release, nil
}

// decompress returns the text of raw, which may be gzip, zstd or plain text. It looks at the
// first bytes and not at the name. Gzip may have several members, as Firehose writes it. The
// caller calls the returned function when it has read the text.
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
		return explainedReader{"gzip", reader}, func() { _ = reader.Close() }, nil
	case bytes.HasPrefix(head, zstdMagic):
		reader, err := zstd.NewReader(buffered, zstd.WithDecoderMaxMemory(zstdWindowBytes), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, fmt.Errorf("reading zstd: %w", err)
		}
		return explainedReader{"zstd", reader}, reader.Close, nil
	default:
		return buffered, func() {}, nil
	}
}

// explainedReader explains errors in compressed data, and names the compression.
type explainedReader struct {
	kind string
	io.Reader
}

func (n explainedReader) Read(p []byte) (int, error) {
	count, err := n.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("the %s data is truncated or damaged: %w; download the file again", n.kind, err)
	}
	return count, err
}
