package transformer

import (
	"slices"

	"github.com/segmentio/asm/base64"
)

// maxResponseBytes is the maximum size of a response. Lambda allows 6 MiB (6,291,456 bytes)
// for a synchronous response, including what it adds itself.
const maxResponseBytes = 6_000_000

// Parts of a response. The results must have exactly this spelling, and Firehose can reject
// a record without `data`.
const (
	responseHead = `{"records":[`
	responseTail = `]}`
	answerID     = `{"recordId":`
	answerOk     = `,"result":"Ok","data":"`
	answerDrop   = `,"result":"Dropped","data":"`
	answerFail   = `,"result":"ProcessingFailed","data":"`
	answerEnd    = `"}`
	answerSize   = len(",") + len(answerID) + len(answerFail) + len(answerEnd) // at most, without id and data
)

// response writes the answers to the records of one event and reserves room for the
// remaining answers.
type response struct {
	out   []byte
	start int // where this response starts in out
	rest  int // minimum size of the remaining answers and the tail
}

// begin appends the head. It returns false if the response would be too large even if every
// record failed.
func (r *response) begin(dst []byte, records []record) bool {
	r.out, r.start = dst, len(dst)
	r.rest = len(responseTail)
	for i := range records {
		r.rest += answerSize + len(records[i].id)
	}
	r.out = append(r.out, responseHead...)
	return r.size()+r.rest <= maxResponseBytes
}

func (r *response) size() int { return len(r.out) - r.start }

// ok appends the answer to a transformed record. It returns false and appends nothing if
// the answer does not fit.
func (r *response) ok(id, lines []byte) bool {
	encoded := base64.StdEncoding.EncodedLen(len(lines))
	if r.size()+encoded+r.rest > maxResponseBytes {
		return false
	}

	r.answer(id, answerOk)
	end := len(r.out)
	r.out = slices.Grow(r.out, encoded+len(answerEnd))[:end+encoded]
	base64.StdEncoding.Encode(r.out[end:], lines)
	r.out = append(r.out, answerEnd...)
	return true
}

// drop appends the answer to a record without log objects.
func (r *response) drop(id []byte) {
	r.answer(id, answerDrop)
	r.out = append(r.out, answerEnd...)
}

// fail appends the answer to a record that Firehose must set aside. Firehose has the original
// data, so the answer does not repeat it.
func (r *response) fail(id []byte) {
	r.answer(id, answerFail)
	r.out = append(r.out, answerEnd...)
}

// answer appends an answer up to its data, and releases the room that was reserved for it.
func (r *response) answer(id []byte, result string) {
	if r.size() > len(responseHead) {
		r.out = append(r.out, ',')
	}
	r.out = append(append(append(r.out, answerID...), id...), result...)
	r.rest -= answerSize + len(id)
}

// end appends the tail and returns the complete output.
func (r *response) end() []byte { return append(r.out, responseTail...) }
