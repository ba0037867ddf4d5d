package transformer

import (
	"slices"

	"github.com/segmentio/asm/base64"
)

// maxResponseBytes is the longest response. Lambda's own limit for a synchronous
// answer is 6 MiB; the rest is room for what stands around it.
const maxResponseBytes = 6_000_000

// Pieces of a response. Firehose takes the first spelling it knows for the results,
// and a record without `data` is one it may refuse.
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

// response writes the answers of one event, as many as it announced, and keeps room
// for those to come.
type response struct {
	out   []byte
	start int // of this response in out
	rest  int // bytes that the answers to come take at least, and the tail
}

// begin appends the head. It returns false if there is no room for answers to all
// records, were they all failed.
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

// ok appends the answer to a record that was transformed. It returns false, and
// appends nothing, if the answer does not fit.
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

// drop appends the answer to a record that holds nothing.
func (r *response) drop(id []byte) {
	r.answer(id, answerDrop)
	r.out = append(r.out, answerEnd...)
}

// fail appends the answer to a record that Firehose must set aside. It keeps the
// record itself.
func (r *response) fail(id []byte) {
	r.answer(id, answerFail)
	r.out = append(r.out, answerEnd...)
}

// answer appends an answer up to its data, which take none of the room that is kept.
func (r *response) answer(id []byte, result string) {
	if r.size() > len(responseHead) {
		r.out = append(r.out, ',')
	}
	r.out = append(append(append(r.out, answerID...), id...), result...)
	r.rest -= answerSize + len(id)
}

// end appends the tail and returns all that was written.
func (r *response) end() []byte { return append(r.out, responseTail...) }
