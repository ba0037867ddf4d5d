package firehose

import (
	"encoding/base64"
	"encoding/json"
)

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
