// Package firehose is a delivery stream to S3 in memory that keeps Firehose's rules:
// buffering hints by size and time, the Lambda processor with its event, its retries
// and its strict reading of answers, `processing-failed` records, prefixes with
// expressions, GZIP, record format conversion to Parquet, source backup, and the limits
// of the API. What AWS refuses is refused, and what AWS sends to the error prefix goes
// there.
//
// What it leaves out: other sources and destinations, conversion to ORC and by Hive's
// JSON SerDe, columns of time, decimals and bytes, dynamic partitioning, the other
// processors, encryption, quotas per second. AWS asks Glue for the columns of the table
// whenever it converts; here they are given once.
// Buffers are lost with the process; [Stream.Close] delivers them.
package firehose

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// Limits of the service.
const (
	maxRecordBytes   = 1000 << 10
	maxBatchRecords  = 500
	maxBatchBytes    = 4 << 20
	outstandingCalls = 5 // invocations of the processor at a time
	invokeLimit      = 5 * time.Minute
)

// ErrClosed is the answer to records after [Stream.Close].
var ErrClosed = errors.New("the delivery stream is closed")

// Stream is a delivery stream. It is safe for concurrent use and must be closed.
type Stream struct {
	config        Config
	data          target
	failures      target // of processing
	unconvertible target
	backupData    target

	ctx     context.Context // ends when Close gives up
	cancel  context.CancelFunc
	batches chan []record // for the processor
	workers sync.WaitGroup
	objects sync.WaitGroup // deliveries under way

	incoming  *buffer[record]
	delivered *buffer[output]
	failed    *buffer[output]
	backup    *buffer[output] // nil without a backup

	mu      sync.RWMutex // held for reading while records are accepted
	closed  bool
	counted counters
}

// record is what a producer sent.
type record struct {
	id      string // as the function sees it
	data    []byte
	arrival time.Time
}

func (r record) size() int { return len(r.data) }

// output is what goes into an object.
type output struct {
	id      string // of the record it came from
	data    []byte
	arrival time.Time // of the record it came from
	code    string    // of a failure, else ""
}

func (o output) size() int { return len(o.data) }

// New starts a stream. Its error tells every rule that the configuration breaks.
func New(config Config) (*Stream, error) {
	config.setDefaults()
	s := &Stream{config: config, batches: make(chan []record)}
	if err := errors.Join(config.validate(), s.setTargets()); err != nil {
		return nil, fmt.Errorf("delivery stream %q: %w", config.DeliveryStreamName, err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.delivered = newBuffer(config.BufferingHints, func(items []output) { s.write(s.data, items) })
	if config.Conversion != nil {
		s.delivered.flush = func(items []output) { s.objects.Go(func() { s.convert(items) }) }
	}
	s.failed = newBuffer(config.BufferingHints, func(items []output) { s.write(s.failures, items) })
	if config.Backup != nil {
		s.backup = newBuffer(config.Backup.BufferingHints, func(items []output) { s.write(s.backupData, items) })
	}
	if p := config.Processing; p != nil {
		s.incoming = &buffer[record]{limit: int(p.BufferSizeInMBs * (1 << 20)), exact: true,
			interval: time.Duration(p.BufferIntervalInSeconds) * time.Second,
			flush:    func(items []record) { s.batches <- items }}
		for range outstandingCalls {
			s.workers.Go(s.work)
		}
	}
	return s, nil
}

// newBuffer returns a buffer of what goes into objects.
func newBuffer(hints *BufferingHints, flush func([]output)) *buffer[output] {
	return &buffer[output]{limit: hints.SizeInMBs << 20,
		interval: time.Duration(hints.IntervalInSeconds) * time.Second, flush: flush}
}

// Put takes one record, and returns its id. The error is an AWS error by its code,
// or [ErrClosed]. It waits while as many batches are under way as Firehose has.
func (s *Stream) Put(data []byte) (id string, err error) {
	if len(data) > maxRecordBytes {
		return "", tooLong("record.data", "length", maxRecordBytes)
	}
	ids, err := s.accept([][]byte{data})
	switch {
	case err != nil:
		return "", err
	case ids[0] == "":
		return "", &awsjson.Error{
			Status: http.StatusServiceUnavailable, Code: "ServiceUnavailableException", Message: slowDown}
	}
	return ids[0], nil
}

// slowDown is AWS's message for records above the quota.
const slowDown = "Slow down."

// PutBatch takes records, and returns an id for each; "" stands for a record that
// was refused and must be sent again. The error, as for [Stream.Put], is about the
// whole batch, of which nothing was taken then.
func (s *Stream) PutBatch(batch [][]byte) (ids []string, err error) {
	if len(batch) == 0 {
		return nil, awsjson.Invalid("1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1")
	}
	if len(batch) > maxBatchRecords {
		return nil, tooLong("records", "length", maxBatchRecords)
	}
	bytes := 0
	for i, data := range batch {
		if bytes += len(data); len(data) > maxRecordBytes {
			return nil, tooLong(fmt.Sprintf("records.%d.member.data", i+1), "length", maxRecordBytes)
		}
	}
	if bytes > maxBatchBytes {
		return nil, &awsjson.Error{Code: "InvalidArgumentException", Message: "Records size exceeds 4 MB limit"}
	}
	return s.accept(batch)
}

func tooLong(where, what string, limit int) error {
	return awsjson.Invalid(fmt.Sprintf("1 validation error detected: Value at '%s' failed to satisfy constraint: "+
		"Member must have %s less than or equal to %d", where, what, limit))
}

// accept puts records into the first buffer.
func (s *Stream) accept(batch [][]byte) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	ids := make([]string, len(batch))
	taken := len(batch)
	if s.config.Refuse != nil {
		taken = max(0, taken-s.config.Refuse(taken))
	}
	now := time.Now()
	for i, data := range batch[:taken] {
		ids[i] = rand.Text()
		id := recordID(s.counted.accept())
		if s.backup != nil {
			s.backup.add(output{id: id, data: data, arrival: now})
		}
		if s.incoming != nil {
			s.incoming.add(record{id: id, data: data, arrival: now})
		} else {
			s.delivered.add(output{id: id, data: data, arrival: now})
		}
	}
	return ids, nil
}

// recordID returns the id under which the function sees a record: a long decimal
// number that no parser must take for an integer.
func recordID(number int) string { return fmt.Sprintf("4966%052d000000", number) }

// Metrics returns what has become of the records so far.
func (s *Stream) Metrics() Metrics { return s.counted.read() }
