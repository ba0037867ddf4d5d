package replay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/keyprefix"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// ToObjects replays records that were set aside as marked objects: one for each object of failed
// records, in the folder of the day on which that was written. They are marked here, with the
// given index. The key follows from the version of the object, so a second replay writes
// nothing.
func ToObjects(ctx context.Context, config Config, x *index.Index, marked keyprefix.Prefix) (*Report, error) {
	return start(ctx, config, &toObjects{
		reader: reader{marker: verdict.NewMarker(x, verdict.Options{Remark: true})}, marked: marked,
	})
}

type toObjects struct {
	reader reader
	marked keyprefix.Prefix
}

// key returns the key of the marked records of an object.
func (m *toObjects) key(o *storage.Object) string {
	hash := identity(o)
	random := func() string { return hash[:11] } // the length of Firehose's random strings
	at := o.LastModified.UTC()
	return m.marked.Key(at, "", random) + "replay_" + at.Format("20060102T1504Z") + "_" + hash + ".json.gz"
}

func (m *toObjects) replay(ctx context.Context, r *run, o *storage.Object) error {
	l, body, err := r.take(ctx, o)
	if err != nil || body == nil {
		return err
	}
	defer func() { _ = body.Close() }()
	s, err := newSpool(true)
	if err != nil {
		return err
	}
	defer s.remove()

	refused, records, err := m.mark(body, s)
	if err != nil {
		return err
	}
	r.report.Objects++
	r.report.Bytes += o.Size
	r.report.Records += records
	if err := r.quarantine(ctx, o, refused); err != nil {
		return err
	}
	return r.finishObject(ctx, l, m.key(o), s)
}

// mark marks the records of an object into a spool. It returns those that cannot be marked, and
// the number of the others.
func (m *toObjects) mark(object io.Reader, s *spool) (refused []failed, records int, err error) {
	var text []byte
	err = lines(object, func(line []byte, number int) error {
		f, err := readFailed(append([]byte(nil), line...), number)
		if err == nil {
			if text, err = m.reader.mark(text[:0], f.record); err != nil {
				f.code, f.why = codeUnreadable, err.Error()
			}
		}
		if err != nil {
			refused = append(refused, f)
			return nil //nolint:nilerr // the record goes into the quarantine
		}
		records++
		return s.write(text)
	})
	return refused, records, err
}

// finishObject writes the marked records and stores in the ledger that the object is done.
func (r *run) finishObject(ctx context.Context, l *ledger, key string, s *spool) error {
	if r.DryRun {
		return nil
	}
	if s.size > 0 {
		file, err := s.rewind()
		if err != nil {
			return err
		}
		if _, err := r.Bucket.Replace(ctx, key, "", file); err != nil && !errors.Is(err, storage.ErrConflict) {
			return fmt.Errorf("writing the marked records: %w", err)
		}
	}
	l.Done = true
	return r.save(ctx, l)
}

// FromUnknown marks the records of marked objects again that have the verdict unknown, for a
// reason that a new index can cure, and replaces the objects. The other records keep their
// bytes. An object is replaced only if it is still the one that was read, so no row is there
// twice at any time.
func FromUnknown(ctx context.Context, config Config, x *index.Index) (*Report, error) {
	return start(ctx, config, &fromUnknown{marker: verdict.NewMarker(x, verdict.Options{Remark: true})})
}

type fromUnknown struct{ marker *verdict.Marker }

// unknownMember is in each line that may have to be marked again. The marker writes it so, and
// reading each record to find out would take ten times as long.
var unknownMember = []byte(`"verdict":"unknown"`)

// isCurable reports whether a line is unknown for a reason that another index cures.
func isCurable(line []byte) bool {
	if !bytes.Contains(line, unknownMember) {
		return false
	}
	for _, reason := range []verdict.Reason{verdict.NoIndex, verdict.StaleIndex, verdict.Timeout} {
		if bytes.Contains(line, []byte(`"verdict_reason":"`+string(reason)+`"`)) {
			return true
		}
	}
	return false
}

func (m *fromUnknown) replay(ctx context.Context, r *run, o *storage.Object) error {
	body, err := r.Bucket.Open(ctx, o.Key, o.ETag)
	if errors.Is(err, storage.ErrNotFound) {
		r.report.ChangedAway++
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()

	content, compressed, err := expanded(body)
	if err != nil {
		return err
	}
	s, err := newSpool(compressed) // the name of the object says whether it is
	if err != nil {
		return err
	}
	defer s.remove()
	changed, err := m.mark(r, content, s)
	if err != nil {
		return err
	}
	r.report.Objects++
	r.report.Bytes += o.Size
	r.report.Records += changed
	if changed == 0 || r.DryRun {
		return nil
	}
	return r.replaceObject(ctx, o, s)
}

// mark copies the lines of an object into a spool, and marks those again that an index cures. It
// returns their number.
func (m *fromUnknown) mark(r *run, content io.Reader, s *spool) (changed int, err error) {
	var text []byte
	err = linesOf(content, func(line []byte, number int) error {
		if isCurable(line) {
			marked, err := m.marker.Mark(text[:0], line)
			if err != nil {
				return fmt.Errorf("line %d is not a marked record: %w", number, err)
			}
			text = marked
			changed++
			return s.write(text)
		}
		r.report.Unchanged++
		return s.write(append(append(text[:0], line...), '\n'))
	})
	return changed, err
}

// replaceObject replaces an object that is still the one that was read.
func (r *run) replaceObject(ctx context.Context, o *storage.Object, s *spool) error {
	file, err := s.rewind()
	if err != nil {
		return err
	}
	_, err = r.Bucket.Replace(ctx, o.Key, o.ETag, file)
	if errors.Is(err, storage.ErrConflict) {
		r.report.ChangedAway++
		return nil
	}
	if err != nil {
		return fmt.Errorf("replacing the object: %w", err)
	}
	r.report.Changed++
	return nil
}

// spool collects the lines of an object in a temporary file, because an object can have more text
// than memory has room for.
type spool struct {
	file   *os.File
	packer io.WriteCloser
	size   int64 // of the text
}

// newSpool returns a spool that compresses the lines, or keeps them as they are.
func newSpool(compressed bool) (*spool, error) {
	file, err := os.CreateTemp("", "resolverwatch-replay-*")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary file: %w", err)
	}
	if compressed {
		return &spool{file: file, packer: gzip.NewWriter(file)}, nil
	}
	return &spool{file: file, packer: plain{bufio.NewWriter(file)}}, nil
}

// plain writes lines as they are.
type plain struct{ *bufio.Writer }

// Close writes what is buffered.
func (p plain) Close() error { return p.Flush() }

func (s *spool) write(text []byte) error {
	s.size += int64(len(text))
	if _, err := s.packer.Write(text); err != nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	return nil
}

// rewind returns the file, at its start.
func (s *spool) rewind() (*os.File, error) {
	err := s.packer.Close()
	if err == nil {
		_, err = s.file.Seek(0, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a temporary file: %w", err)
	}
	return s.file, nil
}

func (s *spool) remove() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}
