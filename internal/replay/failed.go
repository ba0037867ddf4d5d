package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// failed is a record that was set aside.
type failed struct {
	record []byte // as the producer sent it
	line   int    // in its object, from 1
	code   string // why it was set aside, or cannot come back
	why    string
}

// errNoRecord means that a line of an object of failed records has no record in it.
var errNoRecord = errors.New("not a record that was set aside: it has no rawData in base64")

// readFailed reads a line of Firehose or the marker. Firehose writes the same members for records
// that a function or the conversion failed, but for the names of the error: encoding/json takes
// them in every case.
//
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
func readFailed(line []byte, number int) (failed, error) {
	var got struct {
		RawData      *[]byte `json:"rawData"`
		ErrorCode    string  `json:"errorCode"`
		ErrorMessage string  `json:"errorMessage"`
	}
	if err := json.Unmarshal(line, &got); err != nil || got.RawData == nil {
		return failed{record: line, line: number, code: "Replay.NoRecord", why: errNoRecord.Error()}, errNoRecord
	}
	return failed{record: *got.RawData, line: number, code: got.ErrorCode, why: got.ErrorMessage}, nil
}

// append appends the record as a line of a record that was set aside.
func (f *failed) append(dst []byte) []byte {
	line, err := json.Marshal(struct {
		ErrorCode    string `json:"errorCode"`
		ErrorMessage string `json:"errorMessage"`
		RawData      []byte `json:"rawData"`
		Line         int    `json:"line"`
	}{f.code, f.why, f.record, f.line})
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	return append(append(dst, line...), '\n')
}

// reader marks records in the forms that a producer sends, as the transformer does.
type reader struct {
	marker   *verdict.Marker
	expander resolverlog.Expander
}

// codeUnreadable is the code of records that cannot be marked.
const codeUnreadable = "Replay.UnreadableRecord"

// mark appends the marked lines of a record, which a subscription of CloudWatch Logs sends
// compressed. There are none of a blank record.
func (r *reader) mark(dst, record []byte) ([]byte, error) {
	text, err := r.expander.Expand(record, maxLine)
	if err != nil {
		return dst, err
	}
	return r.marker.Mark(dst, text)
}

// maxLine limits a line. A record of Firehose has at most 1,000 KiB, and one that failed its
// conversion can be 6 MB; base64 makes it a third longer.
const maxLine = 16 << 20

// lines calls each for the lines of an object, which may be compressed, with their numbers from
// 1. Blank lines are left out.
func lines(object io.Reader, each func(line []byte, number int) error) error {
	text, _, err := expanded(object)
	if err != nil {
		return err
	}
	return linesOf(text, each)
}

// linesOf calls each for the lines of a text, like [lines].
func linesOf(text io.Reader, each func(line []byte, number int) error) error {
	scanner := bufio.NewScanner(text)
	scanner.Buffer(nil, maxLine)
	for number := 1; scanner.Scan(); number++ {
		if line := bytes.TrimSpace(scanner.Bytes()); len(line) > 0 {
			if err := each(line, number); err != nil {
				return err
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("reading the object: %w", err)
	}
	return nil
}

// expanded returns the text of an object, and whether the object is compressed. It looks at the
// first bytes and not at the name.
func expanded(object io.Reader) (text io.Reader, compressed bool, err error) {
	const bufferBytes = 256 << 10
	buffered := bufio.NewReaderSize(object, bufferBytes)
	head, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("reading the object: %w", err)
	}
	if !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return buffered, false, nil
	}
	reader, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, false, fmt.Errorf("reading gzip: %w", err)
	}
	return reader, true, nil
}
