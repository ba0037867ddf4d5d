// Package firehose implements delivery streams to S3 that follow Firehose's rules: buffering
// hints by size and time, the Lambda processor with its event, retries and strict checks of the
// response, `processing-failed` records, prefixes with expressions, GZIP, record format
// conversion to Parquet, source backup, and the limits of the API. It refuses what AWS refuses
// and delivers to the error prefix what AWS delivers there.
//
// It lacks other sources and destinations, conversion to ORC and with Hive's JSON SerDe, columns
// of time, decimals and bytes, dynamic partitioning, other processors, encryption and quotas per
// second. AWS asks Glue for the columns of the table at every conversion; here they are given
// once. Buffers are in memory, and [Stream.Close] delivers them.
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
	"github.com/resolverwatch/resolverwatch/pkg/keyprefix"
)

// Limits of the service.
const (
	maxRecordBytes   = 1000 << 10
	maxBatchRecords  = 500
	maxBatchBytes    = 4 << 20
	outstandingCalls = 5 // concurrent invocations of the processor
	invokeLimit      = 5 * time.Minute
)

// region is the region of the local AWS.
const region = "us-east-1"

// errClosed is returned for records that arrive after [Stream.Close].
var errClosed = errors.New("the delivery stream is closed")

// Stream is a delivery stream. It is safe for concurrent use. Call [Stream.Close] to deliver the
// buffered records.
type Stream struct {
	config        Config
	data          target
	failures      target // for records that could not be processed
	unconvertible target // for records that could not be converted
	backupData    target

	ctx     context.Context // canceled when Close gives up
	cancel  context.CancelFunc
	batches chan []record // for the processor
	workers sync.WaitGroup
	objects sync.WaitGroup // deliveries in progress

	incoming  *buffer[record]
	delivered *buffer[output]
	failed    *buffer[output]
	backup    *buffer[output] // nil without a backup

	mu      sync.RWMutex // read-locked while records are accepted
	closed  bool
	counted counters
}

// record is a record as the producer sent it.
type record struct {
	id      string // id in the event for the function
	data    []byte
	arrival time.Time
}

func (r record) size() int { return len(r.data) }

// output is data for an object, derived from one record.
type output struct {
	id      string // of the record
	data    []byte
	arrival time.Time // of the record
	code    string    // error code, or "" if nothing failed
}

func (o output) size() int { return len(o.data) }

// New starts a stream. Its error lists every rule that the configuration violates.
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
		s.incoming = &buffer[record]{
			limit:    int(p.BufferSizeInMBs * (1 << 20)),
			interval: time.Duration(p.BufferIntervalInSeconds) * time.Second,
			exact:    true,
			flush:    func(items []record) { s.batches <- items },
		}
		for range outstandingCalls {
			s.workers.Go(s.work)
		}
	}
	return s, nil
}

// newBuffer returns a buffer for the contents of objects.
func newBuffer(hints *BufferingHints, flush func([]output)) *buffer[output] {
	return &buffer[output]{limit: hints.SizeInMBs << 20,
		interval: time.Duration(hints.IntervalInSeconds) * time.Second, flush: flush}
}

