package marker

import (
	"encoding/json"
	"time"
)

// failedLine is a record that cannot be read, written like a record that Firehose sets aside, so
// that everything that reads those reads ours. It names the place that the record came from.
//
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
type failedLine struct {
	AttemptsMade     int    `json:"attemptsMade"`
	ArrivalTimestamp int64  `json:"arrivalTimestamp"` // ms since 1970
	ErrorCode        string `json:"errorCode"`
	ErrorMessage     string `json:"errorMessage"`
	AttemptEnding    int64  `json:"attemptEndingTimestamp"` // ms since 1970
	RawData          []byte `json:"rawData"`                // the line, in base64
	SourceBucket     string `json:"sourceBucket"`
	SourceKey        string `json:"sourceKey"`
	SourceETag       string `json:"sourceETag"`
	Line             int    `json:"line"` // from 1
}

// codeUnreadable is the error code of lines that cannot be read.
const codeUnreadable = "Resolverwatch.UnreadableRecord"

// appendFailed appends the line about a record. All its times are those of the object, so that a
// repeat writes the same bytes.
func appendFailed(dst []byte, o *Object, at time.Time, line int, record []byte, problem error) []byte {
	text, err := json.Marshal(failedLine{
		AttemptsMade: 1, ArrivalTimestamp: at.UnixMilli(), AttemptEnding: at.UnixMilli(),
		ErrorCode: codeUnreadable, ErrorMessage: problem.Error(), RawData: record,
		SourceBucket: o.Bucket, SourceKey: o.Key, SourceETag: o.identity(), Line: line,
	})
	if err != nil {
		panic(err) // a struct of texts and numbers always encodes
	}
	return append(append(dst, text...), '\n')
}
