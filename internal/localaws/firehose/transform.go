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

// outcome is what the function made of one record: data, a failure, or dropped.
type outcome struct {
	data    []byte
	failure *failure
	dropped bool
}

// Failures that AWS reports for answers.
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

// readAnswer returns what an answer says of each record of the batch. A failure is
// about the batch as a whole: JSON that is none, an id twice, a result that is not
// spelled `Ok`, `Dropped` or `ProcessingFailed`, data that is missing or not base64.
// An id that is missing fails its record alone; ids that nobody sent are ignored.
//
// AWS's contract demands `data` of every record, although functions that leave it
// out of dropped ones have been seen to work: it is demanded here.
func readAnswer(answer []byte, batch []record) ([]outcome, *failure) {
	var parsed map[string]json.RawMessage // member names in exact case, unlike a struct's
	if json.Unmarshal(answer, &parsed) != nil {
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

// readRecord reads one record of an answer; ok is false if it breaks the contract.
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

// text reads a JSON string; false for anything else, null included.
func text(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
