package check

import (
	"encoding/base64"
	"encoding/binary"
)

// Bounds of what an answer needs, in bytes. A mark is at most markFactor times as long as the
// text of its record, plus markBytes.
const (
	answerBytes = len(`,{"recordId":,"result":"ProcessingFailed","data":""}`)
	markFactor  = 40
	markBytes   = 2048
)

// isCrowded reports whether the answers to all records, with complete marks, may not fit into
// the response. Only then may a record fail that can be read, or a mark be shorter. A
// transformer may keep room for a record that turns out not to need it.
func (c *checker) isCrowded() bool {
	if c.sized {
		return c.crowded
	}
	c.sized = true
	size := 0
	for i := range c.answers {
		size += answerBytes + len(c.batch.Records[i].ID) + c.wanted(i)
	}
	c.crowded = size > MaxResponseBytes
	return c.crowded
}

// wanted returns a bound of the room that an answer needs or that a transformer may keep for it.
func (c *checker) wanted(i int) int {
	r, a := &c.batch.Records[i], &c.answers[i]
	data, _, err := read(r)
	size := declaredSize(data)
	kept := base64.StdEncoding.EncodedLen(size+size/4) + markBytes/16
	switch {
	case err != nil:
		return kept // a transformer cannot know
	case *a.Result == "Ok":
		return max(kept, len(*a.Data))
	default:
		return max(kept, base64.StdEncoding.EncodedLen(markFactor*size+markBytes))
	}
}

// declaredSize returns the size of the text of a record: if it is compressed, the size that the
// end of the data states, unless log text does not become so much shorter.
func declaredSize(data []byte) int {
	const usualRatio = 64
	if !isCompressed(data) || len(data) < 4 {
		return len(data)
	}
	size := binary.LittleEndian.Uint32(data[len(data)-4:])
	if size > maxExpandedBytes || int(size) > usualRatio*len(data) {
		return len(data)
	}
	return int(size)
}
