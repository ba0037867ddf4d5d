package firehose

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
)

// event is the event for the function.
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

// work transforms batches until the channel is closed.
func (s *Stream) work() {
	for batch := range s.batches {
		s.transform(batch)
	}
}

// transform invokes the function for a batch and forwards the results. It retries failed
// invocations, but not responses that violate the contract.
func (s *Stream) transform(batch []record) {
	p := s.config.Processing
	for attempt := 1; ; attempt++ {
		response, err := s.invoke(batch)
		switch {
		case err == nil:
			results, failure := readResponse(response, batch)
			if failure != nil {
				s.failAll(batch, *failure, attempt)
				return
			}
			s.forward(batch, results, attempt)
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

// invoke invokes the function once, with a new invocation id.
func (s *Stream) invoke(batch []record) ([]byte, error) {
	in := event{
		InvocationID:      uuid.NewString(),
		DeliveryStreamArn: s.arn(),
		Region:            region,
		Records:           make([]eventRecord, len(batch)),
	}
	for i, r := range batch {
		in.Records[i] = eventRecord{r.id, r.arrival.UnixMilli(), append([]byte{}, r.data...)} // empty data must become "", not null
	}

	payload, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithTimeout(s.ctx, invokeLimit)
	defer cancel()
	return s.config.Processing.Function.Invoke(ctx, payload)
}

// failure is the reason why a record was not processed, in the words of AWS.
type failure struct{ code, message string }

// failureOf returns the failure that Firehose reports for an error of an invocation.
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

// forward sends every record of a batch to the destination that its result requires.
func (s *Stream) forward(batch []record, results []outcome, attempts int) {
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

func (s *Stream) failAll(batch []record, reason failure, attempts int) {
	for _, r := range batch {
		s.fail(r, reason, attempts)
	}
}

// errorRecord is a line of a `processing-failed` object. AWS documents `lambdaArn` but writes
// `lambdaARN`.
type errorRecord struct {
	AttemptsMade           int    `json:"attemptsMade"`
	ArrivalTimestamp       int64  `json:"arrivalTimestamp"` // ms since 1970
	ErrorCode              string `json:"errorCode"`
	ErrorMessage           string `json:"errorMessage"`
	AttemptEndingTimestamp int64  `json:"attemptEndingTimestamp"` // ms since 1970
	RawData                []byte `json:"rawData"`                // the original record in base64
	LambdaARN              string `json:"lambdaARN"`
}

// fail sends the original record to the error prefix.
func (s *Stream) fail(r record, reason failure, attempts int) {
	line, err := json.Marshal(errorRecord{
		AttemptsMade:           attempts,
		ArrivalTimestamp:       r.arrival.UnixMilli(),
		ErrorCode:              reason.code,
		ErrorMessage:           reason.message,
		AttemptEndingTimestamp: time.Now().UnixMilli(),
		RawData:                append([]byte{}, r.data...),
		LambdaARN:              s.config.Processing.LambdaArn,
	})
	if err != nil {
		panic(err) // a struct of strings and numbers always encodes
	}

	s.failed.add(output{id: r.id, data: append(line, '\n'), arrival: r.arrival, code: reason.code})
}

// outcome is the result of the function for one record: data, a failure, or dropped.
type outcome struct {
	data    []byte
	failure *failure
	dropped bool
}

// Failures that AWS reports for responses.
var (
	notParsable = failure{"Lambda.JsonProcessingException",
		"There was an error parsing returned records from the Lambda function. " +
			"Ensure that the returned records follow the status model required by Firehose."}
	notInFormat = failure{"Lambda.FunctionError",
		"Check your function and make sure the output is in required format. In addition to that, make sure " +
			"the processed records contain valid result status of Dropped, Ok, or ProcessingFailed"}
	duplicatedID = failure{"Lambda.DuplicatedRecordId", "Multiple records were returned with the same record Id. " +
		"Ensure that the Lambda function returns unique record Ids for each record."}
	missingID = failure{"Lambda.MissingRecordId", "One or more record Ids were not returned. " +
		"Ensure that the Lambda function returns all received record Ids."}
	setFailed = failure{"Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record"}
)

// readResponse returns the outcome of each record in a batch. The returned failure applies to the
// whole batch. Reasons are invalid JSON, a duplicate id, a result other than `Ok`, `Dropped` or
// `ProcessingFailed`, and data that is missing or not base64. If an id is missing, only that
// record fails. Unknown ids are ignored.
//
// AWS documents that every record must have `data`, although it has accepted dropped records
// without it. readResponse requires it.
func readResponse(response []byte, batch []record) ([]outcome, *failure) {
	var parsed map[string]json.RawMessage // unlike a struct, a map matches names case-sensitively
	if json.Unmarshal(response, &parsed) != nil {
		return nil, &notParsable
	}
	var returned []map[string]json.RawMessage
	if json.Unmarshal(parsed["records"], &returned) != nil || returned == nil {
		return nil, &notParsable
	}

	byID := make(map[string]outcome, len(returned))
	for _, members := range returned {
		id, result, ok := readRecord(members)
		if !ok {
			return nil, &notInFormat
		}
		if _, twice := byID[id]; twice {
			return nil, &duplicatedID
		}
		byID[id] = result
	}

	results := make([]outcome, len(batch))
	for i, r := range batch {
		result, found := byID[r.id]
		if !found {
			result = outcome{failure: &missingID}
		}
		results[i] = result
	}

	return results, nil
}

// readRecord reads one record of a response. ok is false if it violates the contract.
func readRecord(members map[string]json.RawMessage) (id string, result outcome, ok bool) {
	id, hasID := text(members["recordId"])
	status, hasStatus := text(members["result"])
	encoded, hasData := text(members["data"])
	if !hasID || id == "" || !hasStatus || !hasData {
		return "", outcome{}, false
	}

	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", outcome{}, false
	}

	switch status {
	case "Ok":
		return id, outcome{data: data}, true
	case "Dropped":
		return id, outcome{dropped: true}, true
	case "ProcessingFailed":
		return id, outcome{failure: &setFailed}, true
	}
	return "", outcome{}, false
}

// text decodes a JSON string. It returns false for other values, including null.
func text(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
