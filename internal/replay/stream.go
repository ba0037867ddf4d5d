package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Stream is a delivery stream.
type Stream interface {
	// Put sends records. It returns an error for each that the stream refused, in the order of
	// the records, with nil for those that it took; or one error for all.
	Put(ctx context.Context, records [][]byte) ([]error, error)
}

// Bounds of a batch: what PutRecordBatch takes.
//
// https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
const (
	maxBatchRecords = 500
	maxBatchBytes   = 4 << 20
	maxRecordBytes  = 1000 << 10
)

// sendAttempts is how often a record is sent.
const sendAttempts = 3

// ToStream replays records that were set aside into a stream. Members that marking added are
// taken off first, so that the transformer marks the records again.
//
// A replay that is killed between a batch and its ledger sends that batch again, and so does the
// client if the answer of Firehose is lost: at most 500 records come twice, as Firehose itself may
// deliver records twice.
func ToStream(ctx context.Context, config Config, stream Stream, perSecond int) (*Report, error) {
	limit := unlimited
	if perSecond > 0 {
		limit = rate.NewLimiter(rate.Limit(perSecond), maxBatchRecords)
	}
	return start(ctx, config, newToStream(stream, limit, time.Second))
}

func newToStream(stream Stream, limit *rate.Limiter, pause time.Duration) *toStream {
	return &toStream{stream: stream, limit: limit, pause: pause, reader: reader{marker: verdict.NewMarker(nil, verdict.Options{})}}
}

// unlimited lets all records through.
var unlimited = rate.NewLimiter(rate.Inf, 0)

type toStream struct {
	stream Stream
	limit  *rate.Limiter
	pause  time.Duration // before the second attempt; doubled before the third
	reader reader        // finds records that the transformer would fail
}

// batch collects the records of an object that are sent together.
type batch struct {
	records []failed
	refused []failed // for the quarantine
	bytes   int
	last    int // number of the last line that was read
}

func (m *toStream) replay(ctx context.Context, r *run, o *storage.Object) error {
	l, body, err := r.take(ctx, o)
	if err != nil || body == nil {
		return err
	}
	defer func() { _ = body.Close() }()

	var b batch
	err = lines(body, func(line []byte, number int) error {
		if number <= l.Lines {
			return nil
		}
		if b.isFull(len(line)) {
			if err := m.flush(ctx, r, o, l, &b); err != nil {
				return err
			}
		}
		m.add(&b, line, number)
		return nil
	})
	if err != nil {
		return err
	}
	l.Done = true
	r.report.Objects++
	r.report.Bytes += o.Size
	return m.flush(ctx, r, o, l, &b)
}

// isFull reports whether a line of this size must wait for the next batch.
func (b *batch) isFull(size int) bool {
	return len(b.records)+len(b.refused) >= maxBatchRecords || b.bytes > 0 && b.bytes+size > maxBatchBytes
}

// add adds the record of a line to a batch. A record that the transformer would fail again goes
// into the quarantine, and does not come back in a circle.
func (m *toStream) add(b *batch, line []byte, number int) {
	b.last = number
	f, err := readFailed(append([]byte(nil), line...), number)
	if err == nil {
		var unmarked []byte
		if unmarked, err = verdict.Unmark(nil, f.record); err == nil {
			_, err = m.reader.mark(nil, unmarked)
		}
		if err != nil {
			f.code, f.why = codeUnreadable, err.Error()
		} else if f.record = unmarked; len(unmarked) > maxRecordBytes {
			f.code, f.why = "Replay.TooLarge", fmt.Sprintf("the record has %d bytes, and a stream takes %d", len(unmarked), maxRecordBytes)
			err = errors.New(f.why)
		}
	}
	if err != nil {
		b.refused = append(b.refused, f)
		return
	}
	b.records = append(b.records, f)
	b.bytes += len(f.record)
}

// flush sends a batch and stores in the ledger that it was sent.
func (m *toStream) flush(ctx context.Context, r *run, o *storage.Object, l *ledger, b *batch) error {
	if !r.DryRun && len(b.records) > 0 {
		if err := m.limit.WaitN(ctx, len(b.records)); err != nil {
			return err
		}
		refused, err := m.send(ctx, b.records)
		if err != nil {
			return err
		}
		b.refused = append(b.refused, refused...)
		r.report.Records -= len(refused)
	}
	r.report.Records += len(b.records)
	if err := r.quarantine(ctx, o, b.refused); err != nil {
		return err
	}
	l.Lines = max(l.Lines, b.last)
	*b = batch{records: b.records[:0], last: b.last}
	r.progress()
	if r.DryRun {
		return nil
	}
	return r.save(ctx, l)
}

// send sends records, and those that the stream refused again. It returns the records that were
// refused each time.
func (m *toStream) send(ctx context.Context, records []failed) (refused []failed, err error) {
	left := append([]failed(nil), records...)
	for attempt := 1; ; attempt++ {
		texts := make([][]byte, len(left))
		for i := range left {
			texts[i] = left[i].record
		}
		problems, err := m.stream.Put(ctx, texts)
		if err != nil {
			return nil, err
		}
		var again []failed
		for i, problem := range problems {
			if problem != nil {
				left[i].code, left[i].why = "Replay.Refused", problem.Error()
				again = append(again, left[i])
			}
		}
		if left = again; len(left) == 0 || attempt == sendAttempts {
			return left, nil
		}
		select {
		case <-time.After(m.pause << (attempt - 1)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
