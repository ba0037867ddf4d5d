package snapshot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Reader reads a snapshot entry by entry. A nil reader is one of no entries.
type Reader struct {
	Head    Head
	entry   Entry // the last one read
	count   int
	started bool
	done    bool
	lines   *bufio.Reader
	object  *objectReader
	close   func()
	// forgive is told of damage, which then ends the snapshot. It is nil for one that is
	// needed whole.
	forgive func(error)
}

// objectReader keeps the error of an object that could not be read to its end: that is
// no damage, and the next try may go better.
type objectReader struct {
	io.Reader
	err error
}

func (r *objectReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// errSnapshot marks a snapshot that does not hold what it should. It is written once
// and never by hand, so this is damage.
var errSnapshot = errors.New("damaged snapshot")

// openSnapshot reads the head. The caller closes the reader, and r with it.
func open(r io.ReadCloser) (*Reader, error) {
	object := &objectReader{Reader: r}
	decompressed, err := zstd.NewReader(object, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errSnapshot, err), r.Close())
	}
	s := &Reader{
		lines:  bufio.NewReaderSize(decompressed, maxSnapshotLine),
		object: object,
		close:  func() { decompressed.Close(); _ = r.Close() }, // read only: nothing is lost
	}
	if err := s.readHead(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Reader) readHead() error {
	first, err := s.line()
	if err != nil {
		return err
	}
	head, found := bytes.CutPrefix(first, []byte(snapshotMark))
	if !found {
		return fmt.Errorf("%w: no head", errSnapshot)
	}
	if err := json.Unmarshal(head, &s.Head); err != nil {
		return fmt.Errorf("%w: head: %w", errSnapshot, err)
	}
	columns, err := s.line()
	if err != nil {
		return err
	}
	if s.Head.Format != snapshotFormat || string(columns) != snapshotColumns {
		return fmt.Errorf("%w: format %d", errSnapshot, s.Head.Format)
	}
	return nil
}

// line returns the next line without its end. The end of the stream is damage.
func (s *Reader) line() ([]byte, error) {
	line, err := s.lines.ReadSlice('\n')
	if s.object.err != nil {
		return nil, s.object.err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", errSnapshot, s.count+1, err)
	}
	return line[:len(line)-1], nil
}

// Close ends the reading.
func (s *Reader) Close() {
	if s != nil {
		s.close()
	}
}

// Next returns the next entry, valid until the call after, or nil at the end.
func (s *Reader) Next() (*Entry, error) {
	if s == nil || s.done {
		return nil, nil
	}
	s.started = true
	entry, err := s.next()
	if s.forgive != nil && errors.Is(err, errSnapshot) {
		s.forgive(err)
		s.done = true
		return nil, nil
	}
	return entry, err
}

func (s *Reader) next() (*Entry, error) {
	if s.count == s.Head.Entries {
		s.done = true
		if _, err := s.lines.ReadByte(); s.object.err != nil {
			return nil, s.object.err
		} else if !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: more than %d entries, or %w", errSnapshot, s.count, err)
		}
		return nil, nil
	}
	line, err := s.line()
	if err != nil {
		return nil, err
	}
	s.count++
	if err := parseEntry(string(line), &s.entry); err != nil {
		return nil, fmt.Errorf("%w: entry %d: %w", errSnapshot, s.count, err)
	}
	return &s.entry, nil
}

// seek moves forward to the entry of the same key and returns it, or nil if there is
// none. Calls must come in the order of entries.
func (s *Reader) seek(key *indicator.Indicator) (*Entry, error) {
	if s == nil {
		return nil, nil
	}
	for !s.started || (!s.done && s.entry.Compare(key) < 0) {
		if _, err := s.Next(); err != nil {
			return nil, err
		}
	}
	if s.done || s.entry.Compare(key) != 0 {
		return nil, nil
	}
	return &s.entry, nil
}

// parseEntry reads a line of [snapshotColumns].
func parseEntry(line string, e *Entry) error {
	fields := make([]string, 0, snapshotFields)
	for field := range strings.SplitSeq(line, "\t") {
		fields = append(fields, field)
	}
	if len(fields) != snapshotFields {
		return fmt.Errorf("%d fields, not %d", len(fields), snapshotFields)
	}
	*e = Entry{}
	e.Category, e.Reference = indicator.Category(fields[5]), fields[6]
	var errs [8]error
	e.Scope, errs[0] = indicator.ParseAnyScope(fields[1])
	e.Action, errs[1] = indicator.ParseAction(fields[2])
	e.Severity, errs[2] = indicator.ParseSeverity(fields[3])
	e.Confidence, errs[3] = indicator.ParseConfidence(fields[4])
	e.FirstSeen, errs[4] = parseTime(fields[7])
	e.ExpiresAt, errs[5] = parseTime(fields[8])
	e.AddedAt, errs[6] = parseTime(fields[9])
	errs[7] = e.SetValue(fields[0])
	return errors.Join(errs[:]...)
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, text)
}
