package logfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeText returns text in UTF-8 without a byte order mark. A mark says that text is
// UTF-16, which PowerShell 5 writes for `>`. Without a mark, text is not changed.
func decodeText(text io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(text, readBytes)
	head, err := buffered.Peek(len(byteOrderMark))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}

	var mark int
	var decoded io.Reader = buffered
	switch {
	case bytes.HasPrefix(head, []byte(byteOrderMark)):
		mark = len(byteOrderMark)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		mark, decoded = 2, &utf16Reader{text: buffered, order: binary.LittleEndian}
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		mark, decoded = 2, &utf16Reader{text: buffered, order: binary.BigEndian}
	}
	_, err = buffered.Discard(mark) // the bytes are in the buffer
	return decoded, err
}

// utf16Reader converts UTF-16 to UTF-8. Half of a surrogate pair, and a single byte at the
// end, become U+FFFD.
type utf16Reader struct {
	text  *bufio.Reader
	order binary.ByteOrder
	rest  []byte // of a rune that did not fit
}

func (r *utf16Reader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.rest, err = r.next(); err != nil {
				break
			}
		}
		size := copy(p[n:], r.rest)
		n, r.rest = n+size, r.rest[size:]
	}
	if n > 0 {
		return n, nil // an error comes again with the next call
	}
	return 0, err
}

// next returns the next rune in UTF-8.
func (r *utf16Reader) next() ([]byte, error) {
	unit, err := r.unit()
	if err != nil {
		return nil, err
	}
	if utf16.IsSurrogate(unit) {
		low, err := r.text.Peek(2)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(low) == 2 {
			if pair := utf16.DecodeRune(unit, rune(r.order.Uint16(low))); pair != utf8.RuneError {
				_, err := r.text.Discard(2)
				return utf8.AppendRune(nil, pair), err
			}
		}
	}
	return utf8.AppendRune(r.rest[:0], unit), nil // a surrogate becomes U+FFFD
}

func (r *utf16Reader) unit() (rune, error) {
	var pair [2]byte
	switch n, err := io.ReadFull(r.text, pair[:]); {
	case n == 1:
		return utf8.RuneError, nil
	case err != nil:
		return 0, err
	}
	return rune(r.order.Uint16(pair[:])), nil
}
