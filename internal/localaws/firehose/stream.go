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
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

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

// region is that of all local parts.
const region = "us-east-1"

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

// ARN returns the stream's name in AWS's long form.
func (s *Stream) ARN() string {
	if s.config.DeliveryStreamARN != "" {
		return s.config.DeliveryStreamARN
	}
	return "arn:aws:firehose:" + region + ":000000000000:deliverystream/" + s.config.DeliveryStreamName
}

// Metrics returns what has become of the records so far.
func (s *Stream) Metrics() Metrics { return s.counted.read() }

// Close takes no more records, delivers those it has, and returns when all of them
// lie in objects. If the context ends first, the rest is lost and the error says so.
func (s *Stream) Close(ctx context.Context) error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s.incoming != nil {
			s.incoming.drain()
			close(s.batches)
			s.workers.Wait()
		}
		s.delivered.drain()
		s.failed.drain()
		if s.backup != nil {
			s.backup.drain()
		}
		s.objects.Wait()
	}()
	defer s.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.cancel()
		<-done
		return s.lost(ctx.Err())
	}
}

// lost says what was not stored in time.
func (s *Stream) lost(why error) error {
	metrics := s.counted.read()
	var problems []error
	if lost := metrics.Pending(); lost > 0 {
		problems = append(problems, fmt.Errorf("closing delivery stream %s: %d records are not delivered: %w",
			s.config.DeliveryStreamName, lost, why))
	}
	if lost := metrics.IncomingRecords - metrics.BackedUpRecords; s.backup != nil && lost > 0 {
		problems = append(problems, fmt.Errorf("closing delivery stream %s: %d records are not backed up: %w",
			s.config.DeliveryStreamName, lost, why))
	}
	return errors.Join(problems...)
}

// target is where objects of one kind go.
type target struct {
	bucket    Bucket
	prefix    prefix
	errorType string // what !{firehose:error-output-type} stands for
	gzip      bool
	encoding  string // of the content
	extension string // of the key
	counted   func(*counters, []output)
}

// newTarget returns where objects go that are compressed as a whole, or not.
func newTarget(bucket Bucket, prefix prefix, compression string) target {
	t := target{bucket: bucket, prefix: prefix, counted: (*counters).delivered}
	if compression == GZIP {
		t.gzip, t.encoding, t.extension = true, "gzip", ".gz"
	}
	return t
}

// setTargets parses what says where objects go, and what is in them.
func (s *Stream) setTargets() error {
	c := &s.config
	data, failures, err := parsePrefixes(c.Prefix, c.ErrorOutputPrefix)
	s.data = newTarget(c.Bucket, data, c.CompressionFormat)
	s.failures = newTarget(c.Bucket, failures, c.CompressionFormat)
	s.failures.errorType = processingFailed
	s.unconvertible = newTarget(c.Bucket, failures, Uncompressed)
	s.unconvertible.errorType = conversionFailed
	if c.Conversion != nil {
		// AWS labels a file so whose pages are compressed by Snappy.
		s.data.extension, s.data.encoding = ".parquet", "hadoop-snappy"
	}
	if c.FileExtension != "" {
		s.data.extension, s.failures.extension = c.FileExtension, c.FileExtension
	}
	if b := c.Backup; b != nil {
		raw, _, backupErr := parsePrefixes(b.Prefix, b.ErrorOutputPrefix)
		if backupErr != nil {
			err = errors.Join(err, fmt.Errorf("Backup: %w", backupErr))
		}
		bucket := b.Bucket
		if bucket == nil {
			bucket = c.Bucket
		}
		s.backupData = newTarget(bucket, raw, b.CompressionFormat)
		s.backupData.counted = (*counters).backedUp
	}
	return err
}

// maxDeliveryDelay ends the doubling of pauses between tries of an object.
const maxDeliveryDelay = 30 * time.Second

// streamVersion is part of keys; it counts the changes of a stream's configuration,
// which here never changes.
const streamVersion = 1

// object is what is stored under one key.
type object struct {
	target target
	oldest time.Time // arrival of its oldest record
	body   []byte
	items  []output // that are in it
}

