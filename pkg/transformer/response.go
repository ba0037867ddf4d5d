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

// response writes the answers to the records of one event. It keeps room for the remaining
// answers: what they need if they fail, and what their records want. So a record that becomes
// long takes only the room that no other record wants.
type response struct {
	out   []byte
	start int // where this response starts in out
	rest  int // room that is kept for the remaining answers and the tail
}

// begin appends the head. It returns false if the response would be too large even if every
// record failed.
func (r *response) begin(dst []byte, records []record) bool {
	r.out, r.start = dst, len(dst)
	r.rest = len(responseTail)
	wanted := 0
	for i := range records {
		r.rest += answerSize + len(records[i].id)
		wanted += records[i].want
	}

	r.out = append(r.out, responseHead...)
	free := maxResponseBytes - r.size() - r.rest
	if free < 0 {
		return false
	}

	if wanted > free {
		share := fairShare(records, free)
		wanted = 0
		for i := range records {
			records[i].want = min(records[i].want, share)
			wanted += records[i].want
		}
	}
	r.rest += wanted
	return true
}

// take releases the room that is kept for the data of a record, which is the next one to be
// answered.
func (r *response) take(next *record) {
	r.rest -= next.want
	next.want = 0
}

// room returns the maximum size of the lines that [response.ok] accepts. It is negative if
// there is no room at all.
func (r *response) room() int {
	const group, encodedGroup = 3, 4 // base64 writes groups of bytes
	return (maxResponseBytes - r.size() - r.rest) / encodedGroup * group
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