// Put accepts a record and returns its id. Its errors are those of AWS, and one for
// a closed stream. Put blocks while the maximum number of invocations is in progress.
func (s *Stream) Put(data []byte) (id string, err error) {
	if len(data) > maxRecordBytes {
		return "", tooLong("record.data", maxRecordBytes)
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

// slowDown is the message of AWS for records above the quota.
const slowDown = "Slow down."

// PutBatch accepts records and returns an id for each. The id is "" if a record was refused and
// must be sent again. If PutBatch returns an error, which is one of those of [Stream.Put], it
// accepted no record.
func (s *Stream) PutBatch(batch [][]byte) (ids []string, err error) {
	if len(batch) == 0 {
		return nil, awsjson.Invalid("1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1")
	}
	if len(batch) > maxBatchRecords {
		return nil, tooLong("records", maxBatchRecords)
	}

	bytes := 0
	for i, data := range batch {
		if bytes += len(data); len(data) > maxRecordBytes {
			return nil, tooLong(fmt.Sprintf("records.%d.member.data", i+1), maxRecordBytes)
		}
	}
	if bytes > maxBatchBytes {
		return nil, &awsjson.Error{Code: "InvalidArgumentException", Message: "Records size exceeds 4 MB limit"}
	}

	return s.accept(batch)
}

func tooLong(member string, limit int) error {
	return awsjson.Invalid(fmt.Sprintf("1 validation error detected: Value at '%s' failed to satisfy constraint: "+
		"Member must have length less than or equal to %d", member, limit))
}

// accept adds records to the first buffer.
func (s *Stream) accept(batch [][]byte) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}

	ids := make([]string, len(batch))
	accepted := len(batch)
	if s.config.refuse != nil {
		accepted = max(0, accepted-s.config.refuse(accepted))
	}

	now := time.Now()
	for i, data := range batch[:accepted] {
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

// recordID returns the id of a record for the function. It is a long decimal number, which a
// function must not parse as an integer.
func recordID(number int) string { return fmt.Sprintf("4966%052d000000", number) }

// arn returns the ARN of the stream.
func (s *Stream) arn() string {
	if s.config.DeliveryStreamARN != "" {
		return s.config.DeliveryStreamARN
	}
	return "arn:aws:firehose:" + region + ":000000000000:deliverystream/" + s.config.DeliveryStreamName
}

// Metrics returns the current metrics.
func (s *Stream) Metrics() Metrics { return s.counted.read() }

// Close refuses further records, delivers the buffered ones, and returns when all of them are
// stored. If ctx ends first, the others are lost and Close returns an error.
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
		return s.lossError(ctx.Err())
	}
}

// lossError returns an error with the number of records that were not stored in time.
func (s *Stream) lossError(cause error) error {
	metrics := s.counted.read()

	var problems []error
	if lost := metrics.Pending(); lost > 0 {
		problems = append(problems, fmt.Errorf("closing delivery stream %s: %d records are not delivered: %w",
			s.config.DeliveryStreamName, lost, cause))
	}
	if lost := metrics.IncomingRecords - metrics.backedUpRecords; s.backup != nil && lost > 0 {
		problems = append(problems, fmt.Errorf("closing delivery stream %s: %d records are not backed up: %w",
			s.config.DeliveryStreamName, lost, cause))
	}
	return errors.Join(problems...)
}

// target is the destination of objects of one kind.
type target struct {
	bucket    Bucket
	prefix    keyprefix.Prefix
	errorType string // value of !{firehose:error-output-type}
	gzip      bool
	encoding  string // content encoding
	extension string // end of the key
	counted   func(*counters, []output)
}

// newTarget returns a target for objects with the given compression.
func newTarget(bucket Bucket, prefix keyprefix.Prefix, compression string) target {
	t := target{bucket: bucket, prefix: prefix, counted: (*counters).delivered}
	if compression == GZIP {
		t.gzip, t.encoding, t.extension = true, "gzip", ".gz"
	}
	return t
}

