package matches

import (
	"bytes"
	"time"
)

// timestamps reads the times of query logs. Records of a batch have few different ones, one
// after the other, so it remembers the last one.
type timestamps struct {
	text   [len("2006-01-02T15:04:05.000Z")]byte
	size   int
	millis int64
	ok     bool
}

// parse returns a time in milliseconds since 1970. ok is false if the text is not a time in the
// form of RFC 3339.
func (t *timestamps) parse(text []byte) (millis int64, ok bool) {
	if bytes.Equal(text, t.text[:t.size]) {
		return t.millis, t.ok
	}

	var at time.Time
	ok = at.UnmarshalText(text) == nil
	if len(text) <= len(t.text) {
		t.size = copy(t.text[:], text)
		t.millis, t.ok = at.UnixMilli(), ok
	}
	return at.UnixMilli(), ok
}
