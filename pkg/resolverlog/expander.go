package resolverlog

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/gzip"
)

// TooLargeError reports a record that expands to more than it may.
type TooLargeError struct{ Limit int } // in bytes

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("record expands to more than %d bytes", e.Limit)
}

// Expander expands the records of CloudWatch Logs subscriptions, which compress each
// envelope. The zero Expander is ready for use and keeps its memory; it is not safe
// for concurrent use.
type Expander struct {
	source bytes.Reader
	reader gzip.Reader
	out    bytes.Buffer
}

// Expand returns record, or what it holds if it is gzip, of one member or many. The
// result is at most limit bytes, else the error is a [*TooLargeError]; it is valid
// until the next call. What is expanded is not looked into for gzip again.
func (e *Expander) Expand(record []byte, limit int) ([]byte, error) {
	if !bytes.HasPrefix(record, []byte{0x1f, 0x8b}) {
		return record, nil
	}
	e.source.Reset(record)
	defer e.source.Reset(nil) // the record is the caller's
	if err := e.reader.Reset(&e.source); err != nil {
		return nil, fmt.Errorf("expanding a record: %w", err)
	}
	e.out.Reset()
	n, err := e.out.ReadFrom(io.LimitReader(&e.reader, min(int64(limit), math.MaxInt64-1)+1))
	if err != nil {
		return nil, fmt.Errorf("expanding a record: %w", err)
	}
	if n > int64(limit) {
		return nil, &TooLargeError{limit}
	}
	return e.out.Bytes(), nil
}