// setTargets sets the targets of the stream from its configuration.
func (s *Stream) setTargets() error {
	c := &s.config

	data, failures, err := keyprefix.Parse(c.Prefix, c.ErrorOutputPrefix)
	s.data = newTarget(c.Bucket, data, c.CompressionFormat)
	s.failures = newTarget(c.Bucket, failures, c.CompressionFormat)
	s.failures.errorType = keyprefix.ProcessingFailed
	s.unconvertible = newTarget(c.Bucket, failures, Uncompressed)
	s.unconvertible.errorType = keyprefix.ConversionFailed

	if c.Conversion != nil {
		// AWS uses this label for files whose pages are compressed with Snappy.
		s.data.extension, s.data.encoding = ".parquet", "hadoop-snappy"
	}
	if c.FileExtension != "" {
		s.data.extension, s.failures.extension = c.FileExtension, c.FileExtension
	}

	if b := c.Backup; b != nil {
		raw, _, backupErr := keyprefix.Parse(b.Prefix, b.ErrorOutputPrefix)
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

// Pauses before an object is stored again after an error. They double with each try.
const (
	minDeliveryDelay = time.Second
	maxDeliveryDelay = 30 * time.Second
)

// streamVersion is part of keys. On AWS it counts the changes of the stream's configuration.
const streamVersion = 1

// object is an object to store.
type object struct {
	target target
	oldest time.Time // arrival of its oldest record
	body   []byte
	items  []output // contents of the object
}

// write delivers items as one object in the background. It retries until it succeeds.
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

// store stores an object and updates the metrics. It retries until it succeeds or Close gives up.
func (s *Stream) store(o object) {
	if o.target.gzip {
		o.body = compress(o.body)
	}

	key := fmt.Sprintf("%s%s-%d-%s-%s%s",
		o.target.prefix.Key(o.oldest, o.target.errorType, keyprefix.Random),
		s.config.DeliveryStreamName,
		streamVersion,
		o.oldest.UTC().Format("2006-01-02-15-04-05"),
		uuid.NewString(),
		o.target.extension)

	for delay := minDeliveryDelay; ; delay = min(2*delay, maxDeliveryDelay) {
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
	_, _ = w.Write(body) // writing to a bytes.Buffer cannot fail
	_ = w.Close()
	return out.Bytes()
}

// conversionError is a line of a `format-conversion-failed` object. Like AWS, it has null for
// members that do not apply to direct puts.
type conversionError struct {
	AttemptsMade           int          `json:"attemptsMade"`
	ArrivalTimestamp       int64        `json:"arrivalTimestamp"` // ms since 1970
	LastErrorCode          string       `json:"lastErrorCode"`
	LastErrorMessage       string       `json:"lastErrorMessage"`
	AttemptEndingTimestamp int64        `json:"attemptEndingTimestamp"` // ms since 1970
	RawData                []byte       `json:"rawData"`                // the input of the conversion in base64
	SequenceNumber         string       `json:"sequenceNumber"`
	SubSequenceNumber      *int64       `json:"subSequenceNumber"`
	DataCatalogTable       catalogTable `json:"dataCatalogTable"`
}

type catalogTable struct {
	SchemaTable
	CatalogARN *string `json:"catalogArn"`
}

// convert delivers items, which are the output of the function if there is one, as a Parquet
// object. Items that cannot be converted are delivered to the error prefix.
func (s *Stream) convert(items []output) {
	records := make([][]byte, len(items))
	for i, item := range items {
		records[i] = item.data
	}

	file, failures, err := s.config.Conversion.Schema.Convert(records, s.config.Conversion.Compression)
	if err != nil {
		panic(fmt.Errorf("encoding rows with their own schema: %w", err))
	}

	oldest := oldestOf(items)
	var good, failed []output
	for i, item := range items {
		if failures[i] != nil {
			failed = append(failed, s.failedLine(item, failures[i]))
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

// failedLine returns the line for the error prefix about an item that cannot be converted.
func (s *Stream) failedLine(item output, failure *ConversionFailure) output {
	line, err := json.Marshal(conversionError{
		AttemptsMade:           1,
		ArrivalTimestamp:       item.arrival.UnixMilli(),
		LastErrorCode:          failure.Code,
		LastErrorMessage:       failure.Message,
		AttemptEndingTimestamp: time.Now().UnixMilli(),
		RawData:                append([]byte{}, item.data...),
		SequenceNumber:         item.id,
		DataCatalogTable:       catalogTable{SchemaTable: s.config.Conversion.Table},
	})
	if err != nil {
		panic(err) // a struct of strings and numbers always encodes
	}

	return output{id: item.id, data: append(line, '\n'), arrival: item.arrival, code: failure.Code}
}
