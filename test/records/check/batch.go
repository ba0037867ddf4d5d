package check

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxResponseBytes is the most that a response may have. Lambda takes 6 MiB.
const MaxResponseBytes = 6_000_000

// Record is one record of an event, as it was sent.
type Record struct {
	ID      string
	Data    string // base64, or something else in a hostile record
	Missing bool   // the record has no data
}

// Batch is an event with the response to it.
type Batch struct {
	Records  []Record
	Response []byte
	// MayExpire says that the deadline was near: from some record on, nothing was looked up.
	MayExpire bool
}

// Counts are what was checked.
type Counts struct {
	Records, Ok, Dropped, Failed, NoRoom int
	Objects                              int
	Malicious, Allowed, Clean, Unknown   int
	Timeouts, AlreadyMarked              int
}

// Add adds other to c.
func (c *Counts) Add(other Counts) {
	c.Records += other.Records
	c.Ok += other.Ok
	c.Dropped += other.Dropped
	c.Failed += other.Failed
	c.NoRoom += other.NoRoom
	c.Objects += other.Objects
	c.Malicious += other.Malicious
	c.Allowed += other.Allowed
	c.Clean += other.Clean
	c.Unknown += other.Unknown
	c.Timeouts += other.Timeouts
	c.AlreadyMarked += other.AlreadyMarked
}

// checker checks one batch.
type checker struct {
	batch   *Batch
	answers []response
	state   State
	expired bool // the time of the batch was spent
	counts  Counts

	crowded, sized bool // see isCrowded
}

// Check returns an error that names the first record whose answer is wrong for a transformer in
// this state.
func (b *Batch) Check(s State) (Counts, error) {
	if len(b.Response) > MaxResponseBytes {
		return Counts{}, fmt.Errorf("the response has %d bytes, more than %d", len(b.Response), MaxResponseBytes)
	}

	answers, err := decodeResponse(b.Response)
	if err != nil {
		return Counts{}, fmt.Errorf("the response is not that of a data transformation: %w", err)
	}
	if len(answers) != len(b.Records) {
		return Counts{}, fmt.Errorf("%d answers to %d records", len(answers), len(b.Records))
	}

	c := checker{batch: b, answers: answers, state: s}
	for i := range answers {
		r := &b.Records[i]
		if err := c.record(r, &answers[i]); err != nil {
			return Counts{}, fmt.Errorf("record %d of %d, id %q: %w\nits data: %.4000q", i, len(answers), r.ID, err, r.Data)
		}
	}
	return c.counts, nil
}

// response is one answer, in the contract of Firehose. A missing member is nil.
type response struct {
	RecordID *string `json:"recordId"`
	Result   *string `json:"result"`
	Data     *string `json:"data"`
}

func decodeResponse(text []byte) ([]response, error) {
	var r struct {
		Records []response `json:"records"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the response")
	}
	return r.Records, nil
}

// record checks the answer to one record.
func (c *checker) record(r *Record, a *response) error {
	switch {
	case a.RecordID == nil || a.Result == nil || a.Data == nil:
		return errors.New("the answer lacks a member")
	case *a.RecordID != r.ID:
		return fmt.Errorf("the answer is for the id %q", *a.RecordID)
	case *a.Result != "Ok" && *a.Data != "":
		return fmt.Errorf("the answer is %s and has data", *a.Result)
	}

	c.counts.Records++
	data, objects, err := read(r)
	switch {
	case err != nil:
		c.counts.Failed++
		return want(a, "ProcessingFailed", err)
	case *a.Result == "ProcessingFailed" && c.mayFail(data):
		c.counts.NoRoom++
		return nil
	case len(objects) == 0:
		c.counts.Dropped++
		return want(a, "Dropped", nil)
	}
	c.counts.Ok++
	if err := want(a, "Ok", nil); err != nil {
		return err
	}
	return c.lines(a, objects)
}

func want(a *response, result string, because error) error {
	if *a.Result == result {
		return nil
	}
	if because == nil {
		return fmt.Errorf("the answer is %s, not %s", *a.Result, result)
	}
	return fmt.Errorf("the answer is %s, not %s: %w", *a.Result, result, because)
}

// read returns the bytes of a record and its log objects.
func read(r *Record) (data []byte, objects []object, err error) {
	if r.Missing {
		return nil, nil, errors.New("the record has no data")
	}
	if data, err = base64.StdEncoding.DecodeString(r.Data); err != nil {
		return nil, nil, err
	}
	objects, err = objectsOf(data)
	return data, objects, err
}

// mayFail reports whether a record that can be read may fail: the response has no room for it,
// or the time was spent and it would have to be expanded.
func (c *checker) mayFail(data []byte) bool {
	return c.batch.MayExpire && isCompressed(data) || c.isCrowded()
}

// lines checks the lines of an answer, one for each object.
func (c *checker) lines(a *response, objects []object) error {
	data, err := base64.StdEncoding.Strict().DecodeString(*a.Data)
	if err != nil {
		return fmt.Errorf("the data is not base64: %w", err)
	}
	lines := slices.Collect(bytes.Lines(data))
	if len(lines) != len(objects) {
		return fmt.Errorf("%d lines for %d objects", len(lines), len(objects))
	}

	for i, line := range lines {
		if err := c.line(line, &objects[i]); err != nil {
			return fmt.Errorf("object %d: %w\n got: %.2000q\nfrom: %.2000q", i, err, line, objects[i].bytes)
		}
	}
	return nil
}

// line checks one line: the bytes of the object, the mark, a brace and a line end.
func (c *checker) line(line []byte, o *object) error {
	c.counts.Objects++
	flat := []byte(strings.NewReplacer("\n", " ", "\r", " ").Replace(string(o.bytes)))
	if o.verdict() != "" {
		c.counts.AlreadyMarked++
		if string(line) != string(flat)+"\n" {
			return errors.New("an object that came with a mark was changed")
		}
		return nil
	}

	rest, kept := bytes.CutPrefix(line, flat[:len(flat)-1])
	if !kept {
		return errors.New("the bytes of the object were changed")
	}
	if len(o.members) > 0 {
		if rest, kept = bytes.CutPrefix(rest, []byte{','}); !kept {
			return errors.New("there is no comma before the mark")
		}
	}

	m, err := decodeMark(rest)
	if err != nil {
		return fmt.Errorf("the mark cannot be read: %w", err)
	}
	return c.mark(m, o)
}
