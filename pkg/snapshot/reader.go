package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Reader reads a snapshot entry by entry. A nil Reader has no entries.
type Reader struct {
	head    Head
	entry   Entry // the last one that was read
	count   int
	started bool
	done    bool
	lines   *bufio.Reader
	object  *objectReader
	close   func()
	// onDamage is called if the snapshot turns out to be damaged. The snapshot then ends
	// there. If onDamage is nil, damage is an error.
	onDamage func(error)

	categories map[string]indicator.Category // copies, so that no entry keeps its line alive

	// The fields after the value in the last line, and what they were parsed into. Most lines
	// of a list have the same.
	fields  []byte
	details Entry
}

// maxCategories is how many categories a reader remembers. Real lists have fewer.
const maxCategories = 1 << 10

// objectReader hashes what it reads. It remembers an error of the object's reader: such an
// error is not damage, and the next attempt to read the object may succeed.
type objectReader struct {
	object io.ReadCloser
	want   *content // nil if it is not known
	sum    hash.Hash
	size   int64
	err    error
}

func newObjectReader(object io.ReadCloser, want *content) *objectReader {
	return &objectReader{object: object, want: want, sum: sha256.New()}
}

// Close closes the object.
func (r *objectReader) Close() error { return r.object.Close() }

// Read reads the next bytes. An object that is longer than it should be is not read to its
// end.
func (r *objectReader) Read(p []byte) (int, error) {
	n, err := r.object.Read(p)
	if r.want != nil {
		r.sum.Write(p[:n]) // never fails
		if r.size += int64(n); r.size > r.want.size {
			return 0, fmt.Errorf("%w: it has more than the %d bytes in its key", errDamaged, r.want.size)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// verify reads the rest of the object and compares its size and hash.
func (r *objectReader) verify() error {
	if r.want == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	if r.size != r.want.size || !bytes.Equal(r.sum.Sum(nil), r.want.hash[:]) {
		return fmt.Errorf("%w: it has other bytes than its key says", errDamaged)
	}
	return nil
}

// errDamaged means that the content of a snapshot is not valid. Snapshots are written once
// and never edited, so this is damage.
var errDamaged = errors.New("damaged snapshot")

// open reads the head of a snapshot. Closing the Reader closes object. If open fails, it
// closes object itself.
func open(object *objectReader) (*Reader, error) {
	decompressed, err := zstd.NewReader(object, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errDamaged, err), object.Close())
	}
	s := &Reader{
		lines:      bufio.NewReaderSize(decompressed, maxLineBytes),
		object:     object,
		close:      func() { decompressed.Close(); _ = object.Close() }, // it was only read
		categories: map[string]indicator.Category{},
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
	head, found := bytes.CutPrefix(first, []byte(headPrefix))
	if !found {
		return fmt.Errorf("%w: no head", errDamaged)
	}
	if err := json.Unmarshal(head, &s.head); err != nil {
		return fmt.Errorf("%w: head: %w", errDamaged, err)
	}

	names, err := s.line()
	if err != nil {
		return err
	}
	if s.head.Format != formatNumber || string(names) != columns {
		return fmt.Errorf("%w: format %d", errDamaged, s.head.Format)
	}
	return nil
}

// line returns the next line without its line break. If the stream ends, it is damaged.
func (s *Reader) line() ([]byte, error) {
	line, err := s.lines.ReadSlice('\n')
	if s.object.err != nil {
		return nil, s.object.err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", errDamaged, s.count+1, err)
	}
	return line[:len(line)-1], nil
}

// Close closes the snapshot.
func (s *Reader) Close() {
	if s != nil {
		s.close()
	}
}

// Next returns the next entry, or nil at the end. The entry is valid until the next call.
func (s *Reader) Next() (*Entry, error) {
	if s == nil || s.done {
		return nil, nil
	}
	s.started = true
	entry, err := s.next()
	if s.onDamage != nil && errors.Is(err, errDamaged) {
		s.onDamage(err)
		s.done = true
		return nil, nil
	}
	return entry, err
}

func (s *Reader) next() (*Entry, error) {
	if s.count == s.head.Entries {
		s.done = true
		if _, err := s.lines.ReadByte(); s.object.err != nil {
			return nil, s.object.err
		} else if !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: more than %d entries, or %w", errDamaged, s.count, err)
		}
		return nil, s.object.verify()
	}

	line, err := s.line()
	if err != nil {
		return nil, err
	}
	s.count++
	if err := s.parse(line); err != nil {
		return nil, fmt.Errorf("%w: entry %d: %w", errDamaged, s.count, err)
	}
	return &s.entry, nil
}

// parse parses the line of an entry into s.entry.
func (s *Reader) parse(line []byte) error {
	value, fields, _ := bytes.Cut(line, []byte{'\t'})
	if len(fields) > 0 && bytes.Equal(fields, s.fields) {
		s.entry = s.details
		return s.entry.SetValue(string(value))
	}

	if err := parseEntry(string(line), &s.entry); err != nil {
		return err
	}
	s.entry.Category = s.category(s.entry.Category)
	s.fields, s.details = append(s.fields[:0], fields...), s.entry
	return nil
}

// category returns a copy of a category. Many entries have the same one, so it is copied
// only once.
func (s *Reader) category(shared indicator.Category) indicator.Category {
	known, found := s.categories[string(shared)]
	if !found {
		known = indicator.Category(strings.Clone(string(shared)))
		if len(s.categories) < maxCategories {
			s.categories[string(known)] = known
		}
	}
	return known
}

// seek moves forward to the entry with the same key as key and returns it, or nil if there is
// none. Calls must be in the order of the entries.
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

// parseEntry parses the line of an entry.
func parseEntry(line string, e *Entry) error {
	fields := make([]string, 0, fieldCount)
	for field := range strings.SplitSeq(line, "\t") {
		fields = append(fields, field)
	}
	if len(fields) != fieldCount {
		return fmt.Errorf("%d fields, not %d", len(fields), fieldCount)
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