// write delivers items as one object, in the background, as often as it takes.
func (s *Stream) write(to target, items []output) {
	s.objects.Go(func() { s.store(object{to, oldestOf(items), join(items), items}) })
}

func join(items []output) []byte {
	var content bytes.Buffer
	for _, item := range items {
		content.Write(item.data)
	}
	return content.Bytes()
}

func oldestOf(items []output) time.Time {
	oldest := items[0].arrival
	for _, item := range items {
		if item.arrival.Before(oldest) {
			oldest = item.arrival
		}
	}
	return oldest
}

// store puts an object and counts what is in it, unless the stream was closed before it
// could.
func (s *Stream) store(o object) {
	if o.target.gzip {
		o.body = compress(o.body)
	}
	key := fmt.Sprintf("%s%s-%d-%s-%s%s", o.target.prefix.evaluate(o.oldest, o.target.errorType),
		s.config.DeliveryStreamName, streamVersion, o.oldest.UTC().Format("2006-01-02-15-04-05"), uuid.NewString(),
		o.target.extension)
	for delay := s.config.DeliveryRetryDelay; ; delay = min(2*delay, maxDeliveryDelay) {
		if o.target.bucket.Put(s.ctx, key, o.body, o.target.encoding) == nil {
			o.target.counted(&s.counted, o.items)
			return
		}
		select {
		case <-time.After(delay):
		case <-s.ctx.Done():
			return
		}
	}
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// conversionError is a line of a `format-conversion-failed` object. AWS writes null where
// a direct put has nothing to say.
type conversionError struct {
	AttemptsMade           int          `json:"attemptsMade"`
	ArrivalTimestamp       int64        `json:"arrivalTimestamp"` // ms since 1970
	LastErrorCode          string       `json:"lastErrorCode"`
	LastErrorMessage       string       `json:"lastErrorMessage"`
	AttemptEndingTimestamp int64        `json:"attemptEndingTimestamp"` // ms since 1970
	RawData                []byte       `json:"rawData"`                // what was to be converted, base64
	SequenceNumber         string       `json:"sequenceNumber"`
	SubSequenceNumber      *int64       `json:"subSequenceNumber"`
	DataCatalogTable       catalogTable `json:"dataCatalogTable"`
}

type catalogTable struct {
	SchemaTable
	CatalogARN *string `json:"catalogArn"`
}

// convert delivers items as a Parquet object, and those that cannot be converted, as they
// are, under the error prefix. What is converted is what the function answered.
func (s *Stream) convert(items []output) {
	records := make([][]byte, len(items))
	for i, item := range items {
		records[i] = item.data
	}
	file, failures, err := s.config.Conversion.Schema.Convert(records, s.config.Conversion.Compression)
	if err != nil {
		panic(fmt.Errorf("rows of the schema do not fit into its file: %w", err))
	}
	oldest := oldestOf(items)
	var good, failed []output
	for i, item := range items {
		if failures[i] != nil {
			failed = append(failed, s.unconverted(item, failures[i]))
		} else {
			good = append(good, item)
		}
	}
	if len(failed) > 0 {
		s.store(object{target: s.unconvertible, oldest: oldest, body: join(failed), items: failed})
	}
	if len(good) > 0 {
		s.store(object{target: s.data, oldest: oldest, body: file, items: good})
	}
}

// unconverted returns the line about a record that cannot be converted.
func (s *Stream) unconverted(item output, why *ConversionFailure) output {
	line, err := json.Marshal(conversionError{
		AttemptsMade: 1, ArrivalTimestamp: item.arrival.UnixMilli(), LastErrorCode: why.Code, LastErrorMessage: why.Message,
		AttemptEndingTimestamp: time.Now().UnixMilli(), RawData: append([]byte{}, item.data...), SequenceNumber: item.id,
		DataCatalogTable: catalogTable{SchemaTable: s.config.Conversion.Table},
	})
	if err != nil {
		panic(err) // a struct of texts and numbers always encodes
	}
	return output{id: item.id, data: append(line, '\n'), arrival: item.arrival, code: why.Code}
}
