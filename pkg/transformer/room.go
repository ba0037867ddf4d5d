package transformer

import (
	"encoding/base64"
	"encoding/binary"
	"math"
)

const (
	// maxExpandedBytes is the size limit of an expanded record. A record of CloudWatch Logs
	// has at most 1 MiB, and all answers together must fit into the response.
	maxExpandedBytes = 2 << 20
	// usualRatio is how much smaller compression makes log text at most.
	usualRatio = 64
	// leastExpandedBytes is the size to which every record may expand, so that control messages
	// are recognised in a full response.
	leastExpandedBytes = 64 << 10
	// spareBytes is the size by which all records of an event together may exceed the usual
	// ratio.
	spareBytes = 16 << 20
	// envelopeShare is how much longer the text of a record may be than the room for its
	// lines. In an envelope, text is escaped and surrounded by other members.
	envelopeShare = 4
)

// expansion bounds the work for the compressed records of one event.
type expansion struct{ spare int }

// usual returns the size to which a compressed record of this size may expand, even if all
// others expand as far as they can.
func (e *expansion) usual(size int) int { return max(leastExpandedBytes, usualRatio*size) }

// limits returns the size to which a compressed record of this size may expand, and the size
// from which its lines have no chance to fit into room.
func (e *expansion) limits(size, room int) (limit, hopeless int) {
	return min(e.usual(size)+e.spare, maxExpandedBytes), max(leastExpandedBytes, envelopeShare*room)
}

// use counts a compressed record of this size that became expanded bytes.
func (e *expansion) use(size, expanded int) {
	e.spare -= min(e.spare, max(0, expanded-e.usual(size)))
}

// shortMarkBytes is the size of the longest mark without a threat, with its line end. The
// marks of a record with several objects may take a quarter of the record besides.
const (
	shortMarkBytes = 70
	marksShare     = 4
)

// wantedRoom returns the room that the answer to a record usually needs, with the shortest
// marks. Data is the record in base64, as is the answer.
func wantedRoom(data []byte) int {
	size := len(data)
	if expanded, ok := declaredSize(data); ok {
		size = base64.StdEncoding.EncodedLen(expanded)
	}
	return size + size/marksShare + base64.StdEncoding.EncodedLen(shortMarkBytes)
}

// declaredSize returns the size of the expanded content of a compressed record, according to
// the last four bytes of gzip. ok is false if the record is not compressed or claims a size
// that log text does not have. The size is wrong if there are several gzip members.
func declaredSize(data []byte) (size int, ok bool) {
	const (
		first = "H4s" // gzip with the only compression method that it has
		last  = 8     // characters that hold four bytes, whatever the padding
	)
	if len(data) < len(first)+last || string(data[:len(first)]) != first {
		return 0, false
	}

	var tail [last]byte
	n, err := base64.StdEncoding.Decode(tail[:], data[len(data)-last:])
	if err != nil || n < 4 {
		return 0, false
	}

	size = int(min(binary.LittleEndian.Uint32(tail[n-4:n]), math.MaxInt32))
	return size, size <= min(maxExpandedBytes, usualRatio*base64.StdEncoding.DecodedLen(len(data)))
}

// fairShare returns the highest limit with which the sum of all wants, each of at most the
// limit, is not more than room. So records that want little get all of it, whatever the others
// want.
func fairShare(records []record, room int) int {
	low, high := 0, maxResponseBytes
	for low < high {
		middle := low + (high-low+1)/2
		sum := 0
		for i := range records {
			sum += min(records[i].want, middle)
		}
		if sum <= room {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}
