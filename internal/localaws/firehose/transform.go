package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
)

// region is that of all local parts.
const region = "us-east-1"

// event is what the function gets.
type event struct {
	InvocationID      string        `json:"invocationId"`
	DeliveryStreamArn string        `json:"deliveryStreamArn"`
	Region            string        `json:"region"`
	Records           []eventRecord `json:"records"`
}

type eventRecord struct {
	RecordID string `json:"recordId"`
	Arrival  int64  `json:"approximateArrivalTimestamp"` // ms since 1970
	Data     []byte `json:"data"`                        // base64 on the wire
}

// ARN returns the stream's name in AWS's long form.
func (s *Stream) ARN() string {
	if s.config.DeliveryStreamARN != "" {
		return s.config.DeliveryStreamARN
	}
	return "arn:aws:firehose:" + region + ":000000000000:deliverystream/" + s.config.DeliveryStreamName
}

// work transforms batches until there are no more.
func (s *Stream) work() {
	for batch := range s.batches {
		s.transform(batch)
	}
}

// transform invokes the function for a batch, again if the invocation fails, and
// passes the results on. An answer that breaks the contract is not asked for twice.
func (s *Stream) transform(batch []record) {
	p := s.config.Processing
	for attempt := 1; ; attempt++ {
		answer, err := s.invoke(batch)
		switch {
		case err == nil:
			results, failure := readAnswer(answer, batch)
			if failure != nil {
				s.failAll(batch, *failure, attempt)
				return
			}
			s.pass(batch, results, attempt)
			return
		case attempt > p.NumberOfRetries || s.ctx.Err() != nil:
			s.failAll(batch, failureOf(err), attempt)
			return
		}
		select {
		case <-time.After(p.RetryDelay):
		case <-s.ctx.Done():
		}
	}
}

// invoke calls the function once, under a new invocation id.
func (s *Stream) invoke(batch []record) ([]byte, error) {
	in := event{InvocationID: uuid.NewString(), DeliveryStreamArn: s.ARN(), Region: region,
		Records: make([]eventRecord, len(batch))}
	for i, r := range batch {
		in.Records[i] = eventRecord{r.id, r.arrival.UnixMilli(), append([]byte{}, r.data...)} // empty data is "", never null
	}
	payload, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	s.counted.add(func(m *Metrics) { m.Invocations++ })
	ctx, cancel := context.WithTimeout(s.ctx, invokeLimit)
	defer cancel()
	return s.config.Processing.Function.Invoke(ctx, payload)
}

// failure is why a record was not processed, in AWS's words.
type failure struct{ code, message string }

// failureOf returns how Firehose reports an invocation that failed.
func failureOf(err error) failure {
	function := (*lambda.FunctionError)(nil)
	switch {
	case errors.As(err, &function):
		return failure{"Lambda.FunctionError",
			"The Lambda function was successfully invoked but it returned an error result."}
	case errors.Is(err, lambda.ErrThrottled):
		return failure{"Lambda.InvokeLimitExceeded", "The Lambda concurrent execution limit is exceeded. " +
			"Increase the concurrent execution limit."}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{"Lambda.FunctionTimedOut", "The Lambda function did not answer within 5 minutes."}
	}
	return failure{"Lambda.InternalServerError", "The Lambda function could not be invoked: " + err.Error()}
}

// pass sends every record of a batch where its result says.
func (s *Stream) pass(batch []record, results []outcome, attempts int) {
	for i, r := range batch {
		switch result := results[i]; {
		case result.failure != nil:
			s.fail(r, *result.failure, attempts)
		case result.dropped:
			s.counted.add(func(m *Metrics) { m.DroppedRecords++ })
		default:
			s.delivered.add(output{id: r.id, data: result.data, arrival: r.arrival})
		}
	}
}

func (s *Stream) failAll(batch []record, why failure, attempts int) {
	for _, r := range batch {
		s.fail(r, why, attempts)
	}
}

// errorRecord is a line of a `processing-failed` object. AWS documents `lambdaArn`
// and writes `lambdaARN`.
type errorRecord struct {
	AttemptsMade           int    `json:"attemptsMade"`
	ArrivalTimestamp       int64  `json:"arrivalTimestamp"` // ms since 1970
	ErrorCode              string `json:"errorCode"`
	ErrorMessage           string `json:"errorMessage"`
	AttemptEndingTimestamp int64  `json:"attemptEndingTimestamp"` // ms since 1970
	RawData                []byte `json:"rawData"`                // of the record as it came, base64
	LambdaARN              string `json:"lambdaARN"`
}

// fail sends a record, as it came, to the error prefix.
func (s *Stream) fail(r record, why failure, attempts int) {
	line, err := json.Marshal(errorRecord{
		AttemptsMade: attempts, ArrivalTimestamp: r.arrival.UnixMilli(), ErrorCode: why.code, ErrorMessage: why.message,
		AttemptEndingTimestamp: time.Now().UnixMilli(), RawData: append([]byte{}, r.data...),
		LambdaARN: s.config.Processing.LambdaArn,
	})
	if err != nil {
		panic(err) // a struct of texts and numbers always encodes
	}
	s.failed.add(output{id: r.id, data: append(line, '\n'), arrival: r.arrival, code: why.code})
}
