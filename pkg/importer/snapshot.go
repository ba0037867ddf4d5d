package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Entry is an entry of an accepted list, as the table has it.
type Entry struct {
	indicator.Indicator
	// AddedAt is when this feed was first accepted with the entry. It survives later
	// imports, and begins anew when the entry was gone for one.
	AddedAt time.Time
}

// same reports whether two entries of one key are equal in everything else.
func (e *Entry) same(other *Entry) bool {
	a, b := *e, *other
	for _, t := range []*time.Time{&a.FirstSeen, &a.ExpiresAt, &a.AddedAt, &b.FirstSeen, &b.ExpiresAt, &b.AddedAt} {
		*t = fromUnix(toUnix(*t))
	}
	return a == b
}

// SnapshotHead is the first line of a snapshot.
type SnapshotHead struct {
	Format      int              `json:"format"`
	Feed        indicator.FeedID `json:"feed"`
	Key         string           `json:"key"`
	Version     string           `json:"version"`
	AcceptedAt  time.Time        `json:"accepted_at"`
	Entries     int              `json:"entries"`
	Fingerprint string           `json:"fingerprint"` // of the settings and of the list before
}

// An accepted list is a zstd stream of lines: the head in JSON behind a mark, the
// names of the columns, and one entry a line, sorted, fields parted by tabs. `zstdcat`
// shows it. No field holds a tab or a line break. Empty fields are unknown.
const (
	snapshotFormat  = 1
	snapshotMark    = "#resolverwatch-snapshot "
	snapshotColumns = "value\tscope\taction\tseverity\tconfidence\tcategory\treference\tfirst_seen\texpires_at\tadded_at"
	snapshotFields  = 10

	snapshotWindow  = 256 << 10 // bytes
	maxSnapshotLine = 8 << 10   // bytes; a name, a category and a reference fit several times
)

// writeSnapshot writes the entries of list. Those that stand in base too keep the time
// when they were added; base may be nil.
func writeSnapshot(head SnapshotHead, list *List, base *snapshotReader) ([]byte, error) {
	var out bytes.Buffer
	// One goroutine, since a Lambda of this size has one core; what repeats in a sorted
	// list repeats within a small window.
	compressed, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(snapshotWindow))
	if err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	head.Format, head.Entries = snapshotFormat, list.Len()
	first, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	// The writes go to memory: they cannot fail before Close says so.
	_, _ = fmt.Fprintf(compressed, "%s%s\n%s\n", snapshotMark, first, snapshotColumns)
	var line []byte
	for found := range list.All() {
		entry := Entry{*found, head.AcceptedAt}
		if before, err := base.seek(found); err != nil {
			return nil, err
		} else if before != nil {
			entry.AddedAt = before.AddedAt
		}
		line = appendEntry(line[:0], &entry)
		_, _ = compressed.Write(line)
	}
	if err := compressed.Close(); err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	return out.Bytes(), nil
}

func appendEntry(line []byte, e *Entry) []byte {
	line = appendValue(line, &e.Indicator)
	for _, field := range []string{e.Scope.String(), e.Action.String(), e.Severity.String()} {
		line = append(append(line, '\t'), field...)
	}
	line = strconv.AppendUint(append(line, '\t'), uint64(e.Confidence), 10)
	line = append(append(line, '\t'), e.Category...)
	line = append(append(line, '\t'), e.Reference...)
	for _, t := range []time.Time{e.FirstSeen, e.ExpiresAt, e.AddedAt} {
		line = append(line, '\t')
		if !t.IsZero() {
			line = t.UTC().AppendFormat(line, time.RFC3339)
		}
	}
	return append(line, '\n')
}

// snapshotReader reads a snapshot entry by entry. A nil reader is one of no entries.
type snapshotReader struct {
	Head    SnapshotHead
	entry   Entry // the last one read
	count   int
	started bool
	done    bool
	lines   *bufio.Reader
	close   func()
}

// errSnapshot marks a snapshot that does not hold what it should. It is written once
// and never by hand, so this is damage.
var errSnapshot = errors.New("damaged snapshot")

// openSnapshot reads the head. The caller closes the reader, and r with it.
func openSnapshot(r io.ReadCloser) (*snapshotReader, error) {
	decompressed, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errSnapshot, err), r.Close())
	}
	s := &snapshotReader{
		lines: bufio.NewReaderSize(decompressed, maxSnapshotLine),
		close: func() { decompressed.Close(); _ = r.Close() }, // read only: nothing is lost
	}
	if err := s.readHead(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *snapshotReader) readHead() error {
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
func (s *snapshotReader) line() ([]byte, error) {
	line, err := s.lines.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", errSnapshot, s.count+1, err)
	}
	return line[:len(line)-1], nil
}

// Close ends the reading.
func (s *snapshotReader) Close() {
	if s != nil {
		s.close()
	}
}

// Next returns the next entry, valid until the call after, or nil at the end.
func (s *snapshotReader) Next() (*Entry, error) {
	if s == nil || s.done {
		return nil, nil
	}
	s.started = true
	if s.count == s.Head.Entries {
		s.done = true
		if _, err := s.lines.ReadByte(); !errors.Is(err, io.EOF) {
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
func (s *snapshotReader) seek(key *indicator.Indicator) (*Entry, error) {
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
	e.Scope, errs[0] = parseScope(fields[1])
	e.Action, errs[1] = indicator.ParseAction(fields[2])
	e.Severity, errs[2] = indicator.ParseSeverity(fields[3])
	e.Confidence, errs[3] = indicator.ParseConfidence(fields[4])
	e.FirstSeen, errs[4] = parseTime(fields[7])
	e.ExpiresAt, errs[5] = parseTime(fields[8])
	e.AddedAt, errs[6] = parseTime(fields[9])
	errs[7] = setValue(&e.Indicator, fields[0])
	return errors.Join(errs[:]...)
}

// parseScope is [indicator.ParseScope] for entries, which may be addresses.
func parseScope(text string) (indicator.Scope, error) {
	if text == indicator.ScopeCIDR.String() {
		return indicator.ScopeCIDR, nil
	}
	return indicator.ParseScope(text)
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, text)
}
