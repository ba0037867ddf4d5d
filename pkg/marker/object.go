package marker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/alert/matches"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// job marks objects one after the other and keeps its memory for the next one.
type job struct {
	logs   Logs
	output Output
	layout *Layout
	marker *verdict.Marker

	matches               matches.Collector // of the object; empty if nobody is told
	block, marked, failed []byte
	compressed            *gzip.Writer
}

// outcome says what became of an object.
type outcome int

const (
	outcomeMarked  outcome = iota
	outcomeSkipped         // it was marked before
	outcomeMissing         // it is gone
)

// mark marks one object: its records, under a key that follows from the version of the object,
// and the lines that cannot be read, under another one. It reads and writes as a stream. The
// failed lines are complete before the marked ones, whose key says that all is done.
func (j *job) mark(ctx context.Context, o *Object, name Name) (_ outcome, failed int, err error) {
	body, err := j.logs.Open(ctx, o)
	if errors.Is(err, storage.ErrNotFound) {
		return outcomeMissing, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()

	lines, err := newLineReader(bufio.NewReaderSize(body, readBytes))
	if err != nil {
		return 0, 0, err
	}
	keys := j.layout.Keys(o, name)
	w := &written{marked: j.output.Begin(ctx, keys.Marked), failed: j.output.Begin(ctx, keys.failed)}
	defer func() { err = errors.Join(err, w.abort(ctx)) }()

	if err := j.copy(ctx, o, name, lines, w); err != nil {
		return 0, 0, err
	}
	skipped, err := w.complete(ctx)
	if skipped {
		return outcomeSkipped, w.failures, err
	}
	return outcomeMarked, w.failures, err
}

// written is what is written for one object.
type written struct {
	marked, failed Upload
	markedAny      bool
	failures       int // lines
}

// complete makes both objects visible. An object without content is not written. It reports
// whether the marked object existed.
func (w *written) complete(ctx context.Context) (skipped bool, err error) {
	if w.failures > 0 {
		if err := w.failed.Complete(ctx); err != nil && !errors.Is(err, storage.ErrExists) {
			return false, fmt.Errorf("writing the records that cannot be read: %w", err)
		}
	}
	if !w.markedAny {
		return false, nil
	}
	err = w.marked.Complete(ctx)
	if errors.Is(err, storage.ErrExists) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("writing the marked records: %w", err)
	}
	return false, nil
}

func (w *written) abort(ctx context.Context) error {
	return errors.Join(w.failed.Abort(context.WithoutCancel(ctx)), w.marked.Abort(context.WithoutCancel(ctx)))
}

// copy marks all lines of an object.
func (j *job) copy(ctx context.Context, o *Object, name Name, lines *lineReader, w *written) error {
	if j.compressed == nil {
		j.compressed = gzip.NewWriter(nil)
	}
	j.compressed.Reset(w.marked)
	for {
		block, first, err := lines.next(j.block)
		j.block = block
		if errors.Is(err, io.EOF) {
			return j.compressed.Close()
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		j.markBlock(o, name, block, first, w)
		if err := j.write(w); err != nil {
			return err
		}
	}
}

// markBlock marks the lines of a block into j.marked and j.failed.
func (j *job) markBlock(o *Object, name Name, block []byte, line int, w *written) {
	j.marked, j.failed = j.marked[:0], j.failed[:0]
	for record := range bytes.Lines(block) {
		j.matches.NextRecord()
		marked, err := j.marker.Mark(j.marked, record)
		if err != nil {
			j.failed = appendFailed(j.failed, o, name.Time, line, bytes.TrimRight(record, "\r\n"), err)
			w.failures++
		}
		j.marked = marked // unchanged if the record failed
		line++
	}
}

// write writes the lines of a block.
func (j *job) write(w *written) error {
	if len(j.marked) > 0 {
		w.markedAny = true
		if _, err := j.compressed.Write(j.marked); err != nil {
			return fmt.Errorf("writing the marked records: %w", err)
		}
	}
	if len(j.failed) > 0 {
		if _, err := w.failed.Write(j.failed); err != nil {
			return fmt.Errorf("writing the records that cannot be read: %w", err)
		}
	}
	return nil
}
