package resolverlog

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/gzip"
)

// TooLargeError reports that a record expands to more than Limit bytes.
type TooLargeError struct{ Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("record expands to more than %d bytes", e.Limit)
}

// Expander expands the records of CloudWatch Logs subscriptions, which compress each
// envelope. The zero Expander is ready for use. It reuses its memory and is not safe for
// concurrent use.
type Expander struct {
	source bytes.Reader
	reader gzip.Reader
	out    bytes.Buffer
}

// IsCompressed reports whether record is gzip, according to its first bytes.
func IsCompressed(record []byte) bool { return bytes.HasPrefix(record, []byte{0x1f, 0x8b}) }

// Expand returns record or, if record is gzip with one or more members, its expanded
// content. If the content has more than limit bytes, the error is a [*TooLargeError]. The
// result is valid until the next call. Nested gzip is not expanded.
func (e *Expander) Expand(record []byte, limit int) ([]byte, error) {
	e.out.Reset()
	if !IsCompressed(record) {
		return record, nil
	}

	e.source.Reset(record)
	defer e.source.Reset(nil) // do not keep the caller's record
	if err := e.reader.Reset(&e.source); err != nil {
		return nil, fmt.Errorf("expanding a record: %w", err)
	}

	n, err := e.out.ReadFrom(io.LimitReader(&e.reader, min(int64(limit), math.MaxInt64-1)+1))
	if err != nil {
		return nil, fmt.Errorf("expanding a record: %w", err)
	}

	if n > int64(limit) {
		return nil, &TooLargeError{limit}
	}
	return e.out.Bytes(), nil
}

// Expanded returns how many bytes the last call of [Expander.Expand] expanded, even if it failed.
func (e *Expander) Expanded() int { return e.out.Len() }
